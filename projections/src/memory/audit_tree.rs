//! The Merkle tree over the history.

use super::{MemoryTable, MemoryTables};
use crate::audit_tree::{self, AuditTreeTables, EntryRow, TileRow, TreeRow};
use crate::dump::DumpWriter;
use crate::projection::{DecodedEvent, FoldError, StoreError, Table};

#[derive(Debug, Clone, PartialEq, Default)]
pub struct AuditTreeMemory {
    pub tree: MemoryTable<TreeRow>,
    pub tiles: MemoryTable<TileRow>,
    pub entries: MemoryTable<EntryRow>,
}

impl AuditTreeTables for AuditTreeMemory {
    fn tree(&mut self) -> &mut impl Table<TreeRow> {
        &mut self.tree
    }

    fn tiles(&mut self) -> &mut impl Table<TileRow> {
        &mut self.tiles
    }

    fn add(&mut self, entry: EntryRow) -> Result<(), StoreError> {
        self.entries.put(entry);
        Ok(())
    }
}

impl MemoryTables for AuditTreeMemory {
    const NAME: &'static str = audit_tree::NAME;
    const VERSION: u32 = audit_tree::VERSION;

    fn fold(&mut self, event: &DecodedEvent) -> Result<(), FoldError> {
        audit_tree::fold(&event.recorded, self)
    }

    fn commit(&mut self) {
        self.tree.commit();
        self.tiles.commit();
        self.entries.commit();
    }

    fn roll_back(&mut self) {
        self.tree.roll_back();
        self.tiles.roll_back();
        self.entries.roll_back();
    }

    fn dump(&self, writer: &mut DumpWriter) {
        self.tree.rows().for_each(|it| writer.row(it));
        writer.end_table("audit_tree");
        self.tiles.rows().for_each(|it| writer.row(it));
        writer.end_table("audit_tiles");
        self.entries.rows().for_each(|it| writer.row(it));
        writer.end_table("audit_entries");
    }
}
