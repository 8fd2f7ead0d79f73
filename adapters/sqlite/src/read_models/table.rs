//! The rows that one transaction touches: read once, folded in memory, written once.

use super::values::store_error;
use dlcs_projections::projection::{Row, StoreError, Table};
use rusqlite::Connection;
use std::collections::HashMap;

/// How rows of one kind are read and written.
pub(super) trait SqlRow: Row {
    fn load(connection: &Connection, key: &Self::Key) -> rusqlite::Result<Option<Self>>;

    /// Writes the row; `stored` is what the tables hold now.
    fn store(&self, connection: &Connection, stored: Option<&Self>) -> rusqlite::Result<()>;

    /// Removes what the tables hold. Rows that are kept for ever have no use for it.
    fn delete(&self, connection: &Connection) -> rusqlite::Result<()>;
}

pub(super) struct SqlTable<'c, R: Row> {
    connection: &'c Connection,
    slots: HashMap<R::Key, Slot<R>>,
}

struct Slot<R> {
    stored: Option<R>,
    current: Option<R>,
    is_changed: bool,
}

impl<'c, R: SqlRow> SqlTable<'c, R> {
    pub(super) fn new(connection: &'c Connection) -> Self {
        Self { connection, slots: HashMap::new() }
    }

    /// Writes what has changed, in the order of the keys.
    pub(super) fn flush(self) -> Result<(), StoreError> {
        let mut changed: Vec<_> = self.slots.into_iter().filter(|(_, it)| it.is_changed).collect();
        changed.sort_unstable_by(|(left, _), (right, _)| left.cmp(right));
        for (_, Slot { stored, current, .. }) in changed {
            let written = match (current, stored) {
                (Some(row), stored) => row.store(self.connection, stored.as_ref()),
                (None, Some(stored)) => stored.delete(self.connection),
                (None, None) => Ok(()),
            };
            written.map_err(|error| store_error(&error))?;
        }
        Ok(())
    }

    fn slot(&mut self, key: R::Key) -> &mut Slot<R> {
        // A row that is written without having been read is a row that was not there.
        let empty = || Slot { stored: None, current: None, is_changed: false };
        self.slots.entry(key).or_insert_with(empty)
    }
}

impl<R: SqlRow> Table<R> for SqlTable<'_, R> {
    fn get(&mut self, key: &R::Key) -> Result<Option<R>, StoreError> {
        if let Some(slot) = self.slots.get(key) {
            return Ok(slot.current.clone());
        }
        let stored = R::load(self.connection, key).map_err(|error| store_error(&error))?;
        let slot = Slot { stored: stored.clone(), current: stored.clone(), is_changed: false };
        self.slots.insert(key.clone(), slot);
        Ok(stored)
    }

    fn put(&mut self, row: R) {
        let slot = self.slot(row.key());
        slot.current = Some(row);
        slot.is_changed = true;
    }

    fn remove(&mut self, key: &R::Key) {
        let slot = self.slot(key.clone());
        slot.current = None;
        slot.is_changed = true;
    }
}
