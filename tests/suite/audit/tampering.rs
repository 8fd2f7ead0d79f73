//! Somebody with the disk in hand changes the log behind the server's back: every change is found,
//! and the first wrong event named.
//!
//! 30 changes in every run, 1,000 with `make torture`; `DLCS_SEED` chooses which.

use super::{filled, said};
use crate::support::server::{Persona, Server};
use crate::support::{Random, is_long, seed, stores};
use reqwest::StatusCode;
use std::path::Path;
use std::process::Command;

/// Changes the log, and says so: takes the guards away, keeps what was there, and puts it back when
/// it is told to.
const PROGRAM: &str = r#"
import sqlite3, sys
path, kept, kind = sys.argv[1], sys.argv[2], sys.argv[3]
at, more = int(sys.argv[4]), int(sys.argv[5])
c = sqlite3.connect(path, timeout=30, isolation_level=None)
c.execute("ATTACH ? AS kept", (kept,))
c.execute("BEGIN IMMEDIATE")
for (name,) in list(c.execute("SELECT name FROM main.sqlite_master WHERE type='trigger'")):
    c.execute('DROP TRIGGER "%s"' % name)
def flipped(value, bit):
    value = bytearray(value)
    value[bit // 8 % len(value)] ^= 1 << bit % 8
    return bytes(value)
first = at
if kind != 'restore':
    c.execute("CREATE TABLE IF NOT EXISTS kept.events AS SELECT * FROM main.events")
if kind == 'restore':
    c.execute("DELETE FROM main.events")
    c.execute("INSERT INTO main.events SELECT * FROM kept.events")
elif kind in ('payload', 'metadata', 'event_id'):
    (value,) = c.execute("SELECT %s FROM events WHERE position = ?" % kind, (at,)).fetchone()
    c.execute("UPDATE events SET %s = ? WHERE position = ?" % kind, (flipped(value, more), at))
elif kind in ('revision', 'schema_version', 'recorded_at_us'):
    bit = 10 + more % 20
    c.execute("UPDATE events SET {0} = ({0} | {1}) - ({0} & {1}) WHERE position = ?"
              .format(kind, 1 << bit), (at,))
elif kind in ('type', 'stream'):
    (value,) = c.execute("SELECT %s FROM events WHERE position = ?" % kind, (at,)).fetchone()
    c.execute("UPDATE events SET %s = CAST(? AS TEXT) WHERE position = ?" % kind,
              (flipped(value.encode(), more), at))
elif kind == 'drop':
    c.execute("DELETE FROM events WHERE position = ?", (at,))
elif kind == 'swap':
    (last,) = c.execute("SELECT max(position) FROM events").fetchone()
    other = 1 + more % last
    other = other if other != at else 1 + other % last
    for a, b in ((at, -1), (other, at), (-1, other)):
        c.execute("UPDATE events SET position = ? WHERE position = ?", (b, a))
    first = min(at, other)
elif kind == 'insert':
    c.execute("UPDATE events SET position = -position - 1 WHERE position >= ?", (at,))
    c.execute("UPDATE events SET position = -position WHERE position < 0")
    c.execute("""INSERT INTO events SELECT ?, randomblob(16), stream, 1000000, 0, type, schema_version,
                 recorded_at_us, payload, metadata FROM events WHERE position = ?""", (at, at + 1))
elif kind == 'truncate':
    c.execute("DELETE FROM events WHERE position >= ?", (at,))
elif kind == 'fork':
    c.execute("UPDATE events SET payload = CAST('{\"another\":true}' AS BLOB) WHERE position >= ?", (at,))
else:
    sys.exit('what is ' + kind + '?')
c.execute("COMMIT")
print(first)
"#;

const KINDS: [&str; 13] = [
    "payload",
    "metadata",
    "event_id",
    "revision",
    "schema_version",
    "recorded_at_us",
    "type",
    "stream",
    "drop",
    "swap",
    "insert",
    "truncate",
    "fork",
];

/// Changes a log, and returns the position of the first wrong event.
fn tamper(server: &Server, kept: &Path, kind: &str, at: u64, more: u64) -> u64 {
    let log = server.data().join("events.sqlite");
    let mut python = Command::new("python3");
    python.args(["-c", PROGRAM]).arg(log).arg(kept);
    let output = python.args([kind, &at.to_string(), &more.to_string()]).output();
    let text = said(&output.expect("python runs"));
    text.trim().parse().expect("a position")
}

/// Returns how many events there are: positions have no gap here.
async fn length(server: &Server) -> u64 {
    let events = said(&server.command(&["events", "--json"]));
    let last = events.lines().last().expect("events");
    let last: serde_json::Value = serde_json::from_str(last).expect("JSON");
    assert_eq!(last["position"], events.lines().count(), "positions without a gap");
    last["position"].as_u64().expect("a number")
}

#[tokio::test]
async fn every_change_of_the_log_is_found() {
    if !stores::are_embedded() {
        return;
    }
    let (seed, changes) = (seed(), if is_long() { 1_000 } else { 30 });
    eprintln!("tampering: seed {seed}, {changes} changes");
    let (mut server, kept) = (Server::start(), tempfile::tempdir().expect("a folder"));
    filled(&server, 280).await;
    said(&server.command(&["audit", "checkpoint"]));
    // What was seen and not signed yet is not less safe.
    filled(&server, 300).await;
    server.projected().await;
    let (length, kept) = (length(&server).await, kept.path().join("kept.sqlite"));
    // Running, it would take an event that was pushed behind the end for a new one.
    server.kill();
    let mut random = Random(seed);
    for number in 0..changes {
        let kind = KINDS[number % KINDS.len()];
        let (at, more) = (1 + random.below(length), random.below(1 << 20));
        let first = tamper(&server, &kept, kind, at, more);
        let refused = server.command(&["audit", "checkpoint"]);
        let text = String::from_utf8_lossy(&refused.stderr).into_owned();
        let what = format!("seed {seed}, change {number}: {kind} at {at}, {more}: {text}");
        assert_eq!(refused.status.code(), Some(1), "{what}");
        assert!(text.contains(&format!("event {} ", first - 1)), "{what}");
        assert!(text.contains("nothing is signed"), "{what}");
        tamper(&server, &kept, "restore", 0, 0);
    }
    said(&server.command(&["audit", "checkpoint"]));
}

/// Whoever changes log and read models needs the key, too.
#[tokio::test]
async fn a_history_that_was_rewritten_whole_is_not_signed() {
    if !stores::are_embedded() {
        return;
    }
    let (server, kept) = (Server::start(), tempfile::tempdir().expect("a folder"));
    let size = filled(&server, 40).await;
    said(&server.command(&["audit", "checkpoint"]));
    let kept = kept.path().join("kept.sqlite");
    tamper(&server, &kept, "fork", size / 2, 0);
    said(&server.command(&["projections", "rebuild", "audit-tree"]));
    let refused = server.command(&["audit", "checkpoint"]);
    let text = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(text.contains("are not those that were signed"), "{text}");
    let response = server.get(Persona::Anonymous, "/audit/checkpoint").await;
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    let problem: serde_json::Value = response.json().await.expect("JSON");
    assert_eq!(problem["code"], "history-changed", "{problem}");
    let metrics = server.get(Persona::Admin, "/metrics").await.text().await.expect("text");
    assert!(metrics.contains("dlcs_audit_checkpoints_total{outcome=\"refused\"} 1"), "{metrics}");
}

/// The end of the log goes: a server that runs says so at the next checkpoint.
#[tokio::test]
async fn a_server_whose_log_lost_its_end_signs_nothing() {
    if !stores::are_embedded() {
        return;
    }
    let (server, kept) = (Server::start(), tempfile::tempdir().expect("a folder"));
    let size = filled(&server, 20).await;
    server.projected().await;
    let kept = kept.path().join("kept.sqlite");
    tamper(&server, &kept, "truncate", size, 0);
    let response = server.get(Persona::Anonymous, "/audit/checkpoint").await;
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    tamper(&server, &kept, "restore", 0, 0);
    let response = server.get(Persona::Anonymous, "/audit/checkpoint").await;
    assert_eq!(response.status(), StatusCode::OK);
}
