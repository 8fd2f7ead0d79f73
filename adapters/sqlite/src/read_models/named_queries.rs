//! Named queries: rows and queries.

use super::file::{Definition, Session};
use super::keyset::Listing;
use super::served::Query;
use super::table::{SqlRow, SqlTable};
use super::values::unreadable;
use async_trait::async_trait;
use dlcs_domain::access::Principal;
use dlcs_domain::{CustomerId, NamedQueryId};
use dlcs_migrations::read_models::SQLITE_NAMED_QUERIES;
use dlcs_projections::dump::DumpWriter;
use dlcs_projections::named_queries::{self, NamedQueries, NamedQueryRow};
use dlcs_projections::projection::{DecodedEvent, FoldError, StoreError};
use dlcs_projections::scope;
use dlcs_projections::{Cursor, Page, PageRequest, QueryError};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, params};

pub(super) static DEFINITION: Definition = Definition {
    name: named_queries::NAME,
    version: named_queries::VERSION,
    application_id: 0x444c_5238, // "DLR8".
    migrations: SQLITE_NAMED_QUERIES,
    begin: |connection| Box::new(NamedQueryTable(SqlTable::new(connection))),
    dump,
};

const SELECT: &str = "customer, name, template, removed, created_at_us, modified_at_us,
    edit_revision, position FROM named_queries";
const LIST: &str = "named-queries";

struct NamedQueryTable<'c>(SqlTable<'c, NamedQueryRow>);

impl Session for NamedQueryTable<'_> {
    fn apply(&mut self, event: &DecodedEvent) -> Result<(), FoldError> {
        for change in named_queries::project(&event.recorded, event.domain_events()?)? {
            named_queries::fold(change, &mut self.0)?;
        }
        Ok(())
    }

    fn flush(self: Box<Self>) -> Result<(), StoreError> {
        self.0.flush()
    }
}

fn into_row(row: &Row<'_>) -> rusqlite::Result<NamedQueryRow> {
    let template: String = row.get("template")?;
    Ok(NamedQueryRow {
        id: NamedQueryId { customer: CustomerId(row.get("customer")?), name: row.get("name")? },
        template: template.parse().map_err(unreadable)?,
        removed: row.get("removed")?,
        created_at_us: row.get("created_at_us")?,
        modified_at_us: row.get("modified_at_us")?,
        edit_revision: row.get("edit_revision")?,
        position: row.get("position")?,
    })
}

impl SqlRow for NamedQueryRow {
    fn load(connection: &Connection, key: &NamedQueryId) -> rusqlite::Result<Option<Self>> {
        let sql = format!("SELECT {SELECT} WHERE customer = ?1 AND name = ?2");
        let key = (key.customer.0, &key.name);
        connection.prepare_cached(&sql)?.query_row(key, into_row).optional()
    }

    fn store(&self, connection: &Connection, _: Option<&Self>) -> rusqlite::Result<()> {
        let mut statement = connection.prepare_cached(
            "REPLACE INTO named_queries
                 (customer, name, template, removed, created_at_us, modified_at_us, edit_revision,
                  position)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?;
        statement.execute(params![
            self.id.customer.0,
            self.id.name,
            self.template.as_str(),
            self.removed,
            self.created_at_us,
            self.modified_at_us,
            self.edit_revision,
            self.position,
        ])?;
        Ok(())
    }

    fn delete(&self, connection: &Connection) -> rusqlite::Result<()> {
        let sql = "DELETE FROM named_queries WHERE customer = ?1 AND name = ?2";
        connection.execute(sql, (self.id.customer.0, &self.id.name)).map(drop)
    }
}

fn dump(connection: &Connection, writer: &mut DumpWriter) -> rusqlite::Result<()> {
    let mut statement = connection.prepare(&format!("SELECT {SELECT} ORDER BY customer, name"))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        writer.row(&into_row(row)?);
    }
    writer.end_table("named_queries");
    Ok(())
}

#[async_trait]
impl NamedQueries for Query {
    async fn named_query(&self, id: &NamedQueryId) -> Result<Option<NamedQueryRow>, QueryError> {
        let id = id.clone();
        self.run(move |it| NamedQueryRow::load(it, &id)).await
    }

    async fn list(
        &self,
        principal: &Principal,
        customer: CustomerId,
        page: &PageRequest,
    ) -> Result<Page<NamedQueryRow>, QueryError> {
        scope::management(principal, customer)?;
        let mut listing = Listing::new(SELECT, &["name"]);
        listing.and_with("customer = ?", customer.0);
        listing.and("removed = 0");
        let whole = listing.clone();
        if let Some(after) = &page.after {
            listing.after([Value::from(after.key::<String>(LIST)?)], page.direction);
        }
        let page = page.clone();
        self.run(move |it| {
            let cursor = |it: &NamedQueryRow| Cursor::after(LIST, &it.id.name);
            let total = Some(whole.count(it)?);
            Ok(Page { total, ..listing.page(it, &page, into_row, cursor)? })
        })
        .await
    }
}
