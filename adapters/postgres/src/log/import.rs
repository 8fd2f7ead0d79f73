//! Taking over the history of another log.

use super::copy::{self, COPY_EVENTS};
use super::decide::Row;
use super::rows::{signed, unsigned};
use super::session::{LOCK, MOVE};
use super::{MIGRATIONS, PLANS, SCHEMA};
use crate::connection::{Database, DatabaseError, OpenError};
use async_trait::async_trait;
use dlcs_eventlog::import::{ImportError, LogImport, check, rests};
use dlcs_eventlog::{NewEvent, Position, RecordedEvent};
use futures::SinkExt;
use std::pin::pin;
use tokio::sync::Mutex;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Transaction};

/// A new event whose stream has no revision before it.
const LEAVES_OUT: &str = "
    SELECT e.position FROM dlcs_log.events AS e
    WHERE e.position > $1 AND e.revision > 0 AND NOT EXISTS (
        SELECT 1 FROM dlcs_log.events AS b
        WHERE b.stream = e.stream AND b.revision = e.revision - 1)
    ORDER BY e.position LIMIT 1";

/// Writes a log. Whoever else appends waits, and goes on behind it.
pub struct PostgresImport(Mutex<Client>);

impl PostgresImport {
    /// Opens the log for an import; makes its schema if there is none.
    pub async fn open(database: Database) -> Result<Self, OpenError> {
        database.migrate(SCHEMA, MIGRATIONS).await?;
        let unreachable = |error: tokio_postgres::Error| {
            super::cannot_read(&database, &DatabaseError::from(error))
        };
        let (client, connection) = database.connect_alone().await.map_err(unreachable)?;
        // What ends the connection is told to whoever waits for an answer.
        tokio::spawn(async move { drop(connection.await) });
        let settings = format!("{PLANS}; SET synchronous_commit = on");
        client.batch_execute(&settings).await.map_err(unreachable)?;
        Ok(Self(Mutex::new(client)))
    }
}

#[async_trait]
impl LogImport for PostgresImport {
    async fn import(&self, events: &[RecordedEvent]) -> Result<(), ImportError> {
        let mut client = self.0.lock().await;
        // What fails is rolled back where this ends.
        let transaction = client.transaction().await.map_err(failed)?;
        let locked = transaction.query_one(LOCK, &[]).await.map_err(failed)?;
        let position = unsigned(&locked, 0).map_err(failed)?;
        let time_us: i64 = locked.try_get(1).map_err(failed)?;
        check(Position(position), events)?;
        let Some(last) = events.last() else { return Ok(()) };
        if events.first().is_some_and(|it| it.recorded_at_us < time_us) {
            let why = "the events were recorded before those that are there";
            return Err(ImportError::Refused(why.to_owned()));
        }
        copy(&transaction, events).await.map_err(failed)?;
        let hole = transaction.query_opt(LEAVES_OUT, &[&signed(position)]).await;
        if let Some(hole) = hole.map_err(failed)? {
            let at: i64 = hole.try_get(0).map_err(failed)?;
            let why = format!("event {at} leaves out a revision of its stream");
            return Err(ImportError::Refused(why));
        }
        let moved =
            transaction.execute(MOVE, &[&signed(last.position.0), &last.recorded_at_us]).await;
        moved.map_err(failed)?;
        transaction.commit().await.map_err(failed)
    }
}

async fn copy(
    transaction: &Transaction<'_>,
    events: &[RecordedEvent],
) -> Result<(), tokio_postgres::Error> {
    let new: Vec<NewEvent> = events.iter().map(NewEvent::from).collect();
    let rows: Vec<Row<'_>> = events
        .iter()
        .zip(&new)
        .zip(rests(events))
        .map(|((recorded, event), rest)| Row {
            position: recorded.position.0,
            revision: recorded.revision.0,
            recorded_at_us: recorded.recorded_at_us,
            rest,
            stream: recorded.stream.as_str(),
            event,
        })
        .collect();
    let mut sink = pin!(transaction.copy_in(COPY_EVENTS).await?);
    for chunk in copy::chunks(&rows) {
        sink.send(chunk).await?;
    }
    sink.finish().await.map(drop)
}

fn failed(error: impl Into<DatabaseError>) -> ImportError {
    let error = error.into();
    match error.code() {
        // An id or a place in a stream is in use already.
        Some(code) if *code == SqlState::UNIQUE_VIOLATION => {
            ImportError::Refused(error.to_string())
        }
        _ => ImportError::Unavailable(error.to_string()),
    }
}
