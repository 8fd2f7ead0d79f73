//! Roles, access services, custom headers: rows and queries.

use super::file::{Definition, Session};
use super::keyset::Listing;
use super::served::Query;
use super::table::{SqlRow, SqlTable};
use super::values::{json, to_json};
use async_trait::async_trait;
use dlcs_domain::access::Principal;
use dlcs_domain::{CustomerId, DefinitionId};
use dlcs_migrations::read_models::SQLITE_DEFINITIONS;
use dlcs_projections::definitions::{self, DefinitionKey, DefinitionRow, Definitions, Kind};
use dlcs_projections::dump::DumpWriter;
use dlcs_projections::projection::{DecodedEvent, FoldError, StoreError};
use dlcs_projections::scope;
use dlcs_projections::{Cursor, Page, PageRequest, QueryError};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, params};

pub(super) static DEFINITION: Definition = Definition {
    name: definitions::NAME,
    version: definitions::VERSION,
    application_id: 0x444c_5242, // "DLRB".
    migrations: SQLITE_DEFINITIONS,
    begin: |connection| Box::new(DefinitionTable(SqlTable::new(connection))),
    dump,
};

const SELECT: &str = "customer, kind, name, value_json, removed, created_at_us, modified_at_us,
    edit_revision, position FROM definitions";
const LIST: &str = "definitions";

struct DefinitionTable<'c>(SqlTable<'c, DefinitionRow>);

impl Session for DefinitionTable<'_> {
    fn apply(&mut self, event: &DecodedEvent) -> Result<(), FoldError> {
        for change in definitions::project(&event.recorded, event.domain_events()?)? {
            definitions::fold(change, &mut self.0)?;
        }
        Ok(())
    }

    fn flush(self: Box<Self>) -> Result<(), StoreError> {
        self.0.flush()
    }
}

fn into_row(row: &Row<'_>) -> rusqlite::Result<DefinitionRow> {
    Ok(DefinitionRow {
        id: DefinitionId { customer: CustomerId(row.get("customer")?), name: row.get("name")? },
        value: json(row, "value_json")?,
        removed: row.get("removed")?,
        created_at_us: row.get("created_at_us")?,
        modified_at_us: row.get("modified_at_us")?,
        edit_revision: row.get("edit_revision")?,
        position: row.get("position")?,
    })
}

impl SqlRow for DefinitionRow {
    fn load(connection: &Connection, key: &DefinitionKey) -> rusqlite::Result<Option<Self>> {
        let sql = format!("SELECT {SELECT} WHERE customer = ?1 AND kind = ?2 AND name = ?3");
        let key = (key.customer.0, key.kind.as_str(), &key.name);
        connection.prepare_cached(&sql)?.query_row(key, into_row).optional()
    }

    fn store(&self, connection: &Connection, _: Option<&Self>) -> rusqlite::Result<()> {
        let mut statement = connection.prepare_cached(
            "REPLACE INTO definitions
                 (customer, kind, name, value_json, removed, created_at_us, modified_at_us,
                  edit_revision, position)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?;
        statement.execute(params![
            self.id.customer.0,
            self.value.kind().as_str(),
            self.id.name,
            to_json(&self.value),
            self.removed,
            self.created_at_us,
            self.modified_at_us,
            self.edit_revision,
            self.position,
        ])?;
        Ok(())
    }

    fn delete(&self, connection: &Connection) -> rusqlite::Result<()> {
        let sql = "DELETE FROM definitions WHERE customer = ?1 AND kind = ?2 AND name = ?3";
        let key = (self.id.customer.0, self.value.kind().as_str(), &self.id.name);
        connection.execute(sql, key).map(drop)
    }
}

fn dump(connection: &Connection, writer: &mut DumpWriter) -> rusqlite::Result<()> {
    let sql = format!("SELECT {SELECT} ORDER BY customer, kind, name");
    let mut statement = connection.prepare(&sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        writer.row(&into_row(row)?);
    }
    writer.end_table("definitions");
    Ok(())
}

#[async_trait]
impl Definitions for Query {
    async fn definition(
        &self,
        id: &DefinitionId,
        kind: Kind,
    ) -> Result<Option<DefinitionRow>, QueryError> {
        let key = DefinitionKey::new(id, kind);
        self.run(move |it| DefinitionRow::load(it, &key)).await
    }

    async fn list(
        &self,
        principal: &Principal,
        customer: CustomerId,
        kind: Kind,
        page: &PageRequest,
    ) -> Result<Page<DefinitionRow>, QueryError> {
        scope::management(principal, customer)?;
        let mut listing = Listing::new(SELECT, &["name"]);
        listing.and_with("customer = ?", customer.0);
        listing.and_with("kind = ?", kind.as_str().to_owned());
        listing.and("removed = 0");
        let whole = listing.clone();
        if let Some(after) = &page.after {
            listing.after([Value::from(after.key::<String>(LIST)?)], page.direction);
        }
        let page = page.clone();
        self.run(move |it| {
            let cursor = |it: &DefinitionRow| Cursor::after(LIST, &it.id.name);
            let total = Some(whole.count(it)?);
            Ok(Page { total, ..listing.page(it, &page, into_row, cursor)? })
        })
        .await
    }
}
