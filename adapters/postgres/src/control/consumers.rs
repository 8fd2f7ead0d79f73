//! Checkpoints, leases and parked events.

use super::{ControlError, Parameters, PostgresControl};
use async_trait::async_trait;
use dlcs_eventlog::consumers::{ConsumerError, ConsumerName, ConsumerStore, LeaseOwner, Parked};
use dlcs_eventlog::{EventId, Position, StreamId};
use std::time::Duration;
use tokio_postgres::Row;

impl From<ControlError> for ConsumerError {
    fn from(error: ControlError) -> Self {
        Self::Store(error.0)
    }
}

/// Leases run by the clock of the database, which is one for all processes. If that one jumps ahead,
/// two owners work until the first one's renewal fails, and checkpoints, which move by
/// compare-and-set, let only one of them get on.
#[async_trait]
impl ConsumerStore for PostgresControl {
    async fn checkpoint(&self, consumer: &ConsumerName) -> Result<Position, ConsumerError> {
        Ok(self.stored_checkpoint(consumer).await?.unwrap_or(Position::START))
    }

    async fn advance(
        &self,
        consumer: &ConsumerName,
        from: Position,
        to: Position,
    ) -> Result<(), ConsumerError> {
        // A consumer without a row stands at the start.
        const BEGIN: &str = "
            INSERT INTO dlcs_control.checkpoints AS c (consumer, position) VALUES ($1, $3)
            ON CONFLICT (consumer) DO UPDATE SET position = $3 WHERE c.position = $2";
        const MOVE: &str = "
            UPDATE dlcs_control.checkpoints SET position = $3
            WHERE consumer = $1 AND position = $2";
        let sql = if from == Position::START { BEGIN } else { MOVE };
        let (stored_from, stored_to) = (from.0.cast_signed(), to.0.cast_signed());
        // Once only: if the answer is lost, a second try would be refused by the first.
        let moved = self.execute_once(sql, &[&consumer.0, &stored_from, &stored_to]).await?;
        if moved == 1 {
            return Ok(());
        }
        let actual = self.stored_checkpoint(consumer).await?;
        Err(ConsumerError::CheckpointMoved { consumer: consumer.0.clone(), expected: from, actual })
    }

    async fn forget(&self, consumer: &ConsumerName) -> Result<(), ConsumerError> {
        const FORGET: &str = "
            WITH forgotten AS (DELETE FROM dlcs_control.parked WHERE consumer = $1)
            DELETE FROM dlcs_control.checkpoints WHERE consumer = $1";
        Ok(self.execute(FORGET, &[&consumer.0]).await.map(drop)?)
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
            WITH clock AS (
                SELECT coalesce($4::bigint,
                                (extract(epoch FROM clock_timestamp()) * 1000000)::bigint) AS now_us)
            INSERT INTO dlcs_control.leases AS l (consumer, owner, expires_us)
            SELECT $1, $2, now_us + $3::bigint FROM clock
            ON CONFLICT (consumer) DO UPDATE
                SET owner = excluded.owner, expires_us = excluded.expires_us
                WHERE l.owner = excluded.owner OR l.expires_us <= excluded.expires_us - $3::bigint";
        let duration_us = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX / 4);
        let told_us = self.believes_callers.then_some(now_us);
        let parameters: Parameters<'_> = &[&consumer.0, &owner.0, &duration_us, &told_us];
        let acquired = self.execute(ACQUIRE, parameters).await?;
        Ok(acquired == 1)
    }

    async fn release(
        &self,
        consumer: &ConsumerName,
        owner: &LeaseOwner,
    ) -> Result<(), ConsumerError> {
        const RELEASE: &str = "DELETE FROM dlcs_control.leases WHERE consumer = $1 AND owner = $2";
        Ok(self.execute(RELEASE, &[&consumer.0, &owner.0]).await.map(drop)?)
    }

    async fn release_all(&self, owner_prefix: &str) -> Result<(), ConsumerError> {
        const RELEASE_ALL: &str = "DELETE FROM dlcs_control.leases WHERE starts_with(owner, $1)";
        Ok(self.execute(RELEASE_ALL, &[&owner_prefix]).await.map(drop)?)
    }

    async fn park(&self, parked: Parked) -> Result<(), ConsumerError> {
        const PARK: &str = "
            INSERT INTO dlcs_control.parked
                (consumer, stream, position, event_id, error, attempts, parked_at_us)
            VALUES ($1, $2, $3, $4, $5, $6, $7)
            ON CONFLICT (consumer, stream, position) DO UPDATE
            SET event_id = excluded.event_id, error = excluded.error,
                attempts = excluded.attempts, parked_at_us = excluded.parked_at_us";
        // PostgreSQL has no text with this character; a decoder's message may quote one.
        let error = parked.error.replace('\0', "\u{fffd}");
        self.execute(
            PARK,
            &[
                &parked.consumer.0,
                &parked.stream.as_str(),
                &parked.position.0.cast_signed(),
                &parked.event_id.0,
                &error,
                &i64::from(parked.attempts),
                &parked.parked_at_us,
            ],
        )
        .await?;
        Ok(())
    }

    async fn parked(&self, consumer: &ConsumerName) -> Result<Vec<Parked>, ConsumerError> {
        const PARKED: &str = "
            SELECT consumer, stream, position, event_id, error, attempts, parked_at_us
            FROM dlcs_control.parked WHERE consumer = $1 ORDER BY position";
        let rows = self.query(PARKED, &[&consumer.0]).await?;
        rows.iter().map(into_parked).collect()
    }

    async fn unpark(
        &self,
        consumer: &ConsumerName,
        stream: &StreamId,
    ) -> Result<(), ConsumerError> {
        const UNPARK: &str = "DELETE FROM dlcs_control.parked WHERE consumer = $1 AND stream = $2";
        Ok(self.execute(UNPARK, &[&consumer.0, &stream.as_str()]).await.map(drop)?)
    }

    async fn consumers(
        &self,
    ) -> Result<Vec<(ConsumerName, Position, Option<LeaseOwner>)>, ConsumerError> {
        const CONSUMERS: &str = "
            SELECT consumer, coalesce(position, 0), owner
            FROM dlcs_control.checkpoints FULL JOIN dlcs_control.leases USING (consumer)
            ORDER BY consumer";
        let rows = self.query(CONSUMERS, &[]).await?;
        Ok(rows.iter().map(into_consumer).collect())
    }
}

impl PostgresControl {
    async fn stored_checkpoint(
        &self,
        consumer: &ConsumerName,
    ) -> Result<Option<Position>, ControlError> {
        const CHECKPOINT: &str =
            "SELECT position FROM dlcs_control.checkpoints WHERE consumer = $1";
        let rows = self.query(CHECKPOINT, &[&consumer.0]).await?;
        Ok(rows.first().map(|row| position(row.get(0))))
    }
}

fn into_parked(row: &Row) -> Result<Parked, ConsumerError> {
    let attempts: i64 = row.get(5);
    Ok(Parked {
        consumer: ConsumerName(row.get(0)),
        stream: StreamId::from_stored(row.get::<_, String>(1)),
        position: position(row.get(2)),
        event_id: EventId(row.get(3)),
        error: row.get(4),
        attempts: u32::try_from(attempts).map_err(|_| {
            ConsumerError::Store(format!("an event is parked with {attempts} attempts"))
        })?,
        parked_at_us: row.get(6),
    })
}

fn into_consumer(row: &Row) -> (ConsumerName, Position, Option<LeaseOwner>) {
    let owner: Option<String> = row.get(2);
    (ConsumerName(row.get(0)), position(row.get(1)), owner.map(LeaseOwner))
}

/// PostgreSQL's integers are signed; the bits are the same.
fn position(stored: i64) -> Position {
    Position(stored.cast_unsigned())
}
