//! The program as a process: locks, signals, exit statuses, commands beside a running server.

use crate::support::fixtures::png;
use crate::support::server::{Persona, Server, dlcs};
use serde_json::Value;
use std::time::Duration;

#[test]
fn a_second_server_on_one_data_folder_is_refused() {
    let server = Server::start();
    let output = dlcs()
        .args(["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(server.data())
        .output()
        .expect("the program runs");
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(15), "{text}");
    assert!(text.contains(&server.pid().to_string()), "{text}");
}

#[tokio::test]
async fn sigterm_ends_with_status_0_within_10_seconds() {
    let mut server = Server::start();
    server.space(1).await;
    // Work that is going on must not keep it.
    for n in 0..20 {
        let path = format!("/customers/1/spaces/1/images/i{n}/content");
        let request = server.request(Persona::Admin, reqwest::Method::PUT, &path);
        let answer = request.body(png(600, 400)).send().await.expect("the server answers");
        assert!(answer.status().is_success());
    }
    let (status, spent) = server.terminate();
    assert_eq!(status, Some(0));
    assert!(spent < Duration::from_secs(10), "{spent:?}");
}

#[test]
fn wrong_settings_end_with_status_2_and_a_suggestion() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("dlcs.toml");
    std::fs::write(&file, "lisen = \"127.0.0.1:0\"\n").expect("writable");
    let output = dlcs().arg("serve").arg("--config").arg(&file).output().expect("runs");
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("did you mean `listen`?"), "{text}");
}

#[tokio::test]
async fn the_history_is_printed_in_order_beside_a_running_server() {
    let server = Server::start();
    server.space(1).await;
    server.upload("a.png", png(64, 48)).await;
    let output = server.command(&["events", "--json"]);
    assert!(output.status.success());
    let lines: Vec<Value> = String::from_utf8(output.stdout)
        .expect("UTF-8")
        .lines()
        .map(|line| serde_json::from_str(line).expect("each line is JSON"))
        .collect();
    let positions: Vec<u64> =
        lines.iter().map(|line| line["position"].as_u64().expect("a position")).collect();
    assert!(positions.is_sorted(), "{positions:?}");
    let types: Vec<&str> = lines
        .iter()
        .filter(|line| line["stream"] == "asset-1/1/a.png")
        .map(|line| line["type"].as_str().expect("a type"))
        .collect();
    assert_eq!(types, ["asset.registered", "asset.ingest_started", "asset.ingest_delivered"]);
    for line in &lines {
        for key in ["revision", "schema_version", "recorded_at", "payload", "metadata"] {
            assert!(!line[key].is_null(), "{key} is missing in {line}");
        }
        assert!(line["metadata"]["actor"].is_string(), "{line}");
    }
    let filtered = server.command(&["events", "--json", "--type", "asset.registered"]);
    assert_eq!(String::from_utf8_lossy(&filtered.stdout).lines().count(), 1);
    let stream = server.command(&["events", "--json", "--stream", "asset-1/1/a.png"]);
    assert_eq!(String::from_utf8_lossy(&stream.stdout).lines().count(), 3);
}

#[tokio::test]
async fn secrets_are_nowhere_in_the_history() {
    let server = Server::start();
    server.space(1).await;
    server.upload("a.png", png(8, 8)).await;
    let output = server.command(&["events", "--json"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    for secret in [crate::support::server::SECRET, "127.0.0.1"] {
        assert!(!text.contains(secret), "{secret} is in the history");
    }
}

#[test]
fn doctor_says_what_is_well() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let output = dlcs().arg("doctor").arg("--data").arg(folder.path()).output().expect("runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("ok    image worker"), "{text}");
    assert!(text.contains("ok    settings"), "{text}");
    if std::env::var_os("CI").is_some() {
        assert!(output.status.success(), "{text}");
    }
}

#[test]
fn completions_are_printed_for_every_shell() {
    for shell in ["bash", "zsh", "fish"] {
        let output = dlcs().args(["completions", shell]).output().expect("runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success() && text.contains("register"), "{shell}: {text}");
    }
}
