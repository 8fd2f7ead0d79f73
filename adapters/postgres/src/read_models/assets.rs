//! Assets, with customers and spaces: one projection, so that counts agree with lists.

mod list;
mod rows;

use super::build::{Definition, DumpTable};
use super::fold::Session;
use super::served::Query;
use super::table::{Known, Slots, SqlRow, select_one};
use super::values::{Columns, Value, asset_key};
use async_trait::async_trait;
use dlcs_domain::AssetId;
use dlcs_domain::access::Principal;
use dlcs_migrations::read_models::POSTGRES_ASSETS;
use dlcs_projections::assets::{
    self, AssetFilter, AssetOrder, AssetRecord, AssetRow, Assets, AssetsTables,
};
use dlcs_projections::customers::CustomerRow;
use dlcs_projections::projection::{DecodedEvent, FoldError, Table};
use dlcs_projections::scope;
use dlcs_projections::spaces::{SpaceCount, SpaceRecord};
use dlcs_projections::{Page, PageRequest, QueryError};

#[cfg(test)]
pub(super) use list::listing;

pub(super) static DEFINITION: Definition = Definition {
    name: assets::NAME,
    version: assets::VERSION,
    lock: 1,
    tables: POSTGRES_ASSETS,
    begin: || Box::new(Tables::default()),
    dump: &[
        DumpTable::of::<CustomerRow>(),
        DumpTable::of::<SpaceRecord>(),
        DumpTable::of::<SpaceCount>(),
        DumpTable::of::<AssetRecord>(),
        rows::TAGS.dump,
        rows::ROLES.dump,
    ],
};

#[derive(Default)]
pub(super) struct Tables {
    customers: Known<CustomerRow>,
    spaces: Known<SpaceRecord>,
    space_counts: Known<SpaceCount>,
    assets: Known<AssetRecord>,
}

impl AssetsTables for Tables {
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

impl Session for Tables {
    fn apply(&mut self, event: &DecodedEvent) -> Result<(), FoldError> {
        for change in assets::project(&event.recorded, event.domain_events()?)? {
            assets::fold(change, self)?;
        }
        Ok(())
    }

    fn tables(&mut self) -> Vec<&mut dyn Slots> {
        let Self { customers, spaces, space_counts, assets } = self;
        vec![customers, spaces, space_counts, assets]
    }
}

/// Rows in the order in which they are asked for.
const BY_ID: &str = "JOIN unnest($1::bigint[], $2::bigint[], $3::text[]) WITH ORDINALITY
    AS k (customer, space, name, place) USING (customer, space, name) ORDER BY k.place";

#[async_trait]
impl Assets for Query {
    async fn asset(
        &self,
        principal: &Principal,
        id: &AssetId,
    ) -> Result<Option<AssetRow>, QueryError> {
        scope::management(principal, id.customer())?;
        let sql = select_one::<AssetRecord>();
        let record = self.one(&sql, &asset_key(id), AssetRecord::read).await?;
        Ok(record.map(|it| it.row))
    }

    async fn assets_by_id(
        &self,
        principal: &Principal,
        ids: &[AssetId],
    ) -> Result<Vec<AssetRow>, QueryError> {
        for id in ids {
            scope::management(principal, id.customer())?;
        }
        let sql = format!("{} {BY_ID}", super::table::select::<AssetRecord>());
        let keys = Value::columns(AssetRecord::KEY, ids.iter().map(asset_key));
        let rows = self.looked_up(&sql, &keys).await?;
        let rows = rows.iter().map(|row| Ok(AssetRecord::read(&mut Columns::new(row))?.row));
        rows.collect()
    }

    async fn list(
        &self,
        principal: &Principal,
        filter: &AssetFilter,
        order: AssetOrder,
        page: &PageRequest,
        with_total: bool,
    ) -> Result<Page<AssetRow>, QueryError> {
        let customer = scope::narrowed(principal, filter.customer)?;
        let filter = AssetFilter { customer, ..filter.clone() };
        list::run(self, &filter, order, page, with_total).await
    }
}
