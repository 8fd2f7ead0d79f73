//! Stored manifests.

use super::{MemoryTable, MemoryTables};
use crate::dump::DumpWriter;
use crate::manifests::{self, ManifestRecord};
use crate::projection::{DecodedEvent, FoldError};

#[derive(Debug, Clone, PartialEq, Default)]
pub struct ManifestsMemory {
    pub manifests: MemoryTable<ManifestRecord>,
}

impl MemoryTables for ManifestsMemory {
    const NAME: &'static str = manifests::NAME;
    const VERSION: u32 = manifests::VERSION;

    fn fold(&mut self, event: &DecodedEvent) -> Result<(), FoldError> {
        for change in manifests::project(&event.recorded, event.domain_events()?)? {
            manifests::fold(change, &mut self.manifests)?;
        }
        Ok(())
    }

    fn commit(&mut self) {
        self.manifests.commit();
    }

    fn roll_back(&mut self) {
        self.manifests.roll_back();
    }

    /// A slug is dumped with the key by which it is found.
    fn dump(&self, writer: &mut DumpWriter) {
        for manifest in self.manifests.rows() {
            let slug_key = manifest.row.slug.as_ref().map(|it| it.to_lowercase());
            writer.row(&(manifest, slug_key));
        }
        writer.end_table("manifests");
    }
}
