//! Manifests of clients in both versions: printed as Presentation 2.1, upgraded from it, and
//! hostile ones (THREATS, B96) refused or kept without harm.

use crate::standards::{follows_the_schema, is_read_by_the_parser};
use crate::support::fixtures;
use crate::support::server::{Persona, Server};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

const EXTRAS: (&str, &str) = ("X-IIIF-CS-Show-Extras", "All");
const CANVAS: &str = "https://example.org/canvas/1";

/// Sends a manifest as text, for not all that is sent is JSON.
async fn put(server: &Server, id: &str, body: String) -> (StatusCode, Value) {
    let request = server.request(Persona::Admin, Method::PUT, &format!("/1/manifests/{id}"));
    let request = request.header(EXTRAS.0, EXTRAS.1).header("content-type", "application/json");
    let response = request.body(body).send().await.expect("the server answers");
    let (status, text) = (response.status(), response.text().await.expect("a body"));
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

async fn keep(server: &Server, id: &str, manifest: &Value) {
    let mut manifest = manifest.clone();
    manifest["slug"] = json!(id);
    let (status, answer) = put(server, id, manifest.to_string()).await;
    assert_eq!(status, StatusCode::CREATED, "{id}: {answer}");
}

async fn shown(server: &Server, version: &str, id: &str) -> Value {
    server.json(Persona::Anonymous, &format!("/iiif/{version}/1/{id}")).await
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn image(name: &str) -> Value {
    json!({"id": format!("https://example.org/{name}.jpg"), "type": "Image",
        "format": "image/jpeg", "width": 300, "height": 400})
}

/// A manifest of one canvas on which bodies are painted, each at its target.
fn painted(paintings: &[(Value, String)]) -> Value {
    let annotation = |(index, (body, target)): (usize, &(Value, String))| {
        json!({"id": format!("{CANVAS}/{index}"), "type": "Annotation", "motivation": "painting",
            "body": body, "target": target})
    };
    let items: Vec<Value> = paintings.iter().enumerate().map(annotation).collect();
    let page = json!({"id": format!("{CANVAS}/page"), "type": "AnnotationPage", "items": items});
    let canvas = json!({"id": CANVAS, "type": "Canvas", "width": 300, "height": 400,
        "items": [page]});
    json!({"@context": "http://iiif.io/api/presentation/3/context.json",
        "id": "https://example.org/m", "type": "Manifest", "label": {"en": ["Painted"]},
        "items": [canvas]})
}

/// Checks what Presentation API 2.1 demands of a manifest, section 5.
fn check_version_2(manifest: &Value, canvases: usize) {
    assert_eq!(manifest["@context"], "http://iiif.io/api/presentation/2/context.json");
    assert_eq!(manifest["@type"], "sc:Manifest");
    assert!(!manifest["label"].is_null());
    let sequence = &manifest["sequences"][0];
    assert_eq!(sequence["@type"], "sc:Sequence");
    assert_eq!(list(&sequence["canvases"]).len(), canvases);
    for canvas in list(&sequence["canvases"]) {
        assert!(canvas["width"].is_u64() && canvas["height"].is_u64(), "{canvas}");
        assert!(!canvas["label"].is_null(), "{canvas}");
        assert!(!list(&canvas["images"]).is_empty(), "{canvas}");
        let id = canvas["@id"].as_str().expect("an address");
        for painting in list(&canvas["images"]) {
            assert_eq!(painting["motivation"], "sc:painting");
            let on = painting["on"].as_str().expect("one canvas");
            assert_eq!(on.split('#').next(), Some(id));
            assert!(painting["resource"]["@type"].is_string(), "{painting}");
        }
    }
    let structures = list(&manifest["structures"]);
    let is_top = |range: &&Value| range["viewingHint"] == "top";
    assert_eq!(structures.is_empty(), structures.iter().find(is_top).is_none());
}

/// The manifests of the IIIF Cookbook, printed as 2.1 and sent back like that.
#[tokio::test]
async fn manifests_of_the_cookbook_go_to_version_2_and_back() {
    let Some(folder) = fixtures::folder("manifests") else { return };
    let server = Server::start();
    let (mut count, mut choices, mut ranges) = (0, 0, 0);
    for path in fixtures::files(&folder) {
        let text = std::fs::read_to_string(&path).expect("a fixture");
        let sent: Value = serde_json::from_str(&text).expect("JSON");
        if sent["type"] != "Manifest" {
            continue;
        }
        count += 1;
        let slug = format!("cookbook-{count}");
        keep(&server, &slug, &sent).await;
        let old = shown(&server, "v2", &slug).await;
        assert_eq!(old["@id"], format!("{}/iiif/v2/1/{slug}", server.base));
        check_version_2(&old, list(&sent["items"]).len());
        let first = &old["sequences"][0]["canvases"][0]["images"][0]["resource"];
        if first["@type"] == "oa:SpecificResource" {
            // @iiif/parser 2.2 forgets `full` when it upgrades, and then misses it.
            assert_eq!(first["full"]["@type"], "dctypes:Image");
        } else {
            is_read_by_the_parser(&old);
        }
        choices += usize::from(first["@type"] == "oa:Choice");
        ranges += list(&old["structures"]).len();

        let back = format!("back-{count}");
        keep(&server, &back, &old).await;
        let new = shown(&server, "v3", &back).await;
        follows_the_schema(&new);
        for (new, sent) in list(&new["items"]).iter().zip(list(&sent["items"])) {
            for name in ["id", "width", "height"] {
                assert_eq!(new[name], sent[name], "{}", path.display());
            }
            let body = |it: &Value| it["items"][0]["items"][0]["body"]["id"].clone();
            assert_eq!(body(new), body(sent), "{}", path.display());
        }
        let tree = |it: &Value| list(&it["structures"]).iter().map(size).sum::<usize>();
        assert_eq!(tree(&new), tree(&sent), "{}", path.display());
        let mut again = shown(&server, "v2", &back).await;
        again["@id"] = old["@id"].clone();
        assert_eq!(again["structures"], old["structures"], "{}", path.display());
        let canvases = |it: &Value| it["sequences"][0]["canvases"].clone();
        assert_eq!(canvases(&again), canvases(&old), "{}", path.display());
    }
    assert!(count >= 15 && choices > 0 && ranges > 0, "{count} {choices} {ranges}");
}

/// Counts the ranges of a tree.
fn size(range: &Value) -> usize {
    let children = list(&range["items"]).iter().filter(|it| it["type"] == "Range");
    1 + children.map(size).sum::<usize>()
}

#[tokio::test]
async fn a_composed_canvas_and_a_choice_in_version_2() {
    let server = Server::start();
    let choice = json!({"type": "Choice", "items": [image("day"), image("x-ray")]});
    let (whole, part) = (CANVAS.to_owned(), format!("{CANVAS}#xywh=10,20,30,40"));
    let manifest = painted(&[(image("back"), whole), (choice, part.clone())]);
    keep(&server, "composed", &manifest).await;
    let old = shown(&server, "v2", "composed").await;
    check_version_2(&old, 1);
    is_read_by_the_parser(&old);
    let images = &old["sequences"][0]["canvases"][0]["images"];
    assert_eq!((&images[0]["on"], &images[1]["on"]), (&json!(CANVAS), &json!(part)));
    let choice = &images[1]["resource"];
    assert_eq!(choice["default"]["@id"], "https://example.org/day.jpg");
    assert_eq!(choice["item"][0]["@id"], "https://example.org/x-ray.jpg");
}

#[tokio::test]
async fn version_2_is_sent_as_other_documents_are() {
    let server = Server::start();
    keep(&server, "plain", &painted(&[(image("one"), CANVAS.to_owned())])).await;
    let old = "application/ld+json;profile=\"http://iiif.io/api/presentation/2/context.json\"";
    let ask = async |path: &str, accept: &str, tag: &str| {
        let request = server.request(Persona::Anonymous, Method::GET, path);
        let request = request.header("accept", accept).header("if-none-match", tag);
        request.send().await.expect("an answer")
    };
    let fixed = ask("/iiif/v2/1/plain", "*/*", "\"-\"").await;
    assert_eq!(fixed.status(), StatusCode::OK);
    assert_eq!(fixed.headers()["content-type"], "application/json");
    let tag = fixed.headers()["etag"].to_str().expect("text").to_owned();
    let known = ask("/iiif/v2/1/plain", "*/*", &tag).await;
    assert_eq!(known.status(), StatusCode::NOT_MODIFIED);
    let asked = ask("/iiif/1/plain", old, "\"-\"").await;
    assert_eq!(asked.headers()["content-type"], old);
    let body: Value = asked.json().await.expect("JSON");
    assert_eq!(body["@type"], "sc:Manifest");
    let newest = ask("/iiif/1/plain", "*/*", "\"-\"").await;
    assert_ne!(newest.headers()["etag"].to_str().expect("text"), tag);
}

#[tokio::test]
async fn a_manifest_of_version_2_is_upgraded() {
    let server = Server::start();
    let old = json!({
        "@context": "http://iiif.io/api/presentation/2/context.json",
        "@id": "https://example.org/old.json", "@type": "sc:Manifest", "slug": "old",
        "label": "Old", "attribution": "A library", "logo": "https://example.org/logo.png",
        "license": "https://creativecommons.org/licenses/by/4.0/",
        "related": "https://example.org/home", "seeAlso": "https://example.org/data.xml",
        "metadata": [{"label": "By", "value": [{"@value": "Jemand", "@language": "de"}, "X"]}],
        "sequences": [{"@type": "sc:Sequence", "viewingHint": "paged", "canvases": [{
            "@id": CANVAS, "@type": "sc:Canvas", "label": "1", "width": 300, "height": 400,
            "images": [{"@type": "oa:Annotation", "motivation": "sc:painting", "on": CANVAS,
                "resource": {"@id": "https://example.org/one.jpg", "@type": "dctypes:Image",
                    "service": {"@context": "http://iiif.io/api/image/2/context.json",
                        "@id": "https://example.org/one",
                        "profile": ["http://iiif.io/api/image/2/level1.json", {}]}}}],
            "otherContent": [{"@id": "https://example.org/l", "@type": "sc:AnnotationList"}],
        }]}],
        "structures": [
            {"@id": "https://example.org/r1", "@type": "sc:Range", "label": "All",
                "viewingHint": "top", "ranges": ["https://example.org/r2"]},
            {"@id": "https://example.org/r2", "@type": "sc:Range", "label": "1",
                "canvases": [CANVAS]},
        ],
    });
    let (status, answer) = put(&server, "old", old.to_string()).await;
    assert_eq!(status, StatusCode::CREATED, "{answer}");
    assert_eq!((&answer["type"], &answer["slug"]), (&json!("Manifest"), &json!("old")));
    let new = shown(&server, "v3", "old").await;
    follows_the_schema(&new);
    is_read_by_the_parser(&new);
    assert_eq!(new["label"], json!({"none": ["Old"]}));
    assert_eq!(new["behavior"], json!(["paged"]));
    assert_eq!(new["structures"][0]["items"][0]["items"][0]["id"], CANVAS);
    let again = shown(&server, "v2", "old").await;
    assert_eq!(again["@id"], format!("{}/iiif/v2/1/old", server.base));
    for name in ["label", "attribution", "metadata", "structures"] {
        assert_eq!(again[name], old[name], "{name}");
    }
}

#[tokio::test]
async fn manifests_that_could_harm_a_reader_are_refused() {
    let server = Server::start();
    let whole = painted(&[(image("one"), CANVAS.to_owned())]);
    let contexts: Vec<String> = (0..10_000).map(|n| format!("https://x.test/{n}")).collect();
    let body = "/items/0/items/0/items/0/body/id";
    for (at, bad) in [
        ("/id", json!("javascript:alert(1)")),
        ("/items/0/id", json!(" JavaScript\t:alert(1)")),
        ("/items/0/id", json!("data:text/html,<script>alert(1)</script>")),
        (body, json!("data:image/svg+xml,<svg onload=alert(1)>")),
        ("/@context", json!(contexts)),
    ] {
        let mut manifest = whole.clone();
        *manifest.pointer_mut(at).expect("it is there") = bad;
        let (status, answer) = put(&server, "bad", manifest.to_string()).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{at}: {answer}");
        assert_eq!((&answer["code"], &answer["field"]), (&json!("invalid-field"), &json!(at)));
    }
    // Plain text of version 2.1 that becomes an address.
    let old = json!({"@type": "sc:Manifest", "@id": "https://example.org/m", "label": "x",
        "rendering": "javascript:alert(1)", "sequences": []});
    let (status, answer) = put(&server, "bad", old.to_string()).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{answer}");
    for (text, what) in [
        (r#"{"type":"Manifest","label":{"en":["\ud800"]},"items":[]}"#, "a lone surrogate"),
        (r#"{"type":"Manifest","label":{"en":["x"]},"n":1e999,"items":[]}"#, "a number"),
    ] {
        let (status, answer) = put(&server, "bad", text.to_owned()).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{what}: {answer}");
        assert_eq!(answer["code"], "malformed-json", "{what}");
    }
    let list = server.json(Persona::Admin, "/1/manifests").await;
    assert_eq!(list["totalItems"], 0, "nothing of it was kept");
}

#[tokio::test]
async fn odd_manifests_are_kept_without_harm() {
    let server = Server::start();
    let text = r#"{"type": "Collection", "type": "Manifest", "slug": "odd",
        "label": {"\"><script>": ["<b>x</b>"]}, "items": [],
        "__proto__": {"polluted": true}, "constructor": {"prototype": {"polluted": true}}}"#;
    let (status, answer) = put(&server, "odd", text.to_owned()).await;
    assert_eq!(status, StatusCode::CREATED, "{answer}");
    let new = shown(&server, "v3", "odd").await;
    assert_eq!(new["label"], json!({"\"><script>": ["<b>x</b>"]}));
    assert_eq!(new["__proto__"], json!({"polluted": true}));
    assert!(new.get("polluted").is_none());
    let old = shown(&server, "v2", "odd").await;
    assert_eq!(old["label"], json!({"@value": "<b>x</b>", "@language": "\"><script>"}));
    assert!(old.get("__proto__").is_none(), "version 2.1 takes over what it knows");
    let response = server.get(Persona::Anonymous, "/iiif/v2/1/odd").await;
    assert_eq!(response.headers()["x-content-type-options"], "nosniff");
    // Ranges that contain each other.
    let range = |id: &str, to: &str| json!({"@id": id, "@type": "sc:Range", "ranges": [to]});
    let circle = json!({"@type": "sc:Manifest", "@id": "https://example.org/m", "label": "x",
        "slug": "circle", "sequences": [],
        "structures": [range("urn:a", "urn:b"), range("urn:b", "urn:a")]});
    let (status, answer) = put(&server, "circle", circle.to_string()).await;
    assert_eq!(status, StatusCode::CREATED, "{answer}");
    let old = shown(&server, "v2", "circle").await;
    assert_eq!(list(&old["structures"]).len(), 2);
}
