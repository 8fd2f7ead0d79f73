//! Customers, spaces and assets.

use super::{MemoryTable, MemoryTables};
use crate::assets::{self, AssetRecord, AssetState, AssetsTables};
use crate::customers::CustomerRow;
use crate::dump::DumpWriter;
use crate::projection::{DecodedEvent, FoldError, Table};
use crate::spaces::{SpaceCount, SpaceRecord};
use dlcs_domain::{CustomerId, SpaceId};
use std::collections::BTreeSet;

#[derive(Debug, Clone, PartialEq, Default)]
pub struct AssetsMemory {
    pub customers: MemoryTable<CustomerRow>,
    pub spaces: MemoryTable<SpaceRecord>,
    pub space_counts: MemoryTable<SpaceCount>,
    pub assets: MemoryTable<AssetRecord>,
}

impl AssetsMemory {
    /// Says whether a space has no living asset.
    pub fn space_is_empty(&self, space: SpaceId) -> bool {
        self.space_counts.row(&space).is_none_or(|it| it.living == 0)
    }

    /// Says whether a customer has no living space.
    pub fn customer_is_empty(&self, customer: CustomerId) -> bool {
        !self.spaces.rows().any(|it| it.id.customer == customer && !it.deleted)
    }

    /// Writes the labels of living assets: customer, label, and the asset's place in lists.
    fn dump_labels(
        &self,
        table: &str,
        labels: impl Fn(&AssetRecord) -> &[String],
        writer: &mut DumpWriter,
    ) {
        let living = self.assets.rows().filter(|it| it.row.state != AssetState::Deleted);
        let rows: BTreeSet<_> = living
            .flat_map(|it| {
                let customer = it.row.id.customer().0;
                labels(it).iter().map(move |label| (customer, label, it.created_position))
            })
            .collect();
        rows.iter().for_each(|it| writer.row(it));
        writer.end_table(table);
    }
}

impl AssetsTables for AssetsMemory {
    fn customers(&mut self) -> &mut impl Table<CustomerRow> {
        &mut self.customers
    }

    fn spaces(&mut self) -> &mut impl Table<SpaceRecord> {
        &mut self.spaces
    }

    fn space_counts(&mut self) -> &mut impl Table<SpaceCount> {
        &mut self.space_counts
    }

    fn assets(&mut self) -> &mut impl Table<AssetRecord> {
        &mut self.assets
    }
}

impl MemoryTables for AssetsMemory {
    const NAME: &'static str = assets::NAME;
    const VERSION: u32 = assets::VERSION;

    fn fold(&mut self, event: &DecodedEvent) -> Result<(), FoldError> {
        for change in assets::project(&event.recorded, event.domain_events()?)? {
            assets::fold(change, self)?;
        }
        Ok(())
    }

    fn commit(&mut self) {
        self.customers.commit();
        self.spaces.commit();
        self.space_counts.commit();
        self.assets.commit();
    }

    fn roll_back(&mut self) {
        self.customers.roll_back();
        self.spaces.roll_back();
        self.space_counts.roll_back();
        self.assets.roll_back();
    }

    /// Names are dumped with the keys by which they are found.
    fn dump(&self, writer: &mut DumpWriter) {
        self.customers.rows().for_each(|it| writer.row(&(it, it.name.to_lowercase())));
        writer.end_table("customers");
        self.spaces.rows().for_each(|it| writer.row(&(it, it.name.to_lowercase())));
        writer.end_table("spaces");
        self.space_counts.rows().for_each(|it| writer.row(it));
        writer.end_table("space_counts");
        self.assets.rows().for_each(|it| writer.row(&(&it.row, it.created_position, &it.text)));
        writer.end_table("assets");
        self.dump_labels("asset_tags", |it| &it.row.metadata.tags, writer);
        self.dump_labels("asset_roles", |it| &it.row.roles, writer);
    }
}
