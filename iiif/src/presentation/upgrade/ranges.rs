//! Ranges: a flat list with references in version 2.1, a tree in 3.0 (section 5.4).

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};

use super::super::json::{each, id_of, is, put, text, without_fragment};
use super::described;

/// Levels of ranges that are nested; what lies deeper begins a tree of its own, so that the
/// document can be read back.
const DEPTH_MAX: usize = 20;

/// Reads the list of ranges as trees. Each range stands in one place, also in a list whose
/// references run in circles; elsewhere it is referred to.
pub(super) fn tree(manifest: &str, structures: Option<&Value>) -> Vec<Value> {
    let ranges = each(structures).filter(|it| it.is_object()).enumerate();
    let name = |(index, range)| match id_of(range) {
        Some(id) => (id.to_owned(), range),
        None => (format!("{manifest}/range/{}", index + 1), range),
    };
    let named: Vec<(String, &Value)> = ranges.map(name).collect();
    let known: HashMap<&str, &Value> = named.iter().map(|(id, it)| (id.as_str(), *it)).collect();
    let children: HashSet<&str> = named.iter().flat_map(|(_, it)| child_ids(it)).collect();
    let is_top = |id: &str, range: &Value| {
        text(range, "viewingHint") == Some("top") || !children.contains(id)
    };
    let mut forest = Forest { known, placed: HashSet::new() };
    let mut trees = Vec::new();
    let tops = named.iter().filter(|(id, range)| is_top(id, range));
    // A range that is top has no place below another.
    forest.placed.extend(tops.clone().map(|(id, _)| id.clone()));
    trees.extend(tops.map(|(id, range)| forest.plant(id, range, 1)));
    for (id, range) in &named {
        if forest.placed.insert(id.clone()) {
            trees.push(forest.plant(id, range, 1));
        }
    }
    trees
}

/// Reads a sequence beside the first: section 5.4 (`behavior` `sequence`).
pub(super) fn of_sequence(manifest: &str, index: usize, sequence: &Value) -> Value {
    let mut read = described(sequence, "Range");
    read.entry("id").or_insert_with(|| json!(format!("{manifest}/sequence/{index}")));
    read.entry("label").or_insert_with(|| json!({"none": [(index + 1).to_string()]}));
    read.insert("behavior".to_owned(), json!(["sequence"]));
    let canvases = each(sequence.get("canvases")).filter_map(id_of).map(canvas);
    read.insert("items".to_owned(), canvases.collect());
    Value::Object(read)
}

struct Forest<'a> {
    known: HashMap<&'a str, &'a Value>,
    placed: HashSet<String>,
}

impl Forest<'_> {
    fn plant(&mut self, id: &str, range: &Value, depth: usize) -> Value {
        let mut read = described(range, "Range");
        read.insert("id".to_owned(), json!(id));
        read.entry("label").or_insert_with(|| json!({"none": [""]}));
        put(&mut read, "start", super::start(range));
        let mut items = Vec::new();
        for member in each(range.get("members")) {
            let Some(id) = id_of(member) else { continue };
            if is(member, "sc:Range") || self.known.contains_key(id) {
                items.push(self.child(id, depth));
            } else {
                items.push(canvas(id));
            }
        }
        items.extend(each(range.get("canvases")).filter_map(id_of).map(canvas));
        let children = each(range.get("ranges")).filter_map(id_of);
        items.extend(children.map(|id| self.child(id, depth)));
        read.insert("items".to_owned(), Value::Array(items));
        Value::Object(read)
    }

    fn child(&mut self, id: &str, depth: usize) -> Value {
        match self.known.get(id).copied() {
            Some(range) if depth < DEPTH_MAX && self.placed.insert(id.to_owned()) => {
                self.plant(id, range, depth + 1)
            }
            _ => json!({"id": id, "type": "Range"}),
        }
    }
}

fn child_ids(range: &Value) -> impl Iterator<Item = &str> {
    let members = each(range.get("members")).chain(each(range.get("ranges")));
    members.filter_map(id_of)
}

/// Refers to a canvas, or to a part of one.
fn canvas(address: &str) -> Value {
    let source = without_fragment(address);
    match address.strip_prefix(source).and_then(|it| it.strip_prefix('#')) {
        None => json!({"id": address, "type": "Canvas"}),
        Some(fragment) => json!({
            "type": "SpecificResource",
            "source": {"id": source, "type": "Canvas"},
            "selector": {"type": "FragmentSelector", "value": fragment},
        }),
    }
}
