//! Opening SQLite files: pragmas, schema versions, and the pool of readers.

use dlcs_migrations::Migration;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;

/// How long a connection waits for a lock that another process holds.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Pages that are kept for writing, of each read model: there are many, and while they are built anew
/// each fills what it may have. What does not fit is in the kernel's memory, which it can take back.
const READ_MODEL_CACHE_KIB: i32 = 8_192;

/// Of files whose pages are of SQLite's own size.
pub(crate) const PAGE_BYTES: u32 = 4_096;

/// What a database file is, and the steps that make its newest schema.
#[derive(Debug, Clone, Copy)]
pub struct Schema {
    /// Written into the file, so that no store is ever opened as another one.
    pub application_id: i32,
    /// Of a file that is made; one that is there keeps its own. A power of two.
    pub page_bytes: u32,
    pub migrations: &'static [Migration],
}

impl Schema {
    fn newest_version(&self) -> u32 {
        self.migrations.last().map_or(0, |migration| migration.version)
    }
}

/// When a commit reaches the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// At once: `Ok` survives power loss.
    EveryCommit,
    /// At the next checkpoint: power loss may take the last commits, never the consistency.
    Checkpoints,
}

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(
        "{} has schema version {found}, but this program knows none above {known}: use the \
         release that wrote it, or a later one", path.display()
    )]
    NewerSchema { path: PathBuf, found: u32, known: u32 },
    #[error(
        "{} has schema version {found}, but {known} is needed: start the server once, which \
         upgrades it", path.display()
    )]
    OlderSchema { path: PathBuf, found: u32, known: u32 },
    #[error("{} is a database of something else (application id {found:#x})", path.display())]
    OtherApplication { path: PathBuf, found: i32 },
    #[error(
        "{} is damaged: {source}. It is left as it is: put it aside and restore a backup with `dlcs \
         restore`", path.display()
    )]
    Damaged { path: PathBuf, source: rusqlite::Error },
    #[error("there is no room for {}: make some on its disk, then start again", path.display())]
    NoRoom { path: PathBuf },
    #[error("cannot open {}: {source}. Check who owns it, and its disk", path.display())]
    Sqlite { path: PathBuf, source: rusqlite::Error },
}

impl OpenError {
    /// Sorts by what somebody can do about it.
    pub(crate) fn of(path: &Path, source: rusqlite::Error) -> Self {
        let path = path.to_owned();
        match source.sqlite_error_code() {
            _ if is_full(&source) => Self::NoRoom { path },
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Damaged { path, source }
            }
            _ => Self::Sqlite { path, source },
        }
    }
}

/// Opens the one connection that writes, and brings the schema up to date.
pub fn open_writer(
    path: &Path,
    schema: &Schema,
    durability: Durability,
) -> Result<Connection, OpenError> {
    let failed = |source| OpenError::of(path, source);
    let mut connection = Connection::open(path).map_err(failed)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(failed)?;
    // Before anything is written: a file of something else is left as it is.
    check_schema(path, &connection, schema)?;
    connection.pragma_update(None, "page_size", schema.page_bytes).map_err(failed)?;
    configure_writer(&connection, durability).map_err(failed)?;
    settle(&connection);
    migrate(&mut connection, schema).map_err(failed)?;
    Ok(connection)
}

/// Opens a connection that only reads, beside a writer of this or another process.
pub fn open_reader(path: &Path, schema: &Schema) -> Result<Connection, OpenError> {
    let failed = |source| OpenError::of(path, source);
    let connection = connect_reader(path).map_err(failed)?;
    let found = check_schema(path, &connection, schema)?;
    let known = schema.newest_version();
    if found < known {
        return Err(OpenError::OlderSchema { path: path.to_owned(), found, known });
    }
    Ok(connection)
}

fn configure_writer(connection: &Connection, durability: Durability) -> rusqlite::Result<()> {
    connection.pragma_update(None, "journal_mode", "WAL")?;
    let (synchronous, cache_kib) = match durability {
        Durability::EveryCommit => ("FULL", 65_536),
        Durability::Checkpoints => ("NORMAL", READ_MODEL_CACHE_KIB),
    };
    connection.pragma_update(None, "synchronous", synchronous)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // Checkpoints are made by hand: SQLite's own keep their errors to themselves.
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    connection.pragma_update(None, "cache_size", -cache_kib)?; // KiB.
    configure(connection)
}

/// Opens a connection that copies a WAL into its database, beside the one that writes.
pub(crate) fn connect_checkpointer(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    configure_writer(&connection, Durability::EveryCommit)?;
    Ok(connection)
}

/// Moves what a dead process left in the WAL into the database, and begins the WAL anew.
///
/// If that process died of a failed sync, some of it is in the kernel's memory only, and what would
/// be written behind it could not be found after a loss of power.
fn settle(connection: &Connection) {
    let settled =
        connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get::<_, bool>(0));
    if let Err(error) = settled {
        abort_on_io_error("checkpoint at the start", &error);
        // A reader of another process, or no room: it is done in its turn.
        tracing::warn!(%error, "the WAL is not begun anew: {error}");
    }
}

fn connect_reader(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "cache_size", -16_384)?; // KiB.
    configure(&connection)?;
    Ok(connection)
}

fn configure(connection: &Connection) -> rusqlite::Result<()> {
    // With mmap an IO error is a signal and not an error code.
    connection.pragma_update(None, "mmap_size", 0)?;
    connection.set_prepared_statement_cache_capacity(128);
    // Plans do not depend on what is bound. Without this, binding another value compiles the
    // statement again, which costs more than running it.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(())
}

/// Returns the schema version of the file, 0 if it is new, and refuses what is not ours to use.
fn check_schema(path: &Path, connection: &Connection, schema: &Schema) -> Result<u32, OpenError> {
    let failed = |source| OpenError::of(path, source);
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    let version: u32 = pragma("user_version").map_err(failed)?.cast_unsigned();
    let application = pragma("application_id").map_err(failed)?;
    let is_new = version == 0 && application == 0;
    if !is_new && application != schema.application_id {
        return Err(OpenError::OtherApplication { path: path.to_owned(), found: application });
    }
    let known = schema.newest_version();
    if version > known {
        return Err(OpenError::NewerSchema { path: path.to_owned(), found: version, known });
    }
    Ok(version)
}

fn migrate(connection: &mut Connection, schema: &Schema) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Read again under the lock: another process may just have done it.
    let version: u32 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    for migration in schema.migrations.iter().filter(|it| it.version > version) {
        transaction.execute_batch(migration.sql)?;
        transaction.pragma_update(None, "user_version", migration.version)?;
        transaction.pragma_update(None, "application_id", schema.application_id)?;
        tracing::info!(migration.name, "migrated the schema to {}", migration.name);
    }
    transaction.commit()
}

/// After a failed write or sync the kernel may have dropped what it could not write: a later
/// success would mean nothing. The process ends, and the next start finds what is on the disk.
pub(crate) fn abort_on_io_error(step: &str, error: &rusqlite::Error) {
    if error.sqlite_error_code() == Some(ErrorCode::SystemIoFailure) && !is_full(error) {
        tracing::error!(%error, "the disk failed at a {step}, aborting: {error}");
        std::process::abort();
    }
}

/// Says whether there was no room. The index of the WAL grows with it, and says so in its own way.
pub(crate) fn is_full(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::DiskFull)
        || error.sqlite_extended_error_code() == Some(rusqlite::ffi::SQLITE_IOERR_SHMSIZE)
}

/// A few read connections to one file, opened when they are first needed.
///
/// Work runs on tokio's blocking threads; what exceeds the number of connections waits.
#[derive(Clone)]
pub struct Readers {
    path: Arc<Path>,
    idle: Arc<Mutex<Vec<Connection>>>,
    permits: Arc<Semaphore>,
}

impl Readers {
    /// Opens the first connection, and with it proves that the file is there and usable.
    pub fn open(path: &Path, schema: &Schema, connections_max: usize) -> Result<Self, OpenError> {
        let first = open_reader(path, schema)?;
        Ok(Self {
            path: path.into(),
            idle: Arc::new(Mutex::new(vec![first])),
            permits: Arc::new(Semaphore::new(connections_max)),
        })
    }

    /// Runs `work` with a connection of its own.
    pub async fn run<T, F>(&self, work: F) -> rusqlite::Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let permit =
            Arc::clone(&self.permits).acquire_owned().await.expect("the semaphore is never closed");
        let readers = self.clone();
        let task = tokio::task::spawn_blocking(move || {
            let mut connection = readers.take()?;
            let result = work(&mut connection);
            readers.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
            drop(permit);
            result
        });
        match task.await {
            Ok(result) => result,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // Only when the runtime shuts down.
                Err(_) => Err(rusqlite::Error::UnwindingPanic),
            },
        }
    }

    fn take(&self) -> rusqlite::Result<Connection> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        idle.map_or_else(|| connect_reader(&self.path), Ok)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEMA: Schema = Schema {
        application_id: 0x444c_0001,
        page_bytes: PAGE_BYTES,
        migrations: dlcs_migrations::SQLITE_CONTROL,
    };

    #[test]
    fn the_bundled_sqlite_has_no_wal_reset_bug() {
        // 3.51.3 is the first release without it.
        assert!(rusqlite::version_number() >= 3_051_003, "{}", rusqlite::version());
    }

    #[test]
    fn a_newer_schema_is_refused_by_name_and_number() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.sqlite");
        let writer = open_writer(&path, &SCHEMA, Durability::EveryCommit).unwrap();
        writer.pragma_update(None, "user_version", 99).unwrap();
        drop(writer);
        for refused in [
            open_writer(&path, &SCHEMA, Durability::EveryCommit).map(drop),
            open_reader(&path, &SCHEMA).map(drop),
        ] {
            let error = refused.unwrap_err();
            assert!(matches!(error, OpenError::NewerSchema { found: 99, .. }), "{error}");
        }
    }

    #[test]
    fn a_database_of_something_else_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.sqlite");
        drop(open_writer(&path, &SCHEMA, Durability::EveryCommit).unwrap());
        let other = Schema { application_id: 0x444c_0002, ..SCHEMA };
        let error = open_writer(&path, &other, Durability::EveryCommit).unwrap_err();
        assert!(matches!(error, OpenError::OtherApplication { found: 0x444c_0001, .. }), "{error}");
    }

    #[test]
    fn a_reader_waits_for_a_writer_to_make_the_schema() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.sqlite");
        assert!(matches!(open_reader(&path, &SCHEMA), Err(OpenError::Sqlite { .. })));
        drop(Connection::open(&path).unwrap());
        assert!(matches!(open_reader(&path, &SCHEMA), Err(OpenError::OlderSchema { .. })));
        drop(open_writer(&path, &SCHEMA, Durability::EveryCommit).unwrap());
        assert!(open_reader(&path, &SCHEMA).is_ok());
    }
}
