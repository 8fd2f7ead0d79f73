//! The event log on SQLite: one file, one writer thread with group commit, many readers.

mod append;
mod appender;
mod import;
pub(crate) mod rows;

pub use import::SqliteImport;

use crate::connection::{Durability, OpenError, Readers, Schema, is_full, open_writer};
use crate::wal::Checkpointer;
use appender::Appender;
use async_trait::async_trait;
use dlcs_eventlog::grouped::{GroupedReads, ReadStreams};
use dlcs_eventlog::log::{Clock, StreamRead};
use dlcs_eventlog::{
    Append, AppendError, Appended, EventLog, LogError, Position, RecordedEvent, StreamId,
    StreamRevision,
};
use rusqlite::ErrorCode;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::watch;

pub(crate) const SCHEMA: Schema = Schema {
    application_id: 0x444c_4c47, // "DLLG".
    // An event alone changes a page of the table and one of each index, and each is written whole.
    // Three registrations fit into one.
    page_bytes: 2_048,
    migrations: dlcs_migrations::SQLITE_LOG,
};

const READERS_MAX: usize = 4;

/// The event log in one SQLite file.
///
/// Dropping it commits what was accepted and ends the writer thread.
pub struct SqliteLog {
    readers: Readers,
    streams: GroupedReads<Streams>,
    hints: watch::Receiver<Position>,
    /// `None`: opened for reading only.
    appender: Option<Appender>,
    /// Keeps the channel of a log without appender open.
    _quiet: Option<watch::Sender<Position>>,
}

impl SqliteLog {
    /// Opens the log for writing and reading; makes the file if there is none.
    ///
    /// The caller holds the lock of the data folder. `clock` gives microseconds since 1970.
    pub fn open(path: &Path, clock: Clock) -> Result<Self, OpenError> {
        let connection = open_writer(path, &SCHEMA, Durability::EveryCommit)?;
        let readers = Readers::open(path, &SCHEMA, READERS_MAX)?;
        let failed = |source| OpenError::of(path, source);
        let checkpointer = Checkpointer::start(path, "event log").map_err(failed)?;
        let (appender, hints) = Appender::start(connection, checkpointer, clock).map_err(failed)?;
        let streams = GroupedReads::new(Streams(readers.clone()));
        Ok(Self { readers, streams, hints, appender: Some(appender), _quiet: None })
    }

    /// Opens the log for reading, also beside a running server. It gives no hints.
    pub fn open_read_only(path: &Path) -> Result<Self, OpenError> {
        let readers = Readers::open(path, &SCHEMA, READERS_MAX)?;
        let (quiet, hints) = watch::channel(Position::START);
        let streams = GroupedReads::new(Streams(readers.clone()));
        Ok(Self { readers, streams, hints, appender: None, _quiet: Some(quiet) })
    }
}

/// The streams of the file.
struct Streams(Readers);

#[async_trait]
impl ReadStreams for Streams {
    async fn read_streams(
        &self,
        reads: Arc<[StreamRead]>,
    ) -> Result<Vec<Vec<RecordedEvent>>, LogError> {
        let read = self.0.run(move |it| rows::read_streams(it, &reads));
        read.await.map_err(|error| log_error(&error))
    }
}

#[async_trait]
impl EventLog for SqliteLog {
    async fn append(&self, batch: Vec<Append>) -> Vec<Result<Appended, AppendError>> {
        match &self.appender {
            Some(appender) => appender.append(batch).await,
            None => appender::refuse(batch.len(), "it was opened for reading only"),
        }
    }

    async fn read_stream(
        &self,
        stream: &StreamId,
        from: StreamRevision,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, LogError> {
        self.streams.read(StreamRead { stream: stream.clone(), from, limit }).await
    }

    async fn read_streams(
        &self,
        reads: Vec<StreamRead>,
    ) -> Vec<Result<Vec<RecordedEvent>, LogError>> {
        self.streams.read_many(reads).await
    }

    async fn read_all(
        &self,
        after: Position,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, LogError> {
        let read = self.readers.run(move |it| rows::read_all(it, after, limit));
        read.await.map_err(|error| log_error(&error))
    }

    async fn head(&self) -> Result<Position, LogError> {
        self.readers.run(|it| rows::head(it)).await.map_err(|error| log_error(&error))
    }

    fn head_hints(&self) -> watch::Receiver<Position> {
        self.hints.clone()
    }
}

/// Sorts SQLite's errors by what a caller can do about them.
fn log_error(error: &rusqlite::Error) -> LogError {
    use rusqlite::Error as E;
    if is_full(error) {
        return LogError::Full(error.to_string());
    }
    if let Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) = error.sqlite_error_code() {
        return LogError::Damaged(error.to_string());
    }
    match error {
        // A row that cannot be what we wrote.
        E::FromSqlConversionFailure(..)
        | E::InvalidColumnType(..)
        | E::IntegralValueOutOfRange(..) => LogError::Damaged(error.to_string()),
        _ => LogError::Unavailable(error.to_string()),
    }
}

#[cfg(test)]
mod tests;
