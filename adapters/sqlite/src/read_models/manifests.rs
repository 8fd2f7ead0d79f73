//! Stored manifests: rows and queries.

use super::file::{Definition, Session};
use super::keyset::{Listing, signed};
use super::served::Query;
use super::table::{SqlRow, SqlTable};
use async_trait::async_trait;
use dlcs_domain::access::Principal;
use dlcs_domain::{BlobRef, CustomerId, ManifestId};
use dlcs_migrations::read_models::SQLITE_MANIFESTS;
use dlcs_projections::dump::DumpWriter;
use dlcs_projections::manifests::{self, ManifestRecord, ManifestRow, Manifests};
use dlcs_projections::projection::{DecodedEvent, FoldError, StoreError};
use dlcs_projections::scope;
use dlcs_projections::{Cursor, Page, PageRequest, QueryError};
use rusqlite::{Connection, OptionalExtension, Row, params};

pub(super) static DEFINITION: Definition = Definition {
    name: manifests::NAME,
    version: manifests::VERSION,
    application_id: 0x444c_5233, // "DLR3".
    migrations: SQLITE_MANIFESTS,
    begin: |connection| Box::new(Manifest(SqlTable::new(connection))),
    dump,
};

const SELECT: &str = "created_position, customer, id, slug, slug_key, document_sha256,
    document_bytes, created_at_us, modified_at_us, edit_revision, position FROM manifests";
const LIST: &str = "manifests";

struct Manifest<'c>(SqlTable<'c, ManifestRecord>);

impl Session for Manifest<'_> {
    fn apply(&mut self, event: &DecodedEvent) -> Result<(), FoldError> {
        for change in manifests::project(&event.recorded, event.domain_events()?)? {
            manifests::fold(change, &mut self.0)?;
        }
        Ok(())
    }

    fn flush(self: Box<Self>) -> Result<(), StoreError> {
        self.0.flush()
    }
}

fn into_record(row: &Row<'_>) -> rusqlite::Result<ManifestRecord> {
    let document =
        BlobRef { sha256: row.get("document_sha256")?, length_bytes: row.get("document_bytes")? };
    let manifest = ManifestRow {
        id: ManifestId { customer: CustomerId(row.get("customer")?), id: row.get("id")? },
        slug: row.get("slug")?,
        document,
        created_at_us: row.get("created_at_us")?,
        modified_at_us: row.get("modified_at_us")?,
        edit_revision: row.get("edit_revision")?,
        position: row.get("position")?,
    };
    Ok(ManifestRecord { row: manifest, created_position: row.get("created_position")? })
}

impl SqlRow for ManifestRecord {
    fn load(connection: &Connection, key: &ManifestId) -> rusqlite::Result<Option<Self>> {
        let sql = format!("SELECT {SELECT} WHERE customer = ?1 AND id = ?2");
        let key = (key.customer.0, &key.id);
        connection.prepare_cached(&sql)?.query_row(key, into_record).optional()
    }

    fn store(&self, connection: &Connection, _: Option<&Self>) -> rusqlite::Result<()> {
        // Slug and creation never change: the first row keeps its place in the order of creation.
        let mut statement = connection.prepare_cached(
            "INSERT INTO manifests
                 (created_position, customer, id, slug, slug_key, document_sha256, document_bytes,
                  created_at_us, modified_at_us, edit_revision, position)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
             ON CONFLICT (customer, id) DO UPDATE SET
                 document_sha256 = excluded.document_sha256,
                 document_bytes = excluded.document_bytes,
                 modified_at_us = excluded.modified_at_us,
                 edit_revision = excluded.edit_revision,
                 position = excluded.position",
        )?;
        let row = &self.row;
        statement.execute(params![
            self.created_position,
            row.id.customer.0,
            row.id.id,
            row.slug,
            row.slug.as_ref().map(|it| it.to_lowercase()),
            row.document.sha256,
            row.document.length_bytes,
            row.created_at_us,
            row.modified_at_us,
            row.edit_revision,
            row.position,
        ])?;
        Ok(())
    }

    fn delete(&self, connection: &Connection) -> rusqlite::Result<()> {
        let key = (self.row.id.customer.0, &self.row.id.id);
        connection.execute("DELETE FROM manifests WHERE customer = ?1 AND id = ?2", key).map(drop)
    }
}

fn dump(connection: &Connection, writer: &mut DumpWriter) -> rusqlite::Result<()> {
    let mut statement = connection.prepare(&format!("SELECT {SELECT} ORDER BY customer, id"))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        writer.row(&(into_record(row)?, row.get::<_, Option<String>>("slug_key")?));
    }
    writer.end_table("manifests");
    Ok(())
}

#[async_trait]
impl Manifests for Query {
    async fn manifest(
        &self,
        _: &Principal,
        id: &ManifestId,
    ) -> Result<Option<ManifestRow>, QueryError> {
        let id = id.clone();
        self.run(move |it| Ok(ManifestRecord::load(it, &id)?.map(|it| it.row))).await
    }

    async fn by_slug(
        &self,
        _: &Principal,
        customer: CustomerId,
        slug: &str,
    ) -> Result<Option<ManifestRow>, QueryError> {
        let key = slug.to_lowercase();
        self.run(move |it| {
            let sql = format!("SELECT {SELECT} WHERE customer = ?1 AND slug_key = ?2");
            let into_row = |row: &Row<'_>| Ok(into_record(row)?.row);
            it.prepare_cached(&sql)?.query_row((customer.0, key), into_row).optional()
        })
        .await
    }

    async fn list(
        &self,
        principal: &Principal,
        customer: CustomerId,
        page: &PageRequest,
    ) -> Result<Page<ManifestRow>, QueryError> {
        scope::management(principal, customer)?;
        let mut listing = Listing::new(SELECT, &["created_position"]);
        listing.and_with("customer = ?", customer.0);
        let whole = listing.clone();
        if let Some(after) = &page.after {
            listing.after([signed(after.key(LIST)?)], page.direction);
        }
        let page = page.clone();
        self.run(move |it| {
            let cursor = |it: &ManifestRecord| Cursor::after(LIST, &it.created_position);
            let total = Some(whole.count(it)?);
            let page = listing.page(it, &page, into_record, cursor)?;
            Ok(Page { total, ..page.map(|it| it.row) })
        })
        .await
    }
}
