//! `/pdf/…` and `/zip/…`: all pages of a stored manifest or a named query as one file.
//!
//! - A file is made page by page as the client takes it, and nothing of it is kept: what is asked for
//!   again and has not changed is answered by its ETag, before a picture is touched.
//! - A page that is closed to the caller is a notice in the PDF and missing in the zip.

mod answer;
mod book;
mod contents;
mod making;
mod picture;

pub use picture::ExportTurns;

use crate::access::Caller;
use crate::delivery::address;
use crate::delivery::named::Asked;
use crate::error::Answer;
use crate::http::raw_path::PathParams;
use crate::state::{PublicUrl, Shared};
use answer::respond;
use axum::extract::State;
use axum::http::{HeaderMap, Method, Uri};
use book::Book;
use dlcs_domain::ManifestId;
use dlcs_iiif::presentation::{ExternalResource, LanguageMap};

/// What a book is made into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Pdf,
    Zip,
}

impl Kind {
    /// First segment of its addresses, and the ending of its files.
    fn word(self) -> &'static str {
        match self {
            Self::Pdf => "pdf",
            Self::Zip => "zip",
        }
    }

    fn media_type(self) -> &'static str {
        match self {
            Self::Pdf => "application/pdf",
            Self::Zip => "application/zip",
        }
    }
}

pub(crate) async fn pdf_of_manifest(
    State(state): State<Shared>,
    caller: Caller,
    params: PathParams,
    method: Method,
    headers: HeaderMap,
) -> Answer {
    of_manifest(Kind::Pdf, &state, &caller, &params, &method, &headers).await
}

pub(crate) async fn zip_of_manifest(
    State(state): State<Shared>,
    caller: Caller,
    params: PathParams,
    method: Method,
    headers: HeaderMap,
) -> Answer {
    of_manifest(Kind::Zip, &state, &caller, &params, &method, &headers).await
}

pub(crate) async fn pdf_of_query(
    State(state): State<Shared>,
    caller: Caller,
    params: PathParams,
    uri: Uri,
    method: Method,
    headers: HeaderMap,
) -> Answer {
    let asked = Asked::read(&caller, &params, &uri)?;
    let book = Book::of_query(Kind::Pdf, &state, &caller, &asked).await?;
    respond(Kind::Pdf, &state, book, &method, &headers).await
}

pub(crate) async fn zip_of_query(
    State(state): State<Shared>,
    caller: Caller,
    params: PathParams,
    uri: Uri,
    method: Method,
    headers: HeaderMap,
) -> Answer {
    let asked = Asked::read(&caller, &params, &uri)?;
    let book = Book::of_query(Kind::Zip, &state, &caller, &asked).await?;
    respond(Kind::Zip, &state, book, &method, &headers).await
}

async fn of_manifest(
    kind: Kind,
    state: &Shared,
    caller: &Caller,
    params: &PathParams,
    method: &Method,
    headers: &HeaderMap,
) -> Answer {
    let id = params.get("manifest").to_owned();
    let id = ManifestId { customer: caller.customer()?, id };
    let book = Book::of_manifest(kind, state, caller, &id).await?;
    respond(kind, state, book, method, headers).await
}

/// Returns what a manifest says of its PDF and its zip.
pub(crate) fn offers(base: &PublicUrl, tail: &str) -> Vec<ExternalResource> {
    let offer = |kind: Kind, of: &str, label: &str| ExternalResource {
        id: address::export(base, kind.word(), tail),
        kind: of.to_owned(),
        label: LanguageMap::new("en", label),
        format: Some(kind.media_type().to_owned()),
        profile: None,
    };
    vec![offer(Kind::Pdf, "Text", "PDF"), offer(Kind::Zip, "Dataset", "Images (zip)")]
}
