//! The audit trail.

use super::{MemoryTable, MemoryTables};
use crate::audit_trail::{self, AuditRow};
use crate::dump::DumpWriter;
use crate::projection::{DecodedEvent, FoldError, Row, Table};

#[derive(Debug, Clone, PartialEq, Default)]
pub struct AuditTrailMemory {
    pub rows: MemoryTable<AuditRow>,
}

impl Row for AuditRow {
    type Key = u64;

    fn key(&self) -> u64 {
        self.position
    }
}

impl MemoryTables for AuditTrailMemory {
    const NAME: &'static str = audit_trail::NAME;
    const VERSION: u32 = audit_trail::VERSION;

    fn fold(&mut self, event: &DecodedEvent) -> Result<(), FoldError> {
        self.rows.put(audit_trail::project(&event.recorded)?);
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
        writer.end_table("audit_trail");
    }
}
