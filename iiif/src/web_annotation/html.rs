//! HTML of bodies: a few elements for words, links and pictures; and the words alone.

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

/// What a browser shows as words, and what divides them: no attributes, nothing that is not shown.
static READER: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut builder = Builder::default();
    builder
        .add_tags(&["address", "button", "fieldset", "form", "main", "option", "section", "tfoot"])
        .tag_attributes(HashMap::new())
        .generic_attributes(HashSet::new())
        .link_rel(None)
        .clean_content_tags(HashSet::from(["script", "style", "iframe", "object", "template"]));
    builder
});

/// Elements that stand within a word: all others divide what is before from what is behind.
const WITHIN_WORDS: [&str; 25] = [
    "a", "abbr", "acronym", "b", "bdi", "bdo", "cite", "code", "del", "em", "i", "ins", "kbd",
    "mark", "s", "small", "span", "strike", "strong", "sub", "sup", "tt", "u", "var", "wbr",
];

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

/// Returns the texts of bodies, each by itself: HTML as the words that a reader sees.
pub(super) fn texts(document: &Map<String, Value>) -> Vec<String> {
    let mut texts = Vec::new();
    each(document.get("body")).for_each(|it| collect_texts(it, &mut texts));
    if let Some(text) = document.get("bodyValue").and_then(Value::as_str) {
        texts.push(if looks_like_html(text) { read(text) } else { text.to_owned() });
    }
    texts
}

fn collect_texts(body: &Value, texts: &mut Vec<String>) {
    match body {
        Value::Array(bodies) => bodies.iter().for_each(|it| collect_texts(it, texts)),
        Value::Object(body) => {
            let inner = ["items", "source"].into_iter().filter_map(|key| body.get(key));
            inner.for_each(|it| collect_texts(it, texts));
            for text in each(body.get("value")).filter_map(Value::as_str) {
                texts.push(if is_html(body, text) { read(text) } else { text.to_owned() });
            }
        }
        _ => {}
    }
}

/// Returns the words of HTML.
fn read(html: &str) -> String {
    // What comes out of the cleaner has `<` and `>` around elements, and nowhere else.
    let clean = READER.clean(html).to_string();
    let mut pieces = clean.split('<');
    let mut text = decoded(pieces.next().unwrap_or_default());
    for piece in pieces {
        let (element, behind) = piece.split_once('>').unwrap_or((piece, ""));
        let name = element.trim_start_matches('/');
        if !WITHIN_WORDS.contains(&name) {
            text.push(' ');
        }
        text.push_str(&decoded(behind));
    }
    text
}

/// Returns text without the four entities that the cleaner writes.
fn decoded(text: &str) -> String {
    let text = text.replace("&nbsp;", " ").replace("&lt;", "<").replace("&gt;", ">");
    text.replace("&amp;", "&")
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
