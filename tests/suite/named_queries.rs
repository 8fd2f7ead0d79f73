//! Named queries and the manifests of the images that they choose.

use crate::support::fixtures::png;
use crate::support::server::{Persona, Server};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

/// A server with six pages of two books, in three spaces' order and not in that of their numbers.
async fn with_pages() -> Server {
    let server = Server::start();
    server.space(1).await;
    for (id, book, page) in [
        ("c", "kant/1784", 3),
        ("a", "kant/1784", 1),
        ("b", "kant/1784", 2),
        ("b2", "kant/1784", 2),
        ("x", "goethe", 1),
        ("y", "goethe", 2),
    ] {
        server.upload(id, png(30, 40)).await;
        let path = format!("/customers/1/spaces/1/images/{id}");
        let body = json!({"string1": book, "number1": page});
        let (status, answer) = server.send(Method::PATCH, &path, &body).await;
        assert!(status.is_success(), "{answer}");
    }
    server
}

async fn define(server: &Server, name: &str, template: &str) -> (StatusCode, Value) {
    let path = format!("/customers/1/namedQueries/{name}");
    server.send(Method::PUT, &path, &json!({"template": template})).await
}

async fn status(server: &Server, path: &str) -> StatusCode {
    server.get(Persona::Anonymous, path).await.status()
}

async fn ids(server: &Server, path: &str) -> String {
    let ids = server.json(Persona::Anonymous, path).await;
    let ids = ids.as_array().expect("a list").iter().filter_map(Value::as_str);
    ids.map(|id| id.strip_prefix("1/1/").expect("in the space")).collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn a_query_chooses_and_orders_images() {
    let server = with_pages().await;
    let (made, body) = define(&server, "book", "canvas=n1&s1=p1&n1=p2&space=p3").await;
    assert_eq!(made, StatusCode::CREATED, "{body}");
    assert_eq!(ids(&server, "/raw-resource/1/book/kant%2F1784").await, "a b b2 c");
    assert_eq!(ids(&server, "/raw-resource/default/book/kant%2F1784/2/1").await, "b b2");
    assert_eq!(status(&server, "/raw-resource/1/book/nobody").await, StatusCode::NOT_FOUND);
    assert_eq!(status(&server, "/raw-resource/1/book").await, StatusCode::BAD_REQUEST);
    assert_eq!(status(&server, "/raw-resource/1/book/goethe/two").await, StatusCode::BAD_REQUEST);
    assert_eq!(status(&server, "/raw-resource/1/none/x").await, StatusCode::NOT_FOUND);
    define(&server, "all", "spacename=space-1&assetOrder=s1 desc;n1 desc").await;
    assert_eq!(ids(&server, "/raw-resource/1/all").await, "c b b2 a y x");

    let path = "/iiif-resource/v3/1/book/kant%2F1784";
    let first = server.get(Persona::Anonymous, path).await;
    let etag = first.headers()["etag"].clone();
    let manifest: Value = first.json().await.expect("JSON");
    assert_eq!(manifest["id"], format!("{}{path}", server.base));
    let canvases = manifest["items"].as_array().expect("canvases");
    assert_eq!(canvases.len(), 4);
    assert_eq!(canvases[0]["id"], format!("{}/iiif-manifest/1/1/a/canvas", server.base));
    let again = server.get(Persona::Anonymous, path).await;
    assert_eq!(again.headers()["etag"], etag, "the same question, the same answer");
    let old = server.json(Persona::Anonymous, "/iiif-resource/v2/1/book/goethe").await;
    assert_eq!(old["sequences"][0]["canvases"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn a_query_chooses_the_images_of_manifests() {
    let server = with_pages().await;
    let painted = |id: &str| json!({"asset": {"id": id, "space": 1}, "canvasPainting": {}});
    let body = json!({"type": "Manifest", "label": {"en": ["Some"]},
        "paintedResources": [painted("y"), painted("a"), painted("c")]});
    let request = server.request(Persona::Admin, Method::PUT, "/1/manifests/some");
    let request = request.header("X-IIIF-CS-Show-Extras", "All").json(&body);
    assert_eq!(request.send().await.expect("an answer").status(), StatusCode::CREATED);
    define(&server, "of", "manifest=p1&s1=p2&canvas=n1").await;
    assert_eq!(ids(&server, "/raw-resource/1/of/some,none").await, "a y c");
    assert_eq!(ids(&server, "/raw-resource/1/of/some/goethe").await, "y");
}

#[tokio::test]
async fn named_queries_are_managed() {
    let server = Server::start();
    let list = "/customers/1/namedQueries";
    let body = json!({"name": "book", "template": "s1=p1"});
    let (made, shown) = server.send(Method::POST, list, &body).await;
    assert_eq!((made, &shown["@type"]), (StatusCode::CREATED, &json!("vocab:NamedQuery")));
    assert_eq!(server.send(Method::POST, list, &body).await.0, StatusCode::CONFLICT);
    let path = format!("{list}/book");
    let read = server.get(Persona::Admin, &path).await;
    assert_eq!(read.headers()["etag"], "\"1\"");
    for wrong in ["colour=red", "s1", ""] {
        let (refused, problem) = define(&server, "book", wrong).await;
        assert_eq!(refused, StatusCode::BAD_REQUEST, "{wrong}: {problem}");
    }
    assert_eq!(define(&server, "v2", "s1=p1").await.1["code"], "name-reserved");
    let request = server.request(Persona::Admin, Method::PUT, &path).header("if-match", "\"7\"");
    let stale = request.json(&json!({"template": "s2=p1"})).send().await.expect("an answer");
    assert_eq!(stale.status(), StatusCode::PRECONDITION_FAILED);
    assert_eq!(define(&server, "book", "s2=p1").await.0, StatusCode::OK);
    assert_eq!(server.json(Persona::Admin, list).await["totalItems"], 1);
    assert_eq!(status(&server, list).await, StatusCode::UNAUTHORIZED);
    let query = "mutation { defineNamedQuery(name: \"book\", template: \"s3=p1\")
        { namedQuery { template address history { nodes { type } } } } }";
    let (_, answer) = server.send(Method::POST, "/graphql", &json!({"query": query})).await;
    let query = &answer["data"]["defineNamedQuery"]["namedQuery"];
    assert_eq!(query["template"], "s3=p1", "{answer}");
    assert_eq!(query["history"]["nodes"].as_array().map(Vec::len), Some(3));
    let gone = server.request(Persona::Admin, Method::DELETE, &path).send().await;
    assert_eq!(gone.expect("an answer").status(), StatusCode::NO_CONTENT);
    assert_eq!(server.get(Persona::Admin, &path).await.status(), StatusCode::NOT_FOUND);
    assert_eq!(status(&server, "/iiif-resource/1/book/x").await, StatusCode::NOT_FOUND);
}
