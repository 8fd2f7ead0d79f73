//! What delivery knows of images.

use super::{MemoryTable, MemoryTables};
use crate::dump::DumpWriter;
use crate::projection::{DecodedEvent, FoldError};
use crate::tile_metadata::{self, TileRecord};

#[derive(Debug, Clone, PartialEq, Default)]
pub struct TileMetadataMemory {
    pub images: MemoryTable<TileRecord>,
}

impl MemoryTables for TileMetadataMemory {
    const NAME: &'static str = tile_metadata::NAME;
    const VERSION: u32 = tile_metadata::VERSION;

    fn fold(&mut self, event: &DecodedEvent) -> Result<(), FoldError> {
        for change in tile_metadata::project(&event.recorded, event.domain_events()?)? {
            tile_metadata::fold(change, &mut self.images)?;
        }
        Ok(())
    }

    fn commit(&mut self) {
        self.images.commit();
    }

    fn roll_back(&mut self) {
        self.images.roll_back();
    }

    fn dump(&self, writer: &mut DumpWriter) {
        self.images.rows().for_each(|it| writer.row(it));
        writer.end_table("images");
    }
}
