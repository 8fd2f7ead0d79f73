//! Copies of the log and of the control store that can be taken while a server works.

use crate::connection::{OpenError, open_reader};
use crate::{control, log};
use dlcs_eventlog::Position;
use rusqlite::Connection;
use std::path::{Path, PathBuf};

#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error("cannot copy {}: {source}", path.display())]
    Copy { path: PathBuf, source: rusqlite::Error },
    #[error("{} is damaged: {detail}", path.display())]
    Damaged { path: PathBuf, detail: String },
}

fn at(path: &Path) -> impl Fn(rusqlite::Error) -> BackupError {
    move |source| BackupError::Copy { path: path.to_owned(), source }
}

/// Copies the log as it is at one moment into a new file, and returns where the copy ends.
pub fn copy_log(from: &Path, into: &Path) -> Result<Position, BackupError> {
    copy(&open_reader(from, &log::SCHEMA)?, from, into)?;
    log::rows::head(&open_reader(into, &log::SCHEMA)?).map_err(at(into))
}

/// Copies the control store as it is at one moment into a new file. Leases stay behind: they speak
/// of processes that run.
pub fn copy_control(from: &Path, into: &Path) -> Result<(), BackupError> {
    copy(&open_reader(from, &control::SCHEMA)?, from, into)?;
    let copied = Connection::open(into).map_err(at(into))?;
    copied.execute_batch("DELETE FROM leases").map_err(at(into))
}

/// Checks every page of a log, and returns where it ends.
pub fn check_log(path: &Path) -> Result<Position, BackupError> {
    let reader = open_reader(path, &log::SCHEMA)?;
    check(path, &reader)?;
    log::rows::head(&reader).map_err(at(path))
}

/// Checks every page of a control store.
pub fn check_control(path: &Path) -> Result<(), BackupError> {
    check(path, &open_reader(path, &control::SCHEMA)?)
}

/// One read transaction, so that what is written meanwhile is in the copy wholly or not at all.
fn copy(connection: &Connection, from: &Path, into: &Path) -> Result<(), BackupError> {
    let into = into.to_string_lossy();
    connection.execute("VACUUM INTO ?1", [into.as_ref()]).map(drop).map_err(at(from))
}

fn check(path: &Path, connection: &Connection) -> Result<(), BackupError> {
    let found: String = connection
        .query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))
        .map_err(at(path))?;
    if found == "ok" {
        return Ok(());
    }
    Err(BackupError::Damaged { path: path.to_owned(), detail: found })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::SqliteControl;
    use crate::log::SqliteLog;
    use dlcs_eventlog::consumers::{ConsumerName, ConsumerStore, LeaseOwner};
    use dlcs_eventlog::{Append, EventId, EventLog, Expected, NewEvent, StreamId};
    use std::sync::Arc;
    use std::time::Duration;

    fn append(number: u128) -> Append {
        let event = NewEvent {
            event_id: EventId(uuid::Uuid::from_u128(number)),
            type_name: "t".into(),
            schema_version: 1,
            payload: "{}".into(),
            metadata: "{}".into(),
        };
        let stream = StreamId::new("s", &number.to_string());
        Append { stream, expected: Expected::NoStream, events: vec![event] }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_copy_taken_under_load_is_a_prefix_of_the_history() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.sqlite");
        let log = Arc::new(SqliteLog::open(&path, Arc::new(|| 1)).unwrap());
        let writing = tokio::spawn({
            let log = Arc::clone(&log);
            async move {
                for number in 1..=500 {
                    let answers = log.append(vec![append(number)]).await;
                    assert!(answers[0].is_ok());
                }
            }
        });
        let into = folder.path().join("copy.sqlite");
        while log.head().await.unwrap().0 < 20 {
            tokio::task::yield_now().await;
        }
        let head = copy_log(&path, &into).unwrap();
        writing.await.unwrap();
        assert!((20..=500).contains(&head.0), "{head}");
        assert_eq!(check_log(&into).unwrap(), head);
        let copied = SqliteLog::open_read_only(&into).unwrap();
        let events = copied.read_all(Position::START, 1_000).await.unwrap();
        let whole = log.read_all(Position::START, 1_000).await.unwrap();
        assert_eq!(events, whole[..events.len()]);
        assert_eq!(events.last().map(|it| it.position), Some(head));
    }

    #[tokio::test]
    async fn leases_stay_behind_and_checkpoints_do_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("control.sqlite");
        let control = SqliteControl::open(&path).unwrap();
        let (consumer, owner) = (ConsumerName("ingest".into()), LeaseOwner("a".into()));
        control.acquire(&consumer, &owner, 0, Duration::from_secs(60)).await.unwrap();
        control.advance(&consumer, Position::START, Position(7)).await.unwrap();
        let into = folder.path().join("copy.sqlite");
        copy_control(&path, &into).unwrap();
        check_control(&into).unwrap();
        let copied = SqliteControl::open(&into).unwrap();
        let consumers = copied.consumers().await.unwrap();
        assert_eq!(consumers, [(consumer, Position(7), None)]);
    }

    #[test]
    fn a_damaged_page_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.sqlite");
        drop(SqliteLog::open(&path, Arc::new(|| 1)).unwrap());
        let into = folder.path().join("copy.sqlite");
        copy_log(&path, &into).unwrap();
        let mut bytes = std::fs::read(&into).unwrap();
        // Of the second page, past what names its kind.
        bytes[4_096 + 3] ^= 0xff;
        std::fs::write(&into, bytes).unwrap();
        assert!(check_log(&into).is_err());
    }
}
