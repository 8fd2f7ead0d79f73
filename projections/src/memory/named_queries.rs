//! Named queries.

use super::{MemoryTable, MemoryTables};
use crate::dump::DumpWriter;
use crate::named_queries::{self, NamedQueryRow};
use crate::projection::{DecodedEvent, FoldError};

#[derive(Debug, Clone, PartialEq, Default)]
pub struct NamedQueriesMemory {
    pub queries: MemoryTable<NamedQueryRow>,
}

impl MemoryTables for NamedQueriesMemory {
    const NAME: &'static str = named_queries::NAME;
    const VERSION: u32 = named_queries::VERSION;

    fn fold(&mut self, event: &DecodedEvent) -> Result<(), FoldError> {
        for change in named_queries::project(&event.recorded, event.domain_events()?)? {
            named_queries::fold(change, &mut self.queries)?;
        }
        Ok(())
    }

    fn commit(&mut self) {
        self.queries.commit();
    }

    fn roll_back(&mut self) {
        self.queries.roll_back();
    }

    fn dump(&self, writer: &mut DumpWriter) {
        self.queries.rows().for_each(|it| writer.row(it));
        writer.end_table("named_queries");
    }
}
