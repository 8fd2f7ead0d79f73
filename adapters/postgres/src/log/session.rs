//! The appender's connection: one transaction in as few round trips as can be.

use super::copy::{self, COPY_EVENTS};
use super::decide::{Counter, HashMap, Known, Row};
use super::rows::{signed, unsigned};
use super::{PLANS, decide};
use crate::connection::{Database, DatabaseError};
use dlcs_eventlog::{Appended, Position, StreamRevision};
use futures::SinkExt;
use std::borrow::Cow;
use std::pin::pin;
use tokio::task::JoinHandle;
use tokio_postgres::{Client, Error, Statement};
use uuid::Uuid;

/// `Ok` means durable, whatever the server's defaults are. And a process that stops within a
/// transaction holds the counter's lock: the server ends it soon.
const SETTINGS: &str = "
    SET synchronous_commit = on;
    SET idle_in_transaction_session_timeout = '5s';
    SET lock_timeout = '10s'";

pub(super) const LOCK: &str = "SELECT position, recorded_at_us FROM dlcs_log.head FOR UPDATE";

const HEADS: &str = "
    SELECT wanted.name, e.revision
    FROM unnest($1::text[]) AS wanted (name)
    CROSS JOIN LATERAL (
        SELECT revision FROM dlcs_log.events
        WHERE stream = wanted.name ORDER BY revision DESC LIMIT 1
    ) AS e";

const EVENTS: &str = "
    SELECT event_id, stream, revision + append_rest, position + append_rest
    FROM dlcs_log.events
    WHERE event_id = ANY ($1)";

const INSERT_EVENTS: &str = "
    INSERT INTO dlcs_log.events (position, revision, recorded_at_us, append_rest, schema_version,
                                 event_id, stream, type, payload, metadata)
    SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::int[], $5::int[],
                         $6::uuid[], $7::text[], $8::text[], $9::bytea[], $10::bytea[])";

pub(super) const MOVE: &str = "
    UPDATE dlcs_log.head SET position = $1, recorded_at_us = $2
    RETURNING pg_notify('dlcs_events', position::text)";

/// From this number on, events go by `COPY`.
const COPY_FROM_EVENTS: usize = 256;

pub(super) struct Session {
    client: Client,
    lock: Statement,
    heads: Statement,
    events: Statement,
    insert_events: Statement,
    copy_events: Statement,
    moved: Statement,
    connection: JoinHandle<()>,
}

/// A transaction that failed while it wrote.
pub(super) struct WriteError {
    pub error: DatabaseError,
    /// `COMMIT` was sent and not answered: nobody knows yet.
    pub is_unsure: bool,
}

impl Session {
    pub(super) async fn open(database: &Database) -> Result<Self, Error> {
        let (client, connection) = database.connect_alone().await?;
        // What ends the connection is told to whoever waits for an answer.
        let connection = tokio::spawn(async move { drop(connection.await) });
        let settings = format!("{PLANS}; {SETTINGS}");
        client.batch_execute(&settings).await?;
        let (lock, heads, events, insert_events, copy_events, moved) = futures::try_join!(
            client.prepare(LOCK),
            client.prepare(HEADS),
            client.prepare(EVENTS),
            client.prepare(INSERT_EVENTS),
            client.prepare(COPY_EVENTS),
            client.prepare(MOVE),
        )?;
        Ok(Self { client, lock, heads, events, insert_events, copy_events, moved, connection })
    }

    /// Begins a transaction and locks the counter, in one trip.
    ///
    /// Each statement sees what was committed before it began, so whatever is looked up from now on
    /// sees what the lock does.
    pub(super) async fn begin(&self) -> Result<Counter, DatabaseError> {
        let (begun, locked) = futures::join!(
            self.client.batch_execute("BEGIN"),
            self.client.query_one(&self.lock, &[]),
        );
        begun?;
        let locked = locked?;
        Ok(Counter { position: unsigned(&locked, 0)?, recorded_at_us: locked.try_get(1)? })
    }

    /// Returns the heads of those streams that exist.
    pub(super) async fn look_up_heads(
        &self,
        names: &[&str],
    ) -> Result<HashMap<String, StreamRevision>, DatabaseError> {
        if names.is_empty() {
            return Ok(HashMap::default());
        }
        let rows = self.client.query(&self.heads, &[&names]).await?;
        let heads = rows.iter().map(|row| Ok((row.try_get(0)?, StreamRevision(unsigned(row, 1)?))));
        heads.collect()
    }

    /// Returns those of the event ids that are in use.
    pub(super) async fn look_up_events(
        &self,
        ids: &[Uuid],
    ) -> Result<HashMap<Uuid, Known<'static>>, DatabaseError> {
        if ids.is_empty() {
            return Ok(HashMap::default());
        }
        let rows = self.client.query(&self.events, &[&ids]).await?;
        let events = rows.iter().map(|row| {
            let revision = StreamRevision(unsigned(row, 2)?);
            let last_of_append = Appended { revision, position: Position(unsigned(row, 3)?) };
            let stream = Cow::Owned(row.try_get(1)?);
            Ok((row.try_get(0)?, Known { stream, last_of_append }))
        });
        events.collect()
    }

    /// Gives the transaction up. It has written nothing, and waits for no disk.
    pub(super) async fn roll_back(&self) -> Result<(), DatabaseError> {
        Ok(self.client.batch_execute("ROLLBACK").await?)
    }

    /// Writes and commits.
    pub(super) async fn commit(
        &self,
        rows: &[Row<'_>],
        counter: &Counter,
    ) -> Result<(), WriteError> {
        // One trip; the connection sends them in this order. What fails makes the rest fail, and
        // COMMIT a ROLLBACK that succeeds: it counts only if all before it did.
        let (events, moved, committed) = futures::join!(
            self.write_events(rows),
            self.move_counter(counter),
            self.client.batch_execute("COMMIT"),
        );
        let written = events.and(moved);
        let is_refused = written.as_ref().is_err_and(|error| error.code().is_some());
        let is_unsure = committed.is_err() && !is_refused;
        let committed = written.and(committed);
        committed.map_err(|error| WriteError { error: error.into(), is_unsure })
    }

    async fn write_events(&self, rows: &[Row<'_>]) -> Result<(), Error> {
        match rows.len() {
            0 => Ok(()),
            COPY_FROM_EVENTS.. => self.copy_events(rows).await,
            _ => self.insert_events(rows).await,
        }
    }

    async fn insert_events(&self, rows: &[Row<'_>]) -> Result<(), Error> {
        fn column<'a, T>(rows: &'a [Row<'a>], cell: impl Fn(&'a Row<'a>) -> T) -> Vec<T> {
            rows.iter().map(cell).collect()
        }
        self.client
            .execute(
                &self.insert_events,
                &[
                    &column(rows, |row| signed(row.position)),
                    &column(rows, |row| signed(row.revision)),
                    &column(rows, |row| row.recorded_at_us),
                    &column(rows, copy::rest),
                    &column(rows, |row| row.event.schema_version.cast_signed()),
                    &column(rows, |row| row.event.event_id.0),
                    &column(rows, |row| row.stream),
                    &column(rows, |row| row.event.type_name.as_ref()),
                    &column(rows, |row| row.event.payload.as_ref()),
                    &column(rows, |row| row.event.metadata.as_ref()),
                ],
            )
            .await
            .map(drop)
    }

    async fn copy_events(&self, rows: &[Row<'_>]) -> Result<(), Error> {
        let mut sink = pin!(self.client.copy_in(&self.copy_events).await?);
        for chunk in copy::chunks(rows) {
            sink.send(chunk).await?;
        }
        sink.finish().await.map(drop)
    }

    async fn move_counter(&self, counter: &decide::Counter) -> Result<(), Error> {
        let position = signed(counter.position);
        let parameters = [&position, &counter.recorded_at_us];
        let parameters = parameters.map(|it| it as &(dyn tokio_postgres::types::ToSql + Sync));
        self.client.execute(&self.moved, &parameters).await.map(drop)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // The server sees the end at once, also in the middle of a transaction.
        self.connection.abort();
    }
}
