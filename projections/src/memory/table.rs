//! One table: the rows that hold, and what a transaction has changed of them so far.

use crate::projection::{Row, StoreError, Table};
use std::collections::BTreeMap;

#[derive(Debug, Clone, PartialEq)]
pub struct MemoryTable<R: Row> {
    rows: BTreeMap<R::Key, R>,
    /// `None`: removed.
    changed: BTreeMap<R::Key, Option<R>>,
}

impl<R: Row> Default for MemoryTable<R> {
    fn default() -> Self {
        Self { rows: BTreeMap::new(), changed: BTreeMap::new() }
    }
}

impl<R: Row> MemoryTable<R> {
    /// Returns the rows that hold, in the order of their keys.
    pub fn rows(&self) -> impl Iterator<Item = &R> {
        self.rows.values()
    }

    /// Returns the row that holds under a key.
    pub fn row(&self, key: &R::Key) -> Option<&R> {
        self.rows.get(key)
    }

    pub(super) fn commit(&mut self) {
        for (key, row) in std::mem::take(&mut self.changed) {
            match row {
                Some(row) => drop(self.rows.insert(key, row)),
                None => drop(self.rows.remove(&key)),
            }
        }
    }

    pub(super) fn roll_back(&mut self) {
        self.changed.clear();
    }
}

impl<R: Row> Table<R> for MemoryTable<R> {
    fn get(&mut self, key: &R::Key) -> Result<Option<R>, StoreError> {
        let row = match self.changed.get(key) {
            Some(changed) => changed.as_ref(),
            None => self.rows.get(key),
        };
        Ok(row.cloned())
    }

    fn put(&mut self, row: R) {
        self.changed.insert(row.key(), Some(row));
    }

    fn remove(&mut self, key: &R::Key) {
        self.changed.insert(key.clone(), None);
    }
}
