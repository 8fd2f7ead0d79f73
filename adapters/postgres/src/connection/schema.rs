//! Schemas and their versions.
//!
//! The steps write `{schema}` where the schema's name belongs; each schema keeps its version in
//! a table `schema_version` of its own.

use super::{Client, Database, DatabaseError, OpenError};
use dlcs_migrations::Migration;

/// Names our locks among the advisory locks of a database: "DLCS".
const LOCKS: i32 = 0x444c_4353;

impl Database {
    /// Brings a schema up to date; makes it if there is none. Several may do so at once.
    pub async fn migrate(&self, schema: &str, migrations: &[Migration]) -> Result<(), OpenError> {
        assert_plain(schema);
        let failed = |error| OpenError::of_database(error, &self.address);
        let mut client = self.client().await.map_err(failed)?;
        let found = version(&client, schema).await.map_err(failed)?;
        // Whoever finds everything in place needs no right to make anything.
        if self.compare(schema, found, migrations)? == Step::Upgrade {
            self.upgrade(&mut client, schema, migrations).await?;
        }
        Ok(())
    }

    /// Refuses a schema that is older or newer than this program. Writes nothing.
    pub async fn check_schema(
        &self,
        schema: &str,
        migrations: &[Migration],
    ) -> Result<(), OpenError> {
        assert_plain(schema);
        let failed = |error| OpenError::of_database(error, &self.address);
        let client = self.client().await.map_err(failed)?;
        let found = version(&client, schema).await.map_err(failed)?;
        match self.compare(schema, found, migrations)? {
            Step::None => Ok(()),
            Step::Upgrade => Err(OpenError::OlderSchema {
                database: self.name().into(),
                schema: schema.into(),
                found,
                known: newest(migrations),
            }),
        }
    }

    fn compare(
        &self,
        schema: &str,
        found: u32,
        migrations: &[Migration],
    ) -> Result<Step, OpenError> {
        let known = newest(migrations);
        match found.cmp(&known) {
            std::cmp::Ordering::Less => Ok(Step::Upgrade),
            std::cmp::Ordering::Equal => Ok(Step::None),
            std::cmp::Ordering::Greater => Err(OpenError::NewerSchema {
                database: self.name().into(),
                schema: schema.into(),
                found,
                known,
            }),
        }
    }

    async fn upgrade(
        &self,
        client: &mut Client,
        schema: &str,
        migrations: &[Migration],
    ) -> Result<(), OpenError> {
        let failed = |error| OpenError::of(error, &self.address);
        let transaction = client.transaction().await.map_err(failed)?;
        let lock = "SELECT pg_advisory_xact_lock($1, hashtext($2))";
        transaction.execute(lock, &[&LOCKS, &schema]).await.map_err(failed)?;
        let make = format!(
            "CREATE SCHEMA IF NOT EXISTS {schema};
             CREATE TABLE IF NOT EXISTS {schema}.schema_version (
                 version int PRIMARY KEY, name text NOT NULL, made_at timestamptz NOT NULL)"
        );
        transaction.batch_execute(&make).await.map_err(failed)?;
        // Read again under the lock: another process may just have done it.
        let row = transaction.query_one(&newest_sql(schema), &[]).await.map_err(failed)?;
        let found: i32 = row.get(0);
        self.compare(schema, found.cast_unsigned(), migrations)?;
        for migration in migrations.iter().filter(|it| it.version > found.cast_unsigned()) {
            let sql = migration.sql.replace("{schema}", schema);
            transaction.batch_execute(&sql).await.map_err(failed)?;
            let note = format!("INSERT INTO {schema}.schema_version VALUES ($1, $2, now())");
            let version = migration.version.cast_signed();
            transaction.execute(&note, &[&version, &migration.name]).await.map_err(failed)?;
            tracing::info!(schema, migration.name, "migrated {schema} to {}", migration.name);
        }
        transaction.commit().await.map_err(failed)
    }
}

#[derive(PartialEq)]
enum Step {
    None,
    Upgrade,
}

fn newest(migrations: &[Migration]) -> u32 {
    migrations.last().map_or(0, |migration| migration.version)
}

/// Returns the version of a schema; 0 if it is not there.
async fn version(client: &Client, schema: &str) -> Result<u32, DatabaseError> {
    let table = format!("{schema}.schema_version");
    let row = client.query_one("SELECT to_regclass($1) IS NOT NULL", &[&table]).await?;
    if !row.get::<_, bool>(0) {
        return Ok(0);
    }
    let row = client.query_one(&newest_sql(schema), &[]).await?;
    Ok(row.get::<_, i32>(0).cast_unsigned())
}

fn newest_sql(schema: &str) -> String {
    format!("SELECT coalesce(max(version), 0) FROM {schema}.schema_version")
}

/// Names go into statements as they are; ours are made of these letters only.
fn assert_plain(schema: &str) {
    let is_plain = !schema.is_empty()
        && schema.len() <= 63
        && schema.bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'_');
    assert!(is_plain, "the schema's name {schema:?} is made of a-z, 0-9 and _");
}
