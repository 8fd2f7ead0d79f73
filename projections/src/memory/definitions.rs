//! Definitions.

use super::{MemoryTable, MemoryTables};
use crate::definitions::{self, DefinitionRow};
use crate::dump::DumpWriter;
use crate::projection::{DecodedEvent, FoldError};

#[derive(Debug, Clone, PartialEq, Default)]
pub struct DefinitionsMemory {
    pub rows: MemoryTable<DefinitionRow>,
}

impl MemoryTables for DefinitionsMemory {
    const NAME: &'static str = definitions::NAME;
    const VERSION: u32 = definitions::VERSION;

    fn fold(&mut self, event: &DecodedEvent) -> Result<(), FoldError> {
        for change in definitions::project(&event.recorded, event.domain_events()?)? {
            definitions::fold(change, &mut self.rows)?;
        }
        Ok(())
    }

    fn commit(&mut self) {
        self.rows.commit();
    }

    fn roll_back(&mut self) {
        self.rows.roll_back();
    }

    fn dump(&self, writer: &mut DumpWriter) {
        self.rows.rows().for_each(|it| writer.row(it));
        writer.end_table("definitions");
    }
}
