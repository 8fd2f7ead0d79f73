//! What a batch of events makes of the records that the index has.
//!
//! A write can stop half way: then some documents are ahead of the checkpoint. Each says which event
//! is the last one in it, and events up to that one are not folded into it again.

use dlcs_domain::AssetId;
use dlcs_eventlog::{Position, StreamId};
use dlcs_projections::projection::{
    DecodedEvent, EventBatch, FoldError, ParkedEvent, Poison, StoreError, Table,
};
use dlcs_projections::search::{SearchChange, SearchRecord, fold, project};
use std::collections::{BTreeMap, HashMap, HashSet};

/// A record as the index has it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Stored {
    pub record: SearchRecord,
    /// Of the last event in it.
    pub position: u64,
}

/// A record that a batch changes.
#[derive(Debug, PartialEq)]
pub(crate) struct Changed {
    pub record: SearchRecord,
    pub position: u64,
    /// Places in the batch of the events that touched it.
    pub events: Vec<usize>,
}

/// The events of one batch that are due, each with its changes.
pub(crate) struct Batch {
    events: EventBatch,
    from: Position,
    to: Position,
    parked_streams: HashSet<StreamId>,
}

#[derive(Debug, Default, PartialEq)]
pub(crate) struct Folded {
    pub changed: Vec<Changed>,
    pub parked: Vec<ParkedEvent>,
}

impl Batch {
    pub(crate) fn new(
        events: EventBatch,
        (from, to): (Position, Position),
        parked: &[ParkedEvent],
    ) -> Self {
        let parked_streams = parked.iter().map(|it| it.stream.clone()).collect();
        Self { events, from, to, parked_streams }
    }

    fn due(&self) -> impl Iterator<Item = (usize, &DecodedEvent)> {
        let is_due = |position| self.from < position && position <= self.to;
        self.events.iter().enumerate().filter(move |(_, it)| is_due(it.recorded.position))
    }

    /// Returns the assets that the events are about.
    pub(crate) fn assets(&self) -> HashSet<AssetId> {
        let changes = self.due().filter_map(|(_, event)| changes(event).ok()).flatten();
        changes.map(|it| asset(&it).clone()).collect()
    }

    /// Folds the events into the records that the index has of those assets.
    pub(crate) fn fold(&self, stored: HashMap<AssetId, Stored>) -> Result<Folded, StoreError> {
        let mut known = Known { stored, current: BTreeMap::new() };
        let mut parked: Vec<ParkedEvent> = Vec::new();
        let mut newly_parked = HashSet::new();
        for (place, event) in self.due() {
            let stream = &event.recorded.stream;
            let outcome = if self.parked_streams.contains(stream) || newly_parked.contains(stream) {
                Err(Poison("an earlier event of the stream is parked".into()).into())
            } else {
                known.apply(place, event)
            };
            match outcome {
                Ok(()) => {}
                Err(FoldError::Store(error)) => return Err(error),
                Err(FoldError::Poison(poison)) => {
                    newly_parked.insert(stream.clone());
                    parked.push(park(event, poison.0));
                }
            }
        }
        Ok(Folded { changed: known.changed(), parked })
    }

    /// Parks the events that are in a document which the index refuses.
    pub(crate) fn park(&self, changed: &Changed, reason: &str) -> Vec<ParkedEvent> {
        changed.events.iter().map(|place| park(&self.events[*place], reason.to_owned())).collect()
    }
}

fn changes(event: &DecodedEvent) -> Result<Vec<SearchChange>, Poison> {
    project(&event.recorded, event.domain_events()?)
}

fn asset(change: &SearchChange) -> &AssetId {
    match change {
        SearchChange::Asset { id, .. } | SearchChange::Text { id, .. } => id,
    }
}

fn park(event: &DecodedEvent, error: String) -> ParkedEvent {
    ParkedEvent {
        stream: event.recorded.stream.clone(),
        position: event.recorded.position,
        event_id: event.recorded.event_id,
        error,
    }
}

/// The records of a batch: as they were, and as they become.
struct Known {
    stored: HashMap<AssetId, Stored>,
    current: BTreeMap<AssetId, Changed>,
}

impl Known {
    fn apply(&mut self, place: usize, event: &DecodedEvent) -> Result<(), FoldError> {
        let position = event.recorded.position.0;
        for change in changes(event)? {
            let id = asset(&change).clone();
            if self.stored.get(&id).is_some_and(|it| it.position >= position) {
                continue;
            }
            fold(change, self)?;
            if let Some(changed) = self.current.get_mut(&id) {
                changed.position = position;
                changed.events.push(place);
            }
        }
        Ok(())
    }

    fn changed(self) -> Vec<Changed> {
        let is_new = |id: &AssetId, record: &SearchRecord| {
            self.stored.get(id).is_none_or(|it| it.record != *record)
        };
        let current = self.current.into_iter();
        current.filter(|(id, it)| is_new(id, &it.record)).map(|(_, it)| it).collect()
    }
}

impl Table<SearchRecord> for Known {
    fn get(&mut self, id: &AssetId) -> Result<Option<SearchRecord>, StoreError> {
        let current = self.current.get(id).map(|it| &it.record);
        Ok(current.or_else(|| self.stored.get(id).map(|it| &it.record)).cloned())
    }

    fn put(&mut self, record: SearchRecord) {
        match self.current.get_mut(&record.id) {
            Some(changed) => changed.record = record,
            None => {
                let id = record.id.clone();
                self.current.insert(id, Changed { record, position: 0, events: Vec::new() });
            }
        }
    }

    /// No record is ever removed: that of a deleted asset says so.
    fn remove(&mut self, id: &AssetId) {
        debug_assert!(false, "{id} is removed");
        self.current.remove(id);
    }
}
