//! The table of contents that a manifest's ranges come to.

use crate::text::manifests::label;
use dlcs_export::pdf::OutlineItem;
use serde_json::Value;
use std::collections::HashMap;

const DEPTH_MAX: usize = 20;
const ITEMS_MAX: usize = 10_000;
/// Of ranges that say how to go through the pages and are no chapters: Presentation API 3.0, section 3.4.
const NO_CHAPTERS: [&str; 2] = ["sequence", "no-nav"];

/// Returns the ranges of a document of Presentation 3.0 that lead to a page. `pages`: their places, by
/// the ids of their canvases.
pub(super) fn contents(document: &Value, pages: &HashMap<&str, usize>) -> Vec<OutlineItem> {
    let mut reader = Reader { pages, left: ITEMS_MAX };
    reader.items(&document["structures"], DEPTH_MAX)
}

struct Reader<'a> {
    pages: &'a HashMap<&'a str, usize>,
    /// Entries that may still come.
    left: usize,
}

impl Reader<'_> {
    fn items(&mut self, ranges: &Value, depth: usize) -> Vec<OutlineItem> {
        let ranges = ranges.as_array().into_iter().flatten();
        ranges.filter_map(|range| self.item(range, depth)).collect()
    }

    fn item(&mut self, range: &Value, depth: usize) -> Option<OutlineItem> {
        let says = |word: &&str| {
            range["behavior"].as_array().is_some_and(|it| it.contains(&(*word).into()))
        };
        if range["type"] != "Range" || depth == 0 || self.left == 0 || NO_CHAPTERS.iter().any(says)
        {
            return None;
        }
        self.left -= 1;
        let title = label(range)?;
        let items = self.items(&range["items"], depth - 1);
        let own = range["items"].as_array().into_iter().flatten();
        let own = own.filter_map(|it| self.pages.get(canvas(it)?)).min().copied();
        let below = items.first().map(|it| it.page);
        // A chapter begins where the first of its parts does.
        let page = own.into_iter().chain(below).min()?;
        Some(OutlineItem { title, page, items })
    }
}

/// Returns the id of the canvas that an item of a range is, or is a part of.
fn canvas(item: &Value) -> Option<&str> {
    let id = match item["type"].as_str()? {
        "Canvas" => &item["id"],
        "SpecificResource" if item["source"].is_object() => &item["source"]["id"],
        "SpecificResource" => &item["source"],
        _ => return None,
    };
    id.as_str()?.split('#').next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn chapters_lead_to_their_first_page_and_nothing_else_is_listed() {
        let pages = HashMap::from([("c1", 0), ("c2", 1), ("c3", 2)]);
        let range = |title: &str, items: Value| json!({"type": "Range", "label": {"de": [title]}, "items": items});
        let part = json!({"type": "SpecificResource", "source": {"id": "c3", "type": "Canvas"}});
        let section =
            range("Abschnitt", json!([{"type": "Canvas", "id": "c2#xywh=0,0,1,1"}, part]));
        let mut other = range("Other order", json!([{"type": "Canvas", "id": "c3"}]));
        other["behavior"] = json!(["sequence"]);
        let nowhere = range("Nowhere", json!([{"type": "Canvas", "id": "c9"}]));
        let document = json!({"structures": [range("Kapitel", json!([section])), other, nowhere]});
        let found = contents(&document, &pages);
        let section = OutlineItem { title: "Abschnitt".to_owned(), page: 1, items: vec![] };
        assert_eq!(
            found,
            [OutlineItem { title: "Kapitel".to_owned(), page: 1, items: vec![section] }]
        );
        assert_eq!(contents(&json!({"structures": 7}), &pages), []);
    }

    #[test]
    fn endless_ranges_end() {
        let pages = HashMap::from([("c", 0)]);
        let canvas = json!({"type": "Canvas", "id": "c"});
        let range = |items: Value| json!({"type": "Range", "label": {"en": ["x"]}, "items": items});
        let deep = (0..50).fold(range(json!([canvas])), |it, _| range(json!([it, canvas])));
        let mut found = contents(&json!({"structures": [deep]}), &pages);
        let mut depth = 0;
        while let Some(item) = found.pop() {
            (found, depth) = (item.items, depth + 1);
        }
        assert_eq!(depth, DEPTH_MAX);
        let many = Value::from(vec![range(json!([canvas])); ITEMS_MAX + 1]);
        assert_eq!(contents(&json!({"structures": many}), &pages).len(), ITEMS_MAX);
    }
}
