//! Web Annotation Protocol: one test for each MUST of the list that the W3C's own tests check, and
//! for what else it asks of a server. `docs/annotation-conformance.md` lists them.

use super::{CONTEXT, JSON_LD, NOTES, annotate, ask, get, note, with_container, write};
use crate::support::server::{Persona, Server};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

const TARGET: &str = "https://example.org/canvas";
const MINIMAL: &str =
    "return=representation;include=\"http://www.w3.org/ns/ldp#PreferMinimalContainer\"";
const IRIS: &str = "return=representation;include=\"http://www.w3.org/ns/oa#PreferContainedIRIs\"";

async fn with_annotation() -> (Server, String) {
    let server = with_container().await;
    let address = annotate(&server, TARGET).await;
    (server, address)
}

/// A container of three pages.
async fn with_pages() -> Server {
    let server = with_container().await;
    for _ in 0..201 {
        let body = note(TARGET);
        let request = server.request(Persona::Admin, Method::POST, NOTES);
        let request = request.header("prefer", "respond-async").json(&body);
        let status = request.send().await.expect("the server answers").status();
        assert!(status.is_success(), "{status}");
    }
    annotate(&server, TARGET).await;
    server
}

#[tokio::test]
async fn container_url_ends_with_a_slash() {
    let server = with_container().await;
    let shown = get(&server, "/annotations/w3c/1/notes").await;
    assert_eq!(shown.body["id"], format!("{}{NOTES}", server.base), "it leads there");
}

#[tokio::test]
async fn container_get_has_allow_with_get_head_options() {
    let allow = get(&with_container().await, NOTES).await.header("allow");
    for method in ["GET", "HEAD", "OPTIONS", "POST"] {
        assert!(allow.contains(method), "{allow}");
    }
}

#[tokio::test]
async fn container_is_json_ld_by_default() {
    let server = with_container().await;
    for accept in ["*/*", "application/ld+json", JSON_LD, "text/turtle"] {
        let request = (Method::GET, NOTES);
        let shown = ask(&server, Persona::Anonymous, request, &[("accept", accept)], None).await;
        assert_eq!(shown.header("content-type"), JSON_LD, "{accept}");
    }
}

#[tokio::test]
async fn container_type_has_basic_container_and_annotation_collection() {
    let shown = get(&with_container().await, NOTES).await.body;
    assert_eq!(shown["type"], json!(["BasicContainer", "AnnotationCollection"]));
    assert_eq!(shown["label"], "Notes");
    assert_eq!(shown["total"], 0);
    assert!(shown.get("first").is_none() && shown.get("last").is_none(), "{shown}");
}

#[tokio::test]
async fn container_link_tells_type_and_constraints() {
    let (server, _) = with_annotation().await;
    for method in [Method::GET, Method::HEAD] {
        let shown = ask(&server, Persona::Anonymous, (method, NOTES), &[], None).await;
        let link = shown.header("link");
        let expected = [
            "<http://www.w3.org/ns/ldp#BasicContainer>; rel=\"type\"",
            "<http://www.w3.org/TR/annotation-protocol/>; rel=\"http://www.w3.org/ns/ldp#constrainedBy\"",
        ];
        assert!(expected.iter().all(|it| link.contains(it)), "{link}");
    }
}

#[tokio::test]
async fn container_etag_changes_with_what_is_in_it() {
    let server = with_container().await;
    let before = get(&server, NOTES).await.header("etag");
    assert!(before.starts_with('"'), "{before}");
    let known = [("if-none-match", before.as_str())];
    let again = ask(&server, Persona::Anonymous, (Method::GET, NOTES), &known, None).await;
    assert_eq!(again.status, StatusCode::NOT_MODIFIED);
    annotate(&server, TARGET).await;
    let after = ask(&server, Persona::Anonymous, (Method::GET, NOTES), &known, None).await;
    assert_eq!(after.status, StatusCode::OK);
    assert_ne!(after.header("etag"), before);
}

#[tokio::test]
async fn container_vary_has_accept_and_prefer() {
    let vary = get(&with_container().await, NOTES).await.header("vary");
    assert!(vary.contains("Accept") && vary.contains("Prefer"), "{vary}");
}

#[tokio::test]
async fn container_head_is_200() {
    let server = with_container().await;
    let shown = ask(&server, Persona::Anonymous, (Method::HEAD, NOTES), &[], None).await;
    assert_eq!(shown.status, StatusCode::OK);
}

#[tokio::test]
async fn container_options_is_200_and_lets_scripts_write() {
    let server = with_container().await;
    let request = (Method::OPTIONS, NOTES);
    let origin = [("origin", "https://viewer.example"), ("access-control-request-method", "POST")];
    let shown = ask(&server, Persona::Anonymous, request, &origin, None).await;
    assert_eq!(shown.status, StatusCode::OK);
    let methods = shown.header("access-control-allow-methods");
    assert!(["POST", "PUT", "DELETE"].iter().all(|it| methods.contains(it)), "{methods}");
    let named = shown.header("access-control-allow-headers");
    assert!(["If-Match", "Slug", "Prefer"].iter().all(|it| named.contains(it)), "{named}");
    assert_eq!(shown.header("access-control-allow-credentials"), "", "no cookies");
    let exposed = get(&server, NOTES).await.header("access-control-expose-headers");
    let needed = ["Allow", "Content-Location", "ETag", "Link", "Location", "Prefer", "Vary"];
    assert!(needed.iter().all(|it| exposed.contains(it)), "{exposed}");
}

#[tokio::test]
async fn container_content_location_is_its_id() {
    let shown = get(&with_container().await, NOTES).await;
    assert_eq!(shown.body["id"], shown.header("content-location"));
}

#[tokio::test]
async fn container_says_what_it_takes() {
    let shown = get(&with_container().await, NOTES).await;
    assert_eq!(shown.header("accept-post"), JSON_LD);
}

#[tokio::test]
async fn pages_are_linked_and_whole() {
    let server = with_pages().await;
    let shown = get(&server, NOTES).await.body;
    assert_eq!(shown["total"], 202);
    let first = &shown["first"];
    assert_eq!(first["items"].as_array().map(Vec::len), Some(100), "it is embedded");
    let (mut address, mut ids, mut before) = (first["id"].clone(), Vec::new(), Value::Null);
    while let Some(path) = address.as_str() {
        let page = get(&server, path).await.body;
        assert_eq!((&page["type"], &page["id"]), (&json!("AnnotationPage"), &address));
        assert_eq!(page["partOf"]["id"], shown["id"]);
        assert_eq!(page["partOf"]["total"], 202);
        assert_eq!(page["startIndex"], ids.len());
        assert_eq!(page["prev"], before);
        assert_eq!(page["@context"], CONTEXT);
        let items = page["items"].as_array().expect("items");
        ids.extend(items.iter().map(|it| it["id"].to_string()));
        assert!(items.iter().all(|it| it["@context"] == CONTEXT), "descriptions stand alone");
        before = address;
        address = page["next"].clone();
    }
    assert_eq!(before, shown["last"], "the last page has no next one");
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 202);
    let missing = get(&server, &format!("{NOTES}?page=3&iris=0")).await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    let newest = get(&server, &format!("{NOTES}?page=0&iris=1&desc=1")).await.body;
    let oldest = get(&server, &format!("{NOTES}?page=2&iris=1")).await.body;
    assert_eq!(newest["items"][0], oldest["items"][1], "in both directions");
}

#[tokio::test]
async fn prefer_minimal_container_leaves_items_out() {
    let (server, _) = with_annotation().await;
    let request = (Method::GET, NOTES);
    let shown = ask(&server, Persona::Anonymous, request, &[("prefer", MINIMAL)], None).await;
    assert_eq!(shown.body["total"], 1);
    assert!(shown.body["first"].is_string() && shown.body["last"].is_string(), "{shown:?}");
    assert!(shown.body.get("items").is_none() && shown.body.get("contains").is_none());
    assert_eq!(shown.header("prefer"), "", "it is no header of an answer");
}

#[tokio::test]
async fn prefer_contained_iris_gives_addresses() {
    let (server, address) = with_annotation().await;
    let request = (Method::GET, NOTES);
    let shown = ask(&server, Persona::Anonymous, request, &[("prefer", IRIS)], None).await;
    assert_eq!(shown.body["first"]["items"], json!([address]));
    let page = get(&server, shown.body["first"]["id"].as_str().expect("an address")).await;
    assert_eq!(page.body["items"], json!([address]), "its pages are alike");
}

#[tokio::test]
async fn annotation_get_has_allow_with_get_head_options() {
    let (server, address) = with_annotation().await;
    let allow = get(&server, &address).await.header("allow");
    for method in ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"] {
        assert!(allow.contains(method), "{allow}");
    }
}

#[tokio::test]
async fn annotation_is_json_ld_with_link_etag_and_vary() {
    let (server, address) = with_annotation().await;
    let shown = get(&server, &address).await;
    assert_eq!(shown.header("content-type"), JSON_LD);
    let link = shown.header("link");
    assert!(link.contains("<http://www.w3.org/ns/ldp#Resource>; rel=\"type\""), "{link}");
    assert_eq!(shown.header("etag"), "\"1\"");
    assert!(shown.header("vary").contains("Accept"));
    assert!(!shown.header("last-modified").is_empty());
}

#[tokio::test]
async fn annotation_head_and_options_are_200() {
    let (server, address) = with_annotation().await;
    for method in [Method::HEAD, Method::OPTIONS] {
        let shown = ask(&server, Persona::Anonymous, (method.clone(), &address), &[], None).await;
        assert_eq!(shown.status, StatusCode::OK, "{method}");
    }
}

#[tokio::test]
async fn create_gives_201_and_an_id_in_the_container() {
    let server = with_container().await;
    let made = write(&server, Method::POST, NOTES, &note(TARGET)).await;
    assert_eq!(made.status, StatusCode::CREATED);
    let id = made.body["id"].as_str().expect("an id");
    assert!(id.starts_with(&format!("{}{NOTES}", server.base)), "{id}");
    assert_eq!(made.header("location"), id);
    assert_eq!(get(&server, id).await.body, made.body);
    let position: u64 = made.header("dlcs-position").parse().expect("a position");
    assert!(position > 0);
}

#[tokio::test]
async fn create_preserves_canonical_and_moves_the_clients_id_to_via() {
    let server = with_container().await;
    let mut body = note(TARGET);
    body["canonical"] = json!("urn:uuid:dbfb1861-0ecf-41ad-be94-a584e5c4f1df");
    body["id"] = json!("https://client.example/annotations/1");
    let made = write(&server, Method::POST, NOTES, &body).await.body;
    assert_eq!(made["canonical"], body["canonical"]);
    assert_eq!(made["via"], body["id"]);
    assert_ne!(made["id"], body["id"]);
}

#[tokio::test]
async fn create_takes_up_a_slug_once() {
    let server = with_container().await;
    let mut ids = Vec::new();
    for _ in 0..2 {
        let slug = [("slug", "My note")];
        let request = (Method::POST, NOTES);
        let made = ask(&server, Persona::Admin, request, &slug, Some(&note(TARGET))).await;
        assert_eq!(made.status, StatusCode::CREATED);
        ids.push(made.body["id"].as_str().expect("an id").to_owned());
    }
    assert_eq!(ids[0], format!("{}{NOTES}My-note", server.base));
    assert_ne!(ids[0], ids[1]);
}

#[tokio::test]
async fn put_returns_the_updated_annotation() {
    let (server, address) = with_annotation().await;
    let mut shown = get(&server, &address).await;
    shown.body["body"]["value"] = json!("A forest");
    let etag = shown.header("etag");
    let matched = [("if-match", etag.as_str())];
    let request = || (Method::PUT, address.as_str());
    let put = ask(&server, Persona::Admin, request(), &matched, Some(&shown.body)).await;
    assert_eq!(put.status, StatusCode::OK);
    assert_eq!(put.body["body"]["value"], "A forest");
    assert_eq!(put.body["id"], address.as_str());
    assert!(put.body.get("via").is_none(), "its own address is no other one");
    let stale = ask(&server, Persona::Admin, request(), &matched, Some(&note(TARGET))).await;
    assert_eq!(stale.status, StatusCode::PRECONDITION_FAILED);
    assert_eq!(get(&server, &address).await.body["body"]["value"], "A forest");
}

#[tokio::test]
async fn put_of_what_was_got_changes_nothing() {
    let (server, address) = with_annotation().await;
    for _ in 0..2 {
        let shown = get(&server, &address).await;
        let put = write(&server, Method::PUT, &address, &shown.body).await;
        assert_eq!(put.status, StatusCode::OK);
        assert_eq!((put.header("etag"), &put.body), (shown.header("etag"), &shown.body));
    }
}

#[tokio::test]
async fn delete_gives_204_and_the_address_stays_empty() {
    let (server, address) = with_annotation().await;
    let request = |method| (method, address.as_str());
    let stale = [("if-match", "\"7\"")];
    let kept = ask(&server, Persona::Admin, request(Method::DELETE), &stale, None).await;
    assert_eq!(kept.status, StatusCode::PRECONDITION_FAILED);
    let gone = ask(&server, Persona::Admin, request(Method::DELETE), &[], None).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    assert_eq!(get(&server, &address).await.status, StatusCode::GONE);
    let again = write(&server, Method::PUT, &address, &note(TARGET)).await;
    assert_eq!(again.status, StatusCode::GONE, "an address is not used twice");
    assert_eq!(get(&server, NOTES).await.body["total"], 0);
}

#[tokio::test]
async fn a_container_with_annotations_is_deleted_only_with_them() {
    let (server, address) = with_annotation().await;
    let delete = async |path: &str| {
        ask(&server, Persona::Admin, (Method::DELETE, path), &[], None).await.status
    };
    assert_eq!(delete(NOTES).await, StatusCode::CONFLICT);
    assert_eq!(delete(&format!("{NOTES}?recursive=true")).await, StatusCode::NO_CONTENT);
    for path in [NOTES, &address] {
        assert_eq!(get(&server, path).await.status, StatusCode::GONE, "{path}");
    }
    let again = write(&server, Method::PUT, NOTES, &json!({})).await;
    assert_eq!(again.status, StatusCode::GONE);
}

#[tokio::test]
async fn a_containers_label_is_guarded_by_its_own_edits_alone() {
    let server = with_container().await;
    let etag = get(&server, NOTES).await.header("etag");
    annotate(&server, TARGET).await;
    let put = async |etag: &str| {
        let matched = [("if-match", etag)];
        let body = json!({"label": "Other"});
        ask(&server, Persona::Admin, (Method::PUT, NOTES), &matched, Some(&body)).await.status
    };
    assert_eq!(put(&etag).await, StatusCode::OK, "what others wrote into it is no edit of it");
    assert_eq!(put(&etag).await, StatusCode::PRECONDITION_FAILED);
    assert_eq!(get(&server, NOTES).await.body["label"], "Other");
}
