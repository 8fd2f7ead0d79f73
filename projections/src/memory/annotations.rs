//! Annotations and their containers.

use super::{MemoryTable, MemoryTables};
use crate::annotations::{self, AnnotationRecord, AnnotationsTables, ClosedAsset, ContainerRecord};
use crate::dump::DumpWriter;
use crate::projection::{DecodedEvent, FoldError, Table};

#[derive(Debug, Clone, PartialEq, Default)]
pub struct AnnotationsMemory {
    pub containers: MemoryTable<ContainerRecord>,
    pub annotations: MemoryTable<AnnotationRecord>,
    pub closed: MemoryTable<ClosedAsset>,
}

impl AnnotationsTables for AnnotationsMemory {
    fn containers(&mut self) -> &mut impl Table<ContainerRecord> {
        &mut self.containers
    }

    fn annotations(&mut self) -> &mut impl Table<AnnotationRecord> {
        &mut self.annotations
    }

    fn closed(&mut self) -> &mut impl Table<ClosedAsset> {
        &mut self.closed
    }
}

impl MemoryTables for AnnotationsMemory {
    const NAME: &'static str = annotations::NAME;
    const VERSION: u32 = annotations::VERSION;

    fn fold(&mut self, event: &DecodedEvent) -> Result<(), FoldError> {
        for change in annotations::project(&event.recorded, event.domain_events()?)? {
            annotations::fold(change, self)?;
        }
        Ok(())
    }

    fn commit(&mut self) {
        self.containers.commit();
        self.annotations.commit();
        self.closed.commit();
    }

    fn roll_back(&mut self) {
        self.containers.roll_back();
        self.annotations.roll_back();
        self.closed.roll_back();
    }

    fn dump(&self, writer: &mut DumpWriter) {
        self.containers.rows().for_each(|it| writer.row(it));
        writer.end_table("containers");
        self.annotations.rows().for_each(|it| writer.row(it));
        writer.end_table("annotations");
        self.closed.rows().for_each(|it| writer.row(it));
        writer.end_table("closed_assets");
    }
}
