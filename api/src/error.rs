//! The one mapping from failures to answers: RFC 9457 problem details that are Hydra errors too.
//!
//! The public text and the internal text are kept apart: what a store says goes to the log, and
//! the client reads that something is broken.

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use dlcs_commands::CommandError;
use dlcs_imaging::tiles::TileError;
use dlcs_objects::ObjectError;
use dlcs_projections::QueryError;
use dlcs_projections::search::SearchError;
use serde_json::{Value, json};
use std::borrow::Cow;

const BASIC: HeaderValue = HeaderValue::from_static(r#"Basic realm="dlcs", charset="UTF-8""#);
pub(crate) const BEARER: HeaderValue = HeaderValue::from_static(r#"Bearer realm="dlcs""#);

/// An answer that says what is wrong.
#[derive(Debug, Clone)]
pub struct Problem {
    pub status: StatusCode,
    /// Stable word for programs; also the last part of `type`.
    pub code: Cow<'static, str>,
    /// Sentence for people.
    pub detail: String,
    // Lists, not maps: there are few, and a small error makes a small `Result`.
    headers: Vec<(HeaderName, HeaderValue)>,
    members: Vec<(String, Value)>,
}

/// Result of every handler.
pub type Answer<T = Response> = Result<T, Problem>;

impl Problem {
    pub fn new(
        status: StatusCode,
        code: impl Into<Cow<'static, str>>,
        detail: impl Into<String>,
    ) -> Self {
        let (code, detail) = (code.into(), detail.into());
        Self { status, code, detail, headers: Vec::new(), members: Vec::new() }
    }

    pub fn bad_request(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }

    /// 400 that names the field of the body.
    pub fn field(field: &str, detail: impl Into<String>) -> Self {
        Self::bad_request("invalid-field", detail).with("field", json!(field))
    }

    /// The same for what does not exist and for what the asker may not know of.
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", "there is nothing at this address")
    }

    pub fn gone() -> Self {
        Self::new(StatusCode::GONE, "deleted", "what was at this address has been deleted")
    }

    /// 401 with the schemes that are understood.
    pub fn credentials_needed() -> Self {
        let detail = "credentials are needed: HTTP Basic or Bearer with KEY:SECRET";
        Self::new(StatusCode::UNAUTHORIZED, "credentials-needed", detail)
            .header(header::WWW_AUTHENTICATE, BASIC)
    }

    /// 401 for pixels: a viewer asks for many at once, and a browser that is offered Basic would
    /// open a dialog for each.
    pub fn content_credentials_needed() -> Self {
        Self::credentials_needed().header(header::WWW_AUTHENTICATE, BEARER)
    }

    pub fn credentials_wrong() -> Self {
        let detail = "these credentials are not known";
        Self::new(StatusCode::UNAUTHORIZED, "credentials-wrong", detail)
            .header(header::WWW_AUTHENTICATE, BASIC)
    }

    pub fn credentials_expired() -> Self {
        let detail = "the key has expired: ask for another one";
        Self::new(StatusCode::UNAUTHORIZED, "credentials-expired", detail)
            .header(header::WWW_AUTHENTICATE, BASIC)
    }

    /// 403: the resource is theirs, and the key may not do this to it.
    pub fn right_needed() -> Self {
        let detail = "this key may not do that: a key may read, write, or manage keys";
        Self::new(StatusCode::FORBIDDEN, "right-needed", detail)
    }

    pub fn conflict(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, detail)
    }

    pub fn precondition_failed() -> Self {
        let detail = "the resource is not what If-Match or If-None-Match says";
        Self::new(StatusCode::PRECONDITION_FAILED, "changed-meanwhile", detail)
    }

    /// 503 for what may well work in a moment.
    pub fn unavailable(code: &'static str, detail: impl Into<String>) -> Self {
        let problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail);
        problem.header(header::RETRY_AFTER, HeaderValue::from_static("1"))
    }

    /// 500: the reason is logged in full and answered in general.
    pub fn internal(reason: impl std::fmt::Display) -> Self {
        tracing::error!(error = %reason, "request failed inside: {reason}");
        let detail = "something is broken on this side; it has been logged";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail)
    }

    /// Says something else in place of that there is no such thing. What is broken stays broken.
    pub(crate) fn or_if_missing(self, other: impl FnOnce() -> Self) -> Self {
        match self.status {
            StatusCode::NOT_FOUND | StatusCode::GONE => other(),
            _ => self,
        }
    }

    #[must_use]
    pub fn with(mut self, member: &str, value: Value) -> Self {
        self.members.push((member.to_owned(), value));
        self
    }

    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Returns the JSON document. `instance` is the path that was asked for.
    pub fn document(&self, instance: Option<&str>) -> Value {
        let mut document = json!({
            "@context": "http://www.w3.org/ns/hydra/context.jsonld",
            "@type": "Error",
            "type": format!("/docs/errors#{}", self.code),
            "title": self.code.replace('-', " "),
            "status": self.status.as_u16(),
            "statusCode": self.status.as_u16(),
            "detail": self.detail,
            "code": self.code,
        });
        if let Value::Object(members) = &mut document {
            if let Some(instance) = instance {
                members.insert("instance".to_owned(), json!(instance));
            }
            members.extend(self.members.iter().cloned());
        }
        document
    }

    /// Renders the answer for one request.
    pub(crate) fn respond(&self, instance: Option<&str>) -> Response {
        let body = self.document(instance).to_string();
        let mut response = (self.status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json; charset=utf-8"),
        );
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        for (name, value) in &self.headers {
            headers.insert(name, value.clone());
        }
        response
    }
}

impl IntoResponse for Problem {
    /// Leaves itself in the response, so that the outermost layer can add `instance`.
    fn into_response(self) -> Response {
        let mut response = self.respond(None);
        response.extensions_mut().insert(self);
        response
    }
}

impl From<CommandError> for Problem {
    fn from(error: CommandError) -> Self {
        let text = error.to_string();
        match error {
            CommandError::NotFound(_) => Self::new(StatusCode::NOT_FOUND, "not-found", text),
            CommandError::Gone(_) => Self::new(StatusCode::GONE, "deleted", text),
            CommandError::Conflict(_) => Self::conflict("conflict", text),
            CommandError::NotEmpty(_) => Self::conflict("not-empty", text),
            CommandError::NameTaken(_) => Self::conflict("name-taken", text),
            CommandError::Name(name) => Self::bad_request(name.code(), text),
            CommandError::Invalid(_) => Self::bad_request("rejected", text),
            CommandError::Refused { code, .. } => Self::bad_request(code, text),
            CommandError::EditMismatch { actual } => {
                Self::precondition_failed().with("editRevision", json!(actual))
            }
            CommandError::OtherBody => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency-key-reused", text)
            }
            CommandError::NotAllowed(_) => Self::new(StatusCode::FORBIDDEN, "right-needed", text),
            CommandError::Busy => Self::unavailable("busy", text),
            CommandError::Full(reason) => {
                tracing::error!(error = %reason, "no room left: {reason}");
                let detail = "the store has no room left";
                Self::new(StatusCode::INSUFFICIENT_STORAGE, "storage-full", detail)
            }
            CommandError::Unavailable(reason) => {
                tracing::warn!(error = %reason, "unavailable: {reason}");
                Self::unavailable("busy", "the store does not answer at the moment")
            }
            CommandError::Damaged(reason) => Self::internal(reason),
        }
    }
}

impl From<QueryError> for Problem {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::NotAllowed => Self::not_found(),
            QueryError::BadCursor => Self::bad_request("invalid-field", error.to_string()),
            QueryError::Store(reason) => Self::internal(reason),
        }
    }
}

impl From<SearchError> for Problem {
    fn from(error: SearchError) -> Self {
        match error {
            SearchError::Query(error) => Self::field("q", error.to_string()),
            SearchError::TooFar(_) => Self::field("page", error.to_string()),
            SearchError::Index(QueryError::Store(reason)) => {
                tracing::warn!(error = %reason, "the search index cannot be asked: {reason}");
                let detail = "the search index does not answer at the moment";
                Self::unavailable("search-unavailable", detail)
            }
            SearchError::Index(error) => error.into(),
            SearchError::Objects(error) => error.into(),
        }
    }
}

impl From<TileError> for Problem {
    fn from(error: TileError) -> Self {
        match error {
            TileError::Busy => Self::unavailable("busy", "too many images are being made"),
            TileError::Unavailable(reason) => objects_unavailable(&reason),
            other => Self::internal(other),
        }
    }
}

/// What the store says stays in the log: it names addresses of the inside.
fn objects_unavailable(reason: &str) -> Problem {
    tracing::warn!(error = reason, "the object store cannot be asked: {reason}");
    let detail = "the object store does not answer at the moment";
    Problem::unavailable("objects-unavailable", detail)
}

impl From<ObjectError> for Problem {
    fn from(error: ObjectError) -> Self {
        match error {
            ObjectError::Full(_) => CommandError::from(error).into(),
            ObjectError::Unavailable(reason) => objects_unavailable(&reason),
            other => Self::internal(other),
        }
    }
}
