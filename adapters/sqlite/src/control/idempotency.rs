//! Answers to commands that carry an idempotency key. A cache: losing one is no harm.

use super::{ControlError, SqliteControl};
use async_trait::async_trait;
use bytes::Bytes;
use dlcs_commands::idempotency::{
    IdempotencyError, IdempotencyKey, IdempotencyStore, StoredAnswer,
};
use dlcs_eventlog::Position;
use rusqlite::{Connection, OptionalExtension, Row, params};
use uuid::Uuid;

impl From<ControlError> for IdempotencyError {
    fn from(error: ControlError) -> Self {
        Self::Store(error.0)
    }
}

#[async_trait]
impl IdempotencyStore for SqliteControl {
    async fn get(&self, key: &IdempotencyKey) -> Result<Option<StoredAnswer>, IdempotencyError> {
        const GET: &str = "
            SELECT scope, key, body_sha256, command_id, status, location, content_type, body,
                   position, answered_at_us
            FROM idempotency WHERE scope = ?1 AND key = ?2";
        let IdempotencyKey { scope, key } = key.clone();
        let read = self.readers.run(move |connection| {
            connection.prepare_cached(GET)?.query_row([scope, key], into_answer).optional()
        });
        read.await.map_err(|error| IdempotencyError::Store(error.to_string()))
    }

    async fn put(&self, answer: StoredAnswer) -> Result<(), IdempotencyError> {
        Ok(self.writer.run(move |connection| put(connection, &answer)).await?)
    }

    async fn purge(&self, before_us: i64) -> Result<u64, IdempotencyError> {
        const PURGE: &str = "DELETE FROM idempotency WHERE answered_at_us < ?1";
        let purged = self.writer.run(move |connection| {
            connection.prepare_cached(PURGE)?.execute([before_us]).map(|count| count as u64)
        });
        Ok(purged.await?)
    }
}

fn put(connection: &Connection, answer: &StoredAnswer) -> rusqlite::Result<()> {
    const PUT: &str = "
        INSERT OR REPLACE INTO idempotency
            (scope, key, body_sha256, command_id, status, location, content_type, body, position,
             answered_at_us)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    connection.prepare_cached(PUT)?.execute(params![
        answer.key.scope,
        answer.key.key,
        answer.body_sha256,
        answer.command_id.as_bytes(),
        answer.status,
        answer.location,
        answer.content_type,
        answer.body.as_ref(),
        answer.position.0.cast_signed(),
        answer.answered_at_us,
    ])?;
    Ok(())
}

fn into_answer(row: &Row<'_>) -> rusqlite::Result<StoredAnswer> {
    Ok(StoredAnswer {
        key: IdempotencyKey { scope: row.get(0)?, key: row.get(1)? },
        body_sha256: row.get(2)?,
        command_id: Uuid::from_bytes(row.get(3)?),
        status: row.get(4)?,
        location: row.get(5)?,
        content_type: row.get(6)?,
        body: Bytes::from(row.get::<_, Vec<u8>>(7)?),
        // SQLite's integers are signed; the bits are the same.
        position: Position(row.get::<_, i64>(8)?.cast_unsigned()),
        answered_at_us: row.get(9)?,
    })
}
