//! The port of a store that holds every read model: what serves, how it is fed, how it is rebuilt.

use crate::Queries;
use crate::freshness::Freshness;
use crate::projection::{ParkedEvent, ReadModel, StoreError};
use crate::replay::ReplayError;
use async_trait::async_trait;
use dlcs_eventlog::{LogError, Position};
use serde::Serialize;
use std::sync::Arc;

/// Every read model in one store.
///
/// A server hands [`ReadStore::models`] and [`ReadStore::freshness`] to a [`crate::runner::Runner`]
/// and answers from [`ReadStore::queries`].
#[async_trait]
pub trait ReadStore: Send + Sync + 'static {
    /// Returns every question, answered by these read models.
    fn queries(&self) -> Queries;

    /// Returns what the runner feeds.
    fn models(&self) -> Vec<Arc<dyn ReadModel>>;

    /// Returns where the runner tells how far it is.
    fn freshness(&self) -> Freshness;

    /// Builds a projection anew from the log while the old one serves, then lets the new one serve.
    /// Returns the position at which they changed places.
    ///
    /// Stops at an event that this program cannot project. Dropping the future gives the new read
    /// model up; so does a kill.
    async fn rebuild(&self, name: &str) -> Result<Position, RebuildError>;

    /// Returns how each projection is doing.
    async fn status(&self) -> Result<Vec<ProjectionStatus>, StatusError>;
}

#[derive(Debug, thiserror::Error)]
pub enum RebuildError {
    #[error("there is no projection called `{0}`")]
    Unknown(String),
    #[error("`{0}` is being rebuilt already")]
    Running(&'static str),
    #[error(transparent)]
    Replay(#[from] ReplayError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

#[derive(Debug, thiserror::Error)]
pub enum StatusError {
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// How one projection is doing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProjectionStatus {
    pub name: &'static str,
    pub version: u32,
    pub position: Position,
    /// Where the log ends.
    pub head: Position,
    /// A new read model is being filled beside the serving one.
    pub rebuilding: bool,
    pub parked: Vec<ParkedEvent>,
}
