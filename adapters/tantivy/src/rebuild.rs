//! Building the index anew beside the one that serves.

use crate::build::Build;
use crate::{Shared, TantivyError, apply};
use async_trait::async_trait;
use dlcs_eventlog::{EventLog, Position};
use dlcs_projections::dump::Dump;
use dlcs_projections::projection::{
    ApplyError, EventBatch, OnPoison, ParkedEvent, ReadModel, StoreError,
};
use dlcs_projections::read_store::RebuildError;
use dlcs_projections::replay::{Target, replay};
use dlcs_projections::search::{self as port, PageRecords};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Times that the new index follows the serving one before that has to stand still.
const ROUNDS: u32 = 2;

pub(crate) async fn rebuild(shared: &Shared, log: &dyn EventLog) -> Result<Position, RebuildError> {
    let _rebuilding =
        Rebuilding::begin(&shared.is_rebuilding).ok_or(RebuildError::Running(port::NAME))?;
    tracing::info!(projection = port::NAME, "rebuilding the search index");
    let build = Arc::new(shared.folder.make().map_err(unavailable)?);
    build.set_temporary(true);
    let model: Arc<dyn ReadModel> =
        Arc::new(Filling { build: Arc::clone(&build), records: shared.records.clone() });
    let to = |to| [Target { model: Arc::clone(&model), to }];
    for _ in 0..ROUNDS {
        let reached = shared.serving().progress().checkpoint;
        replay(log, &to(reached), OnPoison::Stop).await?;
    }
    // What is left is little: the serving index stands still while it is applied.
    let _held = shared.writing.lock().await;
    let reached = shared.serving().progress().checkpoint;
    replay(log, &to(reached), OnPoison::Stop).await?;
    fail::fail_point!("search.before-switch");
    shared.folder.point_to(&build).map_err(unavailable)?;
    fail::fail_point!("search.after-switch");
    build.set_temporary(false);
    let old = shared.replace(build);
    old.set_temporary(true);
    // Removing its files takes time, and nobody needs to know how it went.
    drop(tokio::task::spawn_blocking(move || drop(old)).await);
    tracing::info!(
        projection = port::NAME,
        "the search index is rebuilt and serves from position {reached}"
    );
    Ok(reached)
}

fn unavailable(error: TantivyError) -> StoreError {
    StoreError::Unavailable(error.to_string())
}

/// Says that a rebuild runs, until it is dropped.
struct Rebuilding<'a>(&'a AtomicBool);

impl<'a> Rebuilding<'a> {
    fn begin(is_rebuilding: &'a AtomicBool) -> Option<Self> {
        (!is_rebuilding.swap(true, Ordering::SeqCst)).then_some(Self(is_rebuilding))
    }
}

impl Drop for Rebuilding<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::SeqCst);
    }
}

/// A build that is filled and does not serve.
struct Filling {
    build: Arc<Build>,
    records: PageRecords,
}

#[async_trait]
impl ReadModel for Filling {
    fn name(&self) -> &'static str {
        port::NAME
    }

    fn version(&self) -> u32 {
        port::VERSION
    }

    async fn checkpoint(&self) -> Result<Position, StoreError> {
        Ok(self.build.progress().checkpoint)
    }

    async fn apply(
        &self,
        from: Position,
        to: Position,
        events: EventBatch,
        on_poison: OnPoison,
    ) -> Result<Vec<ParkedEvent>, ApplyError> {
        apply::apply(&self.build, &self.records, from, to, events, on_poison).await
    }

    async fn parked(&self) -> Result<Vec<ParkedEvent>, StoreError> {
        Ok(self.build.progress().parked.clone())
    }

    async fn dump(&self) -> Result<Dump, StoreError> {
        let build = Arc::clone(&self.build);
        let dumped = crate::build::blocking(move || crate::dump::dump(&build));
        dumped.await.map_err(crate::build::damaged)
    }
}
