//! Presentation 2.1 documents of any making as Presentation 3.0.
//!
//! Total: whatever comes in, a document comes out. Properties that version 2.1 does not know are
//! carried along as they are. What has no address of its own gets one below its parent's.

mod canvas;
mod ranges;
mod service;

#[cfg(test)]
mod tests;

use serde_json::{Value, json};

use super::PresentationVersion;
use super::json::{Object, each, id_of, is, list, put, text};

/// What stands for something else in version 3.0, and is not carried along.
const TRANSLATED: [&str; 25] = [
    "label",
    "metadata",
    "description",
    "attribution",
    "license",
    "logo",
    "thumbnail",
    "viewingDirection",
    "viewingHint",
    "seeAlso",
    "rendering",
    "related",
    "within",
    "service",
    "sequences",
    "structures",
    "canvases",
    "images",
    "otherContent",
    "ranges",
    "members",
    "collections",
    "manifests",
    "startCanvas",
    "contentLayer",
];
/// Words of `behavior` that were words of `viewingHint`; `top` is said by the place of a range.
const BEHAVIORS: [&str; 6] =
    ["individuals", "paged", "continuous", "multi-part", "non-paged", "facing-pages"];
const DIRECTIONS: [&str; 4] = ["left-to-right", "right-to-left", "top-to-bottom", "bottom-to-top"];
/// Contexts beside our own that are taken over.
const CONTEXTS_MAX: usize = 16;
/// Where the licences are that version 3.0 allows as `rights`: section 3.2 (`rights`).
const RIGHTS: [&str; 3] = [
    "creativecommons.org/licenses/",
    "creativecommons.org/publicdomain/",
    "rightsstatements.org/vocab/",
];

/// Returns whether a document says that it is a manifest or a collection of version 2.
pub fn is_version_2(document: &Value) -> bool {
    let is_of_2 = is(document, "sc:Manifest") || is(document, "sc:Collection");
    document.get("@type").is_some() && is_of_2
}

/// Reads a manifest or a collection of version 2.1 as version 3.0.
///
/// ```
/// use dlcs_iiif::presentation::upgrade;
/// use serde_json::json;
///
/// let manifest = json!({"@id": "https://example.org/m", "@type": "sc:Manifest",
///     "label": "A book", "sequences": []});
/// let new = upgrade(&manifest);
/// assert_eq!(new["type"], "Manifest");
/// assert_eq!(new["label"], json!({"none": ["A book"]}));
/// ```
pub fn upgrade(document: &Value) -> Value {
    let mut read =
        if is(document, "sc:Collection") { collection(document) } else { manifest(document) };
    let ours = json!(PresentationVersion::V3.context());
    let is_old = |it: &&Value| it.as_str() == Some(PresentationVersion::V2.context());
    let others = each(document.get("@context")).filter(|it| it.is_string() && !is_old(it));
    let mut contexts: Vec<Value> = others.take(CONTEXTS_MAX).cloned().collect();
    contexts.retain(|it| *it != ours);
    contexts.push(ours.clone());
    let context = if contexts.len() > 1 { Value::Array(contexts) } else { ours };
    read.insert("@context".to_owned(), context);
    Value::Object(read)
}

fn manifest(document: &Value) -> Object {
    let mut read = described(document, "Manifest");
    read.entry("label").or_insert_with(|| json!({"none": ["Untitled"]}));
    let sequences = || each(document.get("sequences"));
    let sequence = sequences().next();
    // What a sequence says of its order holds for the manifest, unless that says otherwise.
    if let Some(sequence) = sequence {
        for (name, value) in described(sequence, "") {
            if ["viewingDirection", "behavior"].contains(&name.as_str()) {
                read.entry(name).or_insert(value);
            }
        }
        put(&mut read, "start", start(sequence));
    }
    let canvases = each(sequence.and_then(|it| it.get("canvases")));
    read.insert("items".to_owned(), canvases.filter_map(canvas::one).collect());
    let id = id_of(document).unwrap_or_default();
    let mut structures = ranges::tree(id, document.get("structures"));
    let others = sequences().enumerate().skip(1);
    structures.extend(others.map(|(index, it)| ranges::of_sequence(id, index, it)));
    put(&mut read, "structures", list(structures));
    read
}

/// Members are referred to; what stands in them is not taken over.
fn collection(document: &Value) -> Object {
    let mut read = described(document, "Collection");
    read.entry("label").or_insert_with(|| json!({"none": ["Untitled"]}));
    let lists = [("members", ""), ("collections", "Collection"), ("manifests", "Manifest")];
    let members = lists.into_iter().flat_map(|(name, kind)| {
        each(document.get(name)).filter_map(move |member| {
            let found = if is(member, "sc:Collection") { "Collection" } else { "Manifest" };
            let mut read = described(member, if kind.is_empty() { found } else { kind });
            id_of(member)?;
            read.entry("label").or_insert_with(|| json!({"none": ["Untitled"]}));
            Some(Value::Object(read))
        })
    });
    let members: Vec<Value> = members.collect();
    read.insert("items".to_owned(), Value::Array(members));
    read
}

fn start(resource: &Value) -> Option<Value> {
    let canvas = resource.get("startCanvas").and_then(id_of)?;
    Some(json!({"id": canvas, "type": "Canvas"}))
}

/// Reads what every resource may say of itself.
fn described(resource: &Value, kind: &str) -> Object {
    let mut read = carried(resource);
    put(&mut read, "id", id_of(resource).map(|it| json!(it)));
    read.insert("type".to_owned(), json!(kind));
    put(&mut read, "label", words(resource.get("label")));
    put(&mut read, "summary", words(resource.get("description")));
    let attribution = words(resource.get("attribution"));
    let statement = |value| json!({"label": {"en": ["Attribution"]}, "value": value});
    put(&mut read, "requiredStatement", attribution.clone().map(statement));
    let mut pairs: Vec<Value> = each(resource.get("metadata")).filter_map(pair).collect();
    for license in each(resource.get("license")).filter_map(id_of) {
        match rights(license) {
            Some(rights) if !read.contains_key("rights") => {
                read.insert("rights".to_owned(), json!(rights));
            }
            _ => pairs.push(json!({"label": {"en": ["Rights"]}, "value": {"none": [license]}})),
        }
    }
    put(&mut read, "metadata", list(pairs));
    let direction = text(resource, "viewingDirection").filter(|it| DIRECTIONS.contains(it));
    put(&mut read, "viewingDirection", direction.map(|it| json!(it)));
    let hints = each(resource.get("viewingHint")).filter_map(Value::as_str);
    let behavior = hints.filter(|it| BEHAVIORS.contains(it)).map(|it| json!(it));
    put(&mut read, "behavior", list(behavior.collect()));
    put(&mut read, "provider", provider(resource, attribution));
    let thumbnails = each(resource.get("thumbnail")).filter_map(canvas::image);
    put(&mut read, "thumbnail", list(thumbnails.collect()));
    refer(resource, &mut read);
    put(&mut read, "service", service::all(resource));
    read
}

/// Reads what leads elsewhere.
fn refer(resource: &Value, read: &mut Object) {
    let links = [
        ("seeAlso", "seeAlso", "Dataset"),
        ("rendering", "rendering", "Text"),
        ("related", "homepage", "Text"),
    ];
    for (old, name, kind) in links {
        let found = each(resource.get(old)).filter_map(|it| external(it, kind));
        put(read, name, list(found.collect()));
    }
    let is_whole = is(resource, "sc:Manifest") || is(resource, "sc:Collection");
    let around = if is_whole { "Collection" } else { "Manifest" };
    let within = each(resource.get("within")).filter_map(|it| {
        let kind = if is(it, "sc:Collection") { "Collection" } else { around };
        let mut part = Object::new();
        part.insert("id".to_owned(), json!(id_of(it)?));
        part.insert("type".to_owned(), json!(kind));
        put(&mut part, "label", words(it.get("label")));
        Some(Value::Object(part))
    });
    put(read, "partOf", list(within.collect()));
}

/// A logo is somebody's.
fn provider(resource: &Value, name: Option<Value>) -> Option<Value> {
    let logo = list(each(resource.get("logo")).filter_map(canvas::image).collect())?;
    let id = format!("{}/provider", id_of(resource).unwrap_or_default());
    let label = name.unwrap_or_else(|| json!({"none": ["Unknown"]}));
    Some(json!([{"id": id, "type": "Agent", "label": label, "logo": logo}]))
}

/// Returns what version 2.1 does not know, such as an extension of somebody's.
fn carried(resource: &Value) -> Object {
    let members = resource.as_object().into_iter().flatten();
    let unknown = members.filter(|(name, value)| {
        let is_known = name.starts_with('@') || TRANSLATED.contains(&name.as_str());
        !is_known && !value.is_null()
    });
    unknown.map(|(name, value)| (name.clone(), value.clone())).collect()
}

fn external(resource: &Value, kind: &str) -> Option<Value> {
    let id = id_of(resource)?;
    let mut read = Object::new();
    read.insert("id".to_owned(), json!(id));
    let format = text(resource, "format");
    let found = match format {
        Some(format) if format.starts_with("image/") => "Image",
        Some(format) if format.starts_with("audio/") => "Sound",
        Some(format) if format.starts_with("video/") => "Video",
        _ => kind,
    };
    read.insert("type".to_owned(), json!(found));
    let label = words(resource.get("label"));
    // Version 3.0, section 3.2: both need one. Data need not.
    let label = label.or_else(|| (kind == "Text").then(|| json!({"none": [id]})));
    put(&mut read, "label", label);
    put(&mut read, "format", format.map(|it| json!(it)));
    put(&mut read, "profile", text(resource, "profile").map(|it| json!(it)));
    Some(Value::Object(read))
}

fn pair(pair: &Value) -> Option<Value> {
    let (label, value) = (words(pair.get("label")), words(pair.get("value")));
    let is_nothing = label.is_none() && value.is_none();
    let or_blank = |it: Option<Value>| it.unwrap_or_else(|| json!({"none": [""]}));
    (!is_nothing).then(|| json!({"label": or_blank(label), "value": or_blank(value)}))
}

/// Returns the licence as version 3.0 spells it, where it is one that it allows.
fn rights(license: &str) -> Option<String> {
    let plain = license.strip_prefix("https://").or_else(|| license.strip_prefix("http://"))?;
    let plain = plain.strip_prefix("www.").unwrap_or(plain);
    let is_known = RIGHTS.iter().any(|it| plain.starts_with(it));
    is_known.then(|| format!("http://{plain}"))
}

/// Reads a text, or texts with their language, as a language map.
fn words(value: Option<&Value>) -> Option<Value> {
    let mut map = Object::new();
    for one in each(value) {
        let number = one.as_number().map(ToString::to_string);
        let text = one.as_str().or_else(|| text(one, "@value")).map(str::to_owned);
        let Some(text) = text.or(number) else { continue };
        let language = self::text(one, "@language").filter(|it| !it.is_empty()).unwrap_or("none");
        let texts = map.entry(language).or_insert_with(|| json!([]));
        texts.as_array_mut().expect("it was made here").push(json!(text));
    }
    (!map.is_empty()).then_some(Value::Object(map))
}
