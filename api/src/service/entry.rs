//! `/`: where programs begin (Hydra) and people arrive (a page).

use super::pages;
use crate::management::json_ld::{context, json_ld};
use crate::openapi;
use crate::state::Shared;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

pub(crate) async fn entry_point(State(state): State<Shared>, headers: HeaderMap) -> Response {
    let mut response = if wants_page(&headers) {
        pages::page("index.html", &headers)
    } else {
        json_ld(StatusCode::OK, &document(&state))
    };
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("Accept"));
    response
}

fn document(state: &Shared) -> serde_json::Value {
    let at = |path: &str| state.public_url.at(path);
    json!({
        "@context": context(),
        "@id": at("/"),
        "@type": "vocab:EntryPoint",
        "customers": at("/customers"),
        "graphql": at("/graphql"),
        "openapi": at("/openapi.json"),
        "documentation": at("/docs"),
        "health": at("/health/ready"),
    })
}

/// Browsers name HTML before anything else; programs do not name it.
fn wants_page(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    let Some(accept) = accept else { return false };
    let place = |name: &str| accept.find(name);
    match (place("text/html"), place("json")) {
        (Some(html), Some(json)) => html < json,
        (html, _) => html.is_some(),
    }
}

/// `/openapi.json`.
pub(crate) async fn openapi(State(state): State<Shared>) -> Response {
    let body = openapi::document(state.public_url.as_str()).to_string();
    let headers = [
        (header::CONTENT_TYPE, "application/vnd.oai.openapi+json;version=3.1"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, body).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_get_a_page_and_programs_get_json() {
        for (accept, page) in [
            ("text/html,application/xhtml+xml,*/*;q=0.8", true),
            ("application/ld+json", false),
            ("application/json, text/html;q=0.5", false),
            ("*/*", false),
        ] {
            let value = HeaderValue::from_static(accept);
            let headers = HeaderMap::from_iter([(header::ACCEPT, value)]);
            assert_eq!(wants_page(&headers), page, "{accept}");
        }
        assert!(!wants_page(&HeaderMap::new()));
    }
}
