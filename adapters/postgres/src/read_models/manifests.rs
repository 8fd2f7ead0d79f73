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
use dlcs_projections::manifests::{self, ManifestRecord, ManifestRow, Manifests};
use dlcs_projections::projection::{DecodedEvent, FoldError};
use dlcs_projections::scope;
use dlcs_projections::{Cursor, Page, PageRequest, QueryError};
use tokio_postgres::Row;

pub(super) static DEFINITION: Definition = Definition {
    name: manifests::NAME,
    version: manifests::VERSION,
    lock: 4,
    tables: POSTGRES_MANIFESTS,
    begin: || Box::new(Manifest(Known::default())),
    dump: &[DumpTable::of::<ManifestRecord>()],
};

const LIST: &str = "manifests";

struct Manifest(Known<ManifestRecord>);

impl Session for Manifest {
    fn apply(&mut self, event: &DecodedEvent) -> Result<(), FoldError> {
        for change in manifests::project(&event.recorded, event.domain_events()?)? {
            manifests::fold(change, &mut self.0)?;
        }
        Ok(())
    }

    fn tables(&mut self) -> Vec<&mut dyn Slots> {
        vec![&mut self.0]
    }
}

impl SqlRow for ManifestRecord {
    const TABLE: &'static str = "manifests";
    const COLUMNS: &'static [(&'static str, &'static str)] = &[
        ("customer", "bigint"),
        ("id", "text"),
        ("slug", "text"),
        ("document_sha256", "text"),
        ("document_bytes", "bigint"),
        ("created_at_us", "bigint"),
        ("modified_at_us", "bigint"),
        ("edit_revision", "bigint"),
        ("position", "bigint"),
        ("created_position", "bigint"),
        ("slug_key", "text"),
    ];
    const KEY: usize = 2;

    fn values(&self) -> Vec<Value> {
        let ManifestRow { id, slug, document, .. } = &self.row;
        vec![
            id.customer.into(),
            (&id.id).into(),
            slug.as_ref().into(),
            (&document.sha256).into(),
            document.length_bytes.into(),
            self.row.created_at_us.into(),
            self.row.modified_at_us.into(),
            self.row.edit_revision.into(),
            self.row.position.into(),
            self.created_position.into(),
            slug.as_ref().map(|it| Value::from(&it.to_lowercase())).into(),
        ]
    }

    fn read(columns: &mut Columns<'_>) -> Result<Self, SqlError> {
        let row = ManifestRow {
            id: ManifestId { customer: columns.customer()?, id: columns.text()? },
            slug: columns.text_or_null()?,
            document: BlobRef { sha256: columns.text()?, length_bytes: columns.number()? },
            created_at_us: columns.take()?,
            modified_at_us: columns.take()?,
            edit_revision: columns.number()?,
            position: columns.number()?,
        };
        Ok(Self { row, created_position: columns.number()? })
    }

    fn dump(row: &Row, writer: &mut DumpWriter) -> Result<(), SqlError> {
        let mut columns = Columns::new(row);
        writer.row(&(Self::read(&mut columns)?, columns.text_or_null()?));
        Ok(())
    }
}

impl StoredRow for ManifestRecord {
    fn key_values(key: &ManifestId) -> Vec<Value> {
        vec![key.customer.into(), (&key.id).into()]
    }
}

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
        let sql =
            format!("{} WHERE t.customer = $1 AND t.slug_key = $2", select::<ManifestRecord>());
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
