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
use dlcs_projections::manifests::{
    self, ManifestRecord, ManifestRow, Manifests, ManifestsTables, SlugRecord,
};
use dlcs_projections::projection::{DecodedEvent, FoldError, StoreError, Table};
use dlcs_projections::scope;
use dlcs_projections::{Cursor, Page, PageRequest, QueryError};
use rusqlite::{Connection, OptionalExtension, Row, params};

pub(super) static DEFINITION: Definition = Definition {
    name: manifests::NAME,
    version: manifests::VERSION,
    application_id: 0x444c_5233, // "DLR3".
    migrations: SQLITE_MANIFESTS,
    begin: |connection| {
        Box::new(Tables { manifests: SqlTable::new(connection), slugs: SqlTable::new(connection) })
    },
    dump,
};

const SELECT: &str = "created_position, customer, id, slug, deleted, document_sha256,
    document_bytes, created_at_us, modified_at_us, edit_revision, position FROM manifests";
const LIST: &str = "manifests";

struct Tables<'c> {
    manifests: SqlTable<'c, ManifestRecord>,
    slugs: SqlTable<'c, SlugRecord>,
}

impl ManifestsTables for Tables<'_> {
    fn manifests(&mut self) -> &mut impl Table<ManifestRecord> {
        &mut self.manifests
    }

    fn slugs(&mut self) -> &mut impl Table<SlugRecord> {
        &mut self.slugs
    }
}

impl Session for Tables<'_> {
    fn apply(&mut self, event: &DecodedEvent) -> Result<(), FoldError> {
        for change in manifests::project(&event.recorded, event.domain_events()?)? {
            manifests::fold(change, self)?;
        }
        Ok(())
    }

    fn flush(self: Box<Self>) -> Result<(), StoreError> {
        self.manifests.flush()?;
        self.slugs.flush()
    }
}

fn into_record(row: &Row<'_>) -> rusqlite::Result<ManifestRecord> {
    let document =
        BlobRef { sha256: row.get("document_sha256")?, length_bytes: row.get("document_bytes")? };
    let manifest = ManifestRow {
        id: ManifestId { customer: CustomerId(row.get("customer")?), id: row.get("id")? },
        slug: row.get("slug")?,
        deleted: row.get("deleted")?,
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
        // The first row keeps its place in the order of creation.
        let mut statement = connection.prepare_cached(
            "INSERT INTO manifests
                 (created_position, customer, id, slug, deleted, document_sha256, document_bytes,
                  created_at_us, modified_at_us, edit_revision, position)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
             ON CONFLICT (customer, id) DO UPDATE SET
                 slug = excluded.slug,
                 deleted = excluded.deleted,
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
            row.deleted,
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

impl SqlRow for SlugRecord {
    fn load(
        connection: &Connection,
        (customer, slug_key): &(CustomerId, String),
    ) -> rusqlite::Result<Option<Self>> {
        let sql = "SELECT manifest FROM manifest_slugs WHERE customer = ?1 AND slug_key = ?2";
        let into_row = |row: &Row<'_>| {
            let (customer, slug_key) = (*customer, slug_key.clone());
            Ok(Self { customer, slug_key, manifest: row.get(0)? })
        };
        let key = (customer.0, slug_key);
        connection.prepare_cached(sql)?.query_row(key, into_row).optional()
    }

    fn store(&self, connection: &Connection, _: Option<&Self>) -> rusqlite::Result<()> {
        let sql = "REPLACE INTO manifest_slugs (customer, slug_key, manifest) VALUES (?1, ?2, ?3)";
        let row = (self.customer.0, &self.slug_key, &self.manifest);
        connection.prepare_cached(sql)?.execute(row).map(drop)
    }

    fn delete(&self, connection: &Connection) -> rusqlite::Result<()> {
        let sql = "DELETE FROM manifest_slugs WHERE customer = ?1 AND slug_key = ?2";
        connection.execute(sql, (self.customer.0, &self.slug_key)).map(drop)
    }
}

fn dump(connection: &Connection, writer: &mut DumpWriter) -> rusqlite::Result<()> {
    let mut statement = connection.prepare(&format!("SELECT {SELECT} ORDER BY customer, id"))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        writer.row(&into_record(row)?);
    }
    writer.end_table("manifests");
    let sql = "SELECT customer, slug_key, manifest FROM manifest_slugs ORDER BY customer, slug_key";
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let customer = CustomerId(row.get(0)?);
        writer.row(&SlugRecord { customer, slug_key: row.get(1)?, manifest: row.get(2)? });
    }
    writer.end_table("manifest_slugs");
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
            let Some(slug) = SlugRecord::load(it, &(customer, key))? else { return Ok(None) };
            let id = ManifestId { customer, id: slug.manifest };
            Ok(ManifestRecord::load(it, &id)?.map(|it| it.row))
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
        listing.and("deleted = 0");
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
