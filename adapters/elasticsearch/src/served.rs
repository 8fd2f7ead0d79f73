//! The index that serves: found by its alias, made where there is none, replaced by a rebuild.

use crate::build::{Applied, Build};
use crate::client::{Body, Client, RequestError};
use crate::{Address, index};
use async_trait::async_trait;
use dlcs_eventlog::{EventLog, Position};
use dlcs_objects::Objects;
use dlcs_projections::dump::Dump;
use dlcs_projections::projection::{
    ApplyError, EventBatch, OnPoison, ParkedEvent, ReadModel, StoreError,
};
use dlcs_projections::search::{NAME, PageRecords, VERSION};
use reqwest::Method;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::sync::Mutex;

/// After so many refusals in a row whoever closed the index is taken for dead.
const BLOCKED_MAX: u32 = 8;

/// The search index on a node, as the runner feeds it and readers ask it. Clones share it.
///
/// It connects when it is used first: a node that is down is told by each call, and keeps nobody
/// from starting.
#[derive(Clone)]
pub struct ElasticsearchIndex {
    pub(crate) inner: Arc<Inner>,
}

/// What may be done with an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Write,
    Read,
}

pub(crate) struct Inner {
    mode: Mode,
    pub(crate) client: Client,
    records: PageRecords,
    /// The alias.
    pub(crate) alias: String,
    /// Held while a batch is applied or the index is summed up.
    writing: Mutex<()>,
    pub(crate) rebuilding: Mutex<()>,
    blocked: AtomicU32,
}

impl ElasticsearchIndex {
    /// For a server: an index is made where there is none.
    pub fn new(address: Address, objects: Arc<dyn Objects>) -> Self {
        Self::with(Mode::Write, address, objects)
    }

    /// For a command beside a server: nothing is made and nothing is written.
    pub fn read_only(address: Address, objects: Arc<dyn Objects>) -> Self {
        Self::with(Mode::Read, address, objects)
    }

    fn with(mode: Mode, address: Address, objects: Arc<dyn Objects>) -> Self {
        let alias = index::serving(&address.prefix, VERSION);
        let inner = Inner {
            mode,
            client: Client::new(address),
            records: PageRecords::new(objects),
            alias,
            writing: Mutex::default(),
            rebuilding: Mutex::default(),
            blocked: AtomicU32::new(0),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Says whether this process is filling another index.
    pub fn is_rebuilding(&self) -> bool {
        self.inner.rebuilding.try_lock().is_err()
    }

    /// Builds the index anew from the log while the old one serves, then lets the new one serve.
    /// Returns the position at which they changed places.
    pub async fn rebuild(
        &self,
        log: &dyn EventLog,
    ) -> Result<Position, dlcs_projections::read_store::RebuildError> {
        crate::rebuild::rebuild(&self.inner, log).await
    }

    /// Makes an empty index beside the one that serves, for comparing with it.
    pub async fn scratch(&self) -> Result<Scratch, StoreError> {
        let build = self.inner.make(&[]).await?;
        Ok(Scratch { build })
    }

    /// Removes every index of this version and prefix; the log can bring them back.
    pub async fn remove(&self) -> Result<(), StoreError> {
        for build in self.inner.builds().await? {
            self.inner.delete(&build).await?;
        }
        Ok(())
    }
}

/// An index that nobody searches.
pub struct Scratch {
    build: Build,
}

impl Scratch {
    pub fn model(&self) -> Arc<dyn ReadModel> {
        Arc::new(self.build.clone())
    }

    /// Takes it away.
    pub async fn remove(self) -> Result<(), StoreError> {
        Ok(delete(self.build.client(), self.build.name()).await?)
    }
}

impl Inner {
    pub(crate) fn build(&self, name: &str) -> Build {
        Build::new(self.client.clone(), name, self.records.clone())
    }

    /// Returns the index that serves, made now if there is none.
    pub(crate) async fn serving(&self) -> Result<Build, RequestError> {
        if let Some(build) = self.find_serving().await? {
            return Ok(build);
        }
        if self.mode == Mode::Read {
            let reason = "no search index serves yet: start the server once, which builds it";
            return Err(RequestError::Gone(reason.to_owned()));
        }
        tracing::info!("making the search index {} at {}", self.alias, self.name());
        match self.make(&[&self.alias]).await {
            Ok(build) => Ok(build),
            Err(error) => {
                // Another process may have been faster.
                self.find_serving().await?.ok_or(error)
            }
        }
    }

    async fn find_serving(&self) -> Result<Option<Build>, RequestError> {
        let answer = self.client.find(&format!("_alias/{}", self.alias)).await?;
        let names = answer.as_ref().and_then(|it| it.as_object()).map(serde_json::Map::keys);
        // More than one is nobody's intention; the newest is the best guess.
        let newest = names.into_iter().flatten().max();
        Ok(newest.map(|name| self.build(name)))
    }

    /// Returns the names of all indexes of this version.
    pub(crate) async fn builds(&self) -> Result<Vec<String>, RequestError> {
        let answer = self.client.find(&format!("{}-*/_alias", self.alias)).await?;
        let names = answer.as_ref().and_then(|it| it.as_object()).map(serde_json::Map::keys);
        let names = names.into_iter().flatten();
        Ok(names.filter(|it| index::number(&self.alias, it).is_some()).cloned().collect())
    }

    /// Makes an empty index under the next free number.
    pub(crate) async fn make(&self, aliases: &[&str]) -> Result<Build, RequestError> {
        let builds = self.builds().await?;
        let last = builds.iter().filter_map(|it| index::number(&self.alias, it)).max();
        let name = index::build(&self.alias, last.map_or(1, |it| it + 1));
        let live = index::live(&name);
        let aliases: Vec<&str> = aliases.iter().copied().chain([live.as_str()]).collect();
        let body = index::definition(self.client.address(), &aliases);
        self.client.send(Method::PUT, &name, Body::Json(body)).await?;
        Ok(self.build(&name))
    }

    pub(crate) async fn delete(&self, build: &str) -> Result<(), RequestError> {
        delete(&self.client, build).await
    }

    /// Opens or closes an index for writing.
    pub(crate) async fn block(&self, build: &str, is_closed: bool) -> Result<(), RequestError> {
        let value = if is_closed { json!(true) } else { json!(null) };
        let body = Body::Json(json!({ "index.blocks.write": value }));
        self.client.send(Method::PUT, &format!("{build}/_settings"), body).await?;
        Ok(())
    }

    pub(crate) fn name(&self) -> String {
        self.client.address().name()
    }

    /// Counts how often an index was found closed, and opens it when that is too often: a rebuild
    /// closes it for a moment only, in whatever process.
    async fn open_in_the_end(&self, build: &Build) {
        if self.blocked.fetch_add(1, Ordering::SeqCst) + 1 < BLOCKED_MAX {
            return;
        }
        self.blocked.store(0, Ordering::SeqCst);
        tracing::warn!("{} stays closed: it is opened for writing", build.name());
        if let Err(error) = self.block(build.name(), false).await {
            tracing::warn!("{} cannot be opened: {error}", build.name());
        }
    }

    /// Finds out why a batch could not be written.
    async fn replaced(&self, from: Position, build: &Build, error: RequestError) -> ApplyError {
        let serving = match self.serving().await {
            Ok(serving) => serving,
            Err(error) => return StoreError::from(error).into(),
        };
        if serving.name() == build.name() {
            if matches!(error, RequestError::Blocked(_)) {
                self.open_in_the_end(build).await;
            }
            return StoreError::from(error).into();
        }
        match serving.read_checkpoint().await {
            Ok(it) => ApplyError::CheckpointMoved { expected: from, actual: it.position },
            Err(error) => StoreError::from(error).into(),
        }
    }
}

async fn delete(client: &Client, build: &str) -> Result<(), RequestError> {
    match client.send(Method::DELETE, build, Body::Empty).await {
        Ok(_) | Err(RequestError::Gone(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

#[async_trait]
impl ReadModel for ElasticsearchIndex {
    fn name(&self) -> &'static str {
        NAME
    }

    fn version(&self) -> u32 {
        VERSION
    }

    /// Follows the alias each time, and so whoever moves it.
    async fn checkpoint(&self) -> Result<Position, StoreError> {
        let serving = self.inner.serving().await?;
        Ok(serving.read_checkpoint().await?.position)
    }

    async fn apply(
        &self,
        from: Position,
        to: Position,
        events: EventBatch,
        on_poison: OnPoison,
    ) -> Result<Vec<ParkedEvent>, ApplyError> {
        if self.inner.mode == Mode::Read {
            let reason = "the search index is opened for reading only";
            return Err(StoreError::Damaged(reason.to_owned()).into());
        }
        let _writing = self.inner.writing.lock().await;
        let build = self.inner.serving().await.map_err(StoreError::from)?;
        match build.apply_batch((from, to), events, on_poison).await? {
            Applied::Done(parked) => {
                self.inner.blocked.store(0, Ordering::SeqCst);
                Ok(parked)
            }
            Applied::Replaced(error) => Err(self.inner.replaced(from, &build, error).await),
        }
    }

    async fn parked(&self) -> Result<Vec<ParkedEvent>, StoreError> {
        Ok(self.inner.serving().await?.read_checkpoint().await?.parked)
    }

    async fn dump(&self) -> Result<Dump, StoreError> {
        let _writing = self.inner.writing.lock().await;
        self.inner.serving().await?.sum_up().await
    }
}
