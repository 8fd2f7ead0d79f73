//! Who did what, for people and their tools: the trail as lines and CSV, events as CloudEvents.

use crate::support::fixtures::png;
use crate::support::server::{Persona, Server, image_path};
use crate::support::workspace_root;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::io::Write;
use std::process::{Command, Stdio};

async fn text(server: &Server, path: &str, accept: &str) -> (String, String) {
    let request = server.request(Persona::Admin, Method::GET, path).header("accept", accept);
    let answer = request.send().await.expect("an answer");
    assert_eq!(answer.status(), StatusCode::OK, "{path}");
    let media_type = answer.headers()["content-type"].to_str().expect("ASCII").to_owned();
    (media_type, answer.text().await.expect("a body"))
}

async fn filled() -> Server {
    let server = Server::start();
    server.space(1).await;
    // A name with all that CSV must quote.
    server.upload("a, \"b\".png", png(20, 20)).await;
    server.upload("two.png", png(20, 20)).await;
    server.send(Method::PATCH, &image_path("two.png"), &json!({"string1": "x"})).await;
    server.projected().await;
    server
}

#[tokio::test]
async fn the_trail_is_told_in_lines_and_in_csv() {
    let server = filled().await;
    let (media_type, lines) = text(&server, "/customers/1/audit", "*/*").await;
    assert_eq!(media_type, "application/x-ndjson");
    let lines: Vec<Value> =
        lines.lines().map(|it| serde_json::from_str(it).expect("JSON")).collect();
    let positions: Vec<_> = lines.iter().map(|it| it["position"].as_u64()).collect();
    assert!(positions.is_sorted() && positions.len() > 6, "{positions:?}");

    let (media_type, csv) = text(&server, "/customers/1/audit", "text/csv").await;
    assert!(media_type.starts_with("text/csv"), "{media_type}");
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let names = reader.headers().expect("a header").clone();
    let records: Vec<_> = reader.records().map(|it| it.expect("a record")).collect();
    assert_eq!(records.len(), lines.len());
    for (record, line) in records.iter().zip(&lines) {
        for (name, cell) in names.iter().zip(record) {
            let value = match &line[name] {
                Value::Null => String::new(),
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            assert_eq!(cell, value, "{name}");
        }
    }
    let asked = [
        ("resource=asset-1/1/two.png", "resource", "asset-1/1/two.png"),
        ("type=asset.metadata_changed", "type", "asset.metadata_changed"),
    ];
    for (query, name, value) in asked {
        let (_, found) = text(&server, &format!("/customers/1/audit?{query}"), "*/*").await;
        let expected = lines.iter().filter(|it| it[name] == value).count();
        assert!(expected > 0, "{query}");
        assert_eq!(found.lines().count(), expected, "{query}");
        assert!(found.lines().all(|it| it.contains(value)), "{found}");
    }
    let (_, late) = text(&server, "/customers/1/audit?from=2100-01-01T00:00:00Z", "*/*").await;
    assert_eq!(late, "");
    let (_, none) = text(&server, "/customers/1/audit?actor=nobody&format=csv", "*/*").await;
    assert_eq!(none.lines().count(), 1, "the header alone: {none}");
    for wrong in ["format=xml", "from=yesterday"] {
        let answer = server.get(Persona::Admin, &format!("/customers/1/audit?{wrong}")).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{wrong}");
    }
    let nobody = server.get(Persona::Anonymous, "/customers/1/audit").await;
    assert_eq!(nobody.status(), StatusCode::UNAUTHORIZED);
}

/// Read by the SDK of the standard's own people.
#[tokio::test]
async fn events_are_cloud_events() {
    const PROGRAM: &str = "
import json, sys
from cloudevents.http import from_json
for line in sys.stdin:
    event = from_json(line)
    print(json.dumps([event['specversion'], event['type'], event['subject'], event['sequence'],
        event['time'], event.data is not None]))
";
    let server = filled().await;
    let output = server.command(&["events", "--cloudevents"]);
    assert!(output.status.success(), "{output:?}");
    let events = String::from_utf8(output.stdout).expect("UTF-8");
    let plain = server.command(&["events", "--json"]).stdout;
    let plain: Vec<Value> = String::from_utf8(plain)
        .expect("UTF-8")
        .lines()
        .map(|it| serde_json::from_str(it).expect("JSON"))
        .collect();
    let parsed: Vec<Value> =
        events.lines().map(|it| serde_json::from_str(it).expect("JSON")).collect();
    assert_eq!(parsed.len(), plain.len());
    for (cloud, plain) in parsed.iter().zip(&plain) {
        assert_eq!(cloud["id"], plain["event_id"]);
        assert_eq!(cloud["data"], plain["payload"]);
        assert_eq!(cloud["actor"], plain["metadata"]["actor"]);
        let name = |it: &str| it.bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit());
        assert!(cloud.as_object().expect("an object").keys().all(|it| name(it)), "{cloud}");
    }
    let python = workspace_root().join(".cache/python/bin/python");
    if !python.exists() {
        eprintln!("SKIPPED: the SDK of CloudEvents is not there; run `make setup`");
        assert!(std::env::var_os("CI").is_none(), "CI has it");
        return;
    }
    let mut reader = Command::new(python);
    reader.args(["-c", PROGRAM]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut reader = reader.spawn().expect("python starts");
    let mut input = reader.stdin.take().expect("piped");
    input.write_all(events.as_bytes()).expect("it reads");
    drop(input);
    let output = reader.wait_with_output().expect("python ends");
    assert!(output.status.success());
    let read = String::from_utf8(output.stdout).expect("UTF-8");
    assert_eq!(read.lines().count(), plain.len());
    for (line, plain) in read.lines().zip(&plain) {
        let [version, kind, subject, sequence, time, has_data]: [Value; 6] =
            serde_json::from_str(line).expect("JSON");
        let (kind, sequence) = (kind.as_str().expect("text"), sequence.as_str().expect("text"));
        assert_eq!((version, has_data), (json!("1.0"), json!(true)));
        assert_eq!(kind.strip_prefix("io.dlcs."), plain["type"].as_str());
        assert_eq!(subject, plain["stream"]);
        assert_eq!(sequence.parse::<u64>().ok(), plain["position"].as_u64());
        assert_eq!(time, plain["recorded_at"]);
    }
}
