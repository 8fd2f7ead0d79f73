//! The read models on PostgreSQL: each build of one in a schema of its own.
//!
//! - The schema `dlcs_read` says which builds there are, how far each is, and which of them serve.
//!   Rows, parked events and the checkpoint of a build change in one transaction.
//! - Several processes may open them. Who applies a batch holds the row of the checkpoint; whoever
//!   comes second is told that it moved.
//! - A rebuild fills another schema beside the serving one and then changes the pointer. Readers
//!   find the change when they ask for the checkpoint, or when the old tables are gone.
//! - A lost build costs a rebuild, never data: the log is the truth.

mod activities;
mod annotations;
mod api_keys;
mod assets;
mod audit_trail;
mod audit_tree;
mod batches;
mod build;
mod builder;
mod customers;
mod definitions;
mod directory;
mod errors;
mod fold;
mod keyset;
mod lookups;
mod manifests;
mod named_queries;
mod page_text;
mod rebuild;
mod served;
mod spaces;
mod table;
#[cfg(test)]
mod tests;
mod tile_metadata;
mod values;

use crate::connection::{Database, OpenError};
use async_trait::async_trait;
use build::Definition;
use directory::{Directory, Mode};
use dlcs_eventlog::{EventLog, Position};
use dlcs_projections::Queries;
use dlcs_projections::freshness::Freshness;
use dlcs_projections::history::LogHistory;
use dlcs_projections::projection::{ReadModel, StoreError};
use dlcs_projections::read_store::{ProjectionStatus, ReadStore, RebuildError, StatusError};
use served::{Query, Served};
use std::sync::Arc;

/// Every projection of this adapter, in the order of reports.
const DEFINITIONS: [&Definition; 12] = [
    &assets::DEFINITION,
    &batches::DEFINITION,
    &tile_metadata::DEFINITION,
    &manifests::DEFINITION,
    &named_queries::DEFINITION,
    &api_keys::DEFINITION,
    &definitions::DEFINITION,
    &annotations::DEFINITION,
    &activities::DEFINITION,
    &page_text::DEFINITION,
    &audit_trail::DEFINITION,
    &audit_tree::DEFINITION,
];

#[derive(Debug, thiserror::Error)]
pub enum ReadModelsError {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(
        "no read model of `{0}` of this program's version serves yet: start the server once, which \
         builds it"
    )]
    NotBuilt(&'static str),
    #[error("the read models are opened for reading only")]
    ReadOnly,
}

/// The read models in one database.
///
/// A server uses `open`; a command beside it `open_read_only`.
#[derive(Clone)]
pub struct PostgresReadModels {
    served: Vec<Arc<Served>>,
    log: Arc<dyn EventLog>,
    freshness: Freshness,
}

impl PostgresReadModels {
    /// Opens the read models for reading and writing, makes what is missing and drops leftovers.
    /// Several processes may do so at once.
    pub async fn open(database: Database, log: Arc<dyn EventLog>) -> Result<Self, ReadModelsError> {
        let directory = Directory::open(database, Mode::Write).await?;
        let read_models = Self::with(directory, log).await?;
        read_models.directory().sweep().await.map_err(StoreError::from)?;
        Ok(read_models)
    }

    /// Opens what serves for reading, also beside running servers.
    pub async fn open_read_only(
        database: Database,
        log: Arc<dyn EventLog>,
    ) -> Result<Self, ReadModelsError> {
        Self::with(Directory::open(database, Mode::Read).await?, log).await
    }

    async fn with(directory: Directory, log: Arc<dyn EventLog>) -> Result<Self, ReadModelsError> {
        let directory = Arc::new(directory);
        let mut served = Vec::new();
        for definition in DEFINITIONS {
            served.push(Arc::new(Served::open(definition, Arc::clone(&directory)).await?));
        }
        let freshness = Freshness::new(&DEFINITIONS.map(|it| it.name));
        Ok(Self { served, log, freshness })
    }

    fn directory(&self) -> &Directory {
        &self.served[0].directory
    }

    fn served(&self, name: &str) -> &Arc<Served> {
        let served = self.served.iter().find(|it| it.definition.name == name);
        served.expect("every projection is in the list")
    }

    fn query(&self, name: &str) -> Arc<Query> {
        Arc::new(Query(Arc::clone(self.served(name))))
    }
}

#[async_trait]
impl ReadStore for PostgresReadModels {
    fn queries(&self) -> Queries {
        Queries {
            customers: self.query(assets::DEFINITION.name),
            spaces: self.query(assets::DEFINITION.name),
            assets: self.query(assets::DEFINITION.name),
            batches: self.query(batches::DEFINITION.name),
            manifests: self.query(manifests::DEFINITION.name),
            named_queries: self.query(named_queries::DEFINITION.name),
            api_keys: self.query(api_keys::DEFINITION.name),
            definitions: self.query(definitions::DEFINITION.name),
            annotations: self.query(annotations::DEFINITION.name),
            activities: self.query(activities::DEFINITION.name),
            page_texts: self.query(page_text::DEFINITION.name),
            tile_metadata: self.query(tile_metadata::DEFINITION.name),
            audit_trail: self.query(audit_trail::DEFINITION.name),
            audit_tree: self.query(audit_tree::DEFINITION.name),
            history: Arc::new(LogHistory { log: Arc::clone(&self.log) }),
            freshness: self.freshness.clone(),
        }
    }

    fn models(&self) -> Vec<Arc<dyn ReadModel>> {
        self.served.iter().map(|it| Arc::clone(it) as Arc<dyn ReadModel>).collect()
    }

    fn freshness(&self) -> Freshness {
        self.freshness.clone()
    }

    async fn rebuild(&self, name: &str) -> Result<Position, RebuildError> {
        let served = self.served.iter().find(|it| it.definition.name == name);
        let served = served.ok_or_else(|| RebuildError::Unknown(name.to_owned()))?;
        rebuild::rebuild(served, self.log.as_ref()).await
    }

    async fn status(&self) -> Result<Vec<ProjectionStatus>, StatusError> {
        let head = self.log.head().await?;
        let mut all = Vec::new();
        for served in &self.served {
            let Definition { name, version, .. } = *served.definition;
            let rebuilding = builder::is_rebuilding(&served.directory, served.definition).await;
            all.push(ProjectionStatus {
                name,
                version,
                position: served.checkpoint().await?,
                head,
                rebuilding: rebuilding.map_err(StoreError::from)?,
                parked: served.parked().await?,
            });
        }
        Ok(all)
    }
}
