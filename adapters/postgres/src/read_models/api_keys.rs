//! Keys of the API: rows and queries.

use super::build::{Definition, DumpTable};
use super::errors::SqlError;
use super::fold::Session;
use super::keyset::Listing;
use super::served::Query;
use super::table::{Known, Slots, SqlRow, StoredRow, select};
use super::values::{Columns, Value};
use async_trait::async_trait;
use dlcs_domain::access::Principal;
use dlcs_domain::{ApiKeyId, CustomerId};
use dlcs_migrations::read_models::POSTGRES_API_KEYS;
use dlcs_projections::api_keys::{self, ApiKeyRow, ApiKeys};
use dlcs_projections::dump::DumpWriter;
use dlcs_projections::projection::{DecodedEvent, FoldError};
use dlcs_projections::scope;
use dlcs_projections::{Cursor, Page, PageRequest, QueryError};
use tokio_postgres::Row;

pub(super) static DEFINITION: Definition = Definition {
    name: api_keys::NAME,
    version: api_keys::VERSION,
    lock: 9,
    tables: POSTGRES_API_KEYS,
    begin: || Box::new(ApiKeyTable(Known::default())),
    dump: &[DumpTable::of::<ApiKeyRow>()],
};

const LIST: &str = "keys";

struct ApiKeyTable(Known<ApiKeyRow>);

impl Session for ApiKeyTable {
    fn apply(&mut self, event: &DecodedEvent) -> Result<(), FoldError> {
        for change in api_keys::project(&event.recorded, event.domain_events()?)? {
            api_keys::fold(change, &mut self.0)?;
        }
        Ok(())
    }

    fn tables(&mut self) -> Vec<&mut dyn Slots> {
        vec![&mut self.0]
    }
}

impl SqlRow for ApiKeyRow {
    const TABLE: &'static str = "keys";
    const COLUMNS: &'static [(&'static str, &'static str)] = &[
        ("customer", "bigint"),
        ("id", "text"),
        ("can", "text"),
        ("until_us", "bigint"),
        ("label", "text"),
        ("secret_sha256", "text"),
        ("revoked", "boolean"),
        ("created_at_us", "bigint"),
        ("position", "bigint"),
    ];
    const KEY: usize = 2;

    fn values(&self) -> Vec<Value> {
        vec![
            self.id.customer.into(),
            (&self.id.id).into(),
            self.right.as_str().into(),
            self.until_us.into(),
            (&self.label).into(),
            (&self.secret_sha256).into(),
            self.revoked.into(),
            self.created_at_us.into(),
            self.position.into(),
        ]
    }

    fn read(columns: &mut Columns<'_>) -> Result<Self, SqlError> {
        Ok(Self {
            id: ApiKeyId { customer: columns.customer()?, id: columns.text()? },
            right: columns.text()?.parse().map_err(SqlError::unreadable)?,
            until_us: columns.take()?,
            label: columns.text()?,
            secret_sha256: columns.text()?,
            revoked: columns.take()?,
            created_at_us: columns.take()?,
            position: columns.number()?,
        })
    }

    fn dump(row: &Row, writer: &mut DumpWriter) -> Result<(), SqlError> {
        writer.row(&Self::read(&mut Columns::new(row))?);
        Ok(())
    }
}

impl StoredRow for ApiKeyRow {
    fn key_values(key: &ApiKeyId) -> Vec<Value> {
        vec![key.customer.into(), (&key.id).into()]
    }
}

#[async_trait]
impl ApiKeys for Query {
    async fn credentials(&self, id: &str) -> Result<Option<ApiKeyRow>, QueryError> {
        let sql = format!("{} WHERE t.id = $1", select::<ApiKeyRow>());
        self.one(&sql, &[id.into()], ApiKeyRow::read).await
    }

    async fn list(
        &self,
        principal: &Principal,
        customer: CustomerId,
        page: &PageRequest,
    ) -> Result<Page<ApiKeyRow>, QueryError> {
        scope::keys(principal, customer)?;
        let mut listing = Listing::of::<ApiKeyRow>(&["t.id"]);
        listing.and_with("t.customer = ?", customer);
        listing.and("NOT t.revoked");
        let total = Some(listing.count(self).await?);
        if let Some(after) = &page.after {
            let id: String = after.key(LIST)?;
            listing.after([(&id).into()], page.direction);
        }
        let cursor = |it: &ApiKeyRow| Cursor::after(LIST, &it.id.id);
        let page = listing.page(self, page, ApiKeyRow::read, cursor).await?;
        Ok(Page { total, ..page })
    }
}
