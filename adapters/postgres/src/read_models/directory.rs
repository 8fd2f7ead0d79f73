//! Which builds there are and which of them serve: the schema `dlcs_read`.
//!
//! - Whoever fills a build that does not serve yet holds its advisory lock. A build without that is
//!   a leftover of somebody who was killed, and is dropped.
//! - A build that served is kept for a while: other processes may be reading it.

use super::build::{ANSWERED_WITHIN, Build, Definition};
use super::errors::SqlError;
use super::values::Columns;
use super::{ReadModelsError, builder};
use crate::connection::{Client, Database, answered};
use dlcs_eventlog::Position;
use dlcs_migrations::read_models::POSTGRES_READ_MODELS;
use tokio_postgres::GenericClient;

/// Stands in SQL for the schema of a build.
pub(super) const SCHEMA: &str = "{schema}";
const DIRECTORY: &str = "dlcs_read";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Read,
    Write,
}

/// The builds in one database.
pub(super) struct Directory {
    pub(super) database: Database,
    mode: Mode,
}

const SERVING: &str = "
    SELECT m.schema_name, m.position
    FROM dlcs_read.serving AS s JOIN dlcs_read.models AS m USING (schema_name)
    WHERE s.projection = $1 AND s.version = $2";
/// One at a time: two processes that start together make one build, not two.
const LOCK_ALL: &str = "LOCK TABLE dlcs_read.serving IN SHARE ROW EXCLUSIVE MODE";
const SERVE: &str = "
    INSERT INTO dlcs_read.serving (projection, version, schema_name) VALUES ($1, $2, $3)";
/// An older version that has stood still for a day, while ours went on, has nobody who uses it.
const RETIRE_OLDER: &str = "
    WITH older AS (
        DELETE FROM dlcs_read.serving AS s USING dlcs_read.models AS m
        WHERE m.schema_name = s.schema_name AND s.projection = $1 AND s.version < $2
          AND m.moved_at < now() - interval '1 day'
          AND m.position < (SELECT ours.position FROM dlcs_read.models AS ours
                            WHERE ours.schema_name = $3)
        RETURNING s.schema_name)
    UPDATE dlcs_read.models SET state = 'retired', retired_at = now()
    WHERE schema_name IN (SELECT schema_name FROM older)";
const LEFTOVERS: &str = "
    SELECT schema_name, build FROM dlcs_read.models
    WHERE state = 'building' OR (state = 'retired' AND retired_at < now() - interval '1 minute')
    ORDER BY build";
/// Once more, now that it is locked: it may serve by now, or be gone.
const LEFTOVER: &str = "
    SELECT 1 FROM dlcs_read.models WHERE schema_name = $1 AND state <> 'serving' FOR UPDATE";
const FORGET: &str = "DELETE FROM dlcs_read.models WHERE schema_name = $1";

impl Directory {
    pub(super) async fn open(database: Database, mode: Mode) -> Result<Self, ReadModelsError> {
        match mode {
            Mode::Write => database.migrate(DIRECTORY, POSTGRES_READ_MODELS).await?,
            Mode::Read => database.check_schema(DIRECTORY, POSTGRES_READ_MODELS).await?,
        }
        Ok(Self { database, mode })
    }

    pub(super) fn mode(&self) -> Mode {
        self.mode
    }

    /// Returns the build that serves, and where it is.
    pub(super) async fn serving(
        &self,
        definition: &'static Definition,
    ) -> Result<Option<(Build, Position)>, SqlError> {
        let version = i64::from(definition.version);
        let ask = async |client: &Client| -> Result<_, SqlError> {
            let statement = client.prepare_cached(SERVING).await?;
            Ok(client.query_opt(&statement, &[&definition.name, &version]).await?)
        };
        let row = answered(self.database.client().await?, ANSWERED_WITHIN, ask).await?;
        let Some(row) = row else { return Ok(None) };
        let mut columns = Columns::new(&row);
        let build = Build::new(definition, self.database.clone(), columns.text()?);
        Ok(Some((build, Position(columns.number()?))))
    }

    /// Makes an empty build and lets it serve, unless one of this version serves.
    pub(super) async fn ensure_serving(
        &self,
        definition: &'static Definition,
    ) -> Result<(), SqlError> {
        if self.serving(definition).await?.is_some() {
            return Ok(());
        }
        let mut client = self.database.client().await?;
        let transaction = client.transaction().await?;
        transaction.batch_execute(LOCK_ALL).await?;
        let version = i64::from(definition.version);
        let served = transaction.query_opt(SERVING, &[&definition.name, &version]).await?;
        if served.is_some() {
            return Ok(());
        }
        let number = builder::number(&*transaction).await?;
        let schema = builder::make(&*transaction, definition, number, "serving").await?;
        let indexes = definition.tables.indexes.replace(SCHEMA, &schema);
        transaction.batch_execute(&indexes).await?;
        transaction.execute(SERVE, &[&definition.name, &version, &schema]).await?;
        transaction.commit().await?;
        tracing::info!(projection = definition.name, "{} begins in {schema}", definition.name);
        Ok(())
    }

    /// Takes older versions out of service that nobody uses.
    pub(super) async fn retire_older(&self, build: &Build) -> Result<(), SqlError> {
        let client = self.database.client().await?;
        let Definition { name, version, .. } = build.definition;
        client.execute(RETIRE_OLDER, &[name, &i64::from(*version), &build.schema()]).await?;
        Ok(())
    }

    /// Drops the builds that nobody fills, serves or reads. What cannot be dropped now is left for
    /// the next time.
    pub(super) async fn sweep(&self) -> Result<(), SqlError> {
        let leftovers = self.database.client().await?.query(LEFTOVERS, &[]).await?;
        for row in &leftovers {
            let mut columns = Columns::new(row);
            let (schema, number) = (columns.text()?, columns.take()?);
            match self.drop_leftover(&schema, number).await {
                Ok(true) => tracing::info!("dropped the read model {schema}, which does not serve"),
                Ok(false) => {}
                Err(error) => tracing::warn!("cannot drop the read model {schema}: {error}"),
            }
        }
        Ok(())
    }

    async fn drop_leftover(&self, schema: &str, number: i32) -> Result<bool, SqlError> {
        let mut client = self.database.client().await?;
        let transaction = client.transaction().await?;
        // A reader that takes its time is not waited for.
        transaction.batch_execute("SET LOCAL lock_timeout = '2s'").await?;
        if !builder::nobody_fills(&*transaction, number).await?
            || transaction.query_opt(LEFTOVER, &[&schema]).await?.is_none()
        {
            return Ok(false);
        }
        drop_build(&*transaction, schema).await?;
        transaction.commit().await?;
        Ok(true)
    }
}

/// Drops the tables of a build and forgets it.
pub(super) async fn drop_build(
    transaction: &impl GenericClient,
    schema: &str,
) -> Result<(), SqlError> {
    let is_ours = schema.starts_with("dlcs_read_")
        && schema.bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'_');
    if !is_ours {
        return Err(SqlError::Unreadable(format!("{schema} is no name of ours")));
    }
    transaction.batch_execute(&format!("DROP SCHEMA IF EXISTS {schema} CASCADE")).await?;
    transaction.execute(FORGET, &[&schema]).await?;
    Ok(())
}
