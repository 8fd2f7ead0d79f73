//! What delivery knows of images: rows and the one query.

use super::build::{Definition, DumpTable};
use super::errors::SqlError;
use super::fold::Session;
use super::served::Query;
use super::table::{Known, Slots, SqlRow, StoredRow, select, select_one};
use super::values::{Columns, Value, asset_key};
use async_trait::async_trait;
use dlcs_domain::AssetId;
use dlcs_domain::asset::SizeLimits;
use dlcs_migrations::read_models::POSTGRES_TILE_METADATA;
use dlcs_projections::QueryError;
use dlcs_projections::dump::DumpWriter;
use dlcs_projections::projection::{DecodedEvent, FoldError};
use dlcs_projections::tile_metadata::{self, TileMetadata, TileMetadataRow, TilePhase, TileRecord};
use tokio_postgres::Row;

pub(super) static DEFINITION: Definition = Definition {
    name: tile_metadata::NAME,
    version: tile_metadata::VERSION,
    lock: 3,
    tables: POSTGRES_TILE_METADATA,
    begin: || Box::new(Images(Known::default())),
    dump: &[DumpTable::of::<TileRecord>()],
};

/// Rows in the order in which they are asked for.
const BY_ID: &str = "JOIN unnest($1::bigint[], $2::bigint[], $3::text[]) WITH ORDINALITY
    AS k (customer, space, name, place) USING (customer, space, name) ORDER BY k.place";

struct Images(Known<TileRecord>);

impl Session for Images {
    fn apply(&mut self, event: &DecodedEvent) -> Result<(), FoldError> {
        for change in tile_metadata::project(&event.recorded, event.domain_events()?)? {
            tile_metadata::fold(change, &mut self.0)?;
        }
        Ok(())
    }

    fn tables(&mut self) -> Vec<&mut dyn Slots> {
        vec![&mut self.0]
    }
}

/// Most images have none.
pub(super) fn limits_json(limits: &SizeLimits) -> Value {
    Some(limits).filter(|it| !it.is_default()).map(Value::json).into()
}

impl SqlRow for TileRecord {
    const TABLE: &'static str = "images";
    const COLUMNS: &'static [(&'static str, &'static str)] = &[
        ("customer", "bigint"),
        ("space", "bigint"),
        ("name", "text"),
        ("generation", "bigint"),
        ("attempt", "bigint"),
        ("channels_json", "text"),
        ("roles_json", "text"),
        ("phase", "smallint"),
        ("delivered_attempt", "bigint"),
        ("delivered_json", "text"),
        ("modified_at_us", "bigint"),
        ("limits_json", "text"),
    ];
    const KEY: usize = 3;

    fn values(&self) -> Vec<Value> {
        let phase = match self.phase {
            TilePhase::Pending => 0_i16,
            TilePhase::Delivered => 1,
            TilePhase::Failed => 2,
            TilePhase::Deleted => 3,
        };
        let mut values = asset_key(&self.id);
        values.extend([
            self.generation.into(),
            self.attempt.into(),
            Value::json(&self.channels),
            Value::json(&self.roles),
            phase.into(),
            self.delivered.as_ref().map(|(attempt, _)| *attempt).into(),
            self.delivered.as_ref().map(|(_, delivered)| Value::json(delivered)).into(),
            self.modified_at_us.into(),
            limits_json(&self.limits),
        ]);
        values
    }

    fn read(columns: &mut Columns<'_>) -> Result<Self, SqlError> {
        let mut record = Self {
            id: columns.asset()?,
            generation: columns.small()?,
            attempt: columns.small()?,
            channels: columns.json()?,
            roles: columns.json()?,
            phase: match columns.take::<i16>()? {
                0 => TilePhase::Pending,
                1 => TilePhase::Delivered,
                2 => TilePhase::Failed,
                3 => TilePhase::Deleted,
                other => return Err(SqlError::unknown_code(other)),
            },
            delivered: Option::zip(columns.small_or_null()?, columns.json_or_null()?),
            modified_at_us: columns.take()?,
            limits: SizeLimits::default(),
        };
        record.limits = columns.json_or_null()?.unwrap_or_default();
        Ok(record)
    }

    fn dump(row: &Row, writer: &mut DumpWriter) -> Result<(), SqlError> {
        writer.row(&Self::read(&mut Columns::new(row))?);
        Ok(())
    }
}

impl StoredRow for TileRecord {
    fn key_values(key: &AssetId) -> Vec<Value> {
        asset_key(key)
    }
}

#[async_trait]
impl TileMetadata for Query {
    async fn tile_metadata(&self, id: &AssetId) -> Result<Option<TileMetadataRow>, QueryError> {
        let record =
            self.one(&select_one::<TileRecord>(), &asset_key(id), TileRecord::read).await?;
        Ok(record.map(TileRecord::into_row))
    }

    async fn tile_metadata_of(
        &self,
        ids: &[AssetId],
    ) -> Result<Vec<Option<TileMetadataRow>>, QueryError> {
        let sql = format!("{} {BY_ID}", select::<TileRecord>());
        let keys = Value::columns(TileRecord::KEY, ids.iter().map(asset_key));
        let rows = self.looked_up(&sql, &keys).await?;
        let records = rows.iter().map(|row| TileRecord::read(&mut Columns::new(row)));
        let records: Vec<_> = records.collect::<Result<_, _>>()?;
        let mut records = records.into_iter().peekable();
        let next = |id: &AssetId| records.next_if(|it| it.id == *id).map(TileRecord::into_row);
        Ok(ids.iter().map(next).collect())
    }
}
