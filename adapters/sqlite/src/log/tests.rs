//! Tests of `log`.

use super::{SqliteImport, SqliteLog};
use crate::connection::{Durability, OpenError, Schema, open_writer};
use crate::wal::Checkpointer;
use dlcs_eventlog::memory::MemoryLog;
use dlcs_eventlog::{
    Append, AppendError, Appended, Clock, EventId, EventLog, Expected, LogError, NewEvent,
    Position, StreamId, StreamRevision,
};
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;
use uuid::Uuid;

const NOW_US: i64 = 1_700_000_000_000_000;

fn still() -> Clock {
    Arc::new(|| NOW_US)
}

fn file() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.sqlite");
    (folder, path)
}

fn open(path: &Path) -> SqliteLog {
    SqliteLog::open(path, still()).unwrap()
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

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_event_log_conforms() {
    let folders = Mutex::new(Vec::<TempDir>::new());
    dlcs_eventlog::conformance::event_log(async |clock| {
        let (folder, path) = file();
        folders.lock().unwrap().push(folder);
        SqliteLog::open(&path, clock).unwrap()
    })
    .await;
}

#[tokio::test]
async fn a_history_is_taken_over() {
    let folders = Mutex::new(Vec::<TempDir>::new());
    dlcs_eventlog::conformance::log_import(async || {
        let (folder, path) = file();
        folders.lock().unwrap().push(folder);
        (SqliteImport::open(&path).unwrap(), async move || open(&path))
    })
    .await;
}

#[tokio::test]
async fn the_history_goes_on_after_opening_again() {
    let (_folder, path) = file();
    let log = open(&path);
    let first = append("a", Expected::NoStream, &[1, 2]);
    log.append(vec![first.clone()]).await.remove(0).unwrap();
    drop(log);
    let log = SqliteLog::open(&path, Arc::new(|| 0)).unwrap();
    assert_eq!(*log.head_hints().borrow(), Position(2), "the hint begins at the head");
    let again = log.append(vec![first]).await.remove(0);
    assert!(matches!(again, Err(AppendError::Duplicate { .. })));
    let expected = Expected::Revision(StreamRevision(1));
    let next = log.append(vec![append("a", expected, &[3])]).await.remove(0).unwrap();
    assert_eq!((next.revision, next.position), (StreamRevision(2), Position(3)));
    let read = log.read_all(Position(2), 10).await.unwrap();
    assert_eq!(read[0].recorded_at_us, NOW_US, "the clock was set back in between");
}

#[tokio::test]
async fn a_log_is_read_beside_its_writer_and_after_it() {
    let (_folder, path) = file();
    assert!(SqliteLog::open_read_only(&path).is_err(), "there is none yet");
    let log = open(&path);
    let beside = SqliteLog::open_read_only(&path).unwrap();
    log.append(vec![append("a", Expected::NoStream, &[1])]).await.remove(0).unwrap();
    assert_eq!(beside.head().await.unwrap(), Position(1));
    drop(log);
    let after = SqliteLog::open_read_only(&path).unwrap();
    assert_eq!(after.read_all(Position::START, 10).await.unwrap().len(), 1);
    let refused = after.append(vec![append("a", Expected::Any, &[2])]).await.remove(0);
    assert!(matches!(refused, Err(AppendError::Log(LogError::Unavailable(_)))), "{refused:?}");
}

#[tokio::test]
async fn what_another_process_wrote_is_seen_by_the_writer() {
    let (_folder, path) = file();
    let (one, two) = (open(&path), open(&path));
    for (n, log) in [&one, &two, &one, &two, &two, &one].into_iter().enumerate() {
        let expected = (n as u64).checked_sub(1).map(StreamRevision);
        let expected = expected.map_or(Expected::NoStream, Expected::Revision);
        let appended = log.append(vec![append("a", expected, &[n as u128])]).await.remove(0);
        assert_eq!(appended.unwrap().position, Position(n as u64 + 1));
    }
}

#[tokio::test]
async fn an_event_can_be_neither_changed_nor_deleted() {
    let (_folder, path) = file();
    let log = open(&path);
    log.append(vec![append("a", Expected::NoStream, &[1])]).await.remove(0).unwrap();
    let hand = Connection::open(&path).unwrap();
    for sql in ["UPDATE events SET payload = x''", "DELETE FROM events"] {
        assert!(hand.execute(sql, []).unwrap_err().to_string().contains("never"), "{sql}");
    }
}

#[tokio::test]
async fn a_full_disk_is_said_and_writing_goes_on_when_there_is_room() {
    let (_folder, path) = file();
    let log = open(&path);
    log.append(vec![append("a", Expected::NoStream, &[1])]).await.remove(0).unwrap();
    drop(log);
    let connection = open_writer(&path, &super::SCHEMA, Durability::EveryCommit).unwrap();
    // A limit on pages fails like a disk without room.
    let pages: u32 = connection.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
    connection.pragma_update(None, "max_page_count", pages + 1).unwrap();
    let checkpointer = Checkpointer::start(&path, "event log").unwrap();
    let (appender, hints) = super::Appender::start(connection, checkpointer, still()).unwrap();
    let mut big = append("b", Expected::NoStream, &[2]);
    big.events[0].payload = vec![b'x'; 100_000].into();
    let small = append("c", Expected::NoStream, &[3]);
    let refused = appender.append(vec![small.clone(), big]).await;
    for answer in refused {
        assert!(matches!(answer, Err(AppendError::Log(LogError::Full(_)))), "{answer:?}");
    }
    assert_eq!(*hints.borrow(), Position(1));
    let appended = appender.append(vec![small]).await.remove(0).unwrap();
    assert_eq!(appended.position, Position(2), "nothing of the lost transaction is left");
}

/// Migration 2: two events of one append and one of another stream, as they stood before it.
#[tokio::test]
async fn a_log_with_a_table_of_streams_is_brought_over() {
    let (_folder, path) = file();
    let before = Schema { migrations: &dlcs_migrations::SQLITE_LOG[..1], ..super::SCHEMA };
    let connection = open_writer(&path, &before, Durability::EveryCommit).unwrap();
    let sql = "
        INSERT INTO streams (id, name) VALUES (7, 'test-a'), (9, 'test-b');
        INSERT INTO events (position, event_id, stream, revision, append_rest, type,
                            schema_version, recorded_at_us, payload, metadata)
        VALUES (1, x'00000000000000000000000000000001', 7, 0, 1, 'test.happened', 1, 5, x'7b7d', x''),
               (2, x'00000000000000000000000000000002', 7, 1, 0, 'test.happened', 2, 5, x'00', x'01'),
               (3, x'00000000000000000000000000000003', 9, 0, 0, 'test.other', 1, 6, x'7b7d', x'');";
    connection.execute_batch(sql).unwrap();
    drop(connection);
    let log = open(&path);
    let events = log.read_all(Position::START, 10).await.unwrap();
    let places = events.iter().map(|it| (it.stream.as_str(), it.revision.0, it.schema_version));
    assert_eq!(places.collect::<Vec<_>>(), [("test-a", 0, 1), ("test-a", 1, 2), ("test-b", 0, 1)]);
    assert_eq!((&events[1].payload[..], &events[1].metadata[..]), (&[0][..], &[1][..]));
    let again = log.append(vec![append("a", Expected::NoStream, &[1, 2])]).await.remove(0);
    let appended = Appended { revision: StreamRevision(1), position: Position(2) };
    assert!(matches!(again, Err(AppendError::Duplicate { appended: it }) if it == appended));
    let next = append("a", Expected::Revision(StreamRevision(1)), &[4]);
    assert_eq!(log.append(vec![next]).await.remove(0).unwrap().position, Position(4));
    let hand = Connection::open(&path).unwrap();
    assert!(hand.execute("DELETE FROM events", []).unwrap_err().to_string().contains("never"));
}

#[tokio::test]
async fn a_newer_log_is_refused() {
    let (_folder, path) = file();
    drop(open(&path));
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 1_000).unwrap();
    let refused = SqliteLog::open(&path, still()).map(drop).unwrap_err();
    assert!(matches!(refused, OpenError::NewerSchema { found: 1_000, .. }), "{refused}");
}

/// Random appends, right and wrong, are answered by both alike and leave the same history.
#[tokio::test]
async fn the_log_does_what_the_reference_does() {
    let (_folder, path) = file();
    let (log, reference) = (open(&path), MemoryLog::new(still()));
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |below: u64| {
        // xorshift: the same sequence in every run.
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed % below
    };
    for _ in 0..300 {
        let batch: Vec<_> = (0..random(6)).map(|_| random_append(&mut random)).collect();
        let answers = log.append(batch.clone()).await;
        let expected = reference.append(batch).await;
        assert_eq!(format!("{answers:?}"), format!("{expected:?}"));
    }
    let history = log.read_all(Position::START, usize::MAX).await.unwrap();
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
