//! One resource as it was at a moment: the fold of its own streams up to there, by the rules of the
//! read model that shows it now.
//!
//! For those who may see the history of the customer's resources. What has been closed since is
//! theirs to see anyhow; nobody else gets at the past of something that is open.

use crate::history::History;
use crate::manifests::{CollectionRow, ManifestRow, StoredKey, StoredRecord};
use crate::memory::{
    AnnotationsMemory, AssetsMemory, ManifestsMemory, MemoryTables, PageTextMemory,
};
use crate::page_text::{PageTextRecord, PageTextRow};
use crate::paging::{LIMIT_MAX, QueryError};
use crate::projection::{DecodedEvent, FoldError};
use crate::{annotations::AnnotationRow, assets::AssetRow};
use dlcs_domain::access::Principal;
use dlcs_domain::{AnnotationId, AssetId, CollectionId, ManifestId};
use dlcs_eventlog::{Position, RecordedEvent, StreamId, StreamRevision};
use std::fmt;

/// A point of the history. What happened at it belongs to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    Position(Position),
    /// Microseconds since 1970, as events were recorded.
    Time(i64),
}

impl Moment {
    fn has_seen(self, event: &RecordedEvent) -> bool {
        match self {
            Self::Position(position) => event.position <= position,
            Self::Time(at_us) => event.recorded_at_us <= at_us,
        }
    }
}

/// Returns an asset as it was, deleted ones too; `None`: it was not there yet.
pub async fn asset(
    history: &dyn History,
    principal: &Principal,
    id: &AssetId,
    moment: Moment,
) -> Result<Option<AssetRow>, QueryError> {
    let tables: AssetsMemory = fold(history, principal, &of_asset(id), moment).await?;
    Ok(tables.assets.row(id).map(|it| it.row.clone()))
}

/// Returns the text of an asset as it was.
pub async fn page_text(
    history: &dyn History,
    principal: &Principal,
    id: &AssetId,
    moment: Moment,
) -> Result<Option<PageTextRow>, QueryError> {
    let tables: PageTextMemory = fold(history, principal, &of_asset(id), moment).await?;
    Ok(tables.texts.row(id).cloned().map(PageTextRecord::into_row))
}

/// Returns a manifest as it was, deleted ones too.
pub async fn manifest(
    history: &dyn History,
    principal: &Principal,
    id: &ManifestId,
    moment: Moment,
) -> Result<Option<ManifestRow>, QueryError> {
    let stream = stream("manifest", id);
    Ok(stored(history, principal, stream, id.into(), moment)
        .await?
        .and_then(|it| it.into_manifest()))
}

/// Returns a collection as it was, deleted ones too. Its members are not part of it.
pub async fn collection(
    history: &dyn History,
    principal: &Principal,
    id: &CollectionId,
    moment: Moment,
) -> Result<Option<CollectionRow>, QueryError> {
    let stream = stream("collection", id);
    let stored = stored(history, principal, stream, id.into(), moment).await?;
    Ok(stored.and_then(StoredRecord::into_collection))
}

/// Returns an annotation as it was, deleted ones too.
pub async fn annotation(
    history: &dyn History,
    principal: &Principal,
    id: &AnnotationId,
    moment: Moment,
) -> Result<Option<AnnotationRow>, QueryError> {
    let streams = [stream("container", &id.container), stream("annotation", id)];
    let tables: AnnotationsMemory = fold(history, principal, &streams, moment).await?;
    Ok(tables.annotations.row(id).map(|it| it.row.clone()))
}

fn of_asset(id: &AssetId) -> [StreamId; 2] {
    [stream("asset", id), stream("transcription", id)]
}

fn stream(category: &str, id: &dyn fmt::Display) -> StreamId {
    StreamId::new(category, &id.to_string())
}

async fn stored(
    history: &dyn History,
    principal: &Principal,
    stream: StreamId,
    key: StoredKey,
    moment: Moment,
) -> Result<Option<StoredRecord>, QueryError> {
    let tables: ManifestsMemory = fold(history, principal, &[stream], moment).await?;
    Ok(tables.stored.row(&key).cloned())
}

/// Folds the events of some streams, in the order in which they happened.
async fn fold<T: MemoryTables>(
    history: &dyn History,
    principal: &Principal,
    streams: &[StreamId],
    moment: Moment,
) -> Result<T, QueryError> {
    let mut events = Vec::new();
    for stream in streams {
        events.extend(until(history, principal, stream, moment).await?);
    }
    events.sort_unstable_by_key(|it| it.position);
    let mut tables = T::default();
    for event in events {
        tables.fold(&DecodedEvent::new(event)).map_err(|error| match error {
            FoldError::Poison(poison) => QueryError::Store(poison.to_string()),
            FoldError::Store(error) => QueryError::Store(error.to_string()),
        })?;
    }
    tables.commit();
    Ok(tables)
}

/// Reads what a stream had seen by then.
async fn until(
    history: &dyn History,
    principal: &Principal,
    stream: &StreamId,
    moment: Moment,
) -> Result<Vec<RecordedEvent>, QueryError> {
    let mut events = Vec::new();
    loop {
        let from = StreamRevision(events.len() as u64);
        let page = history.of_stream(principal, stream, from, LIMIT_MAX).await?;
        let length = page.len();
        events.extend(page.into_iter().take_while(|it| moment.has_seen(it)));
        let is_whole = events.len() as u64 == from.0 + length as u64;
        if !is_whole || length < LIMIT_MAX {
            return Ok(events);
        }
    }
}

#[cfg(all(test, feature = "conformance"))]
mod tests;
