//! What is laid around every route: limits, request id, span, metrics, panics, the shape of errors.

use super::meters;
use crate::error::Problem;
use crate::state::Shared;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::FutureExt;
use std::panic::AssertUnwindSafe;
use std::time::Instant;
use tracing::Instrument;
use uuid::Uuid;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");

/// Identifies one request in answers, logs and the metadata of events.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RequestId(pub Uuid);

/// The outermost layer.
pub(crate) async fn observe(
    State(state): State<Shared>,
    mut request: Request,
    next: Next,
) -> Response {
    let started = Instant::now();
    let id = RequestId(Uuid::now_v7());
    request.extensions_mut().insert(id);
    let method = method_label(request.method());
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map_or("unmatched", MatchedPath::as_str);
    // Shares its text: only an error needs it.
    let address = request.uri().clone();
    let span = tracing::info_span!("request", request.id = %id.0, http.method = method,
        http.route = %route, http.status = tracing::field::Empty);

    let refused = too_long(&request, &state);
    let response = match refused {
        Some(problem) => problem.into_response(),
        None => run(request, next).instrument(span.clone()).await,
    };
    let response = finish(response, address.path(), id);
    let status = response.status().as_u16();
    span.record("http.status", status);
    meters::record(method, route, status, started.elapsed());
    response
}

/// Turns a panic of a handler into 500.
async fn run(request: Request, next: Next) -> Response {
    match AssertUnwindSafe(next.run(request)).catch_unwind().await {
        Ok(response) => response,
        // The panic hook has logged it.
        Err(_) => Problem::internal("a handler panicked").into_response(),
    }
}

/// Gives errors their instance, and every answer its request id.
fn finish(mut response: Response, instance: &str, id: RequestId) -> Response {
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        // Headers that inner layers added (CORS, Allow) stay.
        let added = response.headers().clone();
        response = problem.respond(Some(instance));
        for (name, value) in &added {
            if name != header::CONTENT_LENGTH && !response.headers().contains_key(name) {
                response.headers_mut().insert(name, value.clone());
            }
        }
    }
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, NOSNIFF);
    if let Ok(id) = HeaderValue::try_from(id.0.to_string()) {
        headers.insert(REQUEST_ID, id);
    }
    response
}

fn too_long(request: &Request, state: &Shared) -> Option<Problem> {
    let limits = &state.limits;
    let url = request.uri().path_and_query().map_or(0, |url| url.as_str().len());
    if url > limits.url_bytes_max {
        let detail = format!("an address has at most {} bytes", limits.url_bytes_max);
        return Some(Problem::new(StatusCode::URI_TOO_LONG, "address-too-long", detail));
    }
    if headers_bytes(request.headers()) > limits.headers_bytes_max {
        let detail = format!("headers have at most {} bytes", limits.headers_bytes_max);
        let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
        return Some(Problem::new(status, "headers-too-large", detail));
    }
    None
}

fn headers_bytes(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum()
}

/// Returns the method, or `OTHER`: clients must not make up labels.
fn method_label(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "OTHER",
    }
}

/// The answer where no route is.
pub(crate) async fn not_found() -> Problem {
    Problem::not_found().header(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"))
}

/// The answer where a route is, and not for this method.
pub(crate) async fn method_not_allowed(method: Method) -> Problem {
    let detail = format!("{} is not offered at this address", method_label(&method));
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", detail)
}
