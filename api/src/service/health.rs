//! Probes and metrics.

use crate::state::Shared;
use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// `/health/live`: the process answers.
pub(crate) async fn live() -> Response {
    uncached(StatusCode::OK, json!({"status": "ok"}))
}

/// `/health/ready`: 200, or 503 that names what is missing.
pub(crate) async fn ready(State(state): State<Shared>) -> Response {
    let not_ready = state.readiness.not_ready();
    let (status, word) = match not_ready.is_empty() {
        true => (StatusCode::OK, "ok"),
        false => (StatusCode::SERVICE_UNAVAILABLE, "not ready"),
    };
    uncached(status, json!({"status": word, "notReady": not_ready}))
}

fn uncached(status: StatusCode, body: serde_json::Value) -> Response {
    (status, [(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
}

/// `/metrics`: Prometheus text, version 0.0.4.
pub(crate) async fn metrics(State(state): State<Shared>) -> Response {
    let media_type = "text/plain; version=0.0.4; charset=utf-8";
    ([(header::CONTENT_TYPE, media_type)], (state.metrics)()).into_response()
}
