//! The row of an asset, and its tags and roles beside it.

use crate::read_models::build::DumpTable;
use crate::read_models::errors::SqlError;
use crate::read_models::table::{Change, SqlRow, Statement, StoredRow};
use crate::read_models::tile_metadata::limits_json;
use crate::read_models::values::{Columns, Value, asset_key};
use dlcs_domain::asset::{AssetMetadata, SizeLimits};
use dlcs_domain::{AssetId, BatchId};
use dlcs_projections::assets::{AssetRecord, AssetRow, AssetState, TextSummary};
use dlcs_projections::dump::DumpWriter;
use std::collections::BTreeSet;
use tokio_postgres::Row;

impl SqlRow for AssetRecord {
    const TABLE: &'static str = "assets";
    const COLUMNS: &'static [(&'static str, &'static str)] = &[
        ("customer", "bigint"),
        ("space", "bigint"),
        ("name", "text"),
        ("created_position", "bigint"),
        ("state", "smallint"),
        ("generation", "bigint"),
        ("attempt", "bigint"),
        ("source_json", "text"),
        ("media_type", "text"),
        ("string1", "text"),
        ("string2", "text"),
        ("string3", "text"),
        ("number1", "bigint"),
        ("number2", "bigint"),
        ("number3", "bigint"),
        ("tags_json", "text"),
        ("roles_json", "text"),
        ("delivery_json", "text"),
        ("recognise_json", "text"),
        ("batch", "uuid"),
        ("delivered_json", "text"),
        ("delivered_attempt", "bigint"),
        ("failure_json", "text"),
        ("created_at_us", "bigint"),
        ("modified_at_us", "bigint"),
        ("finished_at_us", "bigint"),
        ("edit_revision", "bigint"),
        ("position", "bigint"),
        ("text_json", "text"),
        ("limits_json", "text"),
    ];
    const KEY: usize = 3;

    fn values(&self) -> Vec<Value> {
        let row = &self.row;
        let metadata = &row.metadata;
        let text = Some(&self.text).filter(|it| !it.is_empty());
        let mut values = asset_key(&row.id);
        values.extend([
            self.created_position.into(),
            state_code(row.state).into(),
            row.generation.into(),
            row.attempt.into(),
            Value::json(&row.source),
            row.media_type.as_ref().into(),
            (&metadata.string1).into(),
            (&metadata.string2).into(),
            (&metadata.string3).into(),
            metadata.number1.into(),
            metadata.number2.into(),
            metadata.number3.into(),
            Value::json(&metadata.tags),
            Value::json(&row.roles),
            Value::json(&row.delivery),
            Value::json(&row.recognise),
            row.batch.map(|it| it.0).into(),
            row.delivered.as_ref().map(Value::json).into(),
            row.delivered_attempt.into(),
            row.failure.as_ref().map(Value::json).into(),
            row.created_at_us.into(),
            row.modified_at_us.into(),
            row.finished_at_us.into(),
            row.edit_revision.into(),
            row.position.into(),
            text.map(Value::json).into(),
            limits_json(&row.limits),
        ]);
        values
    }

    fn read(columns: &mut Columns<'_>) -> Result<Self, SqlError> {
        let id = columns.asset()?;
        let created_position = columns.number()?;
        let mut row = AssetRow {
            id,
            state: into_state(columns.take()?)?,
            generation: columns.small()?,
            attempt: columns.small()?,
            source: columns.json()?,
            media_type: columns.text_or_null()?,
            metadata: AssetMetadata {
                string1: columns.text()?,
                string2: columns.text()?,
                string3: columns.text()?,
                number1: columns.take()?,
                number2: columns.take()?,
                number3: columns.take()?,
                tags: columns.json()?,
            },
            roles: columns.json()?,
            delivery: columns.json()?,
            recognise: columns.json()?,
            limits: SizeLimits::default(),
            text: TextSummary::default(),
            batch: columns.take::<Option<_>>()?.map(BatchId),
            delivered: columns.json_or_null()?,
            delivered_attempt: columns.small_or_null()?,
            failure: columns.json_or_null()?,
            created_at_us: columns.take()?,
            modified_at_us: columns.take()?,
            finished_at_us: columns.take()?,
            edit_revision: columns.number()?,
            position: columns.number()?,
        };
        let text = columns.json_or_null()?.unwrap_or_default();
        row.limits = columns.json_or_null()?.unwrap_or_default();
        Ok(Self { row, created_position, text }.summed_up())
    }

    fn dump(row: &Row, writer: &mut DumpWriter) -> Result<(), SqlError> {
        let record = Self::read(&mut Columns::new(row))?;
        writer.row(&(record.row, record.created_position, record.text));
        Ok(())
    }
}

impl StoredRow for AssetRecord {
    fn key_values(key: &AssetId) -> Vec<Value> {
        asset_key(key)
    }

    fn beside(changes: &[Change<'_, Self>]) -> Vec<Statement> {
        [TAGS, ROLES].iter().flat_map(|it| it.relabel(changes)).collect()
    }
}

pub(super) fn state_code(state: AssetState) -> i16 {
    match state {
        AssetState::Ingesting => 0,
        AssetState::Delivered => 1,
        AssetState::Failed => 2,
        AssetState::Deleted => 3,
    }
}

fn into_state(code: i16) -> Result<AssetState, SqlError> {
    Ok(match code {
        0 => AssetState::Ingesting,
        1 => AssetState::Delivered,
        2 => AssetState::Failed,
        3 => AssetState::Deleted,
        other => return Err(SqlError::unknown_code(other)),
    })
}

/// A side table: one row for each label of a living asset.
pub(super) struct Labels {
    of: fn(&AssetRecord) -> &[String],
    insert: &'static str,
    delete: &'static str,
    pub(super) dump: DumpTable,
}

pub(super) const TAGS: Labels = Labels {
    of: |it| &it.row.metadata.tags,
    insert: "INSERT INTO {schema}.asset_tags (customer, tag, asset)
             SELECT * FROM unnest($1::bigint[], $2::text[], $3::bigint[])",
    delete: "DELETE FROM {schema}.asset_tags AS t
             USING unnest($1::bigint[], $2::text[], $3::bigint[]) AS k (customer, tag, asset)
             WHERE t.customer = k.customer AND left(t.tag, 200) = left(k.tag, 200)
               AND t.tag = k.tag AND t.asset = k.asset",
    dump: DumpTable::new(
        "asset_tags",
        || {
            "SELECT customer, tag, asset FROM {schema}.asset_tags
            ORDER BY customer, tag, asset"
                .into()
        },
        dump_label,
    ),
};

pub(super) const ROLES: Labels = Labels {
    of: |it| &it.row.roles,
    insert: "INSERT INTO {schema}.asset_roles (customer, role, asset)
             SELECT * FROM unnest($1::bigint[], $2::text[], $3::bigint[])",
    delete: "DELETE FROM {schema}.asset_roles AS t
             USING unnest($1::bigint[], $2::text[], $3::bigint[]) AS k (customer, role, asset)
             WHERE t.customer = k.customer AND left(t.role, 200) = left(k.role, 200)
               AND t.role = k.role AND t.asset = k.asset",
    dump: DumpTable::new(
        "asset_roles",
        || {
            "SELECT customer, role, asset FROM {schema}.asset_roles
            ORDER BY customer, role, asset"
                .into()
        },
        dump_label,
    ),
};

impl Labels {
    /// Returns what the table has of an asset: nothing, once it is deleted. Each label once.
    fn rows(&self, record: Option<&AssetRecord>) -> BTreeSet<Vec<Value>> {
        let living = record.filter(|it| it.row.state != AssetState::Deleted);
        let rows = living.into_iter().flat_map(|it| {
            let customer = it.row.id.customer();
            let row =
                move |label| vec![customer.into(), Value::from(label), it.created_position.into()];
            (self.of)(it).iter().map(row)
        });
        rows.collect()
    }

    /// Brings the table from what it has to what it shall have.
    fn relabel(&self, changes: &[Change<'_, AssetRecord>]) -> Vec<Statement> {
        let (mut gone, mut new) = (Vec::new(), Vec::new());
        for change in changes {
            let (had, has) = (self.rows(change.stored), self.rows(change.current));
            gone.extend(had.difference(&has).cloned());
            new.extend(has.difference(&had).cloned());
        }
        let delete = Statement::of(self.delete.to_owned(), gone);
        let insert = Statement::of(self.insert.to_owned(), new);
        delete.into_iter().chain(insert).collect()
    }
}

fn dump_label(row: &Row, writer: &mut DumpWriter) -> Result<(), SqlError> {
    let mut columns = Columns::new(row);
    writer.row(&(columns.customer()?, columns.text()?, columns.number()?));
    Ok(())
}
