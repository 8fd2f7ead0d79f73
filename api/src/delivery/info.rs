//! `info.json`, and the redirect to it: Image API 3.0 and 2.1, sections 2 and 5.

use super::address::{self, Service};
use super::asset::{Found, find};
use super::caching::{Caching, Document};
use crate::access::Caller;
use crate::auth::{access_services, bearer, looks_like_token};
use crate::error::{Answer, Problem};
use crate::http::raw_path::PathParams;
use crate::state::Shared;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::IntoResponse;
use dlcs_domain::access::{Action, Decision, decide};
use dlcs_iiif::ImageVersion;
use dlcs_iiif::image_info::ImageDescription;
use dlcs_iiif::image_request::{Dimensions, Quality, TileGrid};
use dlcs_iiif::link::profile_link;
use dlcs_iiif::negotiation::negotiate_image_info;

/// `/iiif-img/[{v}/]{c}/{s}/{a}` → 303 to its info.json.
pub(crate) async fn redirect_image(
    State(state): State<Shared>,
    caller: Caller,
    params: PathParams,
) -> Answer {
    redirect(&state, &caller, &params, Service::Images).await
}

/// `/thumbs/[{v}/]{c}/{s}/{a}` → 303 to its info.json.
pub(crate) async fn redirect_thumbnails(
    State(state): State<Shared>,
    caller: Caller,
    params: PathParams,
) -> Answer {
    redirect(&state, &caller, &params, Service::Thumbnails).await
}

async fn redirect(
    state: &Shared,
    caller: &Caller,
    params: &PathParams,
    service: Service,
) -> Answer {
    let found = find(state, caller, params).await?;
    let version = caller.version.map(|version| version.image());
    let base = address::service(&state.public_url, service, version, &found.tail);
    see_other(&format!("{base}/info.json"))
}

/// Answers that something has another address for good. Nobody keeps that without asking again: a
/// former address may be given to something else.
pub(crate) fn moved(location: &str) -> Answer {
    let location = HeaderValue::try_from(location).map_err(Problem::internal)?;
    let headers = [
        (header::LOCATION, location),
        (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=0, must-revalidate")),
    ];
    Ok((StatusCode::MOVED_PERMANENTLY, headers).into_response())
}

pub(crate) fn see_other(location: &str) -> Answer {
    let location = HeaderValue::try_from(location).map_err(Problem::internal)?;
    Ok((StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response())
}

/// `/iiif-img/[{v}/]{c}/{s}/{a}/info.json`.
pub(crate) async fn image_info(
    State(state): State<Shared>,
    caller: Caller,
    params: PathParams,
    headers: HeaderMap,
) -> Answer {
    let found = find(&state, &caller, &params).await?;
    info(&state, &caller, &headers, &found, Service::Images).await
}

/// `/thumbs/[{v}/]{c}/{s}/{a}/info.json`.
pub(crate) async fn thumbnail_info(
    State(state): State<Shared>,
    caller: Caller,
    params: PathParams,
    headers: HeaderMap,
) -> Answer {
    let found = find(&state, &caller, &params).await?;
    info(&state, &caller, &headers, &found, Service::Thumbnails).await
}

/// Lists the ready-made sizes and the size of every level.
///
/// OpenSeadragon takes `sizes` for the levels of the pyramid when there are as many of them; with
/// every level among them they are either more, or just the levels.
fn sizes(image: Dimensions, grid: &TileGrid, thumbnails: Vec<Dimensions>) -> Vec<Dimensions> {
    let levels = grid.scale_factors.iter().map(|scale| image.divided_by(*scale));
    thumbnails.into_iter().chain(levels).collect()
}

async fn info(
    state: &Shared,
    caller: &Caller,
    headers: &HeaderMap,
    found: &Found,
    service: Service,
) -> Answer {
    let ready = found.ready()?;
    let fixed = caller.version.map(|version| version.image());
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    let negotiated = negotiate_image_info(accept, fixed);
    let id = address::service(&state.public_url, service, fixed, &found.tail);
    let mut description = match service {
        Service::Images => {
            ready.needs_channel("iiif-img")?;
            let dimensions = ready.dimensions();
            let mut description = ImageDescription::level2(id, dimensions);
            let grid = TileGrid::covering(dimensions, ready.delivered.tile_side_px);
            description.sizes = sizes(dimensions, &grid, ready.thumbnails());
            description.tiles = Some(grid);
            description.limits = state.limits.image;
            if ready.delivered.gray {
                description.qualities = vec![Quality::Gray, Quality::Bitonal];
            }
            description
        }
        Service::Thumbnails => {
            ready.needs_channel("thumbs")?;
            ImageDescription::level0(id, ready.dimensions(), ready.thumbnails())
        }
    };
    let mut is_refused = false;
    if !found.is_open {
        // Authentication 1.0, section 3: this is how a viewer finds out. 2.0 asks the probe.
        is_refused = negotiated.version == ImageVersion::V2
            && !may_see(state, caller, headers, found).await?;
        let (customer, roles) = (found.id.customer(), found.row.roles());
        description.access = access_services(state, customer, roles, &found.tail).await?;
    }
    let document = Document {
        body: description.to_json(negotiated.version),
        content_type: negotiated.content_type,
        modified_at_us: Some(ready.modified_at_us),
        caching: Caching::of(found.is_open, false),
        link: Some(profile_link(negotiated.version, description.level)),
    };
    if !is_refused {
        return Ok(document.respond(headers));
    }
    // The whole document, whatever the client has kept: 304 would tell it that it may go on.
    let mut response = document.respond(&HeaderMap::new());
    *response.status_mut() = StatusCode::UNAUTHORIZED;
    Ok(response)
}

/// Says whether the caller may see the image, by key, cookie, or the token of a viewer.
async fn may_see(
    state: &Shared,
    caller: &Caller,
    headers: &HeaderMap,
    found: &Found,
) -> Answer<bool> {
    let principal = match bearer(headers).filter(|it| looks_like_token(it)) {
        Some(token) => state.readers.of_token(token).await?,
        None => caller.principal.clone(),
    };
    let decision = decide(&principal, &found.row.rule(&found.id), Action::ReadContent);
    Ok(decision == Decision::Granted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_never_taken_for_levels_that_they_are_not() {
        for (width, height) in [(2560, 3300), (600, 400), (1024, 1024), (5000, 40), (9000, 7000)] {
            let image = Dimensions { width, height };
            let grid = TileGrid::covering(image, 512);
            let boxes = [1024, 400, 200, 100].map(|side| Dimensions { width: side, height: side });
            let thumbnails: Vec<_> = boxes.into_iter().map(|it| image.fit_within(it)).collect();
            let mut all = sizes(image, &grid, thumbnails);
            all.sort_by_key(|size| size.width);
            all.dedup();
            let levels: Vec<_> =
                grid.scale_factors.iter().rev().map(|scale| image.divided_by(*scale)).collect();
            let most = grid.scale_factors.len();
            assert!(all.len() > most || all == levels, "{width}×{height}: {all:?}");
        }
    }
}
