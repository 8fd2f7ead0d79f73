//! The tamper-evident log, as an auditor uses it who has nothing but a file, or an address.

mod http;
mod others;
mod replay;
mod tampering;

use crate::support::fixtures::png;
use crate::support::server::{Server, dlcs};
use serde_json::Value;
use std::path::Path;
use std::process::Output;

fn said(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

/// Verifies without any data folder.
fn verify(file: &Path, more: &[&str]) -> (Option<i32>, String) {
    let empty = tempfile::tempdir().expect("a folder");
    let mut verify = dlcs();
    verify.current_dir(empty.path()).args(["audit", "verify"]).arg(file).args(more);
    let output = verify.output().expect("the program runs");
    (output.status.code(), String::from_utf8(output.stdout).expect("UTF-8").trim().to_owned())
}

async fn uploads(server: &Server, names: std::ops::Range<u32>) {
    for n in names {
        server.upload(&format!("page-{n}"), png(20 + n, 30)).await;
    }
}

/// Makes spaces until the history has some number of events; returns how many it has.
async fn filled(server: &Server, events: u64) -> u64 {
    loop {
        let known = said(&server.command(&["events", "--json"])).lines().count() as u64;
        if known >= events {
            return known;
        }
        let number = u32::try_from(known).expect("a small history");
        for number in number..number + u32::try_from((events - known).div_ceil(3)).expect("few") {
            server.space(number + 1).await;
        }
    }
}

/// Says whether a proof, as the command and GraphQL write it, is of an event.
fn proof_holds(server: &Server, proof: &Value, index: u64) -> bool {
    let key = said(&server.command(&["audit", "key"]));
    let key: dlcs_audit::VerifierKey = key.parse().expect("a verifier key");
    let checkpoint = key.verify(proof["checkpoint"].as_str().expect("a note")).expect("signed");
    let hashes: Vec<dlcs_audit::Hash> = proof["proof"]
        .as_array()
        .expect("hashes")
        .iter()
        .map(|it| hex::decode(it.as_str().expect("text")).expect("hexadecimal"))
        .map(|it| it.try_into().expect("32 bytes"))
        .collect();
    let record = proof["record"].as_str().expect("a record");
    let leaf = dlcs_audit::tree::leaf_hash(record.as_bytes());
    let (size, root) = (checkpoint.size, &checkpoint.root);
    dlcs_audit::tree::verify_inclusion(&leaf, index, size, &hashes, root)
}

/// Export, key and checkpoint of a server that goes on afterwards.
struct Kept {
    folder: tempfile::TempDir,
    key: String,
}

impl Kept {
    fn of(server: &Server) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let kept = Self { folder, key: said(&server.command(&["audit", "key"])).trim().to_owned() };
        let checkpoint = said(&server.command(&["audit", "checkpoint"]));
        std::fs::write(kept.folder.path().join("checkpoint"), checkpoint).expect("room");
        kept
    }

    fn export(&self, server: &Server, name: &str) -> std::path::PathBuf {
        let file = self.folder.path().join(name);
        said(&server.command(&["audit", "export", file.to_str().expect("UTF-8")]));
        file
    }

    fn verify(&self, file: &Path) -> (Option<i32>, String) {
        let checkpoint = self.folder.path().join("checkpoint");
        let checkpoint = checkpoint.to_str().expect("UTF-8");
        verify(file, &["--public-key", &self.key, "--checkpoint", checkpoint])
    }
}

#[tokio::test]
async fn an_export_is_verified_without_a_server_and_every_change_is_found() {
    let server = Server::start();
    server.space(1).await;
    uploads(&server, 0..2).await;
    let kept = Kept::of(&server);
    uploads(&server, 2..4).await;
    let file = kept.export(&server, "export.ndjson");
    let (status, text) = kept.verify(&file);
    assert_eq!(status, Some(0), "{text}");
    let events = String::from_utf8(server.command(&["events", "--json"]).stdout).expect("UTF-8");
    let last: Value = serde_json::from_str(events.lines().last().expect("events")).expect("JSON");
    let count = events.lines().count();
    let valid = format!("valid: {count} events up to position {}", last["position"]);
    assert!(text.starts_with(&valid), "{text}");

    let whole = std::fs::read_to_string(&file).expect("an export");
    let lines: Vec<&str> = whole.lines().collect();
    let with = |lines: Vec<String>| {
        let changed = kept.folder.path().join("changed.ndjson");
        std::fs::write(&changed, lines.join("\n") + "\n").expect("room");
        kept.verify(&changed)
    };
    let owned = || lines.iter().map(|it| (*it).to_owned()).collect::<Vec<String>>();
    // Line 0 is the header, and line n + 1 is event n.
    let mut changed = owned();
    assert!(changed[4].contains("{\\\"number\\\":1}"), "{}", changed[4]);
    changed[4] = changed[4].replace("{\\\"number\\\":1}", "{\\\"number\\\":7}");
    assert_eq!(
        with(changed),
        (Some(1), "not valid: event 3: it is not what the tile of its hashes says".into())
    );
    let mut dropped = owned();
    dropped.remove(6);
    assert_eq!(
        with(dropped),
        (Some(1), "not valid: event 5: it is missing: event 6 follows".into())
    );
    let mut swapped = owned();
    swapped.swap(2, 3);
    assert_eq!(
        with(swapped),
        (Some(1), "not valid: event 1: it is missing: event 2 follows".into())
    );
    let (status, text) = with(owned()[..lines.len() - 1].to_vec());
    assert_eq!((status, text.contains("ends before its seal")), (Some(1), true), "{text}");
    let (status, text) = verify(&file, &["--public-key", "x+00000000+AQ=="]);
    assert_eq!((status, text.as_str()), (Some(1), ""), "no key at all");
}

#[tokio::test]
async fn a_history_that_forgot_something_is_not_signed_again() {
    if !crate::support::stores::are_embedded() {
        return;
    }
    let mut server = Server::start();
    server.space(1).await;
    uploads(&server, 0..2).await;
    let kept = Kept::of(&server);
    server.projected().await;
    server.kill();
    // Somebody with the disk in hand takes the guards away and changes an event.
    let events = server.data().join("events.sqlite");
    let program = "import sqlite3,sys\nc=sqlite3.connect(sys.argv[1])\n\
        for (name,) in list(c.execute(\"SELECT name FROM sqlite_master WHERE type='trigger'\")):\n\
        \x20   c.execute('DROP TRIGGER '+name)\n\
        c.execute(\"UPDATE events SET payload = CAST('{\\\"number\\\":7}' AS BLOB) WHERE position = 4\")\n\
        assert c.total_changes == 1\nc.commit()";
    let status = std::process::Command::new("python3").args(["-c", program]).arg(&events).status();
    assert!(status.expect("python runs").success());
    let refused = server.command(&["audit", "checkpoint"]);
    assert_eq!(refused.status.code(), Some(1));
    let text = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(text.contains("event 3 is not the one that was recorded"), "{text}");
    let file = kept.folder.path().join("forged.ndjson");
    let refused = server.command(&["audit", "export", file.to_str().expect("UTF-8")]);
    assert_eq!((refused.status.code(), file.exists()), (Some(1), false), "{refused:?}");
}

#[tokio::test]
async fn an_event_is_proved() {
    let server = Server::start();
    server.space(1).await;
    uploads(&server, 0..1).await;
    let proof = said(&server.command(&["audit", "prove", "3"]));
    let proof: Value = serde_json::from_str(&proof).expect("JSON");
    let record = proof["record"].as_str().expect("a record");
    let lines: Vec<&str> = record.lines().collect();
    assert_eq!((lines.len(), lines[0], lines[1]), (11, "dlcs.io/event/v1", "3"), "{record}");
    assert!(proof_holds(&server, &proof, 3) && !proof_holds(&server, &proof, 2));
    let beyond = server.command(&["audit", "prove", "9999"]);
    assert_eq!(beyond.status.code(), Some(1));
}

#[tokio::test]
async fn a_death_while_signing_is_repeated_without_harm() {
    let server = Server::start();
    let file = server.data().join("audit-checkpoint");
    let mut kept = said(&server.command(&["audit", "checkpoint"]));
    for (number, point, is_kept) in [(1, "audit.before-keep", false), (2, "audit.after-keep", true)]
    {
        server.space(number).await;
        let mut command = server.prepare(&["audit", "checkpoint"]);
        let output = command.env("FAILPOINTS", format!("{point}=panic")).output();
        let output = output.expect("the program runs");
        assert_eq!((output.status.code(), output.stdout.is_empty()), (None, true), "{point}");
        let now = std::fs::read_to_string(&file).expect("a checkpoint");
        assert_eq!(now.trim_end() != kept.trim_end(), is_kept, "{point}");
        // Whoever died holds no lock.
        kept = said(&server.command(&["audit", "checkpoint"]));
        assert_eq!(std::fs::read_to_string(&file).expect("it").trim_end(), kept.trim_end());
    }
    let response =
        server.get(crate::support::server::Persona::Anonymous, "/audit/checkpoint").await;
    assert_eq!(response.status(), reqwest::StatusCode::OK);
}
