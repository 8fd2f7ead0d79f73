//! Edits of documents, one by one and at random.

use super::*;
use proptest::prelude::*;

/// Names canvases as `space/asset`, with a number from the second on.
struct Plain;

impl CanvasNaming for Plain {
    fn canvas_id(&self, space: u64, asset: &str, times: usize) -> String {
        match times {
            1 => format!("c/{space}/{asset}"),
            _ => format!("c/{space}/{asset}/{times}"),
        }
    }
}

fn own(ids: &[&str]) -> Value {
    let canvases: Vec<Value> = ids.iter().map(|id| canvas(id, 1)).collect();
    json!({"type": "Manifest", "items": canvases})
}

fn canvas(id: &str, width: u32) -> Value {
    json!({"id": id, "type": "Canvas", "width": width, "height": 1})
}

fn painted(assets: &[&str]) -> Value {
    let assets = assets.iter().enumerate().map(|(order, asset)| {
        json!({"asset": {"id": asset, "space": 1}, "canvasPainting": {"canvasOrder": order}})
    });
    json!({"type": "Manifest", "paintedResources": assets.collect::<Vec<_>>()})
}

fn resource(asset: &str) -> Value {
    json!({"asset": {"id": asset, "space": 1}, "canvasPainting": {}})
}

fn add(canvas: Value, before: Option<&str>) -> ManifestEdit {
    ManifestEdit::CanvasAdded(CanvasAdded { canvas, before: before.map(str::to_owned) })
}

fn change(canvas_id: &str, canvas: Value) -> ManifestEdit {
    ManifestEdit::CanvasChanged(CanvasChanged { canvas_id: canvas_id.to_owned(), canvas })
}

fn shift(canvas_id: &str, before: Option<&str>) -> ManifestEdit {
    let before = before.map(str::to_owned);
    ManifestEdit::CanvasMoved(CanvasMoved { canvas_id: canvas_id.to_owned(), before })
}

fn remove(canvas_id: &str) -> ManifestEdit {
    ManifestEdit::CanvasRemoved(CanvasRemoved { canvas_id: canvas_id.to_owned() })
}

fn range(id: &str, items: Value) -> Value {
    json!({"id": id, "type": "Range", "items": items})
}

fn to(canvas: &str) -> Value {
    json!({"id": canvas, "type": "Canvas"})
}

fn set_to(range: Value) -> ManifestEdit {
    ManifestEdit::RangeSet(RangeSet { range })
}

fn drop_range(id: &str) -> ManifestEdit {
    ManifestEdit::RangeRemoved(RangeRemoved { range_id: id.to_owned() })
}

fn edited(mut document: Value, edits: &[ManifestEdit]) -> Value {
    for edit in edits {
        apply(&mut document, edit, &Plain).expect("it can be done");
    }
    document
}

fn refused(mut document: Value, edit: &ManifestEdit) -> EditError {
    apply(&mut document, edit, &Plain).expect_err("it cannot be done")
}

#[test]
fn canvases_of_the_clients_own_are_added_changed_moved_and_removed() {
    let ids = |document: &Value| canvas_ids(document, &Plain);
    let three = edited(own(&["a"]), &[add(canvas("c", 1), None), add(canvas("b", 1), Some("c"))]);
    assert_eq!(ids(&three), ["a", "b", "c"]);
    let wide = edited(three.clone(), &[change("b", canvas("b", 9))]);
    assert_eq!(find_canvas(&wide, "b", &Plain), Some(&canvas("b", 9)));
    assert_eq!(ids(&edited(three.clone(), &[shift("a", None)])), ["b", "c", "a"]);
    assert_eq!(ids(&edited(three.clone(), &[shift("c", Some("a"))])), ["c", "a", "b"]);
    assert_eq!(ids(&edited(three, &[remove("b")])), ["a", "c"]);
}

#[test]
fn what_changes_nothing_says_so() {
    let mut document = own(&["a", "b"]);
    for edit in [change("a", canvas("a", 1)), shift("a", Some("b")), shift("b", None)] {
        assert_eq!(apply(&mut document, &edit, &Plain), Ok(false), "{edit:?}");
    }
    assert_eq!(document, own(&["a", "b"]));
}

#[test]
fn what_cannot_be_done_says_why() {
    assert_eq!(refused(own(&["a"]), &remove("x")), EditError::NoCanvas("x".to_owned()));
    let unlisted = || EditError::Unlisted("x".to_owned());
    assert_eq!(refused(own(&["a"]), &shift("a", Some("x"))), unlisted());
    assert_eq!(refused(own(&["a"]), &add(canvas("b", 1), Some("x"))), unlisted());
    let twice = EditError::CanvasExists("a".to_owned());
    assert_eq!(refused(own(&["a"]), &add(canvas("a", 2), None)), twice);
    assert_eq!(refused(own(&["a"]), &change("a", canvas("b", 1))), EditError::Id);
    assert_eq!(refused(own(&["a"]), &add(resource("p"), None)), EditError::Own);
    assert_eq!(refused(painted(&["p"]), &add(canvas("b", 1), None)), EditError::Painted);
    assert_eq!(refused(own(&["a"]), &drop_range("r")), EditError::NoRange("r".to_owned()));
}

#[test]
fn painted_assets_keep_the_names_of_their_canvases() {
    let twice = painted(&["p", "q", "p"]);
    assert_eq!(canvas_ids(&twice, &Plain), ["c/1/p", "c/1/q", "c/1/p/2"]);
    let moved = edited(twice.clone(), &[shift("c/1/p/2", Some("c/1/p"))]);
    assert_eq!(canvas_ids(&moved, &Plain), ["c/1/p/2", "c/1/p", "c/1/q"]);
    let orders: Vec<&Value> = moved["paintedResources"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|it| &it["canvasPainting"]["canvasOrder"])
        .collect();
    assert_eq!(orders, [&json!(0), &json!(1), &json!(2)]);
    let mut chosen = resource("q");
    chosen["canvasPainting"]["canvasId"] = json!("mine");
    let before = edited(painted(&["p", "q"]), &[add(chosen, Some("c/1/p"))]);
    assert_eq!(canvas_ids(&before, &Plain), ["mine", "c/1/p", "c/1/q"]);
    let removed = edited(twice, &[remove("c/1/p")]);
    assert_eq!(canvas_ids(&removed, &Plain), ["c/1/q", "c/1/p/2"]);
    let other = edited(painted(&["p", "q"]), &[change("c/1/p", resource("z"))]);
    assert_eq!(canvas_ids(&other, &Plain), ["c/1/p", "c/1/q"], "another picture, the same canvas");
    let mut named = resource("p");
    named["canvasPainting"]["canvasId"] = json!("c/1/p");
    for same in [resource("p"), named] {
        assert_eq!(apply(&mut painted(&["p"]), &change("c/1/p", same), &Plain), Ok(false));
    }
    let again = edited(painted(&["p"]), &[change("c/1/p", resource("p"))]);
    assert_eq!(again, painted(&["p"]));
}

#[test]
fn ranges_are_set_replaced_where_they_stand_and_removed() {
    let inner = range("r/1/1", json!([to("a")]));
    let outer = range("r/1", json!([inner, to("b")]));
    let document = edited(own(&["a", "b"]), &[set_to(outer.clone())]);
    assert_eq!(document["structures"], json!([outer]));
    let other = range("r/1/1", json!([to("a#xywh=0,0,1,1"), to("b")]));
    let document = edited(document, &[set_to(other.clone()), set_to(range("r/2", json!([])))]);
    assert_eq!(document["structures"][0]["items"][0], other);
    assert_eq!(find_range(&document, "r/1/1"), Some(&other));
    assert_eq!(apply(&mut document.clone(), &set_to(other), &Plain), Ok(false));
    let without = edited(document, &[drop_range("r/1/1"), drop_range("r/2")]);
    assert_eq!(without["structures"], json!([range("r/1", json!([to("b")]))]));
    assert!(edited(without, &[drop_range("r/1")]).get("structures").is_none());
}

#[test]
fn ranges_lead_to_canvases_of_the_manifest_and_have_ids_of_their_own() {
    let to_nothing = set_to(range("r", json!([to("x")])));
    assert_eq!(refused(own(&["a"]), &to_nothing), EditError::Unlisted("x".to_owned()));
    let part = json!({"type": "SpecificResource", "source": {"id": "x", "type": "Canvas"}});
    let to_part = set_to(range("r", json!([part])));
    assert_eq!(refused(own(&["a"]), &to_part), EditError::Unlisted("x".to_owned()));
    let within_itself = set_to(range("r", json!([range("r", json!([]))])));
    let twice = EditError::RangeTwice("r".to_owned());
    assert_eq!(refused(own(&["a"]), &within_itself), twice);
    let two = edited(own(&["a"]), &[set_to(range("r", json!([]))), set_to(range("s", json!([])))]);
    let takes_other = set_to(range("s", json!([range("r", json!([]))])));
    assert_eq!(refused(two, &takes_other), twice);
    let nameless = set_to(json!({"type": "Range", "items": []}));
    assert_eq!(refused(own(&["a"]), &nameless), EditError::Id);
}

#[test]
fn a_canvas_that_goes_takes_along_what_leads_to_it() {
    let chapter =
        range("r/1", json!([to("a"), range("r/2", json!([to("b")])), to("b#xywh=1,1,1,1")]));
    let mut document = edited(own(&["a", "b"]), &[set_to(chapter)]);
    document["start"] = to("b");
    let without = edited(document, &[remove("b")]);
    assert_eq!(without["structures"], json!([range("r/1", json!([to("a")]))]));
    assert!(without.get("start").is_none());
    assert!(edited(without, &[remove("a")]).get("structures").is_none());
}

/// What a person may do to a manifest, by number.
fn any_edit() -> impl Strategy<Value = (u8, usize, usize)> {
    (0_u8..4, 0_usize..6, 0_usize..7)
}

fn made(document: &Value, (kind, which, place): (u8, usize, usize), number: usize) -> ManifestEdit {
    let ids = canvas_ids(document, &Plain);
    let is_painted = document.get("paintedResources").is_some();
    let before = ids.get(place).map(String::as_str);
    let fresh = |name: &str| match (is_painted, number % 3) {
        (true, 0) => {
            let mut chosen = resource("p");
            chosen["canvasPainting"]["canvasId"] = json!(format!("chosen/{number}"));
            chosen
        }
        (true, _) => resource("again"),
        (false, _) => canvas(name, 3),
    };
    match (kind, ids.get(which)) {
        (1, Some(id)) => change(id, fresh(id)),
        (2, Some(id)) => shift(id, before),
        (3, Some(id)) => remove(id),
        _ => add(fresh(&format!("new/{number}")), before),
    }
}

proptest! {
    #[test]
    fn canvases_keep_their_ids_whatever_happens_to_others(
        is_painted in any::<bool>(),
        steps in prop::collection::vec(any_edit(), 0..24),
    ) {
        let mut document = if is_painted { painted(&["p", "q", "p"]) } else { own(&["a", "b"]) };
        for (number, step) in steps.into_iter().enumerate() {
            let edit = made(&document, step, number);
            let before = canvas_ids(&document, &Plain);
            if apply(&mut document, &edit, &Plain).is_err() {
                prop_assert_eq!(canvas_ids(&document, &Plain), before);
                continue;
            }
            let after = canvas_ids(&document, &Plain);
            let unique: HashSet<&String> = after.iter().collect();
            prop_assert_eq!(unique.len(), after.len(), "{:?}: {:?}", edit, after);
            let kept = |id: &&String| !matches!(&edit, ManifestEdit::CanvasRemoved(it) if it.canvas_id == **id);
            prop_assert!(before.iter().filter(kept).all(|id| after.contains(id)), "{:?}", edit);
        }
    }
}
