//! Batches and their members.

use super::{MemoryTable, MemoryTables};
use crate::batches::{self, BatchRecord, BatchesTables, Member};
use crate::dump::DumpWriter;
use crate::projection::{DecodedEvent, FoldError, Table};

#[derive(Debug, Clone, PartialEq, Default)]
pub struct BatchesMemory {
    pub batches: MemoryTable<BatchRecord>,
    pub members: MemoryTable<Member>,
}

impl BatchesTables for BatchesMemory {
    fn batches(&mut self) -> &mut impl Table<BatchRecord> {
        &mut self.batches
    }

    fn members(&mut self) -> &mut impl Table<Member> {
        &mut self.members
    }
}

impl MemoryTables for BatchesMemory {
    const NAME: &'static str = batches::NAME;
    const VERSION: u32 = batches::VERSION;

    fn fold(&mut self, event: &DecodedEvent) -> Result<(), FoldError> {
        for change in batches::project(&event.recorded, event.domain_events()?)? {
            batches::fold(change, self)?;
        }
        Ok(())
    }

    fn commit(&mut self) {
        self.batches.commit();
        self.members.commit();
    }

    fn roll_back(&mut self) {
        self.batches.roll_back();
        self.members.roll_back();
    }

    fn dump(&self, writer: &mut DumpWriter) {
        self.batches.rows().for_each(|it| writer.row(it));
        writer.end_table("batches");
        self.members.rows().for_each(|it| writer.row(it));
        writer.end_table("members");
    }
}
