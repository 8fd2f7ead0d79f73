//! Keys.

use super::{MemoryTable, MemoryTables};
use crate::api_keys::{self, ApiKeyRow};
use crate::dump::DumpWriter;
use crate::projection::{DecodedEvent, FoldError};

#[derive(Debug, Clone, PartialEq, Default)]
pub struct ApiKeysMemory {
    pub keys: MemoryTable<ApiKeyRow>,
}

impl MemoryTables for ApiKeysMemory {
    const NAME: &'static str = api_keys::NAME;
    const VERSION: u32 = api_keys::VERSION;

    fn fold(&mut self, event: &DecodedEvent) -> Result<(), FoldError> {
        for change in api_keys::project(&event.recorded, event.domain_events()?)? {
            api_keys::fold(change, &mut self.keys)?;
        }
        Ok(())
    }

    fn commit(&mut self) {
        self.keys.commit();
    }

    fn roll_back(&mut self) {
        self.keys.roll_back();
    }

    fn dump(&self, writer: &mut DumpWriter) {
        self.keys.rows().for_each(|it| writer.row(it));
        writer.end_table("keys");
    }
}
