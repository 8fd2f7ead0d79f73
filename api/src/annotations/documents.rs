//! Bodies: an annotation as it came, as it is kept, and as it is shown.

use crate::error::{Answer, Problem};
use crate::http::raw_path::PathParams;
use crate::http::time::iso;
use crate::state::PublicUrl;
use axum::http::StatusCode;
use dlcs_domain::annotation::AnnotationDocument;
use dlcs_domain::{AnnotationId, ContainerId, CustomerId};
use dlcs_iiif::base::{BASE_PLACEHOLDER, fill_base, strip_base};
use dlcs_iiif::link::encode_segment;
use dlcs_iiif::web_annotation::open::{self, Dialect};
use dlcs_iiif::web_annotation::{self, AnnotationError, Times, WebAnnotation, container};
use dlcs_projections::annotations::AnnotationRow;
use serde_json::{Map, Value, json};

/// In whose words an annotation is read and shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Vocabulary {
    /// W3C Web Annotation.
    Web,
    /// Open Annotation.
    Open,
}

impl Vocabulary {
    pub(crate) fn of(params: &PathParams) -> Answer<Self> {
        match params.get("vocabulary") {
            "w3c" => Ok(Self::Web),
            "oa" => Ok(Self::Open),
            _ => Err(Problem::not_found()),
        }
    }

    pub(crate) fn segment(self) -> &'static str {
        match self {
            Self::Web => "w3c",
            Self::Open => "oa",
        }
    }

    pub(crate) fn media_type(self) -> &'static str {
        match self {
            Self::Web => web_annotation::MEDIA_TYPE,
            Self::Open => open::MEDIA_TYPE,
        }
    }

    /// Puts a container or a page of them into the context of these words.
    pub(crate) fn worded(self, mut document: Value) -> Value {
        if self == Self::Open {
            document["@context"] = json!([open::OPEN_CONTEXT, container::LDP_CONTEXT]);
        }
        document
    }

    /// Returns the path of what a customer has: `/annotations/w3c/1/`.
    pub(crate) fn customer_path(self, customer: CustomerId) -> String {
        format!("/annotations/{}/{customer}/", self.segment())
    }

    /// Returns the path of a container, which ends with a slash (Protocol, section 4).
    pub(crate) fn container_path(self, id: &ContainerId) -> String {
        format!("{}{}/", self.customer_path(id.customer), encode_segment(&id.id))
    }

    pub(crate) fn annotation_path(self, id: &AnnotationId) -> String {
        format!("{}{}", self.container_path(&id.container), encode_segment(&id.id))
    }

    /// Returns an annotation of ours in these words.
    pub(crate) fn show(self, base: &PublicUrl, row: &AnnotationRow) -> Answer<Map<String, Value>> {
        let id = base.at(self.annotation_path(&row.id));
        let shown = web(base, row, &id).ok_or_else(|| unreadable(row))?;
        Ok(match self {
            Self::Web => shown,
            Self::Open => open::from_web(&shown, Dialect::OpenAnnotation),
        })
    }

    /// Reads a body. `id`: of the annotation that it replaces, with what is known of that.
    pub(crate) fn read(
        self,
        base: &PublicUrl,
        body: &[u8],
        id: Option<(&AnnotationId, Option<&AnnotationRow>)>,
    ) -> Answer<AnnotationDocument> {
        let text = std::str::from_utf8(body);
        let text =
            text.map_err(|error| Problem::bad_request("malformed-json", error.to_string()))?;
        let read = match self {
            Self::Web => WebAnnotation::parse(text),
            Self::Open => open::parse(text),
        };
        let mut annotation = read.map_err(|error| invalid(&error))?;
        if let Some((id, row)) = id {
            annotation.forget_via(&base.at(self.annotation_path(id)));
            if let Some(row) = row {
                annotation.forget_times(&times(row));
            }
        }
        let stored = strip_base(&annotation.to_stored(), base.as_str());
        AnnotationDocument::new(stored).map_err(Problem::internal)
    }
}

/// Annotations as GraphQL reads and shows them: Web Annotations.
#[derive(Debug, Clone)]
pub struct AnnotationDocuments {
    pub public_url: PublicUrl,
}

impl AnnotationDocuments {
    /// Reads a body of a client; the sentence of a refusal is for people.
    pub fn read(&self, json: &str) -> Result<AnnotationDocument, String> {
        let read = Vocabulary::Web.read(&self.public_url, json.as_bytes(), None);
        read.map_err(|problem| problem.detail)
    }

    /// Returns an annotation for readers; `None`: it is deleted.
    pub fn show(&self, row: &AnnotationRow) -> Option<Value> {
        let id = self.public_url.at(Vocabulary::Web.annotation_path(&row.id));
        web(&self.public_url, row, &id).map(Value::Object)
    }

    /// Returns a version of an annotation for readers, without its id and the server's times.
    pub fn version(&self, document: &AnnotationDocument) -> Option<Value> {
        let document = fill_base(document.as_str(), self.public_url.as_str());
        WebAnnotation::from_stored(&document).map(|it| Value::Object(it.cleaned()))
    }

    /// Returns an address as read models know it: without our own name.
    pub fn relative(&self, address: &str) -> String {
        super::relative(&self.public_url, address)
    }

    /// Returns an address as the world knows it.
    pub fn absolute(&self, address: &str) -> String {
        match address.strip_prefix(BASE_PLACEHOLDER) {
            Some(path) => self.public_url.at(path),
            None => address.to_owned(),
        }
    }
}

fn web(base: &PublicUrl, row: &AnnotationRow, id: &str) -> Option<Map<String, Value>> {
    let document = fill_base(&row.document, base.as_str());
    Some(WebAnnotation::from_stored(&document)?.published(id, &times(row)))
}

fn times(row: &AnnotationRow) -> Times {
    let modified = (row.edit_revision > 1).then(|| iso(row.modified_at_us));
    Times { created: iso(row.created_at_us), modified }
}

fn unreadable(row: &AnnotationRow) -> Problem {
    Problem::internal(format_args!("annotation {} cannot be read", row.id))
}

fn invalid(error: &AnnotationError) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "annotation-invalid", error.to_string())
        .with("pointer", json!(error.at))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTEXT: &str = web_annotation::CONTEXT;

    fn base() -> PublicUrl {
        PublicUrl::new("http://dlcs.test")
    }

    fn kept(body: &Value) -> String {
        let documents = AnnotationDocuments { public_url: base() };
        documents.read(&body.to_string()).expect("a valid annotation").as_str().to_owned()
    }

    #[test]
    fn addresses_of_ours_are_kept_without_our_name() {
        let body = json!({
            "@context": CONTEXT, "type": "Annotation", "bodyValue": "x",
            "id": "http://dlcs.test/annotations/w3c/1/other/1",
            "target": "http://dlcs.test/iiif-manifest/1/2/p/canvas#xywh=1,2,3,4",
        });
        let kept = kept(&body);
        assert!(!kept.contains("dlcs.test"), "{kept}");
        assert!(kept.contains("{{dlcs-base}}/iiif-manifest/1/2/p/canvas#xywh=1,2,3,4"), "{kept}");
        assert!(kept.contains(r#""via":"{{dlcs-base}}/annotations/w3c/1/other/1""#), "{kept}");
    }

    #[test]
    fn words_that_look_like_ours_stay_words() {
        let words = "{{dlcs-base}}/x and \\u007b{dlcs-base}}";
        let body = json!({
            "@context": CONTEXT, "type": "Annotation", "bodyValue": words, "target": "urn:a:b",
        });
        let kept = kept(&body);
        let filled = fill_base(&kept, "http://dlcs.test");
        let read: Value = serde_json::from_str(&filled).expect("JSON");
        assert_eq!(read["bodyValue"], words, "{kept}");
    }

    #[test]
    fn a_problem_tells_the_place() {
        let body = json!({"@context": CONTEXT, "type": "Annotation", "target": "javascript:1"});
        let problem = Vocabulary::Web.read(&base(), body.to_string().as_bytes(), None);
        let problem = problem.expect_err("it runs");
        assert_eq!(
            (problem.code.as_ref(), problem.status),
            ("annotation-invalid", StatusCode::BAD_REQUEST)
        );
        assert_eq!(problem.document(None)["pointer"], "/target");
    }
}
