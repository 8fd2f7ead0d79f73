//! Taking over the history of another log.

use super::append::{INSERT_EVENT, Place, insert_event};
use super::rows::{last, signed};
use super::{SCHEMA, log_error};
use crate::connection::{Durability, OpenError, open_writer};
use async_trait::async_trait;
use dlcs_eventlog::import::{ImportError, LogImport, check, rests};
use dlcs_eventlog::{NewEvent, Position, RecordedEvent};
use rusqlite::{Connection, ErrorCode, params};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

const IS_THERE: &str = "SELECT EXISTS (SELECT 1 FROM events WHERE stream = ?1 AND revision = ?2)";

/// Writes a log that nobody has open.
pub struct SqliteImport(Arc<Mutex<Connection>>);

impl SqliteImport {
    /// Opens the log for an import; makes the file if there is none.
    ///
    /// The caller holds the lock of the data folder.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let connection = open_writer(path, &SCHEMA, Durability::EveryCommit)?;
        Ok(Self(Arc::new(Mutex::new(connection))))
    }
}

#[async_trait]
impl LogImport for SqliteImport {
    async fn import(&self, events: &[RecordedEvent]) -> Result<(), ImportError> {
        let (connection, events) = (Arc::clone(&self.0), events.to_vec());
        let written = tokio::task::spawn_blocking(move || {
            let mut connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
            write(&mut connection, &events)
        });
        written.await.map_err(|error| ImportError::Unavailable(error.to_string()))?
    }
}

fn write(connection: &mut Connection, events: &[RecordedEvent]) -> Result<(), ImportError> {
    // What fails is rolled back where this ends.
    let transaction = connection.transaction().map_err(failed)?;
    let before = last(&transaction).map_err(failed)?;
    check(before.as_ref().map_or(Position::START, |it| it.position), events)?;
    let time_us = before.map_or(i64::MIN, |it| it.recorded_at_us);
    if events.first().is_some_and(|it| it.recorded_at_us < time_us) {
        return refused("the events were recorded before those that are there");
    }
    {
        let mut insert = transaction.prepare_cached(INSERT_EVENT).map_err(failed)?;
        let mut is_there = transaction.prepare_cached(IS_THERE).map_err(failed)?;
        for (event, rest) in events.iter().zip(rests(events)) {
            let (stream, position) = (&event.stream, event.position.0);
            if let Some(before) = event.revision.0.checked_sub(1) {
                let follows: bool = is_there
                    .query_row(params![stream.as_str(), signed(before)], |row| row.get(0))
                    .map_err(failed)?;
                if !follows {
                    return refused(format!("event {position} leaves out a revision of {stream}"));
                }
            }
            let place = Place { stream, revision: event.revision.0, position, rest };
            let is_written =
                insert_event(&mut insert, &NewEvent::from(event), &place, event.recorded_at_us);
            if !is_written.map_err(failed)? {
                return refused(format!("the place of event {position} in {stream} is taken"));
            }
        }
    }
    transaction.commit().map_err(failed)
}

fn refused<T>(why: impl Into<String>) -> Result<T, ImportError> {
    Err(ImportError::Refused(why.into()))
}

fn failed(error: rusqlite::Error) -> ImportError {
    match error.sqlite_error_code() {
        Some(ErrorCode::ConstraintViolation) => {
            ImportError::Refused(format!("an id or a place is in use already: {error}"))
        }
        _ => ImportError::Unavailable(log_error(&error).to_string()),
    }
}
