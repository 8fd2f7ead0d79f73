//! What delivery knows of images: rows and the one query.

use super::assets::into_id;
use super::file::{Definition, RowsStamp, Session};
use super::served::Served;
use super::table::{SqlRow, SqlTable};
use super::values::{json, json_or_null, to_json, unknown_code};
use async_trait::async_trait;
use dlcs_domain::AssetId;
use dlcs_domain::asset::SizeLimits;
use dlcs_migrations::read_models::SQLITE_TILE_METADATA;
use dlcs_projections::QueryError;
use dlcs_projections::dump::DumpWriter;
use dlcs_projections::projection::{DecodedEvent, FoldError, StoreError};
use dlcs_projections::tile_metadata::{self, TileMetadata, TileMetadataRow, TilePhase, TileRecord};
use lru::LruCache;
use rusqlite::{Connection, OptionalExtension, Row, params};
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

/// Images that are remembered: some hundred bytes each.
const KNOWN_MAX: NonZeroUsize = NonZeroUsize::new(20_000).expect("is not zero");

pub(super) static DEFINITION: Definition = Definition {
    name: tile_metadata::NAME,
    version: tile_metadata::VERSION,
    application_id: 0x444c_5234, // "DLR4".
    migrations: SQLITE_TILE_METADATA,
    begin: |connection| Box::new(Images(SqlTable::new(connection))),
    dump,
};

const LOAD: &str = "
    SELECT customer, space, name, generation, attempt, channels_json, roles_json, limits_json,
           phase, delivered_attempt, delivered_json, modified_at_us
    FROM images WHERE customer = ?1 AND space = ?2 AND name = ?3";

struct Images<'c>(SqlTable<'c, TileRecord>);

impl Session for Images<'_> {
    fn apply(&mut self, event: &DecodedEvent) -> Result<(), FoldError> {
        for change in tile_metadata::project(&event.recorded, event.domain_events()?)? {
            tile_metadata::fold(change, &mut self.0)?;
        }
        Ok(())
    }

    fn flush(self: Box<Self>) -> Result<(), StoreError> {
        self.0.flush()
    }
}

fn into_record(row: &Row<'_>) -> rusqlite::Result<TileRecord> {
    let phase = match row.get("phase")? {
        0 => TilePhase::Pending,
        1 => TilePhase::Delivered,
        2 => TilePhase::Failed,
        3 => TilePhase::Deleted,
        other => return Err(unknown_code(other)),
    };
    let attempt: Option<u32> = row.get("delivered_attempt")?;
    Ok(TileRecord {
        id: into_id(row)?,
        generation: row.get("generation")?,
        attempt: row.get("attempt")?,
        channels: json(row, "channels_json")?,
        roles: json(row, "roles_json")?,
        limits: json_or_null(row, "limits_json")?.unwrap_or_default(),
        phase,
        delivered: attempt.zip(json_or_null(row, "delivered_json")?),
        modified_at_us: row.get("modified_at_us")?,
    })
}

/// Most images have none.
pub(super) fn limits_json(limits: SizeLimits) -> Option<String> {
    (!limits.is_default()).then(|| to_json(&limits))
}

impl SqlRow for TileRecord {
    fn load(connection: &Connection, key: &AssetId) -> rusqlite::Result<Option<Self>> {
        let key = (key.customer().0, key.space().space.0, key.name());
        connection.prepare_cached(LOAD)?.query_row(key, into_record).optional()
    }

    fn store(&self, connection: &Connection, _: Option<&Self>) -> rusqlite::Result<()> {
        let phase = match self.phase {
            TilePhase::Pending => 0,
            TilePhase::Delivered => 1,
            TilePhase::Failed => 2,
            TilePhase::Deleted => 3,
        };
        let mut statement = connection.prepare_cached(
            "REPLACE INTO images
                 (customer, space, name, generation, attempt, channels_json, roles_json, phase,
                  delivered_attempt, delivered_json, modified_at_us, limits_json)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        )?;
        statement.execute(params![
            self.id.customer().0,
            self.id.space().space.0,
            self.id.name(),
            self.generation,
            self.attempt,
            to_json(&self.channels),
            to_json(&self.roles),
            phase,
            self.delivered.as_ref().map(|(attempt, _)| attempt),
            self.delivered.as_ref().map(|(_, delivered)| to_json(delivered)),
            self.modified_at_us,
            limits_json(self.limits),
        ])?;
        Ok(())
    }

    fn delete(&self, connection: &Connection) -> rusqlite::Result<()> {
        let key = (self.id.customer().0, self.id.space().space.0, self.id.name());
        let sql = "DELETE FROM images WHERE customer = ?1 AND space = ?2 AND name = ?3";
        connection.execute(sql, key).map(drop)
    }
}

fn dump(connection: &Connection, writer: &mut DumpWriter) -> rusqlite::Result<()> {
    let sql = "SELECT * FROM images ORDER BY customer, space, name";
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        writer.row(&into_record(row)?);
    }
    writer.end_table("images");
    Ok(())
}

/// Answers the one question, mostly from memory: it is asked for every tile.
pub(super) struct TileQuery {
    served: Arc<Served>,
    known: Mutex<LruCache<AssetId, Known>>,
}

/// A row as it was in one state of the file.
type Known = (RowsStamp, Arc<TileMetadataRow>);

impl TileQuery {
    pub(super) fn new(served: Arc<Served>) -> Self {
        Self { served, known: Mutex::new(LruCache::new(KNOWN_MAX)) }
    }

    /// Returns what was read in this very state of the rows. Whatever has been applied since, of
    /// this image or another, makes it unknown: an image that was closed is never shown from here.
    fn known(&self, id: &AssetId, stamp: RowsStamp) -> Option<Arc<TileMetadataRow>> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let (read_at, row) = known.get(id)?;
        (*read_at == stamp).then(|| Arc::clone(row))
    }

    fn keep(&self, id: &AssetId, stamp: RowsStamp, row: &TileMetadataRow) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.put(id.clone(), (stamp, Arc::new(row.clone())));
    }
}

#[async_trait]
impl TileMetadata for TileQuery {
    async fn tile_metadata(&self, id: &AssetId) -> Result<Option<TileMetadataRow>, QueryError> {
        let file = self.served.current();
        // Asked for before the row is read: what is applied in between makes it unknown at once.
        let stamp = file.stamp();
        if let Some(row) = stamp.and_then(|stamp| self.known(id, stamp)) {
            return Ok(Some((*row).clone()));
        }
        let key = id.clone();
        let record = file.query(move |it| TileRecord::load(it, &key)).await?;
        let row = record.map(TileRecord::into_row);
        if let (Some(stamp), Some(row)) = (stamp, &row) {
            self.keep(id, stamp, row);
        }
        Ok(row)
    }

    async fn tile_metadata_of(
        &self,
        ids: &[AssetId],
    ) -> Result<Vec<Option<TileMetadataRow>>, QueryError> {
        let file = self.served.current();
        // As above: before anything is read.
        let stamp = file.stamp();
        let known = |id| Some((*self.known(id, stamp?)?).clone());
        let mut rows: Vec<Option<TileMetadataRow>> = ids.iter().map(known).collect();
        let missing = rows.iter().zip(ids).filter(|(row, _)| row.is_none());
        let keys: Vec<AssetId> = missing.map(|(_, id)| id.clone()).collect();
        if keys.is_empty() {
            return Ok(rows);
        }
        let load =
            move |it: &Connection| keys.iter().map(|key| TileRecord::load(it, key)).collect();
        let records: Vec<Option<TileRecord>> = file.query(load).await?;
        let gaps = rows.iter_mut().zip(ids).filter(|(row, _)| row.is_none());
        for ((row, id), record) in gaps.zip(records) {
            *row = record.map(TileRecord::into_row);
            if let (Some(stamp), Some(row)) = (stamp, &row) {
                self.keep(id, stamp, row);
            }
        }
        Ok(rows)
    }
}
