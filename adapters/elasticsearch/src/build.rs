//! One index: its checkpoint, its records, and how a batch of events gets into it.
//!
//! - A document's version is the position of the last event in it. Whoever is late, or writes the
//!   same batch again, changes nothing for the worse.
//! - The checkpoint is a document too, written after all others of the batch were, and only if it is
//!   at an earlier position. So it never tells of an event that is not in the index.
//! - What is written is seen before the checkpoint is: a search after it finds everything.

use crate::bulk::{self, Operation};
use crate::client::{Body, Client, RequestError};
use crate::document::{document_id, source};
use crate::fold::{Batch, Changed, Stored};
use crate::index;
use async_trait::async_trait;
use dlcs_domain::AssetId;
use dlcs_eventlog::Position;
use dlcs_projections::dump::Dump;
use dlcs_projections::projection::{
    ApplyError, EventBatch, OnPoison, ParkedEvent, Poison, ReadModel, StoreError,
};
use dlcs_projections::search::{NAME, PageRecords, SearchRecord, VERSION};
use dlcs_text::PageRecord;
use futures::{StreamExt, TryStreamExt, stream};
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;

/// Id of the document that holds the checkpoint; ids of assets begin with a digit.
pub(crate) const CHECKPOINT: &str = "checkpoint";
/// Documents of one request.
const DOCUMENTS_MAX: usize = 256;
/// Words of the pages of one request, by which its size is bounded: about 16 MiB.
const WORDS_MAX: u32 = 500_000;
/// Page records that are read at the same time.
const READS: usize = 8;

/// One index of the node. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Build {
    client: Client,
    name: Arc<str>,
    records: PageRecords,
}

/// Where an index is, and what it could not take in.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Checkpoint {
    pub position: Position,
    pub parked: Vec<ParkedEvent>,
}

/// What became of a batch.
pub(crate) enum Applied {
    Done(Vec<ParkedEvent>),
    /// The index is not there any more, or another one is about to take its place.
    Replaced(RequestError),
}

enum BuildError {
    Request(RequestError),
    Apply(ApplyError),
}

impl From<RequestError> for BuildError {
    fn from(error: RequestError) -> Self {
        Self::Request(error)
    }
}

impl From<ApplyError> for BuildError {
    fn from(error: ApplyError) -> Self {
        Self::Apply(error)
    }
}

impl From<StoreError> for BuildError {
    fn from(error: StoreError) -> Self {
        Self::Apply(error.into())
    }
}

impl Build {
    pub(crate) fn new(client: Client, name: &str, records: PageRecords) -> Self {
        Self { client, name: name.into(), records }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) fn records(&self) -> &PageRecords {
        &self.records
    }

    /// Reads the checkpoint as it was written last, seen by searches or not.
    pub(crate) async fn read_checkpoint(&self) -> Result<Checkpoint, RequestError> {
        let answer = self.client.find(&format!("{}/_doc/{CHECKPOINT}", self.name)).await?;
        match answer {
            Some(answer) => checkpoint_of(&answer),
            None => self.exists().await.map(|()| Checkpoint::default()),
        }
    }

    async fn exists(&self) -> Result<(), RequestError> {
        self.client.send(Method::GET, &format!("{}/_alias", self.name), Body::Empty).await?;
        Ok(())
    }

    /// Brings a batch into the index and moves the checkpoint.
    pub(crate) async fn apply_batch(
        &self,
        range: (Position, Position),
        events: EventBatch,
        on_poison: OnPoison,
    ) -> Result<Applied, ApplyError> {
        match self.try_apply(range, events, on_poison).await {
            Ok(parked) => Ok(Applied::Done(parked)),
            Err(BuildError::Apply(error)) => Err(error),
            Err(BuildError::Request(
                error @ (RequestError::Gone(_) | RequestError::Blocked(_)),
            )) => Ok(Applied::Replaced(error)),
            Err(BuildError::Request(error)) => Err(StoreError::from(error).into()),
        }
    }

    async fn try_apply(
        &self,
        (from, to): (Position, Position),
        events: EventBatch,
        on_poison: OnPoison,
    ) -> Result<Vec<ParkedEvent>, BuildError> {
        let Checkpoint { position: actual, parked: mut all_parked } =
            self.read_checkpoint().await?;
        if actual != from {
            return Err(ApplyError::CheckpointMoved { expected: from, actual }.into());
        }
        let batch = Batch::new(events, (from, to), &all_parked);
        let stored = self.records_of(batch.assets()).await?;
        let folded = batch.fold(stored)?;
        let mut parked = folded.parked;
        judge(&parked, on_poison)?;
        let is_changed = !folded.changed.is_empty();
        for refused in self.write(&folded.changed).await? {
            let changed = folded.changed.iter().find(|it| document_id(&it.record.id) == refused.id);
            parked.extend(changed.iter().flat_map(|it| batch.park(it, &refused.reason)));
        }
        parked.sort_by_key(|it| it.position);
        judge(&parked, on_poison)?;
        if is_changed {
            self.refresh().await?;
        }
        all_parked.extend(parked.iter().cloned());
        self.move_checkpoint(from, Checkpoint { position: to, parked: all_parked }).await?;
        Ok(parked)
    }

    /// Reads the records of assets as they were written last.
    async fn records_of(
        &self,
        assets: impl IntoIterator<Item = AssetId>,
    ) -> Result<HashMap<AssetId, Stored>, BuildError> {
        let ids: Vec<String> = assets.into_iter().map(|it| document_id(&it)).collect();
        let mut stored = HashMap::with_capacity(ids.len());
        for ids in ids.chunks(1_024) {
            let path = format!(
                "{}/_mget?_source_includes=record,position&filter_path=docs._source,docs.error",
                self.name
            );
            let answer =
                self.client.send(Method::POST, &path, Body::Json(json!({ "ids": ids }))).await?;
            for document in answer["docs"].as_array().into_iter().flatten() {
                if let Some(error) = document.get("error") {
                    return Err(RequestError::Unavailable(error.to_string()).into());
                }
                if let Some(it) = document.get("_source").map(stored_of).transpose()? {
                    stored.insert(it.record.id.clone(), it);
                }
            }
        }
        Ok(stored)
    }

    /// Writes what changed; returns what the index refuses.
    async fn write(&self, changed: &[Changed]) -> Result<Vec<bulk::Refused>, BuildError> {
        let live = index::live(&self.name);
        let mut refused = Vec::new();
        let documents: Vec<_> = changed.iter().map(|it| (it.record.clone(), it.position)).collect();
        let read = |(record, position): (SearchRecord, u64)| async move {
            let page = self.page(&record).await?;
            Ok::<_, StoreError>((record, position, page))
        };
        let pages = stream::iter(documents).map(read).buffered(READS);
        let mut pages = std::pin::pin!(pages);
        loop {
            let (mut gathered, mut words) = (Vec::new(), 0);
            while gathered.len() < DOCUMENTS_MAX && words < WORDS_MAX {
                let Some(document) = pages.try_next().await? else { break };
                words += document.2.as_ref().map_or(0, PageRecord::word_count);
                gathered.push(document);
            }
            if gathered.is_empty() {
                return Ok(refused);
            }
            let operations = operations(gathered).await?;
            refused.extend(bulk::write(&self.client, &live, operations).await?);
        }
    }

    /// Returns what can be found of a page; `None`: nothing.
    async fn page(&self, record: &SearchRecord) -> Result<Option<PageRecord>, StoreError> {
        let Some(text) = record.visible_text() else { return Ok(None) };
        let read = self.records.read(&text.blobs.record).await;
        read.map_err(|error| StoreError::Unavailable(error.to_string()))
    }

    /// Lets searches see all that was written.
    pub(crate) async fn refresh(&self) -> Result<(), RequestError> {
        self.client.send(Method::POST, &format!("{}/_refresh", self.name), Body::Empty).await?;
        Ok(())
    }

    async fn move_checkpoint(&self, from: Position, to: Checkpoint) -> Result<(), BuildError> {
        let path = format!(
            "{}/_doc/{CHECKPOINT}?version={}&version_type=external&require_alias=true",
            index::live(&self.name),
            to.position.0
        );
        let body = json!({ "kind": CHECKPOINT, "checkpoint": to });
        match self.client.send(Method::PUT, &path, Body::Json(body)).await {
            Ok(_) => Ok(()),
            Err(RequestError::Conflict(_)) => {
                let actual = self.read_checkpoint().await?.position;
                Err(ApplyError::CheckpointMoved { expected: from, actual }.into())
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// Refuses a batch with poison where that must not be hidden.
fn judge(parked: &[ParkedEvent], on_poison: OnPoison) -> Result<(), ApplyError> {
    match (on_poison, parked.first()) {
        (OnPoison::Stop, Some(first)) => Err(ApplyError::Poisoned {
            position: first.position,
            stream: first.stream.clone(),
            poison: Poison(first.error.clone()),
        }),
        _ => Ok(()),
    }
}

/// Analyses pages: too much work for a thread that serves requests.
async fn operations(
    pages: Vec<(SearchRecord, u64, Option<PageRecord>)>,
) -> Result<Vec<Operation>, StoreError> {
    let work = move || {
        let operation = |(record, position, page): (SearchRecord, u64, Option<PageRecord>)| {
            let source = source(&record, position, page.as_ref());
            Operation { id: document_id(&record.id), position, source }
        };
        pages.into_iter().map(operation).collect()
    };
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| StoreError::Unavailable(error.to_string()))
}

/// Reads the checkpoint out of its document.
pub(crate) fn checkpoint_of(document: &Value) -> Result<Checkpoint, RequestError> {
    match document["_source"].get("checkpoint") {
        Some(checkpoint) => Checkpoint::deserialize(checkpoint).map_err(|error| foreign(&error)),
        None => Ok(Checkpoint::default()),
    }
}

/// Reads a record out of the source of its document.
pub(crate) fn stored_of(source: &Value) -> Result<Stored, RequestError> {
    let record = SearchRecord::deserialize(&source["record"]).map_err(|error| foreign(&error))?;
    Ok(Stored { record, position: source["position"].as_u64().unwrap_or_default() })
}

fn foreign(error: &serde_json::Error) -> RequestError {
    RequestError::Refused(format!("a document of the search index is not one of ours: {error}"))
}

#[async_trait]
impl ReadModel for Build {
    fn name(&self) -> &'static str {
        NAME
    }

    fn version(&self) -> u32 {
        VERSION
    }

    async fn checkpoint(&self) -> Result<Position, StoreError> {
        Ok(self.read_checkpoint().await?.position)
    }

    async fn apply(
        &self,
        from: Position,
        to: Position,
        events: EventBatch,
        on_poison: OnPoison,
    ) -> Result<Vec<ParkedEvent>, ApplyError> {
        match self.apply_batch((from, to), events, on_poison).await? {
            Applied::Done(parked) => Ok(parked),
            Applied::Replaced(error) => Err(StoreError::from(error).into()),
        }
    }

    async fn parked(&self) -> Result<Vec<ParkedEvent>, StoreError> {
        Ok(self.read_checkpoint().await?.parked)
    }

    async fn dump(&self) -> Result<Dump, StoreError> {
        self.sum_up().await
    }
}
