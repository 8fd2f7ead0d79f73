//! Stored manifests and collections: rows and queries.

use super::build::{Definition, DumpTable};
use super::errors::SqlError;
use super::fold::Session;
use super::keyset::Listing;
use super::served::Query;
use super::table::{Known, Slots, SqlRow, StoredRow as TableRow, select, select_one};
use super::values::{Columns, Value};
use async_trait::async_trait;
use dlcs_domain::access::Principal;
use dlcs_domain::{BlobRef, CollectionId, CustomerId, ManifestId, Place};
use dlcs_migrations::read_models::POSTGRES_MANIFESTS;
use dlcs_projections::dump::DumpWriter;
use dlcs_projections::manifests::{
    self, CollectionRow, ManifestRow, Manifests, SlugRecord, Stored, StoredKey, StoredRecord,
    StoredRow, StoredTables, slug_key,
};
use dlcs_projections::projection::{DecodedEvent, FoldError, Table};
use dlcs_projections::scope;
use dlcs_projections::{Cursor, Page, PageRequest, QueryError};
use tokio_postgres::Row;

pub(super) static DEFINITION: Definition = Definition {
    name: manifests::NAME,
    version: manifests::VERSION,
    lock: 4,
    tables: POSTGRES_MANIFESTS,
    begin: || Box::new(Tables::default()),
    dump: &[DumpTable::of::<StoredRecord>(), DumpTable::of::<SlugRecord>()],
};

const LIST: &str = "manifests";

#[derive(Default)]
struct Tables {
    stored: Known<StoredRecord>,
    slugs: Known<SlugRecord>,
}

impl StoredTables for Tables {
    fn stored(&mut self) -> &mut impl Table<StoredRecord> {
        &mut self.stored
    }

    fn slugs(&mut self) -> &mut impl Table<SlugRecord> {
        &mut self.slugs
    }
}

impl Session for Tables {
    fn apply(&mut self, event: &DecodedEvent) -> Result<(), FoldError> {
        for change in manifests::project(&event.recorded, event.domain_events()?)? {
            manifests::fold(change, self)?;
        }
        Ok(())
    }

    fn tables(&mut self) -> Vec<&mut dyn Slots> {
        vec![&mut self.stored, &mut self.slugs]
    }
}

impl SqlRow for StoredRecord {
    const TABLE: &'static str = "stored";
    const COLUMNS: &'static [(&'static str, &'static str)] = &[
        ("customer", "bigint"),
        ("is_collection", "boolean"),
        ("id", "text"),
        ("kind_json", "text"),
        ("is_public", "boolean"),
        ("parent", "text"),
        ("slug", "text"),
        ("label_json", "text"),
        ("deleted", "boolean"),
        ("document_sha256", "text"),
        ("document_bytes", "bigint"),
        ("pending_json", "text"),
        ("created_at_us", "bigint"),
        ("modified_at_us", "bigint"),
        ("edit_revision", "bigint"),
        ("position", "bigint"),
        ("created_position", "bigint"),
    ];
    const KEY: usize = 3;

    fn values(&self) -> Vec<Value> {
        let Stored { place, label, document, pending, .. } = &self.stored;
        let mut values = Self::key_values(&self.key);
        values.extend([
            Value::json(&self.kind),
            self.is_public().into(),
            place.parent.as_deref().unwrap_or_default().into(),
            place.slug.as_ref().into(),
            Value::json(label),
            self.stored.deleted.into(),
            (&document.sha256).into(),
            document.length_bytes.into(),
            Value::json(pending),
            self.stored.created_at_us.into(),
            self.stored.modified_at_us.into(),
            self.stored.edit_revision.into(),
            self.stored.position.into(),
            self.created_position.into(),
        ]);
        values
    }

    fn read(columns: &mut Columns<'_>) -> Result<Self, SqlError> {
        let key = StoredKey {
            customer: columns.customer()?,
            is_collection: columns.take()?,
            id: columns.text()?,
        };
        let kind = columns.json()?;
        columns.skip(); // `is_public` follows from the kind.
        let parent = Some(columns.text()?).filter(|it| !it.is_empty());
        let stored = Stored {
            place: Place { parent, slug: columns.text_or_null()? },
            label: columns.json()?,
            deleted: columns.take()?,
            document: BlobRef { sha256: columns.text()?, length_bytes: columns.number()? },
            pending: columns.json()?,
            created_at_us: columns.take()?,
            modified_at_us: columns.take()?,
            edit_revision: columns.number()?,
            position: columns.number()?,
        };
        Ok(Self { key, kind, stored, created_position: columns.number()? })
    }

    fn dump(row: &Row, writer: &mut DumpWriter) -> Result<(), SqlError> {
        writer.row(&Self::read(&mut Columns::new(row))?);
        Ok(())
    }
}

impl TableRow for StoredRecord {
    fn key_values(key: &StoredKey) -> Vec<Value> {
        vec![key.customer.into(), key.is_collection.into(), (&key.id).into()]
    }
}

impl SqlRow for SlugRecord {
    const TABLE: &'static str = "slugs";
    const COLUMNS: &'static [(&'static str, &'static str)] = &[
        ("customer", "bigint"),
        ("slug_key", "text"),
        ("holder_is_collection", "boolean"),
        ("holder", "text"),
    ];
    const KEY: usize = 2;

    fn values(&self) -> Vec<Value> {
        let holder: Value = (&self.holder).into();
        vec![
            self.customer.into(),
            (&self.slug_key).into(),
            self.holder_is_collection.into(),
            holder,
        ]
    }

    fn read(columns: &mut Columns<'_>) -> Result<Self, SqlError> {
        Ok(Self {
            customer: columns.customer()?,
            slug_key: columns.text()?,
            holder_is_collection: columns.take()?,
            holder: columns.text()?,
        })
    }

    fn dump(row: &Row, writer: &mut DumpWriter) -> Result<(), SqlError> {
        writer.row(&Self::read(&mut Columns::new(row))?);
        Ok(())
    }
}

impl TableRow for SlugRecord {
    fn key_values((customer, slug_key): &(CustomerId, String)) -> Vec<Value> {
        vec![(*customer).into(), slug_key.into()]
    }
}

/// What had a slug last.
const BY_SLUG: &str = "JOIN {schema}.slugs AS s
    ON s.customer = t.customer AND s.holder_is_collection = t.is_collection AND s.holder = t.id
    WHERE s.customer = $1 AND s.slug_key = $2";

/// Begins a list of what is there, in the order of creation.
fn living(customer: CustomerId) -> Listing {
    let mut listing = Listing::of::<StoredRecord>(&["t.created_position"]);
    listing.and_with("t.customer = ?", customer);
    listing.and("NOT t.deleted");
    listing
}

impl Query {
    async fn stored(&self, key: StoredKey) -> Result<Option<StoredRecord>, QueryError> {
        let key = StoredRecord::key_values(&key);
        self.one(&select_one::<StoredRecord>(), &key, StoredRecord::read).await
    }

    async fn stored_page(
        &self,
        mut listing: Listing,
        page: &PageRequest,
    ) -> Result<Page<StoredRecord>, QueryError> {
        let total = Some(listing.count(self).await?);
        if let Some(after) = &page.after {
            let position: u64 = after.key(LIST)?;
            listing.after([position.into()], page.direction);
        }
        let cursor = |it: &StoredRecord| Cursor::after(LIST, &it.created_position);
        let page = listing.page(self, page, StoredRecord::read, cursor).await?;
        Ok(Page { total, ..page })
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
        let sql = format!("{} {BY_SLUG}", select::<StoredRecord>());
        let key = [customer.into(), (&slug_key(parent, slug)).into()];
        let record = self.one(&sql, &key, StoredRecord::read).await?;
        Ok(record.map(StoredRecord::into_row))
    }

    async fn list(
        &self,
        principal: &Principal,
        customer: CustomerId,
        page: &PageRequest,
    ) -> Result<Page<ManifestRow>, QueryError> {
        scope::management(principal, customer)?;
        let mut listing = living(customer);
        listing.and("NOT is_collection");
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
        listing.and("is_collection");
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
        listing.and_with("parent = ?", parent.unwrap_or_default());
        if scope::management(principal, customer).is_err() {
            listing.and("is_public");
        }
        Ok(self.stored_page(listing, page).await?.map(StoredRecord::into_row))
    }
}
