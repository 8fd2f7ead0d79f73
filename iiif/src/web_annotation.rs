//! Web Annotations: checked, read for what they are about, and printed for one reader.
//!
//! W3C Web Annotation Data Model (sections cited as „Model“) and Web Annotation Protocol
//! („Protocol“). A document of a client is kept whole; only its `id` is the server's.
//!
//! - [`WebAnnotation::parse`] refuses what the model forbids, and what is dangerous to a reader.
//! - [`WebAnnotation::subjects`] says what it is about: sources and boxes on them.
//! - [`WebAnnotation::texts`] is what its bodies say, for search.
//! - [`WebAnnotation::published`] is what is sent: with its id and times, its HTML and SVG cleaned.
//! - [`open`] reads and prints the same as Open Annotation; [`container`] prints collections.

pub mod container;
mod html;
mod model;
pub mod open;
mod path;
pub mod region;
mod strict;
mod svg;

#[cfg(test)]
mod tests;

use region::Region;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// The JSON-LD context of an annotation: Model, section 3.1.
pub const CONTEXT: &str = "http://www.w3.org/ns/anno.jsonld";
/// The media type of every answer: Protocol, section 4.1.
pub const MEDIA_TYPE: &str = "application/ld+json; profile=\"http://www.w3.org/ns/anno.jsonld\"";

/// What is wrong with an annotation, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{at}`: {reason}")]
pub struct AnnotationError {
    /// A JSON pointer (RFC 6901); `/` for the whole.
    pub at: String,
    pub reason: String,
}

impl AnnotationError {
    fn new(at: &str, reason: impl Into<String>) -> Self {
        let at = if at.is_empty() { "/" } else { at };
        Self { at: at.to_owned(), reason: reason.into() }
    }
}

/// An annotation that keeps the rules of the model, without its id.
#[derive(Debug, Clone, PartialEq)]
pub struct WebAnnotation {
    document: Map<String, Value>,
}

/// What an annotation is about: a resource, or a box on it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Subject {
    /// An IRI without fragment.
    pub source: String,
    /// In units of the source; `None`: all of it, or a part that is not known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub region: Option<Region>,
}

/// The times that the server knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Times {
    /// `xsd:dateTime`; shown where the client gave no time itself.
    pub created: String,
    /// `None`: never changed.
    pub modified: Option<String>,
}

impl WebAnnotation {
    /// Reads and checks JSON text. An id of the client's becomes `via` (Protocol, section 5.1); one
    /// that is no address, as clients give before they have saved, is dropped.
    pub fn parse(json: &str) -> Result<Self, AnnotationError> {
        let value = strict::parse(json)?;
        Self::from_value(value)
    }

    fn from_value(value: Value) -> Result<Self, AnnotationError> {
        model::check(&value)?;
        let Value::Object(mut document) = value else {
            return Err(AnnotationError::new("", "an annotation is a JSON object"));
        };
        if let Some(Value::String(id)) = document.remove("id")
            && model::is_address(&id)
        {
            add_via(&mut document, id);
        }
        Ok(Self { document })
    }

    /// Reads what was checked once and kept; `None`: it is none of ours.
    pub fn from_stored(json: &str) -> Option<Self> {
        serde_json::from_str(json).ok().map(|document| Self { document })
    }

    /// Returns the text that is kept, the same for equal documents.
    pub fn to_stored(&self) -> String {
        Value::Object(self.document.clone()).to_string()
    }

    /// Takes the server's address away that a client sends back in `via` or `id`.
    pub fn forget_via(&mut self, address: &str) {
        let is_own = |it: &Value| it.as_str() == Some(address);
        match self.document.get_mut("via") {
            Some(Value::Array(via)) => via.retain(|it| !is_own(it)),
            Some(it) if is_own(it) => *it = Value::Array(Vec::new()),
            _ => return,
        }
        if self.document["via"].as_array().is_some_and(Vec::is_empty) {
            self.document.remove("via");
        }
    }

    /// Takes times away that the server gave, and that a client sends back.
    pub fn forget_times(&mut self, times: &Times) {
        let given = [("created", Some(&times.created)), ("modified", times.modified.as_ref())];
        for (key, time) in given {
            if time.is_some()
                && self.document.get(key).and_then(Value::as_str) == time.map(|it| &**it)
            {
                self.document.remove(key);
            }
        }
    }

    /// Returns what it is about, without repetition, in the order of the document.
    pub fn subjects(&self) -> Vec<Subject> {
        let mut subjects = Vec::new();
        for target in each(self.document.get("target")) {
            collect_subjects(target, &mut subjects);
        }
        subjects
    }

    /// Returns its motivations, and the purposes of its bodies: Model, sections 3.3.5 and 3.2.4.
    pub fn motivations(&self) -> Vec<String> {
        let purposes = each(self.document.get("body")).map(|it| it.get("purpose"));
        let all = std::iter::once(self.document.get("motivation")).chain(purposes);
        distinct(all.flat_map(each).filter_map(Value::as_str))
    }

    /// Returns addresses and names of those who made it: Model, section 3.3.2.
    pub fn creators(&self) -> Vec<String> {
        let mut creators = Vec::new();
        for creator in each(self.document.get("creator")) {
            let told = ["id", "name", "nickname"].map(|it| creator.get(it));
            creators.extend(creator.as_str());
            creators.extend(told.into_iter().flat_map(each).filter_map(Value::as_str));
        }
        distinct(creators.into_iter())
    }

    /// Returns the texts of its bodies, tags too, each by itself and without markup: Model, sections
    /// 3.2.4 and 3.2.5.
    pub fn texts(&self) -> Vec<String> {
        html::texts(&self.document)
    }

    /// Returns the document for readers: with its address and times, its HTML and SVG cleaned.
    pub fn published(&self, id: &str, times: &Times) -> Map<String, Value> {
        let mut document = self.cleaned();
        document.insert("id".into(), json!(id));
        document.entry("created").or_insert_with(|| json!(times.created));
        if let Some(modified) = &times.modified {
            document.insert("modified".into(), json!(modified));
        }
        document
    }

    /// Returns the document for readers, its HTML and SVG cleaned, as it came otherwise.
    pub fn cleaned(&self) -> Map<String, Value> {
        let mut document = self.document.clone();
        html::clean_bodies(&mut document);
        clean_selectors(&mut document);
        document
    }
}

/// Says whether an address runs in the browser of who follows it.
pub(crate) fn is_active(address: &str) -> bool {
    model::has_active_scheme(address)
}

fn add_via(document: &mut Map<String, Value>, id: String) {
    let via = match document.remove("via") {
        None => Value::String(id),
        Some(Value::Array(mut via)) => {
            if !via.iter().any(|it| it.as_str() == Some(&id)) {
                via.push(Value::String(id));
            }
            Value::Array(via)
        }
        Some(it) if it.as_str() == Some(&id) => it,
        Some(it) => json!([it, id]),
    };
    document.insert("via".into(), via);
}

/// Returns the values of a property that has none, one, or a list of them.
fn each(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    match value {
        Some(Value::Array(items)) => items.as_slice(),
        Some(one) => std::slice::from_ref(one),
        None => &[],
    }
    .iter()
}

fn distinct<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for text in texts {
        if !found.iter().any(|it| it == text) {
            found.push(text.to_owned());
        }
    }
    found
}

fn collect_subjects(target: &Value, subjects: &mut Vec<Subject>) {
    match target {
        Value::String(iri) => add_subject(subject(iri, None), subjects),
        Value::Object(target) => {
            let source = target.get("source").or_else(|| target.get("id"));
            let source = source.map(|it| it.get("id").unwrap_or(it)).and_then(Value::as_str);
            if let Some(source) = source {
                let region = each(target.get("selector")).find_map(region::of_selector);
                add_subject(subject(source, region), subjects);
            }
            for item in each(target.get("items")) {
                collect_subjects(item, subjects);
            }
        }
        _ => {}
    }
}

fn subject(iri: &str, region: Option<Region>) -> Subject {
    let (source, fragment) = iri.split_once('#').map_or((iri, None), |(it, f)| (it, Some(f)));
    let region = region.or_else(|| fragment.and_then(region::of_fragment));
    Subject { source: source.to_owned(), region }
}

fn add_subject(subject: Subject, subjects: &mut Vec<Subject>) {
    if !subjects.contains(&subject) {
        subjects.push(subject);
    }
}

/// Prints every SVG selector anew: what was kept before a rule was made is held to it too.
fn clean_selectors(object: &mut Map<String, Value>) {
    if is_svg(object) {
        clean_svg(object);
    }
    for value in object.values_mut() {
        match value {
            Value::Object(inner) => clean_selectors(inner),
            Value::Array(items) => {
                items.iter_mut().filter_map(Value::as_object_mut).for_each(clean_selectors);
            }
            _ => {}
        }
    }
}

fn is_svg(selector: &Map<String, Value>) -> bool {
    each(selector.get("type")).any(|it| it.as_str() == Some("SvgSelector"))
}

fn clean_svg(selector: &mut Map<String, Value>) {
    if let Some(text) = selector.get("value").and_then(Value::as_str) {
        let clean = svg::cleaned(text).unwrap_or_default();
        selector.insert("value".into(), json!(clean));
    }
}
