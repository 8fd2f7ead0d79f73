//! Answers to commands that carry an idempotency key. A cache: losing one is no harm.

use super::{ControlError, PostgresControl};
use async_trait::async_trait;
use bytes::Bytes;
use dlcs_commands::idempotency::{
    IdempotencyError, IdempotencyKey, IdempotencyStore, StoredAnswer,
};
use dlcs_eventlog::Position;
use tokio_postgres::Row;

impl From<ControlError> for IdempotencyError {
    fn from(error: ControlError) -> Self {
        Self::Store(error.0)
    }
}

#[async_trait]
impl IdempotencyStore for PostgresControl {
    async fn get(&self, key: &IdempotencyKey) -> Result<Option<StoredAnswer>, IdempotencyError> {
        const GET: &str = "
            SELECT scope, key, body_sha256, command_id, status, location, content_type, body,
                   position, answered_at_us
            FROM dlcs_control.idempotency WHERE scope = $1 AND key = $2";
        let rows = self.query(GET, &[&key.scope, &key.key]).await?;
        rows.first().map(into_answer).transpose()
    }

    async fn put(&self, answer: StoredAnswer) -> Result<(), IdempotencyError> {
        const PUT: &str = "
            INSERT INTO dlcs_control.idempotency
                (scope, key, body_sha256, command_id, status, location, content_type, body,
                 position, answered_at_us)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
            ON CONFLICT (scope, key) DO UPDATE
            SET body_sha256 = excluded.body_sha256, command_id = excluded.command_id,
                status = excluded.status, location = excluded.location,
                content_type = excluded.content_type, body = excluded.body,
                position = excluded.position, answered_at_us = excluded.answered_at_us";
        self.execute(
            PUT,
            &[
                &answer.key.scope,
                &answer.key.key,
                &answer.body_sha256,
                &answer.command_id,
                &i32::from(answer.status),
                &answer.location,
                &answer.content_type,
                &answer.body.as_ref(),
                &answer.position.0.cast_signed(),
                &answer.answered_at_us,
            ],
        )
        .await?;
        Ok(())
    }

    async fn purge(&self, before_us: i64) -> Result<u64, IdempotencyError> {
        const PURGE: &str = "DELETE FROM dlcs_control.idempotency WHERE answered_at_us < $1";
        Ok(self.execute(PURGE, &[&before_us]).await?)
    }
}

fn into_answer(row: &Row) -> Result<StoredAnswer, IdempotencyError> {
    let status: i32 = row.get(4);
    let status = u16::try_from(status)
        .map_err(|_| IdempotencyError::Store(format!("a stored answer has status {status}")))?;
    Ok(StoredAnswer {
        key: IdempotencyKey { scope: row.get(0), key: row.get(1) },
        body_sha256: row.get(2),
        command_id: row.get(3),
        status,
        location: row.get(5),
        content_type: row.get(6),
        body: Bytes::from(row.get::<_, Vec<u8>>(7)),
        // PostgreSQL's integers are signed; the bits are the same.
        position: Position(row.get::<_, i64>(8).cast_unsigned()),
        answered_at_us: row.get(9),
    })
}
