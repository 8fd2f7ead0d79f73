//! Lists: conditions, keyset paging, and the page that comes of it.

use dlcs_projections::paging::{Cursor, Direction, Page, PageRequest};
use rusqlite::types::Value;
use rusqlite::{Connection, Row, params_from_iter};

/// A list that is being asked for: `SELECT … WHERE … ORDER BY key LIMIT`.
#[derive(Clone)]
pub(super) struct Listing {
    /// `columns FROM tables`.
    select: &'static str,
    conditions: Vec<String>,
    values: Vec<Value>,
    /// Columns that order the list, unique together.
    key: &'static [&'static str],
}

impl Listing {
    pub(super) fn new(select: &'static str, key: &'static [&'static str]) -> Self {
        Self { select, conditions: Vec::new(), values: Vec::new(), key }
    }

    /// Adds a condition without a value.
    pub(super) fn and(&mut self, condition: &str) {
        self.conditions.push(condition.to_owned());
    }

    /// Adds a condition with one `?`.
    pub(super) fn and_with(&mut self, condition: &str, value: impl Into<Value>) {
        self.conditions.push(condition.to_owned());
        self.values.push(value.into());
    }

    /// Adds a condition with as many `?` as there are values.
    pub(super) fn and_with_all(
        &mut self,
        condition: &str,
        values: impl IntoIterator<Item = Value>,
    ) {
        self.conditions.push(condition.to_owned());
        self.values.extend(values);
    }

    /// Begins after a row with this key, in the direction of the list.
    pub(super) fn after(&mut self, key: impl IntoIterator<Item = Value>, direction: Direction) {
        let comparison = match direction {
            Direction::Ascending => '>',
            Direction::Descending => '<',
        };
        let marks = vec!["?"; self.key.len()].join(", ");
        let columns = self.key.join(", ");
        self.conditions.push(format!("({columns}) {comparison} ({marks})"));
        self.values.extend(key);
    }

    /// Returns how many rows match.
    pub(super) fn count(&self, connection: &Connection) -> rusqlite::Result<u64> {
        // The last one: columns may have queries of their own.
        let (_, tables) = self.select.rsplit_once(" FROM ").unwrap_or(("", self.select));
        let sql = format!("SELECT COUNT(*) FROM {tables}{}", self.wheres());
        connection.prepare_cached(&sql)?.query_row(params_from_iter(&self.values), |row| row.get(0))
    }

    /// Returns one page; `cursor` makes the cursor behind a row.
    pub(super) fn page<T>(
        mut self,
        connection: &Connection,
        request: &PageRequest,
        into_row: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
        cursor: impl Fn(&T) -> Cursor,
    ) -> rusqlite::Result<Page<T>> {
        let limit = request.bounded_limit();
        let sql = self.sql(request.direction);
        self.values.push(integer(limit + 1)); // One more shows whether there is more.
        self.values.push(integer(request.offset));
        let mut statement = connection.prepare_cached(&sql)?;
        let rows = statement.query_map(params_from_iter(&self.values), |row| into_row(row))?;
        let mut items = rows.collect::<rusqlite::Result<Vec<T>>>()?;
        let has_more = items.len() > limit;
        items.truncate(limit);
        let cursors = items.iter().map(cursor).collect();
        Ok(Page { items, cursors, has_more, total: None })
    }

    pub(super) fn sql(&self, direction: Direction) -> String {
        let word = match direction {
            Direction::Ascending => "ASC",
            Direction::Descending => "DESC",
        };
        let order: Vec<_> = self.key.iter().map(|column| format!("{column} {word}")).collect();
        format!(
            "SELECT {}{} ORDER BY {} LIMIT ? OFFSET ?",
            self.select,
            self.wheres(),
            order.join(", ")
        )
    }

    fn wheres(&self) -> String {
        if self.conditions.is_empty() {
            return String::new();
        }
        format!(" WHERE {}", self.conditions.join(" AND "))
    }
}

pub(super) fn integer(number: usize) -> Value {
    Value::Integer(i64::try_from(number).unwrap_or(i64::MAX))
}

/// Positions and counts fit: SQLite's own integers gave them out.
pub(super) fn signed(number: u64) -> Value {
    Value::Integer(i64::try_from(number).unwrap_or(i64::MAX))
}
