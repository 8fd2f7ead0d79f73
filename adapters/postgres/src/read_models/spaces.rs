//! Spaces and how much is in them: rows and queries.

use super::errors::SqlError;
use super::keyset::Listing;
use super::served::Query;
use super::table::{SqlRow, StoredRow};
use super::values::{Columns, Value, space_key};
use async_trait::async_trait;
use dlcs_domain::access::Principal;
use dlcs_domain::{CustomerId, SpaceId, SpaceNumber};
use dlcs_projections::dump::DumpWriter;
use dlcs_projections::scope;
use dlcs_projections::spaces::{SpaceCount, SpaceRecord, SpaceRow, Spaces, Stored};
use dlcs_projections::{Cursor, Page, PageRequest, QueryError};
use tokio_postgres::Row;

/// How many living assets the space `t` has.
const LIVING: &str = "coalesce((SELECT c.living FROM {schema}.space_counts AS c
    WHERE c.customer = t.customer AND c.space = t.space), 0)";
const BY_NAME: &str = "SELECT space FROM {schema}.spaces
    WHERE customer = $1 AND name_key = $2 AND NOT deleted";
const STORED: &str = "SELECT coalesce(sum(images), 0)::bigint,
        coalesce(sum(original_bytes), 0)::bigint, coalesce(sum(derivative_bytes), 0)::bigint,
        max(changed_at_us)
    FROM {schema}.space_counts WHERE customer = $1";
const LIST: &str = "spaces";

impl SqlRow for SpaceRecord {
    const TABLE: &'static str = "spaces";
    const COLUMNS: &'static [(&'static str, &'static str)] = &[
        ("customer", "bigint"),
        ("space", "bigint"),
        ("name", "text"),
        ("default_tags_json", "text"),
        ("default_roles_json", "text"),
        ("default_recognise_json", "text"),
        ("deleted", "boolean"),
        ("created_at_us", "bigint"),
        ("edit_revision", "bigint"),
        ("position", "bigint"),
        ("name_key", "text"),
    ];
    const KEY: usize = 2;

    fn values(&self) -> Vec<Value> {
        vec![
            self.id.customer.into(),
            self.id.space.0.into(),
            (&self.name).into(),
            Value::json(&self.default_tags),
            Value::json(&self.default_roles),
            Value::json(&self.default_recognise),
            self.deleted.into(),
            self.created_at_us.into(),
            self.edit_revision.into(),
            self.position.into(),
            (&self.name.to_lowercase()).into(),
        ]
    }

    fn read(columns: &mut Columns<'_>) -> Result<Self, SqlError> {
        Ok(Self {
            id: columns.space()?,
            name: columns.text()?,
            default_tags: columns.json()?,
            default_roles: columns.json()?,
            default_recognise: columns.json()?,
            deleted: columns.take()?,
            created_at_us: columns.take()?,
            edit_revision: columns.number()?,
            position: columns.number()?,
        })
    }

    fn dump(row: &Row, writer: &mut DumpWriter) -> Result<(), SqlError> {
        let mut columns = Columns::new(row);
        writer.row(&(Self::read(&mut columns)?, columns.text()?));
        Ok(())
    }
}

impl StoredRow for SpaceRecord {
    fn key_values(key: &SpaceId) -> Vec<Value> {
        space_key(*key)
    }
}

impl SqlRow for SpaceCount {
    const TABLE: &'static str = "space_counts";
    const COLUMNS: &'static [(&'static str, &'static str)] = &[
        ("customer", "bigint"),
        ("space", "bigint"),
        ("living", "bigint"),
        ("images", "bigint"),
        ("original_bytes", "bigint"),
        ("derivative_bytes", "bigint"),
        ("changed_at_us", "bigint"),
    ];
    const KEY: usize = 2;

    fn values(&self) -> Vec<Value> {
        vec![
            self.id.customer.into(),
            self.id.space.0.into(),
            self.living.into(),
            self.stored.images.into(),
            self.stored.original_bytes.into(),
            self.stored.derivative_bytes.into(),
            self.stored.changed_at_us.into(),
        ]
    }

    fn read(columns: &mut Columns<'_>) -> Result<Self, SqlError> {
        let (id, living) = (columns.space()?, columns.number()?);
        Ok(Self { id, living, stored: read_stored(columns)? })
    }

    fn dump(row: &Row, writer: &mut DumpWriter) -> Result<(), SqlError> {
        writer.row(&Self::read(&mut Columns::new(row))?);
        Ok(())
    }
}

impl StoredRow for SpaceCount {
    fn key_values(key: &SpaceId) -> Vec<Value> {
        space_key(*key)
    }
}

fn read_stored(columns: &mut Columns<'_>) -> Result<Stored, SqlError> {
    Ok(Stored {
        images: columns.number()?,
        original_bytes: columns.number()?,
        derivative_bytes: columns.number()?,
        changed_at_us: columns.take()?,
    })
}

/// Returns a list of spaces with their counts.
fn listing() -> Listing {
    Listing::of::<SpaceRecord>(&["t.space"]).with_column(LIVING)
}

fn read_counted(columns: &mut Columns<'_>) -> Result<SpaceRow, SqlError> {
    let record = SpaceRecord::read(columns)?;
    columns.skip(); // The key of the name.
    Ok(record.into_row(columns.number()?))
}

#[async_trait]
impl Spaces for Query {
    async fn space(
        &self,
        principal: &Principal,
        id: SpaceId,
    ) -> Result<Option<SpaceRow>, QueryError> {
        scope::management(principal, id.customer)?;
        let mut listing = listing();
        listing.and_with("t.customer = ?", id.customer);
        listing.and_with("t.space = ?", id.space.0);
        listing.only(self, read_counted).await
    }

    async fn number_by_name(
        &self,
        customer: CustomerId,
        name: &str,
    ) -> Result<Option<SpaceNumber>, QueryError> {
        let key = &name.to_lowercase();
        self.one(BY_NAME, &[customer.into(), key.into()], |it| it.small().map(SpaceNumber)).await
    }

    async fn list(
        &self,
        principal: &Principal,
        customer: CustomerId,
        page: &PageRequest,
    ) -> Result<Page<SpaceRow>, QueryError> {
        scope::management(principal, customer)?;
        let mut listing = listing();
        listing.and_with("t.customer = ?", customer);
        listing.and("NOT t.deleted");
        let total = Some(listing.count(self).await?);
        if let Some(after) = &page.after {
            let space: u32 = after.key(LIST)?;
            listing.after([space.into()], page.direction);
        }
        let cursor = |row: &SpaceRow| Cursor::after(LIST, &row.id.space.0);
        Ok(Page { total, ..listing.page(self, page, read_counted, cursor).await? })
    }

    async fn stored(
        &self,
        principal: &Principal,
        customer: CustomerId,
        space: Option<SpaceNumber>,
    ) -> Result<Stored, QueryError> {
        scope::management(principal, customer)?;
        let stored = match space {
            None => self.one(STORED, &[customer.into()], read_stored).await?,
            Some(space) => {
                let sql = format!("{STORED} AND space = $2");
                self.one(&sql, &[customer.into(), space.0.into()], read_stored).await?
            }
        };
        Ok(stored.unwrap_or_default())
    }
}
