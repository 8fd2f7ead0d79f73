//! Customers: their rows and queries.

use super::errors::SqlError;
use super::keyset::Listing;
use super::served::Query;
use super::table::{SqlRow, StoredRow, select_one};
use super::values::{Columns, Value};
use async_trait::async_trait;
use dlcs_domain::CustomerId;
use dlcs_domain::access::Principal;
use dlcs_projections::customers::{CustomerRow, Customers};
use dlcs_projections::dump::DumpWriter;
use dlcs_projections::scope;
use dlcs_projections::{Cursor, Page, PageRequest, QueryError};
use tokio_postgres::Row;

const BY_NAME: &str = "SELECT id FROM {schema}.customers WHERE name_key = $1 AND NOT deleted";
const LIST: &str = "customers";

impl SqlRow for CustomerRow {
    const TABLE: &'static str = "customers";
    const COLUMNS: &'static [(&'static str, &'static str)] = &[
        ("id", "bigint"),
        ("name", "text"),
        ("display_name", "text"),
        ("deleted", "boolean"),
        ("created_at_us", "bigint"),
        ("edit_revision", "bigint"),
        ("position", "bigint"),
        ("name_key", "text"),
    ];
    const KEY: usize = 1;

    fn values(&self) -> Vec<Value> {
        vec![
            self.id.into(),
            (&self.name).into(),
            (&self.display_name).into(),
            self.deleted.into(),
            self.created_at_us.into(),
            self.edit_revision.into(),
            self.position.into(),
            (&self.name.to_lowercase()).into(),
        ]
    }

    fn read(columns: &mut Columns<'_>) -> Result<Self, SqlError> {
        Ok(Self {
            id: columns.customer()?,
            name: columns.text()?,
            display_name: columns.text()?,
            deleted: columns.take()?,
            created_at_us: columns.take()?,
            edit_revision: columns.number()?,
            position: columns.number()?,
        })
    }

    fn dump(row: &Row, writer: &mut DumpWriter) -> Result<(), SqlError> {
        let mut columns = Columns::new(row);
        writer.row(&(Self::read(&mut columns)?, columns.text()?));
        Ok(())
    }
}

impl StoredRow for CustomerRow {
    fn key_values(key: &CustomerId) -> Vec<Value> {
        vec![(*key).into()]
    }
}

#[async_trait]
impl Customers for Query {
    async fn customer(
        &self,
        principal: &Principal,
        id: CustomerId,
    ) -> Result<Option<CustomerRow>, QueryError> {
        scope::management(principal, id)?;
        self.one(&select_one::<CustomerRow>(), &[id.into()], CustomerRow::read).await
    }

    async fn id_by_name(&self, name: &str) -> Result<Option<CustomerId>, QueryError> {
        let key = &name.to_lowercase();
        self.one(BY_NAME, &[key.into()], |it| it.customer()).await
    }

    async fn list(
        &self,
        principal: &Principal,
        page: &PageRequest,
    ) -> Result<Page<CustomerRow>, QueryError> {
        let mut listing = Listing::of::<CustomerRow>(&["t.id"]);
        listing.and("NOT t.deleted");
        if let Some(own) = scope::narrowed(principal, None)? {
            listing.and_with("t.id = ?", own);
        }
        let total = Some(listing.count(self).await?);
        if let Some(after) = &page.after {
            let id: u32 = after.key(LIST)?;
            listing.after([id.into()], page.direction);
        }
        let cursor = |row: &CustomerRow| Cursor::after(LIST, &row.id.0);
        Ok(Page { total, ..listing.page(self, page, CustomerRow::read, cursor).await? })
    }
}
