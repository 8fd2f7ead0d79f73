//! Annotations and their containers: rows.

mod queries;

use super::build::{Definition, DumpTable};
use super::errors::SqlError;
use super::fold::Session;
use super::table::{Change, Known, Slots, SqlRow, Statement, StoredRow};
use super::values::{Columns, Value};
use dlcs_domain::{AnnotationId, AssetId, ContainerId};
use dlcs_migrations::read_models::POSTGRES_ANNOTATIONS;
use dlcs_projections::annotations::{
    self, AnnotationRecord, AnnotationRow, AnnotationsTables, ClosedAsset, ContainerRecord,
    ContainerRow, Term,
};
use dlcs_projections::dump::DumpWriter;
use dlcs_projections::projection::{DecodedEvent, FoldError, Table};
use tokio_postgres::Row;

pub(super) static DEFINITION: Definition = Definition {
    name: annotations::NAME,
    version: annotations::VERSION,
    lock: 7,
    tables: POSTGRES_ANNOTATIONS,
    begin: || Box::new(Tables::default()),
    dump: &[
        DumpTable::of::<ContainerRecord>(),
        DumpTable::of::<AnnotationRecord>(),
        DumpTable::of::<ClosedAsset>(),
    ],
};

const INSERT_TERMS: &str = "INSERT INTO {schema}.annotation_terms
        (customer, kind, term, annotation, left_px, top_px, right_px, bottom_px)
    SELECT * FROM unnest($1::bigint[], $2::smallint[], $3::text[], $4::bigint[], $5::bigint[],
                         $6::bigint[], $7::bigint[], $8::bigint[])";
const DELETE_TERMS: &str = "DELETE FROM {schema}.annotation_terms AS t
    USING unnest($1::bigint[], $2::smallint[], $3::text[], $4::bigint[], $5::bigint[],
                 $6::bigint[], $7::bigint[], $8::bigint[])
        AS k (customer, kind, term, annotation, left_px, top_px, right_px, bottom_px)
    WHERE t.annotation = k.annotation AND t.kind = k.kind AND t.term = k.term
      AND (t.left_px, t.top_px, t.right_px, t.bottom_px)
          IS NOT DISTINCT FROM (k.left_px, k.top_px, k.right_px, k.bottom_px)";
const UPSERT_WORDS: &str = "INSERT INTO {schema}.annotation_words (annotation, words)
    SELECT * FROM unnest($1::bigint[], $2::text[])
    ON CONFLICT (annotation) DO UPDATE SET words = excluded.words";
const DELETE_WORDS: &str = "DELETE FROM {schema}.annotation_words
    WHERE annotation = ANY ($1::bigint[])";

#[derive(Default)]
struct Tables {
    containers: Known<ContainerRecord>,
    annotations: Known<AnnotationRecord>,
    closed: Known<ClosedAsset>,
}

impl AnnotationsTables for Tables {
    fn containers(&mut self) -> &mut impl Table<ContainerRecord> {
        &mut self.containers
    }

    fn annotations(&mut self) -> &mut impl Table<AnnotationRecord> {
        &mut self.annotations
    }

    fn closed(&mut self) -> &mut impl Table<ClosedAsset> {
        &mut self.closed
    }
}

impl Session for Tables {
    fn apply(&mut self, event: &DecodedEvent) -> Result<(), FoldError> {
        for change in annotations::project(&event.recorded, event.domain_events()?)? {
            annotations::fold(change, self)?;
        }
        Ok(())
    }

    fn tables(&mut self) -> Vec<&mut dyn Slots> {
        vec![&mut self.containers, &mut self.annotations, &mut self.closed]
    }
}

impl SqlRow for ContainerRecord {
    const TABLE: &'static str = "containers";
    const COLUMNS: &'static [(&'static str, &'static str)] = &[
        ("customer", "bigint"),
        ("id", "text"),
        ("label", "text"),
        ("roles_json", "text"),
        ("role_names_json", "text"),
        ("deleted", "boolean"),
        ("total", "bigint"),
        ("created_at_us", "bigint"),
        ("modified_at_us", "bigint"),
        ("edit_revision", "bigint"),
        ("position", "bigint"),
        ("created_position", "bigint"),
    ];
    const KEY: usize = 2;

    fn values(&self) -> Vec<Value> {
        let row = &self.row;
        vec![
            row.id.customer.into(),
            (&row.id.id).into(),
            (&row.label).into(),
            Value::json(&row.roles),
            Value::json(&row.role_names()),
            row.deleted.into(),
            row.total.into(),
            row.created_at_us.into(),
            row.modified_at_us.into(),
            row.edit_revision.into(),
            row.position.into(),
            self.created_position.into(),
        ]
    }

    fn read(columns: &mut Columns<'_>) -> Result<Self, SqlError> {
        let row = ContainerRow {
            id: ContainerId { customer: columns.customer()?, id: columns.text()? },
            label: columns.text()?,
            roles: {
                let roles = columns.json()?;
                columns.skip(); // Their names follow from them.
                roles
            },
            deleted: columns.take()?,
            total: columns.number()?,
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

impl StoredRow for ContainerRecord {
    fn key_values(key: &ContainerId) -> Vec<Value> {
        vec![key.customer.into(), (&key.id).into()]
    }
}

impl SqlRow for AnnotationRecord {
    const TABLE: &'static str = "annotations";
    const COLUMNS: &'static [(&'static str, &'static str)] = &[
        ("customer", "bigint"),
        ("container", "text"),
        ("id", "text"),
        ("document", "text"),
        ("subjects_json", "text"),
        ("motivations_json", "text"),
        ("creators_json", "text"),
        ("deleted", "boolean"),
        ("created_at_us", "bigint"),
        ("modified_at_us", "bigint"),
        ("edit_revision", "bigint"),
        ("position", "bigint"),
        ("created_position", "bigint"),
    ];
    const KEY: usize = 3;

    fn values(&self) -> Vec<Value> {
        let row = &self.row;
        vec![
            row.id.container.customer.into(),
            (&row.id.container.id).into(),
            (&row.id.id).into(),
            (&row.document).into(),
            Value::json(&row.subjects),
            Value::json(&row.motivations),
            Value::json(&row.creators),
            row.deleted.into(),
            row.created_at_us.into(),
            row.modified_at_us.into(),
            row.edit_revision.into(),
            row.position.into(),
            self.created_position.into(),
        ]
    }

    fn read(columns: &mut Columns<'_>) -> Result<Self, SqlError> {
        let container = ContainerId { customer: columns.customer()?, id: columns.text()? };
        let row = AnnotationRow {
            id: AnnotationId { container, id: columns.text()? },
            document: columns.text()?,
            subjects: columns.json()?,
            motivations: columns.json()?,
            creators: columns.json()?,
            deleted: columns.take()?,
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

impl StoredRow for AnnotationRecord {
    fn key_values(key: &AnnotationId) -> Vec<Value> {
        vec![key.container.customer.into(), (&key.container.id).into(), (&key.id).into()]
    }

    fn beside(changes: &[Change<'_, Self>]) -> Vec<Statement> {
        // What is written and what is deleted differ, so that it does not matter which comes first.
        let (mut gone, mut new) = (Vec::new(), Vec::new());
        let (mut silent, mut words) = (Vec::new(), Vec::new());
        for Change { stored, current } in changes {
            let [had, has] = [stored, current].map(|it| it.map(Self::terms).unwrap_or_default());
            if let Some(stored) = stored {
                gone.extend(had.difference(&has).map(|term| values(stored, term)));
            }
            if let Some(current) = current {
                new.extend(has.difference(&had).map(|term| values(current, term)));
            }
            let [had, has] = [stored, current].map(|it| it.map(|it| it.row.document.as_str()));
            if had != has {
                let said = current.map(Self::words).filter(|it| !it.is_empty());
                match (said, current.or(*stored)) {
                    (Some(said), Some(record)) => {
                        let padded = format!(" {said} ");
                        words.push(vec![record.created_position.into(), padded.as_str().into()]);
                    }
                    (None, Some(record)) => silent.push(vec![record.created_position.into()]),
                    (_, None) => {}
                }
            }
        }
        let statements = [
            Statement::of(DELETE_TERMS.to_owned(), gone),
            Statement::of(INSERT_TERMS.to_owned(), new),
            Statement::of(DELETE_WORDS.to_owned(), silent),
            Statement::of(UPSERT_WORDS.to_owned(), words),
        ];
        statements.into_iter().flatten().collect()
    }
}

impl SqlRow for ClosedAsset {
    const TABLE: &'static str = "closed_assets";
    const COLUMNS: &'static [(&'static str, &'static str)] = &[
        ("customer", "bigint"),
        ("asset", "text"),
        ("roles_json", "text"),
        ("position", "bigint"),
    ];
    const KEY: usize = 2;

    fn values(&self) -> Vec<Value> {
        let mut values = Self::key_values(&self.id);
        values.extend([Value::json(&self.roles), self.position.into()]);
        values
    }

    fn read(columns: &mut Columns<'_>) -> Result<Self, SqlError> {
        columns.skip(); // The customer stands in the id.
        let id = columns.text()?.parse().map_err(SqlError::unreadable)?;
        Ok(Self { id, roles: columns.json()?, position: columns.number()? })
    }

    fn dump(row: &Row, writer: &mut DumpWriter) -> Result<(), SqlError> {
        writer.row(&Self::read(&mut Columns::new(row))?);
        Ok(())
    }
}

impl StoredRow for ClosedAsset {
    fn key_values(key: &AssetId) -> Vec<Value> {
        vec![key.customer().into(), key.to_string().as_str().into()]
    }
}

fn values(record: &AnnotationRecord, term: &Term<'_>) -> Vec<Value> {
    let edges = term.region.map(|it| it.edges());
    vec![
        record.row.id.container.customer.into(),
        Value::Code(term.kind as i16),
        term.text.as_ref().into(),
        record.created_position.into(),
        edges.map(|it| it[0]).into(),
        edges.map(|it| it[1]).into(),
        edges.map(|it| it[2]).into(),
        edges.map(|it| it[3]).into(),
    ]
}
