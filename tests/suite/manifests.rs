//! Stored manifests: kept as they came, changed, moved, deleted.

use crate::support::fixtures::{self, png};
use crate::support::server::{Managed, Persona, Server};
use reqwest::{Client, Method, StatusCode, redirect};
use serde_json::{Value, json};

async fn manage(server: &Server, method: Method, id: &str, body: Option<&Value>) -> Managed {
    guarded(server, method, id, body, None).await
}

async fn guarded(
    server: &Server,
    method: Method,
    id: &str,
    body: Option<&Value>,
    if_match: Option<&str>,
) -> Managed {
    server.manage(method, &format!("/1/manifests/{id}"), body, if_match).await
}

/// A server with two images and a manifest of them, `book`.
async fn with_book() -> Server {
    let server = Server::start();
    server.space(1).await;
    for id in ["p1", "p2"] {
        server.upload(id, png(64, 48)).await;
    }
    let painted = |id: &str| json!({"asset": {"id": id, "space": 1}, "canvasPainting": {}});
    let body = json!({"type": "Manifest", "label": {"en": ["A book"]}, "slug": "book",
        "summary": {"en": ["Old"]}, "paintedResources": [painted("p1"), painted("p2")]});
    let made = manage(&server, Method::PUT, "b1", Some(&body)).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    server
}

/// Asks without following a redirection.
async fn look(server: &Server, path: &str) -> (StatusCode, String) {
    let client = Client::builder().redirect(redirect::Policy::none()).build().expect("a client");
    let response = client.get(format!("{}{path}", server.base)).send().await.expect("an answer");
    let location = response.headers().get("location").and_then(|it| it.to_str().ok());
    (response.status(), location.unwrap_or_default().to_owned())
}

#[tokio::test]
async fn a_manifest_moves_and_its_former_addresses_lead_there() {
    let server = with_book().await;
    let moved = manage(&server, Method::PATCH, "b1", Some(&json!({"slug": "atlas"}))).await;
    assert_eq!((moved.status, moved.etag.as_str()), (StatusCode::OK, "\"2\""), "{}", moved.body);
    assert_eq!(moved.body["publicId"], format!("{}/iiif/1/atlas", server.base));
    for version in ["", "/v3", "/v2"] {
        let (status, location) = look(&server, &format!("/iiif{version}/1/book")).await;
        assert_eq!(status, StatusCode::MOVED_PERMANENTLY, "{version}");
        assert_eq!(location, format!("{}/iiif{version}/1/atlas", server.base));
    }
    let shown = server.json(Persona::Anonymous, "/iiif/v3/1/book").await;
    assert_eq!(shown["id"], format!("{}/iiif/v3/1/atlas", server.base));
    assert_eq!(shown["items"].as_array().map(Vec::len), Some(2));
    // Another one takes the former address.
    let other =
        json!({"type": "Manifest", "label": {"en": ["Other"]}, "slug": "book", "items": []});
    let made = manage(&server, Method::PUT, "b2", Some(&other)).await;
    assert_eq!(made.status, StatusCode::CREATED);
    let shown = server.json(Persona::Anonymous, "/iiif/v3/1/book").await;
    assert_eq!(shown["label"]["en"][0], "Other");
    let taken = manage(&server, Method::PATCH, "b1", Some(&json!({"slug": "book"}))).await;
    assert_eq!((taken.status, &taken.body["code"]), (StatusCode::CONFLICT, &json!("name-taken")));
    let cleared = manage(&server, Method::PATCH, "b1", Some(&json!({"slug": null}))).await;
    assert_eq!(cleared.status, StatusCode::OK, "{}", cleared.body);
    let (status, location) = look(&server, "/iiif/v3/1/atlas").await;
    assert_eq!(status, StatusCode::MOVED_PERMANENTLY);
    assert_eq!(location, format!("{}/1/manifests/b1", server.base));
}

#[tokio::test]
async fn a_patch_changes_what_it_names() {
    let server = with_book().await;
    let before = server.json(Persona::Anonymous, "/iiif/v3/1/book").await;
    let patch = json!({"label": {"de": ["Ein Buch"]}, "summary": null, "rights": null,
        "navDate": "1784-12-01T00:00:00Z"});
    let changed = manage(&server, Method::PATCH, "b1", Some(&patch)).await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.body);
    let shown = server.json(Persona::Anonymous, "/iiif/v3/1/book").await;
    assert_eq!(shown["label"], json!({"en": ["A book"], "de": ["Ein Buch"]}));
    assert!(shown.get("summary").is_none(), "{shown}");
    assert_eq!(shown["navDate"], "1784-12-01T00:00:00Z");
    assert_eq!(shown["items"], before["items"], "what is left out stays");
    let again = manage(&server, Method::PATCH, "b1", Some(&patch)).await;
    assert_eq!(again.etag, changed.etag, "the same once more changes nothing");
    let stale = guarded(&server, Method::PATCH, "b1", Some(&patch), Some("\"1\"")).await;
    assert_eq!(stale.status, StatusCode::PRECONDITION_FAILED);
    let wrong = manage(&server, Method::PATCH, "b1", Some(&json!({"type": "Collection"}))).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST, "{}", wrong.body);
    let missing = manage(&server, Method::PATCH, "none", Some(&patch)).await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_deleted_manifest_is_gone_everywhere() {
    let server = with_book().await;
    manage(&server, Method::PATCH, "b1", Some(&json!({"slug": "atlas"}))).await;
    let stale = guarded(&server, Method::DELETE, "b1", None, Some("\"1\"")).await;
    assert_eq!(stale.status, StatusCode::PRECONDITION_FAILED);
    let gone = guarded(&server, Method::DELETE, "b1", None, Some("\"2\"")).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT, "{}", gone.body);
    for path in [
        "/iiif/v3/1/atlas",
        "/iiif/v2/1/book",
        "/1/manifests/b1",
        "/search/v2/1/manifests/b1?q=x",
        "/text/plain/1/manifests/b1",
    ] {
        assert_eq!(look(&server, path).await.0, StatusCode::GONE, "{path}");
    }
    let list = server.json(Persona::Admin, "/1/manifests").await;
    assert_eq!(list["totalItems"], 0);
    let again = manage(&server, Method::DELETE, "b1", None).await;
    assert_eq!(again.status, StatusCode::GONE);
    let body = json!({"type": "Manifest", "label": {"en": ["New"]}, "slug": "new", "items": []});
    let made = manage(&server, Method::PUT, "b1", Some(&body)).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    assert_eq!(look(&server, "/iiif/v3/1/new").await.0, StatusCode::OK);
}

#[tokio::test]
async fn what_was_read_can_be_written_back() {
    let server = with_book().await;
    let path = "/1/manifests/b1";
    let request =
        server.request(Persona::Admin, Method::GET, path).header("X-IIIF-CS-Show-Extras", "All");
    let shown: Value = request.send().await.expect("an answer").json().await.expect("JSON");
    let put = manage(&server, Method::PUT, "b1", Some(&shown)).await;
    assert_eq!((put.status, put.etag.as_str()), (StatusCode::OK, "\"1\""), "{}", put.body);
}

/// What stands beside the canvases goes to version 2.1 as well, also where those are painted.
#[tokio::test]
async fn a_painted_manifest_has_its_ranges_in_version_2() {
    let server = with_book().await;
    let shown = server.json(Persona::Anonymous, "/iiif/v3/1/book").await;
    let canvas = json!({"id": shown["items"][1]["id"], "type": "Canvas"});
    let range = json!({"id": "https://example.org/r", "type": "Range",
        "label": {"en": ["A chapter"]}, "items": [canvas]});
    let see_also = json!([{"id": "https://example.org/marc", "type": "Dataset"}]);
    let patch = json!({"structures": [range], "start": canvas, "seeAlso": see_also,
        "behavior": ["paged"], "homepage": [{"id": "https://example.org/", "type": "Text",
            "label": {"en": ["Home"]}, "format": "text/html"}]});
    let changed = manage(&server, Method::PATCH, "b1", Some(&patch)).await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.body);
    let old = server.json(Persona::Anonymous, "/iiif/v2/1/book").await;
    let range = &old["structures"][0];
    assert_eq!(
        (&range["@id"], &range["viewingHint"]),
        (&json!("https://example.org/r"), &json!("top"))
    );
    assert_eq!(range["canvases"], json!([canvas["id"]]));
    let sequence = &old["sequences"][0];
    assert_eq!(sequence["startCanvas"], canvas["id"]);
    assert_eq!(sequence["canvases"][1]["@id"], canvas["id"]);
    assert!(sequence["canvases"][1]["images"][0]["resource"]["service"].is_object(), "{old}");
    assert_eq!(old["viewingHint"], "paged");
    assert_eq!(old["seeAlso"][0]["@id"], "https://example.org/marc");
    assert_eq!(old["related"][0]["@id"], "https://example.org/");
    assert!(old["thumbnail"].is_object() && old["description"].is_object(), "{old}");
}

#[tokio::test]
async fn graphql_moves_and_deletes() {
    let server = with_book().await;
    let ask = async |query: &str| {
        let request = server.request(Persona::Admin, Method::POST, "/graphql");
        let response = request.json(&json!({"query": query})).send().await.expect("an answer");
        let answer: Value = response.json().await.expect("JSON");
        assert!(answer["errors"].is_null(), "{answer}");
        answer["data"].clone()
    };
    let moved = ask("mutation { moveManifest(id: \"b1\", slug: \"atlas\")
        { manifest { slug address history { nodes { type } } } } }")
    .await;
    assert_eq!(moved["moveManifest"]["manifest"]["slug"], "atlas");
    let former = ask("{ manifest(slug: \"book\") { slug } }").await;
    assert_eq!(former["manifest"]["slug"], "atlas");
    let gone = ask("mutation { deleteManifest(id: \"b1\") { position manifest { slug } } }").await;
    assert!(gone["deleteManifest"]["manifest"].is_null());
    assert!(ask("{ manifest(id: \"b1\") { slug } }").await["manifest"].is_null());
}

/// The manifests of the IIIF Cookbook come back as they went, under our address.
#[tokio::test]
async fn manifests_of_the_cookbook_are_kept_whole() {
    let Some(folder) = fixtures::folder("manifests") else { return };
    let server = Server::start();
    let mut count = 0;
    for path in fixtures::files(&folder) {
        let text = std::fs::read_to_string(&path).expect("a fixture");
        let mut sent: Value = serde_json::from_str(&text).expect("JSON");
        if sent["type"] != "Manifest" {
            continue;
        }
        count += 1;
        sent["slug"] = json!(format!("cookbook-{count}"));
        let id = format!("c{count}");
        let made = manage(&server, Method::PUT, &id, Some(&sent)).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}: {}", path.display(), made.body);
        let mut shown =
            server.json(Persona::Anonymous, &format!("/iiif/v3/1/cookbook-{count}")).await;
        assert_eq!(shown["id"], format!("{}/iiif/v3/1/cookbook-{count}", server.base));
        shown["id"] = sent["id"].take();
        let mut sent: Value = serde_json::from_str(&text).expect("JSON");
        sent["id"] = shown["id"].clone();
        assert_eq!(shown, sent, "{}", path.display());
    }
    assert!(count >= 15, "{count} manifests");
}

/// What was rendered is kept, and not longer than it is true.
#[tokio::test]
async fn a_manifest_that_was_read_shows_what_has_changed_since() {
    let server = with_book().await;
    let read = async || {
        let response = server.request(Persona::Anonymous, Method::GET, "/iiif/1/book").send().await;
        let response = response.expect("the server answers");
        let tag = response.headers()["etag"].to_str().expect("a tag").to_owned();
        (tag, response.json::<Value>().await.expect("JSON"))
    };
    let (tag, first) = read().await;
    assert_eq!(first["items"].as_array().map(Vec::len), Some(2), "{first}");
    assert_eq!(read().await, (tag.clone(), first.clone()), "nothing has changed");
    let known = server.request(Persona::Anonymous, Method::GET, "/iiif/1/book");
    let known = known.header("if-none-match", &tag).send().await.expect("the server answers");
    assert_eq!(known.status(), StatusCode::NOT_MODIFIED);

    let send = async |method: Method, path: &str, body: Value| {
        let request = server.request(Persona::Admin, method, path).json(&body);
        let status = request.send().await.expect("the server answers").status();
        assert!(status.is_success(), "{path}: {status}");
    };
    let container = json!({"type": ["BasicContainer", "AnnotationCollection"], "label": "Notes"});
    send(Method::PUT, "/annotations/w3c/1/notes/", container).await;
    let note = json!({"@context": "http://www.w3.org/ns/anno.jsonld", "type": "Annotation",
        "bodyValue": "A wood", "target": first["items"][0]["id"]});
    send(Method::POST, "/annotations/w3c/1/notes/", note).await;
    let (annotated_tag, annotated) = read().await;
    assert!(first["items"][0]["annotations"].is_null(), "{first}");
    assert!(annotated["items"][0]["annotations"].is_array(), "{annotated}");
    assert_ne!(annotated_tag, tag);

    send(Method::DELETE, "/annotations/w3c/1/notes/?recursive=true", Value::Null).await;
    assert_eq!(read().await, (tag.clone(), first.clone()), "as if nobody had written there");
    let patch = json!({"label": {"en": ["Another"]}});
    manage(&server, Method::PATCH, "b1", Some(&patch)).await;
    assert_eq!(read().await.1["label"], patch["label"]);
    send(Method::DELETE, "/customers/1/spaces/1/images/p2", Value::Null).await;
    let (_, shorter) = read().await;
    assert_eq!(shorter["items"].as_array().map(Vec::len), Some(1), "{shorter}");
    assert_eq!(shorter["items"][0]["id"], first["items"][0]["id"]);
}
