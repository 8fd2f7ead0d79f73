//! Presentation 3.0 documents of any making as Presentation 2.1.
//!
//! Total: whatever comes in, a document comes out, and what version 2.1 cannot say is left out.
//! Annotations at other addresses, and pages of them that stand in the document, are referred to.

mod canvas;
mod ranges;
mod service;

#[cfg(test)]
mod tests;

use serde_json::{Value, json};

use super::PresentationVersion;
use super::json::{Object, copy, each, id_of, is, list, one_or_list, put, text};

/// Values of `viewingHint`: Presentation API 2.1, section 3.3. `top` is for ranges, and ours.
const HINTS: [&str; 6] =
    ["individuals", "paged", "continuous", "multi-part", "non-paged", "facing-pages"];

/// Prints a manifest or a collection of version 3.0 as version 2.1.
///
/// ```
/// use dlcs_iiif::presentation::downgrade;
/// use serde_json::json;
///
/// let manifest = json!({"id": "https://example.org/m", "type": "Manifest",
///     "label": {"en": ["A book"]}, "items": []});
/// let old = downgrade(&manifest);
/// assert_eq!(old["@type"], "sc:Manifest");
/// assert_eq!(old["label"], json!({"@value": "A book", "@language": "en"}));
/// ```
pub fn downgrade(document: &Value) -> Value {
    let mut printed =
        if is(document, "Collection") { collection(document) } else { manifest(document) };
    printed.insert("@context".to_owned(), json!(PresentationVersion::V2.context()));
    Value::Object(printed)
}

/// Presentation API 2.1, section 5.1.
fn manifest(document: &Value) -> Object {
    let mut printed = described(document, "sc:Manifest");
    printed.entry("label").or_insert_with(|| json!("Untitled"));
    let id = id_of(document).unwrap_or_default();
    let canvases = canvas::all(document);
    let structures = ranges::flat(document, &canvases);
    let mut sequence = Object::new();
    sequence.insert("@id".to_owned(), json!(format!("{id}/sequence/normal")));
    sequence.insert("@type".to_owned(), json!("sc:Sequence"));
    put(&mut sequence, "startCanvas", start(document));
    sequence.insert("canvases".to_owned(), Value::Array(canvases));
    printed.insert("sequences".to_owned(), json!([sequence]));
    put(&mut printed, "structures", list(structures));
    printed
}

/// Presentation API 2.1, section 5.8. Members are referred to, in one order.
fn collection(document: &Value) -> Object {
    let mut printed = described(document, "sc:Collection");
    printed.entry("label").or_insert_with(|| json!("Untitled"));
    let members = each(document.get("items")).filter_map(member);
    let (collections, manifests): (Vec<Value>, Vec<Value>) =
        members.clone().partition(|it| it["@type"] == "sc:Collection");
    // Lists by kind would lose their order.
    if !collections.is_empty() && !manifests.is_empty() {
        put(&mut printed, "members", list(members.collect()));
    } else {
        put(&mut printed, "collections", list(collections));
        put(&mut printed, "manifests", list(manifests));
    }
    printed
}

fn member(item: &Value) -> Option<Value> {
    let known = [("Manifest", "sc:Manifest"), ("Collection", "sc:Collection")];
    let (_, kind) = known.into_iter().find(|(kind, _)| is(item, kind))?;
    id_of(item)?;
    let mut member = described(item, kind);
    member.entry("label").or_insert_with(|| json!("Untitled"));
    Some(Value::Object(member))
}

fn start(document: &Value) -> Option<Value> {
    let start = document.get("start")?;
    let canvas = if is(start, "SpecificResource") { start.get("source")? } else { start };
    id_of(canvas).map(|it| json!(it))
}

/// Prints what every resource may say of itself.
fn described(resource: &Value, kind: &str) -> Object {
    let mut printed = Object::new();
    put(&mut printed, "@id", id_of(resource).map(|it| json!(it)));
    printed.insert("@type".to_owned(), json!(kind));
    put(&mut printed, "label", words(resource.get("label")));
    put(&mut printed, "description", words(resource.get("summary")));
    let statement = resource.get("requiredStatement");
    put(&mut printed, "attribution", statement.and_then(|it| words(it.get("value"))));
    put(&mut printed, "license", text(resource, "rights").map(|it| json!(it)));
    put(&mut printed, "metadata", list(each(resource.get("metadata")).filter_map(pair).collect()));
    copy(resource, &["navDate"], &mut printed);
    let direction = text(resource, "viewingDirection");
    put(&mut printed, "viewingDirection", direction.map(|it| json!(it)));
    let mut behavior = each(resource.get("behavior")).filter_map(Value::as_str);
    put(&mut printed, "viewingHint", behavior.find(|it| HINTS.contains(it)).map(|it| json!(it)));
    let mut logos = each(resource.get("provider")).flat_map(|it| each(it.get("logo")));
    put(&mut printed, "logo", logos.find_map(canvas::image));
    let mut thumbnails = each(resource.get("thumbnail"));
    put(&mut printed, "thumbnail", thumbnails.find_map(canvas::image));
    for (name, old) in [("seeAlso", "seeAlso"), ("rendering", "rendering"), ("homepage", "related")]
    {
        put(&mut printed, old, list(each(resource.get(name)).filter_map(external).collect()));
    }
    let within = each(resource.get("partOf")).filter_map(id_of).map(|it| json!(it));
    put(&mut printed, "within", one_or_list(within.collect()));
    put(&mut printed, "service", service::all(resource));
    printed
}

fn external(resource: &Value) -> Option<Value> {
    let mut printed = Object::new();
    printed.insert("@id".to_owned(), json!(id_of(resource)?));
    put(&mut printed, "label", words(resource.get("label")));
    for name in ["format", "profile"] {
        put(&mut printed, name, text(resource, name).map(|it| json!(it)));
    }
    Some(Value::Object(printed))
}

fn pair(pair: &Value) -> Option<Value> {
    let (label, value) = (words(pair.get("label")), words(pair.get("value")));
    let is_nothing = label.is_none() && value.is_none();
    let or_blank = |it: Option<Value>| it.unwrap_or_else(|| json!(""));
    (!is_nothing).then(|| json!({"label": or_blank(label), "value": or_blank(value)}))
}

/// Section 4.3: a text, or texts with their language.
fn words(value: Option<&Value>) -> Option<Value> {
    match value? {
        Value::String(text) => Some(json!(text)),
        Value::Object(languages) => {
            let each_language = languages.iter().flat_map(|(language, texts)| {
                let texts = each(Some(texts)).filter_map(Value::as_str);
                texts.map(move |text| match language.as_str() {
                    "none" | "@none" => json!(text),
                    _ => json!({"@value": text, "@language": language}),
                })
            });
            one_or_list(each_language.collect())
        }
        _ => None,
    }
}
