//! Image requests: Image API 3.0 and 2.1, section 4.

use super::address::{self, Service};
use super::asset::{Found, Ready, find};
use super::caching::{Caching, digest};
use crate::access::Caller;
use crate::error::{Answer, Problem};
use crate::http::conditional::{Validators, into_not_modified};
use crate::http::query::QueryParams;
use crate::http::raw_path::PathParams;
use crate::state::Shared;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::IntoResponse;
use bytes::Bytes;
use dlcs_iiif::image_info::ComplianceLevel;
use dlcs_iiif::image_request::{ImageRequest, ImageVersion, Limits, Resolved, resolve};
use dlcs_iiif::link::image_links;
use dlcs_imaging::plan::{RenderLimits, RenderPlan, plan};
use dlcs_objects::ObjectKey;

/// `/iiif-img/[{v}/]{c}/{s}/{a}/{region}/{size}/{rotation}/{quality}.{format}`.
pub(crate) async fn image(
    State(state): State<Shared>,
    caller: Caller,
    params: PathParams,
    query: QueryParams,
    headers: HeaderMap,
) -> Answer {
    let found = find(&state, &caller, &params).await?;
    let ready = found.ready()?;
    ready.needs_channel("iiif-img")?;
    let fixed = caller.version.map(|version| version.image());
    let (version, request) = parse(&params, fixed)?;
    let resolved = resolve(&request, version, ready.dimensions(), &state.limits.image)
        .map_err(|error| Problem::bad_request("bad-image-request", error.to_string()))?;
    let asked = Asked { service: Service::Images, fixed, version, request, resolved };
    let limits = state.limits.image;
    respond(&state, &found, &ready, &asked, &limits, &query, &headers).await
}

/// An image request that makes sense for its image.
pub(crate) struct Asked {
    pub service: Service,
    /// Version in the address.
    pub fixed: Option<ImageVersion>,
    /// Version in which it was understood.
    pub version: ImageVersion,
    pub request: ImageRequest,
    pub resolved: Resolved,
}

/// Reads the four segments. Without a version in the address, 3.0 is tried first: a client of 2.1
/// that found its info.json by `Accept` asks for `full/full/…` without saying so again.
pub(crate) fn parse(
    params: &PathParams,
    fixed: Option<ImageVersion>,
) -> Answer<(ImageVersion, ImageRequest)> {
    let read = |version| {
        let [region, size, rotation, last] =
            ["region", "size", "rotation", "quality"].map(|name| params.get(name));
        ImageRequest::parse(version, region, size, rotation, last).map(|request| (version, request))
    };
    let parsed = match fixed {
        Some(version) => read(version),
        None => read(ImageVersion::V3).or_else(|error| read(ImageVersion::V2).map_err(|_| error)),
    };
    parsed.map_err(|error| Problem::bad_request("bad-image-request", error.to_string()))
}

/// Sends the pixels, or says that the client has them.
pub(crate) async fn respond(
    state: &Shared,
    found: &Found,
    ready: &Ready<'_>,
    asked: &Asked,
    limits: &Limits,
    query: &QueryParams,
    headers: &HeaderMap,
) -> Answer {
    let Asked { service, fixed, version, resolved, .. } = asked;
    let canonical = resolved.canonical_path(*version, ready.dimensions(), limits);
    let image_version = ready.version();
    let etag = digest(&[&found.id.to_string(), &image_version, &canonical]);
    let validators = Validators { etag, modified_at_us: Some(ready.modified_at_us) };
    let is_known = validators.not_modified(headers);
    let bytes = if is_known { Bytes::new() } else { pixels(state, found, ready, asked).await? };
    if is_known {
        count("not_modified");
    }
    let mut response = (StatusCode::OK, bytes).into_response();
    let answer = response.headers_mut();
    let media_type = HeaderValue::from_static(resolved.format.media_type());
    answer.insert(header::CONTENT_TYPE, media_type);
    let level = match service {
        Service::Images => ComplianceLevel::Two,
        Service::Thumbnails => ComplianceLevel::Zero,
    };
    let base = address::service(&state.public_url, *service, *fixed, &found.tail);
    let link = image_links(*version, level, &base, &canonical);
    answer.insert(header::LINK, HeaderValue::try_from(link).map_err(Problem::internal)?);
    let is_immutable = query.get("v") == Some(image_version.as_str());
    Caching::of(found.is_open, is_immutable).write(answer);
    validators.write(answer);
    Ok(if is_known { into_not_modified::<axum::body::Body>(response) } else { response })
}

async fn pixels(state: &Shared, found: &Found, ready: &Ready<'_>, asked: &Asked) -> Answer<Bytes> {
    let key = ObjectKey::derivative(&found.id.to_string(), ready.generation, ready.attempt);
    let index = state.tiles.index(&key).await?;
    let plan = plan(&asked.request, &asked.resolved, &index, &RenderLimits::default())
        .map_err(|error| Problem::bad_request("image-request-too-large", error.to_string()))?;
    count(match plan {
        RenderPlan::StoredTile(_) => "stored_tile",
        RenderPlan::StoredThumbnail(_) => "stored_thumbnail",
        RenderPlan::Render(_) => "rendered",
    });
    Ok(state.tiles.answer(&key, &index, &plan).await?)
}

fn count(kind: &'static str) {
    metrics::counter!("dlcs_image_answers_total", "kind" => kind).increment(1);
}
