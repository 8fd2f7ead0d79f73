//! `/docs/errors`: what the `type` of a problem leads to.

use axum::http::header;
use axum::response::{IntoResponse, Response};
use std::fmt::Write;

/// Every stable code, and what it means.
pub(crate) const CODES: &[(&str, &str)] = &[
    ("annotation-invalid", "The annotation breaks a rule of its model; `pointer` says where."),
    ("bad-address", "The address holds control characters or is not UTF-8."),
    ("bad-request", "The request of GraphQL cannot be read."),
    (
        "bad-image-request",
        "Region, size, rotation, quality or format is not a request for this image.",
    ),
    ("body-incomplete", "The body broke off before its end."),
    ("body-timeout", "The body did not arrive in time."),
    ("body-too-large", "The body has more bytes than are accepted here."),
    ("busy", "Too much is going on; the same request may work in a moment."),
    (
        "changed-meanwhile",
        "The ETag in If-Match is not that of the resource any more, or If-None-Match: * was sent \
         and there is one.",
    ),
    ("collection-too-large", "The collection holds more than a search goes through."),
    ("conflict", "There is one already, or it cannot become what was asked for."),
    ("credentials-expired", "The key has expired."),
    (
        "credentials-missing",
        "The strategy asks an origin with user and password, and there are none.",
    ),
    ("credentials-needed", "Nobody said who they are."),
    ("credentials-wrong", "The credentials are not known."),
    ("deleted", "What was at this address has been deleted."),
    (
        "event-type-unknown",
        "No event that webhooks are told has such a type; the detail says what to do.",
    ),
    ("extras-needed", "The header X-IIIF-CS-Show-Extras: All is missing."),
    (
        "header-forbidden",
        "A custom header may not have that name or value; the detail says what to do.",
    ),
    ("headers-too-large", "The headers have more bytes than are accepted."),
    (
        "history-changed",
        "Events that were signed are not what they were: the audit log is not signed any more.",
    ),
    ("idempotency-key-reused", "The Idempotency-Key came before with another body."),
    ("image-request-too-large", "More would have to be decoded than the server is willing to."),
    ("ingest-failed", "The image could not be ingested; its resource says why."),
    ("internal", "Something is broken on the server's side."),
    ("invalid-field", "A field has the wrong type or value; `field` names it."),
    ("invalid-id", "The id of the address is none that an asset can have."),
    ("invalid-header", "A header has a value that makes no sense."),
    ("json-too-deep", "The body nests too deep."),
    ("malformed-body", "The body has the wrong shape."),
    ("malformed-json", "The body is not JSON."),
    ("media-type-unsupported", "GraphQL is sent as application/json."),
    ("method-not-allowed", "The address does not offer this method."),
    ("name-invalid", "The name has characters or a length that names do not have."),
    ("name-reserved", "The name is kept for the service itself."),
    ("name-taken", "Somebody else has the name."),
    ("not-empty", "What is to be deleted still holds something."),
    ("not-found", "There is nothing at this address, or nothing that you may know of."),
    ("not-fresh-enough", "The read models are not at the position that was asked for."),
    ("not-ready", "The image is registered and not ingested yet."),
    ("no-pages", "There is nothing that a PDF or a zip could be made of."),
    ("no-text", "The image has no text: ask for recognition, or import one."),
    ("objects-unavailable", "The object store does not answer at the moment."),
    ("origin-forbidden", "Origins there are not allowed; see --origin-allow."),
    ("origin-refused", "Pages of other sites may not do that."),
    ("range-not-satisfiable", "The range lies outside the original."),
    ("page-by-page", "This format is written page by page; METS lists the pages."),
    ("password-missing", "A new account needs a password."),
    ("position-unknown", "The history has not come to that position yet."),
    ("query-too-wide", "The named query chooses more images than a manifest has."),
    ("recognition-failed", "The image could not be read; the resource of its text says why."),
    (
        "regex-invalid",
        "The pattern cannot be used for addresses of origins; the detail says what to do.",
    ),
    ("rejected", "A rule says no; the detail says which."),
    ("right-needed", "The key may not do that, or not give it away."),
    ("search-unavailable", "The search index does not answer at the moment."),
    ("storage-full", "The store has no room left."),
    (
        "strategy-unsupported",
        "Origins are not fetched that way: there are default and basic-http-authentication.",
    ),
    ("text-not-ready", "The image is being read; ask again in a moment."),
    ("text-too-large", "The text is too large for one answer; ask for it page by page."),
    ("text-unreadable", "The file is not of the format, or broken; the detail says where."),
    ("too-many-webhooks", "The customer has as many webhooks as there may be: remove one."),
    ("too-many-pages", "It has more pages than a PDF or a zip may have; ask for a part of it."),
    ("unsupported-media-type", "The body has a media type that is not accepted here."),
    ("webhook-url-forbidden", "Nothing may be sent to that address; see --origin-allow."),
    ("webhook-url-invalid", "The address is none that a message can be sent to."),
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

#[cfg(test)]
mod tests {
    use super::CODES;
    use std::collections::BTreeSet;
    use std::path::Path;

    /// What stands before a code where a problem is made.
    const BEFORE: [&str; 7] = [
        "bad_request(\"",
        "Problem::conflict(\"",
        "Self::conflict(\"",
        "unavailable(\"",
        "problem(StatusCode::BAD_REQUEST, \"",
        "problem(StatusCode::METHOD_NOT_ALLOWED, \"",
        "problem(StatusCode::FORBIDDEN, \"",
    ];

    fn codes_used(folder: &Path, found: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).expect("the sources are there") {
            let path = entry.expect("a folder can be listed").path();
            if path.is_dir() {
                codes_used(&path, found);
                continue;
            }
            let text = std::fs::read_to_string(&path).expect("a source file");
            let compact: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
            let compact = compact.replace("( \"", "(\"");
            let statuses = compact.match_indices("::new(StatusCode::").filter_map(|(at, _)| {
                let rest = &compact[at..];
                let comma = rest.find(',')?;
                rest[comma..].strip_prefix(", \"")
            });
            let others = BEFORE.iter().flat_map(|before| {
                let text = &compact;
                text.match_indices(before).map(move |(at, _)| &text[at + before.len()..])
            });
            let literals = statuses.chain(others).filter_map(|rest| rest.split('"').next());
            found.extend(literals.map(str::to_owned));
        }
    }

    #[test]
    fn every_code_that_is_answered_is_explained() {
        let mut used = BTreeSet::new();
        let api = Path::new(env!("CARGO_MANIFEST_DIR"));
        codes_used(&api.join("src"), &mut used);
        codes_used(&api.join("graphql/src"), &mut used);
        assert!(used.len() > 20, "{used:?}");
        let explained: BTreeSet<&str> = CODES.iter().map(|(code, _)| *code).collect();
        let missing: Vec<_> =
            used.iter().filter(|code| !explained.contains(code.as_str())).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }
}
