//! Collections: folders with what is in them, lists that clients wrote, and the paths that lead there.

use crate::support::server::{Persona, Server};
use reqwest::{Client, Method, StatusCode, redirect};
use serde_json::{Value, json};

struct Got {
    status: StatusCode,
    etag: String,
    body: Value,
}

async fn manage(server: &Server, method: Method, path: &str, body: Option<Value>) -> Got {
    let request = server.request(Persona::Admin, method, &format!("/1/{path}"));
    let mut request = request.header("X-IIIF-CS-Show-Extras", "All");
    if let Some(body) = body {
        request = request.json(&body);
    }
    let response = request.send().await.expect("the server answers");
    let (status, headers) = (response.status(), response.headers().clone());
    let etag = headers.get("etag").and_then(|it| it.to_str().ok()).unwrap_or_default().to_owned();
    let text = response.text().await.expect("a body");
    Got { status, etag, body: serde_json::from_str(&text).unwrap_or(Value::String(text)) }
}

async fn put(server: &Server, path: &str, body: Value) -> Value {
    let got = manage(server, Method::PUT, path, Some(body)).await;
    assert!(got.status.is_success(), "{path}: {} {}", got.status, got.body);
    got.body
}

async fn graphql(server: &Server, persona: Persona, query: &str) -> Value {
    let request = server.request(persona, Method::POST, "/graphql");
    let response = request.json(&json!({"query": query})).send().await.expect("an answer");
    response.json().await.expect("JSON")
}

fn folder(slug: &str, parent: &str) -> Value {
    let behavior = json!(["storage-collection", "public-iiif"]);
    json!({"type": "Collection", "label": {"en": [slug.to_uppercase()]}, "slug": slug,
        "parent": parent, "behavior": behavior})
}

fn manifest(slug: &str, parent: &str) -> Value {
    json!({"type": "Manifest", "label": {"en": [slug.to_uppercase()]}, "slug": slug,
        "parent": parent, "items": []})
}

/// `maps`, in it `1900` with two volumes, and a hidden folder.
async fn with_volumes() -> Server {
    let server = Server::start();
    server.space(1).await;
    put(&server, "collections/a", folder("maps", "root")).await;
    put(&server, "collections/b", folder("1900", "a")).await;
    put(&server, "manifests/m1", manifest("volume-1", "b")).await;
    put(&server, "manifests/m2", manifest("volume-2", "b")).await;
    let mut hidden = folder("drafts", "a");
    hidden["behavior"] = json!(["storage-collection"]);
    put(&server, "collections/h", hidden).await;
    server
}

/// Asks without following a redirection.
async fn look(server: &Server, path: &str) -> (StatusCode, String) {
    let client = Client::builder().redirect(redirect::Policy::none()).build().expect("a client");
    let response = client.get(format!("{}{path}", server.base)).send().await.expect("an answer");
    let location = response.headers().get("location").and_then(|it| it.to_str().ok());
    (response.status(), location.unwrap_or_default().to_owned())
}

fn ids(collection: &Value) -> Vec<&str> {
    let items = collection["items"].as_array().expect("items");
    items.iter().map(|it| it["id"].as_str().expect("an id")).collect()
}

#[tokio::test]
async fn a_collection_lists_what_is_in_it_for_everybody_who_may_see_it() {
    let server = with_volumes().await;
    let base = &server.base;
    let maps = server.json(Persona::Anonymous, "/iiif/1/maps").await;
    assert_eq!(maps["id"], format!("{base}/iiif/1/maps"));
    assert_eq!(maps["type"], "Collection");
    assert_eq!(maps["label"], json!({"en": ["MAPS"]}));
    assert_eq!(ids(&maps), [format!("{base}/iiif/1/maps/1900")], "the drafts are hidden");
    assert_eq!(maps["partOf"][0]["id"], format!("{base}/iiif/1"));
    assert!(maps.get("behavior").is_none() && maps.get("slug").is_none(), "{maps}");
    let volumes = server.json(Persona::Anonymous, "/iiif/v3/1/Maps/1900").await;
    let expected = [1, 2].map(|it| format!("{base}/iiif/1/maps/1900/volume-{it}"));
    assert_eq!(ids(&volumes), expected);
    assert_eq!(volumes["items"][0]["type"], "Manifest");
    assert_eq!(volumes["items"][0]["label"], json!({"en": ["VOLUME-1"]}));
    let volume = server.json(Persona::Anonymous, "/iiif/1/maps/1900/volume-1").await;
    assert_eq!(volume["id"], expected[0]);
    let older = server.json(Persona::Anonymous, "/iiif/v2/1/maps/1900").await;
    assert_eq!(older["@id"], format!("{base}/iiif/v2/1/maps/1900"));
    let label = json!({"@value": "1900", "@language": "en"});
    assert_eq!((&older["@type"], &older["label"]), (&json!("sc:Collection"), &label));
    assert_eq!(older["manifests"][1]["@id"], expected[1], "{older}");
    let root = server.json(Persona::Anonymous, "/iiif/1").await;
    assert_eq!(ids(&root), [format!("{base}/iiif/1/maps")]);
    for (path, status) in [
        ("/iiif/1/maps/drafts", StatusCode::NOT_FOUND),
        ("/1/collections/h", StatusCode::NOT_FOUND),
        ("/iiif/1/maps/1901", StatusCode::NOT_FOUND),
        ("/iiif/1/maps/1900/volume-1/further", StatusCode::NOT_FOUND),
        ("/iiif/99", StatusCode::NOT_FOUND),
        ("/1/collections/a", StatusCode::SEE_OTHER),
        ("/1/collections/root", StatusCode::SEE_OTHER),
    ] {
        assert_eq!(look(&server, path).await.0, status, "{path}");
    }
    let managed = manage(&server, Method::GET, "collections/a", None).await;
    assert_eq!(managed.body["totalItems"], 2, "{}", managed.body);
    assert_eq!(managed.body["behavior"], json!(["storage-collection", "public-iiif"]));
    assert_eq!(managed.body["publicId"], format!("{base}/iiif/1/maps"));
    assert_eq!(managed.body["parent"], format!("{base}/1/collections/root"));
    let root = manage(&server, Method::GET, "collections/root", None).await;
    assert_eq!(root.body["totalItems"], 1, "{}", root.body);
}

#[tokio::test]
async fn a_collection_comes_in_pages() {
    let server = with_volumes().await;
    let first = server.request(Persona::Anonymous, Method::GET, "/iiif/1/maps/1900?pageSize=1");
    let first = first.send().await.expect("an answer");
    let link = first.headers().get("link").and_then(|it| it.to_str().ok()).unwrap_or_default();
    let next = format!("<{}/iiif/1/maps/1900?page=2&pageSize=1>; rel=\"next\"", server.base);
    assert_eq!(link, next);
    let body: Value = first.json().await.expect("JSON");
    assert_eq!(ids(&body).len(), 1);
    let second = server.json(Persona::Anonymous, "/iiif/1/maps/1900?page=2&pageSize=1").await;
    assert_eq!(second["items"][0]["label"], json!({"en": ["VOLUME-2"]}));
    assert_eq!(look(&server, "/iiif/1/maps?page=0").await.0, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_collection_moves_with_all_that_is_in_it() {
    let server = with_volumes().await;
    let moved = json!({"slug": "charts"});
    let moved = manage(&server, Method::PATCH, "collections/a", Some(moved)).await;
    assert_eq!((moved.status, moved.etag.as_str()), (StatusCode::OK, "\"2\""), "{}", moved.body);
    assert_eq!(moved.body["label"], json!({"en": ["MAPS"]}), "the rest stays");
    for (former, now) in [
        ("/iiif/1/maps", "/iiif/1/charts"),
        ("/iiif/v3/1/maps/1900", "/iiif/v3/1/charts/1900"),
        ("/iiif/1/maps/1900/volume-2", "/iiif/1/charts/1900/volume-2"),
    ] {
        let location = format!("{}{now}", server.base);
        assert_eq!(look(&server, former).await, (StatusCode::MOVED_PERMANENTLY, location));
    }
    let into_itself = json!({"parent": "b"});
    let refused = manage(&server, Method::PATCH, "collections/a", Some(into_itself)).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{}", refused.body);
    let up = json!({"parent": format!("{}/1/collections/root", server.base)});
    let up = manage(&server, Method::PATCH, "manifests/m1", Some(up)).await;
    assert_eq!(up.body["publicId"], format!("{}/iiif/1/volume-1", server.base), "{}", up.body);
    let location = format!("{}/iiif/1/volume-1", server.base);
    let found = look(&server, "/iiif/1/maps/1900/volume-1").await;
    assert_eq!(found, (StatusCode::MOVED_PERMANENTLY, location));
}

#[tokio::test]
async fn only_an_empty_collection_is_deleted_and_then_it_is_gone() {
    let server = with_volumes().await;
    let full = manage(&server, Method::DELETE, "collections/b", None).await;
    assert_eq!(full.status, StatusCode::CONFLICT, "{}", full.body);
    for id in ["manifests/m1", "manifests/m2", "collections/b"] {
        let gone = manage(&server, Method::DELETE, id, None).await;
        assert_eq!(gone.status, StatusCode::NO_CONTENT, "{id}: {}", gone.body);
    }
    assert_eq!(look(&server, "/iiif/1/maps/1900").await.0, StatusCode::GONE);
    assert_eq!(look(&server, "/iiif/1/maps/1900/volume-1").await.0, StatusCode::GONE);
    let late = manage(&server, Method::PUT, "manifests/m3", Some(manifest("late", "b"))).await;
    assert_eq!(late.status, StatusCode::CONFLICT, "{}", late.body);
    let root = manage(&server, Method::DELETE, "collections/root", None).await;
    assert_eq!(root.status, StatusCode::NOT_FOUND, "it has no history of its own");
}

#[tokio::test]
async fn a_list_that_a_client_wrote_is_kept_whole_and_can_be_written_back() {
    let server = with_volumes().await;
    let items = json!([
        {"id": "https://example.org/one", "type": "Manifest", "label": {"none": ["One"]}},
        {"id": format!("{}/iiif/1/maps", server.base), "type": "Collection",
            "label": {"none": ["Maps"]}},
    ]);
    let list = json!({"type": "Collection", "slug": "picks", "items": items,
        "label": {"en": ["Picks"]}, "behavior": ["multi-part", "public-iiif"],
        "summary": {"en": ["By hand"]}});
    put(&server, "collections/p", list).await;
    let shown = server.json(Persona::Anonymous, "/iiif/1/picks").await;
    assert_eq!((&shown["items"], &shown["behavior"]), (&items, &json!(["multi-part"])));
    assert_eq!(shown["summary"], json!({"en": ["By hand"]}));
    for id in ["collections/p", "collections/a"] {
        let read = manage(&server, Method::GET, id, None).await;
        let back = manage(&server, Method::PUT, id, Some(read.body)).await;
        assert_eq!((back.status, back.etag), (StatusCode::OK, read.etag), "{id} is as it was");
    }
    let within = manage(&server, Method::PUT, "manifests/m9", Some(manifest("x", "p"))).await;
    assert_eq!(within.status, StatusCode::CONFLICT, "{}", within.body);
    for (field, wrong, at) in [
        ("items", json!([{"id": "javascript:alert(1)", "type": "Manifest"}]), "/items/0/id"),
        ("items", json!([{"id": "https://example.org/canvas", "type": "Canvas"}]), "items"),
        ("label", json!(7), "label"),
        ("type", json!("Manifest"), "type"),
        ("parent", json!("https://elsewhere.example/1/collections/a"), "parent"),
    ] {
        let mut list = json!({"type": "Collection", "label": "Picks", "items": items});
        list[field] = wrong;
        let refused = manage(&server, Method::POST, "collections", Some(list)).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{field}: {}", refused.body);
        assert_eq!(refused.body["field"], at, "{}", refused.body);
    }
}

#[tokio::test]
async fn a_hidden_collection_is_shown_by_a_patch() {
    let server = with_volumes().await;
    let shown = json!({"behavior": ["storage-collection", "public-iiif"]});
    let shown = manage(&server, Method::PATCH, "collections/h", Some(shown)).await;
    assert_eq!(shown.status, StatusCode::OK, "{}", shown.body);
    assert_eq!(look(&server, "/iiif/1/maps/drafts").await.0, StatusCode::OK);
    let hidden = json!({"behavior": ["storage-collection"]});
    manage(&server, Method::PATCH, "collections/h", Some(hidden)).await;
    assert_eq!(look(&server, "/iiif/1/maps/drafts").await.0, StatusCode::NOT_FOUND);
    let events = String::from_utf8(server.command(&["events", "--json"]).stdout).expect("text");
    let types: Vec<&str> = ["collection.published", "collection.withdrawn"]
        .into_iter()
        .filter(|it| events.contains(it))
        .collect();
    assert_eq!(types, ["collection.published", "collection.withdrawn"]);
}

#[tokio::test]
async fn graphql_walks_and_moves_collections() {
    let server = with_volumes().await;
    let query = r#"{ collection(slug: "maps") { collectionId isPublic label
        members(first: 10) { nodes { ... on Collection { collectionId } } } } }"#;
    let got = graphql(&server, Persona::Anonymous, query).await;
    let maps = &got["data"]["collection"];
    assert_eq!(maps["collectionId"], "a", "{got}");
    assert_eq!(maps["label"], json!({"en": ["MAPS"]}));
    assert_eq!(maps["members"]["nodes"], json!([{"collectionId": "b"}]), "the drafts are hidden");
    let query = r#"{ collection(slug: "maps/1900") {
        members(first: 10) { nodes { ... on Manifest { manifestId parent address } } } } }"#;
    let got = graphql(&server, Persona::Anonymous, query).await;
    let address = format!("{}/iiif/1/maps/1900/volume-2", server.base);
    let second = json!({"manifestId": "m2", "parent": "b", "address": address});
    assert_eq!(got["data"]["collection"]["members"]["nodes"][1], second, "{got}");
    let hidden = graphql(&server, Persona::Anonymous, r#"{ collection(id: "h") { slug } }"#).await;
    assert_eq!(hidden["data"]["collection"], Value::Null);
    let moving = r#"mutation { moveCollection(id: "b", slug: "early", parent: "root") {
        collection { address } } }"#;
    let moved = graphql(&server, Persona::Admin, moving).await;
    let address = format!("{}/iiif/1/early", server.base);
    assert_eq!(moved["data"]["moveCollection"]["collection"]["address"], address, "{moved}");
    let inwards = r#"mutation { moveManifest(id: "m2", parent: "a") { manifest { address } } }"#;
    let moved = graphql(&server, Persona::Admin, inwards).await;
    let address = format!("{}/iiif/1/maps/volume-2", server.base);
    assert_eq!(moved["data"]["moveManifest"]["manifest"]["address"], address, "{moved}");
    let deleting = r#"mutation { deleteCollection(id: "b") { position } }"#;
    let refused = graphql(&server, Persona::Admin, deleting).await;
    assert_eq!(refused["errors"][0]["extensions"]["code"], "not-empty", "{refused}");
}
