//! Tests of `control`.

use super::PostgresControl;
use crate::connection::Database;
use crate::testing::{TestServer, database_name};
use bytes::Bytes;
use dlcs_commands::idempotency::{IdempotencyKey, IdempotencyStore, StoredAnswer};
use dlcs_eventlog::Position;
use dlcs_eventlog::consumers::{ConsumerName, ConsumerStore};
use uuid::Uuid;

async fn open() -> PostgresControl {
    let url = TestServer::shared().new_database().await;
    let control = PostgresControl::open(Database::connect(&url).await.unwrap()).await.unwrap();
    PostgresControl { believes_callers: true, ..control }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_consumer_store_conforms() {
    dlcs_eventlog::conformance::consumer_store(open).await;
}

#[tokio::test]
async fn sessions_are_kept() {
    dlcs_commands::sessions::conformance(&open().await).await;
}

#[tokio::test]
async fn passwords_are_kept() {
    dlcs_commands::passwords::conformance(&open().await).await;
}

#[tokio::test]
async fn webhooks_are_kept() {
    dlcs_commands::webhooks::conformance(&open().await).await;
}

#[tokio::test]
async fn what_was_written_is_there_after_opening_again() {
    let url = TestServer::shared().new_database().await;
    let consumer = ConsumerName("ingest".into());
    let control = PostgresControl::open(Database::connect(&url).await.unwrap()).await.unwrap();
    control.advance(&consumer, Position::START, Position(u64::MAX)).await.unwrap();
    control.set_setting("signer", b"\x00last").await.unwrap();
    drop(control);
    let control = PostgresControl::open(Database::connect(&url).await.unwrap()).await.unwrap();
    assert_eq!(control.checkpoint(&consumer).await.unwrap(), Position(u64::MAX));
    assert_eq!(control.setting("signer").await.unwrap().unwrap(), b"\x00last");
}

#[tokio::test]
async fn the_store_is_found_again_after_its_connections_were_ended() {
    let url = TestServer::shared().new_database().await;
    let control = PostgresControl::open(Database::connect(&url).await.unwrap()).await.unwrap();
    let kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE datname = current_database() AND pid <> pg_backend_pid()";
    for n in 0..10_u8 {
        control.set_setting("n", &[n]).await.unwrap();
        TestServer::shared().execute(database_name(&url), kill).await;
        assert_eq!(control.setting("n").await.unwrap().unwrap(), [n]);
    }
}

#[tokio::test]
async fn a_setting_is_made_once_and_can_be_changed() {
    let control = open().await;
    assert_eq!(control.setting("id").await.unwrap(), None);
    assert_eq!(control.setting_or("id", b"first").await.unwrap(), b"first");
    assert_eq!(control.setting_or("id", b"second").await.unwrap(), b"first");
    control.set_setting("id", b"third").await.unwrap();
    assert_eq!(control.setting("id").await.unwrap().unwrap(), b"third");
    control.remove_setting("id").await.unwrap();
    assert_eq!(control.setting("id").await.unwrap(), None);
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
    let control = open().await;
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
