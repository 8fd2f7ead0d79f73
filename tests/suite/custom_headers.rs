//! Custom headers: defined, sent beside pixels and originals, and refused where they do harm.

use crate::support::fixtures::png;
use crate::support::server::{Persona, Server, image_path};
use reqwest::header::HeaderMap;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::time::Duration;

const ALL: &str = "/customers/1/customHeaders";
const PIXELS: [&str; 3] = [
    "/iiif-img/v3/1/1/letter.png/full/max/0/default.jpg",
    "/thumbs/v3/1/1/letter.png/full/max/0/default.jpg",
    "/file/1/1/letter.png",
];

async fn define(server: &Server, body: &Value) -> Value {
    let (status, made) = server.send(Method::POST, ALL, body).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    made
}

async fn headers(server: &Server, path: &str) -> HeaderMap {
    let answer = server.get(Persona::Admin, path).await;
    assert_eq!(answer.status(), StatusCode::OK, "{path}");
    answer.headers().clone()
}

/// What is defined is believed for half a second.
async fn a_moment() {
    tokio::time::sleep(Duration::from_secs(1)).await;
}

#[tokio::test]
async fn a_custom_header_is_made_changed_listed_and_removed() {
    let server = Server::start();
    let body = json!({"key": "X-Licence", "value": "CC BY 4.0", "role": "staff"});
    let request = server.request(Persona::Admin, Method::POST, ALL).json(&body);
    let made = request.header("idempotency-key", "k").send().await.expect("an answer");
    assert_eq!(made.status(), StatusCode::CREATED);
    let location = made.headers()["location"].to_str().expect("ASCII").to_owned();
    let made: Value = made.json().await.expect("JSON");
    assert_eq!((&made["space"], &made["role"]), (&Value::Null, &json!("staff")), "{made}");
    assert_eq!(made["@id"], location, "{made}");
    assert!(location.ends_with(made["id"].as_str().expect("an id")), "{location}");
    let request = server.request(Persona::Admin, Method::POST, ALL).json(&body);
    let again = request.header("idempotency-key", "k").send().await.expect("an answer");
    assert_eq!(again.json::<Value>().await.expect("JSON")["id"], made["id"], "made once");
    // Several may have one key.
    define(&server, &body).await;
    let listed = server.json(Persona::Admin, ALL).await;
    assert_eq!(listed["totalItems"], 2, "{listed}");

    let path = location.strip_prefix(&server.base).expect("an address of ours");
    let read = server.get(Persona::Admin, path).await;
    let etag = read.headers()["etag"].to_str().expect("ASCII").to_owned();
    // What was read can be written back.
    let mut body: Value = read.json().await.expect("JSON");
    body["space"] = json!(7);
    let put = |body: &Value| {
        let request = server.request(Persona::Admin, Method::PUT, path).json(body);
        request.header("if-match", etag.as_str())
    };
    let changed = put(&body).send().await.expect("an answer");
    assert_eq!(changed.status(), StatusCode::OK);
    let changed: Value = changed.json().await.expect("JSON");
    assert_eq!((&changed["space"], &changed["key"]), (&json!(7), &json!("X-Licence")));
    let stale = put(&made).send().await.expect("an answer");
    assert_eq!(stale.status(), StatusCode::PRECONDITION_FAILED);
    assert_eq!(server.send(Method::DELETE, path, &Value::Null).await.0, StatusCode::NO_CONTENT);
    assert_eq!(server.get(Persona::Admin, path).await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_does_harm_is_refused_with_a_code_and_what_to_do() {
    let server = Server::start();
    for (key, value, role) in [
        ("Set-Cookie", "a=b", None),
        ("Transfer-Encoding", "chunked", None),
        ("Content-Security-Policy", "default-src *", None),
        ("Access-Control-Allow-Origin", "https://evil.example", None),
        ("X-Accel-Redirect", "/etc/passwd", None),
        ("Vary", "*", None),
        ("X-A", "a\r\nSet-Cookie: b=c", None),
        ("X-A\r\nB", "a", None),
        ("Cache-Control", "public", Some("staff")),
    ] {
        let body = json!({"key": key, "value": value, "role": role});
        let (status, answer) = server.send(Method::POST, ALL, &body).await;
        let told = (status, answer["code"].as_str().unwrap_or_default());
        assert_eq!(told, (StatusCode::BAD_REQUEST, "header-forbidden"), "{key}: {answer}");
        assert!(answer["detail"].as_str().is_some_and(|it| it.len() > 30), "{answer}");
    }
    for wrong in [
        json!({"key": "X-A"}),
        json!({"value": "a"}),
        json!({"key": "X-A", "value": "a", "space": 0}),
        json!({"key": "X-A", "value": "a", "space": "one"}),
        json!({"key": "X-A", "value": 1}),
    ] {
        let (status, answer) = server.send(Method::POST, ALL, &wrong).await;
        let told = (status, &answer["code"]);
        assert_eq!(told, (StatusCode::BAD_REQUEST, &json!("invalid-field")), "{wrong}");
    }
    assert_eq!(server.json(Persona::Admin, ALL).await["totalItems"], 0);
}

#[tokio::test]
async fn what_says_most_goes_out_with_pixels_and_originals() {
    let server = Server::start();
    server.space(1).await;
    server.upload("letter.png", png(60, 40)).await;
    define(&server, &json!({"key": "X-Licence", "value": "all"})).await;
    define(&server, &json!({"key": "x-licence", "value": "of the space", "space": 1})).await;
    define(&server, &json!({"key": "X-Other", "value": "elsewhere", "space": 2})).await;
    define(&server, &json!({"key": "X-Staff", "value": "a secret", "role": "staff"})).await;
    define(&server, &json!({"key": "Cache-Control", "value": "public, max-age=60"})).await;
    a_moment().await;
    for path in PIXELS {
        let found = headers(&server, path).await;
        let licences: Vec<_> = found.get_all("x-licence").iter().collect();
        assert_eq!(licences, ["of the space"], "{path}");
        assert!(!found.contains_key("x-other") && !found.contains_key("x-staff"), "{path}");
        let caching: Vec<_> = found.get_all("cache-control").iter().collect();
        assert_eq!(caching, ["public, max-age=60"], "{path}");
        assert_eq!(found["x-content-type-options"], "nosniff", "{path}");
        let etag = found["etag"].clone();
        let again = server.request(Persona::Anonymous, Method::GET, path);
        let again = again.header("if-none-match", etag).send().await.expect("an answer");
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED, "{path}");
        assert_eq!(again.headers()["x-licence"], "of the space", "{path}");
    }
    let info = headers(&server, "/iiif-img/v3/1/1/letter.png/info.json").await;
    assert!(!info.contains_key("x-licence"), "pixels and originals only");

    let closed = json!({"roles": ["https://example.org/roles/staff"]});
    let (status, _) = server.send(Method::PATCH, &image_path("letter.png"), &closed).await;
    assert_eq!(status, StatusCode::OK);
    for path in PIXELS {
        let found = headers(&server, path).await;
        assert_eq!(found["x-staff"], "a secret", "{path}");
        assert_eq!(found["cache-control"], "private, no-store", "{path}: nobody keeps it");
        let refused = server.get(Persona::Anonymous, path).await;
        assert_eq!(refused.status(), StatusCode::UNAUTHORIZED, "{path}");
        assert!(!refused.headers().contains_key("x-staff"), "{path}");
    }
}

#[tokio::test]
async fn graphql_says_lists_and_removes_custom_headers() {
    let server = Server::start();
    let graphql = async |document: &str| {
        let body = json!({ "query": document });
        server.send(Method::POST, "/graphql", &body).await.1
    };
    let document = "mutation { putCustomHeader(header: {key: \"X-A\", value: \"a\", space: 2}) {
        customHeader { id key value space role } } }";
    let made = graphql(document).await["data"]["putCustomHeader"]["customHeader"].clone();
    let id = made["id"].as_str().expect("an id").to_owned();
    assert_eq!((&made["key"], &made["space"]), (&json!("X-A"), &json!(2)), "{made}");
    let document = format!(
        "mutation {{ putCustomHeader(id: \"{id}\", header: {{key: \"X-A\", value: \"b\"}}) {{
            position }} }}"
    );
    assert!(graphql(&document).await["data"]["putCustomHeader"]["position"].is_u64());
    let document = "{ customHeaders { id value space history { edges { node { type } } } } }";
    let listed = graphql(document).await["data"]["customHeaders"].clone();
    assert_eq!(listed[0]["value"], "b", "{listed}");
    assert_eq!(listed[0]["space"], Value::Null, "{listed}");
    let edges = &listed[0]["history"]["edges"];
    assert_eq!(edges[1]["node"]["type"], "custom_header.changed", "{listed}");
    let document =
        "mutation { putCustomHeader(header: {key: \"Location\", value: \"a\"}) { position } }";
    let refused = graphql(document).await;
    assert_eq!(refused["errors"][0]["extensions"]["code"], "header-forbidden", "{refused}");
    graphql(&format!("mutation {{ removeCustomHeader(id: \"{id}\") {{ position }} }}")).await;
    assert_eq!(graphql("{ customHeaders { id } }").await["data"]["customHeaders"], json!([]));
}
