//! The file that serves a projection, which a rebuild may replace at any moment.

use super::ReadModelsError;
use super::file::{Definition, ModelFile};
use super::serving::{Folder, Mode};
use async_trait::async_trait;
use dlcs_eventlog::Position;
use dlcs_projections::QueryError;
use dlcs_projections::dump::Dump;
use dlcs_projections::projection::{
    ApplyError, EventBatch, OnPoison, ParkedEvent, ReadModel, StoreError,
};
use rusqlite::Connection;
use std::sync::{Arc, PoisonError, RwLock};
use tokio::sync::{Mutex, MutexGuard};

/// A projection as the runner feeds it and the queries read it.
pub(super) struct Served {
    pub(super) definition: &'static Definition,
    pub(super) folder: Arc<Folder>,
    current: RwLock<ModelFile>,
    /// Held while the checkpoint moves, so that files change places at rest.
    advancing: Mutex<()>,
    /// Held by the one rebuild.
    rebuilding: Mutex<()>,
}

impl Served {
    pub(super) fn open(
        definition: &'static Definition,
        folder: Arc<Folder>,
    ) -> Result<Self, ReadModelsError> {
        let current = match folder.mode() {
            Mode::Read => folder.open_serving(definition)?,
            Mode::Write => folder.open_or_make_serving(definition)?,
        };
        Ok(Self {
            definition,
            folder,
            current: RwLock::new(current),
            advancing: Mutex::default(),
            rebuilding: Mutex::default(),
        })
    }

    pub(super) fn current(&self) -> ModelFile {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Keeps the checkpoint where it is, as long as the guard lives.
    pub(super) async fn hold(&self) -> MutexGuard<'_, ()> {
        self.advancing.lock().await
    }

    /// Makes the caller the only one who rebuilds; `None`: somebody else is.
    pub(super) fn begin_rebuild(&self) -> Option<MutexGuard<'_, ()>> {
        self.rebuilding.try_lock().ok()
    }

    pub(super) fn is_rebuilding(&self) -> bool {
        self.rebuilding.try_lock().is_err()
    }

    /// Lets another file serve, and returns the one that did.
    pub(super) fn replace(&self, file: ModelFile) -> ModelFile {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut current, file)
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

    async fn checkpoint(&self) -> Result<Position, StoreError> {
        self.current().checkpoint().await
    }

    async fn apply(
        &self,
        from: Position,
        to: Position,
        events: EventBatch,
        on_poison: OnPoison,
    ) -> Result<Vec<ParkedEvent>, ApplyError> {
        let _advancing = self.advancing.lock().await;
        self.current().apply(from, to, events, on_poison).await
    }

    async fn parked(&self) -> Result<Vec<ParkedEvent>, StoreError> {
        self.current().parked().await
    }

    async fn dump(&self) -> Result<Dump, StoreError> {
        self.current().dump().await
    }
}

/// Answers the questions of one projection.
#[derive(Clone)]
pub(super) struct Query(pub(super) Arc<Served>);

impl Query {
    pub(super) async fn run<T, F>(&self, work: F) -> Result<T, QueryError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        self.0.current().query(work).await
    }
}
