//! The texts of assets.

use super::{MemoryTable, MemoryTables};
use crate::dump::DumpWriter;
use crate::page_text::{self, PageTextRecord};
use crate::projection::{DecodedEvent, FoldError};

#[derive(Debug, Clone, PartialEq, Default)]
pub struct PageTextMemory {
    pub texts: MemoryTable<PageTextRecord>,
}

impl MemoryTables for PageTextMemory {
    const NAME: &'static str = page_text::NAME;
    const VERSION: u32 = page_text::VERSION;

    fn fold(&mut self, event: &DecodedEvent) -> Result<(), FoldError> {
        for change in page_text::project(&event.recorded, event.domain_events()?)? {
            page_text::fold(change, &mut self.texts)?;
        }
        Ok(())
    }

    fn commit(&mut self) {
        self.texts.commit();
    }

    fn roll_back(&mut self) {
        self.texts.roll_back();
    }

    fn dump(&self, writer: &mut DumpWriter) {
        self.texts.rows().for_each(|it| writer.row(it));
        writer.end_table("page_texts");
    }
}
