//! Events in, documents out: one commit for each piece.

use crate::build::{Build, Failure, blocking, damaged};
use crate::schema;
use dlcs_domain::AssetId;
use dlcs_eventlog::Position;
use dlcs_projections::projection::{
    ApplyError, DecodedEvent, EventBatch, FoldError, OnPoison, ParkedEvent, Poison, StoreError,
    Table,
};
use dlcs_projections::search::{self, PageRecords, SearchRecord};
use dlcs_text::PageRecord;
use futures::{StreamExt, stream};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use tantivy::{Searcher, Term};

/// Pages whose records are in memory at the same time, and are fetched together.
const PAGES_AT_ONCE: usize = 64;
const FETCHES: usize = 8;

/// Applies a piece of the log. The caller lets nobody else write meanwhile.
pub(crate) async fn apply(
    build: &Arc<Build>,
    records: &PageRecords,
    from: Position,
    to: Position,
    events: EventBatch,
    on_poison: OnPoison,
) -> Result<Vec<ParkedEvent>, ApplyError> {
    let progress = build.progress();
    if progress.checkpoint != from {
        let actual = progress.checkpoint;
        return Err(ApplyError::CheckpointMoved { expected: from, actual });
    }
    let folding = Arc::clone(build);
    let folded = tokio::task::spawn_blocking(move || {
        let mut rows = Rows::new(&folding);
        let parked = fold(&mut rows, from, to, &events, on_poison)?;
        Ok::<_, ApplyError>((rows.changed, parked))
    });
    let folded = folded.await.map_err(|error| StoreError::Unavailable(error.to_string()))?;
    let (changed, parked) = folded?;
    let moved = progress.moved(to, &parked);
    let written = async {
        write(build, records, changed.into_values().collect()).await?;
        let committing = Arc::clone(build);
        blocking(move || committing.commit(moved)).await.map_err(damaged)
    };
    if let Err(error) = written.await {
        let rolling_back = Arc::clone(build);
        let rolled_back = blocking(move || rolling_back.roll_back()).await;
        rolled_back.map_err(damaged)?;
        return Err(error.into());
    }
    Ok(parked)
}

/// Folds events into rows; returns those that have to be parked.
fn fold(
    rows: &mut Rows<'_>,
    from: Position,
    to: Position,
    events: &[DecodedEvent],
    on_poison: OnPoison,
) -> Result<Vec<ParkedEvent>, ApplyError> {
    let mut parked: Vec<ParkedEvent> = Vec::new();
    let before = rows.build.progress();
    let mut streams: HashSet<_> = before.parked.iter().map(|it| it.stream.clone()).collect();
    for event in events {
        let position = event.recorded.position;
        if position <= from || to < position {
            continue;
        }
        let stream = &event.recorded.stream;
        let folded = if streams.contains(stream) {
            Err(Poison("an earlier event of the stream is parked".into()).into())
        } else {
            fold_event(rows, event)
        };
        let poison = match folded {
            Ok(()) => continue,
            Err(FoldError::Store(error)) => return Err(error.into()),
            Err(FoldError::Poison(poison)) => poison,
        };
        let stream = stream.clone();
        if on_poison == OnPoison::Stop {
            return Err(ApplyError::Poisoned { position, stream, poison });
        }
        streams.insert(stream.clone());
        let event_id = event.recorded.event_id;
        parked.push(ParkedEvent { stream, position, event_id, error: poison.0 });
    }
    Ok(parked)
}

fn fold_event(rows: &mut Rows<'_>, event: &DecodedEvent) -> Result<(), FoldError> {
    for change in search::project(&event.recorded, event.domain_events()?)? {
        search::fold(change, rows)?;
    }
    Ok(())
}

/// The records of the index, and what the piece has changed of them so far.
struct Rows<'a> {
    build: &'a Build,
    searcher: Searcher,
    changed: BTreeMap<AssetId, SearchRecord>,
}

impl<'a> Rows<'a> {
    fn new(build: &'a Build) -> Self {
        Self { build, searcher: build.searcher(), changed: BTreeMap::new() }
    }
}

impl Table<SearchRecord> for Rows<'_> {
    fn get(&mut self, key: &AssetId) -> Result<Option<SearchRecord>, StoreError> {
        if let Some(record) = self.changed.get(key) {
            return Ok(Some(record.clone()));
        }
        self.build.record(&self.searcher, key).map_err(damaged)
    }

    fn put(&mut self, row: SearchRecord) {
        self.changed.insert(row.id.clone(), row);
    }

    fn remove(&mut self, key: &AssetId) {
        // The rules never remove: a deleted asset is kept, to know its next generation.
        self.changed.remove(key);
    }
}

/// Writes the documents of changed records; page records are read meanwhile, a few at a time.
async fn write(
    build: &Arc<Build>,
    records: &PageRecords,
    changed: Vec<SearchRecord>,
) -> Result<(), StoreError> {
    let mut changed = changed.into_iter().peekable();
    while changed.peek().is_some() {
        let some = changed.by_ref().take(PAGES_AT_ONCE);
        let read = stream::iter(some)
            .map(|record| async move {
                let page = match record.visible_text() {
                    Some(text) => records.read(&text.blobs.record).await?,
                    None => None,
                };
                Ok((record, page))
            })
            .buffered(FETCHES)
            .collect::<Vec<_>>();
        let read: Result<Vec<_>, dlcs_objects::ObjectError> = read.await.into_iter().collect();
        let pages = read.map_err(|error| StoreError::Unavailable(error.to_string()))?;
        let writing = Arc::clone(build);
        blocking(move || add(&writing, &pages)).await.map_err(damaged)?;
    }
    Ok(())
}

fn add(build: &Build, pages: &[(SearchRecord, Option<PageRecord>)]) -> Result<(), Failure> {
    build.change(|writer| {
        for (record, page) in pages {
            let document = schema::document(&build.fields, record, page.as_ref())?;
            writer.delete_term(Term::from_field_text(build.fields.key, &schema::key(&record.id)));
            writer.add_document(document)?;
        }
        Ok(())
    })
}
