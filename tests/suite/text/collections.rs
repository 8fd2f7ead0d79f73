//! Search within collections: in what they hold and in nothing else.

use super::{found_within, import, kant, total};
use crate::support::fixtures;
use crate::support::server::{Persona, Server};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::time::Duration;

async fn manage(server: &Server, method: Method, path: &str, body: Value) {
    let request = server.request(Persona::Admin, method, &format!("/1/{path}"));
    let request = request.header("X-IIIF-CS-Show-Extras", "All").json(&body);
    let response = request.send().await.expect("the server answers");
    let status = response.status();
    assert!(status.is_success(), "{path}: {status} {}", response.text().await.expect("a body"));
}

fn folder(slug: &str, parent: &str, behavior: &[&str]) -> Value {
    json!({"type": "Collection", "label": {"en": [slug]}, "slug": slug, "parent": parent,
        "behavior": behavior})
}

/// `library` holds `volumes` with `kant` in it, and hides `drafts` with a second page.
async fn with_library() -> Option<Server> {
    let server = Server::start();
    kant(&server).await?;
    let pages = fixtures::folder("pages")?;
    let bytes = std::fs::read(pages.join("phototest.tif")).expect("readable");
    server.upload("phototest.tif", bytes).await;
    let alto = std::fs::read(pages.join("kant_0020.alto.xml")).expect("readable");
    let (status, text) = import(&server, "alto", "phototest.tif", alto).await;
    assert_eq!(status, StatusCode::CREATED, "{text}");
    let public = ["storage-collection", "public-iiif"];
    manage(&server, Method::PUT, "collections/lib", folder("library", "root", &public)).await;
    manage(&server, Method::PUT, "collections/vol", folder("volumes", "lib", &public)).await;
    manage(&server, Method::PUT, "collections/h", folder("drafts", "lib", &public[..1])).await;
    manage(&server, Method::PATCH, "manifests/kant", json!({"parent": "vol"})).await;
    let asset = json!({"id": "phototest.tif", "space": 1});
    let draft = json!({"type": "Manifest", "label": {"en": ["Draft"]}, "slug": "draft",
        "parent": "h", "paintedResources": [{"asset": asset, "canvasPainting": {}}]});
    manage(&server, Method::PUT, "manifests/draft", draft).await;
    server.projected().await;
    found_within(&server, "/search/v2/1/assets/1/phototest.tif?q=gewiegelt", PATIENCE).await;
    found_within(&server, "/search/v2/1/collections/lib?q=gewiegelt", PATIENCE).await;
    Some(server)
}

const PATIENCE: Duration = Duration::from_secs(10);

/// Returns the manifests in which something was found, without our base.
fn within(server: &Server, found: &Value) -> Vec<String> {
    let items = found["items"].as_array().expect("items").iter();
    let manifests = items.map(|it| it["target"]["partOf"]["id"].as_str().expect("a manifest"));
    manifests.map(|it| it.replace(&server.base, "")).collect()
}

#[tokio::test]
async fn a_search_in_a_collection_finds_what_it_holds_at_any_depth() {
    let Some(server) = with_library().await else { return };
    let path = "/search/v2/1/collections/lib?q=gewiegelt";
    let found = server.json(Persona::Anonymous, path).await;
    assert_eq!(within(&server, &found), ["/iiif/1/library/volumes/kant"], "{found}");
    let manifest = server.json(Persona::Anonymous, "/iiif/1/library/volumes/kant").await;
    let target = found["items"][0]["target"]["id"].as_str().expect("a canvas");
    let canvas = target.split('#').next().expect("an address");
    assert_eq!(manifest["items"][0]["id"], canvas);
    let v1 = server.json(Persona::Anonymous, &path.replace("/v2/", "/v1/")).await;
    assert_eq!(v1["resources"].as_array().map(Vec::len), Some(1), "{v1}");
    // The hidden one is looked into for those who manage it.
    assert_eq!(total(&server, Persona::Admin, path).await, 2);
    for (path, found) in [
        ("/search/v2/1/collections/vol?q=gewiegelt", 1),
        ("/search/v2/1/collections/lib?q=unwahrscheinlich", 0),
        ("/search/v2/1/collections/lib", 0),
        ("/search/v2/1/collections/root?q=gewiegelt", 1),
    ] {
        assert_eq!(total(&server, Persona::Anonymous, path).await, found, "{path}");
    }
    for version in ["v1", "v2"] {
        let path = format!("/autocomplete/{version}/1/collections/lib?q=gewie");
        let terms = server.json(Persona::Anonymous, &path).await;
        assert!(terms.to_string().contains("gewiegelt"), "{terms}");
    }
    for (path, status) in [
        ("/search/v2/1/collections/h?q=x", StatusCode::NOT_FOUND),
        ("/search/v2/1/collections/none?q=x", StatusCode::NOT_FOUND),
        ("/autocomplete/v1/1/collections/h?q=x", StatusCode::NOT_FOUND),
    ] {
        assert_eq!(server.get(Persona::Anonymous, path).await.status(), status, "{path}");
    }
    manage(&server, Method::PATCH, "manifests/kant", json!({"parent": "root"})).await;
    let gone = total(&server, Persona::Anonymous, "/search/v2/1/collections/vol?q=gewiegelt").await;
    assert_eq!(gone, 0, "it has left the collection");
}

#[tokio::test]
async fn a_search_in_a_list_of_a_client_finds_what_of_ours_it_names() {
    let Some(server) = with_library().await else { return };
    let base = &server.base;
    let item = |kind: &str, id: String| json!({"id": id, "type": kind, "label": {"none": ["-"]}});
    let inner = json!({"id": "https://example.org/part", "type": "Collection",
        "label": {"none": ["-"]},
        "items": [item("Manifest", format!("{base}/iiif-manifest/v3/1/1/phototest.tif"))]});
    let items = json!([
        item("Manifest", "https://example.org/1/manifests/kant".to_owned()),
        item("Collection", format!("{base}/iiif/default/library")),
        item("Collection", format!("{base}/1/collections/picks")),
        item("Collection", format!("{base}/1/collections/h")),
        item("Manifest", format!("{base}/iiif/1/library/volumes/kant")),
        item("Manifest", format!("{base}/iiif/1/nothing")),
        inner,
    ]);
    let list = json!({"type": "Collection", "label": {"en": ["Picks"]}, "slug": "picks",
        "behavior": ["public-iiif"], "items": items});
    manage(&server, Method::PUT, "collections/picks", list).await;
    let path = "/search/v2/1/collections/picks?q=gewiegelt";
    let found = server.json(Persona::Anonymous, path).await;
    let expected = ["/iiif/1/library/volumes/kant", "/iiif-manifest/v3/1/1/phototest.tif"];
    assert_eq!(within(&server, &found), expected, "{found}");
    let shown = server.json(Persona::Anonymous, "/iiif/1/picks").await;
    let service = format!("{base}/search/v2/1/collections/picks");
    assert_eq!(shown["service"][0]["id"], service, "{shown}");
}

#[tokio::test]
async fn a_collection_offers_its_search() {
    let Some(server) = with_library().await else { return };
    for (path, id) in [("/iiif/1/library", "lib"), ("/iiif/1", "root")] {
        let shown = server.json(Persona::Anonymous, path).await;
        let services = &shown["service"];
        assert_eq!(services[0]["type"], "SearchService2", "{shown}");
        assert_eq!(services[1]["@type"], "SearchService1");
        assert_eq!(shown["@context"][0], "http://iiif.io/api/search/2/context.json");
        let search = format!("{}/search/v2/1/collections/{id}", server.base);
        assert_eq!(services[0]["id"], search);
        for address in [
            &services[0]["id"],
            &services[0]["service"][0]["id"],
            &services[1]["@id"],
            &services[1]["service"][0]["@id"],
        ] {
            let address = format!("{}?q=gewiegelt", address.as_str().expect("an address"));
            let answer = server.json(Persona::Anonymous, &address).await;
            assert!(answer.to_string().contains("gewiegelt"), "{address}: {answer}");
        }
    }
    let older = server.json(Persona::Anonymous, "/iiif/v2/1/library").await;
    let service = &older["service"];
    assert_eq!(service["profile"], "http://iiif.io/api/search/1/search", "{older}");
    assert_eq!(service["@id"], format!("{}/search/v1/1/collections/lib", server.base));
}
