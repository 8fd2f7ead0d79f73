//! The control store on PostgreSQL: durable state that is neither event nor fold.
//!
//! `docs/state.md` lists its tables: in the backup or not, secret or not.

mod consumers;
mod idempotency;
mod passwords;
mod sessions;
mod settings;
#[cfg(test)]
mod tests;
mod webhooks;

use crate::connection::{Database, DatabaseError, OpenError, Retry, answered};
use std::time::Duration;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

const SCHEMA: &str = "dlcs_control";
/// Statements on a few rows: whoever does not answer by then has gone.
const ANSWERED_WITHIN: Duration = Duration::from_secs(5);

/// The control store in one PostgreSQL database, for any number of processes.
pub struct PostgresControl {
    database: Database,
    /// Leases run by the clocks of callers. Only a conformance suite decides what time it is.
    believes_callers: bool,
}

/// The control store cannot be used; a retry may help.
#[derive(Debug, thiserror::Error)]
#[error("the control store cannot be used: {0}")]
pub struct ControlError(String);

impl From<DatabaseError> for ControlError {
    fn from(error: DatabaseError) -> Self {
        Self(error.to_string())
    }
}

type Parameters<'a> = &'a [&'a (dyn ToSql + Sync)];

impl PostgresControl {
    /// Opens the store; makes its schema if there is none.
    pub async fn open(database: Database) -> Result<Self, OpenError> {
        database.migrate(SCHEMA, dlcs_migrations::POSTGRES_CONTROL).await?;
        Ok(Self { database, believes_callers: false })
    }

    /// Opens the store for reading, beside those who write. Makes nothing.
    pub async fn open_read_only(database: Database) -> Result<Self, OpenError> {
        database.check_schema(SCHEMA, dlcs_migrations::POSTGRES_CONTROL).await?;
        Ok(Self { database, believes_callers: false })
    }

    /// Returns the rows of one statement, which is repeated if the connection is lost.
    async fn query(&self, sql: &str, parameters: Parameters<'_>) -> Result<Vec<Row>, ControlError> {
        let mut retry = Retry::new();
        loop {
            match self.try_query(sql, parameters).await {
                Err(error) if retry.again(error.kind()).await => {}
                result => return Ok(result?),
            }
        }
    }

    /// Returns how many rows one statement changed, which is repeated if the connection is lost:
    /// for what does the same when it is done twice.
    async fn execute(&self, sql: &str, parameters: Parameters<'_>) -> Result<u64, ControlError> {
        let mut retry = Retry::new();
        loop {
            match self.try_execute(sql, parameters).await {
                Err(error) if retry.again(error.kind()).await => {}
                result => return Ok(result?),
            }
        }
    }

    /// Returns how many rows one statement changed.
    async fn execute_once(
        &self,
        sql: &str,
        parameters: Parameters<'_>,
    ) -> Result<u64, ControlError> {
        Ok(self.try_execute(sql, parameters).await?)
    }

    async fn try_query(
        &self,
        sql: &str,
        parameters: Parameters<'_>,
    ) -> Result<Vec<Row>, DatabaseError> {
        let client = self.database.client().await?;
        answered(client, ANSWERED_WITHIN, async |client| {
            let statement = client.prepare_cached(sql).await?;
            Ok(client.query(&statement, parameters).await?)
        })
        .await
    }

    async fn try_execute(
        &self,
        sql: &str,
        parameters: Parameters<'_>,
    ) -> Result<u64, DatabaseError> {
        let client = self.database.client().await?;
        answered(client, ANSWERED_WITHIN, async |client| {
            let statement = client.prepare_cached(sql).await?;
            fail::fail_point!("postgres.control.before-commit");
            let changed = client.execute(&statement, parameters).await?;
            fail::fail_point!("postgres.control.after-commit");
            Ok(changed)
        })
        .await
    }
}
