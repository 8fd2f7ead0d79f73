//! Stored manifests.

use super::{MemoryTable, MemoryTables};
use crate::dump::DumpWriter;
use crate::manifests::{self, ManifestRecord, ManifestsTables, SlugRecord};
use crate::projection::{DecodedEvent, FoldError, Table};

#[derive(Debug, Clone, PartialEq, Default)]
pub struct ManifestsMemory {
    pub manifests: MemoryTable<ManifestRecord>,
    pub slugs: MemoryTable<SlugRecord>,
}

impl ManifestsTables for ManifestsMemory {
    fn manifests(&mut self) -> &mut impl Table<ManifestRecord> {
        &mut self.manifests
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
        self.manifests.commit();
        self.slugs.commit();
    }

    fn roll_back(&mut self) {
        self.manifests.roll_back();
        self.slugs.roll_back();
    }

    fn dump(&self, writer: &mut DumpWriter) {
        self.manifests.rows().for_each(|it| writer.row(it));
        writer.end_table("manifests");
        self.slugs.rows().for_each(|it| writer.row(it));
        writer.end_table("manifest_slugs");
    }
}
