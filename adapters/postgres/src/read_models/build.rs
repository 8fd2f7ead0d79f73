//! One build of a read model: the tables in one schema, and its line in the directory.

mod dump;

pub(super) use dump::DumpTable;

use super::directory::SCHEMA;
use super::errors::SqlError;
use super::fold::{self, Batch, Session};
use super::table::Statement;
use super::values::{Columns, Value};
use crate::connection::{Client, Database, answered};
use async_trait::async_trait;
use deadpool_postgres::Transaction;
use dlcs_eventlog::{EventId, Position, StreamId};
use dlcs_migrations::read_models::PostgresReadModel;
use dlcs_projections::dump::Dump;
use dlcs_projections::projection::{
    ApplyError, EventBatch, OnPoison, ParkedEvent, ReadModel, StoreError,
};
use futures::future::try_join_all;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;
use tokio_postgres::Row;
use tokio_postgres::types::{ToSql, Type};

/// What distinguishes one projection from another.
pub(super) struct Definition {
    pub(super) name: &'static str,
    pub(super) version: u32,
    /// Tells the projections apart in advisory locks.
    pub(super) lock: i32,
    pub(super) tables: PostgresReadModel,
    pub(super) begin: fn() -> Box<dyn Session>,
    /// Every table, in the order of a dump.
    pub(super) dump: &'static [DumpTable],
}

/// The tables in one schema. Cheap to clone.
#[derive(Clone)]
pub(super) struct Build {
    pub(super) definition: &'static Definition,
    database: Database,
    schema: Arc<str>,
}

/// What is asked for is indexed; whoever does not answer by then has gone.
pub(super) const ANSWERED_WITHIN: Duration = Duration::from_secs(10);

/// Thousands of events, on a busy machine.
const APPLIED_WITHIN: Duration = Duration::from_secs(30);

/// What became of a batch.
pub(super) enum Applied {
    Done(Vec<ParkedEvent>),
    /// Nothing: another build has taken the place of this one.
    Replaced,
}

/// What came of one pass over a batch.
enum Passed {
    /// For each table what asks for the rows that it lacked.
    Lacking(Vec<Option<Statement>>),
    Exact(Vec<ParkedEvent>, Vec<Statement>),
}

const LOCK: &str = "
    SELECT position, state FROM dlcs_read.models WHERE schema_name = $1 FOR UPDATE";
const MOVE: &str = "
    UPDATE dlcs_read.models SET position = $2, moved_at = now()
    WHERE schema_name = $1 AND position = $3";
const POSITION: &str = "SELECT position FROM dlcs_read.models WHERE schema_name = $1";
const PARKED_STREAMS: &str = "SELECT DISTINCT stream FROM {schema}.parked";
const PARK: &str = "
    INSERT INTO {schema}.parked (position, stream, event_id, error)
    SELECT * FROM unnest($1::bigint[], $2::text[], $3::uuid[], $4::text[])";
const PARKED: &str =
    "SELECT position, stream, event_id, error FROM {schema}.parked ORDER BY position";

impl Build {
    pub(super) fn new(
        definition: &'static Definition,
        database: Database,
        schema: impl Into<Arc<str>>,
    ) -> Self {
        Self { definition, database, schema: schema.into() }
    }

    pub(super) fn schema(&self) -> &str {
        &self.schema
    }

    /// Puts the name of the schema into SQL.
    pub(super) fn sql(&self, sql: &str) -> String {
        sql.replace(SCHEMA, &self.schema)
    }

    /// Asks for rows with a statement that is kept prepared.
    pub(super) async fn look_up(&self, sql: &str, values: &[Value]) -> Result<Vec<Row>, SqlError> {
        answered(self.client().await?, ANSWERED_WITHIN, async |client| {
            let statement = client.prepare_cached(&self.sql(sql)).await?;
            Ok(client.query(&statement, &parameters(values)).await?)
        })
        .await
    }

    /// Asks for rows with a statement that is planned for just these values.
    pub(super) async fn plan(&self, sql: &str, values: &[Value]) -> Result<Vec<Row>, SqlError> {
        let client = self.client().await?;
        let values: Vec<(&(dyn ToSql + Sync), Type)> =
            values.iter().map(|it| (it as &(dyn ToSql + Sync), it.kind())).collect();
        answered(client, ANSWERED_WITHIN, async |client| {
            Ok(client.query_typed(&self.sql(sql), &values).await?)
        })
        .await
    }

    /// Applies a batch to the tables and moves the checkpoint, in one transaction.
    pub(super) async fn apply_batch(
        &self,
        batch: Batch,
        on_poison: OnPoison,
    ) -> Result<Applied, ApplyError> {
        let mut client = self.client().await?;
        let applied = self.apply_with(&mut client, batch, on_poison);
        tokio::time::timeout(APPLIED_WITHIN, applied).await.unwrap_or_else(|_| {
            // The line swallows what is sent: nobody shall wait there again.
            drop(Client::take(client));
            let reason = format!("a batch was not applied within {APPLIED_WITHIN:?}");
            Err(StoreError::Unavailable(reason).into())
        })
    }

    async fn apply_with(
        &self,
        client: &mut Client,
        batch: Batch,
        on_poison: OnPoison,
    ) -> Result<Applied, ApplyError> {
        let transaction = client.transaction().await.map_err(SqlError::from)?;
        let (actual, parked_streams) = match self.lock(&transaction).await {
            Ok(Some(locked)) => locked,
            Ok(None) | Err(SqlError::Gone(_)) => return Ok(Applied::Replaced),
            Err(error) => return Err(error.into()),
        };
        let Batch { from, to, .. } = batch;
        if actual != from {
            return Err(ApplyError::CheckpointMoved { expected: from, actual });
        }
        fail::fail_point!("postgres.projection.before-apply");
        let (parked, changes) = self.fold(&transaction, batch, parked_streams).await?;
        fold::judge(&parked, on_poison)?;
        fail::fail_point!("postgres.projection.before-checkpoint");
        let moved = self.write(&transaction, (from, to), &parked, changes).await?;
        if moved != 1 {
            let actual = position(&transaction, &self.schema).await?.unwrap_or_default();
            return Err(ApplyError::CheckpointMoved { expected: from, actual });
        }
        fail::fail_point!("postgres.projection.before-commit");
        transaction.commit().await.map_err(SqlError::from)?;
        fail::fail_point!("postgres.projection.after-commit");
        Ok(Applied::Done(parked))
    }

    async fn client(&self) -> Result<Client, SqlError> {
        Ok(self.database.client().await?)
    }

    /// Keeps everybody else from moving the checkpoint, so that what is read stays as it is.
    /// `None`: this build serves no more.
    async fn lock(
        &self,
        transaction: &Transaction<'_>,
    ) -> Result<Option<(Position, HashSet<StreamId>)>, SqlError> {
        let lock = transaction.prepare_cached(LOCK).await?;
        let streams = transaction.prepare_cached(&self.sql(PARKED_STREAMS)).await?;
        let schema: [&(dyn ToSql + Sync); 1] = [&&*self.schema];
        // After a crash of the server the checkpoint and its rows are as they were a moment ago,
        // both, and are brought up to date anew: no commit has to wait for a disk.
        let (_, row, streams) = tokio::try_join!(
            transaction.batch_execute("SET LOCAL synchronous_commit = off"),
            transaction.query_opt(&lock, &schema),
            transaction.query(&streams, &[]),
        )?;
        let Some(row) = row else { return Ok(None) };
        let mut columns = Columns::new(&row);
        let position = Position(columns.number()?);
        if columns.take::<&str>()? == "retired" {
            return Ok(None);
        }
        let streams = streams.iter().map(|row| Columns::new(row).text().map(StreamId::from_stored));
        Ok(Some((position, streams.collect::<Result<_, _>>()?)))
    }

    /// Folds a batch until a pass lacks nothing; returns what to park and what to write.
    async fn fold(
        &self,
        transaction: &Transaction<'_>,
        batch: Batch,
        parked_streams: HashSet<StreamId>,
    ) -> Result<(Vec<ParkedEvent>, Vec<Statement>), StoreError> {
        let parked_streams = Arc::new(parked_streams);
        let mut session = (self.definition.begin)();
        loop {
            let (batch, streams) = (batch.clone(), Arc::clone(&parked_streams));
            // Thousands of events take longer than an async thread may be held.
            let work = move || pass(session, &batch, &streams);
            let done = tokio::task::spawn_blocking(work).await;
            let (again, passed) = done.map_err(|it| StoreError::Unavailable(it.to_string()))??;
            session = again;
            let questions = match passed {
                Passed::Exact(parked, changes) => return Ok((parked, changes)),
                Passed::Lacking(questions) => questions,
            };
            let answers = questions.iter().map(async |question| match question {
                Some(question) => self.ask(transaction, question).await,
                None => Ok(Vec::new()),
            });
            let answers = try_join_all(answers).await?;
            for (table, rows) in session.tables().into_iter().zip(answers) {
                table.learn(&rows)?;
            }
        }
    }

    async fn ask(
        &self,
        transaction: &Transaction<'_>,
        question: &Statement,
    ) -> Result<Vec<Row>, SqlError> {
        let statement = transaction.prepare_cached(&self.sql(&question.sql)).await?;
        Ok(transaction.query(&statement, &parameters(&question.columns)).await?)
    }

    async fn tell(
        &self,
        transaction: &Transaction<'_>,
        change: &Statement,
    ) -> Result<(), SqlError> {
        let statement = transaction.prepare_cached(&self.sql(&change.sql)).await?;
        transaction.execute(&statement, &parameters(&change.columns)).await?;
        Ok(())
    }

    /// Sends every change and the checkpoint at once; returns how many checkpoints moved.
    async fn write(
        &self,
        transaction: &Transaction<'_>,
        (from, to): (Position, Position),
        parked: &[ParkedEvent],
        mut changes: Vec<Statement>,
    ) -> Result<u64, SqlError> {
        changes.extend(Statement::of(PARK.to_owned(), parked.iter().map(parked_values)));
        let written = try_join_all(changes.iter().map(|it| self.tell(transaction, it)));
        let checkpoint = async {
            let statement = transaction.prepare_cached(MOVE).await?;
            let (from, to) = (Value::from(from.0), Value::from(to.0));
            let schema = &*self.schema;
            Ok::<_, SqlError>(transaction.execute(&statement, &[&schema, &to, &from]).await?)
        };
        let (_, moved) = tokio::try_join!(written, checkpoint)?;
        Ok(moved)
    }

    /// Returns up to where events are applied.
    pub(super) async fn position(&self) -> Result<Position, SqlError> {
        let client = self.client().await?;
        let position = position(&client, &self.schema).await?;
        position.ok_or_else(|| SqlError::Gone(format!("{} is not listed", self.schema)))
    }

    pub(super) async fn parked_events(&self) -> Result<Vec<ParkedEvent>, SqlError> {
        self.look_up(PARKED, &[]).await?.iter().map(read_parked).collect()
    }
}

/// Folds once, and asks for what was lacking, or returns what is to be written.
fn pass(
    mut session: Box<dyn Session>,
    batch: &Batch,
    parked_streams: &HashSet<StreamId>,
) -> Result<(Box<dyn Session>, Passed), StoreError> {
    let parked = fold::pass(session.as_mut(), batch, parked_streams)?;
    let questions: Vec<_> = session.tables().iter().map(|it| it.question()).collect();
    if questions.iter().any(Option::is_some) {
        return Ok((session, Passed::Lacking(questions)));
    }
    let changes = session.tables().iter().flat_map(|it| it.changes()).collect();
    Ok((session, Passed::Exact(parked, changes)))
}

async fn position(
    client: &impl deadpool_postgres::GenericClient,
    schema: &str,
) -> Result<Option<Position>, SqlError> {
    let statement = client.prepare_cached(POSITION).await?;
    let row = client.query_opt(&statement, &[&schema]).await?;
    row.map(|row| Columns::new(&row).number().map(Position)).transpose()
}

fn parameters(values: &[Value]) -> Vec<&(dyn ToSql + Sync)> {
    values.iter().map(|it| it as &(dyn ToSql + Sync)).collect()
}

fn parked_values(event: &ParkedEvent) -> Vec<Value> {
    vec![
        event.position.0.into(),
        event.stream.as_str().into(),
        event.event_id.0.into(),
        (&event.error).into(),
    ]
}

fn read_parked(row: &Row) -> Result<ParkedEvent, SqlError> {
    let mut columns = Columns::new(row);
    Ok(ParkedEvent {
        position: Position(columns.number()?),
        stream: StreamId::from_stored(columns.text()?),
        event_id: EventId(columns.take()?),
        error: columns.text()?,
    })
}

#[async_trait]
impl ReadModel for Build {
    fn name(&self) -> &'static str {
        self.definition.name
    }

    fn version(&self) -> u32 {
        self.definition.version
    }

    async fn checkpoint(&self) -> Result<Position, StoreError> {
        Ok(self.position().await?)
    }

    async fn apply(
        &self,
        from: Position,
        to: Position,
        events: EventBatch,
        on_poison: OnPoison,
    ) -> Result<Vec<ParkedEvent>, ApplyError> {
        match self.apply_batch(Batch { from, to, events }, on_poison).await? {
            Applied::Done(parked) => Ok(parked),
            Applied::Replaced => {
                Err(StoreError::Unavailable(format!("{} is gone", self.schema)).into())
            }
        }
    }

    async fn parked(&self) -> Result<Vec<ParkedEvent>, StoreError> {
        Ok(self.parked_events().await?)
    }

    async fn dump(&self) -> Result<Dump, StoreError> {
        Ok(self.sum_up().await?)
    }
}
