//! Stored manifests: rows and queries.

use super::build::{Definition, DumpTable};
use super::errors::SqlError;
use super::fold::Session;
use super::keyset::Listing;
use super::served::Query;
use super::table::{Known, Slots, SqlRow, StoredRow, select, select_one};
use super::values::{Columns, Value};
use async_trait::async_trait;
use dlcs_domain::access::Principal;
use dlcs_domain::{BlobRef, CustomerId, ManifestId};
use dlcs_migrations::read_models::POSTGRES_MANIFESTS;
use dlcs_projections::dump::DumpWriter;
use dlcs_projections::manifests::{
    self, ManifestRecord, ManifestRow, Manifests, ManifestsTables, SlugRecord,
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
    dump: &[DumpTable::of::<ManifestRecord>(), DumpTable::of::<SlugRecord>()],
};

const LIST: &str = "manifests";

#[derive(Default)]
struct Tables {
    manifests: Known<ManifestRecord>,
    slugs: Known<SlugRecord>,
}

impl ManifestsTables for Tables {
    fn manifests(&mut self) -> &mut impl Table<ManifestRecord> {
        &mut self.manifests
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
        vec![&mut self.manifests, &mut self.slugs]
    }
}

impl SqlRow for ManifestRecord {
    const TABLE: &'static str = "manifests";
    const COLUMNS: &'static [(&'static str, &'static str)] = &[
        ("customer", "bigint"),
        ("id", "text"),
        ("slug", "text"),
        ("deleted", "boolean"),
        ("document_sha256", "text"),
        ("document_bytes", "bigint"),
        ("created_at_us", "bigint"),
        ("modified_at_us", "bigint"),
        ("edit_revision", "bigint"),
        ("position", "bigint"),
        ("created_position", "bigint"),
    ];
    const KEY: usize = 2;

    fn values(&self) -> Vec<Value> {
        let ManifestRow { id, slug, document, .. } = &self.row;
        vec![
            id.customer.into(),
            (&id.id).into(),
            slug.as_ref().into(),
            self.row.deleted.into(),
            (&document.sha256).into(),
            document.length_bytes.into(),
            self.row.created_at_us.into(),
            self.row.modified_at_us.into(),
            self.row.edit_revision.into(),
            self.row.position.into(),
            self.created_position.into(),
        ]
    }

    fn read(columns: &mut Columns<'_>) -> Result<Self, SqlError> {
        let row = ManifestRow {
            id: ManifestId { customer: columns.customer()?, id: columns.text()? },
            slug: columns.text_or_null()?,
            deleted: columns.take()?,
            document: BlobRef { sha256: columns.text()?, length_bytes: columns.number()? },
            created_at_us: columns.take()?,
            modified_at_us: columns.take()?,
            edit_revision: columns.number()?,
            position: columns.number()?,
        };
        Ok(Self { row, created_position: columns.number()? })
    }

    fn dump(row: &Row, writer: &mut DumpWriter) -> Result<(), SqlError> {
        writer.row(&Self::read(&mut Columns::new(row))?);
        Ok(())
    }
}

impl StoredRow for ManifestRecord {
    fn key_values(key: &ManifestId) -> Vec<Value> {
        vec![key.customer.into(), (&key.id).into()]
    }
}

impl SqlRow for SlugRecord {
    const TABLE: &'static str = "manifest_slugs";
    const COLUMNS: &'static [(&'static str, &'static str)] =
        &[("customer", "bigint"), ("slug_key", "text"), ("manifest", "text")];
    const KEY: usize = 2;

    fn values(&self) -> Vec<Value> {
        vec![self.customer.into(), (&self.slug_key).into(), (&self.manifest).into()]
    }

    fn read(columns: &mut Columns<'_>) -> Result<Self, SqlError> {
        let customer = columns.customer()?;
        Ok(Self { customer, slug_key: columns.text()?, manifest: columns.text()? })
    }

    fn dump(row: &Row, writer: &mut DumpWriter) -> Result<(), SqlError> {
        writer.row(&Self::read(&mut Columns::new(row))?);
        Ok(())
    }
}

impl StoredRow for SlugRecord {
    fn key_values((customer, slug_key): &(CustomerId, String)) -> Vec<Value> {
        vec![(*customer).into(), slug_key.into()]
    }
}

/// The manifest that had a slug last.
const BY_SLUG: &str = "JOIN {schema}.manifest_slugs AS s
    ON s.customer = t.customer AND s.manifest = t.id
    WHERE s.customer = $1 AND s.slug_key = $2";

#[async_trait]
impl Manifests for Query {
    async fn manifest(
        &self,
        _: &Principal,
        id: &ManifestId,
    ) -> Result<Option<ManifestRow>, QueryError> {
        let key = ManifestRecord::key_values(id);
        let record = self.one(&select_one::<ManifestRecord>(), &key, ManifestRecord::read).await?;
        Ok(record.map(|it| it.row))
    }

    async fn by_slug(
        &self,
        _: &Principal,
        customer: CustomerId,
        slug: &str,
    ) -> Result<Option<ManifestRow>, QueryError> {
        let sql = format!("{} {BY_SLUG}", select::<ManifestRecord>());
        let key = [customer.into(), (&slug.to_lowercase()).into()];
        let record = self.one(&sql, &key, ManifestRecord::read).await?;
        Ok(record.map(|it| it.row))
    }

    async fn list(
        &self,
        principal: &Principal,
        customer: CustomerId,
        page: &PageRequest,
    ) -> Result<Page<ManifestRow>, QueryError> {
        scope::management(principal, customer)?;
        let mut listing = Listing::of::<ManifestRecord>(&["t.created_position"]);
        listing.and_with("t.customer = ?", customer);
        listing.and("NOT t.deleted");
        let total = Some(listing.count(self).await?);
        if let Some(after) = &page.after {
            let position: u64 = after.key(LIST)?;
            listing.after([position.into()], page.direction);
        }
        let cursor = |it: &ManifestRecord| Cursor::after(LIST, &it.created_position);
        let page = listing.page(self, page, ManifestRecord::read, cursor).await?;
        Ok(Page { total, ..page.map(|it| it.row) })
    }
}
