//! What viewers get: image requests, descriptions, headers, and nothing of what is closed.

use crate::support::fixtures::png;
use crate::support::server::{Persona, Server, image_path};
use reqwest::{Method, StatusCode, header};
use serde_json::json;

async fn with_image() -> Server {
    let server = Server::start();
    server.space(1).await;
    server.upload("a", png(1300, 900)).await;
    server
}

fn header<'a>(response: &'a reqwest::Response, name: &str) -> &'a str {
    response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

#[tokio::test]
async fn both_versions_answer_under_their_own_id() {
    let server = with_image().await;
    for (version, key) in [("v3", "id"), ("v2", "@id")] {
        let path = format!("/iiif-img/{version}/1/1/a/info.json");
        let info = server.json(Persona::Anonymous, &path).await;
        assert_eq!(info[key], format!("{}/iiif-img/{version}/1/1/a", server.base));
        assert_eq!((&info["width"], &info["height"]), (&json!(1300), &json!(900)));
    }
    let request = server.request(Persona::Anonymous, Method::GET, "/iiif-img/1/1/a/info.json");
    let accept = "application/ld+json;profile=\"http://iiif.io/api/image/2/context.json\"";
    let answer = request.header("accept", accept).send().await.expect("an answer");
    assert!(header(&answer, "content-type").contains("image/2"), "{:?}", answer.headers());
}

#[tokio::test]
async fn answers_can_be_kept_asked_for_again_and_read_from_anywhere() {
    let server = with_image().await;
    let path = "/iiif-img/v3/1/1/a/0,0,512,512/512,512/0/default.jpg";
    let first = server.get(Persona::Anonymous, path).await;
    assert_eq!(first.status(), StatusCode::OK);
    assert_eq!(header(&first, "content-type"), "image/jpeg");
    assert_eq!(header(&first, "access-control-allow-origin"), "*");
    let link = header(&first, "link").to_owned();
    assert!(link.contains("rel=\"canonical\"") && link.contains("rel=\"profile\""), "{link}");
    let etag = header(&first, "etag").to_owned();
    let again = server.request(Persona::Anonymous, Method::GET, path);
    let again = again.header(header::IF_NONE_MATCH, &etag).send().await.expect("an answer");
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    assert!(header(&again, "link").contains("rel=\"canonical\""));
    let head = server.request(Persona::Anonymous, Method::HEAD, path).send().await;
    assert_eq!(header(&head.expect("an answer"), "etag"), etag);
}

/// B61–B66: what is wrong is refused with a reason, and never quietly mended.
#[tokio::test]
async fn wrong_image_requests_are_refused() {
    let server = with_image().await;
    for rest in [
        "-1,0,10,10/max/0/default.jpg",
        "0,0,0,0/max/0/default.jpg",
        "4294967296,0,1,1/max/0/default.jpg",
        "pct:NaN,0,1,1/max/0/default.jpg",
        "5000,5000,10,10/max/0/default.jpg",
        "full/0,/0/default.jpg",
        "full/!0,0/0/default.jpg",
        "full/pct:0/0/default.jpg",
        "full/99999999999999999999,/0/default.jpg",
        "full/2000,/0/default.jpg",
        "full/max/361/default.jpg",
        "full/max/NaN/default.jpg",
        "full/max/1e3/default.jpg",
        "full/max/0/default.php",
        "full/max/0/DEFAULT.JPG",
    ] {
        let answer = server.get(Persona::Anonymous, &format!("/iiif-img/v3/1/1/a/{rest}")).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{rest}");
        let problem: serde_json::Value = answer.json().await.expect("problem details");
        assert!(problem["detail"].as_str().is_some_and(|it| !it.is_empty()), "{rest}: {problem}");
    }
    for id in ["..%2f..%2fetc%2fpasswd", "%252e%252e%252f", "....%2f%2f", "none"] {
        let answer = server.get(Persona::Anonymous, &format!("/iiif-img/1/1/{id}/info.json")).await;
        assert!(matches!(answer.status().as_u16(), 400 | 404), "{id}: {}", answer.status());
    }
}

#[tokio::test]
async fn a_closed_image_shows_nothing_to_the_public() {
    let server = with_image().await;
    let open = server.get(Persona::Anonymous, "/iiif-img/1/1/a/full/max/0/default.jpg").await;
    let etag = header(&open, "etag").to_owned();
    server.send(Method::PATCH, &image_path("a"), &json!({ "roles": ["nobody-knows-it"] })).await;
    for path in [
        "/iiif-img/1/1/a/full/max/0/default.jpg",
        "/iiif-img/v2/1/1/a/0,0,512,512/512,/0/default.jpg",
        "/thumbs/1/1/a/full/400,277/0/default.jpg",
        "/file/1/1/a",
    ] {
        let anonymous = server.get(Persona::Anonymous, path).await;
        assert_eq!(anonymous.status(), StatusCode::UNAUTHORIZED, "{path}");
        let cached = server.request(Persona::Anonymous, Method::GET, path);
        let cached = cached.header(header::IF_NONE_MATCH, &etag).send().await.expect("an answer");
        assert_eq!(cached.status(), StatusCode::UNAUTHORIZED, "{path}");
        let head = server.request(Persona::Anonymous, Method::HEAD, path).send().await;
        assert_eq!(head.expect("an answer").status(), StatusCode::UNAUTHORIZED, "{path}");
        let admin = server.get(Persona::Admin, path).await;
        assert_eq!(admin.status(), StatusCode::OK, "{path}");
        let caching = header(&admin, "cache-control");
        assert!(caching.contains("private") || caching.contains("no-store"), "{path}: {caching}");
    }
}

#[tokio::test]
async fn the_original_comes_back_as_it_went() {
    let server = Server::start();
    server.space(1).await;
    let bytes = png(200, 100);
    server.upload("a", bytes.clone()).await;
    let answer = server.get(Persona::Anonymous, "/file/1/1/a").await;
    assert_eq!(header(&answer, "x-content-type-options"), "nosniff");
    assert_eq!(answer.bytes().await.expect("a body"), bytes);
}

#[tokio::test]
async fn no_address_of_a_client_becomes_ours() {
    let server = with_image().await;
    let request = server.request(Persona::Anonymous, Method::GET, "/iiif-img/1/1/a/info.json");
    let request = request.header("x-forwarded-host", "evil.example").header("host", "evil.example");
    let text = request.send().await.expect("an answer").text().await.expect("a body");
    assert!(!text.contains("evil.example"), "{text}");
}

/// What was answered before is answered from memory: with the same headers and bytes, and only as long
/// as the image is what it was.
#[tokio::test]
async fn an_answer_is_the_same_again_and_goes_with_its_image() {
    let server = with_image().await;
    let tile = "/iiif-img/v3/1/1/a/0,0,512,512/512,512/0/default.jpg";
    let thumbnail = "/thumbs/v3/1/1/a/full/200,138/0/default.jpg";
    let whole = async |path: &str| {
        let answer = server.get(Persona::Anonymous, path).await;
        let (status, mut headers) = (answer.status(), answer.headers().clone());
        for changing in ["date", "x-request-id"] {
            headers.remove(changing);
        }
        (status, headers, answer.bytes().await.expect("a body"))
    };
    for path in [tile, thumbnail, &format!("{tile}?v=other"), &format!("{tile}?v=1.1&x=%20")] {
        let first = whole(path).await;
        assert_eq!(first.0, StatusCode::OK, "{path}");
        for _ in 0..2 {
            assert_eq!(whole(path).await, first, "{path}");
        }
        let tag = first.1["etag"].clone();
        let request = server.request(Persona::Anonymous, Method::GET, path);
        let known = request.header("if-none-match", tag).send().await.expect("an answer");
        assert_eq!(known.status(), StatusCode::NOT_MODIFIED, "{path}");
        assert_eq!(known.headers()["link"], first.1["link"], "{path}");
        let head = server.request(Persona::Anonymous, Method::HEAD, path);
        let head = head.send().await.expect("an answer");
        assert_eq!(head.headers()["content-length"], first.2.len().to_string(), "{path}");
    }
    let (_, headers, before) = whole(tile).await;
    // Another picture under the same name.
    server.upload("a", png(1200, 800)).await;
    server.projected().await;
    let (status, others, after) = whole(tile).await;
    assert_eq!(status, StatusCode::OK);
    assert_ne!((others["etag"].clone(), after), (headers["etag"].clone(), before));
    let closed = json!({"roles": ["staff"]});
    server.send(Method::PATCH, &image_path("a"), &closed).await;
    for path in [tile, thumbnail] {
        assert_eq!(whole(path).await.0, StatusCode::UNAUTHORIZED, "{path}");
    }
    let opened = json!({"roles": null});
    server.send(Method::PATCH, &image_path("a"), &opened).await;
    assert_eq!(whole(tile).await.0, StatusCode::OK);
    server.send(Method::DELETE, &image_path("a"), &json!({})).await;
    assert_eq!(whole(tile).await.0, StatusCode::GONE);
}
