//! `/thumbs/…`: a level 0 service. Its ready-made sizes, and nothing else.

use super::address::Service;
use super::asset::find_pixels;
use super::images::{Asked, Wanted, parse, respond};
use crate::access::Caller;
use crate::error::{Answer, Problem};
use crate::state::Shared;
use axum::extract::{Request, State};
use dlcs_iiif::Limits;
use dlcs_iiif::image_request::{Format, Region, resolve};

pub(crate) async fn thumbnail(
    State(state): State<Shared>,
    caller: Caller,
    request: Request,
) -> Answer {
    let mut wanted = Wanted::of(request);
    if let Some(answer) = wanted.again(&state).await? {
        return Ok(answer);
    }
    let params = wanted.params(&state).await?;
    let found = find_pixels(&state, &caller, &params).await?;
    let ready = found.ready()?;
    ready.needs_channel("thumbs")?;
    let fixed = caller.version.map(|version| version.image());
    let (version, request) = parse(&params, fixed)?;
    let sizes = ready.thumbnails();
    // The largest size is what `max` gives.
    let limits = Limits {
        width_max: sizes.iter().map(|size| size.width).max(),
        height_max: sizes.iter().map(|size| size.height).max(),
        ..Limits::default()
    };
    let resolved = resolve(&request, version, ready.dimensions(), &limits)
        .map_err(|error| Problem::bad_request("bad-image-request", error.to_string()))?;
    found.check_pixels(&caller, &request, &resolved)?;
    let is_ready_made = request.region == Region::Full
        && resolved.is_plain()
        && resolved.format == Format::Jpg
        && sizes.contains(&resolved.size);
    if !is_ready_made {
        return Err(Problem::not_found());
    }
    let asked = Asked { service: Service::Thumbnails, fixed, version, request, resolved };
    respond(&state, &found, &ready, &asked, &limits, &wanted).await
}
