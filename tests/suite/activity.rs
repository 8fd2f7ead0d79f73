//! Change Discovery 1.0: what changed among the public documents of a customer.

use crate::support::server::{Persona, Server};
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use std::collections::HashSet;

const CONTEXT: &str = "http://iiif.io/api/discovery/1/context.json";
const ALL: &str = "/activity/1/all-changes";
const PAGE: usize = 100;

/// A word that stands in documents and must stand in no activity.
const TITLE: &str = "Unmentionable";

/// Changes one manifest of a customer, and returns the position of what happened.
async fn manage(server: &Server, method: Method, id: &str, body: Value) -> u64 {
    let request = server.request(Persona::Admin, method, &format!("/{id}"));
    let request = request.header("X-IIIF-CS-Show-Extras", "All").json(&body);
    let response = request.send().await.expect("an answer");
    let (status, headers) = (response.status(), response.headers().clone());
    assert!(status.is_success(), "{id}: {status} {}", response.text().await.expect("a body"));
    let position = headers.get("dlcs-position").and_then(|it| it.to_str().ok());
    position.and_then(|it| it.parse().ok()).expect("a write says where it is in the log")
}

fn manifest(slug: Option<&str>, number: usize) -> Value {
    let title = format!("{TITLE} {number}");
    let mut manifest = json!({"type": "Manifest", "label": {"en": [title]}, "items": []});
    if let Some(slug) = slug {
        manifest["slug"] = json!(slug);
    }
    manifest
}

/// Asks as a stranger once everything up to a position is known.
async fn ask(server: &Server, path: &str, position: u64, header: (&str, &str)) -> Response {
    let request = server.request(Persona::Anonymous, Method::GET, path);
    let request = request.header("dlcs-min-position", position).header(header.0, header.1);
    request.send().await.expect("an answer")
}

async fn read(server: &Server, path: &str, position: u64) -> Value {
    let response = ask(server, path, position, ("accept", "*/*")).await;
    let status = response.status();
    let text = response.text().await.expect("a body");
    assert_eq!(status, StatusCode::OK, "{path}: {text}");
    assert!(!text.contains(TITLE), "{path} tells a title: {text}");
    serde_json::from_str(&text).expect("JSON")
}

/// Walks as harvesters do, from the last page back; returns everything, oldest first.
async fn harvest(server: &Server, all: &str, position: u64) -> Vec<Value> {
    let collection = read(server, all, position).await;
    assert_eq!(
        (&collection["@context"], &collection["type"]),
        (&json!(CONTEXT), &json!("OrderedCollection"))
    );
    assert_eq!(collection["id"], format!("{}{all}", server.base));
    let (mut changes, mut after) = (Vec::new(), Value::Null);
    let mut at = collection["last"]["id"].clone();
    while let Some(address) = at.as_str() {
        let page = read(server, address, position).await;
        assert_eq!(
            (&page["@context"], &page["type"]),
            (&json!(CONTEXT), &json!("OrderedCollectionPage"))
        );
        assert_eq!((&page["id"], &page["next"]["id"]), (&at, &after));
        assert_eq!(page["partOf"]["id"], collection["id"]);
        let items = page["orderedItems"].as_array().expect("a list");
        let before = collection["totalItems"].as_u64().expect("a number") as usize - changes.len();
        assert_eq!(page["startIndex"], before - items.len());
        changes.extend(items.iter().rev().cloned());
        after = at;
        at = page["prev"]["id"].clone();
    }
    assert_eq!(after, collection["first"]["id"]);
    changes.reverse();
    changes
}

/// Returns type, object and target of an activity, without our base address.
fn told(server: &Server, change: &Value) -> String {
    let at = |it: &Value| it["id"].as_str().unwrap_or("-").replace(&server.base, "");
    format!(
        "{} {} {}",
        change["type"].as_str().unwrap_or("-"),
        at(&change["object"]),
        at(&change["target"])
    )
}

#[tokio::test]
async fn an_activity_says_what_happened_and_where() {
    let server = Server::start();
    let one = "1/manifests/one";
    manage(&server, Method::PUT, one, manifest(Some("atlas"), 1)).await;
    manage(&server, Method::PUT, "1/manifests/two", manifest(None, 2)).await;
    manage(&server, Method::PATCH, one, json!({"label": {"en": ["Unmentionable too"]}})).await;
    manage(&server, Method::PATCH, one, json!({"slug": "globe"})).await;
    manage(&server, Method::PATCH, one, json!({"slug": null})).await;
    manage(&server, Method::DELETE, "1/manifests/two", json!({})).await;
    let end = manage(&server, Method::PUT, "1/manifests/two", manifest(Some("atlas"), 3)).await;
    let changes = harvest(&server, ALL, end).await;
    let expected = [
        "Create /iiif/1/atlas -",
        "Create /1/manifests/two -",
        "Update /iiif/1/atlas -",
        "Move /iiif/1/atlas /iiif/1/globe",
        "Move /iiif/1/globe /1/manifests/one",
        "Delete /1/manifests/two -",
        "Create /iiif/1/atlas -",
    ];
    assert_eq!(changes.iter().map(|it| told(&server, it)).collect::<Vec<_>>(), expected);
    let flat = |id: &str| json!(format!("{}/1/manifests/{id}", server.base));
    assert_eq!(changes[0]["object"]["canonical"], flat("one"));
    assert_eq!(changes[3]["target"]["canonical"], flat("one"));
    assert_eq!(changes[6]["object"]["canonical"], flat("two"));
    assert!(changes[1]["object"]["canonical"].is_null(), "its address is the canonical one");
    assert!(changes.iter().all(|it| it["object"]["type"] == "Manifest"), "{changes:?}");
    let document = server.json(Persona::Anonymous, "/iiif/1/atlas").await;
    assert_eq!(document["id"], changes[6]["object"]["id"], "it is there, under this id");
    // The same once more is no change.
    let again = manage(&server, Method::PATCH, one, json!({"slug": null})).await;
    assert_eq!(harvest(&server, ALL, again.max(end)).await.len(), changes.len());
}

#[tokio::test]
async fn collections_are_told_of_while_everybody_may_see_them() {
    let server = Server::start();
    let collection = |slug: &str, behavior: &[&str]| json!({"type": "Collection", "label": {"en": [TITLE]}, "slug": slug, "behavior": behavior});
    let folder = |slug: &str| collection(slug, &["storage-collection", "public-iiif"]);
    let hidden = |slug: &str| collection(slug, &["storage-collection"]);
    let list = |number: usize| {
        let mut list = collection("list", &["public-iiif"]);
        let label = json!({"en": [format!("{TITLE} {number}")]});
        list["items"] =
            json!([{"id": "https://example.org/m", "type": "Manifest", "label": label}]);
        list
    };
    let within = |slug: &str| {
        let mut manifest = manifest(Some(slug), 1);
        manifest["parent"] = json!("a");
        manifest
    };
    manage(&server, Method::PUT, "1/collections/a", folder("maps")).await;
    manage(&server, Method::PUT, "1/collections/b", hidden("drafts")).await;
    manage(&server, Method::PATCH, "1/collections/b", json!({"slug": "sketches"})).await;
    manage(&server, Method::PUT, "1/collections/c", list(1)).await;
    manage(&server, Method::PUT, "1/collections/c", list(2)).await;
    manage(&server, Method::PUT, "1/manifests/m", within("volume")).await;
    manage(&server, Method::PATCH, "1/collections/a", json!({"slug": "globes"})).await;
    manage(&server, Method::PUT, "1/collections/b", folder("atlases")).await;
    manage(&server, Method::PATCH, "1/collections/b", json!({"parent": "a"})).await;
    manage(&server, Method::PUT, "1/collections/b", hidden("secrets")).await;
    manage(&server, Method::DELETE, "1/collections/b", json!({})).await;
    let end = manage(&server, Method::DELETE, "1/collections/c", json!({})).await;
    let changes = harvest(&server, ALL, end).await;
    let expected = [
        "Create /iiif/1/maps -",
        "Create /iiif/1/list -",
        "Update /iiif/1/list -",
        "Create /1/manifests/m -",
        "Move /iiif/1/maps /iiif/1/globes",
        "Add /iiif/1/atlases -",
        "Move /iiif/1/atlases /1/collections/b",
        "Remove /1/collections/b -",
        "Delete /iiif/1/list -",
    ];
    assert_eq!(changes.iter().map(|it| told(&server, it)).collect::<Vec<_>>(), expected);
    let kinds = changes.iter().filter(|it| it["object"]["type"] == "Collection").count();
    assert_eq!(kinds, 8, "{changes:?}");
    let flat = json!(format!("{}/1/collections/a", server.base));
    assert_eq!(changes[4]["target"]["canonical"], flat);
    let shown = server.json(Persona::Anonymous, "/iiif/1/globes").await;
    assert_eq!(shown["id"], changes[4]["target"]["id"], "it is there, under this id");
    let volume = server.json(Persona::Anonymous, "/1/manifests/m").await;
    assert_eq!(volume["id"], format!("{}/iiif/1/globes/volume", server.base), "it has moved along");
    let output = server.command(&["replay"]);
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "equal", "{output:?}");
}

#[tokio::test]
async fn a_harvester_gets_every_change_once_and_full_pages_stay() {
    let mut server = Server::start();
    let (mut expected, mut end) = (Vec::new(), 0);
    for number in 0..110 {
        let (id, slug) = (format!("1/manifests/m{number}"), format!("m{number}"));
        manage(&server, Method::PUT, &id, manifest(Some(&slug), number)).await;
        end = manage(&server, Method::PUT, &id, manifest(Some(&slug), number + 1_000)).await;
        expected.extend([format!("Create /iiif/1/{slug} -"), format!("Update /iiif/1/{slug} -")]);
    }
    let changes = harvest(&server, ALL, end).await;
    assert_eq!(changes.iter().map(|it| told(&server, it)).collect::<Vec<_>>(), expected);
    let ids: HashSet<_> = changes.iter().map(|it| it["id"].to_string()).collect();
    assert_eq!(ids.len(), expected.len());
    assert!(changes.is_sorted_by_key(|it| it["endTime"].to_string()), "oldest first");

    let caching = async |server: &Server, number: usize, position: u64| {
        let page = format!("/activity/1/page/{number}");
        let page = ask(server, &page, position, ("accept", "*/*")).await;
        let header = |name: &str| page.headers()[name].to_str().expect("text").to_owned();
        (header("etag"), header("cache-control"))
    };
    let (first, last) = (caching(&server, 0, end).await, caching(&server, 2, end).await);
    assert!(first.1.contains("immutable") && !last.1.contains("immutable"), "{first:?} {last:?}");
    assert!(last.1.contains("must-revalidate"), "{last:?}");
    end = manage(&server, Method::DELETE, "1/manifests/m7", json!({})).await;
    assert_eq!(caching(&server, 0, end).await, first, "a full page never changes");
    assert_ne!(caching(&server, 2, end).await.0, last.0);

    let replay = |server: &Server| {
        let output = server.command(&["replay"]);
        assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "equal", "{output:?}");
    };
    let changes = harvest(&server, ALL, end).await;
    assert_eq!((changes.len(), changes.len().div_ceil(PAGE)), (221, 3));
    let output = server.command(&["projections", "rebuild", "activities"]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(harvest(&server, ALL, end).await, changes, "a rebuild numbers them the same");
    replay(&server);
    server.kill();
    replay(&server);
}

#[tokio::test]
async fn a_customer_without_changes_has_an_empty_page() {
    let server = Server::start();
    let collection = server.json(Persona::Anonymous, ALL).await;
    let page = format!("{}/activity/1/page/0", server.base);
    assert_eq!((&collection["totalItems"], &collection["last"]["id"]), (&json!(0), &json!(page)));
    assert_eq!(collection["first"], collection["last"]);
    let page = server.json(Persona::Anonymous, "/activity/1/page/0").await;
    assert_eq!((&page["orderedItems"], &page["startIndex"]), (&json!([]), &json!(0)));
    assert!(page["prev"].is_null() && page["next"].is_null(), "{page}");
    let missing = server.get(Persona::Anonymous, "/activity/1/page/1").await;
    assert_eq!(missing.status(), StatusCode::NOT_FOUND);
}

/// THREATS B108.
#[tokio::test]
async fn b108_nonsense_is_refused_and_foreign_changes_are_not_told() {
    let server = Server::start();
    let body = json!({"name": "archive", "displayName": "The archive"});
    let (status, other) = server.send(Method::POST, "/customers", &body).await;
    assert_eq!(status, StatusCode::CREATED, "{other}");
    let other = other["id"].as_u64().expect("a number");
    manage(&server, Method::PUT, "1/manifests/one", manifest(Some("atlas"), 1)).await;
    let foreign = format!("{other}/manifests/two");
    let end = manage(&server, Method::PUT, &foreign, manifest(Some("globe"), 2)).await;
    for (customer, own) in [("1", "atlas"), ("default", "atlas"), ("archive", "globe")] {
        let page = read(&server, &format!("/activity/{customer}/page/0"), end).await;
        let items = page["orderedItems"].as_array().expect("a list");
        assert_eq!(items.len(), 1, "{customer}: {page}");
        assert!(items[0].to_string().contains(own), "{customer}: {page}");
    }
    for path in [
        "/activity/1/page/-1",
        "/activity/1/page/1",
        "/activity/1/page/00",
        "/activity/1/page/1000000000000",
        "/activity/1/page/184467440737095517",
        "/activity/1/page/99999999999999999999999999",
        "/activity/1/page/x",
        "/activity/1/page/0'%20OR%201=1",
        "/activity/1/page/%2e%2e%2f",
        "/activity/4711/all-changes",
        "/activity/4711/page/0",
        "/activity/nobody/all-changes",
        "/activity/-1/all-changes",
        "/activity/1/changes",
        "/activity/1/page",
    ] {
        let response = ask(&server, path, end, ("accept", "*/*")).await;
        let (status, headers) = (response.status(), response.headers().clone());
        let problem: Value = response.json().await.expect("JSON");
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}: {problem}");
        let media_type = headers["content-type"].to_str().expect("text");
        assert!(media_type.starts_with("application/problem+json"), "{path}: {media_type}");
        assert_eq!(problem["code"], "not-found", "{path}");
    }
    let control = server.get(Persona::Anonymous, "/activity/1/page/%00").await;
    assert_eq!(control.status(), StatusCode::BAD_REQUEST);
    for since in ["yesterday", "", "0", "Thu, 99 Foo 9999 99:99:99 GMT", &"9".repeat(5_000)] {
        let response = ask(&server, ALL, end, ("if-modified-since", since)).await;
        assert_eq!(response.status(), StatusCode::OK, "{since}");
    }
    // What a customer had is not told when there is no such customer any more.
    manage(&server, Method::DELETE, &foreign, json!({})).await;
    let gone = server.request(Persona::Admin, Method::DELETE, &format!("/customers/{other}"));
    let gone = gone.send().await.expect("an answer");
    assert_eq!(gone.status(), StatusCode::NO_CONTENT);
    let end = gone.headers()["dlcs-position"].to_str().expect("text").parse().expect("a number");
    for path in ["all-changes", "page/0"] {
        let path = format!("/activity/{other}/{path}");
        let response = ask(&server, &path, end, ("accept", "*/*")).await;
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn documents_of_change_discovery_are_cached_and_negotiated() {
    let server = Server::start();
    let end = manage(&server, Method::PUT, "1/manifests/one", manifest(Some("atlas"), 1)).await;
    for path in [ALL, "/activity/1/page/0"] {
        let response = ask(&server, path, end, ("accept", "*/*")).await;
        let headers = response.headers().clone();
        let media_type = format!("application/ld+json;profile=\"{CONTEXT}\"");
        assert_eq!(headers["content-type"], media_type.as_str());
        assert_eq!(headers["access-control-allow-origin"], "*");
        assert_eq!(headers["vary"], "Accept");
        let plain = ask(&server, path, end, ("accept", "application/json")).await;
        assert_eq!(plain.headers()["content-type"], "application/json");
        for (name, value) in [("if-none-match", "etag"), ("if-modified-since", "last-modified")] {
            let value = headers[value].to_str().expect("text");
            let known = ask(&server, path, end, (name, value)).await;
            assert_eq!(known.status(), StatusCode::NOT_MODIFIED, "{path} {name}");
        }
        let head = server.request(Persona::Anonymous, Method::HEAD, path).send().await;
        let head = head.expect("an answer");
        assert_eq!((head.status(), &head.headers()["etag"]), (StatusCode::OK, &headers["etag"]));
        assert!(head.bytes().await.expect("a body").is_empty());
        let options = server.request(Persona::Anonymous, Method::OPTIONS, path).send().await;
        assert_eq!(options.expect("an answer").headers()["allow"], "GET, HEAD, OPTIONS");
        let post = server.request(Persona::Admin, Method::POST, path).send().await;
        assert_eq!(post.expect("an answer").status(), StatusCode::METHOD_NOT_ALLOWED);
    }
}

#[tokio::test]
async fn graphql_lists_what_changed() {
    let server = Server::start();
    for id in ["a", "b", "c"] {
        manage(&server, Method::PUT, &format!("1/manifests/{id}"), manifest(Some(id), 1)).await;
    }
    let end = manage(&server, Method::PATCH, "1/manifests/a", json!({"slug": "new place"})).await;
    harvest(&server, ALL, end).await;
    let fields = "totalCount pageInfo { hasNextPage endCursor }
        nodes { ordinal type kind resource slug address formerAddress endTime }";
    let changes = async |arguments: &str| {
        let query = format!("{{ changes{arguments} {{ {fields} }} }}");
        let request = server.request(Persona::Anonymous, Method::POST, "/graphql");
        let response = request.json(&json!({"query": query})).send().await.expect("an answer");
        let answer: Value = response.json().await.expect("JSON");
        assert!(answer["errors"].is_null(), "{answer}");
        answer["data"]["changes"].clone()
    };
    let first = changes("(first: 3)").await;
    assert_eq!((&first["totalCount"], &first["nodes"][2]["ordinal"]), (&json!(4), &json!(2)));
    assert_eq!(first["pageInfo"]["hasNextPage"], true);
    let after = first["pageInfo"]["endCursor"].as_str().expect("a cursor");
    let rest = changes(&format!("(customer: 1, after: \"{after}\")")).await;
    let nodes = rest["nodes"].as_array().expect("a list");
    assert_eq!((nodes.len(), &nodes[0]["type"]), (1, &json!("MOVE")));
    assert_eq!(nodes[0]["address"], format!("{}/iiif/1/new%20place", server.base));
    assert_eq!(nodes[0]["formerAddress"], format!("{}/iiif/1/a", server.base));
    assert_eq!(changes("(customer: 4711)").await, Value::Null);
}
