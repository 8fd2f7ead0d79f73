//! Answers that were given before: what a repeated request for stored pixels needs, and nothing else.
//!
//! - An entry holds what follows from an address and the row of its image: headers, and where the
//!   bytes lie. Bytes are read anew each time; nothing of a closed image is kept.
//! - It counts only while the row is still the one that it was made of, which is asked each time: an
//!   image that is closed, changed or deleted has no entry from that moment on.

use super::asset::Found;
use crate::error::Answer;
use crate::http::conditional::{Validators, into_not_modified};
use crate::state::{Resource, Shared};
use axum::body::Body;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use dlcs_imaging::derivative::index::Extent;
use dlcs_objects::ObjectKey;
use moka::sync::Cache;
use std::fmt;
use std::sync::Arc;

/// Bytes of entries that are kept: some ten thousand.
const KEPT_BYTES_MAX: u64 = 32 * 1024 * 1024;
/// What an entry needs beside its address, roughly.
const ENTRY_BYTES: usize = 2_048;

/// An answer of stored pixels to one address.
pub(super) struct Prepared {
    pub(super) found: Found,
    pub(super) key: ObjectKey,
    pub(super) extent: Extent,
    /// What is counted.
    pub(super) kind: Pixels,
    pub(super) validators: Validators,
    pub(super) headers: HeaderMap,
}

/// Where pixels come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pixels {
    StoredTile,
    StoredThumbnail,
    Rendered,
    /// The client has them.
    NotModified,
}

impl Pixels {
    /// Counts an answer.
    pub(super) fn count(self) {
        let kind = match self {
            Self::StoredTile => "stored_tile",
            Self::StoredThumbnail => "stored_thumbnail",
            Self::Rendered => "rendered",
            Self::NotModified => "not_modified",
        };
        metrics::counter!("dlcs_image_answers_total", "kind" => kind).increment(1);
    }
}

/// Those that were given last, by path and query.
#[derive(Clone)]
pub struct PreparedAnswers(Cache<String, Arc<Prepared>>);

impl Default for PreparedAnswers {
    fn default() -> Self {
        let weigh = |address: &String, _: &Arc<Prepared>| {
            u32::try_from(address.len() + ENTRY_BYTES).unwrap_or(u32::MAX)
        };
        Self(Cache::builder().max_capacity(KEPT_BYTES_MAX).weigher(weigh).build())
    }
}

impl fmt::Debug for PreparedAnswers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PreparedAnswers").field("entries", &self.0.entry_count()).finish()
    }
}

impl PreparedAnswers {
    pub(super) fn keep(&self, address: &str, prepared: Prepared) {
        self.0.insert(address.to_owned(), Arc::new(prepared));
    }

    /// Answers as before; `None`: there is no answer that still holds.
    pub(super) async fn again(
        &self,
        state: &Shared,
        address: &str,
        request: &HeaderMap,
    ) -> Answer<Option<Response>> {
        let Some(prepared) = self.0.get(address) else { return Ok(None) };
        let Prepared { found, key, extent, kind, validators, headers } = &*prepared;
        state.settle(&Resource::Asset(found.id.clone())).await;
        let row = state.queries.tile_metadata.tile_metadata(&found.id).await?;
        if row.as_ref() != Some(&found.row) {
            self.0.invalidate(address);
            return Ok(None);
        }
        if validators.not_modified(request) {
            return not_modified(state, found, headers.clone()).await.map(Some);
        }
        let bytes = state.tiles.stored(key, *extent).await?;
        answer(state, found, *kind, headers.clone(), bytes).await.map(Some)
    }
}

/// Answers with pixels, and what the customer wants to be sent beside them.
pub(super) async fn answer(
    state: &Shared,
    found: &Found,
    kind: Pixels,
    mut headers: HeaderMap,
    bytes: Bytes,
) -> Answer {
    kind.count();
    state.custom_headers.write(found, &mut headers).await?;
    let mut response = (StatusCode::OK, bytes).into_response();
    *response.headers_mut() = headers;
    Ok(response)
}

/// Says that the client has the pixels.
pub(super) async fn not_modified(state: &Shared, found: &Found, headers: HeaderMap) -> Answer {
    let response = answer(state, found, Pixels::NotModified, headers, Bytes::new()).await?;
    Ok(into_not_modified::<Body>(response))
}
