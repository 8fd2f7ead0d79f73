//! Tests of `control`.

use super::SqliteControl;
use bytes::Bytes;
use dlcs_commands::idempotency::{IdempotencyKey, IdempotencyStore, StoredAnswer};
use dlcs_eventlog::Position;
use dlcs_eventlog::consumers::{ConsumerName, ConsumerStore};
use std::sync::Mutex;
use tempfile::TempDir;
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_consumer_store_conforms() {
    let folders = Mutex::new(Vec::<TempDir>::new());
    dlcs_eventlog::conformance::consumer_store(async || {
        let folder = tempfile::tempdir().unwrap();
        let control = SqliteControl::open(&folder.path().join("control.sqlite")).unwrap();
        folders.lock().unwrap().push(folder);
        control
    })
    .await;
}

#[tokio::test]
async fn sessions_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let control = SqliteControl::open(&folder.path().join("control.sqlite")).unwrap();
    dlcs_commands::sessions::conformance(&control).await;
}

#[tokio::test]
async fn passwords_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let control = SqliteControl::open(&folder.path().join("control.sqlite")).unwrap();
    dlcs_commands::passwords::conformance(&control).await;
}

#[tokio::test]
async fn webhooks_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let control = SqliteControl::open(&folder.path().join("control.sqlite")).unwrap();
    dlcs_commands::webhooks::conformance(&control).await;
}

#[tokio::test]
async fn what_was_written_is_there_after_opening_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("control.sqlite");
    let consumer = ConsumerName("ingest".into());
    let control = SqliteControl::open(&path).unwrap();
    control.advance(&consumer, Position::START, Position(u64::MAX)).await.unwrap();
    control.set_setting("signer", b"\x00last").await.unwrap();
    drop(control);
    let control = SqliteControl::open(&path).unwrap();
    assert_eq!(control.checkpoint(&consumer).await.unwrap(), Position(u64::MAX));
    assert_eq!(control.setting("signer").await.unwrap().unwrap(), b"\x00last");
}

#[tokio::test]
async fn a_setting_is_made_once_and_can_be_changed() {
    let folder = tempfile::tempdir().unwrap();
    let control = SqliteControl::open(&folder.path().join("control.sqlite")).unwrap();
    assert_eq!(control.setting("id").await.unwrap(), None);
    assert_eq!(control.setting_or("id", b"first").await.unwrap(), b"first");
    assert_eq!(control.setting_or("id", b"second").await.unwrap(), b"first");
    control.set_setting("id", b"third").await.unwrap();
    assert_eq!(control.setting("id").await.unwrap().unwrap(), b"third");
    control.remove_setting("id").await.unwrap();
    assert_eq!(control.setting("id").await.unwrap(), None);
}

#[tokio::test]
async fn work_that_fails_leaves_nothing_and_spoils_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let control = SqliteControl::open(&folder.path().join("control.sqlite")).unwrap();
    let failing = control.writer.run(|connection| {
        connection.execute("INSERT INTO settings (name, value) VALUES ('half', x'00')", [])?;
        connection.execute("INSERT INTO settings (name, value) VALUES ('half', x'00')", [])
    });
    let (failed, other) = tokio::join!(failing, control.set_setting("other", b"kept"));
    assert!(failed.is_err());
    other.unwrap();
    assert_eq!(control.setting("half").await.unwrap(), None);
    assert_eq!(control.setting("other").await.unwrap().unwrap(), b"kept");
}

fn answer(key: &str, answered_at_us: i64) -> StoredAnswer {
    StoredAnswer {
        key: IdempotencyKey { scope: "key-1/1".into(), key: key.into() },
        body_sha256: "ab".repeat(32),
        command_id: Uuid::from_u128(7),
        status: 201,
        location: Some("/customers/1/spaces/2".into()),
        content_type: None,
        body: Bytes::from_static(b"{\n}\x00"),
        position: Position(9),
        answered_at_us,
    }
}

#[tokio::test]
async fn an_answer_is_kept_replaced_and_forgotten_by_age() {
    let folder = tempfile::tempdir().unwrap();
    let control = SqliteControl::open(&folder.path().join("control.sqlite")).unwrap();
    let (old, young) = (answer("old", 10), answer("young", 20));
    assert_eq!(control.get(&old.key).await.unwrap(), None);
    control.put(StoredAnswer { status: 200, ..old.clone() }).await.unwrap();
    control.put(old.clone()).await.unwrap();
    control.put(young.clone()).await.unwrap();
    assert_eq!(control.get(&old.key).await.unwrap(), Some(old.clone()));
    let other = IdempotencyKey { scope: "key-2/1".into(), ..old.key.clone() };
    assert_eq!(control.get(&other).await.unwrap(), None, "scopes do not meet");
    assert_eq!(control.purge(20).await.unwrap(), 1);
    assert_eq!(control.get(&old.key).await.unwrap(), None);
    assert_eq!(control.get(&young.key).await.unwrap(), Some(young));
}
