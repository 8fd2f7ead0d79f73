//! Activities of public documents: rows and queries.

use super::file::{Definition, Session};
use super::keyset::{Listing, signed};
use super::served::Query;
use super::table::{SqlRow, SqlTable};
use super::values::{store_error, unreadable};
use async_trait::async_trait;
use dlcs_domain::CustomerId;
use dlcs_migrations::read_models::SQLITE_ACTIVITIES;
use dlcs_projections::activities::{
    self, Activities, ActivitiesTables, ActivityRow, ActivityStream, ResourceKey, ResourceRecord,
};
use dlcs_projections::dump::DumpWriter;
use dlcs_projections::projection::{DecodedEvent, FoldError, StoreError, Table};
use dlcs_projections::{Cursor, Page, PageRequest, QueryError};
use rusqlite::{Connection, OptionalExtension, Row, params};
use std::str::FromStr;

pub(super) static DEFINITION: Definition = Definition {
    name: activities::NAME,
    version: activities::VERSION,
    application_id: 0x444c_5241, // "DLRA".
    migrations: SQLITE_ACTIVITIES,
    begin: |connection| {
        let (streams, resources) = (SqlTable::new(connection), SqlTable::new(connection));
        Box::new(Tables { streams, resources, connection })
    },
    dump,
};

const SELECT: &str = "customer, ordinal, activity, kind, resource, slug, former_slug, ended_at_us,
    position FROM activities";
const SELECT_STREAM: &str = "customer, deleted, count, modified_at_us FROM activity_streams";
const SELECT_RESOURCE: &str = "customer, kind, id, slug, public, deleted FROM activity_resources";
const LIST: &str = "activities";

struct Tables<'c> {
    streams: SqlTable<'c, ActivityStream>,
    resources: SqlTable<'c, ResourceRecord>,
    /// Activities are only ever added: nothing to keep in mind.
    connection: &'c Connection,
}

impl ActivitiesTables for Tables<'_> {
    fn streams(&mut self) -> &mut impl Table<ActivityStream> {
        &mut self.streams
    }

    fn resources(&mut self) -> &mut impl Table<ResourceRecord> {
        &mut self.resources
    }

    fn add(&mut self, activity: ActivityRow) -> Result<(), StoreError> {
        insert(self.connection, &activity).map_err(|error| store_error(&error))
    }
}

impl Session for Tables<'_> {
    fn apply(&mut self, event: &DecodedEvent) -> Result<(), FoldError> {
        for change in activities::project(&event.recorded, event.domain_events()?)? {
            activities::fold(change, self)?;
        }
        Ok(())
    }

    fn flush(self: Box<Self>) -> Result<(), StoreError> {
        self.streams.flush()?;
        self.resources.flush()
    }
}

fn insert(connection: &Connection, row: &ActivityRow) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO activities
             (customer, ordinal, activity, kind, resource, slug, former_slug, ended_at_us, position)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?;
    statement.execute(params![
        row.customer.0,
        row.ordinal,
        row.activity.as_str(),
        row.kind.as_str(),
        row.resource,
        row.slug,
        row.former_slug,
        row.ended_at_us,
        row.position,
    ])?;
    Ok(())
}

fn into_row(row: &Row<'_>) -> rusqlite::Result<ActivityRow> {
    Ok(ActivityRow {
        customer: CustomerId(row.get("customer")?),
        ordinal: row.get("ordinal")?,
        activity: parsed(row, "activity")?,
        kind: parsed(row, "kind")?,
        resource: row.get("resource")?,
        slug: row.get("slug")?,
        former_slug: row.get("former_slug")?,
        ended_at_us: row.get("ended_at_us")?,
        position: row.get("position")?,
    })
}

fn parsed<T>(row: &Row<'_>, column: &str) -> rusqlite::Result<T>
where
    T: FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    row.get_ref(column)?.as_str()?.parse().map_err(unreadable)
}

fn into_stream(row: &Row<'_>) -> rusqlite::Result<ActivityStream> {
    Ok(ActivityStream {
        customer: CustomerId(row.get("customer")?),
        deleted: row.get("deleted")?,
        count: row.get("count")?,
        modified_at_us: row.get("modified_at_us")?,
    })
}

impl SqlRow for ActivityStream {
    fn load(connection: &Connection, key: &CustomerId) -> rusqlite::Result<Option<Self>> {
        let sql = format!("SELECT {SELECT_STREAM} WHERE customer = ?1");
        connection.prepare_cached(&sql)?.query_row([key.0], into_stream).optional()
    }

    fn store(&self, connection: &Connection, _: Option<&Self>) -> rusqlite::Result<()> {
        let sql = "REPLACE INTO activity_streams (customer, deleted, count, modified_at_us)
            VALUES (?1, ?2, ?3, ?4)";
        let row = params![self.customer.0, self.deleted, self.count, self.modified_at_us];
        connection.prepare_cached(sql)?.execute(row).map(drop)
    }

    fn delete(&self, connection: &Connection) -> rusqlite::Result<()> {
        let sql = "DELETE FROM activity_streams WHERE customer = ?1";
        connection.execute(sql, [self.customer.0]).map(drop)
    }
}

fn into_resource(row: &Row<'_>) -> rusqlite::Result<ResourceRecord> {
    Ok(ResourceRecord {
        customer: CustomerId(row.get("customer")?),
        kind: parsed(row, "kind")?,
        id: row.get("id")?,
        slug: row.get("slug")?,
        public: row.get("public")?,
        deleted: row.get("deleted")?,
    })
}

impl SqlRow for ResourceRecord {
    fn load(connection: &Connection, key: &ResourceKey) -> rusqlite::Result<Option<Self>> {
        let sql = format!("SELECT {SELECT_RESOURCE} WHERE customer = ?1 AND kind = ?2 AND id = ?3");
        let key = (key.customer.0, key.kind.as_str(), &key.id);
        connection.prepare_cached(&sql)?.query_row(key, into_resource).optional()
    }

    fn store(&self, connection: &Connection, _: Option<&Self>) -> rusqlite::Result<()> {
        let sql = "REPLACE INTO activity_resources (customer, kind, id, slug, public, deleted)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        let (customer, kind) = (self.customer.0, self.kind.as_str());
        let row = params![customer, kind, self.id, self.slug, self.public, self.deleted];
        connection.prepare_cached(sql)?.execute(row).map(drop)
    }

    fn delete(&self, connection: &Connection) -> rusqlite::Result<()> {
        let sql = "DELETE FROM activity_resources WHERE customer = ?1 AND kind = ?2 AND id = ?3";
        connection.execute(sql, (self.customer.0, self.kind.as_str(), &self.id)).map(drop)
    }
}

fn dump(connection: &Connection, writer: &mut DumpWriter) -> rusqlite::Result<()> {
    let sql = format!("SELECT {SELECT_STREAM} ORDER BY customer");
    let mut statement = connection.prepare(&sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        writer.row(&into_stream(row)?);
    }
    writer.end_table("activity_streams");
    let sql = format!("SELECT {SELECT_RESOURCE} ORDER BY customer, kind, id");
    let mut statement = connection.prepare(&sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        writer.row(&into_resource(row)?);
    }
    writer.end_table("activity_resources");
    let sql = format!("SELECT {SELECT} ORDER BY customer, ordinal");
    let mut statement = connection.prepare(&sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        writer.row(&into_row(row)?);
    }
    writer.end_table("activities");
    Ok(())
}

#[async_trait]
impl Activities for Query {
    async fn stream(&self, customer: CustomerId) -> Result<Option<ActivityStream>, QueryError> {
        self.run(move |it| ActivityStream::load(it, &customer)).await
    }

    async fn between(
        &self,
        customer: CustomerId,
        first: u64,
        end: u64,
    ) -> Result<Vec<ActivityRow>, QueryError> {
        let sql = format!(
            "SELECT {SELECT} WHERE customer = ?1 AND ordinal >= ?2 AND ordinal < ?3 ORDER BY ordinal"
        );
        let between = (customer.0, signed(first), signed(end));
        self.run(move |it| it.prepare_cached(&sql)?.query_map(between, into_row)?.collect()).await
    }

    async fn list(
        &self,
        customer: CustomerId,
        page: &PageRequest,
    ) -> Result<Page<ActivityRow>, QueryError> {
        let mut listing = Listing::new(SELECT, &["ordinal"]);
        listing.and_with("customer = ?", customer.0);
        if let Some(after) = &page.after {
            listing.after([signed(after.key(LIST)?)], page.direction);
        }
        let page = page.clone();
        self.run(move |it| {
            let total = ActivityStream::load(it, &customer)?.map_or(0, |it| it.count);
            let cursor = |row: &ActivityRow| Cursor::after(LIST, &row.ordinal);
            let page = listing.page(it, &page, into_row, cursor)?;
            Ok(Page { total: Some(total), ..page })
        })
        .await
    }
}
