//! What every answer of the Web Annotation Protocol carries: sections 4.1 and 5.1.

use super::documents::Vocabulary;
use crate::delivery::caching::Caching;
use crate::error::{Answer, Problem};
use crate::http::conditional::{Validators, into_not_modified};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

const ACCEPT_POST: HeaderName = HeaderName::from_static("accept-post");
const CONTAINER: &str = "<http://www.w3.org/ns/ldp#BasicContainer>; rel=\"type\"";
const CONSTRAINED: &str =
    "<http://www.w3.org/TR/annotation-protocol/>; rel=\"http://www.w3.org/ns/ldp#constrainedBy\"";
const RESOURCE: &str = "<http://www.w3.org/ns/ldp#Resource>; rel=\"type\"";
const PRESENTATION_3: &str =
    "application/ld+json;profile=\"http://iiif.io/api/presentation/3/context.json\"";
const PRESENTATION_2: &str =
    "application/ld+json;profile=\"http://iiif.io/api/presentation/2/context.json\"";
const ANNOTATION: &str = "<http://www.w3.org/ns/oa#Annotation>; rel=\"type\"";

/// What an address is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Container,
    /// A page of a container, or a list of them.
    Page,
    /// The answer to a question, for viewers.
    Answer,
    Annotation,
}

/// A document that is to be sent.
pub(super) struct Sent {
    pub(super) kind: Kind,
    pub(super) vocabulary: Vocabulary,
    pub(super) document: Value,
    pub(super) validators: Validators,
    pub(super) is_open: bool,
    /// The address of the document itself.
    pub(super) location: String,
}

impl Sent {
    /// Answers a read, or says that the client has it.
    pub(super) fn respond(self, request: &HeaderMap) -> Answer {
        let is_known = self.validators.not_modified(request);
        let caching = Caching::of(self.is_open, false);
        let mut response = self.answer(StatusCode::OK)?;
        caching.write(response.headers_mut());
        Ok(if is_known { into_not_modified(response) } else { response })
    }

    /// Answers a write with what came of it.
    pub(super) fn written(self, status: StatusCode) -> Answer {
        let location = HeaderValue::try_from(&self.location).map_err(Problem::internal)?;
        let mut response = self.answer(status)?;
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
        if status == StatusCode::CREATED {
            headers.insert(header::LOCATION, location);
        }
        Ok(response)
    }

    fn answer(self, status: StatusCode) -> Answer {
        let mut response = (status, self.document.to_string()).into_response();
        let headers = response.headers_mut();
        let media_type = HeaderValue::from_static(match (self.kind, self.vocabulary) {
            (Kind::Answer, Vocabulary::Web) => PRESENTATION_3,
            (Kind::Answer, Vocabulary::Open) => PRESENTATION_2,
            (_, vocabulary) => vocabulary.media_type(),
        });
        headers.insert(header::CONTENT_TYPE, media_type);
        headers.insert(header::VARY, HeaderValue::from_static("Accept, Prefer"));
        describe(headers, self.kind);
        if self.kind == Kind::Container {
            let location = HeaderValue::try_from(&self.location).map_err(Problem::internal)?;
            headers.insert(header::CONTENT_LOCATION, location);
        }
        self.validators.write(headers);
        Ok(response)
    }
}

/// Says what an address is and what it offers.
pub(super) fn describe(headers: &mut HeaderMap, kind: Kind) {
    let (allow, links): (_, &[&'static str]) = match kind {
        Kind::Container => ("GET, HEAD, OPTIONS, POST, PUT, DELETE", &[CONTAINER, CONSTRAINED]),
        Kind::Page => ("GET, HEAD, OPTIONS", &[RESOURCE, CONSTRAINED]),
        Kind::Answer => ("GET, HEAD, OPTIONS, POST", &[RESOURCE]),
        Kind::Annotation => ("GET, HEAD, OPTIONS, PUT, DELETE", &[RESOURCE, ANNOTATION]),
    };
    headers.insert(header::ALLOW, HeaderValue::from_static(allow));
    for link in links {
        headers.append(header::LINK, HeaderValue::from_static(link));
    }
    if kind == Kind::Container {
        let accepted = "application/ld+json; profile=\"http://www.w3.org/ns/anno.jsonld\"";
        headers.insert(ACCEPT_POST, HeaderValue::from_static(accepted));
    }
}

/// Answers that there is nothing any more.
pub(super) fn no_content(kind: Kind) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    describe(response.headers_mut(), kind);
    response
}
