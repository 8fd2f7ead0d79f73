//! Annotation containers and their pages: Protocol, section 4; Model, section 5.

use super::CONTEXT;
use crate::presentation::PresentationVersion;
use serde_json::{Map, Value, json};

/// The JSON-LD context of containers: Protocol, section 4.1.
pub const LDP_CONTEXT: &str = "http://www.w3.org/ns/ldp.jsonld";

/// A container as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collection {
    /// Ends with `/`.
    pub id: String,
    /// May be empty.
    pub label: String,
    /// `xsd:dateTime`.
    pub created: String,
    pub modified: String,
    pub total: u64,
    /// Address of the first and of the last page, if there is anything.
    pub pages: Option<(String, String)>,
}

/// What a page holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Items {
    /// Addresses only: `PreferContainedIRIs`.
    Iris(Vec<String>),
    /// Whole annotations: `PreferContainedDescriptions`, and the default.
    Descriptions(Vec<Map<String, Value>>),
}

/// One page of a container.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    pub id: String,
    /// Address of what it is a page of.
    pub part_of: String,
    /// Of the whole.
    pub total: u64,
    /// Of the first item, from 0 on.
    pub start_index: u64,
    pub next: Option<String>,
    pub prev: Option<String>,
    pub items: Items,
}

/// Prints a container; `first` is embedded in place of its address.
///
/// ```
/// use dlcs_iiif::web_annotation::container::{Collection, collection};
///
/// let empty = Collection {
///     id: "https://example.org/annotations/w3c/1/notes/".into(),
///     label: "Notes".into(),
///     created: "2026-01-01T00:00:00Z".into(),
///     modified: "2026-01-01T00:00:00Z".into(),
///     total: 0,
///     pages: None,
/// };
/// assert_eq!(collection(&empty, None)["type"][0], "BasicContainer");
/// ```
pub fn collection(it: &Collection, first: Option<Value>) -> Value {
    let mut printed = json!({
        "@context": [CONTEXT, LDP_CONTEXT],
        "id": it.id,
        "type": ["BasicContainer", "AnnotationCollection"],
        "created": it.created,
        "modified": it.modified,
        "total": it.total,
    });
    if !it.label.is_empty() {
        printed["label"] = json!(it.label);
    }
    if let Some((first_page, last_page)) = &it.pages {
        printed["first"] = first.unwrap_or_else(|| json!(first_page));
        printed["last"] = json!(last_page);
    }
    printed
}

/// Prints a page that stands alone.
pub fn page(it: Page) -> Value {
    let mut printed = json!({"@context": CONTEXT});
    fill(&mut printed, it, Clone::clone);
    printed
}

/// Prints a page that stands within its container.
pub fn embedded_page(it: Page) -> Value {
    let mut printed = json!({});
    fill(&mut printed, it, |annotation| without_context(annotation.clone()));
    printed
}

/// Prints the answer to a question as viewers read annotations of a canvas: Presentation API 3.0,
/// section 5.5; pages of it are linked as in Content Search 2.0, section 3.3.
///
/// It is no page of a container: what links those is written otherwise, and stops viewers.
pub fn answer(
    id: &str,
    label: &str,
    (prev, next): (Option<String>, Option<String>),
    annotations: Vec<Map<String, Value>>,
) -> Value {
    let mut printed = json!({
        "@context": PresentationVersion::V3.context(),
        "id": id,
        "type": "AnnotationPage",
        "label": {"en": [label]},
        "items": annotations.into_iter().map(without_context).collect::<Vec<_>>(),
    });
    for (key, address) in [("prev", prev), ("next", next)] {
        if let Some(address) = address {
            printed[key] = json!({"id": address, "type": "AnnotationPage"});
        }
    }
    printed
}

fn fill(
    printed: &mut Value,
    page: Page,
    annotation: impl Fn(&Map<String, Value>) -> Map<String, Value>,
) {
    printed["id"] = json!(page.id);
    printed["type"] = json!("AnnotationPage");
    printed["partOf"] = json!({
        "id": page.part_of, "type": "AnnotationCollection", "total": page.total,
    });
    printed["startIndex"] = json!(page.start_index);
    for (key, address) in [("next", page.next), ("prev", page.prev)] {
        if let Some(address) = address {
            printed[key] = json!(address);
        }
    }
    printed["items"] = match page.items {
        Items::Iris(iris) => json!(iris),
        Items::Descriptions(all) => all.iter().map(annotation).map(Value::Object).collect(),
    };
}

/// Takes away what the document around it says already.
fn without_context(mut annotation: Map<String, Value>) -> Map<String, Value> {
    annotation.remove("@context");
    annotation
}
