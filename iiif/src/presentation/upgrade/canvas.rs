//! Canvases and what is painted on them: Presentation API 3.0, sections 5.3 to 5.7.

use serde_json::{Value, json};

use super::super::json::{Object, copy, each, id_of, is, list, put, text, xywh};
use super::{described, service, words};
use crate::web_annotation::open;

pub(super) fn one(canvas: &Value) -> Option<Value> {
    let id = id_of(canvas).filter(|_| canvas.is_object())?;
    let mut read = described(canvas, "Canvas");
    let images = each(canvas.get("images")).enumerate();
    let paintings: Vec<Value> =
        images.filter_map(|(index, image)| painting(id, index, image)).collect();
    let page = json!({"id": format!("{id}/painting"), "type": "AnnotationPage",
        "items": paintings});
    read.insert("items".to_owned(), json!([page]));
    let pages = each(canvas.get("otherContent")).filter_map(page_of);
    put(&mut read, "annotations", list(pages.collect()));
    Some(Value::Object(read))
}

fn painting(canvas: &str, index: usize, annotation: &Value) -> Option<Value> {
    let body = body(annotation.get("resource")?)?;
    let own = id_of(annotation).map(str::to_owned);
    Some(json!({
        "id": own.unwrap_or_else(|| format!("{canvas}/painting/{index}")),
        "type": "Annotation",
        "motivation": "painting",
        "body": body,
        "target": target(canvas, annotation.get("on")),
    }))
}

/// Returns what is painted on: an address, with the box where it is only a part.
fn target(canvas: &str, on: Option<&Value>) -> String {
    let Some(on) = each(on).next() else { return canvas.to_owned() };
    let address = on.get("full").and_then(id_of).or_else(|| id_of(on)).unwrap_or(canvas);
    let mut selectors = each(on.get("selector")).filter_map(|it| text(it, "value"));
    match selectors.find(|it| it.starts_with("xywh=")) {
        Some(selected) if xywh(address).is_none() => format!("{address}#{selected}"),
        _ => address.to_owned(),
    }
}

/// Reads what is painted: an image, a part of one, a choice of them, or text.
fn body(resource: &Value) -> Option<Value> {
    if is(resource, "oa:Choice") {
        let all = each(resource.get("default")).chain(each(resource.get("item")));
        // A choice within a choice is none that version 3.0 knows.
        let items: Vec<Value> = all.filter(|it| !is(it, "oa:Choice")).filter_map(body).collect();
        let mut choice = Object::new();
        put(&mut choice, "id", id_of(resource).map(|it| json!(it)));
        choice.insert("type".to_owned(), json!("Choice"));
        choice.insert("items".to_owned(), list(items)?);
        return Some(Value::Object(choice));
    }
    if is(resource, "oa:SpecificResource") {
        return part(resource);
    }
    if let Some(chars) = text(resource, "chars").or_else(|| text(resource, "cnt:chars")) {
        let mut body = Object::new();
        body.insert("type".to_owned(), json!("TextualBody"));
        body.insert("value".to_owned(), json!(chars));
        copy(resource, &["format", "language"], &mut body);
        return Some(Value::Object(body));
    }
    if resource.as_str() == Some("rdf:nil") { None } else { image(resource) }
}

/// Reads a part of an image: Open Annotation annex, section 4.1 (Image API selector).
fn part(resource: &Value) -> Option<Value> {
    let source = image(resource.get("full")?)?;
    let region = each(resource.get("selector")).find_map(|it| text(it, "region"));
    let Some(region) = region else { return Some(source) };
    let mut part = Object::new();
    put(&mut part, "id", id_of(resource).map(|it| json!(it)));
    part.insert("type".to_owned(), json!("SpecificResource"));
    part.insert("source".to_owned(), source);
    part.insert("selector".to_owned(), json!({"type": "ImageApiSelector", "region": region}));
    Some(Value::Object(part))
}

/// Reads an image, or whatever else lies at an address.
pub(super) fn image(resource: &Value) -> Option<Value> {
    let mut read = Object::new();
    read.insert("id".to_owned(), json!(id_of(resource)?));
    let kind = match () {
        () if is(resource, "dctypes:MovingImage") => "Video",
        () if is(resource, "dctypes:Sound") => "Sound",
        () if is(resource, "dctypes:Text") => "Text",
        () => "Image",
    };
    read.insert("type".to_owned(), json!(kind));
    put(&mut read, "label", words(resource.get("label")));
    put(&mut read, "format", text(resource, "format").map(|it| json!(it)));
    for name in ["width", "height"] {
        put(&mut read, name, resource.get(name).filter(|it| it.is_number()).cloned());
    }
    put(&mut read, "service", service::all(resource));
    Some(Value::Object(read))
}

/// Reads a list of annotations: elsewhere, or here.
fn page_of(list: &Value) -> Option<Value> {
    let id = id_of(list)?;
    let mut page = Object::new();
    page.insert("id".to_owned(), json!(id));
    page.insert("type".to_owned(), json!("AnnotationPage"));
    put(&mut page, "label", words(list.get("label")));
    if let Some(Value::Array(resources)) = list.get("resources") {
        let items = resources.iter().filter_map(Value::as_object).enumerate();
        let items = items.map(|(index, resource)| {
            let mut annotation = open::read(resource);
            annotation.entry("id").or_insert_with(|| json!(format!("{id}/{index}")));
            Value::Object(annotation)
        });
        page.insert("items".to_owned(), items.collect());
    }
    Some(Value::Object(page))
}
