//! The texts of assets: rows and queries.

use super::build::{Definition, DumpTable};
use super::errors::SqlError;
use super::fold::Session;
use super::served::Query;
use super::table::{Known, Slots, SqlRow, StoredRow, select, select_one};
use super::values::{Columns, Value, asset_key};
use async_trait::async_trait;
use dlcs_domain::AssetId;
use dlcs_domain::access::Principal;
use dlcs_migrations::read_models::POSTGRES_PAGE_TEXT;
use dlcs_projections::QueryError;
use dlcs_projections::dump::DumpWriter;
use dlcs_projections::page_text::{self, PageTextRecord, PageTextRow, PageTexts};
use dlcs_projections::projection::{DecodedEvent, FoldError};
use tokio_postgres::Row;

pub(super) static DEFINITION: Definition = Definition {
    name: page_text::NAME,
    version: page_text::VERSION,
    lock: 6,
    tables: POSTGRES_PAGE_TEXT,
    begin: || Box::new(Texts(Known::default())),
    dump: &[DumpTable::of::<PageTextRecord>()],
};

/// Rows in the order in which they are asked for.
const BY_ID: &str = "JOIN unnest($1::bigint[], $2::bigint[], $3::text[]) WITH ORDINALITY
    AS k (customer, space, name, place) USING (customer, space, name) ORDER BY k.place";

struct Texts(Known<PageTextRecord>);

impl Session for Texts {
    fn apply(&mut self, event: &DecodedEvent) -> Result<(), FoldError> {
        for change in page_text::project(&event.recorded, event.domain_events()?)? {
            page_text::fold(change, &mut self.0)?;
        }
        Ok(())
    }

    fn tables(&mut self) -> Vec<&mut dyn Slots> {
        vec![&mut self.0]
    }
}

impl SqlRow for PageTextRecord {
    const TABLE: &'static str = "page_texts";
    const COLUMNS: &'static [(&'static str, &'static str)] = &[
        ("customer", "bigint"),
        ("space", "bigint"),
        ("name", "text"),
        ("generation", "bigint"),
        ("deleted", "boolean"),
        ("roles_json", "text"),
        ("ingest_attempt", "bigint"),
        ("image_json", "text"),
        ("state_json", "text"),
        ("modified_at_us", "bigint"),
        ("edit_revision", "bigint"),
        ("position", "bigint"),
    ];
    const KEY: usize = 3;

    fn values(&self) -> Vec<Value> {
        let state = Some(&self.state).filter(|it| !it.is_empty());
        let mut values = asset_key(&self.id);
        values.extend([
            self.generation.into(),
            self.is_deleted.into(),
            Value::json(&self.roles),
            self.ingest_attempt.into(),
            self.image.as_ref().map(Value::json).into(),
            state.map(Value::json).into(),
            self.modified_at_us.into(),
            self.edit_revision.into(),
            self.position.into(),
        ]);
        values
    }

    fn read(columns: &mut Columns<'_>) -> Result<Self, SqlError> {
        Ok(Self {
            id: columns.asset()?,
            generation: columns.small()?,
            is_deleted: columns.take()?,
            roles: columns.json()?,
            ingest_attempt: columns.small()?,
            image: columns.json_or_null()?,
            state: columns.json_or_null()?.unwrap_or_default(),
            modified_at_us: columns.take()?,
            edit_revision: columns.number()?,
            position: columns.number()?,
        })
    }

    fn dump(row: &Row, writer: &mut DumpWriter) -> Result<(), SqlError> {
        writer.row(&Self::read(&mut Columns::new(row))?);
        Ok(())
    }
}

impl StoredRow for PageTextRecord {
    fn key_values(key: &AssetId) -> Vec<Value> {
        asset_key(key)
    }
}

#[async_trait]
impl PageTexts for Query {
    async fn page_text(
        &self,
        principal: &Principal,
        id: &AssetId,
    ) -> Result<Option<PageTextRow>, QueryError> {
        let sql = select_one::<PageTextRecord>();
        let record = self.one(&sql, &asset_key(id), PageTextRecord::read).await?;
        page_text::answered(record, principal)
    }

    async fn of_assets(
        &self,
        principal: &Principal,
        ids: &[AssetId],
    ) -> Result<Vec<PageTextRow>, QueryError> {
        let sql = format!("{} {BY_ID}", select::<PageTextRecord>());
        let keys = Value::columns(PageTextRecord::KEY, ids.iter().map(asset_key));
        let rows = self.looked_up(&sql, &keys).await?;
        let records = rows.iter().map(|row| PageTextRecord::read(&mut Columns::new(row)));
        let records: Vec<_> = records.collect::<Result<_, _>>()?;
        Ok(page_text::visible(records, principal))
    }
}
