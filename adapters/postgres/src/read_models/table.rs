//! Rows of one kind: the SQL that reads and writes them, and the rows that one batch touches.

use super::errors::SqlError;
use super::values::{Columns, Value};
use dlcs_projections::dump::DumpWriter;
use dlcs_projections::projection::{Row as Keyed, StoreError, Table};
use std::collections::{HashMap, HashSet};
use tokio_postgres::Row;

/// How rows of one kind lie in their table.
pub(super) trait SqlRow: Sized + Send + 'static {
    const TABLE: &'static str;
    /// Names and types. The key comes first.
    const COLUMNS: &'static [(&'static str, &'static str)];
    /// How many columns the key has.
    const KEY: usize;

    /// Returns the values of all columns.
    fn values(&self) -> Vec<Value>;

    fn read(columns: &mut Columns<'_>) -> Result<Self, SqlError>;

    /// Writes the line of a dump, from all columns.
    fn dump(row: &Row, writer: &mut DumpWriter) -> Result<(), SqlError>;
}

/// How rows are found again.
pub(super) trait StoredRow: SqlRow + Keyed<Key: Send> {
    /// Returns the values of the columns of the key.
    fn key_values(key: &Self::Key) -> Vec<Value>;

    /// Brings what lies in other tables from what rows were to what they are.
    fn beside(_: &[Change<'_, Self>]) -> Vec<Statement> {
        Vec::new()
    }
}

/// A row that a batch changes.
pub(super) struct Change<'t, R> {
    pub(super) stored: Option<&'t R>,
    pub(super) current: Option<&'t R>,
}

/// SQL for many rows at once.
#[derive(Debug)]
pub(super) struct Statement {
    /// `{schema}` stands for the schema of the read model.
    pub(super) sql: String,
    /// One array for each column.
    pub(super) columns: Vec<Value>,
}

impl Statement {
    /// Turns rows of values into columns. `None`: there are no rows.
    pub(super) fn of(sql: String, rows: impl IntoIterator<Item = Vec<Value>>) -> Option<Self> {
        let mut rows = rows.into_iter().peekable();
        let width = rows.peek()?.len();
        Some(Self { sql, columns: Value::columns(width, rows) })
    }
}

/// Returns all columns of the table that is called `t`.
pub(super) fn columns<R: SqlRow>() -> String {
    list::<R>(R::COLUMNS.len(), |_, name, _| format!("t.{name}"))
}

/// Returns `SELECT` of all columns of the table, called `t`.
pub(super) fn select<R: SqlRow>() -> String {
    format!("SELECT {} FROM {{schema}}.{} AS t", columns::<R>(), R::TABLE)
}

/// Returns the SQL that reads one row by its key.
pub(super) fn select_one<R: SqlRow>() -> String {
    let conditions: Vec<_> =
        (1..).zip(keys::<R>()).map(|(number, name)| format!("t.{name} = ${number}")).collect();
    format!("{} WHERE {}", select::<R>(), conditions.join(" AND "))
}

/// Returns the SQL that reads every row in the order of the keys.
pub(super) fn select_all<R: SqlRow>() -> String {
    let order = list::<R>(R::KEY, |_, name, _| format!("t.{name}"));
    format!("{} ORDER BY {order}", select::<R>())
}

fn select_many<R: SqlRow>() -> String {
    format!("{} JOIN {} USING ({})", select::<R>(), wanted::<R>(), key_list::<R>())
}

fn upsert<R: SqlRow>() -> String {
    let all = R::COLUMNS.len();
    let columns = list::<R>(all, |_, name, _| name.to_owned());
    let others = R::COLUMNS[R::KEY..].iter();
    let updates: Vec<_> = others.map(|(name, _)| format!("{name} = excluded.{name}")).collect();
    format!(
        "INSERT INTO {{schema}}.{} ({columns}) SELECT * FROM unnest({}) \
         ON CONFLICT ({}) DO UPDATE SET {}",
        R::TABLE,
        list::<R>(all, array),
        key_list::<R>(),
        updates.join(", ")
    )
}

fn delete<R: SqlRow>() -> String {
    let conditions: Vec<_> = keys::<R>().map(|name| format!("t.{name} = k.{name}")).collect();
    format!(
        "DELETE FROM {{schema}}.{} AS t USING {} WHERE {}",
        R::TABLE,
        wanted::<R>(),
        conditions.join(" AND ")
    )
}

/// Returns the keys that are asked for as a table called `k`.
fn wanted<R: SqlRow>() -> String {
    format!("unnest({}) AS k ({})", list::<R>(R::KEY, array), key_list::<R>())
}

fn keys<R: SqlRow>() -> impl Iterator<Item = &'static str> {
    R::COLUMNS[..R::KEY].iter().map(|(name, _)| *name)
}

fn key_list<R: SqlRow>() -> String {
    list::<R>(R::KEY, |_, name, _| name.to_owned())
}

fn array(number: usize, _: &str, kind: &str) -> String {
    format!("${number}::{kind}[]")
}

/// Joins something of the first columns, which count from 1.
fn list<R: SqlRow>(count: usize, of: impl Fn(usize, &str, &str) -> String) -> String {
    let columns = (1..).zip(&R::COLUMNS[..count]);
    columns.map(|(number, (name, kind))| of(number, name, kind)).collect::<Vec<_>>().join(", ")
}

/// A table of which a pass over a batch knows some rows.
pub(super) trait Slots: Send {
    /// Returns what asks for the rows that the pass lacked. `None`: it lacked nothing.
    fn question(&self) -> Option<Statement>;

    /// Takes the rows that were asked for, and begins another pass.
    fn learn(&mut self, rows: &[Row]) -> Result<(), SqlError>;

    /// Returns what writes the changes of the last pass.
    fn changes(&self) -> Vec<Statement>;
}

/// The rows that one batch touches.
///
/// A pass reads ahead of what is known: a row that is not known yet is noted and taken for missing.
/// What such a pass computes is thrown away; see [`super::fold`].
pub(super) struct Known<R: Keyed> {
    stored: HashMap<R::Key, Option<R>>,
    /// What the pass wrote.
    current: HashMap<R::Key, Option<R>>,
    lacking: HashSet<R::Key>,
}

impl<R: Keyed> Default for Known<R> {
    fn default() -> Self {
        Self { stored: HashMap::new(), current: HashMap::new(), lacking: HashSet::new() }
    }
}

impl<R: Keyed> Known<R> {
    fn note(&mut self, key: &R::Key) {
        if !self.stored.contains_key(key) {
            self.lacking.insert(key.clone());
        }
    }

    /// Returns the keys that the pass lacked.
    #[cfg(test)]
    pub(super) fn lacking(&self) -> Vec<R::Key> {
        self.lacking.iter().cloned().collect()
    }

    /// Takes the rows that were lacking, of those that there are, and begins another pass.
    pub(super) fn take(&mut self, found: impl IntoIterator<Item = R>) {
        self.stored.extend(self.lacking.drain().map(|key| (key, None)));
        self.stored.extend(found.into_iter().map(|row| (row.key(), Some(row))));
        self.current.clear();
    }

    /// Returns what the pass changed, in the order of the keys.
    pub(super) fn changed(&self) -> Vec<(&R::Key, Change<'_, R>)> {
        debug_assert!(self.lacking.is_empty(), "the pass knew everything");
        let mut changed: Vec<_> = self
            .current
            .iter()
            .map(|(key, current)| {
                let stored = self.stored.get(key).and_then(Option::as_ref);
                (key, Change { stored, current: current.as_ref() })
            })
            .collect();
        changed.sort_unstable_by_key(|(key, _)| *key);
        changed
    }
}

impl<R: Keyed> Table<R> for Known<R> {
    fn get(&mut self, key: &R::Key) -> Result<Option<R>, StoreError> {
        if let Some(current) = self.current.get(key) {
            return Ok(current.clone());
        }
        self.note(key);
        Ok(self.stored.get(key).cloned().flatten())
    }

    fn put(&mut self, row: R) {
        let key = row.key();
        self.note(&key);
        self.current.insert(key, Some(row));
    }

    fn remove(&mut self, key: &R::Key) {
        self.note(key);
        self.current.insert(key.clone(), None);
    }
}

impl<R: StoredRow> Slots for Known<R> {
    fn question(&self) -> Option<Statement> {
        Statement::of(select_many::<R>(), self.lacking.iter().map(|it| R::key_values(it)))
    }

    fn learn(&mut self, rows: &[Row]) -> Result<(), SqlError> {
        let found: Result<Vec<R>, _> =
            rows.iter().map(|row| R::read(&mut Columns::new(row))).collect();
        self.take(found?);
        Ok(())
    }

    fn changes(&self) -> Vec<Statement> {
        let changed = self.changed();
        let written = changed.iter().filter_map(|(_, it)| it.current).map(R::values);
        let gone = changed.iter().filter(|(_, it)| it.current.is_none() && it.stored.is_some());
        let gone = gone.map(|(key, _)| R::key_values(key));
        let mut statements = Vec::new();
        statements.extend(Statement::of(upsert::<R>(), written));
        statements.extend(Statement::of(delete::<R>(), gone));
        let changes: Vec<_> = changed.into_iter().map(|(_, it)| it).collect();
        statements.extend(R::beside(&changes));
        statements
    }
}

/// Rows that are only ever added: nothing has to be known.
pub(super) struct Added<R>(pub(super) Vec<R>);

impl<R: SqlRow> Slots for Added<R> {
    fn question(&self) -> Option<Statement> {
        None
    }

    fn learn(&mut self, _: &[Row]) -> Result<(), SqlError> {
        self.0.clear();
        Ok(())
    }

    fn changes(&self) -> Vec<Statement> {
        Vec::from_iter(Statement::of(upsert::<R>(), self.0.iter().map(R::values)))
    }
}
