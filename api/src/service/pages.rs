//! Pages and their files, built into the program from `portal/dist`.
//!
//! Built without them the program works all the same, and the pages say how to get them.

use crate::delivery::caching::digest;
use crate::error::{Answer, Problem};
use crate::http::conditional::{Validators, into_not_modified};
use crate::http::raw_path::PathParams;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rust_embed::{EmbeddedFile, RustEmbed};

/// What a page may load: everything of ours, and pictures and documents from anywhere.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'self'; img-src * data: blob:; connect-src * ws: wss:; frame-src *; \
     style-src 'self' 'unsafe-inline'; script-src 'self'; worker-src 'self' blob:; \
     frame-ancestors 'self'",
);
const MISSING: &str = "<!doctype html><title>DLCS</title><p>The pages are not built into this \
     program. Run <code>make assets</code> and build it again.</p>";

#[derive(RustEmbed)]
#[folder = "../portal/dist"]
#[allow_missing = true]
struct Dist;

/// Returns whether the pages are built in: what `dlcs doctor` asks.
pub fn are_built_in() -> bool {
    Dist::get("index.html").is_some()
}

/// Returns the GraphiQL page, for whoever answers `GET /graphql`.
pub fn graphiql(headers: &HeaderMap) -> Response {
    page("graphiql.html", headers)
}

/// `/docs`.
pub(crate) async fn docs(headers: HeaderMap) -> Response {
    page("docs.html", &headers)
}

/// `/view?manifest=…`.
pub(crate) async fn view(headers: HeaderMap) -> Response {
    page("view.html", &headers)
}

/// `/static/{*path}`.
pub(crate) async fn asset(params: PathParams, headers: HeaderMap) -> Answer {
    let path = params.get("path");
    let file = Dist::get(path).ok_or_else(Problem::not_found)?;
    Ok(send(file, media_type(path), &headers))
}

/// Sends a page, or says that it is not there.
pub(crate) fn page(name: &str, headers: &HeaderMap) -> Response {
    match Dist::get(name) {
        Some(file) => send(file, "text/html; charset=utf-8", headers),
        None => {
            let media_type = [(header::CONTENT_TYPE, "text/html; charset=utf-8")];
            (StatusCode::SERVICE_UNAVAILABLE, media_type, MISSING).into_response()
        }
    }
}

fn send(file: EmbeddedFile, media_type: &'static str, headers: &HeaderMap) -> Response {
    let etag = digest(&[&hex::encode(file.metadata.sha256_hash())]);
    let validators = Validators { etag, modified_at_us: None };
    let is_known = validators.not_modified(headers);
    let mut response = Body::from(file.data).into_response();
    let answer = response.headers_mut();
    answer.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    answer.insert(header::CONTENT_SECURITY_POLICY, POLICY);
    answer.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    answer.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    validators.write(answer);
    if is_known { into_not_modified(response) } else { response }
}

fn media_type(path: &str) -> &'static str {
    match path.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("json") => "application/json",
        Some("txt") => "text/plain; charset=utf-8",
        Some("woff2") => "font/woff2",
        _ => "application/octet-stream",
    }
}
