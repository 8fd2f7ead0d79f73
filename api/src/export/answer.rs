//! A book as an answer: what identifies it, and a body that is made while it is sent.

use super::Kind;
use super::book::{Book, BookContent};
use super::making::Making;
use crate::delivery::caching::{Caching, digest};
use crate::error::{Answer, Problem};
use crate::http::conditional::{Validators, into_not_modified};
use crate::state::Shared;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::IntoResponse;
use dlcs_export::WRITER_VERSION;
use dlcs_iiif::link::encode_segment;
use futures::StreamExt;

/// Why a file breaks off.
#[derive(Debug, thiserror::Error)]
#[error("the file breaks off: {0}")]
struct BrokenOff(String);

/// Sends the file, or says that the client has it.
pub(super) async fn respond(
    kind: Kind,
    state: &Shared,
    book: Book,
    method: &Method,
    headers: &HeaderMap,
) -> Answer {
    let validators =
        Validators { etag: etag(kind, &book), modified_at_us: Some(book.modified_at_us) };
    let caching = Caching::of(book.is_open, false);
    let disposition = disposition(kind, &book.file_name)?;
    let is_known = validators.not_modified(headers);
    let body = if is_known {
        Body::empty()
    } else if method == Method::HEAD {
        unknown_length()
    } else {
        body(Making::new(kind, state.clone(), book)).await?
    };
    let mut response = (StatusCode::OK, body).into_response();
    let answer = response.headers_mut();
    answer.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind.media_type()));
    answer.insert(header::CONTENT_DISPOSITION, disposition);
    caching.write(answer);
    validators.write(answer);
    Ok(if is_known { into_not_modified(response) } else { response })
}

/// Returns no bytes, and does not say how many there would have been.
fn unknown_length() -> Body {
    Body::from_stream(futures::stream::empty::<Result<Bytes, BrokenOff>>())
}

/// Everything that the bytes depend on.
fn etag(kind: Kind, book: &Book) -> String {
    let mut parts = vec![
        format!("{} {WRITER_VERSION}", kind.word()),
        format!("{:?}", (&book.title, &book.file_name, &book.notice, &book.outline)),
    ];
    for page in &book.pages {
        let content = match &page.content {
            BookContent::Closed => "closed".to_owned(),
            BookContent::Shown { picture, text } => {
                let text = text.as_ref().and_then(|it| it.text.as_ref());
                let text = text.map_or("", |it| it.blobs.layout.sha256.as_str());
                format!("{} {text}", picture.only_ready_made)
            }
        };
        parts.push(format!("{:?} {} {} {content}", page.label, page.asset, page.version));
    }
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    digest(&parts)
}

/// A browser shows a PDF and keeps a zip.
fn disposition(kind: Kind, name: &str) -> Answer<HeaderValue> {
    let how = match kind {
        Kind::Pdf => "inline",
        Kind::Zip => "attachment",
    };
    // A slash would be a folder.
    let name = encode_segment(&format!("{}.{}", name.replace(['/', '\\'], "_"), kind.word()));
    HeaderValue::try_from(format!("{how}; filename*=UTF-8''{name}")).map_err(Problem::internal)
}

/// Makes the next page when the one before was taken. The first one is made at once: what cannot be
/// made at all is an error then, not an answer that breaks off.
async fn body(mut making: Making) -> Answer<Body> {
    let first = making.step().await?.unwrap_or_default();
    let rest = futures::stream::try_unfold(making, |mut making| async move {
        match making.step().await {
            Ok(bytes) => Ok(bytes.map(|bytes| (bytes, making))),
            Err(problem) => {
                tracing::warn!(code = %problem.code, "a PDF or zip breaks off: {}", problem.detail);
                Err(BrokenOff(problem.detail))
            }
        }
    });
    Ok(Body::from_stream(futures::stream::once(async { Ok(first) }).chain(rest)))
}
