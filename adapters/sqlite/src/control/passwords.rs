//! Passwords of readers' accounts.

use super::{ControlError, SqliteControl};
use async_trait::async_trait;
use dlcs_commands::passwords::{PasswordError, PasswordStore};
use rusqlite::{OptionalExtension, params};
use uuid::Uuid;

impl From<ControlError> for PasswordError {
    fn from(error: ControlError) -> Self {
        Self::Store(error.0)
    }
}

#[async_trait]
impl PasswordStore for SqliteControl {
    async fn hash(&self, id: Uuid) -> Result<Option<String>, PasswordError> {
        const GET: &str = "SELECT hash FROM passwords WHERE id = ?1";
        let read = self.readers.run(move |connection| {
            let mut statement = connection.prepare_cached(GET)?;
            statement.query_row([id.to_string()], |row| row.get(0)).optional()
        });
        read.await.map_err(|error| PasswordError::Store(error.to_string()))
    }

    async fn keep(&self, id: Uuid, hash: String) -> Result<(), PasswordError> {
        const KEEP: &str = "INSERT OR REPLACE INTO passwords (id, hash) VALUES (?1, ?2)";
        let kept = self.writer.run(move |connection| {
            connection.prepare_cached(KEEP)?.execute(params![id.to_string(), hash]).map(drop)
        });
        Ok(kept.await?)
    }

    async fn forget(&self, id: Uuid) -> Result<(), PasswordError> {
        const FORGET: &str = "DELETE FROM passwords WHERE id = ?1";
        let forgotten = self.writer.run(move |connection| {
            connection.prepare_cached(FORGET)?.execute([id.to_string()]).map(drop)
        });
        Ok(forgotten.await?)
    }
}
