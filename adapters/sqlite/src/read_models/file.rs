//! One file of one projection: tables, checkpoint, parked events.

use super::values::{query_error, store_error, uuid};
use crate::connection::{
    Durability, OpenError, PAGE_BYTES, Readers, Schema, abort_on_io_error, open_writer,
};
use crate::wal::{self, CHECKPOINT_PAGES};
use async_trait::async_trait;
use dlcs_eventlog::{EventId, Position, StreamId};
use dlcs_migrations::Migration;
use dlcs_projections::QueryError;
use dlcs_projections::dump::{Dump, DumpWriter};
use dlcs_projections::projection::{
    ApplyError, DecodedEvent, EventBatch, FoldError, OnPoison, ParkedEvent, Poison, ReadModel,
    StoreError,
};
use rusqlite::{Connection, TransactionBehavior, params};
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

const READERS_MAX: usize = 4;

/// What distinguishes one projection from another.
pub(super) struct Definition {
    pub(super) name: &'static str,
    pub(super) version: u32,
    pub(super) application_id: i32,
    pub(super) migrations: &'static [Migration],
    pub(super) begin: for<'c> fn(&'c Connection) -> Box<dyn Session + 'c>,
    /// Writes every table in the order of its key.
    pub(super) dump: fn(&Connection, &mut DumpWriter) -> rusqlite::Result<()>,
}

impl Definition {
    fn schema(&self) -> Schema {
        Schema {
            application_id: self.application_id,
            page_bytes: PAGE_BYTES,
            migrations: self.migrations,
        }
    }
}

/// Takes in the events of one transaction.
pub(super) trait Session {
    fn apply(&mut self, event: &DecodedEvent) -> Result<(), FoldError>;
    fn flush(self: Box<Self>) -> Result<(), StoreError>;
}

/// An open file. Cheap to clone.
#[derive(Clone)]
pub(super) struct ModelFile(Arc<Inner>);

struct Inner {
    definition: &'static Definition,
    path: PathBuf,
    readers: Readers,
    /// `None`: opened for reading only.
    writer: Option<Mutex<Connection>>,
    /// Goes with the last handle: a file that is being built, or has been replaced.
    is_temporary: AtomicBool,
    /// See [`ModelFile::stamp`].
    stamp: AtomicU64,
}

/// Names a state of the rows of one file; no two states of any files have the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RowsStamp(u64);

fn next_stamp() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::SeqCst)
}

impl Drop for Inner {
    fn drop(&mut self) {
        if *self.is_temporary.get_mut() {
            remove(&self.path);
        }
    }
}

/// Removes a database with its companions. What cannot be removed is a leftover for the next start.
pub(super) fn remove(path: &Path) {
    for suffix in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        // Mostly there is no such file.
        let _ = std::fs::remove_file(name);
    }
}

impl ModelFile {
    /// Opens a file for writing too, and makes it if there is none.
    pub(super) fn open(definition: &'static Definition, path: PathBuf) -> Result<Self, OpenError> {
        let writer = open_writer(&path, &definition.schema(), Durability::Checkpoints)?;
        let readers = Readers::open(&path, &definition.schema(), READERS_MAX)?;
        let writer = Some(Mutex::new(writer));
        let is_temporary = AtomicBool::new(false);
        let stamp = AtomicU64::new(next_stamp());
        Ok(Self(Arc::new(Inner { definition, path, readers, writer, is_temporary, stamp })))
    }

    pub(super) fn open_read_only(
        definition: &'static Definition,
        path: PathBuf,
    ) -> Result<Self, OpenError> {
        let readers = Readers::open(&path, &definition.schema(), READERS_MAX)?;
        let is_temporary = AtomicBool::new(false);
        let stamp = AtomicU64::new(next_stamp());
        let inner = Inner { definition, path, readers, writer: None, is_temporary, stamp };
        Ok(Self(Arc::new(inner)))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0.path
    }

    /// Says whether the file goes when nobody uses it any more.
    pub(super) fn set_temporary(&self, is_temporary: bool) {
        self.0.is_temporary.store(is_temporary, Ordering::SeqCst);
    }

    /// Returns the state of the rows: what was read after this was asked for is as new as that, and
    /// as long as the answer is the same. `None`: another process may write the file.
    pub(super) fn stamp(&self) -> Option<RowsStamp> {
        let is_ours = self.0.writer.is_some();
        is_ours.then(|| RowsStamp(self.0.stamp.load(Ordering::SeqCst)))
    }

    /// Runs a query.
    pub(super) async fn query<T, F>(&self, work: F) -> Result<T, QueryError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let done = self.0.readers.run(move |it| work(it)).await;
        done.map_err(|error| query_error(&error))
    }

    async fn read<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        self.0.readers.run(work).await.map_err(|error| store_error(&error))
    }

    fn apply_now(
        &self,
        from: Position,
        to: Position,
        events: &[DecodedEvent],
        on_poison: OnPoison,
    ) -> Result<Vec<ParkedEvent>, ApplyError> {
        let Some(writer) = &self.0.writer else {
            return Err(StoreError::Damaged("it was opened for reading only".into()).into());
        };
        let mut connection = writer.lock().unwrap_or_else(PoisonError::into_inner);
        let transaction =
            connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(sql)?;
        let actual = checkpoint(&transaction).map_err(sql)?;
        if actual != from {
            return Err(ApplyError::CheckpointMoved { expected: from, actual });
        }
        let events =
            events.iter().filter(|it| (from < it.recorded.position) && it.recorded.position <= to);
        fail::fail_point!("projection.before-apply");
        let parked = fold(self.0.definition, &transaction, events, on_poison)?;
        fail::fail_point!("projection.before-checkpoint");
        save(&transaction, to, &parked).map_err(sql)?;
        fail::fail_point!("projection.before-commit");
        let committed = transaction.commit();
        // After an error, too: nobody knows then.
        self.0.stamp.store(next_stamp(), Ordering::SeqCst);
        committed.map_err(|error| {
            abort_on_io_error("commit of a read model", &error);
            sql(error)
        })?;
        fail::fail_point!("projection.after-commit");
        wal::checkpoint(&connection, CHECKPOINT_PAGES, self.0.definition.name);
        Ok(parked)
    }
}

fn sql(error: rusqlite::Error) -> ApplyError {
    ApplyError::Store(store_error(&error))
}

/// Folds events into the tables; returns those that have to be parked.
fn fold<'e>(
    definition: &Definition,
    connection: &Connection,
    events: impl Iterator<Item = &'e DecodedEvent>,
    on_poison: OnPoison,
) -> Result<Vec<ParkedEvent>, ApplyError> {
    let mut parked_streams = parked_streams(connection).map_err(sql)?;
    let mut parked = Vec::new();
    let mut session = (definition.begin)(connection);
    for event in events {
        let outcome = if parked_streams.contains(&event.recorded.stream) {
            Err(Poison("an earlier event of the stream is parked".into()).into())
        } else {
            session.apply(event)
        };
        let poison = match outcome {
            Ok(()) => continue,
            Err(FoldError::Store(error)) => return Err(error.into()),
            Err(FoldError::Poison(poison)) => poison,
        };
        let (position, stream) = (event.recorded.position, event.recorded.stream.clone());
        if on_poison == OnPoison::Stop {
            return Err(ApplyError::Poisoned { position, stream, poison });
        }
        parked_streams.insert(stream.clone());
        let event_id = event.recorded.event_id;
        parked.push(ParkedEvent { stream, position, event_id, error: poison.0 });
    }
    session.flush()?;
    Ok(parked)
}

fn checkpoint(connection: &Connection) -> rusqlite::Result<Position> {
    let mut statement = connection.prepare_cached("SELECT position FROM checkpoint")?;
    statement.query_row([], |row| row.get(0)).map(Position)
}

fn save(
    connection: &Connection,
    position: Position,
    parked: &[ParkedEvent],
) -> rusqlite::Result<()> {
    for ParkedEvent { stream, position, event_id, error } in parked {
        connection
            .prepare_cached(
                "INSERT INTO parked (position, stream, event_id, error) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![position.0, stream.as_str(), event_id.0.as_bytes(), error])?;
    }
    connection.prepare_cached("UPDATE checkpoint SET position = ?1")?.execute([position.0])?;
    Ok(())
}

fn parked_streams(connection: &Connection) -> rusqlite::Result<HashSet<StreamId>> {
    let mut statement = connection.prepare_cached("SELECT DISTINCT stream FROM parked")?;
    let streams = statement.query_map([], |row| row.get::<_, String>(0))?;
    streams.map(|it| it.map(StreamId::from_stored)).collect()
}

fn parked(connection: &Connection) -> rusqlite::Result<Vec<ParkedEvent>> {
    let mut statement = connection
        .prepare_cached("SELECT position, stream, event_id, error FROM parked ORDER BY position")?;
    let events = statement.query_map([], |row| {
        Ok(ParkedEvent {
            position: Position(row.get(0)?),
            stream: StreamId::from_stored(row.get::<_, String>(1)?),
            event_id: EventId(uuid(row.get(2)?)),
            error: row.get(3)?,
        })
    })?;
    events.collect()
}

#[async_trait]
impl ReadModel for ModelFile {
    fn name(&self) -> &'static str {
        self.0.definition.name
    }

    fn version(&self) -> u32 {
        self.0.definition.version
    }

    async fn checkpoint(&self) -> Result<Position, StoreError> {
        self.read(|it| checkpoint(it)).await
    }

    async fn apply(
        &self,
        from: Position,
        to: Position,
        events: EventBatch,
        on_poison: OnPoison,
    ) -> Result<Vec<ParkedEvent>, ApplyError> {
        let file = self.clone();
        let work = move || file.apply_now(from, to, &events, on_poison);
        let done = tokio::task::spawn_blocking(work).await;
        done.map_err(|error| StoreError::Unavailable(error.to_string()))?
    }

    async fn parked(&self) -> Result<Vec<ParkedEvent>, StoreError> {
        self.read(|it| parked(it)).await
    }

    async fn dump(&self) -> Result<Dump, StoreError> {
        let definition = self.0.definition;
        let dump = move |connection: &mut Connection| {
            // One snapshot for all tables.
            let snapshot = connection.transaction()?;
            let position = checkpoint(&snapshot)?;
            let mut writer = DumpWriter::default();
            (definition.dump)(&snapshot, &mut writer)?;
            parked(&snapshot)?.iter().for_each(|it| writer.row(it));
            writer.end_table("parked");
            Ok(writer.finish(definition.name, definition.version, position))
        };
        self.read(dump).await
    }
}
