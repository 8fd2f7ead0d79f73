//! R2: the server dies at every named point between receiving a command and its last effect.
//!
//! Each point once, on SQLite. `docs/fail-points.md` is the list of the points.

use crate::support::fixtures::png;
use crate::support::server::{PATIENCE, Persona, Server, image_path};
use crate::support::{rust_files, workspace_root};
use futures::StreamExt;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Servers that die side by side. Most of the time they wait for the lease of a dead one to end.
const AT_ONCE: usize = 6;

/// How often a point is passed before it is deadly, where once is not enough or too much.
const PASSED: &[(&str, u32)] = &[
    ("commands.before-append", 6),
    ("commands.after-append", 6),
    ("commands.before-answer", 6),
    ("log.before-append", 8),
    ("log.before-commit", 8),
    ("log.after-commit", 8),
    ("control.before-commit", 4),
    ("control.after-commit", 4),
    ("projection.before-apply", 12),
    ("projection.before-checkpoint", 12),
    ("projection.before-commit", 12),
    ("projection.after-commit", 12),
    ("names.before-reserve", 0),
    ("names.after-reserve", 0),
    ("batches.before-submit", 0),
    ("read-models.before-switch", 0),
    ("read-models.before-pointer", 0),
    ("read-models.after-switch", 0),
    ("search.before-switch", 0),
    ("search.before-pointer", 0),
    ("search.after-switch", 0),
    ("ingest.before-lease", 0),
    ("ingest.after-lease", 0),
    ("ingest.before-checkpoint", 0),
    ("ingest.after-checkpoint", 0),
    ("ingest.before-release", 0),
    ("recognition.before-lease", 0),
    ("recognition.after-lease", 0),
    ("recognition.before-checkpoint", 0),
    ("recognition.after-checkpoint", 0),
    ("recognition.before-release", 0),
];

/// Reads the names in the first column of the table.
fn listed(text: &str) -> Vec<String> {
    let names = text.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    names.map(|(name, _)| name.to_owned()).collect()
}

fn documented() -> Vec<String> {
    let path = workspace_root().join("docs/fail-points.md");
    listed(&std::fs::read_to_string(path).expect("the list is there"))
}

/// Finds the names in a source.
fn placed(text: &str) -> Vec<String> {
    let calls = text.split("fail_point!(\"").skip(1);
    calls.filter_map(|it| Some(it.split_once('"')?.0.to_owned())).collect()
}

#[test]
fn every_fail_point_is_listed_and_placed_once() {
    let root = workspace_root();
    let mut found = Vec::new();
    for path in rust_files(&root) {
        if !path.starts_with(root.join("tests")) && !path.starts_with(root.join("bench")) {
            found.extend(placed(&std::fs::read_to_string(path).expect("readable")));
        }
    }
    let mut documented = documented();
    found.sort();
    documented.sort();
    assert_eq!(found, documented, "docs/fail-points.md and the sources differ");
    let doubled = documented.windows(2).find(|it| it[0] == it[1]);
    assert_eq!(doubled, None, "a name stands for one place");
}

#[test]
fn canary_points_are_found_in_text() {
    assert_eq!(listed("| name |\n|:--|\n| `a.b` | x |\n"), ["a.b"]);
    let point = ["fail::fail_po", "int!(\"a.b\", |_| std::process::abort());"].concat();
    assert_eq!(placed(&point), ["a.b"]);
}

/// What a client sends, under a key, until it is answered.
struct Sent {
    method: Method,
    path: String,
    body: Vec<u8>,
    is_json: bool,
}

impl Sent {
    fn json(method: Method, path: &str, body: &Value) -> Self {
        Self { method, path: path.to_owned(), body: body.to_string().into(), is_json: true }
    }

    fn request(&self, server: &Server) -> RequestBuilder {
        let request = server.request(Persona::Admin, self.method.clone(), &self.path);
        let request = request.header("Idempotency-Key", format!("{} {}", self.method, self.path));
        let request = request.body(self.body.clone()).timeout(PATIENCE);
        if self.is_json { request.header("Content-Type", "application/json") } else { request }
    }

    /// Sends it once. `None`: the server died meanwhile.
    async fn once(&self, server: &Server) -> Option<(u16, String)> {
        let answer = self.request(server).send().await.ok()?;
        let status = answer.status().as_u16();
        let location = answer.headers().get("location");
        // The server has another port after a start.
        let path =
            location.and_then(|it| Some(it.to_str().ok()?.splitn(4, '/').nth(3)?.to_owned()));
        let body = answer.text().await.ok()?;
        assert!(status < 300, "{} {}: {status} {body}", self.method, self.path);
        Some((status, path.unwrap_or_default()))
    }
}

/// Registrations by address and by upload, some to be recognised, a space, a batch, a change.
fn workload(pictures: &Path) -> Vec<Sent> {
    let origin = |n: u32| format!("file://{}/{n}.png", pictures.display());
    let mut all = Vec::new();
    for n in 0..2 {
        let body = json!({ "origin": origin(n), "ocr": "eng" });
        all.push(Sent::json(Method::PUT, &image_path(&format!("fetched-{n}")), &body));
        let path = format!("{}/content", image_path(&format!("sent-{n}")));
        all.push(Sent { method: Method::PUT, path, body: png(50 + n, 40), is_json: false });
    }
    let space = json!({ "name": "atlas" });
    all.push(Sent::json(Method::POST, "/customers/1/spaces", &space));
    let member = |n: u32| json!({ "id": format!("member-{n}"), "space": 1, "origin": origin(n) });
    let batch = json!({ "@type": "Collection", "member": [member(2), member(3)] });
    all.push(Sent::json(Method::POST, "/customers/1/queue", &batch));
    let change = json!({ "string1": "changed" });
    all.push(Sent::json(Method::PATCH, &image_path("before"), &change));
    all
}

/// Assets of the workload, and the one that was there before.
const ASSETS: [&str; 7] =
    ["before", "fetched-0", "fetched-1", "member-2", "member-3", "sent-0", "sent-1"];

/// Those of them that are recognised.
const RECOGNISED: [&str; 2] = ["fetched-0", "fetched-1"];

/// Starts on SQLite, whatever the other tests run on.
fn started(folder: &Path, flags: &[&str]) -> Server {
    Server::start_failing(folder, flags, "").expect("nothing fails")
}

/// A data folder with some history, to begin from.
async fn furnished() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut server = started(folder.path(), &[]);
    server.space(1).await;
    server.upload("before", png(120, 80)).await;
    assert_eq!(server.terminate().0, Some(0));
    folder
}

fn pictures() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for n in 0..4 {
        std::fs::write(folder.path().join(format!("{n}.png")), png(60 + n, 50)).expect("room");
    }
    folder
}

fn copied(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a new folder");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copied(&path, &target);
        } else {
            std::fs::copy(&path, &target).expect("room");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn a_death_at_any_point_loses_and_doubles_nothing() {
    let has_fail_points = cfg!(feature = "failpoints");
    assert!(has_fail_points, "run it with `--features conformance`");
    let (begun, folder, pictures) = (Instant::now(), furnished().await, pictures());
    // Those of another adapter are never reached here.
    let names = documented().into_iter().filter(|it| !it.starts_with("postgres."));
    let names: Vec<_> = names.collect();
    let count = names.len();
    let runs = futures::stream::iter(names).map(|name| {
        let (folder, pictures) = (folder.path().to_owned(), pictures.path().to_owned());
        tokio::spawn(async move { die_at(&name, &folder, &pictures).await })
    });
    runs.buffer_unordered(AT_ONCE).for_each(async |ended| ended.expect("it holds")).await;
    eprintln!("fail points: {count} deaths, 0 lost, 0 doubled, in {:.1?}", begun.elapsed());
}

async fn die_at(name: &str, furnished: &Path, pictures: &Path) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data: PathBuf = folder.path().join("data");
    copied(furnished, &data);
    let passed = PASSED.iter().find(|it| it.0 == name).map_or(1, |it| it.1);
    let point = format!("{name}={passed}*off->return");
    let allow = ["--origin-allow", pictures.to_str().expect("UTF-8")];
    let workload = workload(pictures);
    let mut told = BTreeMap::new();
    if let Some(mut server) = Server::start_failing(&data, &allow, &point) {
        for (place, sent) in workload.iter().enumerate() {
            if let Some(answer) = sent.once(&server).await {
                told.insert(place, answer);
            }
        }
        for projection in ["assets", "search"] {
            let _ = server.command(&["projections", "rebuild", projection]);
        }
        let is_dead = ends(&mut server).await;
        assert!(is_dead, "{name} was never reached");
    }
    let server = started(&data, &allow);
    for (place, sent) in workload.iter().enumerate() {
        let answer = sent.once(&server).await.expect("nothing fails any more");
        // What was only accepted may be told in full now.
        if let Some(before) = told.get(&place).filter(|it| it.0 != 202) {
            assert_eq!(before, &answer, "{name}: {} is answered otherwise", sent.path);
        }
    }
    judge(name, &server).await;
}

/// Waits until the server has died by itself, at the latest when it is asked to stop.
async fn ends(server: &mut Server) -> bool {
    let deadline = Instant::now() + Duration::from_secs(5);
    while !server.has_died() {
        if Instant::now() > deadline || is_at_rest(server).await {
            return server.terminate().0.is_none();
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    true
}

/// Says whether everything has been delivered, and its progress saved.
async fn is_at_rest(server: &Server) -> bool {
    for id in ASSETS {
        let request = server.request(Persona::Admin, Method::GET, &image_path(id));
        let Ok(answer) = request.send().await else { return false };
        let image: Value = answer.json().await.unwrap_or_default();
        if image["ingesting"] != Value::Bool(false) {
            return false;
        }
    }
    for id in RECOGNISED {
        if !is_recognised(server, id).await {
            return false;
        }
    }
    // Progress is saved every second.
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    true
}

async fn is_recognised(server: &Server, id: &str) -> bool {
    let path = format!("{}/text", image_path(id));
    let Ok(answer) = server.request(Persona::Admin, Method::GET, &path).send().await else {
        return false;
    };
    let text: Value = answer.json().await.unwrap_or_default();
    text["status"] == "ready"
}

/// Compares what is there with what was asked.
async fn judge(name: &str, server: &Server) {
    for id in ASSETS {
        let image = server.settled(id).await;
        assert!(image["error"].is_null(), "{name}: {id}: {image}");
    }
    let mut registered = streams(server, "asset.registered");
    registered.sort();
    assert_eq!(registered, ASSETS.map(|id| format!("asset-1/1/{id}")), "{name}");
    for id in RECOGNISED {
        let deadline = Instant::now() + PATIENCE;
        while !is_recognised(server, id).await {
            assert!(Instant::now() < deadline, "{name}: {id} is not recognised");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    let mut recognised = streams(server, "transcription.recognition_completed");
    recognised.sort();
    assert_eq!(recognised, RECOGNISED.map(|id| format!("transcription-1/1/{id}")), "{name}");
    assert_eq!(streams(server, "space.created").len(), 2, "{name}: a space is doubled or lost");
    assert_eq!(streams(server, "batch.submitted").len(), 1, "{name}");
    assert_eq!(streams(server, "asset.metadata_changed"), ["asset-1/1/before"], "{name}");
    let output = server.command(&["replay"]);
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stdout));
}

/// Streams of all events of a type, in order.
fn streams(server: &Server, type_name: &str) -> Vec<String> {
    let output = server.command(&["events", "--json", "--type", type_name]);
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let stream = |line: &str| {
        let event: Value = serde_json::from_str(line).expect("JSON");
        event["stream"].as_str().expect("a stream").to_owned()
    };
    text.lines().map(stream).collect()
}
