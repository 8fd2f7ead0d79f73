//! Canvases and what is painted on them: Presentation API 2.1, sections 5.3 and 5.4.

use serde_json::{Value, json};

use super::super::json::{Object, each, id_of, is, list, put, text, xywh};
use super::{described, service, words};

/// Prints the canvases that have a width and a height; a span of time alone is unknown to 2.1.
pub(super) fn all(manifest: &Value) -> Vec<Value> {
    let items = each(manifest.get("items")).enumerate();
    items.filter_map(|(index, canvas)| one(index, canvas)).collect()
}

fn one(index: usize, canvas: &Value) -> Option<Value> {
    let id = id_of(canvas).filter(|_| is(canvas, "Canvas"))?;
    let side = |name: &str| canvas.get(name).filter(|it| it.as_f64().is_some_and(|it| it > 0.0));
    let (width, height) = (side("width")?, side("height")?);
    let mut printed = described(canvas, "sc:Canvas");
    printed.entry("label").or_insert_with(|| json!((index + 1).to_string()));
    printed.insert("width".to_owned(), width.clone());
    printed.insert("height".to_owned(), height.clone());
    let annotations = each(canvas.get("items")).flat_map(|page| each(page.get("items")));
    let paintings = annotations.enumerate().flat_map(|(n, it)| paintings(id, n, it));
    printed.insert("images".to_owned(), paintings.collect());
    let lists = each(canvas.get("annotations")).filter_map(reference);
    put(&mut printed, "otherContent", list(lists.collect()));
    Some(Value::Object(printed))
}

/// Section 5.5.
fn reference(page: &Value) -> Option<Value> {
    let mut printed = Object::new();
    printed.insert("@id".to_owned(), json!(id_of(page)?));
    printed.insert("@type".to_owned(), json!("sc:AnnotationList"));
    put(&mut printed, "label", words(page.get("label")));
    Some(Value::Object(printed))
}

/// Prints an annotation once for each image in its body.
fn paintings(canvas: &str, index: usize, annotation: &Value) -> Vec<Value> {
    let is_painting = each(annotation.get("motivation")).any(|it| it == "painting");
    if !is_painting {
        return Vec::new();
    }
    let own = id_of(annotation).map(str::to_owned);
    let id = own.unwrap_or_else(|| format!("{canvas}/painting/{index}"));
    let on = target(canvas, annotation);
    let resources = each(annotation.get("body")).filter_map(resource).enumerate();
    let printed = resources.map(|(nth, resource)| {
        json!({
            "@id": if nth == 0 { id.clone() } else { format!("{id}/{nth}") },
            "@type": "oa:Annotation",
            "motivation": "sc:painting",
            "resource": resource,
            "on": on,
        })
    });
    printed.collect()
}

/// Returns the canvas, with the box where only a part of it is painted.
fn target(canvas: &str, annotation: &Value) -> String {
    let found = each(annotation.get("target")).find_map(|target| {
        let selectors = each(target.get("selector")).filter_map(|it| text(it, "value"));
        let addresses = target.get("source").and_then(id_of).or_else(|| id_of(target));
        let mut boxes = selectors.filter(|it| it.starts_with("xywh="));
        boxes.next().or_else(|| addresses.and_then(xywh))
    });
    found.map_or_else(|| canvas.to_owned(), |xywh| format!("{canvas}#{xywh}"))
}

/// Prints a body: an image, a part of one, or a choice of them.
fn resource(body: &Value) -> Option<Value> {
    if is(body, "Choice") {
        return choice(body);
    }
    if is(body, "SpecificResource") {
        return part(body);
    }
    image(body).filter(|_| is(body, "Image"))
}

/// Section 6.2.
fn choice(body: &Value) -> Option<Value> {
    let items = each(body.get("items")).filter(|it| !is(it, "Choice"));
    let mut items = items.filter_map(resource);
    let default = items.next()?;
    let mut printed = Object::new();
    put(&mut printed, "@id", id_of(body).map(|it| json!(it)));
    printed.insert("@type".to_owned(), json!("oa:Choice"));
    printed.insert("default".to_owned(), default);
    printed.insert("item".to_owned(), items.collect());
    Some(Value::Object(printed))
}

/// Section 6.1; Open Annotation annex, section 4.1 (Image API selector).
fn part(body: &Value) -> Option<Value> {
    let source = body.get("source")?;
    let full = image(source).filter(|_| is(source, "Image"))?;
    let Some(region) = each(body.get("selector")).find_map(|it| text(it, "region")) else {
        return Some(full);
    };
    let own = id_of(body).map(str::to_owned);
    let id = own.or_else(|| id_of(source).map(|it| format!("{it}#region={region}")))?;
    Some(json!({
        "@id": id,
        "@type": "oa:SpecificResource",
        "full": full,
        "selector": {
            "@context": "http://iiif.io/api/annex/openannotation/context.json",
            "@type": "iiif:ImageApiSelector",
            "region": region,
        },
    }))
}

/// Prints an image, whatever it says it is.
pub(super) fn image(image: &Value) -> Option<Value> {
    let mut printed = Object::new();
    printed.insert("@id".to_owned(), json!(id_of(image)?));
    printed.insert("@type".to_owned(), json!("dctypes:Image"));
    put(&mut printed, "label", words(image.get("label")));
    put(&mut printed, "format", text(image, "format").map(|it| json!(it)));
    for name in ["width", "height"] {
        put(&mut printed, name, image.get(name).filter(|it| it.is_number()).cloned());
    }
    put(&mut printed, "service", service::of_image(image));
    Some(Value::Object(printed))
}
