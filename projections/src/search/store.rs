//! The search index beside the other read models: one more projection, in a store of its own.

use super::{NAME, SearchIndex, VERSION};
use crate::Queries;
use crate::freshness::Freshness;
use crate::projection::ReadModel;
use crate::read_store::{ProjectionStatus, ReadStore, RebuildError, StatusError};
use async_trait::async_trait;
use dlcs_eventlog::{EventLog, Position};
use std::sync::Arc;

/// A store of the search index.
#[async_trait]
pub trait SearchStore: Send + Sync + 'static {
    fn index(&self) -> Arc<dyn SearchIndex>;

    /// Returns what the runner feeds.
    fn model(&self) -> Arc<dyn ReadModel>;

    /// Builds the index anew from the log while the old one serves, then lets the new one serve.
    /// Returns the position at which they changed places.
    async fn rebuild(&self, log: &dyn EventLog) -> Result<Position, RebuildError>;

    /// Says whether this process is filling another index.
    fn is_rebuilding(&self) -> bool;
}

/// Every read model with the search index among them.
pub struct WithSearch {
    store: Arc<dyn ReadStore>,
    search: Arc<dyn SearchStore>,
    log: Arc<dyn EventLog>,
    freshness: Freshness,
}

impl WithSearch {
    pub fn new(
        store: Arc<dyn ReadStore>,
        search: Arc<dyn SearchStore>,
        log: Arc<dyn EventLog>,
    ) -> Self {
        let freshness = store.freshness().and(NAME);
        Self { store, search, log, freshness }
    }
}

#[async_trait]
impl ReadStore for WithSearch {
    fn queries(&self) -> Queries {
        Queries { freshness: self.freshness.clone(), ..self.store.queries() }
    }

    fn models(&self) -> Vec<Arc<dyn ReadModel>> {
        let mut models = self.store.models();
        models.push(self.search.model());
        models
    }

    fn freshness(&self) -> Freshness {
        self.freshness.clone()
    }

    async fn rebuild(&self, name: &str) -> Result<Position, RebuildError> {
        if name == NAME {
            return self.search.rebuild(self.log.as_ref()).await;
        }
        self.store.rebuild(name).await
    }

    async fn status(&self) -> Result<Vec<ProjectionStatus>, StatusError> {
        let mut all = self.store.status().await?;
        let model = self.search.model();
        all.push(ProjectionStatus {
            name: NAME,
            version: VERSION,
            position: model.checkpoint().await?,
            head: self.log.head().await?,
            rebuilding: self.search.is_rebuilding(),
            parked: model.parked().await?,
        });
        Ok(all)
    }
}
