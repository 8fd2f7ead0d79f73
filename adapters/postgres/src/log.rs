//! The event log on PostgreSQL: any number of processes append, each with group commit.
//!
//! - Positions come from one row that the appending transaction locks first and moves at its end:
//!   the order of commits is the order of positions, without holes.
//! - Notifications are hints; what is in the tables is the truth.

mod appender;
mod copy;
mod decide;
mod hints;
mod import;
mod queue;
mod rows;
mod session;
#[cfg(test)]
mod tests;

pub use import::PostgresImport;

use crate::connection::{Client, Database, DatabaseError, ErrorKind, OpenError, Retry, answered};
use appender::Appender;
use async_trait::async_trait;
use deadpool_postgres::Pool;
use dlcs_eventlog::grouped::{GroupedReads, ReadStreams};
use dlcs_eventlog::log::{Clock, StreamRead};
use dlcs_eventlog::{
    Append, AppendError, Appended, EventLog, LogError, Position, RecordedEvent, StreamId,
    StreamRevision,
};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

const SCHEMA: &str = "dlcs_log";
const MIGRATIONS: &[dlcs_migrations::Migration] = dlcs_migrations::POSTGRES_LOG;

const READERS_MAX: usize = 4;
/// A page of the log is a matter of milliseconds; whoever does not answer by then has gone.
const ANSWERED_WITHIN: Duration = Duration::from_secs(10);

/// The tables are large or will be: a plan made while they are small must not stay a scan.
const PLANS: &str =
    "SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off;
     SET plan_cache_mode = force_generic_plan; SET jit = off";

/// The event log in one PostgreSQL database.
///
/// Dropping it commits what was accepted and ends the appender's thread.
pub struct PostgresLog {
    readers: Pool,
    streams: GroupedReads<Streams>,
    hints: watch::Receiver<Position>,
    /// `None`: opened for reading only.
    appender: Option<Appender>,
    /// Keeps the channel of a log without appender open.
    _quiet: Option<watch::Sender<Position>>,
}

impl PostgresLog {
    /// Opens the log for writing and reading; makes its schema if there is none.
    ///
    /// Several processes may have it open. `clock` gives microseconds since 1970.
    pub async fn open(database: Database, clock: Clock) -> Result<Self, OpenError> {
        database.migrate(SCHEMA, MIGRATIONS).await?;
        let readers = database.further_pool(READERS_MAX, PLANS);
        let head = read_head(&readers).await.map_err(|error| cannot_read(&database, &error))?;
        let (sender, hints) = watch::channel(head);
        let appender = Appender::start(database, clock, Arc::new(sender));
        let streams = GroupedReads::new(Streams(readers.clone()));
        Ok(Self { readers, streams, hints, appender: Some(appender), _quiet: None })
    }

    /// Opens the log for reading, beside those who write. It gives no hints.
    pub async fn open_read_only(database: Database) -> Result<Self, OpenError> {
        database.check_schema(SCHEMA, MIGRATIONS).await?;
        let readers = database.further_pool(READERS_MAX, PLANS);
        let (quiet, hints) = watch::channel(Position::START);
        let streams = GroupedReads::new(Streams(readers.clone()));
        Ok(Self { readers, streams, hints, appender: None, _quiet: Some(quiet) })
    }
}

/// The streams of the database.
struct Streams(Pool);

#[async_trait]
impl ReadStreams for Streams {
    async fn read_streams(
        &self,
        reads: Arc<[StreamRead]>,
    ) -> Result<Vec<Vec<RecordedEvent>>, LogError> {
        let mut retry = Retry::new();
        loop {
            let read = async {
                let client = self.0.get().await?;
                let read = async |it: &Client| rows::read_streams(it, &reads).await;
                answered(client, ANSWERED_WITHIN, read).await
            };
            match read.await {
                Err(error) if retry.again(error.kind()).await => {}
                read => return read.map_err(|error| log_error(&error)),
            }
        }
    }
}

fn cannot_read(database: &Database, error: &DatabaseError) -> OpenError {
    OpenError::Other { database: database.name().into(), reason: error.to_string() }
}

async fn read_head(readers: &Pool) -> Result<Position, DatabaseError> {
    answered(readers.get().await?, ANSWERED_WITHIN, async |it| rows::head(it).await).await
}

#[async_trait]
impl EventLog for PostgresLog {
    async fn append(&self, batch: Vec<Append>) -> Vec<Result<Appended, AppendError>> {
        match &self.appender {
            Some(appender) => appender.append(batch).await,
            None => queue::refuse(batch.len(), "it was opened for reading only"),
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
        let mut retry = Retry::new();
        loop {
            let read = async {
                let client = self.readers.get().await?;
                let read = async |it: &Client| rows::read_all(it, after, limit).await;
                answered(client, ANSWERED_WITHIN, read).await
            };
            match read.await {
                Err(error) if retry.again(error.kind()).await => {}
                read => return read.map_err(|error| log_error(&error)),
            }
        }
    }

    async fn head(&self) -> Result<Position, LogError> {
        let mut retry = Retry::new();
        loop {
            match read_head(&self.readers).await {
                Err(error) if retry.again(error.kind()).await => {}
                read => return read.map_err(|error| log_error(&error)),
            }
        }
    }

    fn head_hints(&self) -> watch::Receiver<Position> {
        self.hints.clone()
    }
}

/// Sorts errors by what a caller can do about them.
fn log_error(error: &DatabaseError) -> LogError {
    match error.kind() {
        ErrorKind::Full => LogError::Full(error.to_string()),
        ErrorKind::Damaged => LogError::Damaged(error.to_string()),
        ErrorKind::Transient | ErrorKind::Other => LogError::Unavailable(error.to_string()),
    }
}
