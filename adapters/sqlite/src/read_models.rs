//! The read models on SQLite: one file per projection version, below `read/` of the data folder.
//!
//! - `serving.json` names the file that serves for each projection; it is replaced atomically.
//! - A rebuild fills a new file beside the serving one and then changes the name. Files that nobody
//!   names are leftovers and are removed at the next start.
//! - A file of another version is not used: the projection begins anew.
//! - A lost or damaged file costs a rebuild, never data: the log is the truth.

mod activities;
mod annotations;
mod api_keys;
mod assets;
mod audit_trail;
mod audit_tree;
mod batches;
mod customers;
mod definitions;
mod file;
mod keyset;
mod lookups;
mod manifests;
mod named_queries;
mod page_text;
mod rebuild;
mod served;
mod serving;
mod spaces;
mod table;
#[cfg(test)]
mod tests;
mod tile_metadata;
mod values;

use crate::connection::OpenError;
use async_trait::async_trait;
use dlcs_eventlog::{EventLog, Position};
use dlcs_projections::Queries;
use dlcs_projections::freshness::Freshness;
use dlcs_projections::history::LogHistory;
use dlcs_projections::projection::{ReadModel, StoreError};
use dlcs_projections::read_store::{ProjectionStatus, ReadStore, RebuildError, StatusError};
use file::Definition;
use served::{Query, Served};
use serving::{Folder, Mode};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tile_metadata::TileQuery;

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
    #[error("cannot use {}: {source}", path.display())]
    Folder { path: PathBuf, source: std::io::Error },
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(
        "no read model of `{0}` of this program's version serves yet: start the server once, which \
         builds it"
    )]
    NotBuilt(&'static str),
    #[error("the read models are opened for reading only")]
    ReadOnly,
}

/// The read models in one folder.
///
/// A server uses `open`; a command beside it `open_read_only`.
#[derive(Clone)]
pub struct ReadModels {
    served: Vec<Arc<Served>>,
    tiles: Arc<TileQuery>,
    log: Arc<dyn EventLog>,
    freshness: Freshness,
}

impl ReadModels {
    /// Opens the read models for reading and writing, makes what is missing and removes leftovers.
    ///
    /// The caller holds the lock of the data folder.
    pub fn open(dir: &Path, log: Arc<dyn EventLog>) -> Result<Self, ReadModelsError> {
        Self::with(Folder::open(dir, Mode::Write)?, log)
    }

    /// Opens what serves for reading, also beside a running server.
    pub fn open_read_only(dir: &Path, log: Arc<dyn EventLog>) -> Result<Self, ReadModelsError> {
        Self::with(Folder::open(dir, Mode::Read)?, log)
    }

    fn with(folder: Folder, log: Arc<dyn EventLog>) -> Result<Self, ReadModelsError> {
        let folder = Arc::new(folder);
        let mut served = Vec::new();
        for definition in DEFINITIONS {
            served.push(Arc::new(Served::open(definition, Arc::clone(&folder))?));
        }
        folder.remove_leftovers()?;
        let freshness = Freshness::new(&DEFINITIONS.map(|it| it.name));
        let tiles = Arc::new(TileQuery::new(find(&served, tile_metadata::DEFINITION.name)));
        Ok(Self { served, tiles, log, freshness })
    }

    fn query(&self, name: &str) -> Arc<Query> {
        Arc::new(Query(find(&self.served, name)))
    }
}

fn find(served: &[Arc<Served>], name: &str) -> Arc<Served> {
    let found = served.iter().find(|it| it.definition.name == name);
    Arc::clone(found.expect("every projection is in the list"))
}

#[async_trait]
impl ReadStore for ReadModels {
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
            tile_metadata: self.tiles.clone(),
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
            all.push(ProjectionStatus {
                name: served.definition.name,
                version: served.definition.version,
                position: served.checkpoint().await?,
                head,
                rebuilding: served.is_rebuilding(),
                parked: served.parked().await?,
            });
        }
        Ok(all)
    }
}

/// What the folder says in the words of the port.
impl From<ReadModelsError> for RebuildError {
    fn from(error: ReadModelsError) -> Self {
        Self::Store(StoreError::Unavailable(error.to_string()))
    }
}
