//! Image requests: Image API 3.0 and 2.1, section 4.

use super::address::{self, Service};
use super::asset::{Found, Ready, find_pixels};
use super::caching::{Caching, digest};
use super::prepared::{self, Pixels, Prepared};
use crate::access::Caller;
use crate::error::{Answer, Problem};
use crate::http::conditional::Validators;
use crate::http::query::QueryParams;
use crate::http::raw_path::PathParams;
use crate::state::Shared;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use dlcs_iiif::image_info::ComplianceLevel;
use dlcs_iiif::image_request::{ImageRequest, ImageVersion, Limits, Resolved, resolve};
use dlcs_iiif::link::image_links;
use dlcs_imaging::plan::{RenderLimits, RenderPlan, plan};
use dlcs_objects::ObjectKey;

/// `/iiif-img/[{v}/]{c}/{s}/{a}/{region}/{size}/{rotation}/{quality}.{format}`.
pub(crate) async fn image(State(state): State<Shared>, caller: Caller, request: Request) -> Answer {
    let mut wanted = Wanted::of(request);
    if let Some(answer) = wanted.again(&state).await? {
        return Ok(answer);
    }
    let params = wanted.params(&state).await?;
    let found = find_pixels(&state, &caller, &params).await?;
    let ready = found.ready()?;
    ready.needs_channel("iiif-img")?;
    let fixed = caller.version.map(|version| version.image());
    let (version, request) = parse(&params, fixed)?;
    let limits = ready.limits_within(&state.limits.image);
    let resolved = resolve(&request, version, ready.dimensions(), &limits)
        .map_err(|error| Problem::bad_request("bad-image-request", error.to_string()))?;
    found.check_pixels(&caller, &request, &resolved)?;
    let asked = Asked { service: Service::Images, fixed, version, request, resolved };
    respond(&state, &found, &ready, &asked, &limits, &wanted).await
}

/// A request for pixels, of which nothing has been read yet.
pub(crate) struct Wanted(Parts);

impl Wanted {
    pub(crate) fn of(request: Request) -> Self {
        Self(request.into_parts().0)
    }

    /// Answers as before, where that still holds.
    pub(crate) async fn again(&self, state: &Shared) -> Answer<Option<Response>> {
        state.prepared.again(state, self.address(), &self.0.headers).await
    }

    pub(crate) async fn params(&mut self, state: &Shared) -> Answer<PathParams> {
        PathParams::from_request_parts(&mut self.0, state).await
    }

    fn address(&self) -> &str {
        self.0.uri.path_and_query().map_or("", |it| it.as_str())
    }

    fn names_version(&self, version: &str) -> bool {
        let query = QueryParams::parse(self.0.uri.query().unwrap_or_default());
        query.get("v") == Some(version)
    }
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
    wanted: &Wanted,
) -> Answer {
    let Asked { version, request, resolved, .. } = asked;
    let canonical = resolved.canonical_path(*version, ready.dimensions(), limits);
    let etag = digest(&[&found.id.to_string(), &ready.version(), &canonical]);
    let validators = Validators { etag, modified_at_us: Some(ready.modified_at_us) };
    let is_immutable = wanted.names_version(&ready.version());
    let caching = Caching::of(found.is_open, is_immutable);
    let headers = headers(state, found, asked, &canonical, caching, &validators)?;
    if validators.not_modified(&wanted.0.headers) {
        return prepared::not_modified(state, found, headers).await;
    }
    let key = ObjectKey::derivative(&found.id.to_string(), ready.generation, ready.attempt);
    let index = state.tiles.index(&key).await?;
    let plan = plan(request, resolved, &index, &RenderLimits::default())
        .map_err(|error| Problem::bad_request("image-request-too-large", error.to_string()))?;
    let (kind, extent) = match plan {
        RenderPlan::StoredTile(extent) => (Pixels::StoredTile, extent),
        RenderPlan::StoredThumbnail(extent) => (Pixels::StoredThumbnail, extent),
        RenderPlan::Render(_) => {
            let bytes = state.tiles.answer(&key, &index, &plan).await?;
            let kind = Pixels::Rendered;
            return prepared::answer(state, found, kind, headers, bytes).await;
        }
    };
    let bytes = state.tiles.stored(&key, extent).await?;
    let answer = prepared::answer(state, found, kind, headers.clone(), bytes).await?;
    if found.is_open {
        let found = found.clone();
        let prepared = Prepared { found, key, extent, kind, validators, headers };
        state.prepared.keep(wanted.address(), prepared);
    }
    Ok(answer)
}

fn headers(
    state: &Shared,
    found: &Found,
    asked: &Asked,
    canonical: &str,
    caching: Caching,
    validators: &Validators,
) -> Answer<HeaderMap> {
    let Asked { service, fixed, version, resolved, .. } = asked;
    let mut headers = HeaderMap::new();
    let media_type = HeaderValue::from_static(resolved.format.media_type());
    headers.insert(header::CONTENT_TYPE, media_type);
    let level = match service {
        Service::Images => ComplianceLevel::Two,
        Service::Thumbnails => ComplianceLevel::Zero,
    };
    let base = address::service(&state.public_url, *service, *fixed, &found.tail);
    let link = image_links(*version, level, &base, canonical);
    headers.insert(header::LINK, HeaderValue::try_from(link).map_err(Problem::internal)?);
    caching.write(&mut headers);
    validators.write(&mut headers);
    Ok(headers)
}
