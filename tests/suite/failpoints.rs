//! R2: the server dies at every named point between receiving a command and its last effect.
//!
//! Each point once on SQLite, those of its adapter once on PostgreSQL. In the long form every point
//! three times on both. `docs/fail-points.md` is the list of the points.

use crate::support::fixtures::png;
use crate::support::server::{PATIENCE, Persona, Server, dlcs, image_path};
use crate::support::stores::{copied_database, new_database};
use crate::support::{is_long, rust_files, workspace_root};
use futures::StreamExt;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
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
    ("postgres.log.before-append", 8),
    ("postgres.log.before-commit", 8),
    ("postgres.log.after-commit", 8),
    // A start takes seven leases.
    ("postgres.control.before-commit", 12),
    ("postgres.control.after-commit", 12),
    ("postgres.projection.before-apply", 12),
    ("postgres.projection.before-checkpoint", 12),
    ("postgres.projection.before-commit", 12),
    ("postgres.projection.after-commit", 12),
    ("postgres.read-models.after-begin", 0),
    ("postgres.read-models.before-switch", 0),
    ("postgres.read-models.before-commit", 0),
    ("postgres.read-models.after-switch", 0),
    ("server.before-open", 0),
    ("server.after-open", 0),
    ("server.before-serve", 0),
    ("server.before-drain", 0),
    ("server.after-drain", 0),
    ("recognition.before-lease", 0),
    ("recognition.after-lease", 0),
    ("recognition.before-checkpoint", 0),
    ("recognition.after-checkpoint", 0),
    ("recognition.before-release", 0),
];

/// What only the embedded stores have.
const EMBEDDED: [&str; 4] = ["log.", "control.", "projection.", "read-models."];
/// Of commands, not of a server.
const COMMANDS: [&str; 3] = ["backup.", "restore.", "audit."];

fn begins_with_one_of(name: &str, prefixes: &[&str]) -> bool {
    prefixes.iter().any(|it| name.starts_with(it))
}

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
    let point = ["fail::fail_po", "int!(\"a.b\");"].concat();
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

/// What a server needs: a folder, and a database if not everything is in the folder.
struct Place {
    folder: tempfile::TempDir,
    database: Option<String>,
}

impl Place {
    /// With some history, to begin from.
    async fn furnished(database: Option<String>) -> Self {
        let place = Self { folder: tempfile::tempdir().expect("a temporary folder"), database };
        let mut server = place.started(&[]);
        server.space(1).await;
        server.upload("before", png(120, 80)).await;
        assert_eq!(server.terminate().0, Some(0));
        place
    }

    /// The same once more.
    fn copy(&self) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        copied(self.folder.path(), folder.path());
        Self { folder, database: self.database.as_deref().map(copied_database) }
    }

    fn started(&self, flags: &[&str]) -> Server {
        self.start(flags, "").unwrap_or_else(|seen| panic!("nothing fails: {seen:#?}"))
    }

    /// `Err`: it died before it was ready.
    fn start(&self, flags: &[&str], points: &str) -> Result<Server, Vec<String>> {
        let names = ["DLCS_EVENT_STORE", "DLCS_READ_STORE"];
        let stores = self.database.iter().flat_map(|url| names.map(|it| (it, url.clone())));
        Server::try_start(self.folder.path(), stores.collect(), flags, &[("FAILPOINTS", points)])
    }
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
    let reached =
        |name: &str| !name.starts_with("postgres.") && !begins_with_one_of(name, &COMMANDS);
    die_at_each("SQLite", None, reached).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn a_death_at_any_point_of_postgresql_loses_and_doubles_nothing() {
    let elsewhere = [&EMBEDDED[..], &COMMANDS].concat();
    let reached = |name: &str| {
        name.starts_with("postgres.") || (is_long() && !begins_with_one_of(name, &elsewhere))
    };
    die_at_each("PostgreSQL", Some(new_database()), reached).await;
}

async fn die_at_each(stores: &str, database: Option<String>, reached: impl Fn(&str) -> bool) {
    let has_fail_points = cfg!(feature = "failpoints");
    assert!(has_fail_points, "run it with `--features conformance`");
    let (begun, pictures) = (Instant::now(), pictures());
    let furnished = Arc::new(Place::furnished(database).await);
    let names = documented().into_iter().filter(|it| reached(it));
    let names: Vec<_> = names.collect();
    let times = if is_long() { 3 } else { 1 };
    let count = names.len() * times;
    let names = (0..times).flat_map(|_| names.clone());
    let runs = futures::stream::iter(names).map(|name| {
        let (furnished, pictures) = (Arc::clone(&furnished), pictures.path().to_owned());
        tokio::spawn(async move { die_at(&name, &furnished, &pictures).await })
    });
    runs.buffer_unordered(AT_ONCE).for_each(async |ended| ended.expect("it holds")).await;
    eprintln!(
        "fail points on {stores}: {count} deaths, 0 lost, 0 doubled, in {:.1?}",
        begun.elapsed()
    );
}

async fn die_at(name: &str, furnished: &Place, pictures: &Path) {
    let place = furnished.copy();
    let passed = PASSED.iter().find(|it| it.0 == name).map_or(1, |it| it.1);
    let point = format!("{name}={passed}*off->panic");
    let allow = ["--origin-allow", pictures.to_str().expect("UTF-8")];
    let workload = workload(pictures);
    let mut told = BTreeMap::new();
    if let Ok(mut server) = place.start(&allow, &point) {
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
    let server = place.started(&allow);
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

#[tokio::test]
async fn a_death_in_a_backup_or_a_restore_is_repeated_without_harm() {
    let place = Place::furnished(None).await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (file, restored) = (folder.path().join("b.tar"), folder.path().join("restored"));
    let run = |verb: &str, data: &Path, points: &str| {
        let mut command = dlcs();
        command.arg(verb).arg(&file).arg("--data").arg(data).env("FAILPOINTS", points);
        command.output().expect("the program runs").status
    };
    let data = place.folder.path();
    assert_eq!(run("backup", data, "backup.before-check=panic").code(), None);
    assert!(run("backup", data, "").success());
    assert_eq!(run("restore", &restored, "restore.before-place=panic").code(), None);
    assert!(!restored.exists(), "half a folder is in its place");
    assert!(run("restore", &restored, "").success());
    let server = Server::start_on(&restored, &[]);
    assert_eq!(server.upload("after", png(40, 30)).await["width"], 40);
}
