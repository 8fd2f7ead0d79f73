//! The Merkle tree over the history: rows and queries.

use super::build::{Definition, DumpTable};
use super::errors::SqlError;
use super::fold::Session;
use super::served::Query;
use super::table::{Added, Known, Slots, SqlRow, StoredRow, select, select_one};
use super::values::{Columns, Value};
use async_trait::async_trait;
use dlcs_migrations::read_models::POSTGRES_AUDIT_TREE;
use dlcs_projections::QueryError;
use dlcs_projections::audit_tree::{
    self, AuditTree, AuditTreeTables, EntryRow, TileId, TileRow, TreeRow,
};
use dlcs_projections::dump::DumpWriter;
use dlcs_projections::projection::{DecodedEvent, FoldError, StoreError, Table};
use tokio_postgres::Row;

pub(super) static DEFINITION: Definition = Definition {
    name: audit_tree::NAME,
    version: audit_tree::VERSION,
    lock: 12,
    tables: POSTGRES_AUDIT_TREE,
    begin: || Box::new(Tables::default()),
    dump: &[DumpTable::of::<TreeRow>(), DumpTable::of::<TileRow>(), DumpTable::of::<EntryRow>()],
};

struct Tables {
    tree: Known<TreeRow>,
    tiles: Known<TileRow>,
    entries: Added<EntryRow>,
}

impl Default for Tables {
    fn default() -> Self {
        Self { tree: Known::default(), tiles: Known::default(), entries: Added(Vec::new()) }
    }
}

impl AuditTreeTables for Tables {
    fn tree(&mut self) -> &mut impl Table<TreeRow> {
        &mut self.tree
    }

    fn tiles(&mut self) -> &mut impl Table<TileRow> {
        &mut self.tiles
    }

    fn add(&mut self, entry: EntryRow) -> Result<(), StoreError> {
        self.entries.0.push(entry);
        Ok(())
    }
}

impl Session for Tables {
    fn apply(&mut self, event: &DecodedEvent) -> Result<(), FoldError> {
        audit_tree::fold(&event.recorded, self)
    }

    fn tables(&mut self) -> Vec<&mut dyn Slots> {
        vec![&mut self.tree, &mut self.tiles, &mut self.entries]
    }
}

/// Id of the one row that says how large the tree is.
const ONE: u64 = 1;

impl SqlRow for TreeRow {
    const TABLE: &'static str = "audit_tree";
    const COLUMNS: &'static [(&'static str, &'static str)] =
        &[("id", "bigint"), ("size", "bigint"), ("position", "bigint")];
    const KEY: usize = 1;

    fn values(&self) -> Vec<Value> {
        vec![ONE.into(), self.size.into(), self.position.into()]
    }

    fn read(columns: &mut Columns<'_>) -> Result<Self, SqlError> {
        columns.skip();
        Ok(Self { size: columns.number()?, position: columns.number()? })
    }

    fn dump(row: &Row, writer: &mut DumpWriter) -> Result<(), SqlError> {
        writer.row(&Self::read(&mut Columns::new(row))?);
        Ok(())
    }
}

impl StoredRow for TreeRow {
    fn key_values((): &()) -> Vec<Value> {
        vec![ONE.into()]
    }
}

impl SqlRow for TileRow {
    const TABLE: &'static str = "audit_tiles";
    const COLUMNS: &'static [(&'static str, &'static str)] =
        &[("level", "bigint"), ("number", "bigint"), ("hashes", "bytea")];
    const KEY: usize = 2;

    fn values(&self) -> Vec<Value> {
        let level = u32::from(self.level).into();
        vec![level, self.index.into(), Value::Bytes(self.hashes.concat())]
    }

    fn read(columns: &mut Columns<'_>) -> Result<Self, SqlError> {
        Ok(Self {
            level: columns.small()?.try_into().map_err(SqlError::unreadable)?,
            index: columns.number()?,
            hashes: audit_tree::split(columns.take()?).map_err(SqlError::unreadable)?,
        })
    }

    fn dump(row: &Row, writer: &mut DumpWriter) -> Result<(), SqlError> {
        writer.row(&Self::read(&mut Columns::new(row))?);
        Ok(())
    }
}

impl StoredRow for TileRow {
    fn key_values(key: &TileId) -> Vec<Value> {
        vec![u32::from(key.level).into(), key.index.into()]
    }
}

impl SqlRow for EntryRow {
    const TABLE: &'static str = "audit_entries";
    const COLUMNS: &'static [(&'static str, &'static str)] =
        &[("number", "bigint"), ("record", "text")];
    const KEY: usize = 1;

    fn values(&self) -> Vec<Value> {
        vec![self.index.into(), (&self.record).into()]
    }

    fn read(columns: &mut Columns<'_>) -> Result<Self, SqlError> {
        Ok(Self { index: columns.number()?, record: columns.text()? })
    }

    fn dump(row: &Row, writer: &mut DumpWriter) -> Result<(), SqlError> {
        writer.row(&Self::read(&mut Columns::new(row))?);
        Ok(())
    }
}

#[async_trait]
impl AuditTree for Query {
    async fn tree(&self) -> Result<TreeRow, QueryError> {
        let key = TreeRow::key_values(&());
        let tree = self.one(&select_one::<TreeRow>(), &key, TreeRow::read).await?;
        Ok(tree.unwrap_or_default())
    }

    async fn tile(&self, id: TileId) -> Result<Option<TileRow>, QueryError> {
        self.one(&select_one::<TileRow>(), &TileRow::key_values(&id), TileRow::read).await
    }

    async fn entries(&self, first: u64, end: u64) -> Result<Vec<EntryRow>, QueryError> {
        let sql = format!(
            "{} WHERE t.number >= $1 AND t.number < $2 ORDER BY t.number",
            select::<EntryRow>()
        );
        let rows = self.looked_up(&sql, &[first.into(), end.into()]).await?;
        let rows = rows.iter().map(|row| EntryRow::read(&mut Columns::new(row)));
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
