//! Annotations over a real server: the protocol, the model, viewers' pages, GraphQL.

mod model;
mod protocol;
mod questions;

use crate::support::server::{Persona, Server};
use reqwest::header::HeaderMap;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

const CONTEXT: &str = "http://www.w3.org/ns/anno.jsonld";
const NOTES: &str = "/annotations/w3c/1/notes/";
const JSON_LD: &str = "application/ld+json; profile=\"http://www.w3.org/ns/anno.jsonld\"";

/// An answer, read to its end.
#[derive(Debug)]
struct Got {
    status: StatusCode,
    headers: HeaderMap,
    body: Value,
}

impl Got {
    fn header(&self, name: &str) -> String {
        let values = self.headers.get_all(name).iter().filter_map(|it| it.to_str().ok());
        values.collect::<Vec<_>>().join(", ")
    }
}

/// Sends a request with further headers.
async fn ask(
    server: &Server,
    who: Persona,
    (method, path): (Method, &str),
    headers: &[(&str, &str)],
    body: Option<&Value>,
) -> Got {
    let mut request = server.request(who, method, path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    if let Some(body) = body {
        request = request.header("content-type", JSON_LD).body(body.to_string());
    }
    let response = request.send().await.expect("the server answers");
    let (status, headers) = (response.status(), response.headers().clone());
    let text = response.text().await.expect("a body");
    let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
    Got { status, headers, body }
}

async fn get(server: &Server, path: &str) -> Got {
    ask(server, Persona::Anonymous, (Method::GET, path), &[], None).await
}

async fn write(server: &Server, method: Method, path: &str, body: &Value) -> Got {
    ask(server, Persona::Admin, (method, path), &[], Some(body)).await
}

/// A server with an empty container.
async fn with_container() -> Server {
    let server = Server::start();
    let body = json!({"type": ["BasicContainer", "AnnotationCollection"], "label": "Notes"});
    let made = write(&server, Method::PUT, NOTES, &body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    server
}

fn note(target: &str) -> Value {
    json!({
        "@context": CONTEXT,
        "type": "Annotation",
        "motivation": "commenting",
        "body": {"type": "TextualBody", "value": "A wood", "format": "text/plain"},
        "target": target,
    })
}

/// Annotates something, and returns the address.
async fn annotate(server: &Server, target: &str) -> String {
    let made = write(server, Method::POST, NOTES, &note(target)).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    made.body["id"].as_str().expect("an id").to_owned()
}

/// Returns `data` of an answer without errors.
async fn graphql(server: &Server, who: Persona, query: &str, variables: Value) -> Value {
    let body = json!({"query": query, "variables": variables});
    let request = server.request(who, Method::POST, "/graphql").json(&body);
    let response = request.send().await.expect("the server answers");
    let mut answer: Value = response.json().await.expect("JSON");
    assert!(answer["errors"].is_null(), "{answer}");
    answer["data"].take()
}

#[tokio::test]
async fn a_note_is_changed_compared_and_restored() {
    let server = with_container().await;
    let created =
        "mutation($d: JSON!) { createAnnotation(container: \"notes\", id: \"n1\", document: $d)
        { position annotation { annotationId editRevision motivations document
          targets { source region { x y width height } } } } }";
    let target = format!("{}/canvas#xywh=1,2,30,40", server.base);
    let made = graphql(&server, Persona::Admin, created, json!({"d": note(&target)})).await;
    let made = &made["createAnnotation"]["annotation"];
    assert_eq!(made["motivations"], json!(["commenting"]));
    let region = json!({"x": 1, "y": 2, "width": 30, "height": 40});
    let about = json!({"source": format!("{}/canvas", server.base), "region": region});
    assert_eq!(made["targets"], json!([about]));
    let address = made["document"]["id"].as_str().expect("an id").to_owned();
    assert_eq!(get(&server, &address).await.body["body"]["value"], "A wood");

    let mut changed = note(&target);
    changed["body"]["value"] = json!("A forest");
    let put = write(&server, Method::PUT, &address, &changed).await;
    assert_eq!((put.status, put.header("etag").as_str()), (StatusCode::OK, "\"2\""));
    let query = "{ annotation(container: \"notes\", id: \"n1\") { editRevision
        history { nodes { type actor revision } } version(revision: 0)
        differences(from: 0, to: 1) { pointer before after } } }";
    let read = graphql(&server, Persona::Admin, query, json!({})).await;
    let read = &read["annotation"];
    let types: Vec<_> = read["history"]["nodes"].as_array().expect("events").iter().collect();
    assert_eq!(types.len(), 2);
    assert_eq!(types[1]["type"], "annotation.replaced");
    let difference = json!({"pointer": "/body/value", "before": "A wood", "after": "A forest"});
    assert_eq!(read["differences"], json!([difference]));
    assert_eq!(read["version"]["target"], target.as_str());

    let restore = "mutation { restoreAnnotation(container: \"notes\", id: \"n1\", revision: 0)
        { annotation { editRevision document } } }";
    let restored = graphql(&server, Persona::Admin, restore, json!({})).await;
    let restored = &restored["restoreAnnotation"]["annotation"];
    assert_eq!(restored["document"]["body"]["value"], "A wood");
    assert_eq!(restored["editRevision"], 3);
    // A deleted one comes back too.
    let gone = ask(&server, Persona::Admin, (Method::DELETE, &address), &[], None).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    assert_eq!(get(&server, &address).await.status, StatusCode::GONE);
    graphql(&server, Persona::Admin, restore, json!({})).await;
    assert_eq!(get(&server, &address).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_closed_container_hides_all_of_it() {
    let server = with_container().await;
    let target = "https://example.org/canvas";
    let address = annotate(&server, target).await;
    let closed = json!({"roles": ["staff"]});
    assert_eq!(write(&server, Method::PUT, NOTES, &closed).await.status, StatusCode::OK);
    let question = format!("/annotations/w3c/1/?target={target}");
    for path in [NOTES, &address] {
        let refused = get(&server, path).await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{path}");
        let seen = ask(&server, Persona::Admin, (Method::GET, path), &[], None).await;
        assert_eq!(seen.status, StatusCode::OK, "{path}");
        assert!(seen.header("cache-control").contains("no-store"), "{seen:?}");
    }
    assert_eq!(get(&server, &question).await.body["items"], json!([]));
    assert_eq!(get(&server, "/annotations/w3c/1/").await.body["contains"], json!([]));
    let asked = "{ annotations { nodes { annotationId } totalCount }
        annotation(container: \"notes\", id: \"x\") { position } annotationContainers { totalCount } }";
    let seen = graphql(&server, Persona::Anonymous, asked, json!({})).await;
    assert_eq!(seen["annotations"], json!({"nodes": [], "totalCount": 0}));
    assert_eq!(seen["annotationContainers"]["totalCount"], 0);
}

#[tokio::test]
async fn writes_need_the_customers_credentials() {
    let server = with_container().await;
    let address = annotate(&server, "https://example.org/canvas").await;
    let body = note("https://example.org/canvas");
    for (method, path) in [
        (Method::POST, "/annotations/w3c/1/"),
        (Method::POST, NOTES),
        (Method::PUT, NOTES),
        (Method::DELETE, NOTES),
        (Method::PUT, &address),
        (Method::DELETE, &address),
    ] {
        let refused =
            ask(&server, Persona::Anonymous, (method.clone(), path), &[], Some(&body)).await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{method} {path}");
        assert_eq!(refused.header("access-control-allow-origin"), "*", "scripts read why");
    }
    let missing =
        ask(&server, Persona::Admin, (Method::POST, "/annotations/w3c/7/x/"), &[], Some(&body));
    assert_eq!(missing.await.status, StatusCode::NOT_FOUND);
    assert_eq!(get(&server, "/annotations/rdf/1/notes/").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_repeated_creation_gives_one_annotation() {
    let server = with_container().await;
    let body = note("https://example.org/canvas");
    let key = [("idempotency-key", "abc")];
    let mut ids = Vec::new();
    for _ in 0..2 {
        let made = ask(&server, Persona::Admin, (Method::POST, NOTES), &key, Some(&body)).await;
        assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
        ids.push(made.body["id"].clone());
    }
    assert_eq!(ids[0], ids[1]);
    assert_eq!(get(&server, NOTES).await.body["total"], 1);
    let other = note("https://example.org/other");
    let refused = ask(&server, Persona::Admin, (Method::POST, NOTES), &key, Some(&other)).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn annotations_survive_a_kill_and_a_rebuild() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut server = Server::start_on(folder.path(), &[]);
    let made = write(&server, Method::PUT, NOTES, &json!({"label": "Notes"})).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    let address = annotate(&server, "https://example.org/canvas").await;
    let path = address.strip_prefix(&server.base).expect("ours").to_owned();
    server.kill();
    let server = Server::start_on(folder.path(), &[]);
    let kept = get(&server, &path).await;
    assert_eq!(kept.status, StatusCode::OK);
    assert_eq!(kept.body["id"], format!("{}{path}", server.base), "the base is today's");
    let rebuild = "mutation { rebuildProjection(name: \"annotations\") }";
    graphql(&server, Persona::Admin, rebuild, json!({})).await;
    assert_eq!(get(&server, &path).await.body, kept.body);
}
