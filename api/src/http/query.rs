//! The query string, decoded once into pairs.

use super::time::parse_iso;
use crate::error::Problem;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use std::convert::Infallible;
use url::form_urlencoded;

/// Names and values in the order they came.
#[derive(Debug, Clone, Default)]
pub(crate) struct QueryParams(Vec<(String, String)>);

impl QueryParams {
    pub(crate) fn parse(query: &str) -> Self {
        Self(form_urlencoded::parse(query.as_bytes()).into_owned().collect())
    }

    /// Returns the first value of a name.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Returns a whole number, or a 400 that names the parameter.
    pub(crate) fn number<T: std::str::FromStr>(&self, name: &str) -> Result<Option<T>, Problem> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let parsed = text.parse().ok();
        parsed.map(Some).ok_or_else(|| Problem::field(name, format!("`{name}` is not a number")))
    }

    /// Returns a time (RFC 3339) in microseconds since 1970, or a 400 that names the parameter.
    pub(crate) fn time(&self, name: &str) -> Result<Option<i64>, Problem> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let wrong = || Problem::field(name, "it is a time like `2026-01-28T12:00:00Z`");
        parse_iso(text).map(Some).ok_or_else(wrong)
    }

    /// Returns the query of another page of the same list.
    pub(crate) fn with_page(&self, page: usize, size: usize) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in self.0.iter().filter(|(name, _)| name != "page" && name != "pageSize")
        {
            query.append_pair(name, value);
        }
        query.append_pair("page", &page.to_string());
        query.append_pair("pageSize", &size.to_string());
        query.finish()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for QueryParams {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::parse(parts.uri.query().unwrap_or_default()))
    }
}
