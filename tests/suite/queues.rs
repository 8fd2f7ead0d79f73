//! The two queues: what has priority passes what waits, and both say how much that is.

use crate::support::fixtures::png;
use crate::support::server::{Persona, Server, image_path};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

const QUEUE: &str = "/customers/1/queue";
const PRIORITY: &str = "/customers/1/queue/priority";

/// Images whose origin does not answer wait for the next attempt.
const NOBODY: &str = "http://127.0.0.1:9/picture.jpg";

fn collection(ids: &[&str], origin: &str) -> Value {
    let member = |id: &&str| json!({"id": id, "space": 1, "origin": origin});
    let members: Vec<_> = ids.iter().map(member).collect();
    json!({"@type": "Collection", "member": members})
}

async fn submit(server: &Server, path: &str, body: &Value) -> Value {
    let (status, batch) = server.send(Method::POST, path, body).await;
    assert_eq!(status, StatusCode::CREATED, "{batch}");
    batch
}

#[tokio::test]
async fn each_queue_says_what_waits_in_it() {
    let server = Server::start_with(&["--origin-allow", "127.0.0.1/32"]);
    server.space(1).await;
    let ordinary = submit(&server, QUEUE, &collection(&["a"], NOBODY)).await;
    let priority = submit(&server, PRIORITY, &collection(&["b", "c"], NOBODY)).await;
    assert_eq!((&ordinary["queue"], &priority["queue"]), (&json!("default"), &json!("priority")));
    let path = image_path("d");
    let (status, _) = server.send(Method::PUT, &path, &json!({"origin": NOBODY})).await;
    assert_eq!(status, StatusCode::CREATED);
    server.projected().await;
    let counts = async |path: &str| {
        let queue = server.json(Persona::Admin, path).await;
        assert_eq!(queue["size"], queue["imagesWaiting"], "{queue}");
        (queue["imagesWaiting"].clone(), queue["batchesWaiting"].clone())
    };
    assert_eq!(counts(QUEUE).await, (json!(2), json!(1)));
    assert_eq!(counts(PRIORITY).await, (json!(2), json!(1)));
    let queue = server.json(Persona::Admin, QUEUE).await;
    assert_eq!(queue["priority"], format!("{}{PRIORITY}", server.base), "{queue}");
    let members = async |path: &str| {
        let listed = server.json(Persona::Admin, path).await;
        let names = listed["member"].as_array().expect("members").iter();
        names.map(|it| it["id"].as_str().expect("an id").to_owned()).collect::<Vec<_>>()
    };
    for list in ["images", "assets"] {
        let address = priority[list].as_str().expect("an address");
        assert_eq!(members(address).await, ["b", "c"], "{list}");
    }
    let listed = server.json(Persona::Admin, "/customers/1/queue/batches").await;
    assert_eq!(listed["totalItems"], 2, "a batch is a batch: {listed}");

    let query = "{ queue(which: PRIORITY) { images batches } all: queue { queue images }
        batches { edges { node { queue } } } }";
    let (_, answer) = server.send(Method::POST, "/graphql", &json!({"query": query})).await;
    let data = &answer["data"];
    assert_eq!(data["queue"], json!({"images": 2, "batches": 1}), "{answer}");
    assert_eq!(data["all"], json!({"queue": "DEFAULT", "images": 2}), "{answer}");
    assert_eq!(data["batches"]["edges"][0]["node"]["queue"], "PRIORITY", "{answer}");

    for id in ["b", "c"] {
        let (status, _) = server.send(Method::DELETE, &image_path(id), &Value::Null).await;
        assert_eq!(status, StatusCode::NO_CONTENT);
    }
    server.projected().await;
    assert_eq!(counts(PRIORITY).await, (json!(0), json!(0)));
}

/// One image at a time: many wait when two come that do not.
#[tokio::test]
async fn what_has_priority_passes_what_waits() {
    let pages = tempfile::tempdir().expect("a temporary folder");
    let page = pages.path().join("page.png");
    std::fs::write(&page, png(64, 64)).expect("room");
    let folder = pages.path().to_str().expect("UTF-8");
    let flags = ["--origin-allow", folder, "--ingest-workers", "1"];
    let server = Server::start_with(&flags);
    server.space(1).await;
    let origin = format!("file://{}", page.display());
    let names: Vec<_> = (0..120).map(|n| format!("p{n}")).collect();
    let ids: Vec<_> = names.iter().map(String::as_str).collect();
    submit(&server, QUEUE, &collection(&ids, &origin)).await;
    let rows = ["u1", "u2"].map(|id| json!({"id": id, "space": 1, "origin": origin}).to_string());
    let request = server.request(Persona::Admin, Method::POST, PRIORITY);
    let request = request.header("content-type", "application/x-ndjson").body(rows.join("\n"));
    let answer = request.send().await.expect("an answer").text().await.expect("a body");
    assert!(answer.contains("\"queue\":\"priority\""), "{answer}");
    for id in ["u1", "u2", "p119"] {
        server.settled(id).await;
    }
    let history = server.command(&["events", "--json", "--type", "asset.ingest_started"]);
    let history = String::from_utf8(history.stdout).expect("UTF-8");
    let places = ["u1", "u2"].map(|id| {
        let stream = format!("\"asset-1/1/{id}\"");
        history.lines().position(|line| line.contains(&stream)).expect("it was begun")
    });
    assert!(places.iter().all(|place| *place < 100), "both passed others: {places:?}");
}
