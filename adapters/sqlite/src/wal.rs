//! When a WAL is copied into its database, and when it begins anew.
//!
//! By hand: SQLite's own checkpoints keep their errors to themselves.

use crate::connection::{abort_on_io_error, connect_checkpointer};
use rusqlite::Connection;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

/// Pages in the WAL from which on it is copied into the database, for stores of small writes.
pub(crate) const CHECKPOINT_PAGES: i64 = 1_000;
/// Pages in the WAL (32 MiB of the log's, 64 MiB of others') from which on readers are waited for, so that it starts anew.
const RESTART_PAGES: i64 = 16_384;
/// Pages that may be left to copy while a writer waits for its WAL to start anew.
const LEFT_PAGES_MAX: i64 = 1_000;

/// Copies the WAL into the database when it has grown by so many pages. The writer waits.
pub(crate) fn checkpoint(connection: &Connection, at_pages: i64, what: &str) {
    report(what, || {
        let wal = Wal::of(connection)?;
        if wal.left() >= at_pages {
            copy(connection)?;
        }
        if wal.pages >= RESTART_PAGES {
            restart(connection)?;
        }
        Ok(())
    });
}

/// A thread that copies the WAL into the database while the writer goes on.
pub(crate) struct Checkpointer {
    what: &'static str,
    /// Held while it copies: SQLite lets one checkpoint at a time happen, and refuses another.
    copying: Arc<Mutex<()>>,
    /// `None` only while it is dropped.
    wanted: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Checkpointer {
    /// Starts the thread for the database at `path`, which is there.
    pub(crate) fn start(path: &Path, what: &'static str) -> rusqlite::Result<Self> {
        let connection = connect_checkpointer(path)?;
        let copying = Arc::<Mutex<()>>::default();
        let (wanted, waiting) = sync_channel(1);
        let held = Arc::clone(&copying);
        let thread = std::thread::Builder::new()
            .name("checkpointer".into())
            .spawn(move || run(&connection, &held, &waiting, what))
            .expect("a thread can be started while the server starts");
        Ok(Self { what, copying, wanted: Some(wanted), thread: Some(thread) })
    }

    /// Asks for a copy when the WAL has grown by so many pages. Called by the writer between two
    /// transactions: only it can let the WAL start anew, and it does so when little is left to copy,
    /// or when the WAL has become too long.
    pub(crate) fn tend(&self, writer: &Connection, at_pages: i64) {
        report(self.what, || {
            let wal = Wal::of(writer)?;
            if wal.left() >= at_pages
                && let Some(wanted) = &self.wanted
            {
                // It may be at work already.
                let _ = wanted.try_send(());
            }
            if wal.pages >= 2 * RESTART_PAGES {
                let _alone = self.copying.lock().unwrap_or_else(PoisonError::into_inner);
                restart(writer)?;
            } else if wal.pages >= RESTART_PAGES
                && wal.left() <= LEFT_PAGES_MAX
                && let Ok(_alone) = self.copying.try_lock()
            {
                restart(writer)?;
            }
            Ok(())
        });
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.wanted = None;
        if let Some(thread) = self.thread.take() {
            // A panic there has been reported.
            let _ = thread.join();
        }
    }
}

fn run(connection: &Connection, copying: &Mutex<()>, wanted: &Receiver<()>, what: &str) {
    while wanted.recv().is_ok() {
        let _alone = copying.lock().unwrap_or_else(PoisonError::into_inner);
        report(what, || copy(connection));
    }
}

/// Copies what no reader needs.
fn copy(connection: &Connection) -> rusqlite::Result<()> {
    Wal::after(connection, "PRAGMA wal_checkpoint(PASSIVE)").map(drop)
}

/// Copies all of it, waits for readers, and lets the next transaction begin at the start.
fn restart(connection: &Connection) -> rusqlite::Result<()> {
    Wal::after(connection, "PRAGMA wal_checkpoint(RESTART)").map(drop)
}

fn report(what: &str, work: impl FnOnce() -> rusqlite::Result<()>) {
    if let Err(error) = work() {
        abort_on_io_error(&format!("checkpoint of the {what}"), &error);
        tracing::warn!(%error, "cannot checkpoint the {what}: {error}");
    }
}

/// How many pages a WAL holds, and how many of them are in the database already.
struct Wal {
    pages: i64,
    copied: i64,
}

impl Wal {
    fn of(connection: &Connection) -> rusqlite::Result<Self> {
        Self::after(connection, "PRAGMA wal_checkpoint(NOOP)")
    }

    fn left(&self) -> i64 {
        self.pages - self.copied
    }

    fn after(connection: &Connection, pragma: &str) -> rusqlite::Result<Self> {
        let mut statement = connection.prepare_cached(pragma)?;
        statement.query_row([], |row| Ok(Self { pages: row.get(1)?, copied: row.get(2)? }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::{Durability, PAGE_BYTES, Schema, open_reader, open_writer};

    const SCHEMA: Schema = Schema {
        application_id: 0x444c_0003,
        page_bytes: PAGE_BYTES,
        migrations: dlcs_migrations::SQLITE_CONTROL,
    };
    const ROWS: i64 = 250;
    const ROW_BYTES: i64 = 1 << 20;

    #[test]
    fn a_wal_that_is_copied_beside_its_writer_does_not_grow_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.sqlite");
        let writer = open_writer(&path, &SCHEMA, Durability::Checkpoints).unwrap();
        writer.execute_batch("CREATE TABLE big (id INTEGER PRIMARY KEY, bytes BLOB)").unwrap();
        let checkpointer = Checkpointer::start(&path, "test").unwrap();
        let reader = open_reader(&path, &SCHEMA).unwrap();
        let mut longest = 0;
        for id in 1..=ROWS {
            writer.execute("INSERT INTO big VALUES (?1, zeroblob(?2))", [id, ROW_BYTES]).unwrap();
            checkpointer.tend(&writer, CHECKPOINT_PAGES);
            longest = longest.max(Wal::of(&writer).unwrap().pages);
            let seen = |sql| reader.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
            assert_eq!(seen("SELECT max(id) FROM big"), id, "what is committed is seen");
        }
        assert!(longest > RESTART_PAGES / 2, "{longest} pages: nothing was tried");
        let a_row_more = ROW_BYTES / i64::from(PAGE_BYTES) + 16;
        assert!(longest <= 2 * RESTART_PAGES + a_row_more, "{longest} pages");
        drop((checkpointer, reader));
        let whole: String =
            writer.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(whole, "ok");
    }
}
