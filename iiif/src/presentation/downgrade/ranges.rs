//! Ranges: a tree in version 3.0, a flat list in 2.1 (section 5.6).

use std::collections::HashMap;

use serde_json::{Value, json};

use super::super::json::{each, id_of, is, list, put, text, without_fragment, xywh};
use super::described;

/// Prints the ranges of a manifest, parents before their children. `canvases` are those printed:
/// what leads to any other is left out.
pub(super) fn flat(manifest: &Value, canvases: &[Value]) -> Vec<Value> {
    let pairs = canvases.iter().filter_map(|it| Some((id_of(it)?, it.get("label")?)));
    let labels: HashMap<&str, &Value> = pairs.collect();
    let base = id_of(manifest).unwrap_or_default();
    let mut printed = Vec::new();
    let mut count = 0;
    let mut name = |range: &Value| {
        count += 1;
        id_of(range).map_or_else(|| format!("{base}/range/{count}"), str::to_owned)
    };
    let top = each(manifest.get("structures")).filter(|it| is(it, "Range"));
    let mut waiting: Vec<(String, &Value, bool)> = top.map(|it| (name(it), it, true)).collect();
    waiting.reverse();
    while let Some((id, range, is_top)) = waiting.pop() {
        let mut members = Vec::new();
        let mut children = Vec::new();
        for item in each(range.get("items")) {
            if is(item, "Range") {
                let id = name(item);
                let label = super::words(item.get("label")).unwrap_or_else(|| json!(""));
                members.push(json!({"@id": id, "@type": "sc:Range", "label": label}));
                // One that only refers to another says nothing itself.
                if item.get("items").is_some() {
                    children.push((id, item, false));
                }
            } else {
                members.extend(canvas(item, &labels));
            }
        }
        waiting.extend(children.into_iter().rev());
        printed.push(one(&id, range, is_top, members));
    }
    printed
}

fn one(id: &str, range: &Value, is_top: bool, members: Vec<Value>) -> Value {
    let mut printed = described(range, "sc:Range");
    printed.insert("@id".to_owned(), json!(id));
    printed.entry("label").or_insert_with(|| json!(""));
    // Several may be marked: each is a structure of its own, as in version 3.0.
    put(&mut printed, "viewingHint", is_top.then(|| json!("top")));
    put(&mut printed, "startCanvas", super::start(range));
    let is_range = |it: &Value| it["@type"] == "sc:Range";
    // Lists by kind are read with canvases first. Mirador 4 and Universal Viewer 4 do not follow
    // `members` to ranges, so that these stand only where the order would be lost.
    if members.is_sorted_by_key(is_range) {
        let ids = |wanted: bool| {
            let of_kind = members.iter().filter(move |it| is_range(it) == wanted);
            list(of_kind.map(|it| it["@id"].clone()).collect())
        };
        put(&mut printed, "canvases", ids(false));
        put(&mut printed, "ranges", ids(true));
    } else {
        put(&mut printed, "members", list(members));
    }
    Value::Object(printed)
}

/// Prints a canvas or a part of one as a member.
fn canvas(item: &Value, labels: &HashMap<&str, &Value>) -> Option<Value> {
    let source = item.get("source").filter(|_| is(item, "SpecificResource"));
    let address = id_of(source.unwrap_or(item))?;
    let canvas = without_fragment(address);
    let label = labels.get(canvas)?;
    let mut selectors = each(item.get("selector")).filter_map(|it| text(it, "value"));
    let selected = selectors.find(|it| it.starts_with("xywh=")).or_else(|| xywh(address));
    let id = selected.map_or_else(|| canvas.to_owned(), |xywh| format!("{canvas}#{xywh}"));
    Some(json!({"@id": id, "@type": "sc:Canvas", "label": label}))
}
