//! Tests of `log`, on a real server.

mod faults;
mod processes;

use super::{PostgresImport, PostgresLog};
use crate::connection::{Database, OpenError};
use crate::testing::{TestServer, database_name};
use dlcs_eventlog::memory::MemoryLog;
use dlcs_eventlog::{
    Append, AppendError, Appended, Clock, EventId, EventLog, Expected, LogError, NewEvent,
    Position, RecordedEvent, StreamId, StreamRevision,
};
use std::sync::Arc;
use uuid::Uuid;

const NOW_US: i64 = 1_700_000_000_000_000;

fn still() -> Clock {
    Arc::new(|| NOW_US)
}

async fn open_at(url: &str) -> PostgresLog {
    let database = Database::connect(url).await.unwrap();
    PostgresLog::open(database, still()).await.unwrap()
}

async fn new_database() -> String {
    TestServer::shared().new_database().await
}

fn append(stream: &str, expected: Expected, ids: &[u128]) -> Append {
    let events = ids.iter().map(|id| NewEvent {
        event_id: EventId(Uuid::from_u128(*id)),
        type_name: "test.happened".into(),
        schema_version: 1,
        payload: format!(r#"{{"id":{id}}}"#).into(),
        metadata: "{}".into(),
    });
    Append { stream: StreamId::new("test", stream), expected, events: events.collect() }
}

async fn send(log: &PostgresLog, append: Append) -> Result<Appended, AppendError> {
    log.append(vec![append]).await.remove(0)
}

async fn read_everything(log: &PostgresLog) -> Vec<RecordedEvent> {
    log.read_all(Position::START, usize::MAX).await.unwrap()
}

/// Fails unless positions are dense and each stream's revisions are, in the same order.
fn check_history(events: &[RecordedEvent]) {
    let mut revisions = std::collections::HashMap::new();
    for (event, position) in events.iter().zip(1..) {
        assert_eq!(event.position, Position(position));
        let next = revisions.entry(event.stream.clone()).or_insert(0);
        assert_eq!(event.revision, StreamRevision(*next), "of {}", event.stream);
        *next += 1;
    }
    let ids: std::collections::HashSet<_> = events.iter().map(|it| it.event_id).collect();
    assert_eq!(ids.len(), events.len(), "no event twice");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_event_log_conforms() {
    dlcs_eventlog::conformance::event_log(async |clock| {
        let database = Database::connect(&new_database().await).await.unwrap();
        PostgresLog::open(database, clock).await.unwrap()
    })
    .await;
}

#[tokio::test]
async fn a_history_is_taken_over() {
    dlcs_eventlog::conformance::log_import(async || {
        let url = new_database().await;
        let database = Database::connect(&url).await.unwrap();
        let import = PostgresImport::open(database).await.unwrap();
        (import, async move || open_at(&url).await)
    })
    .await;
}

#[tokio::test]
async fn the_history_goes_on_after_opening_again() {
    let url = new_database().await;
    let log = open_at(&url).await;
    let first = append("a", Expected::NoStream, &[1, 2]);
    send(&log, first.clone()).await.unwrap();
    drop(log);
    let database = Database::connect(&url).await.unwrap();
    let log = PostgresLog::open(database, Arc::new(|| 0)).await.unwrap();
    assert_eq!(*log.head_hints().borrow(), Position(2), "the hint begins at the head");
    let again = send(&log, first).await;
    assert!(matches!(again, Err(AppendError::Duplicate { .. })));
    let expected = Expected::Revision(StreamRevision(1));
    let next = send(&log, append("a", expected, &[3])).await.unwrap();
    assert_eq!((next.revision, next.position), (StreamRevision(2), Position(3)));
    let read = log.read_all(Position(2), 10).await.unwrap();
    assert_eq!(read[0].recorded_at_us, NOW_US, "the clock was set back in between");
}

#[tokio::test]
async fn dropping_the_log_commits_what_was_accepted() {
    let url = new_database().await;
    let log = Arc::new(open_at(&url).await);
    let mut waiting = Vec::new();
    for id in 0..50 {
        let log = Arc::clone(&log);
        let append = append(&id.to_string(), Expected::NoStream, &[id]);
        waiting.push(tokio::spawn(async move { send(&log, append).await }));
    }
    // Every request is in the queue; the callers are gone before they are answered.
    tokio::task::yield_now().await;
    waiting.iter().for_each(tokio::task::JoinHandle::abort);
    for task in waiting {
        let _ = task.await;
    }
    drop(log);
    let database = Database::connect(&url).await.unwrap();
    let after = PostgresLog::open_read_only(database).await.unwrap();
    assert_eq!(after.head().await.unwrap(), Position(50));
}

#[tokio::test]
async fn a_log_is_read_beside_its_writer_and_after_it() {
    let url = new_database().await;
    let read_only = async || {
        let database = Database::connect(&url).await.unwrap();
        PostgresLog::open_read_only(database).await
    };
    let refused = read_only().await.map(drop).unwrap_err();
    assert!(matches!(refused, OpenError::OlderSchema { found: 0, .. }), "{refused}");
    assert!(refused.to_string().contains("start the server once"), "{refused}");
    let log = open_at(&url).await;
    let beside = read_only().await.unwrap();
    send(&log, append("a", Expected::NoStream, &[1])).await.unwrap();
    assert_eq!(beside.head().await.unwrap(), Position(1));
    drop(log);
    assert_eq!(read_everything(&beside).await.len(), 1);
    let refused = send(&beside, append("a", Expected::Any, &[2])).await;
    assert!(matches!(refused, Err(AppendError::Log(LogError::Unavailable(_)))), "{refused:?}");
}

/// Migration 2: two events of one append and one of another stream, as they stood before it.
#[tokio::test]
async fn a_log_with_a_table_of_streams_is_brought_over() {
    let url = new_database().await;
    let database = Database::connect(&url).await.unwrap();
    database.migrate("dlcs_log", &dlcs_migrations::POSTGRES_LOG[..1]).await.unwrap();
    let sql = "
        INSERT INTO dlcs_log.streams (id, name) VALUES (1, 'test-a'), (2, 'test-b');
        INSERT INTO dlcs_log.events (position, event_id, stream, revision, append_rest, type,
                                     schema_version, recorded_at_us, payload, metadata)
        VALUES (1, '00000000-0000-0000-0000-000000000001', 1, 0, 1, 't', 1, 5, '{}', ''),
               (2, '00000000-0000-0000-0000-000000000002', 1, 1, 0, 't', 2, 5, '\\x00', '\\x01'),
               (3, '00000000-0000-0000-0000-000000000003', 2, 0, 0, 'u', 1, 6, '{}', '');
        UPDATE dlcs_log.head SET position = 3, streams = 2, recorded_at_us = 6";
    TestServer::shared().execute(database_name(&url), sql).await;
    let log = open_at(&url).await;
    let events = read_everything(&log).await;
    check_history(&events);
    let places = events.iter().map(|it| (it.stream.as_str(), it.schema_version));
    assert_eq!(places.collect::<Vec<_>>(), [("test-a", 1), ("test-a", 2), ("test-b", 1)]);
    assert_eq!((&events[1].payload[..], &events[1].metadata[..]), (&[0][..], &[1][..]));
    let again = send(&log, append("a", Expected::NoStream, &[1, 2])).await;
    let appended = Appended { revision: StreamRevision(1), position: Position(2) };
    assert!(matches!(again, Err(AppendError::Duplicate { appended: it }) if it == appended));
    let next = append("a", Expected::Revision(StreamRevision(1)), &[4]);
    assert_eq!(send(&log, next).await.unwrap().position, Position(4));
}

#[tokio::test]
async fn a_newer_log_is_refused() {
    let url = new_database().await;
    drop(open_at(&url).await);
    let newer = "INSERT INTO dlcs_log.schema_version VALUES (1000, 'x', now())";
    TestServer::shared().execute(database_name(&url), newer).await;
    let database = Database::connect(&url).await.unwrap();
    let writing = PostgresLog::open(database.clone(), still()).await.map(drop).unwrap_err();
    let reading = PostgresLog::open_read_only(database).await.map(drop).unwrap_err();
    for refused in [writing, reading] {
        assert!(matches!(refused, OpenError::NewerSchema { found: 1_000, .. }), "{refused}");
        assert!(refused.to_string().contains("use the release that wrote it"), "{refused}");
    }
}

#[tokio::test]
async fn an_event_can_be_neither_changed_nor_deleted() {
    let url = new_database().await;
    let log = open_at(&url).await;
    send(&log, append("a", Expected::NoStream, &[1])).await.unwrap();
    let server = TestServer::shared();
    for sql in [
        "UPDATE dlcs_log.events SET payload = ''",
        "DELETE FROM dlcs_log.events",
        "TRUNCATE dlcs_log.events",
        "SET session_replication_role = replica; DELETE FROM dlcs_log.events",
    ] {
        let error = server.try_execute(database_name(&url), sql).await.unwrap_err();
        let error = error.as_db_error().unwrap_or_else(|| panic!("{sql}: {error}"));
        assert!(error.message().contains("never changed"), "{sql}: {error}");
    }
    assert_eq!(read_everything(&log).await.len(), 1);
}

#[tokio::test]
async fn what_cannot_be_stored_is_refused_and_takes_nobody_along() {
    let log = open_at(&new_database().await).await;
    let good = append("good", Expected::NoStream, &[1]);
    let mut bad_type = append("type", Expected::NoStream, &[2]);
    bad_type.events[0].type_name = "a\0b".into();
    let bad_name = append("a\0b", Expected::NoStream, &[3]);
    let long_name = append(&"x".repeat(2_001), Expected::NoStream, &[4]);
    let (stream, fits) = (StreamId::new("test", "a\0b"), "x".repeat(1_900));
    let longest = append(&fits, Expected::NoStream, &[5]);
    let answers = log.append(vec![good, bad_type, bad_name, long_name, longest]).await;
    let refused: Vec<_> =
        answers.iter().map(|it| matches!(it, Err(AppendError::Invalid(_)))).collect();
    assert_eq!(refused, [false, true, true, true, false], "{answers:?}");
    assert_eq!(read_everything(&log).await.len(), 2);
    assert!(log.read_stream(&stream, StreamRevision(0), 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn many_events_go_by_copy_and_are_the_same() {
    let log = open_at(&new_database().await).await;
    let reference = MemoryLog::new(still());
    let mut batch: Vec<_> = (0..700_u128)
        .map(|n| append(&(n % 50).to_string(), Expected::Any, &[2 * n, 2 * n + 1]))
        .collect();
    batch[3].events[0].payload = bytes::Bytes::from(vec![0xff; 300_000]);
    batch[5].events[1].metadata = bytes::Bytes::new();
    batch[7].events[0].schema_version = u32::MAX;
    batch[9].expected = Expected::NoStream;
    batch.insert(400, batch[2].clone());
    for answers in [log.append(batch.clone()).await, log.append(batch.clone()).await] {
        let expected = reference.append(batch.clone()).await;
        assert_eq!(format!("{answers:?}"), format!("{expected:?}"));
    }
    let expected = reference.read_all(Position::START, usize::MAX).await.unwrap();
    assert!(read_everything(&log).await == expected);
}

/// Random appends, right and wrong, are answered by both alike and leave the same history.
#[tokio::test]
async fn the_log_does_what_the_reference_does() {
    let url = new_database().await;
    // Two of them, in turn: what one caches the other makes old.
    let logs = [open_at(&url).await, open_at(&url).await];
    let reference = MemoryLog::new(still());
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |below: u64| {
        // xorshift: the same sequence in every run.
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed % below
    };
    for _ in 0..300 {
        let log = &logs[usize::from(random(4) == 0)];
        let batch: Vec<_> = (0..random(6)).map(|_| random_append(&mut random)).collect();
        let answers = log.append(batch.clone()).await;
        let expected = reference.append(batch).await;
        assert_eq!(format!("{answers:?}"), format!("{expected:?}"));
    }
    let history = read_everything(&logs[0]).await;
    assert_eq!(history, reference.read_all(Position::START, usize::MAX).await.unwrap());
    assert!(history.len() > 300, "most of it was accepted");
}

fn random_append(random: &mut impl FnMut(u64) -> u64) -> Append {
    let expected = match random(4) {
        0 => Expected::NoStream,
        1 => Expected::Revision(StreamRevision(random(8))),
        _ => Expected::Any,
    };
    // Ids from a small set come again.
    let ids: Vec<_> = (0..random(4)).map(|_| u128::from(random(3_000))).collect();
    append(&random(20).to_string(), expected, &ids)
}
