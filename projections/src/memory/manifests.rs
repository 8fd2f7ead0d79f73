//! Stored manifests and collections.

use super::{MemoryTable, MemoryTables};
use crate::dump::DumpWriter;
use crate::manifests::{self, SlugRecord, StoredRecord, StoredTables};
use crate::projection::{DecodedEvent, FoldError, Table};

#[derive(Debug, Clone, PartialEq, Default)]
pub struct ManifestsMemory {
    pub stored: MemoryTable<StoredRecord>,
    pub slugs: MemoryTable<SlugRecord>,
}

impl StoredTables for ManifestsMemory {
    fn stored(&mut self) -> &mut impl Table<StoredRecord> {
        &mut self.stored
    }

    fn slugs(&mut self) -> &mut impl Table<SlugRecord> {
        &mut self.slugs
    }
}

impl MemoryTables for ManifestsMemory {
    const NAME: &'static str = manifests::NAME;
    const VERSION: u32 = manifests::VERSION;

    fn fold(&mut self, event: &DecodedEvent) -> Result<(), FoldError> {
        for change in manifests::project(&event.recorded, event.domain_events()?)? {
            manifests::fold(change, self)?;
        }
        Ok(())
    }

    fn commit(&mut self) {
        self.stored.commit();
        self.slugs.commit();
    }

    fn roll_back(&mut self) {
        self.stored.roll_back();
        self.slugs.roll_back();
    }

    fn dump(&self, writer: &mut DumpWriter) {
        self.stored.rows().for_each(|it| writer.row(it));
        writer.end_table("stored");
        self.slugs.rows().for_each(|it| writer.row(it));
        writer.end_table("slugs");
    }
}
