//! The probe: Authorization Flow 2.0, section 6. It answers 200, whatever it says.

use super::readers::{bearer, looks_like_token};
use crate::access::Caller;
use crate::delivery::address::{self, Service};
use crate::delivery::asset::id_of;
use crate::error::Answer;
use crate::http::raw_path::PathParams;
use crate::state::{Resource, Shared};
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::IntoResponse;
use dlcs_domain::access::{Action, Decision, Principal, decide};
use dlcs_iiif::auth::probe_result;
use dlcs_iiif::link::encode_segment;
use dlcs_projections::tile_metadata::TileMetadataRow;
use serde_json::{Value, json};

/// `GET /auth/v2/probe/{c}/{s}/{a}`: whether whoever has the token may see the image. Cookies do not
/// count: the viewer asks whether its token does.
pub(crate) async fn probe(
    State(state): State<Shared>,
    caller: Caller,
    params: PathParams,
    headers: HeaderMap,
) -> Answer {
    let (status, open_full_max_px) = status(&state, &caller, &params, &headers).await?;
    let (heading, note) = match status {
        200 => ("", ""),
        401 => ("Closed", "This image is shown to those who were let in."),
        _ => ("Not there", "There is no such image."),
    };
    let mut result = probe_result(status, heading, note);
    if let Some(side_px) = open_full_max_px {
        result["substitute"] = substitute(&state, &params, side_px);
    }
    let headers = [
        (header::CONTENT_TYPE, "application/ld+json; charset=utf-8"),
        (header::CACHE_CONTROL, "private, no-store"),
    ];
    Ok((headers, result.to_string()).into_response())
}

/// What whoever is not let in may see instead: the whole image, small.
fn substitute(state: &Shared, params: &PathParams, side_px: u32) -> Value {
    let tail =
        ["customer", "space", "asset"].map(|name| encode_segment(params.get(name))).join("/");
    let service = address::service(&state.public_url, Service::Images, None, &tail);
    let id = format!("{service}/full/!{side_px},{side_px}/0/default.jpg");
    json!({"id": id, "type": "Image", "format": "image/jpeg"})
}

/// Returns the status, and how large the whole image is shown to anybody.
async fn status(
    state: &Shared,
    caller: &Caller,
    params: &PathParams,
    headers: &HeaderMap,
) -> Answer<(u16, Option<u32>)> {
    let Ok(id) = id_of(state, caller.customer()?, params).await else { return Ok((404, None)) };
    state.settle(&Resource::Asset(id.clone())).await;
    let row = match state.queries.tile_metadata.tile_metadata(&id).await? {
        None => return Ok((404, None)),
        Some(TileMetadataRow::Deleted) => return Ok((410, None)),
        Some(row) => row,
    };
    let token = bearer(headers).filter(|it| looks_like_token(it));
    let principal = match token {
        Some(token) => state.readers.of_token(token).await?,
        None => match &caller.principal {
            Principal::Reader { .. } => Principal::Anonymous,
            key => key.clone(),
        },
    };
    let decision = decide(&principal, &row.rule(&id), Action::ReadContent);
    if decision == Decision::Granted {
        return Ok((200, None));
    }
    let open_full_max_px = row.limits().open_full_max_px;
    Ok((401, (open_full_max_px > 0).then_some(open_full_max_px)))
}
