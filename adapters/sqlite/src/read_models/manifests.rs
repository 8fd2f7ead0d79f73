//! Stored manifests and collections: rows and queries.

use super::file::{Definition, Session};
use super::keyset::{Listing, signed};
use super::served::Query;
use super::table::{SqlRow, SqlTable};
use super::values::{json, to_json};
use async_trait::async_trait;
use dlcs_domain::access::Principal;
use dlcs_domain::{BlobRef, CollectionId, CustomerId, ManifestId, Place};
use dlcs_migrations::read_models::SQLITE_MANIFESTS;
use dlcs_projections::dump::DumpWriter;
use dlcs_projections::manifests::{
    self, CollectionRow, ManifestRow, Manifests, SlugRecord, Stored, StoredKey, StoredRecord,
    StoredRow, StoredTables, slug_key,
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
        Box::new(Tables { stored: SqlTable::new(connection), slugs: SqlTable::new(connection) })
    },
    dump,
};

const SELECT: &str = "created_position, customer, is_collection, id, kind_json, parent, slug,
    label_json, deleted, document_sha256, document_bytes, pending_json, created_at_us,
    modified_at_us, edit_revision, position FROM stored";
const LIST: &str = "manifests";

struct Tables<'c> {
    stored: SqlTable<'c, StoredRecord>,
    slugs: SqlTable<'c, SlugRecord>,
}

impl StoredTables for Tables<'_> {
    fn stored(&mut self) -> &mut impl Table<StoredRecord> {
        &mut self.stored
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
        self.stored.flush()?;
        self.slugs.flush()
    }
}

fn into_record(row: &Row<'_>) -> rusqlite::Result<StoredRecord> {
    let key = StoredKey {
        customer: CustomerId(row.get("customer")?),
        is_collection: row.get("is_collection")?,
        id: row.get("id")?,
    };
    let parent = Some(row.get("parent")?).filter(|it: &String| !it.is_empty());
    let document =
        BlobRef { sha256: row.get("document_sha256")?, length_bytes: row.get("document_bytes")? };
    let stored = Stored {
        place: Place { parent, slug: row.get("slug")? },
        label: json(row, "label_json")?,
        deleted: row.get("deleted")?,
        document,
        pending: json(row, "pending_json")?,
        created_at_us: row.get("created_at_us")?,
        modified_at_us: row.get("modified_at_us")?,
        edit_revision: row.get("edit_revision")?,
        position: row.get("position")?,
    };
    let (kind, created_position) = (json(row, "kind_json")?, row.get("created_position")?);
    Ok(StoredRecord { key, kind, stored, created_position })
}

impl SqlRow for StoredRecord {
    fn load(connection: &Connection, key: &StoredKey) -> rusqlite::Result<Option<Self>> {
        let sql = format!("SELECT {SELECT} WHERE customer = ?1 AND is_collection = ?2 AND id = ?3");
        let key = (key.customer.0, key.is_collection, &key.id);
        connection.prepare_cached(&sql)?.query_row(key, into_record).optional()
    }

    fn store(&self, connection: &Connection, _: Option<&Self>) -> rusqlite::Result<()> {
        // The first row keeps its place in the order of creation.
        let mut statement = connection.prepare_cached(
            "INSERT INTO stored
                 (created_position, customer, is_collection, id, kind_json, is_public, parent,
                  slug, label_json, deleted, document_sha256, document_bytes, pending_json,
                  created_at_us, modified_at_us, edit_revision, position)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)
             ON CONFLICT (customer, is_collection, id) DO UPDATE SET
                 kind_json = excluded.kind_json,
                 is_public = excluded.is_public,
                 parent = excluded.parent,
                 slug = excluded.slug,
                 label_json = excluded.label_json,
                 deleted = excluded.deleted,
                 document_sha256 = excluded.document_sha256,
                 document_bytes = excluded.document_bytes,
                 pending_json = excluded.pending_json,
                 modified_at_us = excluded.modified_at_us,
                 edit_revision = excluded.edit_revision,
                 position = excluded.position",
        )?;
        let (key, stored) = (&self.key, &self.stored);
        statement.execute(params![
            self.created_position,
            key.customer.0,
            key.is_collection,
            key.id,
            to_json(&self.kind),
            self.is_public(),
            stored.place.parent.as_deref().unwrap_or_default(),
            stored.place.slug,
            to_json(&stored.label),
            stored.deleted,
            stored.document.sha256,
            stored.document.length_bytes,
            to_json(&stored.pending),
            stored.created_at_us,
            stored.modified_at_us,
            stored.edit_revision,
            stored.position,
        ])?;
        Ok(())
    }

    fn delete(&self, connection: &Connection) -> rusqlite::Result<()> {
        let key = (self.key.customer.0, self.key.is_collection, &self.key.id);
        let sql = "DELETE FROM stored WHERE customer = ?1 AND is_collection = ?2 AND id = ?3";
        connection.execute(sql, key).map(drop)
    }
}

const SELECT_SLUG: &str = "SELECT customer, slug_key, holder_is_collection, holder FROM slugs";

fn into_slug(row: &Row<'_>) -> rusqlite::Result<SlugRecord> {
    Ok(SlugRecord {
        customer: CustomerId(row.get("customer")?),
        slug_key: row.get("slug_key")?,
        holder_is_collection: row.get("holder_is_collection")?,
        holder: row.get("holder")?,
    })
}

impl SqlRow for SlugRecord {
    fn load(
        connection: &Connection,
        (customer, slug_key): &(CustomerId, String),
    ) -> rusqlite::Result<Option<Self>> {
        let sql = format!("{SELECT_SLUG} WHERE customer = ?1 AND slug_key = ?2");
        let key = (customer.0, slug_key);
        connection.prepare_cached(&sql)?.query_row(key, into_slug).optional()
    }

    fn store(&self, connection: &Connection, _: Option<&Self>) -> rusqlite::Result<()> {
        let sql = "REPLACE INTO slugs (customer, slug_key, holder_is_collection, holder)
                   VALUES (?1, ?2, ?3, ?4)";
        let row = (self.customer.0, &self.slug_key, self.holder_is_collection, &self.holder);
        connection.prepare_cached(sql)?.execute(row).map(drop)
    }

    fn delete(&self, connection: &Connection) -> rusqlite::Result<()> {
        let sql = "DELETE FROM slugs WHERE customer = ?1 AND slug_key = ?2";
        connection.execute(sql, (self.customer.0, &self.slug_key)).map(drop)
    }
}

fn dump(connection: &Connection, writer: &mut DumpWriter) -> rusqlite::Result<()> {
    let order = "ORDER BY customer, is_collection, id";
    let mut statement = connection.prepare(&format!("SELECT {SELECT} {order}"))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        writer.row(&into_record(row)?);
    }
    writer.end_table("stored");
    let mut statement =
        connection.prepare(&format!("{SELECT_SLUG} ORDER BY customer, slug_key"))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        writer.row(&into_slug(row)?);
    }
    writer.end_table("slugs");
    Ok(())
}

/// Begins a list of what is there, in the order of creation.
fn living(customer: CustomerId) -> Listing {
    let mut listing = Listing::new(SELECT, &["created_position"]);
    listing.and_with("customer = ?", customer.0);
    listing.and("deleted = 0");
    listing
}

impl Query {
    async fn stored(&self, key: StoredKey) -> Result<Option<StoredRecord>, QueryError> {
        self.run(move |it| StoredRecord::load(it, &key)).await
    }

    async fn stored_page(
        &self,
        mut listing: Listing,
        page: &PageRequest,
    ) -> Result<Page<StoredRecord>, QueryError> {
        let whole = listing.clone();
        if let Some(after) = &page.after {
            listing.after([signed(after.key(LIST)?)], page.direction);
        }
        let page = page.clone();
        self.run(move |it| {
            let cursor = |it: &StoredRecord| Cursor::after(LIST, &it.created_position);
            let total = Some(whole.count(it)?);
            Ok(Page { total, ..listing.page(it, &page, into_record, cursor)? })
        })
        .await
    }
}

#[async_trait]
impl Manifests for Query {
    async fn manifest(
        &self,
        _: &Principal,
        id: &ManifestId,
    ) -> Result<Option<ManifestRow>, QueryError> {
        Ok(self.stored(id.into()).await?.and_then(StoredRecord::into_manifest))
    }

    async fn collection(
        &self,
        _: &Principal,
        id: &CollectionId,
    ) -> Result<Option<CollectionRow>, QueryError> {
        Ok(self.stored(id.into()).await?.and_then(StoredRecord::into_collection))
    }

    async fn by_slug(
        &self,
        _: &Principal,
        customer: CustomerId,
        parent: Option<&str>,
        slug: &str,
    ) -> Result<Option<StoredRow>, QueryError> {
        let key = slug_key(parent, slug);
        let found = self.run(move |it| {
            let Some(slug) = SlugRecord::load(it, &(customer, key))? else { return Ok(None) };
            StoredRecord::load(it, &slug.holder_key())
        });
        Ok(found.await?.map(StoredRecord::into_row))
    }

    async fn list(
        &self,
        principal: &Principal,
        customer: CustomerId,
        page: &PageRequest,
    ) -> Result<Page<ManifestRow>, QueryError> {
        scope::management(principal, customer)?;
        let mut listing = living(customer);
        listing.and("is_collection = 0");
        let page = self.stored_page(listing, page).await?;
        Ok(page.filter_map(StoredRecord::into_manifest))
    }

    async fn collections(
        &self,
        principal: &Principal,
        customer: CustomerId,
        page: &PageRequest,
    ) -> Result<Page<CollectionRow>, QueryError> {
        scope::management(principal, customer)?;
        let mut listing = living(customer);
        listing.and("is_collection = 1");
        let page = self.stored_page(listing, page).await?;
        Ok(page.filter_map(StoredRecord::into_collection))
    }

    async fn members(
        &self,
        principal: &Principal,
        customer: CustomerId,
        parent: Option<&str>,
        page: &PageRequest,
    ) -> Result<Page<StoredRow>, QueryError> {
        let mut listing = living(customer);
        listing.and_with("parent = ?", parent.unwrap_or_default().to_owned());
        if scope::management(principal, customer).is_err() {
            listing.and("is_public = 1");
        }
        Ok(self.stored_page(listing, page).await?.map(StoredRecord::into_row))
    }
}
