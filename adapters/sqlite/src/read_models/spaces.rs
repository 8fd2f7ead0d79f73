//! Spaces and how much is in them: rows and queries.

use super::keyset::Listing;
use super::served::Query;
use super::table::SqlRow;
use super::values::{json, to_json};
use async_trait::async_trait;
use dlcs_domain::access::Principal;
use dlcs_domain::{CustomerId, SpaceId, SpaceNumber};
use dlcs_projections::dump::DumpWriter;
use dlcs_projections::scope;
use dlcs_projections::spaces::{SpaceCount, SpaceRecord, SpaceRow, Spaces, Stored};
use dlcs_projections::{Cursor, Page, PageRequest, QueryError};
use rusqlite::{Connection, OptionalExtension, Row, params};

const COLUMNS: &str = "customer, space, name, default_tags_json, default_roles_json,
    default_recognise_json, deleted, created_at_us, edit_revision, position";
const SELECT: &str = "customer, space, name, default_tags_json, default_roles_json,
    default_recognise_json, deleted, created_at_us, edit_revision, position,
    coalesce((SELECT living FROM space_counts AS c
              WHERE c.customer = spaces.customer AND c.space = spaces.space), 0) AS living
    FROM spaces";
const COUNTS: &str = "customer, space, living, images, original_bytes, derivative_bytes,
    changed_at_us FROM space_counts";
const LIST: &str = "spaces";

fn into_id(row: &Row<'_>) -> rusqlite::Result<SpaceId> {
    let customer = CustomerId(row.get("customer")?);
    Ok(SpaceId { customer, space: SpaceNumber(row.get("space")?) })
}

fn into_space(row: &Row<'_>) -> rusqlite::Result<SpaceRecord> {
    Ok(SpaceRecord {
        id: into_id(row)?,
        name: row.get("name")?,
        default_tags: json(row, "default_tags_json")?,
        default_roles: json(row, "default_roles_json")?,
        default_recognise: json(row, "default_recognise_json")?,
        deleted: row.get("deleted")?,
        created_at_us: row.get("created_at_us")?,
        edit_revision: row.get("edit_revision")?,
        position: row.get("position")?,
    })
}

fn into_count(row: &Row<'_>) -> rusqlite::Result<SpaceCount> {
    let stored = Stored {
        images: row.get("images")?,
        original_bytes: row.get("original_bytes")?,
        derivative_bytes: row.get("derivative_bytes")?,
        changed_at_us: row.get("changed_at_us")?,
    };
    Ok(SpaceCount { id: into_id(row)?, living: row.get("living")?, stored })
}

fn into_counted(row: &Row<'_>) -> rusqlite::Result<SpaceRow> {
    Ok(into_space(row)?.into_row(row.get("living")?))
}

impl SqlRow for SpaceRecord {
    fn load(connection: &Connection, key: &SpaceId) -> rusqlite::Result<Option<Self>> {
        let sql = format!("SELECT {COLUMNS} FROM spaces WHERE customer = ?1 AND space = ?2");
        let key = (key.customer.0, key.space.0);
        connection.prepare_cached(&sql)?.query_row(key, into_space).optional()
    }

    fn store(&self, connection: &Connection, _: Option<&Self>) -> rusqlite::Result<()> {
        let mut statement = connection.prepare_cached(
            "REPLACE INTO spaces
                 (customer, space, name, name_key, default_tags_json, default_roles_json,
                  default_recognise_json, deleted, created_at_us, edit_revision, position)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        )?;
        statement.execute(params![
            self.id.customer.0,
            self.id.space.0,
            self.name,
            self.name.to_lowercase(),
            to_json(&self.default_tags),
            to_json(&self.default_roles),
            to_json(&self.default_recognise),
            self.deleted,
            self.created_at_us,
            self.edit_revision,
            self.position,
        ])?;
        Ok(())
    }

    fn delete(&self, connection: &Connection) -> rusqlite::Result<()> {
        let key = (self.id.customer.0, self.id.space.0);
        connection.execute("DELETE FROM spaces WHERE customer = ?1 AND space = ?2", key).map(drop)
    }
}

impl SqlRow for SpaceCount {
    fn load(connection: &Connection, key: &SpaceId) -> rusqlite::Result<Option<Self>> {
        let sql = format!("SELECT {COUNTS} WHERE customer = ?1 AND space = ?2");
        let key = (key.customer.0, key.space.0);
        connection.prepare_cached(&sql)?.query_row(key, into_count).optional()
    }

    fn store(&self, connection: &Connection, _: Option<&Self>) -> rusqlite::Result<()> {
        let mut statement = connection.prepare_cached(
            "REPLACE INTO space_counts
                 (customer, space, living, images, original_bytes, derivative_bytes, changed_at_us)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?;
        statement.execute(params![
            self.id.customer.0,
            self.id.space.0,
            self.living,
            self.stored.images,
            self.stored.original_bytes,
            self.stored.derivative_bytes,
            self.stored.changed_at_us,
        ])?;
        Ok(())
    }

    fn delete(&self, connection: &Connection) -> rusqlite::Result<()> {
        let key = (self.id.customer.0, self.id.space.0);
        let sql = "DELETE FROM space_counts WHERE customer = ?1 AND space = ?2";
        connection.execute(sql, key).map(drop)
    }
}

pub(super) fn dump(connection: &Connection, writer: &mut DumpWriter) -> rusqlite::Result<()> {
    let sql = format!("SELECT name_key, {COLUMNS} FROM spaces ORDER BY customer, space");
    let mut statement = connection.prepare(&sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        writer.row(&(into_space(row)?, row.get::<_, String>("name_key")?));
    }
    writer.end_table("spaces");
    let sql = format!("SELECT {COUNTS} ORDER BY customer, space");
    let mut statement = connection.prepare(&sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        writer.row(&into_count(row)?);
    }
    writer.end_table("space_counts");
    Ok(())
}

#[async_trait]
impl Spaces for Query {
    async fn space(
        &self,
        principal: &Principal,
        id: SpaceId,
    ) -> Result<Option<SpaceRow>, QueryError> {
        scope::management(principal, id.customer)?;
        self.run(move |it| {
            let sql = format!("SELECT {SELECT} WHERE customer = ?1 AND space = ?2");
            let key = (id.customer.0, id.space.0);
            it.prepare_cached(&sql)?.query_row(key, into_counted).optional()
        })
        .await
    }

    async fn number_by_name(
        &self,
        customer: CustomerId,
        name: &str,
    ) -> Result<Option<SpaceNumber>, QueryError> {
        let key = name.to_lowercase();
        self.run(move |it| {
            let sql = "SELECT space FROM spaces
                       WHERE customer = ?1 AND name_key = ?2 AND deleted = 0";
            it.prepare_cached(sql)?
                .query_row((customer.0, key), |row| row.get(0).map(SpaceNumber))
                .optional()
        })
        .await
    }

    async fn list(
        &self,
        principal: &Principal,
        customer: CustomerId,
        page: &PageRequest,
    ) -> Result<Page<SpaceRow>, QueryError> {
        scope::management(principal, customer)?;
        let mut listing = Listing::new(SELECT, &["space"]);
        listing.and_with("customer = ?", customer.0);
        listing.and("deleted = 0");
        let whole = listing.clone();
        if let Some(after) = &page.after {
            let space: u32 = after.key(LIST)?;
            listing.after([space.into()], page.direction);
        }
        let page = page.clone();
        self.run(move |it| {
            let cursor = |row: &SpaceRow| Cursor::after(LIST, &row.id.space.0);
            let total = Some(whole.count(it)?);
            Ok(Page { total, ..listing.page(it, &page, into_counted, cursor)? })
        })
        .await
    }

    async fn stored(
        &self,
        principal: &Principal,
        customer: CustomerId,
        space: Option<SpaceNumber>,
    ) -> Result<Stored, QueryError> {
        scope::management(principal, customer)?;
        self.run(move |it| {
            let mut statement = it.prepare_cached(
                "SELECT coalesce(sum(images), 0), coalesce(sum(original_bytes), 0),
                    coalesce(sum(derivative_bytes), 0), max(changed_at_us)
                 FROM space_counts WHERE customer = ?1 AND (?2 IS NULL OR space = ?2)",
            )?;
            statement.query_row((customer.0, space.map(|it| it.0)), |row| {
                Ok(Stored {
                    images: row.get(0)?,
                    original_bytes: row.get(1)?,
                    derivative_bytes: row.get(2)?,
                    changed_at_us: row.get(3)?,
                })
            })
        })
        .await
    }
}
