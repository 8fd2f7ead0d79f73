//! The management API: writes are guarded, repeated safely, and read back at once.

use crate::support::fixtures::png;
use crate::support::server::{Persona, Server, image_path};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

const NOWHERE: &str = "https://nowhere.invalid/picture.png";

#[tokio::test]
async fn an_absent_field_is_left_alone_and_null_clears() {
    let server = Server::start();
    server.space(1).await;
    server.upload("a", png(20, 20)).await;
    let path = image_path("a");
    let all = json!({ "string1": "x", "number2": 7, "tags": ["t"], "roles": ["r"] });
    assert_eq!(server.send(Method::PATCH, &path, &all).await.0, StatusCode::OK);
    let (_, image) = server.send(Method::PATCH, &path, &json!({ "string1": "y" })).await;
    assert_eq!((&image["tags"], &image["roles"]), (&json!(["t"]), &json!(["r"])));
    let (_, image) = server.send(Method::PATCH, &path, &json!({ "tags": null })).await;
    assert_eq!((&image["tags"], &image["string1"]), (&json!([]), &json!("y")));
    assert_eq!(image["number2"], 7);
}

#[tokio::test]
async fn if_match_guards_a_write_and_a_workers_event_does_not_break_it() {
    let server = Server::start();
    server.space(1).await;
    let path = format!("{}/content", image_path("a"));
    let request = server.request(Persona::Admin, Method::PUT, &path).body(png(30, 30));
    let answer = request.send().await.expect("an answer");
    assert_eq!(answer.status(), StatusCode::CREATED);
    let etag = answer.headers()["etag"].clone();
    assert!(answer.headers().contains_key("dlcs-position"));
    server.settled("a").await;
    let patch = |etag: &str| {
        server
            .request(Persona::Admin, Method::PATCH, &image_path("a"))
            .header("if-match", etag)
            .json(&json!({ "string1": etag }))
    };
    let first = patch(etag.to_str().expect("ASCII")).send().await.expect("an answer");
    assert_eq!(first.status(), StatusCode::OK, "ingest has changed the ETag");
    let second = patch(etag.to_str().expect("ASCII")).send().await.expect("an answer");
    assert_eq!(second.status(), StatusCode::PRECONDITION_FAILED);
}

#[tokio::test]
async fn an_idempotency_key_applies_a_write_once() {
    let server = Server::start();
    server.space(1).await;
    let post = |body: Value| {
        server
            .request(Persona::Admin, Method::POST, "/customers/1/spaces")
            .header("idempotency-key", "k1")
            .json(&body)
    };
    let first = post(json!({ "name": "maps" })).send().await.expect("an answer");
    assert_eq!(first.status(), StatusCode::CREATED);
    let first: Value = first.json().await.expect("JSON");
    let again = post(json!({ "name": "maps" })).send().await.expect("an answer");
    let again: Value = again.json().await.expect("JSON");
    assert_eq!(first["@id"], again["@id"]);
    let other = post(json!({ "name": "other" })).send().await.expect("an answer");
    assert_eq!(other.status(), StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn errors_are_problem_details_with_a_stable_code() {
    let server = Server::start();
    server.space(1).await;
    for (method, path, body, status, code) in [
        (Method::GET, image_path("none"), json!({}), 404, "not-found"),
        (
            Method::PUT,
            image_path("a"),
            json!({ "origin": "http://127.0.0.1/x" }),
            400,
            "origin-forbidden",
        ),
        (Method::PUT, image_path("info.json"), json!({ "origin": NOWHERE }), 400, ""),
        (
            Method::POST,
            "/customers/1/spaces".into(),
            json!({ "name": "manifests" }),
            400,
            "name-reserved",
        ),
        (
            Method::POST,
            "/customers/1/spaces".into(),
            json!({ "name": "123" }),
            400,
            "name-reserved",
        ),
        (Method::POST, "/customers/1/spaces".into(), json!({ "name": "space-1" }), 409, ""),
    ] {
        let (got, problem) = server.send(method, &path, &body).await;
        assert_eq!(got.as_u16(), status, "{path}: {problem}");
        assert!(problem["type"].is_string() && problem["title"].is_string(), "{problem}");
        if !code.is_empty() {
            assert_eq!(problem["code"], code, "{path}: {problem}");
        }
    }
}

#[tokio::test]
async fn nobody_manages_without_the_key() {
    let server = Server::start();
    server.space(1).await;
    for path in ["/customers", "/customers/1", "/customers/1/spaces/1/images", "/customers/1/queue"]
    {
        let answer = server.get(Persona::Anonymous, path).await;
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{path}");
        let wrong = server.request(Persona::Anonymous, Method::GET, path);
        let wrong = wrong.basic_auth("test-key", Some("wrong")).send().await.expect("an answer");
        assert_eq!(wrong.status(), StatusCode::UNAUTHORIZED, "{path}");
    }
}

#[tokio::test]
async fn a_deleted_asset_is_gone_and_its_id_can_be_used_again() {
    let server = Server::start();
    server.space(1).await;
    server.upload("a", png(20, 20)).await;
    let request = server.request(Persona::Admin, Method::DELETE, "/customers/1/spaces/1");
    assert_eq!(request.send().await.expect("an answer").status(), StatusCode::CONFLICT);
    let request = server.request(Persona::Admin, Method::DELETE, &image_path("a"));
    assert_eq!(request.send().await.expect("an answer").status(), StatusCode::NO_CONTENT);
    for path in [
        image_path("a"),
        "/iiif-img/1/1/a/info.json".into(),
        "/iiif-img/1/1/a/full/max/0/default.jpg".into(),
        "/iiif-manifest/1/1/a".into(),
    ] {
        assert_eq!(server.get(Persona::Admin, &path).await.status(), StatusCode::GONE, "{path}");
    }
    let image = server.upload("a", png(25, 25)).await;
    assert_eq!(image["width"], 25);
}

#[tokio::test]
async fn a_batch_of_rows_answers_each_row_and_the_batch_last() {
    let server = Server::start();
    server.space(1).await;
    let rows = format!(
        "{}\n{}\nnot json\n",
        json!({ "id": "one", "space": 1, "origin": NOWHERE }),
        json!({ "id": "two", "space": 99, "origin": NOWHERE }),
    );
    let request = server.request(Persona::Admin, Method::POST, "/customers/1/queue");
    let answer = request.header("content-type", "application/x-ndjson").body(rows).send().await;
    let answer = answer.expect("an answer");
    assert_eq!(answer.status(), StatusCode::OK);
    let text = answer.text().await.expect("a body");
    let lines: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("JSON lines")).collect();
    assert_eq!(lines.len(), 4, "{text}");
    assert!(lines[0]["error"].is_null() && lines[0]["id"] == "one", "{text}");
    assert!(!lines[1]["error"].is_null() && !lines[2]["error"].is_null(), "{text}");
    let batch = lines[3]["@id"].as_str().expect("the batch is last");
    let batch = server.json(Persona::Admin, batch).await;
    assert_eq!(batch["count"], 1);
}

#[tokio::test]
async fn lists_are_paged_and_filtered() {
    let server = Server::start();
    server.space(1).await;
    for n in 0..5 {
        server.upload(&format!("i{n}"), png(20, 20)).await;
        let change = json!({ "string1": if n % 2 == 0 { "even" } else { "odd" }, "number1": n });
        server.send(Method::PATCH, &image_path(&format!("i{n}")), &change).await;
    }
    let all = "/customers/1/spaces/1/images";
    let page = server.json(Persona::Admin, &format!("{all}?page=2&pageSize=2")).await;
    assert_eq!(page["totalItems"], 5);
    assert_eq!(page["member"].as_array().map(Vec::len), Some(2));
    let even = server.json(Persona::Admin, &format!("{all}?string1=even")).await;
    assert_eq!(even["totalItems"], 3, "{even}");
    let query = "%7B%22string1%22%3A%22odd%22%2C%22number1%22%3A3%7D";
    let one = server.json(Persona::Admin, &format!("{all}?q={query}")).await;
    assert_eq!(one["totalItems"], 1, "{one}");
    let unknown = server.get(Persona::Admin, &format!("{all}?orderBy=nonsense")).await;
    assert_eq!(unknown.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn if_none_match_makes_a_put_create_and_never_replace() {
    let server = Server::start();
    server.space(1).await;
    let put = |number: u64| {
        server
            .request(Persona::Admin, Method::PUT, &image_path("a"))
            .header("if-none-match", "*")
            .json(&json!({ "origin": NOWHERE, "number1": number }))
    };
    let first = put(1).send().await.expect("an answer");
    assert_eq!(first.status(), StatusCode::CREATED);
    let second = put(2).send().await.expect("an answer");
    assert_eq!(second.status(), StatusCode::PRECONDITION_FAILED);
    let image = server.json(Persona::Admin, &image_path("a")).await;
    assert_eq!(image["number1"], 1);
}

#[tokio::test]
async fn a_batch_under_an_idempotency_key_may_be_sent_again_line_by_line() {
    let server = Server::start();
    server.space(1).await;
    let send = async |rows: &str| {
        let path = "/customers/1/queue";
        let request = server.request(Persona::Admin, Method::POST, path);
        let request = request.header("idempotency-key", "k1").body(rows.to_owned());
        let answer = request.header("content-type", "application/x-ndjson").send().await;
        let text = answer.expect("an answer").text().await.expect("text");
        text.lines().map(|it| serde_json::from_str(it).expect("JSON")).collect::<Vec<Value>>()
    };
    let row = |id: &str| format!("{{\"id\":\"{id}\",\"space\":1,\"origin\":\"{NOWHERE}\"}}\n");
    let other_row = row("b").replace("picture", "another");
    let body = row("a") + &row("b");
    let first = send(&body).await;
    let again = send(&body).await;
    assert_eq!(first[2]["id"], again[2]["id"], "one batch");
    assert_eq!(again[0]["status"], 201, "as the first time: {again:?}");
    assert_eq!(server.json(Persona::Admin, "/customers/1/queue/batches").await["totalItems"], 1);
    let other = send(&(row("a") + &other_row)).await;
    assert_eq!(other[1]["error"]["code"], "idempotency-key-reused", "{other:?}");
}

#[tokio::test]
async fn batches_are_listed_while_they_run_and_when_they_are_done() {
    let pages = tempfile::tempdir().expect("a temporary folder");
    let page = pages.path().join("page.png");
    std::fs::write(&page, png(8, 8)).expect("room");
    let folder = pages.path().to_str().expect("UTF-8");
    let server = Server::start_with(&["--origin-allow", "127.0.0.1/32", "--origin-allow", folder]);
    server.space(1).await;
    // Nobody listens there: it is tried again for a while.
    let member = json!({"id": "a", "space": 1, "origin": "http://127.0.0.1:9/picture.jpg"});
    let batch = json!({"@type": "Collection", "member": [member]});
    let (status, batch) = server.send(Method::POST, "/customers/1/queue", &batch).await;
    assert_eq!(status, StatusCode::CREATED, "{batch}");
    let totals = async || {
        let mut totals = Vec::new();
        for list in ["batches", "active", "recent"] {
            let path = format!("/customers/1/queue/{list}");
            totals.push(server.json(Persona::Admin, &path).await["totalItems"].clone());
        }
        totals
    };
    assert_eq!(totals().await, [1, 1, 0]);
    let path = image_path("a");
    assert_eq!(server.send(Method::DELETE, &path, &Value::Null).await.0, StatusCode::NO_CONTENT);
    server.projected().await;
    assert_eq!(totals().await, [1, 0, 0], "nothing of it is left");

    let origin = format!("file://{}", page.display());
    let member = json!({"id": "b", "space": 1, "origin": origin});
    let done = json!({"@type": "Collection", "member": [member]});
    let (status, done) = server.send(Method::POST, "/customers/1/queue", &done).await;
    assert_eq!(status, StatusCode::CREATED, "{done}");
    server.projected().await;
    server.settled("b").await;
    server.projected().await;
    assert_eq!(totals().await, [2, 0, 1]);
    let recent = server.json(Persona::Admin, "/customers/1/queue/recent").await;
    assert_eq!(recent["member"][0]["id"], done["id"], "{recent}");
    let test = format!("{}/test", done["@id"].as_str().expect("an address"));
    let (status, answer) = server.send(Method::POST, &test, &Value::Null).await;
    assert_eq!((status, answer), (StatusCode::OK, json!({"success": true})));
    let query =
        json!({"query": "{ batches(which: RECENT) { totalCount edges { node { errors } } } }"});
    let (_, answer) = server.send(Method::POST, "/graphql", &query).await;
    assert_eq!(answer["data"]["batches"]["totalCount"], 1, "{answer}");
}

#[tokio::test]
async fn a_large_answer_under_an_idempotency_key_reaches_the_client() {
    let server = Server::start();
    let items: Vec<Value> = (0..2_500)
        .map(|number| {
            let id = format!("https://example.org/canvas/{number}");
            json!({ "id": id, "type": "Canvas", "label": { "en": ["x".repeat(2_000)] } })
        })
        .collect();
    let manifest = json!({ "type": "Manifest", "label": { "en": ["large"] }, "items": items });
    for status in [StatusCode::CREATED, StatusCode::CREATED] {
        let request = server.request(Persona::Admin, Method::PUT, "/1/manifests/large");
        let request = request.header("idempotency-key", "k1");
        let request = request.header("x-iiif-cs-show-extras", "All").json(&manifest);
        assert_eq!(request.send().await.expect("an answer").status(), status);
    }
}

#[tokio::test]
async fn a_repeated_answer_leads_to_the_same_place_behind_a_path() {
    let server = Server::start_with(&["--public-url", "https://iiif.example.org/dlcs"]);
    let post = async || {
        let request = server.request(Persona::Admin, Method::POST, "/customers/1/spaces");
        let request = request.header("idempotency-key", "k1").json(&json!({ "name": "maps" }));
        request.send().await.expect("an answer").headers()["location"].clone()
    };
    let first = post().await;
    assert_eq!(first, "https://iiif.example.org/dlcs/customers/1/spaces/1");
    assert_eq!(post().await, first);
}

#[tokio::test]
async fn what_is_not_empty_says_so_and_what_is_missing_has_no_lists() {
    let server = Server::start();
    server.space(1).await;
    server.upload("a", png(20, 20)).await;
    let nothing = json!({});
    let space = "/customers/1/spaces/1";
    let (status, problem) = server.send(Method::DELETE, space, &nothing).await;
    assert_eq!((status.as_u16(), &problem["code"]), (409, &json!("not-empty")));
    for list in ["/77/manifests", "/customers/77/queue/batches", "/customers/77/spaces"] {
        let (status, _) = server.send(Method::GET, list, &nothing).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{list}");
    }
}
