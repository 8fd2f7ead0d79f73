//! `/docs/errors`: what the `type` of a problem leads to.

use axum::http::header;
use axum::response::{IntoResponse, Response};
use std::fmt::Write;

/// Every stable code, and what it means.
pub(crate) const CODES: &[(&str, &str)] = &[
    ("bad-address", "The address holds control characters or is not UTF-8."),
    (
        "bad-image-request",
        "Region, size, rotation, quality or format is not a request for this image.",
    ),
    ("body-incomplete", "The body broke off before its end."),
    ("body-timeout", "The body did not arrive in time."),
    ("body-too-large", "The body has more bytes than are accepted here."),
    ("busy", "Too much is going on; the same request may work in a moment."),
    ("changed-meanwhile", "The ETag in If-Match is not that of the resource any more."),
    ("credentials-needed", "Nobody said who they are."),
    ("credentials-wrong", "The credentials are not known."),
    ("deleted", "What was at this address has been deleted."),
    ("extras-needed", "The header X-IIIF-CS-Show-Extras: All is missing."),
    ("headers-too-large", "The headers have more bytes than are accepted."),
    ("idempotency-key-reused", "The Idempotency-Key came before with another body."),
    ("image-request-too-large", "More would have to be decoded than the server is willing to."),
    ("ingest-failed", "The image could not be ingested; its resource says why."),
    ("internal", "Something is broken on the server's side."),
    ("invalid-field", "A field has the wrong type or value; `field` names it."),
    ("invalid-header", "A header has a value that makes no sense."),
    ("json-too-deep", "The body nests too deep."),
    ("malformed-body", "The body has the wrong shape."),
    ("malformed-json", "The body is not JSON."),
    ("method-not-allowed", "The address does not offer this method."),
    ("name-invalid", "The name has characters or a length that names do not have."),
    ("name-reserved", "The name is kept for the service itself."),
    ("name-taken", "Somebody else has the name."),
    ("not-empty", "What is to be deleted still holds something."),
    ("not-found", "There is nothing at this address, or nothing that you may know of."),
    ("not-fresh-enough", "The read models are not at the position that was asked for."),
    ("not-ready", "The image is registered and not ingested yet."),
    ("no-text", "The image has no text: ask for recognition, or import one."),
    ("origin-forbidden", "Origins there are not allowed; see --origin-allow."),
    ("range-not-satisfiable", "The range lies outside the original."),
    ("page-by-page", "This format is written page by page; METS lists the pages."),
    ("recognition-failed", "The image could not be read; the resource of its text says why."),
    ("rejected", "A rule says no; the detail says which."),
    ("search-unavailable", "The search index does not answer at the moment."),
    ("storage-full", "The store has no room left."),
    ("text-not-ready", "The image is being read; ask again in a moment."),
    ("text-too-large", "The text is too large for one answer; ask for it page by page."),
    ("text-unreadable", "The file is not of the format, or broken; the detail says where."),
    ("unsupported-media-type", "The body has a media type that is not accepted here."),
    ("version-not-available", "The document does not exist in this version of the API."),
    ("address-too-long", "The address has more bytes than are accepted."),
];

pub(crate) async fn page() -> Response {
    let mut rows = String::new();
    for (code, meaning) in CODES {
        let _ = write!(rows, "<dt id=\"{code}\"><code>{code}</code></dt><dd>{meaning}</dd>");
    }
    let page = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Errors</title>\
         <h1>Errors</h1><p>The last part of the <code>type</code> of a problem.</p>\
         <dl>{rows}</dl></html>"
    );
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'"),
    ];
    (headers, page).into_response()
}
