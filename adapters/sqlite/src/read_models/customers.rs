//! Customers: their rows and queries.

use super::keyset::Listing;
use super::served::Query;
use super::table::SqlRow;
use async_trait::async_trait;
use dlcs_domain::CustomerId;
use dlcs_domain::access::Principal;
use dlcs_projections::customers::{CustomerRow, Customers};
use dlcs_projections::dump::DumpWriter;
use dlcs_projections::scope;
use dlcs_projections::{Cursor, Page, PageRequest, QueryError};
use rusqlite::{Connection, OptionalExtension, Row, params};

const SELECT: &str =
    "id, name, display_name, deleted, created_at_us, edit_revision, position FROM customers";
const LIST: &str = "customers";

fn into_customer(row: &Row<'_>) -> rusqlite::Result<CustomerRow> {
    Ok(CustomerRow {
        id: CustomerId(row.get("id")?),
        name: row.get("name")?,
        display_name: row.get("display_name")?,
        deleted: row.get("deleted")?,
        created_at_us: row.get("created_at_us")?,
        edit_revision: row.get("edit_revision")?,
        position: row.get("position")?,
    })
}

fn load(connection: &Connection, id: CustomerId) -> rusqlite::Result<Option<CustomerRow>> {
    let sql = format!("SELECT {SELECT} WHERE id = ?1");
    connection.prepare_cached(&sql)?.query_row([id.0], into_customer).optional()
}

impl SqlRow for CustomerRow {
    fn load(connection: &Connection, key: &CustomerId) -> rusqlite::Result<Option<Self>> {
        load(connection, *key)
    }

    fn store(&self, connection: &Connection, _: Option<&Self>) -> rusqlite::Result<()> {
        let mut statement = connection.prepare_cached(
            "REPLACE INTO customers
                 (id, name, name_key, display_name, deleted, created_at_us, edit_revision, position)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?;
        statement.execute(params![
            self.id.0,
            self.name,
            self.name.to_lowercase(),
            self.display_name,
            self.deleted,
            self.created_at_us,
            self.edit_revision,
            self.position,
        ])?;
        Ok(())
    }

    fn delete(&self, connection: &Connection) -> rusqlite::Result<()> {
        connection.execute("DELETE FROM customers WHERE id = ?1", [self.id.0]).map(drop)
    }
}

pub(super) fn dump(connection: &Connection, writer: &mut DumpWriter) -> rusqlite::Result<()> {
    let mut statement = connection.prepare(&format!("SELECT name_key, {SELECT} ORDER BY id"))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        writer.row(&(into_customer(row)?, row.get::<_, String>("name_key")?));
    }
    writer.end_table("customers");
    Ok(())
}

#[async_trait]
impl Customers for Query {
    async fn customer(
        &self,
        principal: &Principal,
        id: CustomerId,
    ) -> Result<Option<CustomerRow>, QueryError> {
        scope::management(principal, id)?;
        self.run(move |it| load(it, id)).await
    }

    async fn id_by_name(&self, name: &str) -> Result<Option<CustomerId>, QueryError> {
        let key = name.to_lowercase();
        self.run(move |it| {
            it.prepare_cached("SELECT id FROM customers WHERE name_key = ?1 AND deleted = 0")?
                .query_row([key], |row| row.get(0).map(CustomerId))
                .optional()
        })
        .await
    }

    async fn list(
        &self,
        principal: &Principal,
        page: &PageRequest,
    ) -> Result<Page<CustomerRow>, QueryError> {
        let mut listing = Listing::new(SELECT, &["id"]);
        listing.and("deleted = 0");
        if let Some(own) = scope::narrowed(principal, None)? {
            listing.and_with("id = ?", own.0);
        }
        let whole = listing.clone();
        if let Some(after) = &page.after {
            let id: u32 = after.key(LIST)?;
            listing.after([id.into()], page.direction);
        }
        let page = page.clone();
        self.run(move |it| {
            let cursor = |row: &CustomerRow| Cursor::after(LIST, &row.id.0);
            let total = Some(whole.count(it)?);
            Ok(Page { total, ..listing.page(it, &page, into_customer, cursor)? })
        })
        .await
    }
}
