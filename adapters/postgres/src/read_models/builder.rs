//! A build that is being filled: who fills it, and how it comes to serve.
//!
//! The builder has a connection of its own, whose advisory locks end with it, however it ends.

use super::build::{Build, Definition};
use super::directory::{Directory, SCHEMA, drop_build};
use super::errors::SqlError;
use super::values::Columns;
use dlcs_eventlog::Position;
use tokio_postgres::{Client, GenericClient, Transaction};

/// Advisory locks of those who fill builds, by the number of the build: "DLRB".
const FILLING: i32 = 0x444c_5242;
/// Advisory locks of those who rebuild, by projection and version: "DLRR".
const REBUILDING: i32 = 0x444c_5252;

const NUMBER: &str = "SELECT nextval('dlcs_read.builds')::integer";
const LIST: &str = "
    INSERT INTO dlcs_read.models (schema_name, build, projection, version, position, state)
    VALUES ($1, $2, $3, $4, 0, $5)";
const TRY_LOCK: &str = "SELECT pg_try_advisory_lock($1, $2)";
const TRY_LOCK_BRIEFLY: &str = "SELECT pg_try_advisory_xact_lock($1, $2)";
/// What two numbers lock shows in this form; see `pg_locks` in PostgreSQL's manual.
const IS_LOCKED: &str = "
    SELECT EXISTS (
        SELECT 1 FROM pg_locks
        WHERE locktype = 'advisory' AND objsubid = 2 AND granted
          AND classid::bigint = $1 AND objid::bigint = $2
          AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))";
/// Nobody moves the checkpoint of what serves, and nobody changes the pointer, until the end.
const HOLD: &str = "
    SELECT m.schema_name, m.position
    FROM dlcs_read.serving AS s JOIN dlcs_read.models AS m USING (schema_name)
    WHERE s.projection = $1 AND s.version = $2 FOR UPDATE OF s, m";
const RETIRE: &str = "
    UPDATE dlcs_read.models SET state = 'retired', retired_at = clock_timestamp()
    WHERE schema_name = $1";
const PROMOTE: &str = "
    UPDATE dlcs_read.models SET state = 'serving'
    WHERE schema_name = $1 AND state = 'building' AND position = $2";
const POINT: &str = "
    UPDATE dlcs_read.serving SET schema_name = $3 WHERE projection = $1 AND version = $2";

/// Fills one build.
pub(super) struct Builder {
    client: Client,
    pub(super) build: Build,
}

/// What serves, standing still.
pub(super) struct Held<'c> {
    transaction: Transaction<'c>,
    schema: String,
    pub(super) position: Position,
}

impl Builder {
    /// Makes an empty build. `None`: somebody is rebuilding this projection already.
    pub(super) async fn begin(
        directory: &Directory,
        definition: &'static Definition,
    ) -> Result<Option<Self>, SqlError> {
        let (mut client, connection) = directory.database.connect_alone().await?;
        // Ends with the client; what goes wrong with it the client tells.
        tokio::spawn(connection);
        if !is_granted(&client, TRY_LOCK, REBUILDING, key(definition)).await? {
            return Ok(None);
        }
        directory.sweep().await?;
        let number = number(&client).await?;
        // Before anybody can see the build, so that nobody takes it for a leftover.
        if !is_granted(&client, TRY_LOCK, FILLING, number).await? {
            return Ok(None);
        }
        let transaction = client.transaction().await?;
        let schema = make(&transaction, definition, number, "building").await?;
        transaction.commit().await?;
        fail::fail_point!("postgres.read-models.after-begin");
        let build = Build::new(definition, directory.database.clone(), schema);
        Ok(Some(Self { client, build }))
    }

    /// Makes the indexes that the filled tables still lack.
    pub(super) async fn finish(&mut self) -> Result<(), SqlError> {
        let transaction = self.client.transaction().await?;
        transaction.batch_execute("SET LOCAL statement_timeout = 0").await?;
        transaction.batch_execute(&self.build.sql(self.build.definition.tables.indexes)).await?;
        for table in self.build.definition.dump {
            let sql = format!("ANALYZE {}.{}", self.build.schema(), table.name);
            transaction.batch_execute(&sql).await?;
        }
        Ok(transaction.commit().await?)
    }

    /// Keeps what serves where it is, as long as the answer lives.
    pub(super) async fn hold(&mut self) -> Result<Held<'_>, SqlError> {
        let definition = self.build.definition;
        let transaction = self.client.transaction().await?;
        let version = i64::from(definition.version);
        let row = transaction.query_opt(HOLD, &[&definition.name, &version]).await?;
        let row = row.ok_or_else(|| SqlError::Gone(format!("no {} serves", definition.name)))?;
        let mut columns = Columns::new(&row);
        let (schema, position) = (columns.text()?, Position(columns.number()?));
        Ok(Held { transaction, schema, position })
    }

    /// Drops what was built.
    pub(super) async fn give_up(mut self) -> Result<(), SqlError> {
        let transaction = self.client.transaction().await?;
        drop_build(&transaction, self.build.schema()).await?;
        Ok(transaction.commit().await?)
    }
}

impl Held<'_> {
    /// Lets a build serve that has got to the same position.
    pub(super) async fn replace_by(self, build: &Build) -> Result<(), SqlError> {
        let Self { transaction, schema, position } = self;
        let definition = build.definition;
        let (version, position) = (i64::from(definition.version), position.0.cast_signed());
        transaction.execute(RETIRE, &[&schema]).await?;
        fail::fail_point!("postgres.read-models.before-switch");
        let promoted = transaction.execute(PROMOTE, &[&build.schema(), &position]).await?;
        if promoted != 1 {
            let reason = format!("{} was dropped while it was filled", build.schema());
            return Err(SqlError::Gone(reason));
        }
        transaction.execute(POINT, &[&definition.name, &version, &build.schema()]).await?;
        fail::fail_point!("postgres.read-models.before-commit");
        transaction.commit().await?;
        fail::fail_point!("postgres.read-models.after-switch");
        Ok(())
    }
}

/// Returns a number that no build has had.
pub(super) async fn number(client: &impl GenericClient) -> Result<i32, SqlError> {
    Ok(client.query_one(NUMBER, &[]).await?.try_get(0)?)
}

/// Makes the tables of a build and lists it; returns the name of its schema.
pub(super) async fn make(
    transaction: &impl GenericClient,
    definition: &Definition,
    number: i32,
    state: &str,
) -> Result<String, SqlError> {
    let Definition { name, version, tables, .. } = definition;
    let schema = format!("dlcs_read_{}_v{version}_{number}", name.replace('-', "_"));
    transaction.batch_execute(&tables.tables.replace(SCHEMA, &schema)).await?;
    let version = i64::from(*version);
    transaction.execute(LIST, &[&schema, &number, name, &version, &state]).await?;
    Ok(schema)
}

/// Says whether nobody fills a build, and keeps it so until the end of the transaction.
pub(super) async fn nobody_fills(
    transaction: &impl GenericClient,
    number: i32,
) -> Result<bool, SqlError> {
    is_granted(transaction, TRY_LOCK_BRIEFLY, FILLING, number).await
}

/// Says whether some process is rebuilding a projection.
pub(super) async fn is_rebuilding(
    directory: &Directory,
    definition: &Definition,
) -> Result<bool, SqlError> {
    let client = directory.database.client().await?;
    let (class, key) = (i64::from(REBUILDING), i64::from(key(definition)));
    Ok(client.query_one(IS_LOCKED, &[&class, &key]).await?.try_get(0)?)
}

/// Returns what stands for a projection and its version among the locks.
fn key(definition: &Definition) -> i32 {
    definition.version.cast_signed().wrapping_mul(256).wrapping_add(definition.lock)
}

async fn is_granted(
    client: &impl GenericClient,
    lock: &str,
    class: i32,
    key: i32,
) -> Result<bool, SqlError> {
    Ok(client.query_one(lock, &[&class, &key]).await?.try_get(0)?)
}
