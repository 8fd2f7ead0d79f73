//! `/iiif-manifest/[{v}/]{c}/{s}/{a}`: the manifest of one asset.

use super::address;
use super::asset::find;
use super::caching::{Caching, Document};
use super::canvases::{Naming, canvas, thumbnail, with_text};
use crate::access::Caller;
use crate::annotations::Annotations;
use crate::error::Answer;
use crate::http::raw_path::PathParams;
use crate::state::Shared;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use dlcs_domain::access::Principal;
use dlcs_iiif::negotiation::{Negotiated, negotiate_presentation};
use dlcs_iiif::presentation::{LanguageMap, Manifest, PresentationVersion};
use std::{iter, slice};

pub(crate) async fn asset_manifest(
    State(state): State<Shared>,
    caller: Caller,
    params: PathParams,
    headers: HeaderMap,
) -> Answer {
    let found = find(&state, &caller, &params).await?;
    let ready = found.ready()?;
    let Negotiated { version, content_type } = negotiated(&caller, &headers);
    let fixed = caller.version.map(|version| version.presentation());
    let label = LanguageMap::none(found.id.name());
    let naming = Naming { id: address::canvas(&state.public_url, &found.id), label: label.clone() };
    let open =
        state.queries.page_texts.of_assets(&Principal::Anonymous, slice::from_ref(&found.id));
    let text = open.await?.into_iter().find(|row| row.text.is_some());
    let mut canvas = canvas(&state, &found.id, &ready, naming, version);
    if text.is_some() {
        canvas = with_text(&state, &found.id, canvas, version);
    }
    let customer = found.id.customer();
    let annotations = Annotations::on(&state, customer, iter::once(&*canvas.id)).await?;
    let annotated_at_us = annotations.refer(&state.public_url, customer, &mut canvas, version);
    let search = || address::search(&state.public_url, &address::asset_search_tail(&found.id));
    let manifest = Manifest {
        label,
        search: text.as_ref().map(|_| search()),
        thumbnail: thumbnail(&state, &found.id, &ready, version),
        canvases: vec![canvas],
        ..Manifest::new(address::asset_manifest(&state.public_url, fixed, &found.tail))
    };
    let document = Document {
        body: manifest.to_json(version),
        content_type,
        modified_at_us: Some(
            ready
                .modified_at_us
                .max(text.map_or(0, |row| row.modified_at_us))
                .max(annotated_at_us.unwrap_or(0)),
        ),
        caching: Caching::of(found.is_open, false),
        link: None,
    };
    Ok(document.respond(&headers))
}

/// Returns the version of the address, else the one that `Accept` names, else 3.0.
pub(crate) fn negotiated(caller: &Caller, headers: &HeaderMap) -> Negotiated<PresentationVersion> {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    negotiate_presentation(accept, caller.version.map(|version| version.presentation()))
}
