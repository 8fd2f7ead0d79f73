//! Validators and caching of what is delivered.

use crate::http::conditional::{Validators, into_not_modified};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use dlcs_objects::Digest;

/// Who may keep an answer, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Caching {
    /// The address names the image version: it never changes.
    Immutable,
    /// Anybody, asking again each time.
    Revalidate,
    /// Nobody: access is restricted.
    Never,
}

impl Caching {
    pub(crate) fn of(is_open: bool, is_immutable: bool) -> Self {
        match (is_open, is_immutable) {
            (false, _) => Self::Never,
            (true, true) => Self::Immutable,
            (true, false) => Self::Revalidate,
        }
    }

    pub(crate) fn write(self, headers: &mut HeaderMap) {
        let value = match self {
            Self::Immutable => "public, max-age=31536000, immutable",
            Self::Revalidate => "public, max-age=0, must-revalidate",
            Self::Never => "private, no-store",
        };
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(value));
        if self == Self::Never {
            headers.append(header::VARY, HeaderValue::from_static("Authorization, Cookie"));
        }
    }
}

/// A JSON-LD document that is to be sent.
#[derive(Debug)]
pub(crate) struct Document<B = String> {
    /// With the public base filled in.
    pub body: B,
    pub content_type: &'static str,
    /// `None`: what it lists changes without leaving a time.
    pub modified_at_us: Option<i64>,
    pub caching: Caching,
    /// Value of `Link`.
    pub link: Option<String>,
}

impl Document {
    /// Answers, or says that the client has it.
    ///
    /// The ETag is the digest of type and content, the public base in it included.
    pub(crate) fn respond(self, request: &HeaderMap) -> Response {
        let etag = digest(&[self.content_type, &self.body]);
        self.respond_as(etag, request)
    }
}

impl<B: IntoResponse> Document<B> {
    /// The same with an ETag that is known already.
    pub(crate) fn respond_as(self, etag: String, request: &HeaderMap) -> Response {
        let validators = Validators { etag, modified_at_us: self.modified_at_us };
        let is_known = validators.not_modified(request);
        let mut response = self.body.into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        headers.insert(header::VARY, HeaderValue::from_static("Accept"));
        if let Some(Ok(link)) = self.link.map(HeaderValue::try_from) {
            headers.insert(header::LINK, link);
        }
        self.caching.write(headers);
        validators.write(headers);
        if is_known { into_not_modified(response) } else { response }
    }
}

/// Returns 32 hexadecimal digits that tell these parts from others.
pub(crate) fn digest(parts: &[&str]) -> String {
    let mut digest = Digest::of(parts.join("\n").as_bytes()).to_string();
    digest.truncate(32);
    digest
}
