//! Web Annotation Data Model: what we show passes every MUST of the W3C's own assertions, and what
//! they refuse we refuse.

use super::{CONTEXT, NOTES, get, note, with_container, write};
use crate::support::{fixtures, workspace_root};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Reads `[["annotations", document], …]`; prints for each the assertions that it does not meet.
const ASSERTIONS: &str = r#"
import json, pathlib, sys
from jsonschema import Draft4Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT4
root = pathlib.Path(sys.argv[1])
registry = Registry()
for path in (root / "definitions").glob("*.json"):
    schema = json.loads(path.read_text())
    resource = Resource.from_contents(schema, default_specification=DRAFT4)
    registry = registry.with_resource("https://w3c.example/" + path.name, resource)
    registry = registry.with_resource(path.name, resource)
def musts(kind):
    tests = {"annotations": "annotations/annotationMusts.test",
             "collections": "collections/collectionMusts.test",
             "pages": "collections/pages/pageMusts.test"}
    listed = list((root / "collections/pages").glob("*Musts.test"))
    test = listed[0] if kind == "pages" else root / tests[kind]
    for name in json.loads(test.read_text())["assertions"]:
        schema = json.loads((root / name).read_text())
        expected = schema.pop("expectedResult", "valid") == "valid"
        schema["id"] = "https://w3c.example/" + pathlib.Path(name).name
        yield name, expected, Draft4Validator(schema, registry=registry)
cached = {kind: list(musts(kind)) for kind in ("annotations", "collections", "pages")}
failed = []
for kind, document in json.load(sys.stdin):
    failed.append([name for name, expected, validator in cached[kind]
                   if validator.is_valid(document) != expected])
print(json.dumps({"failed": failed, "counts": {k: len(v) for k, v in cached.items()}}))
"#;

/// Returns for each document the assertions that it does not meet. `None`: not installed here.
fn unmet(documents: &[(&str, Value)]) -> Option<Vec<Vec<String>>> {
    let schemas: PathBuf = fixtures::schema("web-annotation")?;
    let python = workspace_root().join(".cache/python/bin/python");
    if !python.exists() {
        assert!(std::env::var_os("CI").is_none(), "{} is missing", python.display());
        eprintln!("SKIPPED: {} is missing: run `make setup`", python.display());
        return None;
    }
    let mut child = Command::new(python)
        .args(["-c", ASSERTIONS])
        .arg(schemas)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python starts");
    let input = serde_json::to_vec(documents).expect("JSON");
    child.stdin.take().expect("piped").write_all(&input).expect("python reads");
    let output = child.wait_with_output().expect("python ends");
    assert!(output.status.success(), "{output:?}");
    let answer: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let counts = &answer["counts"];
    assert!(counts["annotations"].as_u64() > Some(50), "the assertions are read: {counts}");
    let unmet = serde_json::from_value(answer["failed"].clone()).expect("lists of names");
    Some(unmet)
}

fn with(key: &str, value: Value) -> Value {
    let mut note = note("https://example.org/canvas");
    note[key] = value;
    note
}

fn selected(selector: Value) -> Value {
    let source = "https://example.org/canvas";
    with("target", json!({"type": "SpecificResource", "source": source, "selector": selector}))
}

/// One of everything that the model has.
fn valid() -> Vec<Value> {
    let text = json!({"type": "TextualBody", "value": "x", "format": "text/html", "language": "de",
                      "purpose": "tagging", "textDirection": "ltr"});
    let image = json!({"id": "https://example.org/i.png", "type": "Image", "format": "image/png"});
    let range = json!({"type": "RangeSelector",
        "startSelector": {"type": "XPathSelector", "value": "//a"},
        "endSelector": {"type": "XPathSelector", "value": "//b"}});
    let refined = json!({"type": "FragmentSelector", "value": "para5",
        "refinedBy": {"type": "TextQuoteSelector", "exact": "x", "prefix": "a", "suffix": "b"}});
    let state =
        |state: Value| with("target", json!({"source": "https://example.org/p", "state": state}));
    let mut whole = with(
        "creator",
        json!({"id": "https://example.org/me", "type": "Person",
        "name": "Me", "nickname": "m", "email_sha1": "58bad08927902ff9307b621c54716dcc5083e339"}),
    );
    whole["created"] = json!("2015-10-13T13:00:00Z");
    whole["generated"] = json!("2015-10-14T15:13:28Z");
    whole["generator"] = json!({"id": "https://example.org/p", "type": "Software"});
    whole["rights"] = json!("https://creativecommons.org/licenses/by/4.0/");
    whole["audience"] =
        json!({"id": "https://example.org/c", "type": "schema:EducationalAudience"});
    let mut plain = note("https://example.org/canvas");
    plain.as_object_mut().expect("an object").remove("body");
    let mut bare = plain.clone();
    bare["bodyValue"] = json!("only words");
    let mut styled =
        with("target", json!({"source": "https://example.org/p", "styleClass": "red"}));
    styled["stylesheet"] = json!("https://example.org/s.css");
    vec![
        whole,
        plain,
        bare,
        styled,
        with("body", text.clone()),
        with("body", image.clone()),
        with("body", json!([text, image, "https://example.org/b"])),
        with("body", json!({"type": "Choice", "items": ["https://example.org/b", image]})),
        with(
            "body",
            json!({"type": "SpecificResource", "purpose": "tagging",
                            "source": "https://example.org/tag"}),
        ),
        with("target", json!({"type": "Choice", "items": ["urn:x:a", "urn:x:b"]})),
        with("motivation", json!(["commenting", "describing"])),
        selected(json!({"type": "FragmentSelector", "value": "xywh=1,2,3,4",
                        "conformsTo": "http://www.w3.org/TR/media-frags/"})),
        selected(json!({"type": "SvgSelector", "value": "<svg><path d='M0 0L9 9'/></svg>"})),
        selected(json!({"type": "CssSelector", "value": "#a > b"})),
        selected(json!({"type": "TextPositionSelector", "start": 4, "end": 9})),
        selected(json!({"type": "DataPositionSelector", "start": 4, "end": 9})),
        selected(json!([{"type": "TextQuoteSelector", "exact": "x"}, refined])),
        selected(range),
        state(json!({"type": "TimeState", "sourceDate": "2015-07-20T13:30:00Z"})),
        state(json!({"type": "HttpRequestState", "value": "Accept: application/pdf"})),
    ]
}

/// What the assertions refuse.
fn invalid() -> Vec<Value> {
    let mut missing = note("https://example.org/canvas");
    missing.as_object_mut().expect("an object").remove("target");
    let state =
        |state: Value| with("target", json!({"source": "https://example.org/p", "state": state}));
    vec![
        missing,
        with("@context", json!("https://example.org/mine.jsonld")),
        with("type", json!("Note")),
        with("bodyValue", json!("beside a body")),
        with("body", json!(7)),
        with("target", json!(7)),
        with("modified", json!(["2015-10-13T13:00:00Z", "2015-10-13T13:00:00Z"])),
        with("generated", json!(2015)),
        with("canonical", json!(["urn:x:a", "urn:x:b"])),
        with("via", json!(7)),
        with("rights", json!({"a": 1})),
        with("target", json!({"type": "TextualBody", "value": "x"})),
        with("body", json!({"type": "TextualBody", "value": "x", "textDirection": "up"})),
        with("body", json!({"type": "Choice", "value": "x", "items": ["urn:x:a"]})),
        with("body", json!({"type": "Choice", "purpose": "tagging", "items": ["urn:x:a"]})),
        with("body", json!({"id": "urn:x:a", "items": ["urn:x:b"]})),
        with("body", json!({"id": "urn:x:a", "purpose": "tagging"})),
        selected(json!({"type": "FragmentSelector"})),
        selected(json!({"type": "CssSelector", "value": ["a", "b"]})),
        selected(json!({"type": "TextQuoteSelector", "prefix": "x"})),
        selected(json!({"type": "TextPositionSelector", "start": 1})),
        selected(json!({"type": "DataPositionSelector", "end": 1})),
        selected(json!({"type": "SvgSelector"})),
        selected(
            json!({"type": "RangeSelector", "startSelector": {"type": "CssSelector", "value": "a"}}),
        ),
        state(json!({"type": "TimeState"})),
        state(json!({"type": "HttpRequestState"})),
        with("target", json!({"source": "https://example.org/p", "styleClass": "red"})),
    ]
}

#[tokio::test]
async fn what_we_show_meets_every_must_of_the_model() {
    let server = with_container().await;
    let mut shown = Vec::new();
    for document in valid() {
        let made = write(&server, Method::POST, NOTES, &document).await;
        assert_eq!(made.status, StatusCode::CREATED, "{document}: {made:?}");
        for (key, value) in document.as_object().expect("an object") {
            // Drawings are printed anew.
            let is_drawn = value.to_string().contains("<svg>");
            assert!(is_drawn || made.body[key] == *value, "{key} of {document} is kept");
        }
        shown.push(("annotations", made.body));
    }
    let mut container = get(&server, NOTES).await.body;
    let first = container["first"]["id"].clone();
    let page = get(&server, first.as_str().expect("an address")).await.body;
    shown.push(("pages", page));
    // The assertions know `first` by its address only.
    container["first"] = first;
    shown.push(("collections", container));
    let Some(unmet) = unmet(&shown) else { return };
    for ((kind, document), unmet) in shown.iter().zip(unmet) {
        assert_eq!(unmet, [""; 0], "{kind}: {document}");
    }
}

#[tokio::test]
async fn what_breaks_a_must_of_the_model_is_refused() {
    let server = with_container().await;
    let mut refused = Vec::new();
    for document in invalid() {
        let made = write(&server, Method::POST, NOTES, &document).await;
        assert_eq!(made.status, StatusCode::BAD_REQUEST, "{document}");
        assert_eq!(made.body["code"], "annotation-invalid", "{document}");
        assert!(made.body["pointer"].as_str().is_some_and(|it| it.starts_with('/')), "{made:?}");
        let mut document = document;
        document["id"] = json!("https://example.org/annotations/1");
        refused.push(("annotations", document));
    }
    assert_eq!(get(&server, NOTES).await.body["total"], 0, "nothing is half kept");
    let Some(unmet) = unmet(&refused) else { return };
    for ((_, document), unmet) in refused.iter().zip(unmet) {
        assert!(!unmet.is_empty(), "the assertions would take {document}");
    }
}

#[tokio::test]
async fn hostile_annotations_are_refused_or_made_harmless() {
    let server = with_container().await;
    let send = async |body: String| {
        let request = server.request(crate::support::server::Persona::Admin, Method::POST, NOTES);
        let request = request.header("content-type", "application/ld+json").body(body);
        request.send().await.expect("the server answers").status()
    };
    let deep = format!("{}1{}", r#"{"a":"#.repeat(30_000), "}".repeat(30_000));
    let twice = format!(
        r#"{{"@context":"{CONTEXT}","type":"Annotation","target":"urn:x:a","target":"urn:x:b"}}"#
    );
    let huge = with("bodyValue", json!("x".repeat(300 * 1024))).to_string();
    let contexts = with("@context", json!(vec![CONTEXT; 5_000])).to_string();
    let points = format!("<svg><polygon points='{}'/></svg>", "1,2 ".repeat(40_000));
    for (body, status) in [
        (deep, StatusCode::BAD_REQUEST),
        (twice, StatusCode::BAD_REQUEST),
        (huge, StatusCode::PAYLOAD_TOO_LARGE),
        (contexts, StatusCode::BAD_REQUEST),
        (with("target", json!("javascript:alert(1)")).to_string(), StatusCode::BAD_REQUEST),
        (
            selected(json!({"type": "SvgSelector",
            "value": "<svg><script>alert(1)</script></svg>"}))
            .to_string(),
            StatusCode::BAD_REQUEST,
        ),
        (
            selected(json!({"type": "FragmentSelector", "value": "xywh=-1,0,1e400,1"})).to_string(),
            StatusCode::BAD_REQUEST,
        ),
        (r#"{"n":1e999}"#.to_owned(), StatusCode::BAD_REQUEST),
        (r#"{"a":"\ud800"}"#.to_owned(), StatusCode::BAD_REQUEST),
        // Many points are no danger: the drawing has no box that is known.
        (
            selected(json!({"type": "SvgSelector", "value": points})).to_string(),
            StatusCode::CREATED,
        ),
    ] {
        assert_eq!(send(body.clone()).await, status, "{}", &body[..body.len().min(80)]);
    }
    let html = "<p>a</p><img src=x onerror=alert(1)><svg><animate onbegin=alert(1)></svg>\
                <a href=\"jav&#x09;ascript:alert(1)\">b</a><iframe srcdoc=\"<script>1</script>\"></iframe>";
    let body = json!({"type": "TextualBody", "value": html, "format": "text/html"});
    let made = write(&server, Method::POST, NOTES, &with("body", body)).await;
    let shown = made.body["body"]["value"].as_str().expect("a text");
    for word in ["onerror", "script", "animate", "iframe", "onbegin"] {
        assert!(!shown.contains(word), "{shown}");
    }
    // Somebody else's resources may be spoken of; that changes nothing at theirs.
    let theirs = format!("{}/iiif-manifest/2/1/x/canvas", server.base);
    let made = write(&server, Method::POST, NOTES, &note(&theirs)).await;
    assert_eq!(made.status, StatusCode::CREATED);
}
