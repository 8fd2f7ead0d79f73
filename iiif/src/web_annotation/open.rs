//! The same annotations as Open Annotation, for clients of IIIF Presentation 2 and older ones.
//!
//! Open Annotation Data Model (Community Draft, 2013); Presentation API 2.1, section 5.4. What only
//! the newer model has is carried along under its own name.

use super::{AnnotationError, CONTEXT, WebAnnotation, each, strict};
use crate::presentation::PresentationVersion;
use serde_json::{Map, Value, json};

/// The JSON-LD context of Open Annotation.
pub const OPEN_CONTEXT: &str = "http://www.w3.org/ns/oa.jsonld";
/// The media type of every answer.
pub const MEDIA_TYPE: &str = "application/ld+json; profile=\"http://www.w3.org/ns/oa.jsonld\"";

/// Under which names Open Annotation is printed. Both are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// `hasBody`, `hasTarget`.
    OpenAnnotation,
    /// `resource`, `on`: Presentation API 2.1.
    Presentation2,
}

/// Names of a property: Web Annotation, Open Annotation, Presentation 2.1.
const PROPERTIES: [(&str, &str, &str); 11] = [
    ("id", "@id", "@id"),
    ("type", "@type", "@type"),
    ("body", "hasBody", "resource"),
    ("target", "hasTarget", "on"),
    ("motivation", "motivatedBy", "motivation"),
    ("creator", "annotatedBy", "annotatedBy"),
    ("created", "annotatedAt", "annotatedAt"),
    ("generator", "serializedBy", "serializedBy"),
    ("generated", "serializedAt", "serializedAt"),
    ("source", "hasSource", "full"),
    ("selector", "hasSelector", "selector"),
];

/// Names of a class: Web Annotation, Open Annotation.
const CLASSES: [(&str, &str); 12] = [
    ("Text", "dctypes:Text"),
    ("Image", "dctypes:Image"),
    ("Video", "dctypes:MovingImage"),
    ("Sound", "dctypes:Sound"),
    ("Dataset", "dctypes:Dataset"),
    ("Canvas", "sc:Canvas"),
    ("Manifest", "sc:Manifest"),
    ("Collection", "sc:Collection"),
    ("Person", "foaf:Person"),
    ("Organization", "foaf:Organization"),
    ("Software", "prov:SoftwareAgent"),
    ("TextualBody", TEXT),
];

/// Classes that have the same name behind `oa:`.
const OPEN_CLASSES: [&str; 18] = [
    "Annotation",
    "Choice",
    "Composite",
    "CssSelector",
    "CssStyle",
    "DataPositionSelector",
    "FragmentSelector",
    "HttpRequestState",
    "Independents",
    "List",
    "RangeSelector",
    "SpecificResource",
    "SvgSelector",
    "Tag",
    "TextPositionSelector",
    "TextQuoteSelector",
    "TimeState",
    "XPathSelector",
];

const TEXT: &str = "cnt:ContentAsText";

/// Prints a Web Annotation as Open Annotation.
pub fn from_web(annotation: &Map<String, Value>, dialect: Dialect) -> Map<String, Value> {
    let mut printed = object_out(annotation, dialect);
    let context = match dialect {
        Dialect::OpenAnnotation => OPEN_CONTEXT,
        Dialect::Presentation2 => PresentationVersion::V2.context(),
    };
    printed.insert("@context".into(), json!(context));
    printed
}

/// Prints annotations as one list: Presentation API 2.1, section 5.5.
pub fn list(id: &str, label: &str, annotations: &[Map<String, Value>]) -> Value {
    let resources = annotations.iter().map(|it| {
        let mut printed = from_web(it, Dialect::Presentation2);
        printed.remove("@context");
        Value::Object(printed)
    });
    json!({
        "@context": PresentationVersion::V2.context(),
        "@id": id,
        "@type": "sc:AnnotationList",
        "label": label,
        "resources": resources.collect::<Vec<_>>(),
    })
}

fn object_out(object: &Map<String, Value>, dialect: Dialect) -> Map<String, Value> {
    let mut printed = Map::new();
    let is = |name: &str| each(object.get("type")).any(|it| it.as_str() == Some(name));
    let is_text = is("TextualBody") || is("SvgSelector");
    let is_tag = is("TextualBody") && object.get("purpose") == Some(&json!("tagging"));
    for (key, value) in object {
        match key.as_str() {
            "@context" => {}
            "purpose" if is_tag => {}
            "type" if is_tag => drop(printed.insert("@type".into(), json!(["oa:Tag", TEXT]))),
            "type" => drop(printed.insert("@type".into(), mapped(value, class_out))),
            "motivation" => {
                let key = property_out(key, dialect);
                printed.insert(key.into(), mapped(value, motivation_out));
            }
            "value" if is_text => drop(printed.insert("chars".into(), value.clone())),
            "bodyValue" => {
                let body = json!({"@type": TEXT, "chars": value, "format": "text/plain"});
                printed.insert(property_out("body", dialect).into(), body);
            }
            "items" if is("Choice") => choice_out(value, dialect, &mut printed),
            _ => {
                let value = value_out(value, dialect);
                printed.insert(property_out(key, dialect).into(), value);
            }
        }
    }
    printed
}

fn value_out(value: &Value, dialect: Dialect) -> Value {
    match value {
        Value::Array(items) => items.iter().map(|it| value_out(it, dialect)).collect(),
        Value::Object(object) => object_out(object, dialect).into(),
        other => other.clone(),
    }
}

/// The first is the one to take.
fn choice_out(items: &Value, dialect: Dialect, printed: &mut Map<String, Value>) {
    let mut items = each(Some(items)).map(|it| value_out(it, dialect));
    if let Some(first) = items.next() {
        printed.insert("default".into(), first);
    }
    printed.insert("item".into(), items.collect());
}

fn property_out(key: &str, dialect: Dialect) -> &str {
    let found = PROPERTIES.iter().find(|(web, _, _)| *web == key);
    found.map_or(key, |(_, open, presentation)| match dialect {
        Dialect::OpenAnnotation => open,
        Dialect::Presentation2 => presentation,
    })
}

fn class_out(class: &str) -> String {
    if let Some((_, open)) = CLASSES.iter().find(|(web, _)| *web == class) {
        return (*open).to_owned();
    }
    if OPEN_CLASSES.contains(&class) { format!("oa:{class}") } else { class.to_owned() }
}

fn motivation_out(motivation: &str) -> String {
    match motivation {
        "painting" => "sc:painting".to_owned(),
        "supplementing" => motivation.to_owned(),
        _ if motivation.contains(':') => motivation.to_owned(),
        _ => format!("oa:{motivation}"),
    }
}

/// Changes a text, or each of a list of them.
fn mapped(value: &Value, change: fn(&str) -> String) -> Value {
    match value {
        Value::String(text) => change(text).into(),
        Value::Array(items) => items.iter().map(|it| mapped(it, change)).collect(),
        other => other.clone(),
    }
}

/// Reads Open Annotation, of either dialect, as a Web Annotation.
pub fn parse(json: &str) -> Result<WebAnnotation, AnnotationError> {
    let Value::Object(open) = strict::parse(json)? else {
        return Err(AnnotationError::new("", "an annotation is a JSON object"));
    };
    let is_open = |it: &Value| it.as_str() == Some("oa:Annotation");
    if !each(open.get("@type")).any(is_open) {
        return Err(AnnotationError::new("/@type", "it has `oa:Annotation`"));
    }
    let mut annotation = object_in(&open);
    annotation.insert("@context".into(), json!(CONTEXT));
    WebAnnotation::from_value(Value::Object(annotation))
}

/// Reads an object of either dialect, unchecked.
pub(crate) fn read(object: &Map<String, Value>) -> Map<String, Value> {
    object_in(object)
}

fn object_in(object: &Map<String, Value>) -> Map<String, Value> {
    let mut read = Map::new();
    let types: Vec<_> = each(object.get("@type")).filter_map(Value::as_str).collect();
    let chars = object.get("chars").or_else(|| object.get("cnt:chars"));
    for (key, value) in object {
        match key.as_str() {
            "@context" | "chars" | "cnt:chars" | "default" | "item" => {}
            "@type" => drop(read.insert("type".into(), mapped(value, class_in))),
            "motivation" | "motivatedBy" => {
                read.insert("motivation".into(), mapped(value, motivation_in));
            }
            _ => drop(read.insert(property_in(key).into(), value_in(value))),
        }
    }
    if let Some(chars) = chars {
        read.insert("value".into(), chars.clone());
        if types.contains(&"oa:SvgSelector") {
            read.insert("type".into(), json!("SvgSelector"));
        } else {
            read.insert("type".into(), json!("TextualBody"));
        }
    }
    if types.contains(&"oa:Tag") {
        read.insert("purpose".into(), json!("tagging"));
    }
    if types.contains(&"oa:Choice") {
        let all = each(object.get("default")).chain(each(object.get("item")));
        let items: Vec<_> = all.filter(|it| it.as_str() != Some("rdf:nil")).map(value_in).collect();
        read.insert("items".into(), items.into());
    }
    read
}

fn value_in(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(value_in).collect(),
        Value::Object(object) => object_in(object).into(),
        other => other.clone(),
    }
}

fn property_in(key: &str) -> &str {
    let is = |(_, open, presentation): &&(&str, &str, &str)| *open == key || *presentation == key;
    PROPERTIES.iter().find(is).map_or(key, |(web, _, _)| web)
}

fn class_in(class: &str) -> String {
    if let Some((web, _)) = CLASSES.iter().find(|(_, open)| *open == class) {
        return (*web).to_owned();
    }
    class.strip_prefix("oa:").unwrap_or(class).to_owned()
}

fn motivation_in(motivation: &str) -> String {
    let plain = motivation.strip_prefix("oa:").or_else(|| motivation.strip_prefix("sc:"));
    plain.unwrap_or(motivation).to_owned()
}
