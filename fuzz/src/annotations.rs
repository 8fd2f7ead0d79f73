//! Annotations: whatever is sent, it is refused, or kept whole and shown without harm.

use dlcs_iiif::web_annotation::open::{self, Dialect};
use dlcs_iiif::web_annotation::{Times, WebAnnotation, region};
use serde_json::{Value, json};

const ID: &str = "https://example.org/annotations/1";

/// Reads JSON text as a Web Annotation and as an Open Annotation.
///
/// # Panics
///
/// What is kept is read otherwise than it was sent, or what is shown could run.
pub fn check_annotation(text: &str) {
    if let Ok(annotation) = WebAnnotation::parse(text) {
        check_accepted(&annotation);
    }
    if let Ok(annotation) = open::parse(text) {
        check_accepted(&annotation);
    }
}

/// Draws a selector.
///
/// # Panics
///
/// As [`check_annotation`].
pub fn check_drawing(text: &str) {
    check_annotation(&selected(&json!({"type": "SvgSelector", "value": text})).to_string());
}

/// Selects by a fragment.
///
/// # Panics
///
/// As [`check_annotation`], or a box is not within an image.
pub fn check_fragment(text: &str) {
    if let Some(region) = region::of_fragment(text) {
        let [left, top, right, bottom] = region.edges();
        assert!(left <= right && top <= bottom && left >= 0 && top >= 0);
    }
    check_annotation(&selected(&json!({"type": "FragmentSelector", "value": text})).to_string());
}

fn selected(selector: &Value) -> Value {
    json!({
        "@context": "http://www.w3.org/ns/anno.jsonld",
        "type": "Annotation",
        "target": {"source": "https://example.org/canvas", "selector": selector},
    })
}

fn check_accepted(annotation: &WebAnnotation) {
    let stored = annotation.to_stored();
    assert_eq!(WebAnnotation::from_stored(&stored).as_ref(), Some(annotation));
    drop(annotation.texts());
    let times = Times { created: "2026-01-01T00:00:00Z".to_owned(), modified: None };
    let shown = annotation.published(ID, &times);
    let text = Value::Object(shown.clone()).to_string();
    let mut again = WebAnnotation::parse(&text).expect("what is shown can be sent again");
    again.forget_via(ID);
    assert_eq!(again.published(ID, &times), shown, "what is clean stays as it is");
    for subject in annotation.subjects() {
        assert!(!subject.source.is_empty() && !subject.source.contains('#'));
    }
    for dialect in [Dialect::OpenAnnotation, Dialect::Presentation2] {
        assert_eq!(open::from_web(&shown, dialect)["@id"], ID);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn replay(target: &str, check: fn(&str)) {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
        let files = std::fs::read_dir(corpus).expect("a corpus");
        let texts = files.map(|it| std::fs::read_to_string(it.expect("a file").path()));
        let count = texts.map(|it| check(&it.expect("text"))).count();
        assert!(count > 0, "{target} has a corpus");
    }

    #[test]
    fn the_corpora_pass() {
        replay("web_annotation", check_annotation);
        replay("svg_selector", check_drawing);
        replay("fragment_selector", check_fragment);
    }
}
