//! Assets, with customers and spaces: one projection, so that counts agree with lists.

mod list;
mod rows;

use super::file::{Definition, Session};
use super::served::Query;
use super::table::{SqlRow, SqlTable};
use super::{customers, spaces};
use async_trait::async_trait;
use dlcs_domain::AssetId;
use dlcs_domain::access::Principal;
use dlcs_migrations::read_models::SQLITE_ASSETS;
use dlcs_projections::assets::{
    self, AssetFilter, AssetOrder, AssetRecord, AssetRow, Assets, AssetsTables,
};
use dlcs_projections::customers::CustomerRow;
use dlcs_projections::projection::{DecodedEvent, FoldError, StoreError, Table};
use dlcs_projections::scope;
use dlcs_projections::spaces::{SpaceCount, SpaceRecord};
use dlcs_projections::{Page, PageRequest, QueryError};
use rusqlite::Connection;

#[cfg(test)]
pub(super) use list::listing;
pub(super) use rows::into_id;

pub(super) static DEFINITION: Definition = Definition {
    name: assets::NAME,
    version: assets::VERSION,
    application_id: 0x444c_5231, // "DLR1".
    migrations: SQLITE_ASSETS,
    begin: |connection| Box::new(Tables::new(connection)),
    dump: |connection, writer| {
        customers::dump(connection, writer)?;
        spaces::dump(connection, writer)?;
        rows::dump(connection, writer)
    },
};

struct Tables<'c> {
    customers: SqlTable<'c, CustomerRow>,
    spaces: SqlTable<'c, SpaceRecord>,
    space_counts: SqlTable<'c, SpaceCount>,
    assets: SqlTable<'c, AssetRecord>,
}

impl<'c> Tables<'c> {
    fn new(connection: &'c Connection) -> Self {
        Self {
            customers: SqlTable::new(connection),
            spaces: SqlTable::new(connection),
            space_counts: SqlTable::new(connection),
            assets: SqlTable::new(connection),
        }
    }
}

impl AssetsTables for Tables<'_> {
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

impl Session for Tables<'_> {
    fn apply(&mut self, event: &DecodedEvent) -> Result<(), FoldError> {
        for change in assets::project(&event.recorded, event.domain_events()?)? {
            assets::fold(change, self)?;
        }
        Ok(())
    }

    fn flush(self: Box<Self>) -> Result<(), StoreError> {
        self.customers.flush()?;
        self.spaces.flush()?;
        self.space_counts.flush()?;
        self.assets.flush()
    }
}

#[async_trait]
impl Assets for Query {
    async fn asset(
        &self,
        principal: &Principal,
        id: &AssetId,
    ) -> Result<Option<AssetRow>, QueryError> {
        scope::management(principal, id.customer())?;
        let id = id.clone();
        self.run(move |it| Ok(AssetRecord::load(it, &id)?.map(|it| it.row))).await
    }

    async fn assets_by_id(
        &self,
        principal: &Principal,
        ids: &[AssetId],
    ) -> Result<Vec<AssetRow>, QueryError> {
        for id in ids {
            scope::management(principal, id.customer())?;
        }
        let ids = ids.to_vec();
        self.run(move |it| {
            let mut found = Vec::with_capacity(ids.len());
            for id in &ids {
                found.extend(AssetRecord::load(it, id)?.map(|it| it.row));
            }
            Ok(found)
        })
        .await
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
        let query = list::prepare(&filter, order, page)?;
        self.run(move |it| query.run(it, with_total)).await
    }
}
