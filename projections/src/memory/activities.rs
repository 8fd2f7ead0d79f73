//! Activities of public documents.

use super::{MemoryTable, MemoryTables};
use crate::activities::{self, ActivitiesTables, ActivityRow, ActivityStream, ResourceRecord};
use crate::dump::DumpWriter;
use crate::projection::{DecodedEvent, FoldError, StoreError, Table};

#[derive(Debug, Clone, PartialEq, Default)]
pub struct ActivitiesMemory {
    pub streams: MemoryTable<ActivityStream>,
    pub resources: MemoryTable<ResourceRecord>,
    pub activities: MemoryTable<ActivityRow>,
}

impl ActivitiesTables for ActivitiesMemory {
    fn streams(&mut self) -> &mut impl Table<ActivityStream> {
        &mut self.streams
    }

    fn resources(&mut self) -> &mut impl Table<ResourceRecord> {
        &mut self.resources
    }

    fn add(&mut self, activity: ActivityRow) -> Result<(), StoreError> {
        self.activities.put(activity);
        Ok(())
    }
}

impl MemoryTables for ActivitiesMemory {
    const NAME: &'static str = activities::NAME;
    const VERSION: u32 = activities::VERSION;

    fn fold(&mut self, event: &DecodedEvent) -> Result<(), FoldError> {
        for change in activities::project(&event.recorded, event.domain_events()?)? {
            activities::fold(change, self)?;
        }
        Ok(())
    }

    fn commit(&mut self) {
        self.streams.commit();
        self.resources.commit();
        self.activities.commit();
    }

    fn roll_back(&mut self) {
        self.streams.roll_back();
        self.resources.roll_back();
        self.activities.roll_back();
    }

    fn dump(&self, writer: &mut DumpWriter) {
        self.streams.rows().for_each(|it| writer.row(it));
        writer.end_table("activity_streams");
        self.resources.rows().for_each(|it| writer.row(it));
        writer.end_table("activity_resources");
        self.activities.rows().for_each(|it| writer.row(it));
        writer.end_table("activities");
    }
}
