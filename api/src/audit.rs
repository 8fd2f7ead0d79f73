//! `/audit/…`: the public part of the audit log, as C2SP tlog-tiles writes it.
//!
//! Open to everybody: records show what kind of event happened to which resource, no payloads. A
//! tile that is whole never changes again, so that anybody may keep it.

use crate::delivery::caching::{Caching, digest};
use crate::error::{Answer, Problem};
use crate::http::conditional::{Validators, into_not_modified};
use crate::http::raw_path::PathParams;
use crate::state::Shared;
use async_trait::async_trait;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use dlcs_audit::tiles::{TilePath, WIDTH, bundle};
use dlcs_projections::QueryError;
use std::sync::Arc;

const TEXT: &str = "text/plain; charset=utf-8";
const BYTES: &str = "application/octet-stream";

/// Signs the history as it is now.
#[async_trait]
pub trait AuditSigner: Send + Sync {
    /// Returns the verifier key, as C2SP writes it.
    async fn key(&self) -> Result<String, AuditRefused>;

    /// Returns a signed note of a history that has grown from all that was signed before.
    async fn checkpoint(&self) -> Result<String, AuditRefused>;
}

/// Why nothing is signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuditRefused {
    /// May work in a moment.
    #[error("{0}")]
    Busy(String),
    /// The history is not the one that was signed before.
    #[error("{0}")]
    Forked(String),
    /// For the log, not for clients.
    #[error("{0}")]
    Broken(String),
}

impl From<QueryError> for AuditRefused {
    fn from(error: QueryError) -> Self {
        Self::Broken(error.to_string())
    }
}

impl From<AuditRefused> for Problem {
    fn from(refused: AuditRefused) -> Self {
        match refused {
            AuditRefused::Busy(text) => Self::unavailable("busy", text),
            AuditRefused::Forked(text) => {
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "history-changed", text)
            }
            AuditRefused::Broken(reason) => Self::internal(reason),
        }
    }
}

pub(crate) type Signer = Arc<dyn AuditSigner>;

/// `/audit/checkpoint`.
pub(crate) async fn checkpoint(State(state): State<Shared>, headers: HeaderMap) -> Answer {
    let note = state.audit.checkpoint().await?;
    Ok(respond(note.into_bytes(), TEXT, Caching::Revalidate, &headers))
}

/// `/audit/key`.
pub(crate) async fn key(State(state): State<Shared>, headers: HeaderMap) -> Answer {
    let key = state.audit.key().await?;
    Ok(respond(format!("{key}\n").into_bytes(), TEXT, Caching::Revalidate, &headers))
}

/// `/audit/tile/{level}/{index}[.p/{width}]` and `/audit/tile/entries/{index}[.p/{width}]`.
pub(crate) async fn tile(
    State(state): State<Shared>,
    params: PathParams,
    headers: HeaderMap,
) -> Answer {
    let path = TilePath::parse(params.get("path")).ok_or_else(Problem::not_found)?;
    let bytes = match path {
        TilePath::Hashes(id, width) => {
            let tile = state.queries.audit_tree.tile(id).await?;
            let hashes = tile.as_ref().and_then(|it| it.hashes.get(..width));
            hashes.ok_or_else(Problem::not_found)?.concat()
        }
        TilePath::Entries(index, width) => entries(&state, index, width).await?,
    };
    let caching = Caching::of(true, path.width() == WIDTH);
    Ok(respond(bytes, BYTES, caching, &headers))
}

async fn entries(state: &Shared, index: u64, width: usize) -> Answer<Vec<u8>> {
    let first = index.checked_mul(WIDTH as u64).ok_or_else(Problem::not_found)?;
    let end = first.saturating_add(width as u64);
    let entries = state.queries.audit_tree.entries(first, end).await?;
    if entries.len() < width {
        return Err(Problem::not_found());
    }
    let bytes = bundle(entries.iter().map(|it| it.record.as_bytes()));
    bytes.ok_or_else(|| Problem::internal("a record of the audit log is too long"))
}

fn respond(
    bytes: Vec<u8>,
    content_type: &'static str,
    caching: Caching,
    request: &HeaderMap,
) -> Response {
    let etag = digest(&[content_type, &dlcs_objects::Digest::of(&bytes).to_string()]);
    let validators = Validators { etag, modified_at_us: None };
    let is_known = validators.not_modified(request);
    let mut response = Body::from(bytes).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    caching.write(headers);
    validators.write(headers);
    if is_known { into_not_modified(response) } else { response }
}
