//! R1: the server is killed in the middle of registering and ingesting, at seeded moments.
//!
//! Ten moments in every run; a hundred with `make torture` (`DLCS_TORTURE=long`).

use crate::support::fixtures::png;
use crate::support::server::{KEY, SECRET, Server};
use crate::support::{Random, is_long, seed};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const WRITERS: u64 = 8;

/// What clients were told: ids whose registration was acknowledged, and all that were sent.
#[derive(Default)]
struct Told {
    acknowledged: BTreeSet<String>,
    sent: BTreeSet<String>,
}

#[tokio::test(flavor = "multi_thread")]
async fn torture_kill_9_loses_and_doubles_nothing() {
    let kills = if is_long() { 100 } else { 10 };
    let seed = seed();
    eprintln!("torture: seed {seed}, {kills} kills");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let told = Arc::new(Mutex::new(Told::default()));
    let mut random = Random(seed);
    for round in 0..kills {
        let moment = Duration::from_millis(5 + random.below(495));
        kill_at(folder.path(), round, moment, &told).await;
    }
    judge(folder.path(), &told).await;
}

/// Lets writers register until the moment has come.
async fn kill_at(folder: &Path, round: u64, moment: Duration, told: &Arc<Mutex<Told>>) {
    let mut server = Server::start_on(folder, &[]);
    if round == 0 {
        server.space(1).await;
    }
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| tokio::spawn(write(server.base.clone(), round, writer, Arc::clone(told))))
        .collect();
    tokio::time::sleep(moment).await;
    server.kill();
    for writer in writers {
        writer.await.expect("a writer ends when the server is gone");
    }
}

async fn write(base: String, round: u64, writer: u64, told: Arc<Mutex<Told>>) {
    let http = reqwest::Client::new();
    let picture = png(120, 80);
    for n in 0.. {
        let id = format!("r{round}-w{writer}-{n}");
        told.lock().expect("no panic").sent.insert(id.clone());
        let url = format!("{base}/customers/1/spaces/1/images/{id}/content");
        let request = http.put(url).basic_auth(KEY, Some(SECRET)).body(picture.clone());
        match request.send().await {
            Ok(answer) if answer.status().is_success() => {
                told.lock().expect("no panic").acknowledged.insert(id);
            }
            Ok(answer) => panic!("{id}: {}", answer.status()),
            Err(_) => return,
        }
    }
}

/// Starts once more and compares what is there with what clients were told.
async fn judge(folder: &Path, told: &Mutex<Told>) {
    let begun = std::time::Instant::now();
    let server = Server::start_on(folder, &[]);
    let ready = begun.elapsed();
    let registered = registered(&server);
    let (acknowledged, sent) = {
        let told = told.lock().expect("no panic");
        (told.acknowledged.clone(), told.sent.clone())
    };
    let found: BTreeSet<String> = registered.iter().cloned().collect();
    assert_eq!(found.len(), registered.len(), "an asset is registered twice");
    let lost: Vec<_> = acknowledged.difference(&found).collect();
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    let invented: Vec<_> = found.difference(&sent).collect();
    assert!(invented.is_empty(), "never sent: {invented:?}");
    for id in &registered {
        let image = server.settled(id).await;
        assert!(image["error"].is_null(), "{id}: {image}");
        assert_eq!(image["width"], 120, "{id}: {image}");
    }
    let output = server.command(&["replay"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    eprintln!(
        "torture: {} sent, {} acknowledged, {} there, 0 lost, 0 doubled, ready in {ready:?}",
        sent.len(),
        acknowledged.len(),
        found.len()
    );
}

/// Ids of the registered assets, by the history.
fn registered(server: &Server) -> Vec<String> {
    let output = server.command(&["events", "--json", "--type", "asset.registered"]);
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let stream = |line: &str| {
        let event: Value = serde_json::from_str(line).expect("JSON");
        event["stream"].as_str().expect("a stream").trim_start_matches("asset-1/1/").to_owned()
    };
    text.lines().map(stream).collect()
}
