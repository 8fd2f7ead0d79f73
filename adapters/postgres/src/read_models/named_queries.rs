//! Named queries: rows and queries.

use super::build::{Definition, DumpTable};
use super::errors::SqlError;
use super::fold::Session;
use super::keyset::Listing;
use super::served::Query;
use super::table::{Known, Slots, SqlRow, StoredRow, select_one};
use super::values::{Columns, Value};
use async_trait::async_trait;
use dlcs_domain::access::Principal;
use dlcs_domain::{CustomerId, NamedQueryId};
use dlcs_migrations::read_models::POSTGRES_NAMED_QUERIES;
use dlcs_projections::dump::DumpWriter;
use dlcs_projections::named_queries::{self, NamedQueries, NamedQueryRow};
use dlcs_projections::projection::{DecodedEvent, FoldError};
use dlcs_projections::scope;
use dlcs_projections::{Cursor, Page, PageRequest, QueryError};
use tokio_postgres::Row;

pub(super) static DEFINITION: Definition = Definition {
    name: named_queries::NAME,
    version: named_queries::VERSION,
    lock: 8,
    tables: POSTGRES_NAMED_QUERIES,
    begin: || Box::new(NamedQueryTable(Known::default())),
    dump: &[DumpTable::of::<NamedQueryRow>()],
};

const LIST: &str = "named-queries";

struct NamedQueryTable(Known<NamedQueryRow>);

impl Session for NamedQueryTable {
    fn apply(&mut self, event: &DecodedEvent) -> Result<(), FoldError> {
        for change in named_queries::project(&event.recorded, event.domain_events()?)? {
            named_queries::fold(change, &mut self.0)?;
        }
        Ok(())
    }

    fn tables(&mut self) -> Vec<&mut dyn Slots> {
        vec![&mut self.0]
    }
}

impl SqlRow for NamedQueryRow {
    const TABLE: &'static str = "named_queries";
    const COLUMNS: &'static [(&'static str, &'static str)] = &[
        ("customer", "bigint"),
        ("name", "text"),
        ("template", "text"),
        ("removed", "boolean"),
        ("created_at_us", "bigint"),
        ("modified_at_us", "bigint"),
        ("edit_revision", "bigint"),
        ("position", "bigint"),
    ];
    const KEY: usize = 2;

    fn values(&self) -> Vec<Value> {
        vec![
            self.id.customer.into(),
            (&self.id.name).into(),
            self.template.as_str().into(),
            self.removed.into(),
            self.created_at_us.into(),
            self.modified_at_us.into(),
            self.edit_revision.into(),
            self.position.into(),
        ]
    }

    fn read(columns: &mut Columns<'_>) -> Result<Self, SqlError> {
        Ok(Self {
            id: NamedQueryId { customer: columns.customer()?, name: columns.text()? },
            template: columns.text()?.parse().map_err(SqlError::unreadable)?,
            removed: columns.take()?,
            created_at_us: columns.take()?,
            modified_at_us: columns.take()?,
            edit_revision: columns.number()?,
            position: columns.number()?,
        })
    }

    fn dump(row: &Row, writer: &mut DumpWriter) -> Result<(), SqlError> {
        writer.row(&Self::read(&mut Columns::new(row))?);
        Ok(())
    }
}

impl StoredRow for NamedQueryRow {
    fn key_values(key: &NamedQueryId) -> Vec<Value> {
        vec![key.customer.into(), (&key.name).into()]
    }
}

#[async_trait]
impl NamedQueries for Query {
    async fn named_query(&self, id: &NamedQueryId) -> Result<Option<NamedQueryRow>, QueryError> {
        let key = NamedQueryRow::key_values(id);
        self.one(&select_one::<NamedQueryRow>(), &key, NamedQueryRow::read).await
    }

    async fn list(
        &self,
        principal: &Principal,
        customer: CustomerId,
        page: &PageRequest,
    ) -> Result<Page<NamedQueryRow>, QueryError> {
        scope::management(principal, customer)?;
        let mut listing = Listing::of::<NamedQueryRow>(&["t.name"]);
        listing.and_with("t.customer = ?", customer);
        listing.and("NOT t.removed");
        let total = Some(listing.count(self).await?);
        if let Some(after) = &page.after {
            let name: String = after.key(LIST)?;
            listing.after([(&name).into()], page.direction);
        }
        let cursor = |it: &NamedQueryRow| Cursor::after(LIST, &it.id.name);
        let page = listing.page(self, page, NamedQueryRow::read, cursor).await?;
        Ok(Page { total, ..page })
    }
}
