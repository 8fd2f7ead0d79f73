//! The index as one store among those of the read models.

use crate::ElasticsearchIndex;
use async_trait::async_trait;
use dlcs_eventlog::{EventLog, Position};
use dlcs_projections::projection::ReadModel;
use dlcs_projections::read_store::RebuildError;
use dlcs_projections::search::{SearchIndex, SearchStore};
use std::sync::Arc;

#[async_trait]
impl SearchStore for ElasticsearchIndex {
    fn index(&self) -> Arc<dyn SearchIndex> {
        Arc::new(self.clone())
    }

    fn model(&self) -> Arc<dyn ReadModel> {
        Arc::new(self.clone())
    }

    async fn rebuild(&self, log: &dyn EventLog) -> Result<Position, RebuildError> {
        Self::rebuild(self, log).await
    }

    fn is_rebuilding(&self) -> bool {
        Self::is_rebuilding(self)
    }
}
