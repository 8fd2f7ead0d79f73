//! Checkpoints, leases and parked events.

use super::{ControlError, SCHEMA, SqliteControl};
use crate::connection::Readers;
use async_trait::async_trait;
use dlcs_eventlog::consumers::{ConsumerError, ConsumerName, ConsumerStore, LeaseOwner, Parked};
use dlcs_eventlog::{EventId, Position, StreamId};
use rusqlite::{Connection, OptionalExtension, Row, params};
use std::path::Path;
use std::time::Duration;
use uuid::Uuid;

/// Longer than any lease that is granted, in microseconds.
const LEASE_US_MAX: i64 = 300_000_000;

impl From<ControlError> for ConsumerError {
    fn from(error: ControlError) -> Self {
        Self::Store(error.0)
    }
}

fn read_error(error: rusqlite::Error) -> ConsumerError {
    ConsumerError::Store(error.to_string())
}

#[async_trait]
impl ConsumerStore for SqliteControl {
    async fn checkpoint(&self, consumer: &ConsumerName) -> Result<Position, ConsumerError> {
        let name = consumer.0.clone();
        let read = self.readers.run(move |connection| checkpoint(connection, &name));
        Ok(read.await.map_err(read_error)?.unwrap_or(Position::START))
    }

    async fn advance(
        &self,
        consumer: &ConsumerName,
        from: Position,
        to: Position,
    ) -> Result<(), ConsumerError> {
        let name = consumer.0.clone();
        let moved = self.writer.run(move |connection| advance(connection, name, from, to));
        moved.await?
    }

    async fn forget(&self, consumer: &ConsumerName) -> Result<(), ConsumerError> {
        let name = consumer.0.clone();
        let forgotten = self.writer.run(move |connection| {
            for table in ["checkpoints", "parked"] {
                let sql = format!("DELETE FROM {table} WHERE consumer = ?1");
                connection.prepare_cached(&sql)?.execute([&name])?;
            }
            Ok(())
        });
        Ok(forgotten.await?)
    }

    async fn acquire(
        &self,
        consumer: &ConsumerName,
        owner: &LeaseOwner,
        now_us: i64,
        duration: Duration,
    ) -> Result<bool, ConsumerError> {
        // A lease that is held elsewhere gives no row.
        const ACQUIRE: &str = "
            INSERT INTO leases (consumer, owner, expires_us) VALUES (?1, ?2, ?3)
            ON CONFLICT (consumer) DO UPDATE
                SET owner = excluded.owner, expires_us = excluded.expires_us
                WHERE leases.owner = excluded.owner
                    OR leases.expires_us <= ?4 OR leases.expires_us > ?5";
        let (consumer, owner) = (consumer.0.clone(), owner.0.clone());
        let duration_us = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        let expires_us = now_us.saturating_add(duration_us);
        // Nobody has been granted one for so long: the clock ran ahead and was set back.
        let absurd_us = now_us.saturating_add(duration_us.max(LEASE_US_MAX));
        let acquired = self.writer.run(move |connection| {
            let mut statement = connection.prepare_cached(ACQUIRE)?;
            Ok(statement.execute(params![consumer, owner, expires_us, now_us, absurd_us])? == 1)
        });
        Ok(acquired.await?)
    }

    async fn release(
        &self,
        consumer: &ConsumerName,
        owner: &LeaseOwner,
    ) -> Result<(), ConsumerError> {
        const RELEASE: &str = "DELETE FROM leases WHERE consumer = ?1 AND owner = ?2";
        let (consumer, owner) = (consumer.0.clone(), owner.0.clone());
        let released = self.writer.run(move |connection| {
            connection.prepare_cached(RELEASE)?.execute([consumer, owner]).map(drop)
        });
        Ok(released.await?)
    }

    async fn release_all(&self, owner_prefix: &str) -> Result<(), ConsumerError> {
        const RELEASE_ALL: &str = "DELETE FROM leases WHERE substr(owner, 1, length(?1)) = ?1";
        let prefix = owner_prefix.to_owned();
        let released = self.writer.run(move |connection| {
            connection.prepare_cached(RELEASE_ALL)?.execute([prefix]).map(drop)
        });
        Ok(released.await?)
    }

    async fn park(&self, parked: Parked) -> Result<(), ConsumerError> {
        Ok(self.writer.run(move |connection| park(connection, &parked)).await?)
    }

    async fn parked(&self, consumer: &ConsumerName) -> Result<Vec<Parked>, ConsumerError> {
        const PARKED: &str = "
            SELECT consumer, stream, position, event_id, error, attempts, parked_at_us
            FROM parked WHERE consumer = ?1 ORDER BY position";
        let consumer = consumer.0.clone();
        let read = self.readers.run(move |connection| {
            connection.prepare_cached(PARKED)?.query_map([consumer], into_parked)?.collect()
        });
        read.await.map_err(read_error)
    }

    async fn unpark(
        &self,
        consumer: &ConsumerName,
        stream: &StreamId,
    ) -> Result<(), ConsumerError> {
        const UNPARK: &str = "DELETE FROM parked WHERE consumer = ?1 AND stream = ?2";
        let (consumer, stream) = (consumer.0.clone(), stream.as_str().to_owned());
        let unparked = self.writer.run(move |connection| {
            connection.prepare_cached(UNPARK)?.execute([consumer, stream]).map(drop)
        });
        Ok(unparked.await?)
    }

    async fn consumers(
        &self,
    ) -> Result<Vec<(ConsumerName, Position, Option<LeaseOwner>)>, ConsumerError> {
        all_consumers(&self.readers).await
    }
}

/// Reads what [`ConsumerStore::consumers`] returns, beside the process that has the store open.
pub async fn read_consumers(
    path: &Path,
) -> Result<Vec<(ConsumerName, Position, Option<LeaseOwner>)>, ConsumerError> {
    let opened = Readers::open(path, &SCHEMA, 1);
    let readers = opened.map_err(|error| ConsumerError::Store(error.to_string()))?;
    all_consumers(&readers).await
}

async fn all_consumers(
    readers: &Readers,
) -> Result<Vec<(ConsumerName, Position, Option<LeaseOwner>)>, ConsumerError> {
    const CONSUMERS: &str = "
        SELECT consumer, coalesce(position, 0), owner
        FROM checkpoints FULL JOIN leases USING (consumer)
        ORDER BY consumer";
    let read = readers.run(|connection| {
        connection.prepare_cached(CONSUMERS)?.query_map([], into_consumer)?.collect()
    });
    read.await.map_err(read_error)
}

fn checkpoint(connection: &Connection, name: &str) -> rusqlite::Result<Option<Position>> {
    const CHECKPOINT: &str = "SELECT position FROM checkpoints WHERE consumer = ?1";
    connection
        .prepare_cached(CHECKPOINT)?
        .query_row([name], |row| row.get(0).map(position))
        .optional()
}

fn advance(
    connection: &Connection,
    consumer: String,
    from: Position,
    to: Position,
) -> rusqlite::Result<Result<(), ConsumerError>> {
    const SET: &str = "
        INSERT INTO checkpoints (consumer, position) VALUES (?1, ?2)
        ON CONFLICT (consumer) DO UPDATE SET position = excluded.position";
    let actual = checkpoint(connection, &consumer)?;
    if actual.unwrap_or(Position::START) != from {
        return Ok(Err(ConsumerError::CheckpointMoved { consumer, expected: from, actual }));
    }
    connection.prepare_cached(SET)?.execute(params![consumer, to.0.cast_signed()])?;
    Ok(Ok(()))
}

fn park(connection: &Connection, parked: &Parked) -> rusqlite::Result<()> {
    const PARK: &str = "
        INSERT OR REPLACE INTO parked
            (consumer, stream, position, event_id, error, attempts, parked_at_us)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    connection.prepare_cached(PARK)?.execute(params![
        parked.consumer.0,
        parked.stream.as_str(),
        parked.position.0.cast_signed(),
        parked.event_id.0.as_bytes(),
        parked.error,
        parked.attempts,
        parked.parked_at_us,
    ])?;
    Ok(())
}

fn into_parked(row: &Row<'_>) -> rusqlite::Result<Parked> {
    Ok(Parked {
        consumer: ConsumerName(row.get(0)?),
        stream: StreamId::from_stored(row.get::<_, String>(1)?),
        position: position(row.get(2)?),
        event_id: EventId(Uuid::from_bytes(row.get(3)?)),
        error: row.get(4)?,
        attempts: row.get(5)?,
        parked_at_us: row.get(6)?,
    })
}

fn into_consumer(row: &Row<'_>) -> rusqlite::Result<(ConsumerName, Position, Option<LeaseOwner>)> {
    let owner: Option<String> = row.get(2)?;
    Ok((ConsumerName(row.get(0)?), position(row.get(1)?), owner.map(LeaseOwner)))
}

/// SQLite's integers are signed; the bits are the same.
fn position(stored: i64) -> Position {
    Position(stored.cast_unsigned())
}
