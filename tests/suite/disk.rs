//! R4, R6: a disk that runs full, and a disk that does not keep what was written.

use crate::processes::{history, register_rows, replays_equal};
use crate::support::disks::{SmallDisk, SyncShim};
use crate::support::fixtures::png;
use crate::support::server::{KEY, PATIENCE, Persona, SECRET, Server, image_path};
use crate::support::{Random, is_long, seed, stores};
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Every file whose sync means something, by what it is synced for.
const SYNCED: [(&str, &str); 5] = [
    ("commits of the log", "*/events.sqlite-wal"),
    ("checkpoints of the log", "*/events.sqlite"),
    ("commits of the control store", "*/control.sqlite-wal"),
    ("checkpoints of a read model", "*/read/assets-v*.sqlite-wal"),
    ("checkpoints of another one", "*/read/audit-trail-v*.sqlite"),
];

/// R6. The kernel may have dropped what it could not write: a second sync that succeeds proves
/// nothing. So nobody asks again; the process ends, and a start finds what is there.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_sync_that_fails_ends_the_process_and_a_start_is_consistent() {
    if !stores::are_embedded() {
        return;
    }
    let rounds = if is_long() { 20 } else { 1 };
    let seed = seed();
    let shim = SyncShim::build();
    let (folder, mut random) = (tempfile::tempdir().expect("a temporary folder"), Random(seed));
    let told = Arc::new(Mutex::new(HashSet::new()));
    drop(spaced(folder.path()).await);
    let begun = Instant::now();
    for round in 0..rounds {
        for (number, (what, pattern)) in SYNCED.into_iter().enumerate() {
            let moment = Duration::from_millis(random.below(400));
            let writer = format!("{round}-{number}");
            fail_once(folder.path(), &shim, (what, pattern), moment, &writer, &told).await;
        }
    }
    let server = Server::start_on(folder.path(), ROLES);
    let lost = lost(&server, &told.lock().expect("no panic"));
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    caught_up(&server).await;
    replays_equal(&server);
    eprintln!(
        "fsync: seed {seed}, {} failed syncs ended the process, none was tried again, {} \
         acknowledged, 0 lost, 0 doubled, replay equal, {:.1?}",
        rounds * SYNCED.len(),
        told.lock().expect("no panic").len(),
        begun.elapsed()
    );
}

/// Nobody ingests: what is registered here has no origin.
const ROLES: &[&str] = &["--roles", "api,project"];

async fn spaced(folder: &Path) -> Server {
    let server = Server::start_on(folder, ROLES);
    server.space(1).await;
    server
}

/// Runs a server under load until a sync fails at a moment, and waits for its death.
async fn fail_once(
    folder: &Path,
    shim: &SyncShim,
    (what, pattern): (&str, &str),
    moment: Duration,
    writer: &str,
    told: &Arc<Mutex<HashSet<String>>>,
) {
    let environment = shim.environment();
    let environment = environment.each_ref().map(|(name, value)| (*name, value.as_str()));
    let started = Server::try_start(folder, Vec::new(), ROLES, &environment);
    let mut server = started.unwrap_or_else(|seen| panic!("{what}: it starts: {seen:#?}"));
    let stop = Arc::new(AtomicBool::new(false));
    let is_control = pattern.contains("control");
    let writers: Vec<_> = (0..4)
        .map(|n| {
            let name = format!("{writer}-{n}");
            let (base, stop, told) = (server.base.clone(), Arc::clone(&stop), Arc::clone(told));
            tokio::spawn(async move {
                // What is answered 202 is not kept: bulk would hold the read models up.
                match n == 0 || is_control {
                    true => one_by_one(&base, &name, &stop, &told).await,
                    false => in_bulk(&base, &name, &stop, &told).await,
                }
            })
        })
        .collect();
    tokio::time::sleep(moment).await;
    shim.arm(pattern);
    let status = server.ended(PATIENCE).await;
    stop.store(true, Ordering::SeqCst);
    let status = status.unwrap_or_else(|| {
        panic!("{what}: the server goes on; a sync has failed: {}", shim.has_failed())
    });
    use std::os::unix::process::ExitStatusExt;
    assert_eq!(status.signal(), Some(6), "{what}: {status}");
    assert!(shim.has_failed(), "{what}: it died of something else");
    assert!(!shim.was_tried_again(), "{what}: the sync was tried again");
    for writer in writers {
        writer.await.expect("a writer ends when the server is gone");
    }
}

/// Registers with a key, so that the control store has something to keep.
async fn one_by_one(base: &str, name: &str, stop: &AtomicBool, told: &Mutex<HashSet<String>>) {
    let http = Client::new();
    for n in 0.. {
        let id = format!("{name}-{n}");
        let request = http.put(format!("{base}{}", image_path(&id))).basic_auth(KEY, Some(SECRET));
        let request = request.header("Idempotency-Key", &id);
        let request = request.json(&json!({ "origin": "https://example.org/a" }));
        match request.send().await {
            Ok(answer) if answer.status().is_success() => {
                told.lock().expect("no panic").insert(id);
            }
            _ => return,
        }
        if stop.load(Ordering::SeqCst) {
            return;
        }
    }
}

async fn in_bulk(base: &str, name: &str, stop: &AtomicBool, told: &Mutex<HashSet<String>>) {
    for n in 0.. {
        let request = Client::new().post(format!("{base}/customers/1/queue"));
        let request = request.basic_auth(KEY, Some(SECRET));
        let acknowledged = register_rows(request, &format!("{name}-{n}-"), 2_000).await;
        let is_gone = acknowledged.is_empty();
        told.lock().expect("no panic").extend(acknowledged);
        if is_gone || stop.load(Ordering::SeqCst) {
            return;
        }
    }
}

/// Ids that were acknowledged and are not in the history; panics at one that is there twice.
fn lost(server: &Server, acknowledged: &HashSet<String>) -> Vec<String> {
    let streams: BTreeMap<String, Vec<String>> = history(server);
    for (name, types) in streams.iter().filter(|(name, _)| name.starts_with("asset-")) {
        let registered = types.iter().filter(|it| *it == "asset.registered").count();
        assert_eq!(registered, 1, "{name} is registered twice");
    }
    let is_there = |id: &String| streams.contains_key(&format!("asset-1/1/{id}"));
    acknowledged.iter().filter(|it| !is_there(it)).cloned().collect()
}

/// Waits until every read model has seen everything.
async fn caught_up(server: &Server) {
    let deadline = Instant::now() + PATIENCE;
    while server.get(Persona::Anonymous, "/health/ready").await.status() != StatusCode::OK {
        assert!(Instant::now() < deadline, "the read models do not catch up");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A blob is written anew from the beginning, into another file: nothing has to die for that.
#[tokio::test]
async fn an_upload_whose_sync_fails_is_refused_and_can_be_repeated() {
    let (shim, folder) = (SyncShim::build(), tempfile::tempdir().expect("a temporary folder"));
    let environment = shim.environment();
    let environment = environment.each_ref().map(|(name, value)| (*name, value.as_str()));
    let started = Server::try_start(folder.path(), Vec::new(), &[], &environment);
    let server = started.unwrap_or_else(|seen| panic!("it starts: {seen:#?}"));
    server.space(1).await;
    shim.arm("*/objects/tmp/*");
    let path = format!("{}/content", image_path("a"));
    let request = server.request(Persona::Admin, Method::PUT, &path).body(png(60, 40));
    let refused = request.send().await.expect("the server answers");
    assert!(refused.status().is_server_error(), "{}", refused.status());
    assert!(shim.has_failed());
    assert_eq!(server.upload("a", png(60, 40)).await["width"], 60);
}

/// R4.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_full_disk_refuses_all_but_deletions_and_heals_by_itself() {
    if !stores::are_embedded() {
        return;
    }
    let Some(disk) = SmallDisk::mount(64) else { return };
    let mut server = Server::start_on(disk.path(), &[]);
    server.space(1).await;
    server.upload("kept", png(1_200, 800)).await;
    let acknowledged = fill_by_uploading(&server).await;
    until(&server, |ready| ready["notReady"][0] == "disk", "it names the disk").await;
    let filler = disk.fill();
    reads_go_on(&server).await;
    only_deletions_are_accepted(&server, &acknowledged[0]).await;
    // A crash in the middle of it, and a start on the full disk.
    server.kill();
    let server = Server::start_on(disk.path(), &[]);
    reads_go_on(&server).await;
    until(&server, |ready| ready["notReady"][0] == "disk", "it still names the disk").await;

    let grown = Instant::now();
    std::fs::remove_file(filler).expect("it is ours");
    disk.grow(256);
    until(&server, |ready| ready["status"] == "ok", "it is ready again").await;
    let healed = grown.elapsed();
    assert_eq!(server.upload("afterwards", png(60, 40)).await["width"], 60);
    let all = acknowledged.iter().cloned().collect();
    assert_eq!(lost(&server, &all), Vec::<String>::new(), "acknowledged and lost");
    replays_equal(&server);
    eprintln!(
        "full disk: {} uploads acknowledged, 0 lost; refused, read, deleted; healed in {healed:.1?}",
        acknowledged.len()
    );
}

/// Uploads until there is no room; returns what was acknowledged.
async fn fill_by_uploading(server: &Server) -> Vec<String> {
    let (acknowledged, refused) = (Mutex::new(Vec::new()), AtomicUsize::new(0));
    let uploads = (0..4).map(async |writer| {
        for n in 0..200 {
            let id = format!("w{writer}-{n}");
            let path = format!("{}/content", image_path(&id));
            let request = server.request(Persona::Admin, Method::PUT, &path);
            // No two alike: the same bytes are kept once.
            let picture = png(1_200 + writer * 200 + n, 800);
            // Whoever is refused in the middle of a body has its connection closed: none is used again.
            let request = request.header("connection", "close").body(picture);
            let answer = request.send().await.expect("the server answers");
            if answer.status().is_success() {
                acknowledged.lock().expect("no panic").push(id);
                continue;
            }
            is_storage_full(answer).await;
            refused.fetch_add(1, Ordering::SeqCst);
            return;
        }
    });
    futures::future::join_all(uploads).await;
    assert_eq!(refused.load(Ordering::SeqCst), 4, "64 MiB hold more than they can");
    acknowledged.into_inner().expect("no panic")
}

async fn is_storage_full(answer: reqwest::Response) {
    assert_eq!(answer.status(), StatusCode::INSUFFICIENT_STORAGE);
    assert_eq!(
        answer.headers()["content-type"].to_str().expect("text"),
        "application/problem+json; charset=utf-8"
    );
    let problem: Value = answer.json().await.expect("JSON");
    assert_eq!(problem["code"], "storage-full", "{problem}");
}

/// Waits until the probe says something.
async fn until(server: &Server, says: impl Fn(&Value) -> bool, what: &str) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let ready: Value =
            server.get(Persona::Anonymous, "/health/ready").await.json().await.expect("JSON");
        if says(&ready) {
            return;
        }
        assert!(Instant::now() < deadline, "{what}: {ready}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn reads_go_on(server: &Server) {
    let image = "/iiif-img/v3/1/1/kept";
    for path in [
        image_path("kept"),
        "/customers/1/spaces/1/images".to_owned(),
        format!("{image}/info.json"),
        format!("{image}/0,0,512,512/512,512/0/default.jpg"),
        format!("{image}/full/301,/0/default.jpg"),
        "/iiif-manifest/v3/1/1/kept".to_owned(),
    ] {
        let answer = server.get(Persona::Admin, &path).await;
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
    }
}

async fn only_deletions_are_accepted(server: &Server, registered: &str) {
    let origin = json!({ "origin": "https://example.org/a" });
    for (method, path, body) in [
        (Method::PUT, image_path("new"), &origin),
        (Method::PATCH, image_path("kept"), &json!({ "string1": "changed" })),
        (Method::POST, "/customers/1/spaces".to_owned(), &json!({ "name": "another" })),
    ] {
        let request = server.request(Persona::Admin, method, &path).json(body);
        is_storage_full(request.send().await.expect("the server answers")).await;
    }
    let path = image_path(registered);
    // A part of the reserve is given up when a deletion was refused and somebody has looked, which
    // is twice a second.
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let deleted = server.request(Persona::Admin, Method::DELETE, &path).send().await;
        let deleted = deleted.expect("the server answers");
        if deleted.status().is_success() {
            break;
        }
        assert!(Instant::now() < deadline, "nothing can be deleted");
        is_storage_full(deleted).await;
    }
    let deadline = Instant::now() + PATIENCE;
    while server.get(Persona::Admin, &path).await.status() != StatusCode::GONE {
        assert!(Instant::now() < deadline, "the read models do not follow");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
