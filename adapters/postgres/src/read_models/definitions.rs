//! Roles, access services, custom headers: rows and queries.

use super::build::{Definition, DumpTable};
use super::errors::SqlError;
use super::fold::Session;
use super::keyset::Listing;
use super::served::Query;
use super::table::{Known, Slots, SqlRow, StoredRow, select_one};
use super::values::{Columns, Value};
use async_trait::async_trait;
use dlcs_domain::access::Principal;
use dlcs_domain::{CustomerId, DefinitionId};
use dlcs_migrations::read_models::POSTGRES_DEFINITIONS;
use dlcs_projections::definitions::{self, DefinitionKey, DefinitionRow, Definitions, Kind};
use dlcs_projections::dump::DumpWriter;
use dlcs_projections::projection::{DecodedEvent, FoldError};
use dlcs_projections::scope;
use dlcs_projections::{Cursor, Page, PageRequest, QueryError};
use tokio_postgres::Row;

pub(super) static DEFINITION: Definition = Definition {
    name: definitions::NAME,
    version: definitions::VERSION,
    lock: 11,
    tables: POSTGRES_DEFINITIONS,
    begin: || Box::new(DefinitionTable(Known::default())),
    dump: &[DumpTable::of::<DefinitionRow>()],
};

const LIST: &str = "definitions";

struct DefinitionTable(Known<DefinitionRow>);

impl Session for DefinitionTable {
    fn apply(&mut self, event: &DecodedEvent) -> Result<(), FoldError> {
        for change in definitions::project(&event.recorded, event.domain_events()?)? {
            definitions::fold(change, &mut self.0)?;
        }
        Ok(())
    }

    fn tables(&mut self) -> Vec<&mut dyn Slots> {
        vec![&mut self.0]
    }
}

impl SqlRow for DefinitionRow {
    const TABLE: &'static str = "definitions";
    const COLUMNS: &'static [(&'static str, &'static str)] = &[
        ("customer", "bigint"),
        ("kind", "text"),
        ("name", "text"),
        ("value_json", "text"),
        ("removed", "boolean"),
        ("created_at_us", "bigint"),
        ("modified_at_us", "bigint"),
        ("edit_revision", "bigint"),
        ("position", "bigint"),
    ];
    const KEY: usize = 3;

    fn values(&self) -> Vec<Value> {
        vec![
            self.id.customer.into(),
            self.value.kind().as_str().into(),
            (&self.id.name).into(),
            Value::json(&self.value),
            self.removed.into(),
            self.created_at_us.into(),
            self.modified_at_us.into(),
            self.edit_revision.into(),
            self.position.into(),
        ]
    }

    fn read(columns: &mut Columns<'_>) -> Result<Self, SqlError> {
        let customer = columns.customer()?;
        // The value says of which kind it is.
        columns.skip();
        Ok(Self {
            id: DefinitionId { customer, name: columns.text()? },
            value: columns.json()?,
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

impl StoredRow for DefinitionRow {
    fn key_values(key: &DefinitionKey) -> Vec<Value> {
        vec![key.customer.into(), key.kind.as_str().into(), (&key.name).into()]
    }
}

#[async_trait]
impl Definitions for Query {
    async fn definition(
        &self,
        id: &DefinitionId,
        kind: Kind,
    ) -> Result<Option<DefinitionRow>, QueryError> {
        let key = DefinitionRow::key_values(&DefinitionKey::new(id, kind));
        self.one(&select_one::<DefinitionRow>(), &key, DefinitionRow::read).await
    }

    async fn list(
        &self,
        principal: &Principal,
        customer: CustomerId,
        kind: Kind,
        page: &PageRequest,
    ) -> Result<Page<DefinitionRow>, QueryError> {
        scope::management(principal, customer)?;
        let mut listing = Listing::of::<DefinitionRow>(&["t.name"]);
        listing.and_with("t.customer = ?", customer);
        listing.and_with("t.kind = ?", kind.as_str());
        listing.and("NOT t.removed");
        let total = Some(listing.count(self).await?);
        if let Some(after) = &page.after {
            let name: String = after.key(LIST)?;
            listing.after([(&name).into()], page.direction);
        }
        let cursor = |it: &DefinitionRow| Cursor::after(LIST, &it.id.name);
        let page = listing.page(self, page, DefinitionRow::read, cursor).await?;
        Ok(Page { total, ..page })
    }
}
