//! The texts of assets: rows and queries.

use super::assets::into_id;
use super::file::{Definition, Session};
use super::served::Query;
use super::table::{SqlRow, SqlTable};
use super::values::{json, json_or_null, to_json};
use async_trait::async_trait;
use dlcs_domain::AssetId;
use dlcs_domain::access::Principal;
use dlcs_migrations::read_models::SQLITE_PAGE_TEXT;
use dlcs_projections::QueryError;
use dlcs_projections::dump::DumpWriter;
use dlcs_projections::page_text::{self, PageTextRecord, PageTextRow, PageTexts};
use dlcs_projections::projection::{DecodedEvent, FoldError, StoreError};
use rusqlite::{Connection, OptionalExtension, Row, params};

pub(super) static DEFINITION: Definition = Definition {
    name: page_text::NAME,
    version: page_text::VERSION,
    application_id: 0x444c_5236, // "DLR6".
    migrations: SQLITE_PAGE_TEXT,
    begin: |connection| Box::new(Texts(SqlTable::new(connection))),
    dump,
};

const LOAD: &str = "
    SELECT customer, space, name, generation, deleted, roles_json, ingest_attempt, image_json,
           state_json, modified_at_us, edit_revision, position
    FROM page_texts WHERE customer = ?1 AND space = ?2 AND name = ?3";

struct Texts<'c>(SqlTable<'c, PageTextRecord>);

impl Session for Texts<'_> {
    fn apply(&mut self, event: &DecodedEvent) -> Result<(), FoldError> {
        for change in page_text::project(&event.recorded, event.domain_events()?)? {
            page_text::fold(change, &mut self.0)?;
        }
        Ok(())
    }

    fn flush(self: Box<Self>) -> Result<(), StoreError> {
        self.0.flush()
    }
}

fn into_record(row: &Row<'_>) -> rusqlite::Result<PageTextRecord> {
    Ok(PageTextRecord {
        id: into_id(row)?,
        generation: row.get("generation")?,
        is_deleted: row.get("deleted")?,
        roles: json(row, "roles_json")?,
        ingest_attempt: row.get("ingest_attempt")?,
        image: json_or_null(row, "image_json")?,
        state: json_or_null(row, "state_json")?.unwrap_or_default(),
        modified_at_us: row.get("modified_at_us")?,
        edit_revision: row.get("edit_revision")?,
        position: row.get("position")?,
    })
}

impl SqlRow for PageTextRecord {
    fn load(connection: &Connection, key: &AssetId) -> rusqlite::Result<Option<Self>> {
        let key = (key.customer().0, key.space().space.0, key.name());
        connection.prepare_cached(LOAD)?.query_row(key, into_record).optional()
    }

    fn store(&self, connection: &Connection, _: Option<&Self>) -> rusqlite::Result<()> {
        let mut statement = connection.prepare_cached(
            "REPLACE INTO page_texts
                 (customer, space, name, generation, deleted, roles_json, ingest_attempt,
                  image_json, state_json, modified_at_us, edit_revision, position)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        )?;
        let state = Some(&self.state).filter(|it| !it.is_empty());
        statement.execute(params![
            self.id.customer().0,
            self.id.space().space.0,
            self.id.name(),
            self.generation,
            self.is_deleted,
            to_json(&self.roles),
            self.ingest_attempt,
            self.image.as_ref().map(to_json),
            state.map(to_json),
            self.modified_at_us,
            self.edit_revision,
            self.position,
        ])?;
        Ok(())
    }

    fn delete(&self, connection: &Connection) -> rusqlite::Result<()> {
        let key = (self.id.customer().0, self.id.space().space.0, self.id.name());
        let sql = "DELETE FROM page_texts WHERE customer = ?1 AND space = ?2 AND name = ?3";
        connection.execute(sql, key).map(drop)
    }
}

fn dump(connection: &Connection, writer: &mut DumpWriter) -> rusqlite::Result<()> {
    let sql = "SELECT * FROM page_texts ORDER BY customer, space, name";
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        writer.row(&into_record(row)?);
    }
    writer.end_table("page_texts");
    Ok(())
}

#[async_trait]
impl PageTexts for Query {
    async fn page_text(
        &self,
        principal: &Principal,
        id: &AssetId,
    ) -> Result<Option<PageTextRow>, QueryError> {
        let id = id.clone();
        let record = self.run(move |it| PageTextRecord::load(it, &id)).await?;
        page_text::answered(record, principal)
    }

    async fn of_assets(
        &self,
        principal: &Principal,
        ids: &[AssetId],
    ) -> Result<Vec<PageTextRow>, QueryError> {
        let ids = ids.to_vec();
        let records = self
            .run(move |it| {
                let mut found = Vec::with_capacity(ids.len());
                for id in &ids {
                    found.extend(PageTextRecord::load(it, id)?);
                }
                Ok(found)
            })
            .await?;
        Ok(page_text::visible(records, principal))
    }
}
