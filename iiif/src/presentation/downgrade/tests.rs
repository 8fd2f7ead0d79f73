//! Documents of version 3.0 printed as 2.1.

use super::*;

const CANVAS: &str = "https://example.org/canvas/1";

fn image(name: &str) -> Value {
    json!({
        "id": format!("https://example.org/{name}/full/max/0/default.jpg"),
        "type": "Image",
        "format": "image/jpeg",
        "width": 300,
        "height": 400,
        "service": [{"id": format!("https://example.org/{name}"), "type": "ImageService3",
            "profile": "level1"}],
    })
}

fn painting(body: &Value, target: &Value) -> Value {
    json!({"id": "https://example.org/a", "type": "Annotation", "motivation": "painting",
        "body": body, "target": target})
}

fn canvas(annotations: &[Value]) -> Value {
    let page = json!({"id": format!("{CANVAS}/page"), "type": "AnnotationPage",
        "items": annotations});
    json!({"id": CANVAS, "type": "Canvas", "width": 300, "height": 400, "items": [page]})
}

fn manifest(members: &Value) -> Value {
    let mut manifest = json!({"@context": PresentationVersion::V3.context(),
        "id": "https://example.org/m", "type": "Manifest", "label": {"en": ["A book"]}});
    for (name, member) in members.as_object().unwrap() {
        manifest[name] = member.clone();
    }
    manifest
}

fn first_canvas(annotations: &[Value]) -> Value {
    let printed = downgrade(&manifest(&json!({"items": [canvas(annotations)]})));
    printed["sequences"][0]["canvases"][0].clone()
}

/// Presentation API 2.1, sections 3 and 5.1.
#[test]
fn what_a_manifest_says_of_itself() {
    let logo = json!({"id": "https://example.org/logo.png", "type": "Image"});
    let file = |name: &str| {
        json!([{"id": format!("https://example.org/{name}"), "type": "Text",
        "label": {"en": [name]}, "format": "text/html"}])
    };
    let printed = downgrade(&manifest(&json!({
        "label": {"en": ["A book", "Book"], "none": ["X"]},
        "summary": {"none": ["Old"]},
        "metadata": [{"label": {"en": ["By"]}, "value": {"none": ["A", "B"]}}],
        "requiredStatement": {"label": {"en": ["Given by"]}, "value": {"en": ["A library"]}},
        "rights": "http://creativecommons.org/licenses/by/4.0/",
        "provider": [{"id": "https://example.org", "type": "Agent", "logo": [logo]}],
        "thumbnail": [logo],
        "viewingDirection": "right-to-left",
        "behavior": ["unordered", "paged"],
        "navDate": "1784-12-01T00:00:00Z",
        "seeAlso": file("data"), "rendering": file("pdf"), "homepage": file("home"),
        "partOf": [{"id": "https://example.org/c", "type": "Collection"}],
        "accompanyingCanvas": canvas(&[]),
        "items": [],
    })));
    let in_english = |text: &str| json!({"@value": text, "@language": "en"});
    assert_eq!(printed["@context"], "http://iiif.io/api/presentation/2/context.json");
    assert_eq!(
        (&printed["@id"], &printed["@type"]),
        (&json!("https://example.org/m"), &json!("sc:Manifest"))
    );
    assert_eq!(printed["label"], json!([in_english("A book"), in_english("Book"), "X"]));
    assert_eq!(printed["description"], "Old");
    assert_eq!(printed["metadata"], json!([{"label": in_english("By"), "value": ["A", "B"]}]));
    assert_eq!(printed["attribution"], in_english("A library"));
    assert_eq!(printed["license"], "http://creativecommons.org/licenses/by/4.0/");
    assert_eq!(printed["logo"]["@id"], "https://example.org/logo.png");
    assert_eq!(printed["thumbnail"]["@type"], "dctypes:Image");
    assert_eq!(printed["viewingDirection"], "right-to-left");
    assert_eq!(printed["viewingHint"], "paged");
    assert_eq!(printed["navDate"], "1784-12-01T00:00:00Z");
    let link = json!([{"@id": "https://example.org/home", "label": in_english("home"),
        "format": "text/html"}]);
    assert_eq!(printed["related"], link);
    assert_eq!(printed["seeAlso"][0]["@id"], "https://example.org/data");
    assert_eq!(printed["rendering"][0]["@id"], "https://example.org/pdf");
    assert_eq!(printed["within"], "https://example.org/c");
    for absent in ["id", "type", "items", "accompanyingCanvas", "provider", "summary"] {
        assert!(printed.get(absent).is_none(), "{absent}");
    }
}

/// Presentation API 2.1, sections 5.3 and 5.4.
#[test]
fn an_image_is_painted_on_its_canvas() {
    let canvas = first_canvas(&[painting(&image("one"), &json!(CANVAS))]);
    assert_eq!((&canvas["@type"], &canvas["label"]), (&json!("sc:Canvas"), &json!("1")));
    let expected = json!([{
        "@id": "https://example.org/a",
        "@type": "oa:Annotation",
        "motivation": "sc:painting",
        "resource": {
            "@id": "https://example.org/one/full/max/0/default.jpg",
            "@type": "dctypes:Image",
            "format": "image/jpeg",
            "width": 300,
            "height": 400,
            "service": {
                "@context": "http://iiif.io/api/image/3/context.json",
                "@id": "https://example.org/one",
                "@type": "ImageService3",
                "profile": "http://iiif.io/api/image/3/level1.json",
            },
        },
        "on": CANVAS,
    }]);
    assert_eq!(canvas["images"], expected);
}

/// Cookbook, recipe 0036: several images, each in its place.
#[test]
fn a_composed_canvas_keeps_the_places() {
    let selector = json!({"type": "FragmentSelector", "value": "xywh=10,20,30,40"});
    let specific = json!({"type": "SpecificResource", "source": CANVAS, "selector": selector});
    let part = format!("{CANVAS}#xywh=1,2,3,4");
    let canvas = first_canvas(&[
        painting(&image("one"), &json!(CANVAS)),
        painting(&image("two"), &json!(part)),
        painting(&image("three"), &specific),
    ]);
    let on: Vec<&Value> = canvas["images"].as_array().unwrap().iter().map(|it| &it["on"]).collect();
    assert_eq!(on, [CANVAS, &part, &format!("{CANVAS}#xywh=10,20,30,40")]);
}

/// Section 6.2; cookbook, recipe 0033.
#[test]
fn a_choice_has_a_default_and_others() {
    let text = json!({"type": "TextualBody", "value": "x"});
    let choice = json!({"type": "Choice", "items": [text, image("day"), image("x-ray")]});
    let canvas = first_canvas(&[painting(&choice, &json!(CANVAS))]);
    let resource = &canvas["images"][0]["resource"];
    assert_eq!(resource["@type"], "oa:Choice");
    assert_eq!(resource["default"]["@id"], "https://example.org/day/full/max/0/default.jpg");
    assert_eq!(resource["item"][0]["@id"], "https://example.org/x-ray/full/max/0/default.jpg");
}

/// Section 6.1; cookbook, recipe 0299.
#[test]
fn a_part_of_an_image_is_selected() {
    let selector = json!({"type": "ImageApiSelector", "region": "1,2,3,4"});
    let part = json!({"id": "https://example.org/part", "type": "SpecificResource",
        "source": image("one"), "selector": selector});
    let canvas = first_canvas(&[painting(&part, &json!(CANVAS))]);
    let resource = &canvas["images"][0]["resource"];
    assert_eq!(resource["@type"], "oa:SpecificResource");
    assert_eq!(resource["full"]["@type"], "dctypes:Image");
    assert_eq!(resource["selector"]["region"], "1,2,3,4");
}

#[test]
fn what_version_2_cannot_say_is_left_out() {
    let text = json!({"type": "TextualBody", "value": "x"});
    let video = json!({"id": "https://example.org/v.mp4", "type": "Video", "duration": 3.5});
    let canvas = first_canvas(&[
        painting(&text, &json!(CANVAS)),
        painting(&video, &json!(CANVAS)),
        json!({"type": "Annotation", "motivation": "commenting", "body": image("one")}),
    ]);
    assert_eq!(canvas["images"], json!([]));
    let sound = json!({"id": "https://example.org/s", "type": "Canvas", "duration": 3.5});
    let printed = downgrade(&manifest(&json!({"items": [sound]})));
    assert_eq!(printed["sequences"][0]["canvases"], json!([]));
}

#[test]
fn annotations_are_referred_to_wherever_they_stand() {
    let mut with_notes = canvas(&[]);
    with_notes["annotations"] = json!([
        {"id": "https://example.org/l1", "type": "AnnotationPage"},
        {"id": "https://example.org/l2", "type": "AnnotationPage", "label": {"none": ["Notes"]},
            "items": [{"type": "Annotation"}]},
        {"type": "AnnotationPage"},
    ]);
    let printed = downgrade(&manifest(&json!({"items": [with_notes]})));
    let expected = json!([
        {"@id": "https://example.org/l1", "@type": "sc:AnnotationList"},
        {"@id": "https://example.org/l2", "@type": "sc:AnnotationList", "label": "Notes"},
    ]);
    assert_eq!(printed["sequences"][0]["canvases"][0]["otherContent"], expected);
}

/// Section 5.6.
#[test]
fn ranges_become_a_flat_list() {
    let range = |id: &str, items: Value| json!({"id": id, "type": "Range", "label": {"none": [id]}, "items": items});
    let one = json!({"id": CANVAS, "type": "Canvas"});
    let part = json!({"type": "SpecificResource", "source": {"id": CANVAS, "type": "Canvas"},
        "selector": {"type": "FragmentSelector", "value": "xywh=0,0,5,5"}});
    let unknown = json!({"id": "https://example.org/else", "type": "Canvas"});
    let chapter = range("r2", json!([one, part, unknown]));
    let elsewhere = json!({"id": "r9", "type": "Range"});
    let mixed = range("r3", json!([elsewhere, one]));
    let tree = range("r1", json!([one, chapter, mixed]));
    let start = json!({"type": "SpecificResource", "source": CANVAS});
    let printed = downgrade(&manifest(
        &json!({"items": [canvas(&[])], "structures": [tree], "start": start}),
    ));
    let ranges = printed["structures"].as_array().unwrap();
    let ids: Vec<&Value> = ranges.iter().map(|it| &it["@id"]).collect();
    assert_eq!(ids, ["r1", "r2", "r3"]);
    assert_eq!(ranges[0]["viewingHint"], "top");
    assert_eq!(
        (&ranges[0]["canvases"], &ranges[0]["ranges"]),
        (&json!([CANVAS]), &json!(["r2", "r3"]))
    );
    assert_eq!(ranges[1]["canvases"], json!([CANVAS, format!("{CANVAS}#xywh=0,0,5,5")]));
    assert!(ranges[1].get("viewingHint").is_none());
    // In this order only one list can keep it.
    let expected = json!([
        {"@id": "r9", "@type": "sc:Range", "label": ""},
        {"@id": CANVAS, "@type": "sc:Canvas", "label": "1"},
    ]);
    assert_eq!(ranges[2]["members"], expected);
    assert!(ranges[2].get("ranges").is_none() && ranges[2].get("canvases").is_none());
    assert_eq!(printed["sequences"][0]["startCanvas"], CANVAS);
}

#[test]
fn services_are_known_by_context_and_profile() {
    let mut body = image("one");
    body["service"] = json!([
        {"id": "https://example.org/3", "type": "ImageService3", "profile": "level2"},
        {"@id": "https://example.org/2", "@type": "ImageService2", "profile": "level2",
            "width": 3, "height": 4},
    ]);
    let canvas = first_canvas(&[painting(&body, &json!(CANVAS))]);
    let expected = json!({
        "@context": "http://iiif.io/api/image/2/context.json",
        "@id": "https://example.org/2",
        "profile": "http://iiif.io/api/image/2/level2.json",
        "width": 3,
        "height": 4,
    });
    assert_eq!(canvas["images"][0]["resource"]["service"], expected);
    let search = json!([
        {"id": "https://example.org/s2", "type": "SearchService2"},
        {"@id": "https://example.org/s1", "@type": "SearchService1"},
    ]);
    let printed = downgrade(&manifest(&json!({"service": search})));
    let expected = json!({
        "@context": "http://iiif.io/api/search/1/context.json",
        "@id": "https://example.org/s1",
        "profile": "http://iiif.io/api/search/1/search",
    });
    assert_eq!(printed["service"], expected);
}

/// Presentation API 2.1, section 5.8.
#[test]
fn members_of_a_collection_keep_their_order() {
    let item = |id: &str, kind: &str| json!({"id": id, "type": kind, "label": {"none": [id]}});
    let (book, shelf) = (item("b", "Manifest"), item("s", "Collection"));
    let of = |items: Value| downgrade(&json!({"id": "c", "type": "Collection", "items": items}));
    let member = |id: &str, kind: &str| json!({"@id": id, "@type": kind, "label": id});
    let mixed = of(json!([book, shelf, {"type": "Manifest"}, 7]));
    assert_eq!((&mixed["@type"], &mixed["label"]), (&json!("sc:Collection"), &json!("Untitled")));
    assert_eq!(mixed["members"], json!([member("b", "sc:Manifest"), member("s", "sc:Collection")]));
    assert_eq!(of(json!([book]))["manifests"], json!([member("b", "sc:Manifest")]));
    assert_eq!(of(json!([shelf]))["collections"], json!([member("s", "sc:Collection")]));
}

#[test]
fn nonsense_becomes_an_empty_manifest() {
    for nonsense in [json!(null), json!([1, "x"]), json!({"items": {"items": 3}, "label": 5})] {
        let printed = downgrade(&nonsense);
        assert_eq!(printed["@type"], "sc:Manifest");
        assert_eq!(printed["label"], "Untitled");
        assert_eq!(printed["sequences"][0]["canvases"], json!([]));
    }
}
