//! Lists: conditions, keyset paging, and the page that comes of it.

use super::errors::SqlError;
use super::served::Query;
use super::table::{SqlRow, columns};
use super::values::{Columns, Value};
use dlcs_projections::QueryError;
use dlcs_projections::paging::{Cursor, Direction, Page, PageRequest};

/// A list that is being asked for: `SELECT … WHERE … ORDER BY key LIMIT`.
#[derive(Debug, Clone)]
pub(super) struct Listing {
    columns: String,
    /// `FROM tables`.
    tables: String,
    conditions: Vec<String>,
    values: Vec<Value>,
    /// Columns that order the list, unique together.
    key: &'static [&'static str],
}

impl Listing {
    /// Lists rows of one table, called `t`.
    pub(super) fn of<R: SqlRow>(key: &'static [&'static str]) -> Self {
        let (columns, tables) = (columns::<R>(), format!("FROM {{schema}}.{} AS t", R::TABLE));
        Self::new(columns, tables, key)
    }

    /// `tables`: `FROM …`, of which the one called `t` holds the rows.
    pub(super) fn from_tables<R: SqlRow>(tables: &str, key: &'static [&'static str]) -> Self {
        Self::new(columns::<R>(), tables.to_owned(), key)
    }

    /// Adds a column behind those of the table.
    pub(super) fn with_column(mut self, column: &str) -> Self {
        self.columns = format!("{}, {column}", self.columns);
        self
    }

    fn new(columns: String, tables: String, key: &'static [&'static str]) -> Self {
        Self { columns, tables, conditions: Vec::new(), values: Vec::new(), key }
    }

    /// Adds a condition without a value.
    pub(super) fn and(&mut self, condition: impl Into<String>) {
        self.conditions.push(condition.into());
    }

    /// Adds a condition in which each `?` stands for the value.
    pub(super) fn and_with(&mut self, condition: &str, value: impl Into<Value>) {
        let mark = self.mark(value.into());
        self.conditions.push(condition.replace('?', &mark));
    }

    /// Adds a condition with as many `?` as there are values.
    pub(super) fn and_with_all(
        &mut self,
        condition: &str,
        values: impl IntoIterator<Item = Value>,
    ) {
        let mut pieces = condition.split('?');
        let mut marked = pieces.next().unwrap_or_default().to_owned();
        for (piece, value) in pieces.zip(values) {
            marked.push_str(&self.mark(value));
            marked.push_str(piece);
        }
        self.conditions.push(marked);
    }

    /// Begins after a row with this key, in the direction of the list.
    pub(super) fn after(&mut self, key: impl IntoIterator<Item = Value>, direction: Direction) {
        let comparison = match direction {
            Direction::Ascending => '>',
            Direction::Descending => '<',
        };
        let marks: Vec<_> = key.into_iter().map(|it| self.mark(it)).collect();
        let condition = format!("({}) {comparison} ({})", self.key.join(", "), marks.join(", "));
        self.conditions.push(condition);
    }

    fn mark(&mut self, value: Value) -> String {
        self.values.push(value);
        format!("${}", self.values.len())
    }

    /// Returns how many rows match.
    pub(super) async fn count(&self, query: &Query) -> Result<u64, QueryError> {
        let sql = format!("SELECT count(*) {}{}", self.tables, self.wheres());
        let rows = query.planned(&sql, &self.values).await?;
        rows.first().map_or(Ok(0), |row| Ok(Columns::new(row).number()?))
    }

    /// Returns the only row that matches, if there is one.
    pub(super) async fn only<T>(
        &self,
        query: &Query,
        read: impl Fn(&mut Columns<'_>) -> Result<T, SqlError>,
    ) -> Result<Option<T>, QueryError> {
        let sql = format!("SELECT {} {}{}", self.columns, self.tables, self.wheres());
        query.one(&sql, &self.values, read).await
    }

    /// Returns one page; `cursor` makes the cursor behind a row.
    pub(super) async fn page<T>(
        &self,
        query: &Query,
        request: &PageRequest,
        read: impl Fn(&mut Columns<'_>) -> Result<T, SqlError>,
        cursor: impl Fn(&T) -> Cursor,
    ) -> Result<Page<T>, QueryError> {
        let limit = request.bounded_limit();
        let rows = query.planned(&self.sql(request), &self.values).await?;
        let has_more = rows.len() > limit;
        let items: Result<Vec<T>, SqlError> =
            rows.iter().take(limit).map(|row| read(&mut Columns::new(row))).collect();
        let items = items?;
        let cursors = items.iter().map(cursor).collect();
        Ok(Page { items, cursors, has_more, total: None })
    }

    pub(super) fn sql(&self, request: &PageRequest) -> String {
        let word = match request.direction {
            Direction::Ascending => "ASC",
            Direction::Descending => "DESC",
        };
        let order: Vec<_> = self.key.iter().map(|column| format!("{column} {word}")).collect();
        let offset = i64::try_from(request.offset).unwrap_or(i64::MAX);
        format!(
            "SELECT {} {}{} ORDER BY {} LIMIT {} OFFSET {offset}",
            self.columns,
            self.tables,
            self.wheres(),
            order.join(", "),
            request.bounded_limit() + 1 // One more shows whether there is more.
        )
    }

    #[cfg(test)]
    pub(super) fn values(&self) -> &[Value] {
        &self.values
    }

    fn wheres(&self) -> String {
        if self.conditions.is_empty() {
            return String::new();
        }
        format!(" WHERE {}", self.conditions.join(" AND "))
    }
}
