//! Batches and their members: rows and queries.

use super::build::{Definition, DumpTable};
use super::errors::SqlError;
use super::fold::Session;
use super::keyset::Listing;
use super::served::Query;
use super::table::{Known, Slots, SqlRow, StoredRow, select_one};
use super::values::{Columns, Value, asset_key};
use async_trait::async_trait;
use dlcs_domain::access::Principal;
use dlcs_domain::batch::Queue;
use dlcs_domain::{AssetId, BatchId, CustomerId};
use dlcs_migrations::read_models::POSTGRES_BATCHES;
use dlcs_projections::batches::{
    self, BatchList, BatchRecord, BatchRow, Batches, BatchesTables, LIST, LIST_RECENT, Member,
    Outcome, Submitted, Waiting,
};
use dlcs_projections::dump::DumpWriter;
use dlcs_projections::projection::{DecodedEvent, FoldError, Table};
use dlcs_projections::scope;
use dlcs_projections::{Page, PageRequest, QueryError};
use tokio_postgres::Row;

pub(super) static DEFINITION: Definition = Definition {
    name: batches::NAME,
    version: batches::VERSION,
    lock: 2,
    tables: POSTGRES_BATCHES,
    begin: || Box::new(Tables::default()),
    dump: &[DumpTable::of::<BatchRecord>(), DumpTable::of::<Member>()],
};

const WAITING: &str = "SELECT count(*) FILTER (WHERE submitted_position IS NOT NULL
            AND (submitted_count = 0 OR gone < submitted_count)),
        coalesce(sum(pending), 0)::bigint
    FROM {schema}.batches WHERE customer = $1 AND queue = $2 AND finished_at_us IS NULL";

#[derive(Default)]
pub(super) struct Tables {
    pub(super) batches: Known<BatchRecord>,
    pub(super) members: Known<Member>,
}

impl BatchesTables for Tables {
    fn batches(&mut self) -> &mut impl Table<BatchRecord> {
        &mut self.batches
    }

    fn members(&mut self) -> &mut impl Table<Member> {
        &mut self.members
    }
}

impl Session for Tables {
    fn apply(&mut self, event: &DecodedEvent) -> Result<(), FoldError> {
        for change in batches::project(&event.recorded, event.domain_events()?)? {
            batches::fold(change, self)?;
        }
        Ok(())
    }

    fn tables(&mut self) -> Vec<&mut dyn Slots> {
        vec![&mut self.batches, &mut self.members]
    }
}

impl SqlRow for BatchRecord {
    const TABLE: &'static str = "batches";
    const COLUMNS: &'static [(&'static str, &'static str)] = &[
        ("customer", "bigint"),
        ("id", "uuid"),
        ("queue", "text"),
        ("submitted_count", "bigint"),
        ("submitted_at_us", "bigint"),
        ("submitted_position", "bigint"),
        ("joined", "bigint"),
        ("pending", "bigint"),
        ("completed", "bigint"),
        ("errors", "bigint"),
        ("gone", "bigint"),
        ("finished_at_us", "bigint"),
        ("position", "bigint"),
    ];
    const KEY: usize = 2;

    fn values(&self) -> Vec<Value> {
        vec![
            self.customer.into(),
            self.id.0.into(),
            self.queue.as_str().into(),
            self.submitted.map(|it| it.count).into(),
            self.submitted.map(|it| it.at_us).into(),
            self.submitted.map(|it| it.position).into(),
            self.joined.into(),
            self.pending.into(),
            self.completed.into(),
            self.errors.into(),
            self.gone.into(),
            self.finished_at_us.into(),
            self.position.into(),
        ]
    }

    fn read(columns: &mut Columns<'_>) -> Result<Self, SqlError> {
        Ok(Self {
            customer: columns.customer()?,
            id: BatchId(columns.take()?),
            queue: Queue::of(columns.take()?),
            submitted: read_submitted(columns)?,
            joined: columns.number()?,
            pending: columns.number()?,
            completed: columns.number()?,
            errors: columns.number()?,
            gone: columns.number()?,
            finished_at_us: columns.take()?,
            position: columns.number()?,
        })
    }

    fn dump(row: &Row, writer: &mut DumpWriter) -> Result<(), SqlError> {
        writer.row(&Self::read(&mut Columns::new(row))?);
        Ok(())
    }
}

fn read_submitted(columns: &mut Columns<'_>) -> Result<Option<Submitted>, SqlError> {
    let count = columns.number_or_null()?;
    let at_us = columns.take()?;
    let position = columns.number_or_null()?;
    let submitted = |(count, (at_us, position))| Submitted { count, at_us, position };
    Ok(count.zip(Option::zip(at_us, position)).map(submitted))
}

impl StoredRow for BatchRecord {
    fn key_values((customer, id): &(CustomerId, BatchId)) -> Vec<Value> {
        vec![(*customer).into(), id.0.into()]
    }
}

impl SqlRow for Member {
    const TABLE: &'static str = "members";
    const COLUMNS: &'static [(&'static str, &'static str)] = &[
        ("customer", "bigint"),
        ("space", "bigint"),
        ("name", "text"),
        ("batch", "uuid"),
        ("attempt", "bigint"),
        ("outcome", "smallint"),
    ];
    const KEY: usize = 3;

    fn values(&self) -> Vec<Value> {
        let outcome = match self.outcome {
            Outcome::Pending => 0_i16,
            Outcome::Completed => 1,
            Outcome::Failed => 2,
        };
        let mut values = asset_key(&self.asset);
        values.extend([self.batch.0.into(), self.attempt.into(), outcome.into()]);
        values
    }

    fn read(columns: &mut Columns<'_>) -> Result<Self, SqlError> {
        Ok(Self {
            asset: columns.asset()?,
            batch: BatchId(columns.take()?),
            attempt: columns.small()?,
            outcome: match columns.take::<i16>()? {
                0 => Outcome::Pending,
                1 => Outcome::Completed,
                2 => Outcome::Failed,
                other => return Err(SqlError::unknown_code(other)),
            },
        })
    }

    fn dump(row: &Row, writer: &mut DumpWriter) -> Result<(), SqlError> {
        writer.row(&Self::read(&mut Columns::new(row))?);
        Ok(())
    }
}

impl StoredRow for Member {
    fn key_values(key: &AssetId) -> Vec<Value> {
        asset_key(key)
    }
}

#[async_trait]
impl Batches for Query {
    async fn batch(
        &self,
        principal: &Principal,
        customer: CustomerId,
        id: BatchId,
    ) -> Result<Option<BatchRow>, QueryError> {
        scope::management(principal, customer)?;
        let key = [customer.into(), id.0.into()];
        let batch = self.one(&select_one::<BatchRecord>(), &key, BatchRecord::read).await?;
        Ok(batch.and_then(BatchRecord::into_row))
    }

    async fn list(
        &self,
        principal: &Principal,
        customer: CustomerId,
        which: BatchList,
        page: &PageRequest,
    ) -> Result<Page<BatchRow>, QueryError> {
        scope::management(principal, customer)?;
        let mut listing = Listing::of::<BatchRecord>(match which {
            BatchList::All | BatchList::Active => &["t.submitted_position"],
            BatchList::Recent => &["t.finished_at_us", "t.submitted_position"],
        });
        listing.and_with("t.customer = ?", customer);
        listing.and("t.submitted_position IS NOT NULL");
        match which {
            BatchList::All => {}
            BatchList::Active => listing.and("t.finished_at_us IS NULL"),
            BatchList::Recent => listing.and("t.finished_at_us IS NOT NULL"),
        }
        if which != BatchList::All {
            listing.and("(t.submitted_count = 0 OR t.gone < t.submitted_count)");
        }
        let total = Some(listing.count(self).await?);
        match (&page.after, which) {
            (None, _) => {}
            (Some(after), BatchList::Recent) => {
                let (finished, position): (i64, u64) = after.key(LIST_RECENT)?;
                listing.after([finished.into(), position.into()], page.direction);
            }
            (Some(after), _) => {
                let position: u64 = after.key(LIST)?;
                listing.after([position.into()], page.direction);
            }
        }
        let cursor = |row: &BatchRecord| row.cursor(which);
        let page = listing.page(self, page, BatchRecord::read, cursor).await?;
        let row = |record: BatchRecord| record.into_row().expect("submitted, as the list asks");
        Ok(Page { total, ..page.map(row) })
    }

    async fn waiting(
        &self,
        principal: &Principal,
        customer: CustomerId,
        queue: Queue,
    ) -> Result<Waiting, QueryError> {
        scope::management(principal, customer)?;
        let key = [customer.into(), queue.as_str().into()];
        let waiting = self
            .one(WAITING, &key, |it| Ok(Waiting { batches: it.number()?, images: it.number()? }));
        Ok(waiting.await?.unwrap_or_default())
    }
}
