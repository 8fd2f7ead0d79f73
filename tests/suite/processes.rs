//! Several processes on one database: who does what, and who goes on when one is killed.

use crate::support::fixtures::png;
use crate::support::is_long;
use crate::support::server::{Persona, Server, image_path};
use crate::support::stores::new_database;
use reqwest::{Method, StatusCode};
use serde_json::Value;
use std::collections::{BTreeMap, HashSet};
use std::time::{Duration, Instant};

/// What a dead process held is taken over within this time.
const TAKEN_OVER: Duration = Duration::from_secs(5);

/// Stores that several processes share.
pub(crate) struct Shared {
    database: String,
    objects: tempfile::TempDir,
}

impl Shared {
    pub(crate) fn new() -> Self {
        Self { database: new_database(), objects: tempfile::tempdir().expect("a folder") }
    }

    /// Variables that name them.
    pub(crate) fn stores(&self) -> Vec<(&'static str, String)> {
        let objects = format!("file://{}", self.objects.path().display());
        let (log, read) = (self.database.clone(), self.database.clone());
        vec![("DLCS_EVENT_STORE", log), ("DLCS_READ_STORE", read), ("DLCS_OBJECTS", objects)]
    }

    /// Starts one more process on them.
    pub(crate) fn join(&self, roles: &str) -> Server {
        Server::start_over(self.stores(), &["--roles", roles, "--ingest-workers", "1"])
    }
}

const ALL: &str = "api,project,ingest";

/// Uploads pictures `{prefix}0…` through one process without waiting for them.
async fn upload(server: &Server, prefix: &str, count: usize) {
    for n in 0..count {
        let path = format!("{}/content", image_path(&format!("{prefix}{n}")));
        let request = server.request(Persona::Admin, Method::PUT, &path);
        let request = request.header("Prefer", "respond-async").body(png(120, 80));
        let answer = request.send().await.expect("the server answers");
        assert!(answer.status().is_success(), "{prefix}{n}: {}", answer.status());
    }
}

/// Events of the history by stream: their types.
pub(crate) fn history(server: &Server) -> BTreeMap<String, Vec<String>> {
    let flags = server.command(&["events", "--json"]);
    let text = String::from_utf8(flags.stdout).expect("UTF-8");
    let mut streams: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut last = 0;
    for line in text.lines() {
        let event: Value = serde_json::from_str(line).expect("JSON");
        let position = event["position"].as_u64().expect("a position");
        assert!(position > last, "{position} comes after {last}");
        last = position;
        let text = |key: &str| event[key].as_str().expect("text").to_owned();
        streams.entry(text("stream")).or_default().push(text("type"));
    }
    streams
}

/// Each asset was worked on once.
fn each_was_ingested_once(server: &Server, expected: usize) {
    let streams = history(server);
    let assets: Vec<_> = streams.iter().filter(|(name, _)| name.starts_with("asset-")).collect();
    assert_eq!(assets.len(), expected);
    for (name, types) in assets {
        let wanted = ["asset.registered", "asset.ingest_started", "asset.ingest_delivered"];
        assert_eq!(types, &wanted, "{name}");
    }
}

pub(crate) fn replays_equal(server: &Server) {
    let output = server.command(&["replay"]);
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "equal", "{output:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_do_every_work_once() {
    let shared = Shared::new();
    let (first, second) = (shared.join(ALL), shared.join(ALL));
    first.space(1).await;
    tokio::join!(upload(&first, "a", 15), upload(&second, "b", 15));
    for (server, prefix) in [(&second, "a"), (&first, "b")] {
        for n in 0..15 {
            let image = server.settled(&format!("{prefix}{n}")).await;
            assert_eq!(image["width"], 120, "{image}");
        }
    }
    each_was_ingested_once(&first, 30);
    replays_equal(&first);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_process_wrote_another_reads_at_its_position() {
    let shared = Shared::new();
    let (first, second) = (shared.join(ALL), shared.join("api"));
    first.space(1).await;
    for n in 0..20 {
        let path = format!("/customers/1/spaces/1/images/i{n}");
        let request = first.request(Persona::Admin, Method::PUT, &path);
        let body = serde_json::json!({ "origin": "https://example.org/a.tif", "number1": n });
        let answer = request.json(&body).send().await.expect("the server answers");
        assert_eq!(answer.status(), StatusCode::CREATED);
        let position = answer.headers()["dlcs-position"].clone();
        let request = second.request(Persona::Admin, Method::GET, &path);
        let answer = request.header("Dlcs-Min-Position", position).send().await.expect("answers");
        assert_eq!(answer.status(), StatusCode::OK, "i{n}");
        let image: Value = answer.json().await.expect("JSON");
        assert_eq!(image["number1"], n);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_role_can_have_a_process_of_its_own() {
    let shared = Shared::new();
    let projector = shared.join("project");
    let api = shared.join("api");
    let _ingest = shared.join("ingest");
    api.space(1).await;
    upload(&api, "a", 5).await;
    for n in 0..5 {
        assert_eq!(api.settled(&format!("a{n}")).await["width"], 120);
    }
    each_was_ingested_once(&api, 5);
    drop(projector);
}

/// Kills the process that holds every lease; another goes on.
#[tokio::test(flavor = "multi_thread")]
async fn a_killed_process_is_taken_over_within_5_seconds() {
    let shared = Shared::new();
    let mut first = shared.join(ALL);
    first.space(1).await;
    let second = shared.join(ALL);
    upload(&first, "a", 30).await;
    first.kill();
    let killed = Instant::now();
    let request = second.request(Persona::Admin, Method::PUT, &image_path("after"));
    let body = serde_json::json!({ "origin": "https://example.org/a.tif", "string1": "after" });
    let request = request.header("Prefer", "respond-async").json(&body);
    let answer = request.send().await.expect("the server answers");
    assert!(answer.status().is_success(), "{}", answer.status());
    // Seen in a list, which waits for nothing: somebody advances the projections again.
    let list = "/customers/1/spaces/1/images?string1=after";
    while second.json(Persona::Admin, list).await["totalItems"] != 1 {
        assert!(killed.elapsed() < TAKEN_OVER, "projections stand still");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    eprintln!("projections were taken over after {:?}", killed.elapsed());
    for n in 0..30 {
        assert_eq!(second.settled(&format!("a{n}")).await["width"], 120, "a{n}");
    }
    let streams = history(&second);
    for n in 0..30 {
        let types = &streams[&format!("asset-1/1/a{n}")];
        let delivered = types.iter().filter(|it| *it == "asset.ingest_delivered").count();
        assert_eq!(delivered, 1, "a{n}: {types:?}");
    }
    replays_equal(&second);
}

#[tokio::test(flavor = "multi_thread")]
async fn four_processes_and_16_writers_skip_and_double_nothing() {
    let long = is_long();
    let rows_of_a_writer = if long { 6_250 } else { 250 };
    let shared = Shared::new();
    let mut servers = Vec::new();
    for _ in 0..4 {
        servers.push(shared.join("api,project"));
    }
    servers[0].space(1).await;
    let begun = Instant::now();
    let writers: Vec<_> = (0..16)
        .map(|writer| {
            let request = servers[writer % 4].request(Persona::Admin, Method::POST, QUEUE);
            let prefix = format!("w{writer}-");
            tokio::spawn(async move { register_rows(request, &prefix, rows_of_a_writer).await })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(if long { 3_000 } else { 200 })).await;
    // The first one holds the projections' leases.
    servers[0].kill();
    let mut acknowledged = HashSet::new();
    for writer in writers {
        acknowledged.extend(writer.await.expect("a writer ends"));
    }
    let spent = begun.elapsed();
    let server = &servers[1];
    let streams = history(server);
    let assets = streams.keys().filter_map(|name| name.strip_prefix("asset-1/1/"));
    let found: HashSet<String> = assets.map(str::to_owned).collect();
    let lost: Vec<_> = acknowledged.difference(&found).take(5).collect();
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    let doubled = streams.values().filter(|it| it.len() > 1 && it[0] == "asset.registered");
    assert_eq!(doubled.count(), 0);
    eprintln!(
        "4 processes, 16 writers: {} registered in {spent:?}, {} acknowledged, one process killed",
        found.len(),
        acknowledged.len()
    );
    let caught_up = Instant::now();
    loop {
        let status = server.command(&["projections", "status", "--json"]);
        let text = String::from_utf8_lossy(&status.stdout).into_owned();
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
        if lines.filter(|it| !it["name"].is_null()).all(|it| it["position"] == it["head"]) {
            break;
        }
        assert!(caught_up.elapsed() < Duration::from_secs(120), "{text}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    replays_equal(server);
}

const QUEUE: &str = "/customers/1/queue";

/// Registers rows `{prefix}0…`; returns the ids that were acknowledged.
pub(crate) async fn register_rows(
    request: reqwest::RequestBuilder,
    prefix: &str,
    count: usize,
) -> Vec<String> {
    let rows = (0..count).map(|n| {
        let id = format!("{prefix}{n}");
        let row = serde_json::json!({ "space": 1, "id": id, "origin": "https://example.org/a" });
        format!("{row}\n")
    });
    let body: String = rows.collect();
    let request = request.header("content-type", "application/x-ndjson").body(body);
    let Ok(mut answer) = request.send().await else { return Vec::new() };
    let mut text = Vec::new();
    // A process that is killed breaks off in the middle; what it said before counts.
    while let Ok(Some(chunk)) = answer.chunk().await {
        text.extend_from_slice(&chunk);
    }
    let text = String::from_utf8_lossy(&text).into_owned();
    let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let is_well = |line: &Value| line["status"].as_u64().is_some_and(|it| it < 300);
    let id = |line: Value| line["id"].as_str().map(str::to_owned);
    lines.filter(is_well).filter_map(id).collect()
}
