//! Activities of public documents: rows and queries.

use super::build::{Definition, DumpTable};
use super::errors::SqlError;
use super::fold::Session;
use super::keyset::Listing;
use super::served::Query;
use super::table::{Added, Known, Slots, SqlRow, StoredRow, select, select_one};
use super::values::{Columns, Value};
use async_trait::async_trait;
use dlcs_domain::CustomerId;
use dlcs_migrations::read_models::POSTGRES_ACTIVITIES;
use dlcs_projections::activities::{
    self, Activities, ActivitiesTables, ActivityRow, ActivityStream, ResourceKey, ResourceRecord,
};
use dlcs_projections::dump::DumpWriter;
use dlcs_projections::projection::{DecodedEvent, FoldError, StoreError, Table};
use dlcs_projections::{Cursor, Page, PageRequest, QueryError};
use tokio_postgres::Row;

pub(super) static DEFINITION: Definition = Definition {
    name: activities::NAME,
    version: activities::VERSION,
    lock: 10,
    tables: POSTGRES_ACTIVITIES,
    begin: || Box::new(Tables::default()),
    dump: &[
        DumpTable::of::<ActivityStream>(),
        DumpTable::of::<ResourceRecord>(),
        DumpTable::of::<ActivityRow>(),
    ],
};

const LIST: &str = "activities";

struct Tables {
    streams: Known<ActivityStream>,
    resources: Known<ResourceRecord>,
    activities: Added<ActivityRow>,
}

impl Default for Tables {
    fn default() -> Self {
        let (streams, resources) = (Known::default(), Known::default());
        Self { streams, resources, activities: Added(Vec::new()) }
    }
}

impl ActivitiesTables for Tables {
    fn streams(&mut self) -> &mut impl Table<ActivityStream> {
        &mut self.streams
    }

    fn resources(&mut self) -> &mut impl Table<ResourceRecord> {
        &mut self.resources
    }

    fn add(&mut self, activity: ActivityRow) -> Result<(), StoreError> {
        self.activities.0.push(activity);
        Ok(())
    }
}

impl Session for Tables {
    fn apply(&mut self, event: &DecodedEvent) -> Result<(), FoldError> {
        for change in activities::project(&event.recorded, event.domain_events()?)? {
            activities::fold(change, self)?;
        }
        Ok(())
    }

    fn tables(&mut self) -> Vec<&mut dyn Slots> {
        vec![&mut self.streams, &mut self.resources, &mut self.activities]
    }
}

impl SqlRow for ActivityRow {
    const TABLE: &'static str = "activities";
    const COLUMNS: &'static [(&'static str, &'static str)] = &[
        ("customer", "bigint"),
        ("ordinal", "bigint"),
        ("activity", "text"),
        ("kind", "text"),
        ("resource", "text"),
        ("slug", "text"),
        ("former_slug", "text"),
        ("ended_at_us", "bigint"),
        ("position", "bigint"),
    ];
    const KEY: usize = 2;

    fn values(&self) -> Vec<Value> {
        vec![
            self.customer.into(),
            self.ordinal.into(),
            self.activity.as_str().into(),
            self.kind.as_str().into(),
            (&self.resource).into(),
            self.slug.as_ref().into(),
            self.former_slug.as_ref().into(),
            self.ended_at_us.into(),
            self.position.into(),
        ]
    }

    fn read(columns: &mut Columns<'_>) -> Result<Self, SqlError> {
        Ok(Self {
            customer: columns.customer()?,
            ordinal: columns.number()?,
            activity: columns.text()?.parse().map_err(SqlError::unreadable)?,
            kind: columns.text()?.parse().map_err(SqlError::unreadable)?,
            resource: columns.text()?,
            slug: columns.text_or_null()?,
            former_slug: columns.text_or_null()?,
            ended_at_us: columns.take()?,
            position: columns.number()?,
        })
    }

    fn dump(row: &Row, writer: &mut DumpWriter) -> Result<(), SqlError> {
        writer.row(&Self::read(&mut Columns::new(row))?);
        Ok(())
    }
}

impl SqlRow for ActivityStream {
    const TABLE: &'static str = "activity_streams";
    const COLUMNS: &'static [(&'static str, &'static str)] = &[
        ("customer", "bigint"),
        ("deleted", "boolean"),
        ("count", "bigint"),
        ("modified_at_us", "bigint"),
    ];
    const KEY: usize = 1;

    fn values(&self) -> Vec<Value> {
        let modified = self.modified_at_us.into();
        vec![self.customer.into(), self.deleted.into(), self.count.into(), modified]
    }

    fn read(columns: &mut Columns<'_>) -> Result<Self, SqlError> {
        Ok(Self {
            customer: columns.customer()?,
            deleted: columns.take()?,
            count: columns.number()?,
            modified_at_us: columns.take()?,
        })
    }

    fn dump(row: &Row, writer: &mut DumpWriter) -> Result<(), SqlError> {
        writer.row(&Self::read(&mut Columns::new(row))?);
        Ok(())
    }
}

impl StoredRow for ActivityStream {
    fn key_values(key: &CustomerId) -> Vec<Value> {
        vec![(*key).into()]
    }
}

impl SqlRow for ResourceRecord {
    const TABLE: &'static str = "activity_resources";
    const COLUMNS: &'static [(&'static str, &'static str)] = &[
        ("customer", "bigint"),
        ("kind", "text"),
        ("id", "text"),
        ("slug", "text"),
        ("public", "boolean"),
        ("deleted", "boolean"),
    ];
    const KEY: usize = 3;

    fn values(&self) -> Vec<Value> {
        let (kind, slug) = (self.kind.as_str().into(), self.slug.as_ref().into());
        let (public, deleted) = (self.public.into(), self.deleted.into());
        vec![self.customer.into(), kind, (&self.id).into(), slug, public, deleted]
    }

    fn read(columns: &mut Columns<'_>) -> Result<Self, SqlError> {
        Ok(Self {
            customer: columns.customer()?,
            kind: columns.text()?.parse().map_err(SqlError::unreadable)?,
            id: columns.text()?,
            slug: columns.text_or_null()?,
            public: columns.take()?,
            deleted: columns.take()?,
        })
    }

    fn dump(row: &Row, writer: &mut DumpWriter) -> Result<(), SqlError> {
        writer.row(&Self::read(&mut Columns::new(row))?);
        Ok(())
    }
}

impl StoredRow for ResourceRecord {
    fn key_values(key: &ResourceKey) -> Vec<Value> {
        vec![key.customer.into(), key.kind.as_str().into(), (&key.id).into()]
    }
}

#[async_trait]
impl Activities for Query {
    async fn stream(&self, customer: CustomerId) -> Result<Option<ActivityStream>, QueryError> {
        let key = ActivityStream::key_values(&customer);
        self.one(&select_one::<ActivityStream>(), &key, ActivityStream::read).await
    }

    async fn between(
        &self,
        customer: CustomerId,
        first: u64,
        end: u64,
    ) -> Result<Vec<ActivityRow>, QueryError> {
        let sql = format!(
            "{} WHERE t.customer = $1 AND t.ordinal >= $2 AND t.ordinal < $3 ORDER BY t.ordinal",
            select::<ActivityRow>()
        );
        let rows = self.looked_up(&sql, &[customer.into(), first.into(), end.into()]).await?;
        let rows = rows.iter().map(|row| ActivityRow::read(&mut Columns::new(row)));
        Ok(rows.collect::<Result<_, _>>()?)
    }

    async fn list(
        &self,
        customer: CustomerId,
        page: &PageRequest,
    ) -> Result<Page<ActivityRow>, QueryError> {
        let mut listing = Listing::of::<ActivityRow>(&["t.ordinal"]);
        listing.and_with("t.customer = ?", customer);
        if let Some(after) = &page.after {
            let ordinal: u64 = after.key(LIST)?;
            listing.after([ordinal.into()], page.direction);
        }
        let total = Some(self.stream(customer).await?.map_or(0, |it| it.count));
        let cursor = |row: &ActivityRow| Cursor::after(LIST, &row.ordinal);
        let page = listing.page(self, page, ActivityRow::read, cursor).await?;
        Ok(Page { total, ..page })
    }
}
