//! The projections of this process, for GraphQL.

use dlcs_eventlog::consumers::{ConsumerName, ConsumerStore};
use dlcs_graphql::{ConsumerStatus, ProjectionControl, ProjectionStatus};
use dlcs_projections::read_store::ReadStore;
use dlcs_projections::runner::lease_name;
use std::sync::Arc;

/// What feeds them, and who does their work.
pub(super) struct Projections {
    pub(super) models: Arc<dyn ReadStore>,
    pub(super) consumers: Arc<dyn ConsumerStore>,
}

#[async_trait::async_trait]
impl ProjectionControl for Projections {
    async fn status(&self) -> Result<Vec<ProjectionStatus>, String> {
        let all = self.models.status().await.map_err(|error| error.to_string())?;
        let consumers = self.consumers().await?;
        let owner = |name, version| {
            let ConsumerName(lease) = lease_name(name, version);
            consumers.iter().find(|it| it.name == lease)?.owner.clone()
        };
        let status = all.into_iter().map(|it| ProjectionStatus {
            owner: owner(it.name, it.version),
            name: it.name.to_owned(),
            version: it.version,
            position: it.position.0,
            lag: it.head.0.saturating_sub(it.position.0),
            parked: it.parked.len() as u64,
            rebuilding: it.rebuilding,
        });
        Ok(status.collect())
    }

    async fn consumers(&self) -> Result<Vec<ConsumerStatus>, String> {
        let all = self.consumers.consumers().await.map_err(|error| error.to_string())?;
        let status = all.into_iter().map(|(name, position, owner)| ConsumerStatus {
            name: name.0,
            position: position.0,
            owner: owner.map(|it| it.0),
        });
        Ok(status.collect())
    }

    async fn rebuild(&self, name: &str) -> Result<(), String> {
        let (models, name) = (Arc::clone(&self.models), name.to_owned());
        // Whoever waits may be gone before it serves: it goes on.
        let rebuilt = tokio::spawn(async move { models.rebuild(&name).await.map(drop) });
        rebuilt.await.map_err(|error| error.to_string())?.map_err(|error| error.to_string())
    }
}
