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
use dlcs_iiif::image_request::{Dimensions, Limits, Quality, TileGrid};
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
/// every level among them they are either more, or just the levels. Where limits take some away, so
/// many are left out, the smallest first, that it cannot.
fn sizes(
    image: Dimensions,
    grid: &TileGrid,
    thumbnails: Vec<Dimensions>,
    limits: &Limits,
) -> Vec<Dimensions> {
    let scales = grid.scale_factors.iter();
    let mut levels: Vec<_> = scales.map(|scale| image.divided_by(*scale)).collect();
    let mut all: Vec<_> = thumbnails.into_iter().chain(levels.iter().copied()).collect();
    all.retain(|size| limits.allow(*size));
    for list in [&mut all, &mut levels] {
        list.sort_by_key(|size| (size.width, size.height));
        list.dedup();
    }
    // It adds the whole image by itself where that alone is missing.
    let is_misread = |all: &[Dimensions]| match levels.len().checked_sub(all.len()) {
        Some(0) => all != levels,
        Some(1) => !levels.starts_with(all),
        _ => false,
    };
    while is_misread(&all) {
        all.remove(0);
    }
    all
}

/// Returns the side of tiles that a viewer may ask for under limits: that of the stored ones, or the
/// largest power of two below.
fn tile_side(stored: u32, limits: &Limits) -> u32 {
    let sides = [limits.width_max, limits.height_max].into_iter().flatten();
    let most = sides.min().unwrap_or(stored).max(1);
    if stored <= most { stored } else { 1 << most.ilog2() }
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
            let limits = ready.limits_within(&state.limits.image);
            let side = tile_side(ready.delivered.tile_side_px, &limits);
            let grid = TileGrid::covering(dimensions, side);
            description.sizes = sizes(dimensions, &grid, ready.thumbnails(), &limits);
            description.tiles = Some(grid);
            description.limits = limits;
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
            let levels: Vec<_> =
                grid.scale_factors.iter().rev().map(|scale| image.divided_by(*scale)).collect();
            let most = grid.scale_factors.len();
            for width_max in [None, Some(256), Some(512), Some(700), Some(1500), Some(4000)] {
                let limits = Limits { width_max, ..Limits::default() };
                let all = sizes(image, &grid, thumbnails.clone(), &limits);
                // What OpenSeadragon would take for the levels.
                let taken = match all.len() {
                    len if len == most => Some(all.clone()),
                    len if len + 1 == most => Some([&all[..], &[image]].concat()),
                    _ => None,
                };
                assert!(taken.is_none_or(|it| it == levels), "{image:?} {width_max:?}: {all:?}");
                assert!(all.iter().all(|size| limits.allow(*size)), "{image:?} {width_max:?}");
                assert!(width_max.is_some() || all.len() >= most, "{image:?}: {all:?}");
            }
        }
    }

    #[test]
    fn tiles_are_no_larger_than_answers_may_be() {
        let limited = |width_max| Limits { width_max, ..Limits::default() };
        for (stored, width_max, expected) in
            [(512, None, 512), (512, Some(512), 512), (512, Some(511), 256), (512, Some(256), 256)]
        {
            assert_eq!(tile_side(stored, &limited(width_max)), expected, "{width_max:?}");
        }
    }
}
