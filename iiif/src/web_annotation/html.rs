//! HTML of bodies: a few elements for words, links and pictures.

use super::each;
use ammonia::Builder;
use serde_json::{Map, Value, json};
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

/// What Presentation API 3.0, section 4.7 allows in descriptions: the rule that viewers know.
static CLEANER: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut builder = Builder::empty();
    builder
        .tags(HashSet::from(["a", "b", "br", "i", "img", "p", "small", "span", "sub", "sup"]))
        .tag_attributes(HashMap::from([
            ("a", HashSet::from(["href"])),
            ("img", HashSet::from(["src", "alt"])),
        ]))
        .clean_content_tags(HashSet::from(["script", "style", "iframe", "object", "template"]))
        .url_schemes(HashSet::from(["http", "https", "mailto"]))
        .link_rel(Some("noopener noreferrer"));
    builder
});

/// Returns the text with nothing in it that could run.
pub(super) fn cleaned(html: &str) -> String {
    CLEANER.clean(html).to_string()
}

/// Cleans every body that a reader may take for HTML.
pub(super) fn clean_bodies(document: &mut Map<String, Value>) {
    if let Some(body) = document.get_mut("body") {
        clean(body);
    }
    // Plain text by its definition (Model, section 3.2.5); some viewers show it as HTML.
    if let Some(Value::String(text)) = document.get_mut("bodyValue")
        && looks_like_html(text)
    {
        *text = cleaned(text);
    }
}

fn clean(body: &mut Value) {
    match body {
        Value::Array(bodies) => bodies.iter_mut().for_each(clean),
        Value::Object(body) => {
            for key in ["items", "source"] {
                if let Some(inner) = body.get_mut(key) {
                    clean(inner);
                }
            }
            let text = body.get("value").and_then(Value::as_str);
            if let Some(text) = text.filter(|it| is_html(body, it)) {
                let text = cleaned(text);
                body.insert("value".into(), json!(text));
            }
        }
        _ => {}
    }
}

/// A body whose format nobody tells is HTML if a browser would find elements in it.
fn is_html(body: &Map<String, Value>, text: &str) -> bool {
    let mut formats = each(body.get("format")).filter_map(Value::as_str).peekable();
    match formats.peek() {
        None => looks_like_html(text),
        Some(_) => formats.any(|it| !is_plain(it)),
    }
}

fn is_plain(format: &str) -> bool {
    let essence = format.split(';').next().unwrap_or_default().trim();
    ["text/plain", "application/json"].iter().any(|it| essence.eq_ignore_ascii_case(it))
}

fn looks_like_html(text: &str) -> bool {
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        rest = &rest[at + 1..];
        if rest.starts_with(|it: char| it.is_ascii_alphabetic() || matches!(it, '/' | '!' | '?')) {
            return true;
        }
    }
    false
}
