//! Passwords of readers' accounts.

use super::{ControlError, PostgresControl};
use async_trait::async_trait;
use dlcs_commands::passwords::{PasswordError, PasswordStore};
use uuid::Uuid;

impl From<ControlError> for PasswordError {
    fn from(error: ControlError) -> Self {
        Self::Store(error.0)
    }
}

#[async_trait]
impl PasswordStore for PostgresControl {
    async fn hash(&self, id: Uuid) -> Result<Option<String>, PasswordError> {
        const GET: &str = "SELECT hash FROM dlcs_control.passwords WHERE id = $1";
        let rows = self.query(GET, &[&id]).await?;
        Ok(rows.first().map(|row| row.get(0)))
    }

    async fn keep(&self, id: Uuid, hash: String) -> Result<(), PasswordError> {
        const KEEP: &str = "INSERT INTO dlcs_control.passwords (id, hash) VALUES ($1, $2)
            ON CONFLICT (id) DO UPDATE SET hash = excluded.hash";
        self.execute(KEEP, &[&id, &hash]).await?;
        Ok(())
    }

    async fn forget(&self, id: Uuid) -> Result<(), PasswordError> {
        const FORGET: &str = "DELETE FROM dlcs_control.passwords WHERE id = $1";
        self.execute(FORGET, &[&id]).await?;
        Ok(())
    }
}
