//! Parameters of the path: matched while still percent-encoded, then decoded exactly once.
//!
//! So `%2F` stays inside its segment, and `%252F` becomes `%2F` and no slash.

use crate::error::Problem;
use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::StatusCode;
use axum::http::request::Parts;

/// The decoded parameters of the route, by name.
#[derive(Debug, Clone, Default)]
pub(crate) struct PathParams(Vec<(String, String)>);

impl PathParams {
    /// Returns a parameter that the route's path has.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.find(name).unwrap_or_default()
    }

    pub(crate) fn find(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for PathParams {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Ok(params) = RawPathParams::from_request_parts(parts, state).await else {
            return Err(not_an_address());
        };
        let params: Vec<(String, String)> =
            params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        if params.iter().any(|(_, value)| value.chars().any(char::is_control)) {
            return Err(not_an_address());
        }
        Ok(Self(params))
    }
}

fn not_an_address() -> Problem {
    let detail = "the address holds control characters or is not UTF-8";
    Problem::new(StatusCode::BAD_REQUEST, "bad-address", detail)
}
