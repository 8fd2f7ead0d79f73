//! The document of a manifest as it is kept, and what edits make of it.

use super::edit::{
    CanvasAdded, CanvasChanged, CanvasMoved, CanvasRemoved, EditError, ManifestEdit, RangeRemoved,
    RangeSet,
};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashSet};

/// Where assets stand that are painted on canvases of their own; else the canvases are `items`.
const PAINTED: &str = "paintedResources";

/// THREATS 4.3.
pub const CANVASES_MAX: usize = 20_000;

/// How canvases are called that are made of painted assets and have no id of their own.
pub trait CanvasNaming: Send + Sync {
    /// Returns the id of the canvas of an asset that is painted for the `times`th time, from 1 on.
    fn canvas_id(&self, space: u64, asset: &str, times: usize) -> String;
}

/// Folds an edit into a document. Returns whether that changed it.
pub fn apply(
    document: &mut Value,
    edit: &ManifestEdit,
    names: &dyn CanvasNaming,
) -> Result<bool, EditError> {
    match edit {
        ManifestEdit::CanvasAdded(it) => Canvases::of(document, names).add(it).map(|()| true),
        ManifestEdit::CanvasChanged(it) => Canvases::of(document, names).change(it),
        ManifestEdit::CanvasMoved(it) => Canvases::of(document, names).shift(it),
        ManifestEdit::CanvasRemoved(it) => {
            Canvases::of(document, names).remove(it)?;
            forget(document, &it.canvas_id);
            Ok(true)
        }
        ManifestEdit::RangeSet(it) => set_range(document, it, names),
        ManifestEdit::RangeRemoved(it) => remove_range(document, it).map(|()| true),
    }
}

/// Returns the ids of the canvases of a document, in order.
pub fn canvas_ids(document: &Value, names: &dyn CanvasNaming) -> Vec<String> {
    let mut counted = Counted::new(names);
    match document.get(PAINTED).and_then(Value::as_array) {
        Some(painted) => painted.iter().map(|it| counted.id_of(it)).collect(),
        None => {
            let items = document["items"].as_array().into_iter().flatten();
            items.map(|it| it["id"].as_str().unwrap_or_default().to_owned()).collect()
        }
    }
}

/// Returns a canvas (or painted asset) of a document.
pub fn find_canvas<'a>(
    document: &'a Value,
    id: &str,
    names: &dyn CanvasNaming,
) -> Option<&'a Value> {
    let at = canvas_ids(document, names).iter().position(|it| it == id)?;
    document.get(PAINTED).unwrap_or(&document["items"]).get(at)
}

/// Returns a range of a document, however deep it stands.
pub fn find_range<'a>(document: &'a Value, id: &str) -> Option<&'a Value> {
    fn within<'a>(list: &'a Value, id: &str) -> Option<&'a Value> {
        list.as_array()?.iter().find_map(|it| match it["id"] == id && is_range(it) {
            true => Some(it),
            false => within(&it["items"], id),
        })
    }
    within(&document["structures"], id)
}

/// Names painted assets one after the other.
struct Counted<'n> {
    names: &'n dyn CanvasNaming,
    times: BTreeMap<(u64, String), usize>,
}

impl<'n> Counted<'n> {
    fn new(names: &'n dyn CanvasNaming) -> Self {
        Self { names, times: BTreeMap::new() }
    }

    fn id_of(&mut self, painted: &Value) -> String {
        let (space, asset) = asset_of(painted);
        let times = self.times.entry((space, asset.to_owned())).or_default();
        *times += 1;
        match painted["canvasPainting"]["canvasId"].as_str() {
            Some(id) => id.to_owned(),
            None => self.names.canvas_id(space, asset, *times),
        }
    }
}

fn asset_of(painted: &Value) -> (u64, &str) {
    let asset = &painted["asset"];
    (asset["space"].as_u64().unwrap_or_default(), asset["id"].as_str().unwrap_or_default())
}

/// The canvases of a document that is being edited.
struct Canvases<'d> {
    list: &'d mut Vec<Value>,
    ids: Vec<String>,
    is_painted: bool,
    names: &'d dyn CanvasNaming,
}

impl<'d> Canvases<'d> {
    fn of(document: &'d mut Value, names: &'d dyn CanvasNaming) -> Self {
        let ids = canvas_ids(document, names);
        let is_painted = document.get(PAINTED).is_some_and(Value::is_array);
        let name = if is_painted { PAINTED } else { "items" };
        if !document[name].is_array() {
            document[name] = json!([]);
        }
        let Value::Array(list) = &mut document[name] else { unreachable!("made above") };
        Self { list, ids, is_painted, names }
    }

    fn position(&self, id: &str) -> Result<usize, EditError> {
        let at = self.ids.iter().position(|it| it == id);
        at.ok_or_else(|| EditError::NoCanvas(id.to_owned()))
    }

    fn place(&self, before: Option<&str>) -> Result<usize, EditError> {
        let unlisted = |id: &str| EditError::Unlisted(id.to_owned());
        before.map_or(Ok(self.list.len()), |id| self.position(id).map_err(|_| unlisted(id)))
    }

    fn add(mut self, it: &CanvasAdded) -> Result<(), EditError> {
        self.check_kind(&it.canvas)?;
        let at = self.place(it.before.as_deref())?;
        if self.list.len() >= CANVASES_MAX {
            return Err(EditError::Full);
        }
        let mut canvas = it.canvas.clone();
        let chosen = match self.is_painted {
            true => canvas["canvasPainting"]["canvasId"].as_str(),
            false => Some(canvas["id"].as_str().ok_or(EditError::Id)?),
        };
        if let Some(id) = chosen.filter(|id| self.has(id)) {
            return Err(EditError::CanvasExists(id.to_owned()));
        }
        let is_chosen = chosen.is_some();
        self.pin(Some(&canvas));
        if !is_chosen {
            self.name(&mut canvas);
        }
        self.list.insert(at, canvas);
        self.number();
        Ok(())
    }

    fn change(mut self, it: &CanvasChanged) -> Result<bool, EditError> {
        let at = self.position(&it.canvas_id)?;
        self.check_kind(&it.canvas)?;
        let mut canvas = it.canvas.clone();
        if self.is_painted {
            // Another asset, or the same one: the canvas is called what it was called.
            if asset_of(&canvas) != asset_of(&self.list[at]) {
                self.pin(Some(&canvas));
                set(&mut canvas, "canvasId", json!(it.canvas_id));
            } else if let Some(id) = self.list[at]["canvasPainting"].get("canvasId") {
                set(&mut canvas, "canvasId", id.clone());
            } else if let Some(painting) = canvas["canvasPainting"].as_object_mut() {
                painting.remove("canvasId");
            }
            set(&mut canvas, "canvasOrder", self.list[at]["canvasPainting"]["canvasOrder"].clone());
        } else if canvas["id"] != it.canvas_id {
            return Err(EditError::Id);
        }
        let is_other = canvas != self.list[at];
        self.list[at] = canvas;
        Ok(is_other)
    }

    fn shift(mut self, it: &CanvasMoved) -> Result<bool, EditError> {
        let from = self.position(&it.canvas_id)?;
        let to = self.place(it.before.as_deref())?;
        // Before itself, or before the one that comes next.
        if to == from || to == from + 1 {
            return Ok(false);
        }
        self.pin(None);
        let canvas = self.list.remove(from);
        self.list.insert(if to > from { to - 1 } else { to }, canvas);
        self.number();
        Ok(true)
    }

    fn remove(mut self, it: &CanvasRemoved) -> Result<(), EditError> {
        let at = self.position(&it.canvas_id)?;
        self.pin(None);
        self.list.remove(at);
        self.number();
        Ok(())
    }

    fn check_kind(&self, canvas: &Value) -> Result<(), EditError> {
        match (self.is_painted, canvas.get("asset").is_some()) {
            (true, false) => Err(EditError::Painted),
            (false, true) => Err(EditError::Own),
            (true, true) | (false, false) => Ok(()),
        }
    }

    fn has(&self, id: &str) -> bool {
        self.ids.iter().any(|it| it == id)
    }

    /// Canvases of an asset that is painted more than once are numbered by their order; before that
    /// changes, each keeps what it is called. `incoming` is about to be painted, too.
    fn pin(&mut self, incoming: Option<&Value>) {
        if !self.is_painted {
            return;
        }
        let mut times: BTreeMap<(u64, String), usize> = BTreeMap::new();
        let key = |it: &Value| {
            let (space, asset) = asset_of(it);
            (space, asset.to_owned())
        };
        for it in self.list.iter().chain(incoming) {
            *times.entry(key(it)).or_default() += 1;
        }
        for (it, id) in self.list.iter_mut().zip(&self.ids) {
            if times.get(&key(it)).is_some_and(|times| *times > 1) {
                set(it, "canvasId", json!(id));
            }
        }
    }

    /// Gives a canvas of an asset that is painted already, or whose name is taken, one of its own.
    fn name(&self, painted: &mut Value) {
        let (space, asset) = asset_of(painted);
        let is_first = !self.list.iter().any(|it| asset_of(it) == (space, asset));
        let free =
            (1..=CANVASES_MAX + 1).map(|times| (times, self.names.canvas_id(space, asset, times)));
        let mut free = free.filter(|(_, id)| !self.has(id));
        if let Some((_, id)) = free.next().filter(|(times, _)| !is_first || *times > 1) {
            set(painted, "canvasId", json!(id));
        }
    }

    /// The order of the list is the order of the canvases.
    fn number(&mut self) {
        for (order, it) in self.list.iter_mut().enumerate().filter(|_| self.is_painted) {
            set(it, "canvasOrder", json!(order));
        }
    }
}

fn set(painted: &mut Value, name: &str, value: Value) {
    let painting = &mut painted["canvasPainting"];
    if !painting.is_object() {
        *painting = json!({});
    }
    painting[name] = value;
}

fn is_range(value: &Value) -> bool {
    value["type"] == "Range"
}

fn set_range(
    document: &mut Value,
    it: &RangeSet,
    names: &dyn CanvasNaming,
) -> Result<bool, EditError> {
    let id = it.range["id"].as_str().ok_or(EditError::Id)?;
    let canvases: HashSet<String> = canvas_ids(document, names).into_iter().collect();
    let mut inner = HashSet::new();
    check_range(&it.range, &canvases, &mut inner)?;
    let former = find_range(document, id).cloned();
    if former.as_ref() == Some(&it.range) {
        return Ok(false);
    }
    let mut ids = HashSet::new();
    range_ids(&document["structures"], &mut ids);
    let own = former.map(|it| json!([it]));
    let mut replaced = HashSet::new();
    range_ids(own.as_ref().unwrap_or(&Value::Null), &mut replaced);
    if let Some(twice) = inner.iter().find(|it| ids.contains(*it) && !replaced.contains(*it)) {
        return Err(EditError::RangeTwice((*twice).to_owned()));
    }
    if !document["structures"].is_array() {
        document["structures"] = json!([]);
    }
    let Value::Array(structures) = &mut document["structures"] else { unreachable!("made above") };
    if !replace_range(structures, id, &it.range) {
        structures.push(it.range.clone());
    }
    Ok(true)
}

/// Checks that ranges have ids of their own and lead to canvases of the manifest.
fn check_range(
    range: &Value,
    canvases: &HashSet<String>,
    ids: &mut HashSet<String>,
) -> Result<(), EditError> {
    let id = range["id"].as_str().ok_or(EditError::Id)?;
    if !ids.insert(id.to_owned()) {
        return Err(EditError::RangeTwice(id.to_owned()));
    }
    for item in range["items"].as_array().into_iter().flatten() {
        if is_range(item) {
            check_range(item, canvases, ids)?;
        } else if let Some(canvas) = canvas_of(item).filter(|it| !canvases.contains(*it)) {
            return Err(EditError::Unlisted(canvas.to_owned()));
        }
    }
    Ok(())
}

/// Returns the canvas that something leads to, whole or in part.
fn canvas_of(item: &Value) -> Option<&str> {
    let id = match item["type"].as_str() {
        Some("SpecificResource") => match &item["source"] {
            Value::String(id) => Some(&**id),
            source => source["id"].as_str(),
        },
        Some("Canvas") => item["id"].as_str(),
        _ => None,
    };
    id.map(|id| id.split_once('#').map_or(id, |(canvas, _)| canvas))
}

fn range_ids(list: &Value, ids: &mut HashSet<String>) {
    for it in list.as_array().into_iter().flatten().filter(|it| is_range(it)) {
        ids.extend(it["id"].as_str().map(str::to_owned));
        range_ids(&it["items"], ids);
    }
}

fn replace_range(list: &mut [Value], id: &str, range: &Value) -> bool {
    list.iter_mut().any(|it| {
        if is_range(it) && it["id"] == id {
            *it = range.clone();
            return true;
        }
        it.get_mut("items")
            .and_then(Value::as_array_mut)
            .is_some_and(|items| replace_range(items, id, range))
    })
}

fn remove_range(document: &mut Value, it: &RangeRemoved) -> Result<(), EditError> {
    let missing = || EditError::NoRange(it.range_id.clone());
    find_range(document, &it.range_id).ok_or_else(missing)?;
    prune(document, &|item| is_range(item) && item["id"] == *it.range_id);
    Ok(())
}

/// Takes away what leads to a canvas that is gone.
fn forget(document: &mut Value, canvas_id: &str) {
    prune(document, &|item| canvas_of(item) == Some(canvas_id));
    if canvas_of(&document["start"]) == Some(canvas_id)
        && let Some(members) = document.as_object_mut()
    {
        members.remove("start");
    }
}

/// Takes items out of the table of contents, and ranges that have none left by that.
fn prune(document: &mut Value, is_out: &dyn Fn(&Value) -> bool) {
    fn within(list: &mut Vec<Value>, is_out: &dyn Fn(&Value) -> bool) {
        list.retain_mut(|it| {
            if is_out(it) {
                return false;
            }
            if is_out(&it["start"])
                && let Some(members) = it.as_object_mut()
            {
                members.remove("start");
            }
            let Some(items) = it.get_mut("items").and_then(Value::as_array_mut) else {
                return true;
            };
            let had = items.len();
            within(items, is_out);
            !items.is_empty() || had == 0
        });
    }
    let Some(structures) = document.get_mut("structures").and_then(Value::as_array_mut) else {
        return;
    };
    within(structures, is_out);
    if structures.is_empty()
        && let Some(members) = document.as_object_mut()
    {
        members.remove("structures");
    }
}

#[cfg(test)]
mod tests;
