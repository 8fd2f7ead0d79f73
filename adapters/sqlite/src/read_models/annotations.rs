//! Annotations and their containers: rows.

mod queries;

use super::file::{Definition, Session};
use super::table::{SqlRow, SqlTable};
use super::values::{json, to_json, unreadable};
use dlcs_domain::{AnnotationId, AssetId, ContainerId, CustomerId};
use dlcs_migrations::read_models::SQLITE_ANNOTATIONS;
use dlcs_projections::annotations::{
    self, AnnotationRecord, AnnotationRow, AnnotationsTables, ClosedAsset, ContainerRecord,
    ContainerRow,
};
use dlcs_projections::dump::DumpWriter;
use dlcs_projections::projection::{DecodedEvent, FoldError, StoreError, Table};
use rusqlite::{Connection, OptionalExtension, Row, params};

#[cfg(test)]
pub(super) use queries::listing;

pub(super) static DEFINITION: Definition = Definition {
    name: annotations::NAME,
    version: annotations::VERSION,
    application_id: 0x444c_5237, // "DLR7".
    migrations: SQLITE_ANNOTATIONS,
    begin: |connection| {
        Box::new(Tables {
            containers: SqlTable::new(connection),
            annotations: SqlTable::new(connection),
            closed: SqlTable::new(connection),
        })
    },
    dump,
};

const SELECT_CONTAINER: &str = "c.created_position, c.customer, c.id, c.label, c.roles_json,
    c.deleted, c.total, c.created_at_us, c.modified_at_us, c.edit_revision, c.position
    FROM containers AS c";
const SELECT: &str = "a.created_position, a.customer, a.container, a.id, a.document,
    a.subjects_json, a.motivations_json, a.creators_json, a.deleted, a.created_at_us,
    a.modified_at_us, a.edit_revision, a.position FROM annotations AS a";

const SELECT_CLOSED: &str = "x.asset, x.roles_json, x.position FROM closed_assets AS x";

struct Tables<'c> {
    containers: SqlTable<'c, ContainerRecord>,
    annotations: SqlTable<'c, AnnotationRecord>,
    closed: SqlTable<'c, ClosedAsset>,
}

impl AnnotationsTables for Tables<'_> {
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

impl Session for Tables<'_> {
    fn apply(&mut self, event: &DecodedEvent) -> Result<(), FoldError> {
        for change in annotations::project(&event.recorded, event.domain_events()?)? {
            annotations::fold(change, self)?;
        }
        Ok(())
    }

    fn flush(self: Box<Self>) -> Result<(), StoreError> {
        self.containers.flush()?;
        self.annotations.flush()?;
        self.closed.flush()
    }
}

fn container_id(row: &Row<'_>, column: &str) -> rusqlite::Result<ContainerId> {
    Ok(ContainerId { customer: CustomerId(row.get("customer")?), id: row.get(column)? })
}

fn into_container(row: &Row<'_>) -> rusqlite::Result<ContainerRecord> {
    let container = ContainerRow {
        id: container_id(row, "id")?,
        label: row.get("label")?,
        roles: json(row, "roles_json")?,
        deleted: row.get("deleted")?,
        total: row.get("total")?,
        created_at_us: row.get("created_at_us")?,
        modified_at_us: row.get("modified_at_us")?,
        edit_revision: row.get("edit_revision")?,
        position: row.get("position")?,
    };
    Ok(ContainerRecord { row: container, created_position: row.get("created_position")? })
}

fn into_annotation(row: &Row<'_>) -> rusqlite::Result<AnnotationRecord> {
    let annotation = AnnotationRow {
        id: AnnotationId { container: container_id(row, "container")?, id: row.get("id")? },
        document: row.get("document")?,
        subjects: json(row, "subjects_json")?,
        motivations: json(row, "motivations_json")?,
        creators: json(row, "creators_json")?,
        deleted: row.get("deleted")?,
        created_at_us: row.get("created_at_us")?,
        modified_at_us: row.get("modified_at_us")?,
        edit_revision: row.get("edit_revision")?,
        position: row.get("position")?,
    };
    Ok(AnnotationRecord { row: annotation, created_position: row.get("created_position")? })
}

fn into_closed(row: &Row<'_>) -> rusqlite::Result<ClosedAsset> {
    Ok(ClosedAsset {
        id: row.get::<_, String>("asset")?.parse().map_err(unreadable)?,
        roles: json(row, "roles_json")?,
        position: row.get("position")?,
    })
}

impl SqlRow for ContainerRecord {
    fn load(connection: &Connection, key: &ContainerId) -> rusqlite::Result<Option<Self>> {
        let sql = format!("SELECT {SELECT_CONTAINER} WHERE c.customer = ?1 AND c.id = ?2");
        let key = (key.customer.0, &key.id);
        connection.prepare_cached(&sql)?.query_row(key, into_container).optional()
    }

    fn store(&self, connection: &Connection, _: Option<&Self>) -> rusqlite::Result<()> {
        let mut statement = connection.prepare_cached(
            "INSERT INTO containers
                 (created_position, customer, id, label, roles_json, role_names_json, deleted,
                  total, created_at_us, modified_at_us, edit_revision, position)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
             ON CONFLICT (customer, id) DO UPDATE SET
                 label = excluded.label,
                 roles_json = excluded.roles_json,
                 role_names_json = excluded.role_names_json,
                 deleted = excluded.deleted,
                 total = excluded.total,
                 modified_at_us = excluded.modified_at_us,
                 edit_revision = excluded.edit_revision,
                 position = excluded.position",
        )?;
        let row = &self.row;
        statement.execute(params![
            self.created_position,
            row.id.customer.0,
            row.id.id,
            row.label,
            to_json(&row.roles),
            to_json(&row.role_names()),
            row.deleted,
            row.total,
            row.created_at_us,
            row.modified_at_us,
            row.edit_revision,
            row.position,
        ])?;
        Ok(())
    }

    fn delete(&self, connection: &Connection) -> rusqlite::Result<()> {
        let key = [self.created_position];
        connection.execute("DELETE FROM containers WHERE created_position = ?1", key).map(drop)
    }
}

impl SqlRow for AnnotationRecord {
    fn load(connection: &Connection, key: &AnnotationId) -> rusqlite::Result<Option<Self>> {
        let sql =
            format!("SELECT {SELECT} WHERE a.customer = ?1 AND a.container = ?2 AND a.id = ?3");
        let key = (key.container.customer.0, &key.container.id, &key.id);
        connection.prepare_cached(&sql)?.query_row(key, into_annotation).optional()
    }

    fn store(&self, connection: &Connection, stored: Option<&Self>) -> rusqlite::Result<()> {
        let mut statement = connection.prepare_cached(
            "INSERT INTO annotations
                 (created_position, customer, container, id, document, subjects_json,
                  motivations_json, creators_json, deleted, created_at_us, modified_at_us,
                  edit_revision, position)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
             ON CONFLICT (customer, container, id) DO UPDATE SET
                 document = excluded.document,
                 subjects_json = excluded.subjects_json,
                 motivations_json = excluded.motivations_json,
                 creators_json = excluded.creators_json,
                 deleted = excluded.deleted,
                 modified_at_us = excluded.modified_at_us,
                 edit_revision = excluded.edit_revision,
                 position = excluded.position",
        )?;
        let row = &self.row;
        statement.execute(params![
            self.created_position,
            row.id.container.customer.0,
            row.id.container.id,
            row.id.id,
            row.document,
            to_json(&row.subjects),
            to_json(&row.motivations),
            to_json(&row.creators),
            row.deleted,
            row.created_at_us,
            row.modified_at_us,
            row.edit_revision,
            row.position,
        ])?;
        store_terms(connection, self, stored)?;
        store_words(connection, self, stored)
    }

    fn delete(&self, connection: &Connection) -> rusqlite::Result<()> {
        delete_terms(connection, self.created_position)?;
        delete_words(connection, self.created_position)?;
        let key = [self.created_position];
        connection.execute("DELETE FROM annotations WHERE created_position = ?1", key).map(drop)
    }
}

impl SqlRow for ClosedAsset {
    fn load(connection: &Connection, key: &AssetId) -> rusqlite::Result<Option<Self>> {
        let sql = format!("SELECT {SELECT_CLOSED} WHERE x.customer = ?1 AND x.asset = ?2");
        let key = (key.customer().0, key.to_string());
        connection.prepare_cached(&sql)?.query_row(key, into_closed).optional()
    }

    fn store(&self, connection: &Connection, _: Option<&Self>) -> rusqlite::Result<()> {
        let mut statement = connection.prepare_cached(
            "REPLACE INTO closed_assets (customer, asset, roles_json, position)
             VALUES (?1, ?2, ?3, ?4)",
        )?;
        let (customer, asset) = (self.id.customer().0, self.id.to_string());
        statement.execute(params![customer, asset, to_json(&self.roles), self.position]).map(drop)
    }

    fn delete(&self, connection: &Connection) -> rusqlite::Result<()> {
        let sql = "DELETE FROM closed_assets WHERE customer = ?1 AND asset = ?2";
        let key = (self.id.customer().0, self.id.to_string());
        connection.prepare_cached(sql)?.execute(key).map(drop)
    }
}

fn store_terms(
    connection: &Connection,
    record: &AnnotationRecord,
    stored: Option<&AnnotationRecord>,
) -> rusqlite::Result<()> {
    let terms = record.terms();
    match stored.map(AnnotationRecord::terms) {
        Some(stored) if stored == terms => return Ok(()),
        Some(_) => delete_terms(connection, record.created_position)?,
        None => {}
    }
    let mut statement = connection.prepare_cached(
        "INSERT INTO annotation_terms
             (customer, kind, term, annotation, left_px, top_px, right_px, bottom_px)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    for term in terms {
        let edges = term.region.map(|it| it.edges());
        statement.execute(params![
            record.row.id.container.customer.0,
            term.kind as i64,
            term.text,
            record.created_position,
            edges.map(|it| it[0]),
            edges.map(|it| it[1]),
            edges.map(|it| it[2]),
            edges.map(|it| it[3]),
        ])?;
    }
    Ok(())
}

fn delete_terms(connection: &Connection, annotation: u64) -> rusqlite::Result<()> {
    let sql = "DELETE FROM annotation_terms WHERE annotation = ?1";
    connection.prepare_cached(sql)?.execute([annotation]).map(drop)
}

fn store_words(
    connection: &Connection,
    record: &AnnotationRecord,
    stored: Option<&AnnotationRecord>,
) -> rusqlite::Result<()> {
    match stored {
        Some(stored) if stored.row.document == record.row.document => return Ok(()),
        Some(_) => delete_words(connection, record.created_position)?,
        None => {}
    }
    let words = record.words();
    if !words.is_empty() {
        let sql = "INSERT INTO annotation_words (rowid, words) VALUES (?1, ?2)";
        connection.prepare_cached(sql)?.execute(params![record.created_position, words])?;
    }
    Ok(())
}

fn delete_words(connection: &Connection, annotation: u64) -> rusqlite::Result<()> {
    let sql = "DELETE FROM annotation_words WHERE rowid = ?1";
    connection.prepare_cached(sql)?.execute([annotation]).map(drop)
}

fn dump(connection: &Connection, writer: &mut DumpWriter) -> rusqlite::Result<()> {
    let sql = format!("SELECT {SELECT_CONTAINER} ORDER BY c.customer, c.id");
    let mut statement = connection.prepare(&sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        writer.row(&into_container(row)?);
    }
    writer.end_table("containers");
    let sql = format!("SELECT {SELECT} ORDER BY a.customer, a.container, a.id");
    let mut statement = connection.prepare(&sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        writer.row(&into_annotation(row)?);
    }
    writer.end_table("annotations");
    let sql = format!("SELECT {SELECT_CLOSED} ORDER BY x.customer, x.asset");
    let mut statement = connection.prepare(&sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        writer.row(&into_closed(row)?);
    }
    writer.end_table("closed_assets");
    Ok(())
}
