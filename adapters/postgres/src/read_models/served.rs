//! The build that serves a projection, which a rebuild may replace at any moment, in any process.

use super::ReadModelsError;
use super::build::{Applied, Build, Definition};
use super::directory::{Directory, Mode};
use super::errors::SqlError;
use super::fold::Batch;
use super::values::{Columns, Value};
use async_trait::async_trait;
use dlcs_eventlog::Position;
use dlcs_projections::QueryError;
use dlcs_projections::dump::Dump;
use dlcs_projections::projection::{
    ApplyError, EventBatch, OnPoison, ParkedEvent, ReadModel, StoreError,
};
use std::sync::{Arc, PoisonError, RwLock};
use tokio_postgres::Row;

/// A projection as the runner feeds it and the queries read it.
pub(super) struct Served {
    pub(super) definition: &'static Definition,
    pub(super) directory: Arc<Directory>,
    /// What served when the directory was read last.
    current: RwLock<Build>,
}

impl Served {
    pub(super) async fn open(
        definition: &'static Definition,
        directory: Arc<Directory>,
    ) -> Result<Self, ReadModelsError> {
        if directory.mode() == Mode::Write {
            directory.ensure_serving(definition).await.map_err(StoreError::from)?;
        }
        let serving = directory.serving(definition).await.map_err(StoreError::from)?;
        let (build, _) = serving.ok_or(ReadModelsError::NotBuilt(definition.name))?;
        if directory.mode() == Mode::Write {
            directory.retire_older(&build).await.map_err(StoreError::from)?;
        }
        Ok(Self { definition, directory, current: RwLock::new(build) })
    }

    pub(super) fn current(&self) -> Build {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Uses another build from now on.
    pub(super) fn point_to(&self, build: Build) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = build;
    }

    /// Asks the directory which build serves now, and where it is.
    pub(super) async fn refreshed(&self) -> Result<(Build, Position), SqlError> {
        let serving = self.directory.serving(self.definition).await?;
        let missing = || SqlError::Gone(format!("no {} serves", self.definition.name));
        let (build, position) = serving.ok_or_else(missing)?;
        if build.schema() != self.current().schema() {
            self.point_to(build.clone());
        }
        Ok((build, position))
    }

    /// Does something with the build that serves; once more if it was replaced meanwhile.
    async fn with_current<T, F>(&self, work: impl Fn(Build) -> F) -> Result<T, SqlError>
    where
        F: Future<Output = Result<T, SqlError>>,
    {
        match work(self.current()).await {
            Err(SqlError::Gone(_)) => work(self.refreshed().await?.0).await,
            done => done,
        }
    }
}

#[async_trait]
impl ReadModel for Served {
    fn name(&self) -> &'static str {
        self.definition.name
    }

    fn version(&self) -> u32 {
        self.definition.version
    }

    /// Asks the directory each time, and so follows whoever moves the checkpoint or the pointer.
    async fn checkpoint(&self) -> Result<Position, StoreError> {
        Ok(self.refreshed().await?.1)
    }

    async fn apply(
        &self,
        from: Position,
        to: Position,
        events: EventBatch,
        on_poison: OnPoison,
    ) -> Result<Vec<ParkedEvent>, ApplyError> {
        if self.directory.mode() == Mode::Read {
            return Err(StoreError::Damaged(ReadModelsError::ReadOnly.to_string()).into());
        }
        let batch = Batch { from, to, events };
        let build = self.current();
        if let Applied::Done(parked) = build.apply_batch(batch, on_poison).await? {
            return Ok(parked);
        }
        let (serving, actual) = self.refreshed().await?;
        if serving.schema() == build.schema() {
            let reason = format!("tables of {} are missing: rebuild it", build.schema());
            return Err(StoreError::Damaged(reason).into());
        }
        Err(ApplyError::CheckpointMoved { expected: from, actual })
    }

    async fn parked(&self) -> Result<Vec<ParkedEvent>, StoreError> {
        Ok(self.with_current(|it| async move { it.parked_events().await }).await?)
    }

    async fn dump(&self) -> Result<Dump, StoreError> {
        Ok(self.with_current(|it| async move { it.sum_up().await }).await?)
    }
}

/// Answers the questions of one projection.
#[derive(Clone)]
pub(super) struct Query(pub(super) Arc<Served>);

impl Query {
    /// Looks one row up by its key; the statement is kept prepared.
    pub(super) async fn one<T>(
        &self,
        sql: &str,
        values: &[Value],
        read: impl Fn(&mut Columns<'_>) -> Result<T, SqlError>,
    ) -> Result<Option<T>, QueryError> {
        let rows = self.looked_up(sql, values).await?;
        Ok(rows.first().map(|row| read(&mut Columns::new(row))).transpose()?)
    }

    /// Looks rows up by key; the statement is kept prepared.
    pub(super) async fn looked_up(
        &self,
        sql: &str,
        values: &[Value],
    ) -> Result<Vec<Row>, SqlError> {
        let work = |build: Build| async move { build.look_up(sql, values).await };
        self.0.with_current(work).await
    }

    /// Asks for rows by a plan for just these values: lists have too many forms to keep.
    pub(super) async fn planned(&self, sql: &str, values: &[Value]) -> Result<Vec<Row>, SqlError> {
        let work = |build: Build| async move { build.plan(sql, values).await };
        self.0.with_current(work).await
    }
}
