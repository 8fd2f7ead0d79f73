//! Batches and their members: rows and queries.

use super::assets::into_id;
use super::file::{Definition, Session};
use super::keyset::{Listing, signed};
use super::served::Query;
use super::table::{SqlRow, SqlTable};
use super::values::{unknown_code, uuid};
use async_trait::async_trait;
use dlcs_domain::access::Principal;
use dlcs_domain::batch::Queue;
use dlcs_domain::{AssetId, BatchId, CustomerId};
use dlcs_migrations::read_models::SQLITE_BATCHES;
use dlcs_projections::batches::{
    self, BatchList, BatchRecord, BatchRow, Batches, BatchesTables, LIST, LIST_RECENT, Member,
    Outcome, Submitted, Waiting,
};
use dlcs_projections::dump::DumpWriter;
use dlcs_projections::projection::{DecodedEvent, FoldError, StoreError, Table};
use dlcs_projections::scope;
use dlcs_projections::{Page, PageRequest, QueryError};
use rusqlite::{Connection, OptionalExtension, Row, params};

pub(super) static DEFINITION: Definition = Definition {
    name: batches::NAME,
    version: batches::VERSION,
    application_id: 0x444c_5232, // "DLR2".
    migrations: SQLITE_BATCHES,
    begin: |connection| {
        let (batches, members) = (SqlTable::new(connection), SqlTable::new(connection));
        Box::new(Tables { batches, members })
    },
    dump,
};

const SELECT: &str =
    "customer, id, queue, submitted_count, submitted_at_us, submitted_position, joined,
    pending, completed, errors, gone, finished_at_us, position FROM batches";
const SELECT_MEMBER: &str = "customer, space, name, batch, attempt, outcome FROM members";

struct Tables<'c> {
    batches: SqlTable<'c, BatchRecord>,
    members: SqlTable<'c, Member>,
}

impl BatchesTables for Tables<'_> {
    fn batches(&mut self) -> &mut impl Table<BatchRecord> {
        &mut self.batches
    }

    fn members(&mut self) -> &mut impl Table<Member> {
        &mut self.members
    }
}

impl Session for Tables<'_> {
    fn apply(&mut self, event: &DecodedEvent) -> Result<(), FoldError> {
        for change in batches::project(&event.recorded, event.domain_events()?)? {
            batches::fold(change, self)?;
        }
        Ok(())
    }

    fn flush(self: Box<Self>) -> Result<(), StoreError> {
        self.batches.flush()?;
        self.members.flush()
    }
}

fn into_batch(row: &Row<'_>) -> rusqlite::Result<BatchRecord> {
    let count: Option<u64> = row.get("submitted_count")?;
    let submitted = match count {
        None => None,
        Some(count) => Some(Submitted {
            count,
            at_us: row.get("submitted_at_us")?,
            position: row.get("submitted_position")?,
        }),
    };
    Ok(BatchRecord {
        customer: CustomerId(row.get("customer")?),
        id: BatchId(uuid(row.get("id")?)),
        queue: Queue::of(&row.get::<_, String>("queue")?),
        submitted,
        joined: row.get("joined")?,
        pending: row.get("pending")?,
        completed: row.get("completed")?,
        errors: row.get("errors")?,
        gone: row.get("gone")?,
        finished_at_us: row.get("finished_at_us")?,
        position: row.get("position")?,
    })
}

fn into_member(row: &Row<'_>) -> rusqlite::Result<Member> {
    let outcome = match row.get("outcome")? {
        0 => Outcome::Pending,
        1 => Outcome::Completed,
        2 => Outcome::Failed,
        other => return Err(unknown_code(other)),
    };
    let batch = BatchId(uuid(row.get("batch")?));
    Ok(Member { asset: into_id(row)?, batch, attempt: row.get("attempt")?, outcome })
}

fn load(
    connection: &Connection,
    customer: CustomerId,
    id: BatchId,
) -> rusqlite::Result<Option<BatchRecord>> {
    let sql = format!("SELECT {SELECT} WHERE customer = ?1 AND id = ?2");
    let key = (customer.0, id.0.as_bytes());
    connection.prepare_cached(&sql)?.query_row(key, into_batch).optional()
}

impl SqlRow for BatchRecord {
    fn load(
        connection: &Connection,
        (customer, id): &(CustomerId, BatchId),
    ) -> rusqlite::Result<Option<Self>> {
        load(connection, *customer, *id)
    }

    fn store(&self, connection: &Connection, _: Option<&Self>) -> rusqlite::Result<()> {
        let mut statement = connection.prepare_cached(
            "REPLACE INTO batches
                 (customer, id, queue, submitted_count, submitted_at_us, submitted_position, joined,
                  pending, completed, errors, gone, finished_at_us, position)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
        )?;
        statement.execute(params![
            self.customer.0,
            self.id.0.as_bytes(),
            self.queue.as_str(),
            self.submitted.map(|it| it.count),
            self.submitted.map(|it| it.at_us),
            self.submitted.map(|it| it.position),
            self.joined,
            self.pending,
            self.completed,
            self.errors,
            self.gone,
            self.finished_at_us,
            self.position,
        ])?;
        Ok(())
    }

    fn delete(&self, connection: &Connection) -> rusqlite::Result<()> {
        let key = (self.customer.0, self.id.0.as_bytes());
        connection.execute("DELETE FROM batches WHERE customer = ?1 AND id = ?2", key).map(drop)
    }
}

impl SqlRow for Member {
    fn load(connection: &Connection, key: &AssetId) -> rusqlite::Result<Option<Self>> {
        let sql =
            format!("SELECT {SELECT_MEMBER} WHERE customer = ?1 AND space = ?2 AND name = ?3");
        let key = (key.customer().0, key.space().space.0, key.name());
        connection.prepare_cached(&sql)?.query_row(key, into_member).optional()
    }

    fn store(&self, connection: &Connection, _: Option<&Self>) -> rusqlite::Result<()> {
        let outcome = match self.outcome {
            Outcome::Pending => 0,
            Outcome::Completed => 1,
            Outcome::Failed => 2,
        };
        let mut statement = connection.prepare_cached(
            "REPLACE INTO members (customer, space, name, batch, attempt, outcome)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?;
        statement.execute(params![
            self.asset.customer().0,
            self.asset.space().space.0,
            self.asset.name(),
            self.batch.0.as_bytes(),
            self.attempt,
            outcome,
        ])?;
        Ok(())
    }

    fn delete(&self, connection: &Connection) -> rusqlite::Result<()> {
        let key = (self.asset.customer().0, self.asset.space().space.0, self.asset.name());
        let sql = "DELETE FROM members WHERE customer = ?1 AND space = ?2 AND name = ?3";
        connection.prepare_cached(sql)?.execute(key).map(drop)
    }
}

fn dump(connection: &Connection, writer: &mut DumpWriter) -> rusqlite::Result<()> {
    let mut statement = connection.prepare(&format!("SELECT {SELECT} ORDER BY customer, id"))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        writer.row(&into_batch(row)?);
    }
    writer.end_table("batches");
    let sql = format!("SELECT {SELECT_MEMBER} ORDER BY customer, space, name");
    let mut statement = connection.prepare(&sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        writer.row(&into_member(row)?);
    }
    writer.end_table("members");
    Ok(())
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
        let batch = self.run(move |it| load(it, customer, id)).await?;
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
        let mut listing = match which {
            BatchList::All | BatchList::Active => Listing::new(SELECT, &["submitted_position"]),
            BatchList::Recent => Listing::new(SELECT, &["finished_at_us", "submitted_position"]),
        };
        listing.and_with("customer = ?", customer.0);
        listing.and("submitted_position IS NOT NULL");
        match which {
            BatchList::All => {}
            BatchList::Active => listing.and("finished_at_us IS NULL"),
            BatchList::Recent => listing.and("finished_at_us IS NOT NULL"),
        }
        if which != BatchList::All {
            listing.and("(submitted_count = 0 OR gone < submitted_count)");
        }
        let whole = listing.clone();
        match (&page.after, which) {
            (None, _) => {}
            (Some(after), BatchList::Recent) => {
                let (finished, position): (i64, u64) = after.key(LIST_RECENT)?;
                listing.after([finished.into(), signed(position)], page.direction);
            }
            (Some(after), _) => listing.after([signed(after.key(LIST)?)], page.direction),
        }
        let page = page.clone();
        self.run(move |it| {
            let cursor = |row: &BatchRecord| row.cursor(which);
            let total = Some(whole.count(it)?);
            let page = listing.page(it, &page, into_batch, cursor)?;
            let row = |record: BatchRecord| record.into_row().expect("submitted, as the list asks");
            Ok(Page { total, ..page.map(row) })
        })
        .await
    }

    async fn waiting(
        &self,
        principal: &Principal,
        customer: CustomerId,
        queue: Queue,
    ) -> Result<Waiting, QueryError> {
        scope::management(principal, customer)?;
        self.run(move |it| {
            let mut statement = it.prepare_cached(
                "SELECT count(*) FILTER (WHERE submitted_position IS NOT NULL
                        AND (submitted_count = 0 OR gone < submitted_count)),
                    coalesce(sum(pending), 0)
                 FROM batches WHERE customer = ?1 AND queue = ?2 AND finished_at_us IS NULL",
            )?;
            statement.query_row((customer.0, queue.as_str()), |row| {
                Ok(Waiting { batches: row.get(0)?, images: row.get(1)? })
            })
        })
        .await
    }
}
