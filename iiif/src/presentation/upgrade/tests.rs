//! Documents of version 2.1 read as 3.0.

use super::*;
use crate::presentation::downgrade;

const CANVAS: &str = "https://example.org/canvas/1";

fn painting(resource: &Value, on: &Value) -> Value {
    json!({"@type": "oa:Annotation", "motivation": "sc:painting", "resource": resource, "on": on})
}

fn image(name: &str) -> Value {
    json!({"@id": format!("https://example.org/{name}.jpg"), "@type": "dctypes:Image"})
}

fn canvas(images: &[Value]) -> Value {
    json!({"@id": CANVAS, "@type": "sc:Canvas", "label": "f. 1", "width": 3, "height": 4,
        "images": images})
}

fn manifest(members: &Value) -> Value {
    let mut manifest = json!({"@context": PresentationVersion::V2.context(),
        "@id": "https://example.org/m", "@type": "sc:Manifest", "label": "A book"});
    for (name, member) in members.as_object().unwrap() {
        manifest[name] = member.clone();
    }
    manifest
}

fn of_canvas(canvas: &Value) -> Value {
    let read = upgrade(&manifest(&json!({"sequences": [{"canvases": [canvas]}]})));
    read["items"][0].clone()
}

#[test]
fn what_a_manifest_says_of_itself() {
    let read = upgrade(&manifest(&json!({
        "label": ["A book", {"@value": "Ein Buch", "@language": "de"}],
        "description": "Old",
        "metadata": [{"label": "By", "value": ["A", "B"]}, {"label": "Year", "value": 1784}],
        "attribution": "A library",
        "license": "https://creativecommons.org/licenses/by/4.0/",
        "logo": "https://example.org/logo.png",
        "thumbnail": {"@id": "https://example.org/t.jpg", "@type": "dctypes:Image"},
        "viewingDirection": "sideways",
        "related": {"@id": "https://example.org/home", "format": "text/html"},
        "seeAlso": "https://example.org/data",
        "rendering": {"@id": "https://example.org/pdf", "label": "PDF"},
        "within": "https://example.org/c",
        "slug": "book",
        "navDate": "1784-12-01T00:00:00Z",
        "sequences": [{"viewingDirection": "right-to-left", "viewingHint": "paged",
            "startCanvas": CANVAS, "canvases": []}],
    })));
    assert_eq!(read["@context"], PresentationVersion::V3.context());
    assert_eq!(read["label"], json!({"none": ["A book"], "de": ["Ein Buch"]}));
    assert_eq!(read["summary"], json!({"none": ["Old"]}));
    assert_eq!(read["metadata"][0]["value"], json!({"none": ["A", "B"]}));
    assert_eq!(read["metadata"][1]["value"], json!({"none": ["1784"]}));
    assert_eq!(read["requiredStatement"]["value"], json!({"none": ["A library"]}));
    assert_eq!(read["rights"], "http://creativecommons.org/licenses/by/4.0/");
    assert_eq!(read["provider"][0]["logo"][0]["id"], "https://example.org/logo.png");
    assert_eq!(read["thumbnail"][0]["type"], "Image");
    assert_eq!(read["viewingDirection"], "right-to-left");
    assert_eq!(read["behavior"], json!(["paged"]));
    assert_eq!(read["start"], json!({"id": CANVAS, "type": "Canvas"}));
    assert_eq!(read["homepage"][0]["label"], json!({"none": ["https://example.org/home"]}));
    let data = json!([{"id": "https://example.org/data", "type": "Dataset"}]);
    assert_eq!(read["seeAlso"], data);
    assert_eq!(read["rendering"][0]["type"], "Text");
    assert_eq!(read["partOf"], json!([{"id": "https://example.org/c", "type": "Collection"}]));
    assert_eq!((&read["slug"], &read["navDate"]), (&json!("book"), &json!("1784-12-01T00:00:00Z")));
    for absent in ["@id", "@type", "sequences", "license", "attribution", "description"] {
        assert!(read.get(absent).is_none(), "{absent}");
    }
}

#[test]
fn a_licence_of_ones_own_is_metadata() {
    let read = upgrade(&manifest(&json!({"license": "https://example.org/terms"})));
    assert!(read.get("rights").is_none());
    assert_eq!(read["metadata"][0]["value"], json!({"none": ["https://example.org/terms"]}));
}

#[test]
fn images_are_painted_in_their_places() {
    let selector = json!({"@type": "oa:FragmentSelector", "value": "xywh=1,2,3,4"});
    let part = json!({"@type": "oa:SpecificResource", "full": CANVAS, "selector": selector});
    let choice = json!({"@type": "oa:Choice", "default": image("day"),
        "item": [image("x-ray"), "rdf:nil"]});
    let crop = json!({"@type": "oa:SpecificResource", "full": image("whole"),
        "selector": {"@type": "iiif:ImageApiSelector", "region": "0,0,5,5"}});
    let text = json!({"@type": "cnt:ContentAsText", "chars": "x", "format": "text/plain"});
    let read = of_canvas(&canvas(&[
        painting(&image("one"), &json!(CANVAS)),
        painting(&choice, &part),
        painting(&crop, &json!(CANVAS)),
        painting(&text, &json!(CANVAS)),
        painting(&json!({"@type": "dctypes:Image"}), &json!(CANVAS)),
    ]));
    let items = read["items"][0]["items"].as_array().unwrap();
    assert_eq!(items.len(), 4, "an image without address cannot be seen");
    assert_eq!(items[0]["id"], format!("{CANVAS}/painting/0"));
    assert_eq!(items[0]["body"], json!({"id": "https://example.org/one.jpg", "type": "Image"}));
    assert_eq!(items[1]["target"], format!("{CANVAS}#xywh=1,2,3,4"));
    assert_eq!(items[1]["body"]["type"], "Choice");
    assert_eq!(items[1]["body"]["items"][1]["id"], "https://example.org/x-ray.jpg");
    assert_eq!(items[1]["body"]["items"].as_array().map(Vec::len), Some(2));
    assert_eq!(items[2]["body"]["selector"]["region"], "0,0,5,5");
    assert_eq!(items[3]["body"]["value"], "x");
}

#[test]
fn annotations_come_along() {
    let mut with_notes = canvas(&[]);
    let note = json!({"@type": "oa:Annotation", "motivation": "oa:commenting", "on": CANVAS,
        "resource": {"@type": "dctypes:Text", "chars": "Nice"}});
    with_notes["otherContent"] = json!([
        {"@id": "https://example.org/l1", "@type": "sc:AnnotationList", "label": "Notes"},
        {"@id": "https://example.org/l2", "@type": "sc:AnnotationList", "resources": [note]},
    ]);
    let read = of_canvas(&with_notes);
    let elsewhere = json!({"id": "https://example.org/l1", "type": "AnnotationPage",
        "label": {"none": ["Notes"]}});
    assert_eq!(read["annotations"][0], elsewhere);
    let note = &read["annotations"][1]["items"][0];
    assert_eq!((&note["motivation"], &note["target"]), (&json!("commenting"), &json!(CANVAS)));
    assert_eq!(note["body"]["value"], "Nice");
}

fn ids(ranges: &Value) -> Vec<&str> {
    ranges.as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap_or("-")).collect()
}

#[test]
fn ranges_become_trees() {
    let structures = json!([
        {"@id": "r2", "@type": "sc:Range", "label": "One",
            "canvases": [CANVAS, format!("{CANVAS}#xywh=0,0,5,5")]},
        {"@id": "r1", "@type": "sc:Range", "label": "All", "viewingHint": "top",
            "members": [{"@id": CANVAS, "@type": "sc:Canvas"}, {"@id": "r2", "@type": "sc:Range"}],
            "ranges": ["r3", "r9"]},
        {"@id": "r3", "@type": "sc:Range", "label": "Two", "ranges": ["r2"]},
    ]);
    let read = upgrade(&manifest(&json!({"structures": structures})));
    assert_eq!(ids(&read["structures"]), ["r1"]);
    let items = &read["structures"][0]["items"];
    assert_eq!(ids(items), [CANVAS, "r2", "r3", "r9"]);
    assert_eq!(items[1]["items"][1]["source"], json!({"id": CANVAS, "type": "Canvas"}));
    assert_eq!(items[2]["items"], json!([{"id": "r2", "type": "Range"}]), "it stands elsewhere");
}

#[test]
fn ranges_in_a_circle_end() {
    let range = |id: usize, to: usize| json!({"@id": format!("r{id}"), "@type": "sc:Range", "ranges": [format!("r{to}")]});
    let read = upgrade(&manifest(&json!({"structures": [range(1, 2), range(2, 1)]})));
    assert_eq!(ids(&read["structures"]), ["r1"]);
    let child = &read["structures"][0]["items"][0];
    assert_eq!(child["items"], json!([{"id": "r1", "type": "Range"}]));
    // A chain is cut into trees that can be read back.
    let chain: Vec<Value> = (0..5000).map(|n| range(n, n + 1)).collect();
    let read = upgrade(&manifest(&json!({"structures": chain})));
    assert_eq!(read["structures"].as_array().map(Vec::len), Some(250));
    let text = read.to_string();
    assert!(serde_json::from_str::<Value>(&text).is_ok());
}

#[test]
fn services_are_known_by_their_type() {
    let mut body = image("one");
    body["service"] = json!({"@context": "http://iiif.io/api/image/2/context.json",
        "@id": "https://example.org/2", "width": 3, "height": 4,
        "profile": ["http://iiif.io/api/image/2/level2.json", {"formats": ["png"]}]});
    let read = of_canvas(&canvas(&[painting(&body, &json!(CANVAS))]));
    let expected = json!([{"@id": "https://example.org/2", "@type": "ImageService2",
        "profile": "http://iiif.io/api/image/2/level2.json", "width": 3, "height": 4}]);
    assert_eq!(read["items"][0]["items"][0]["body"]["service"], expected);
    let search = json!({"@context": "http://iiif.io/api/search/1/context.json",
        "@id": "https://example.org/s", "profile": "http://iiif.io/api/search/1/search",
        "service": {"@id": "https://example.org/a",
            "profile": "http://iiif.io/api/search/1/autocomplete"}});
    let read = upgrade(&manifest(&json!({"service": search})));
    assert_eq!(read["service"][0]["@type"], "SearchService1");
    assert_eq!(read["service"][0]["service"][0]["@type"], "AutoCompleteService1");
}

#[test]
fn later_sequences_are_ranges() {
    let other = json!({"@id": "https://example.org/s2", "@type": "sc:Sequence",
        "canvases": [canvas(&[])]});
    let read = upgrade(&manifest(&json!({"sequences": [{"canvases": [canvas(&[])]}, other]})));
    assert_eq!(read["structures"][0]["behavior"], json!(["sequence"]));
    assert_eq!(read["structures"][0]["items"], json!([{"id": CANVAS, "type": "Canvas"}]));
}

#[test]
fn collections_list_their_members() {
    let member = |id: &str, kind: &str| json!({"@id": id, "@type": kind, "label": id});
    let old = json!({"@id": "c", "@type": "sc:Collection", "label": "All",
        "members": [member("b", "sc:Manifest"), member("s", "sc:Collection")]});
    let read = upgrade(&old);
    assert_eq!(read["type"], "Collection");
    let kinds: Vec<&Value> =
        read["items"].as_array().unwrap().iter().map(|it| &it["type"]).collect();
    assert_eq!(kinds, ["Manifest", "Collection"]);
    assert_eq!(downgrade(&read)["members"], old["members"]);
}

#[test]
fn nonsense_becomes_an_empty_manifest() {
    for nonsense in [json!(null), json!([1, "x"]), json!({"sequences": {"canvases": 3}})] {
        let read = upgrade(&nonsense);
        assert_eq!((&read["type"], &read["items"]), (&json!("Manifest"), &json!([])));
    }
}
