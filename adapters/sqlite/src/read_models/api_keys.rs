//! Keys of the API: rows and queries.

use super::file::{Definition, Session};
use super::keyset::Listing;
use super::served::Query;
use super::table::{SqlRow, SqlTable};
use super::values::unreadable;
use async_trait::async_trait;
use dlcs_domain::access::Principal;
use dlcs_domain::{ApiKeyId, CustomerId};
use dlcs_migrations::read_models::SQLITE_API_KEYS;
use dlcs_projections::api_keys::{self, ApiKeyRow, ApiKeys};
use dlcs_projections::dump::DumpWriter;
use dlcs_projections::projection::{DecodedEvent, FoldError, StoreError};
use dlcs_projections::scope;
use dlcs_projections::{Cursor, Page, PageRequest, QueryError};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, params};

pub(super) static DEFINITION: Definition = Definition {
    name: api_keys::NAME,
    version: api_keys::VERSION,
    application_id: 0x444c_5239, // "DLR9".
    migrations: SQLITE_API_KEYS,
    begin: |connection| Box::new(ApiKeyTable(SqlTable::new(connection))),
    dump,
};

const SELECT: &str = "customer, id, can, until_us, label, secret_sha256, revoked, created_at_us,
    position FROM keys";
const LIST: &str = "keys";

struct ApiKeyTable<'c>(SqlTable<'c, ApiKeyRow>);

impl Session for ApiKeyTable<'_> {
    fn apply(&mut self, event: &DecodedEvent) -> Result<(), FoldError> {
        for change in api_keys::project(&event.recorded, event.domain_events()?)? {
            api_keys::fold(change, &mut self.0)?;
        }
        Ok(())
    }

    fn flush(self: Box<Self>) -> Result<(), StoreError> {
        self.0.flush()
    }
}

fn into_row(row: &Row<'_>) -> rusqlite::Result<ApiKeyRow> {
    Ok(ApiKeyRow {
        id: ApiKeyId { customer: CustomerId(row.get("customer")?), id: row.get("id")? },
        right: row.get_ref("can")?.as_str()?.parse().map_err(unreadable)?,
        until_us: row.get("until_us")?,
        label: row.get("label")?,
        secret_sha256: row.get("secret_sha256")?,
        revoked: row.get("revoked")?,
        created_at_us: row.get("created_at_us")?,
        position: row.get("position")?,
    })
}

impl SqlRow for ApiKeyRow {
    fn load(connection: &Connection, key: &ApiKeyId) -> rusqlite::Result<Option<Self>> {
        let sql = format!("SELECT {SELECT} WHERE customer = ?1 AND id = ?2");
        let key = (key.customer.0, &key.id);
        connection.prepare_cached(&sql)?.query_row(key, into_row).optional()
    }

    fn store(&self, connection: &Connection, _: Option<&Self>) -> rusqlite::Result<()> {
        let mut statement = connection.prepare_cached(
            "REPLACE INTO keys
                 (customer, id, can, until_us, label, secret_sha256, revoked, created_at_us,
                  position)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?;
        statement.execute(params![
            self.id.customer.0,
            self.id.id,
            self.right.as_str(),
            self.until_us,
            self.label,
            self.secret_sha256,
            self.revoked,
            self.created_at_us,
            self.position,
        ])?;
        Ok(())
    }

    fn delete(&self, connection: &Connection) -> rusqlite::Result<()> {
        let sql = "DELETE FROM keys WHERE customer = ?1 AND id = ?2";
        connection.execute(sql, (self.id.customer.0, &self.id.id)).map(drop)
    }
}

fn dump(connection: &Connection, writer: &mut DumpWriter) -> rusqlite::Result<()> {
    let mut statement = connection.prepare(&format!("SELECT {SELECT} ORDER BY customer, id"))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        writer.row(&into_row(row)?);
    }
    writer.end_table("keys");
    Ok(())
}

#[async_trait]
impl ApiKeys for Query {
    async fn credentials(&self, id: &str) -> Result<Option<ApiKeyRow>, QueryError> {
        let id = id.to_owned();
        self.run(move |it| {
            let sql = format!("SELECT {SELECT} WHERE id = ?1");
            it.prepare_cached(&sql)?.query_row([&id], into_row).optional()
        })
        .await
    }

    async fn list(
        &self,
        principal: &Principal,
        customer: CustomerId,
        page: &PageRequest,
    ) -> Result<Page<ApiKeyRow>, QueryError> {
        scope::keys(principal, customer)?;
        let mut listing = Listing::new(SELECT, &["id"]);
        listing.and_with("customer = ?", customer.0);
        listing.and("revoked = 0");
        let whole = listing.clone();
        if let Some(after) = &page.after {
            listing.after([Value::from(after.key::<String>(LIST)?)], page.direction);
        }
        let page = page.clone();
        self.run(move |it| {
            let cursor = |it: &ApiKeyRow| Cursor::after(LIST, &it.id.id);
            let total = Some(whole.count(it)?);
            Ok(Page { total, ..listing.page(it, &page, into_row, cursor)? })
        })
        .await
    }
}
