//! R22, R23: a backup made under load is a prefix of the history, whole; a damaged one is refused.

use crate::support::fixtures::png;
use crate::support::server::{KEY, Persona, SECRET, Server, dlcs, image_path};
use crate::support::stores::{self, new_database};
use reqwest::Method;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

fn run(data: &Path, args: &[&str]) -> Output {
    dlcs().args(args).arg("--data").arg(data).output().expect("the program runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Registers pictures until it is told to stop; notes what was acknowledged, in order.
async fn write(base: String, stop: Arc<AtomicBool>, acknowledged: Arc<Mutex<Vec<String>>>) {
    let http = reqwest::Client::new();
    for n in 0.. {
        if stop.load(Ordering::SeqCst) {
            return;
        }
        let id = format!("late-{n}");
        let request = http.put(format!("{base}{}/content", image_path(&id)));
        let request = request.basic_auth(KEY, Some(SECRET)).body(png(64, 48));
        let answer = request.send().await.expect("the server answers");
        assert!(answer.status().is_success(), "{id}: {}", answer.status());
        acknowledged.lock().expect("no panic").push(id);
    }
}

fn lines(output: &Output) -> Vec<String> {
    assert!(output.status.success(), "{output:?}");
    text(&output.stdout).lines().map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_under_load_is_restored_to_a_prefix_of_the_history() {
    if !stores::are_embedded() {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (file, restored) = (folder.path().join("b.tar"), folder.path().join("restored"));
    let server = Server::start();
    server.space(1).await;
    for n in 0..10 {
        server.upload(&format!("early-{n}"), png(120, 80)).await;
    }
    let (stop, acknowledged) = (Arc::new(AtomicBool::new(false)), Arc::default());
    let writing =
        tokio::spawn(write(server.base.clone(), Arc::clone(&stop), Arc::clone(&acknowledged)));
    let before: Vec<String> = wait_for_some(&acknowledged).await;
    let made = run(server.data(), &["backup", file.to_str().expect("UTF-8")]);
    assert!(made.status.success(), "{}", text(&made.stderr));
    stop.store(true, Ordering::SeqCst);
    writing.await.expect("the writer ends");
    let whole = lines(&server.command(&["events", "--json"]));

    let put = run(&restored, &["restore", file.to_str().expect("UTF-8")]);
    assert!(put.status.success(), "{}", text(&put.stderr));
    let again = Server::start_on(&restored, &[]);
    let history = lines(&again.command(&["events", "--json"]));
    // The restored server may have gone on with what was unfinished.
    let shared = history.iter().zip(&whole).take_while(|(left, right)| left == right).count();
    let ids = registered(&history[..shared]);
    for id in before.iter().cloned().chain((0..10).map(|n| format!("early-{n}"))) {
        assert!(ids.contains(&id), "{id} was acknowledged before the backup began");
    }
    for id in &ids {
        let image = again.settled(id).await;
        assert!(image["error"].is_null(), "{id}: {image}");
        let tile = format!("/iiif-img/v3/1/1/{id}/full/max/0/default.jpg");
        let answer = again.get(Persona::Anonymous, &tile).await;
        assert!(answer.status().is_success(), "{id}: {}", answer.status());
    }
    let replay = again.command(&["replay"]);
    assert_eq!(text(&replay.stdout).trim(), "equal", "{replay:?}");
}

async fn wait_for_some(acknowledged: &Mutex<Vec<String>>) -> Vec<String> {
    loop {
        let so_far = acknowledged.lock().expect("no panic").clone();
        if so_far.len() >= 5 {
            return so_far;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

/// Ids of the assets that a history registers.
fn registered(history: &[String]) -> BTreeSet<String> {
    let events = history.iter().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let streams = events
        .filter(|event| event["type"] == "asset.registered")
        .map(|event| event["stream"].as_str().expect("a stream").to_owned());
    streams.map(|it| it.trim_start_matches("asset-1/1/").to_owned()).collect()
}

#[tokio::test]
async fn a_damaged_backup_is_refused_and_leaves_nothing() {
    if !stores::are_embedded() {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("b.tar");
    let server = Server::start();
    server.space(1).await;
    server.upload("a", png(120, 80)).await;
    let made = run(server.data(), &["backup", file.to_str().expect("UTF-8")]);
    assert!(made.status.success(), "{}", text(&made.stderr));
    let whole = std::fs::read(&file).expect("readable");
    let restored = folder.path().join("restored");
    let refused = |bytes: &[u8]| {
        std::fs::write(&file, bytes).expect("writable");
        let output = run(&restored, &["restore", file.to_str().expect("UTF-8")]);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        assert!(!restored.exists(), "something was left");
        text(&output.stderr)
    };
    let cut = refused(&whole[..whole.len() / 2]);
    assert!(cut.contains("damaged"), "{cut}");
    let mut flipped = whole.clone();
    let place = whole.windows(6).position(|it| it == b"events").expect("the log is in it") + 5_000;
    flipped[place] ^= 1;
    let named = refused(&flipped);
    assert!(named.contains("events.sqlite"), "{named}");
    let others = std::fs::read_dir(folder.path()).expect("readable");
    assert_eq!(others.count(), 1, "only the backup itself is left");
    std::fs::write(&file, whole).expect("writable");
    let occupied = run(server.data(), &["restore", file.to_str().expect("UTF-8")]);
    assert!(text(&occupied.stderr).contains("is not empty"), "{occupied:?}");
}

/// The way that `docs/backup.md` describes for PostgreSQL.
#[tokio::test(flavor = "multi_thread")]
async fn postgresql_is_dumped_and_restored_as_documented() {
    let (from, to) = (new_database(), new_database());
    let folder = tempfile::tempdir().expect("a temporary folder");
    let objects = format!("file://{}", folder.path().join("objects").display());
    let over = |url: &str| {
        vec![
            ("DLCS_EVENT_STORE", url.to_owned()),
            ("DLCS_READ_STORE", url.to_owned()),
            ("DLCS_OBJECTS", objects.clone()),
        ]
    };
    let dump = folder.path().join("dlcs.dump");
    let before = {
        let server = Server::start_over(over(&from), &[]);
        server.space(1).await;
        server.upload("a", png(120, 80)).await;
        let mut pg_dump = Command::new("pg_dump");
        pg_dump.args(["--format=custom", "--schema=dlcs_log", "--schema=dlcs_control"]);
        let dumped = pg_dump.arg("--file").arg(&dump).arg(&from).output().expect("pg_dump runs");
        assert!(dumped.status.success(), "{}", text(&dumped.stderr));
        lines(&server.command(&["events", "--json"]))
    };
    let mut pg_restore = Command::new("pg_restore");
    let restored = pg_restore.args(["--dbname", &to]).arg(&dump).output().expect("it runs");
    assert!(restored.status.success(), "{}", text(&restored.stderr));
    let server = Server::start_over(over(&to), &[]);
    assert_eq!(lines(&server.command(&["events", "--json"])), before);
    let tile = "/iiif-img/v3/1/1/a/full/max/0/default.jpg";
    assert!(server.get(Persona::Anonymous, tile).await.status().is_success());
    let replay = server.command(&["replay"]);
    assert_eq!(text(&replay.stdout).trim(), "equal", "{replay:?}");
    let (status, _) =
        server.send(Method::PUT, "/customers/1/spaces/2", &serde_json::json!({"name": "n"})).await;
    assert!(status.is_success(), "it goes on");
}
