//! The Merkle tree over the history: rows and queries.

use super::file::{Definition, Session};
use super::keyset::signed;
use super::served::Query;
use super::table::{SqlRow, SqlTable};
use super::values::{store_error, unreadable};
use async_trait::async_trait;
use dlcs_migrations::read_models::SQLITE_AUDIT_TREE;
use dlcs_projections::QueryError;
use dlcs_projections::audit_tree::{
    self, AuditTree, AuditTreeTables, EntryRow, TileId, TileRow, TreeRow,
};
use dlcs_projections::dump::DumpWriter;
use dlcs_projections::projection::{DecodedEvent, FoldError, StoreError, Table};
use rusqlite::{Connection, OptionalExtension, Row, params};

pub(super) static DEFINITION: Definition = Definition {
    name: audit_tree::NAME,
    version: audit_tree::VERSION,
    application_id: 0x444c_5243, // "DLRC".
    migrations: SQLITE_AUDIT_TREE,
    begin: |connection| {
        let (tree, tiles) = (SqlTable::new(connection), SqlTable::new(connection));
        Box::new(Tables { tree, tiles, connection })
    },
    dump,
};

const SELECT_TREE: &str = "size, position FROM audit_tree";
const SELECT_TILE: &str = "level, number, hashes FROM audit_tiles";
const SELECT_ENTRY: &str = "number, record FROM audit_entries";

struct Tables<'c> {
    tree: SqlTable<'c, TreeRow>,
    tiles: SqlTable<'c, TileRow>,
    /// Entries are only ever added: nothing to keep in mind.
    connection: &'c Connection,
}

impl AuditTreeTables for Tables<'_> {
    fn tree(&mut self) -> &mut impl Table<TreeRow> {
        &mut self.tree
    }

    fn tiles(&mut self) -> &mut impl Table<TileRow> {
        &mut self.tiles
    }

    fn add(&mut self, entry: EntryRow) -> Result<(), StoreError> {
        let sql = "INSERT INTO audit_entries (number, record) VALUES (?1, ?2)";
        let added = self.connection.prepare_cached(sql);
        let added = added.and_then(|mut it| it.execute(params![signed(entry.index), entry.record]));
        added.map(drop).map_err(|error| store_error(&error))
    }
}

impl Session for Tables<'_> {
    fn apply(&mut self, event: &DecodedEvent) -> Result<(), FoldError> {
        audit_tree::fold(&event.recorded, self)
    }

    fn flush(self: Box<Self>) -> Result<(), StoreError> {
        self.tree.flush()?;
        self.tiles.flush()
    }
}

fn into_tree(row: &Row<'_>) -> rusqlite::Result<TreeRow> {
    Ok(TreeRow { size: row.get("size")?, position: row.get("position")? })
}

fn into_tile(row: &Row<'_>) -> rusqlite::Result<TileRow> {
    let (level, index) = (row.get("level")?, row.get("number")?);
    let hashes = audit_tree::split(row.get_ref("hashes")?.as_blob()?).map_err(unreadable)?;
    Ok(TileRow { level, index, hashes })
}

fn into_entry(row: &Row<'_>) -> rusqlite::Result<EntryRow> {
    Ok(EntryRow { index: row.get("number")?, record: row.get("record")? })
}

impl SqlRow for TreeRow {
    fn load(connection: &Connection, (): &()) -> rusqlite::Result<Option<Self>> {
        let sql = format!("SELECT {SELECT_TREE}");
        connection.prepare_cached(&sql)?.query_row([], into_tree).optional()
    }

    fn store(&self, connection: &Connection, _: Option<&Self>) -> rusqlite::Result<()> {
        let sql = "REPLACE INTO audit_tree (id, size, position) VALUES (1, ?1, ?2)";
        connection.prepare_cached(sql)?.execute([self.size, self.position]).map(drop)
    }

    fn delete(&self, connection: &Connection) -> rusqlite::Result<()> {
        connection.execute("DELETE FROM audit_tree", []).map(drop)
    }
}

impl SqlRow for TileRow {
    fn load(connection: &Connection, key: &TileId) -> rusqlite::Result<Option<Self>> {
        let sql = format!("SELECT {SELECT_TILE} WHERE level = ?1 AND number = ?2");
        let key = (key.level, signed(key.index));
        connection.prepare_cached(&sql)?.query_row(key, into_tile).optional()
    }

    fn store(&self, connection: &Connection, _: Option<&Self>) -> rusqlite::Result<()> {
        let sql = "INSERT INTO audit_tiles (level, number, hashes) VALUES (?1, ?2, ?3)
            ON CONFLICT (level, number) DO UPDATE SET hashes = excluded.hashes";
        let hashes = self.hashes.concat();
        connection
            .prepare_cached(sql)?
            .execute(params![self.level, signed(self.index), hashes])
            .map(drop)
    }

    fn delete(&self, connection: &Connection) -> rusqlite::Result<()> {
        let sql = "DELETE FROM audit_tiles WHERE level = ?1 AND number = ?2";
        connection.execute(sql, (self.level, signed(self.index))).map(drop)
    }
}

fn dump(connection: &Connection, writer: &mut DumpWriter) -> rusqlite::Result<()> {
    if let Some(tree) = TreeRow::load(connection, &())? {
        writer.row(&tree);
    }
    writer.end_table("audit_tree");
    let sql = format!("SELECT {SELECT_TILE} ORDER BY level, number");
    let mut statement = connection.prepare(&sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        writer.row(&into_tile(row)?);
    }
    writer.end_table("audit_tiles");
    let mut statement = connection.prepare(&format!("SELECT {SELECT_ENTRY} ORDER BY number"))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        writer.row(&into_entry(row)?);
    }
    writer.end_table("audit_entries");
    Ok(())
}

#[async_trait]
impl AuditTree for Query {
    async fn tree(&self) -> Result<TreeRow, QueryError> {
        Ok(self.run(|it| TreeRow::load(it, &())).await?.unwrap_or_default())
    }

    async fn tile(&self, id: TileId) -> Result<Option<TileRow>, QueryError> {
        self.run(move |it| TileRow::load(it, &id)).await
    }

    async fn entries(&self, first: u64, end: u64) -> Result<Vec<EntryRow>, QueryError> {
        let sql =
            format!("SELECT {SELECT_ENTRY} WHERE number >= ?1 AND number < ?2 ORDER BY number");
        let between = (signed(first), signed(end));
        self.run(move |it| it.prepare_cached(&sql)?.query_map(between, into_entry)?.collect()).await
    }
}
