//! The search index on tantivy, in a folder.
//!
//! - `serving.json` names the build that serves; it is replaced atomically. A rebuild fills a new
//!   build beside it and then changes the name; builds that nobody names go at the next start.
//! - The checkpoint and the parked events are in the payload of the commit, so they move with the
//!   documents: a kill at any moment leaves the last commit.
//! - An index of another version, or one that cannot be opened, is built anew from the log. The log
//!   is the truth; only time is lost.
//! - Analysis, the syntax of queries and the boxes of hits are of `dlcs-text`.
//!
//! Not here: boxes, HTTP. tantivy's own query parser, tokenizers and snippets are not used.

mod apply;
mod build;
mod dump;
mod folder;
mod rebuild;
mod schema;
mod search;
mod store;
mod suggest;

use async_trait::async_trait;
use build::Build;
use dlcs_domain::access::Principal;
use dlcs_eventlog::{EventLog, Position};
use dlcs_projections::dump::Dump;
use dlcs_projections::paging::QueryError;
use dlcs_projections::projection::{
    ApplyError, EventBatch, OnPoison, ParkedEvent, ReadModel, StoreError,
};
use dlcs_projections::read_store::RebuildError;
use dlcs_projections::search::{
    self as port, PageRecords, Scope, SearchIndex, SearchPage, Suggestion,
};
use dlcs_text::Query;
use folder::Folder;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

#[derive(Debug, thiserror::Error)]
pub enum TantivyError {
    #[error("cannot use {}: {source}", path.display())]
    Folder { path: PathBuf, source: std::io::Error },
    #[error("the search index in {} cannot be used: {detail}", path.display())]
    Index { path: PathBuf, detail: String },
    #[error(
        "no search index of this program's version serves yet: start the server once, which builds it"
    )]
    NotBuilt,
    #[error("the search index is opened for reading only")]
    ReadOnly,
}

/// The search index in one folder. Clones share it.
///
/// A server uses `open`; a command beside it `open_read_only`.
#[derive(Clone)]
pub struct TantivySearch {
    shared: Arc<Shared>,
}

struct Shared {
    folder: Folder,
    records: PageRecords,
    serving: RwLock<Arc<Build>>,
    is_rebuilding: AtomicBool,
    /// Held while documents change, and while another build takes over.
    writing: tokio::sync::Mutex<()>,
}

impl TantivySearch {
    /// Opens the index for reading and writing, makes it if it is missing or cannot be used, and
    /// removes leftovers.
    ///
    /// The caller holds the lock of the data folder.
    pub fn open(dir: &Path, records: PageRecords) -> Result<Self, TantivyError> {
        let folder = Folder::open(dir)?;
        let build = folder.open_or_make_serving()?;
        folder.remove_leftovers();
        Ok(Self::with(folder, build, records))
    }

    /// Opens what serves for reading, also beside a running server.
    pub fn open_read_only(dir: &Path, records: PageRecords) -> Result<Self, TantivyError> {
        let folder = Folder::open_read_only(dir)?;
        let build = folder.open_serving_read_only()?;
        Ok(Self::with(folder, build, records))
    }

    fn with(folder: Folder, build: Build, records: PageRecords) -> Self {
        let shared = Shared {
            folder,
            records,
            serving: RwLock::new(Arc::new(build)),
            is_rebuilding: AtomicBool::new(false),
            writing: tokio::sync::Mutex::default(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Builds the index anew from the log while the old one serves, then lets the new one serve.
    /// Returns the position at which they changed places.
    ///
    /// Stops at an event that this program cannot project. Dropping the future gives the new index
    /// up; so does a kill.
    pub async fn rebuild(&self, log: &dyn EventLog) -> Result<Position, RebuildError> {
        rebuild::rebuild(&self.shared, log).await
    }

    pub fn is_rebuilding(&self) -> bool {
        self.shared.is_rebuilding.load(Ordering::SeqCst)
    }

    fn serving(&self) -> Arc<Build> {
        self.shared.serving()
    }
}

impl Shared {
    fn serving(&self) -> Arc<Build> {
        Arc::clone(&self.serving.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Lets another build serve; returns the one that did.
    fn replace(&self, build: Arc<Build>) -> Arc<Build> {
        let mut serving = self.serving.write().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut serving, build)
    }
}

#[async_trait]
impl ReadModel for TantivySearch {
    fn name(&self) -> &'static str {
        port::NAME
    }

    fn version(&self) -> u32 {
        port::VERSION
    }

    async fn checkpoint(&self) -> Result<Position, StoreError> {
        Ok(self.serving().progress().checkpoint)
    }

    async fn apply(
        &self,
        from: Position,
        to: Position,
        events: EventBatch,
        on_poison: OnPoison,
    ) -> Result<Vec<ParkedEvent>, ApplyError> {
        let _writing = self.shared.writing.lock().await;
        apply::apply(&self.serving(), &self.shared.records, from, to, events, on_poison).await
    }

    async fn parked(&self) -> Result<Vec<ParkedEvent>, StoreError> {
        Ok(self.serving().progress().parked.clone())
    }

    async fn dump(&self) -> Result<Dump, StoreError> {
        // No commit comes between the documents and the checkpoint that belongs to them.
        let _writing = self.shared.writing.lock().await;
        let build = self.serving();
        build::blocking(move || dump::dump(&build)).await.map_err(build::damaged)
    }
}

#[async_trait]
impl SearchIndex for TantivySearch {
    async fn search(
        &self,
        principal: &Principal,
        scope: &Scope,
        query: &Query,
        from: usize,
        limit: usize,
    ) -> Result<SearchPage, QueryError> {
        let build = self.serving();
        let readable = port::Readable::by(principal, scope.customer);
        let (scope, query) = (scope.clone(), query.clone());
        let found = build::blocking(move || {
            search::search(&build, &scope, &readable, &query, from, limit.min(port::PAGES_MAX))
        });
        found.await.map_err(|error| QueryError::Store(error.to_string()))
    }

    async fn autocomplete(
        &self,
        principal: &Principal,
        scope: &Scope,
        prefix: &str,
        limit: usize,
    ) -> Result<Vec<Suggestion>, QueryError> {
        let build = self.serving();
        let readable = port::Readable::by(principal, scope.customer);
        let (scope, prefix) = (scope.clone(), prefix.to_owned());
        let suggested = build::blocking(move || {
            let limit = limit.min(port::SUGGESTIONS_MAX);
            suggest::suggest(&build, &scope, &readable, &prefix, limit)
        });
        suggested.await.map_err(|error| QueryError::Store(error.to_string()))
    }
}
