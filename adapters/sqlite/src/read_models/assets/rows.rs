//! The row of an asset, and its tags and roles beside it.

use super::super::table::SqlRow;
use super::super::tile_metadata::limits_json;
use super::super::values::{json, json_or_null, to_json, unknown_code, unreadable, uuid};
use dlcs_domain::asset::AssetMetadata;
use dlcs_domain::{AssetId, BatchId, CustomerId, SpaceId, SpaceNumber};
use dlcs_projections::assets::{AssetRecord, AssetRow, AssetState, TextSummary};
use dlcs_projections::dump::DumpWriter;
use rusqlite::{Connection, OptionalExtension, Row, named_params};

/// Columns of a row, in no particular order.
macro_rules! columns {
    () => {
        "assets.created_position, assets.customer, assets.space, assets.name, assets.state,
         assets.generation, assets.attempt, assets.source_json, assets.media_type, assets.string1,
         assets.string2, assets.string3, assets.number1, assets.number2, assets.number3,
         assets.tags_json, assets.roles_json, assets.delivery_json, assets.recognise_json,
         assets.limits_json, assets.text_json, assets.batch,
         assets.delivered_json, assets.delivered_attempt, assets.failure_json,
         assets.created_at_us, assets.modified_at_us, assets.finished_at_us,
         assets.edit_revision, assets.position"
    };
}
pub(super) use columns;

const LOAD: &str =
    concat!("SELECT ", columns!(), " FROM assets WHERE customer = ?1 AND space = ?2 AND name = ?3");

const DUMP: &str = concat!("SELECT ", columns!(), " FROM assets ORDER BY customer, space, name");

const INSERT: &str = "
    INSERT INTO assets
        (created_position, customer, space, name, state, generation, attempt, source_json,
         media_type, string1, string2, string3, number1, number2, number3, tags_json, roles_json,
         delivery_json, recognise_json, limits_json, text_json, batch, delivered_json, delivered_attempt,
         failure_json, created_at_us, modified_at_us, finished_at_us, edit_revision, position)
    VALUES
        (:created_position, :customer, :space, :name, :state, :generation, :attempt, :source,
         :media_type, :string1, :string2, :string3, :number1, :number2, :number3, :tags, :roles,
         :delivery, :recognise, :limits, :text, :batch, :delivered, :delivered_attempt, :failure,
         :created_at, :modified_at, :finished_at, :edit_revision, :position)";

// Columns that keep their values cost nothing: SQLite leaves their indexes alone.
const UPDATE: &str = "
    UPDATE assets SET
        state = :state, generation = :generation, attempt = :attempt, source_json = :source,
        media_type = :media_type, string1 = :string1, string2 = :string2, string3 = :string3,
        number1 = :number1, number2 = :number2, number3 = :number3, tags_json = :tags,
        roles_json = :roles, delivery_json = :delivery, recognise_json = :recognise,
        limits_json = :limits, text_json = :text, batch = :batch,
        delivered_json = :delivered, delivered_attempt = :delivered_attempt,
        failure_json = :failure, created_at_us = :created_at, modified_at_us = :modified_at,
        finished_at_us = :finished_at, edit_revision = :edit_revision, position = :position
    WHERE created_position = :created_position
      AND customer = :customer AND space = :space AND name = :name";

pub(super) fn into_record(row: &Row<'_>) -> rusqlite::Result<AssetRecord> {
    let metadata = AssetMetadata {
        string1: row.get("string1")?,
        string2: row.get("string2")?,
        string3: row.get("string3")?,
        number1: row.get("number1")?,
        number2: row.get("number2")?,
        number3: row.get("number3")?,
        tags: json(row, "tags_json")?,
    };
    let batch: Option<[u8; 16]> = row.get("batch")?;
    let created_position = row.get("created_position")?;
    let text = json_or_null(row, "text_json")?.unwrap_or_default();
    let row = AssetRow {
        id: into_id(row)?,
        state: into_state(row.get("state")?)?,
        generation: row.get("generation")?,
        attempt: row.get("attempt")?,
        source: json(row, "source_json")?,
        media_type: row.get("media_type")?,
        metadata,
        roles: json(row, "roles_json")?,
        delivery: json(row, "delivery_json")?,
        recognise: json(row, "recognise_json")?,
        limits: json_or_null(row, "limits_json")?.unwrap_or_default(),
        text: TextSummary::default(),
        batch: batch.map(|it| BatchId(uuid(it))),
        delivered: json_or_null(row, "delivered_json")?,
        delivered_attempt: row.get("delivered_attempt")?,
        failure: json_or_null(row, "failure_json")?,
        created_at_us: row.get("created_at_us")?,
        modified_at_us: row.get("modified_at_us")?,
        finished_at_us: row.get("finished_at_us")?,
        edit_revision: row.get("edit_revision")?,
        position: row.get("position")?,
    };
    Ok(AssetRecord { row, created_position, text }.summed_up())
}

/// Reads the id in the columns `customer`, `space`, `name`.
pub(in super::super) fn into_id(row: &Row<'_>) -> rusqlite::Result<AssetId> {
    let customer = CustomerId(row.get("customer")?);
    let space = SpaceId { customer, space: SpaceNumber(row.get("space")?) };
    AssetId::new(space, row.get::<_, String>("name")?).map_err(unreadable)
}

pub(super) fn state_code(state: AssetState) -> i64 {
    match state {
        AssetState::Ingesting => 0,
        AssetState::Delivered => 1,
        AssetState::Failed => 2,
        AssetState::Deleted => 3,
    }
}

fn into_state(code: i64) -> rusqlite::Result<AssetState> {
    Ok(match code {
        0 => AssetState::Ingesting,
        1 => AssetState::Delivered,
        2 => AssetState::Failed,
        3 => AssetState::Deleted,
        other => return Err(unknown_code(other)),
    })
}

fn write(connection: &Connection, sql: &str, record: &AssetRecord) -> rusqlite::Result<()> {
    let row = &record.row;
    let metadata = &row.metadata;
    connection.prepare_cached(sql)?.execute(named_params! {
        ":created_position": record.created_position,
        ":customer": row.id.customer().0,
        ":space": row.id.space().space.0,
        ":name": row.id.name(),
        ":state": state_code(row.state),
        ":generation": row.generation,
        ":attempt": row.attempt,
        ":source": to_json(&row.source),
        ":media_type": row.media_type,
        ":string1": metadata.string1,
        ":string2": metadata.string2,
        ":string3": metadata.string3,
        ":number1": metadata.number1,
        ":number2": metadata.number2,
        ":number3": metadata.number3,
        ":tags": to_json(&metadata.tags),
        ":roles": to_json(&row.roles),
        ":delivery": to_json(&row.delivery),
        ":recognise": to_json(&row.recognise),
        ":limits": limits_json(row.limits),
        ":text": Some(&record.text).filter(|it| !it.is_empty()).map(to_json),
        ":batch": row.batch.as_ref().map(|it| it.0.as_bytes()),
        ":delivered": row.delivered.as_ref().map(to_json),
        ":delivered_attempt": row.delivered_attempt,
        ":failure": row.failure.as_ref().map(to_json),
        ":created_at": row.created_at_us,
        ":modified_at": row.modified_at_us,
        ":finished_at": row.finished_at_us,
        ":edit_revision": row.edit_revision,
        ":position": row.position,
    })?;
    Ok(())
}

/// What the side tables have of an asset: nothing, once it is deleted.
fn labels(record: &AssetRecord) -> (&[String], &[String]) {
    if record.row.state == AssetState::Deleted {
        return (&[], &[]);
    }
    (&record.row.metadata.tags, &record.row.roles)
}

/// Brings one side table from what it has to what it shall have.
fn relabel(
    connection: &Connection,
    (insert, delete): (&str, &str),
    had: Option<(&AssetRecord, &[String])>,
    (record, has): (&AssetRecord, &[String]),
) -> rusqlite::Result<()> {
    let customer = record.row.id.customer().0;
    if let Some((old, had)) = had {
        if old.created_position == record.created_position && had == has {
            return Ok(());
        }
        for label in had {
            connection.prepare_cached(delete)?.execute((customer, label, old.created_position))?;
        }
    }
    for label in has {
        connection.prepare_cached(insert)?.execute((customer, label, record.created_position))?;
    }
    Ok(())
}

const TAGS: (&str, &str) = (
    "INSERT OR IGNORE INTO asset_tags (customer, tag, asset) VALUES (?1, ?2, ?3)",
    "DELETE FROM asset_tags WHERE customer = ?1 AND tag = ?2 AND asset = ?3",
);
const ROLES: (&str, &str) = (
    "INSERT OR IGNORE INTO asset_roles (customer, role, asset) VALUES (?1, ?2, ?3)",
    "DELETE FROM asset_roles WHERE customer = ?1 AND role = ?2 AND asset = ?3",
);

impl SqlRow for AssetRecord {
    fn load(connection: &Connection, key: &AssetId) -> rusqlite::Result<Option<Self>> {
        let key = (key.customer().0, key.space().space.0, key.name());
        connection.prepare_cached(LOAD)?.query_row(key, into_record).optional()
    }

    fn store(&self, connection: &Connection, stored: Option<&Self>) -> rusqlite::Result<()> {
        match stored {
            None => write(connection, INSERT, self)?,
            Some(old) if old.created_position == self.created_position => {
                write(connection, UPDATE, self)?;
            }
            // Registered again: it takes its new place in the order of creation.
            Some(old) => {
                old.delete(connection)?;
                write(connection, INSERT, self)?;
            }
        }
        let (tags, roles) = labels(self);
        let had = stored.map(|it| (it, labels(it)));
        relabel(connection, TAGS, had.map(|(it, (tags, _))| (it, tags)), (self, tags))?;
        relabel(connection, ROLES, had.map(|(it, (_, roles))| (it, roles)), (self, roles))
    }

    fn delete(&self, connection: &Connection) -> rusqlite::Result<()> {
        connection
            .prepare_cached("DELETE FROM assets WHERE created_position = ?1")?
            .execute([self.created_position])?;
        Ok(())
    }
}

pub(super) fn dump(connection: &Connection, writer: &mut DumpWriter) -> rusqlite::Result<()> {
    let mut statement = connection.prepare(DUMP)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let record = into_record(row)?;
        writer.row(&(record.row, record.created_position, record.text));
    }
    writer.end_table("assets");
    for (table, label) in [("asset_tags", "tag"), ("asset_roles", "role")] {
        let sql = format!(
            "SELECT customer, {label}, asset FROM {table} ORDER BY customer, {label}, asset"
        );
        let mut statement = connection.prepare(&sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let label: String = row.get(1)?;
            writer.row(&(row.get::<_, u32>(0)?, label, row.get::<_, u64>(2)?));
        }
        writer.end_table(table);
    }
    Ok(())
}
