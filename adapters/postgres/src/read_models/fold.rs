//! Folding a batch while its rows are in another process: guess, fetch, fold again.
//!
//! - Rules are pure and read rows at once; the rows of PostgreSQL take a round trip. So the whole
//!   batch is folded over what is known. A row that is not known is noted and taken for missing.
//! - After a pass that lacked rows, all of them are fetched together, and the batch is folded anew.
//!   What the pass computed, its poison included, is thrown away.
//! - A pass that lacked nothing has seen what the tables hold: it is exact, and it is written.
//! - Each pass adds rows and never forgets one, and its events before the first lacking row are
//!   exact, so that the passes come to an end: mostly two or three, whatever the size of the batch.

use super::table::Slots;
use dlcs_eventlog::{Position, StreamId};
use dlcs_projections::projection::{
    ApplyError, DecodedEvent, EventBatch, FoldError, OnPoison, ParkedEvent, Poison, StoreError,
};
use std::collections::HashSet;

/// Takes in the events of one batch.
pub(super) trait Session: Send {
    fn apply(&mut self, event: &DecodedEvent) -> Result<(), FoldError>;

    fn tables(&mut self) -> Vec<&mut dyn Slots>;
}

/// The events that are to be applied.
#[derive(Clone)]
pub(super) struct Batch {
    pub(super) from: Position,
    pub(super) to: Position,
    pub(super) events: EventBatch,
}

impl Batch {
    fn events(&self) -> impl Iterator<Item = &DecodedEvent> {
        let is_due = |position| self.from < position && position <= self.to;
        self.events.iter().filter(move |it| is_due(it.recorded.position))
    }
}

/// Folds the batch once, and returns the events that have to be parked, if the pass lacked nothing.
pub(super) fn pass(
    session: &mut dyn Session,
    batch: &Batch,
    parked_streams: &HashSet<StreamId>,
) -> Result<Vec<ParkedEvent>, StoreError> {
    let mut parked: Vec<ParkedEvent> = Vec::new();
    let mut newly_parked = HashSet::new();
    for event in batch.events() {
        let stream = &event.recorded.stream;
        let outcome = if parked_streams.contains(stream) || newly_parked.contains(stream) {
            Err(Poison("an earlier event of the stream is parked".into()).into())
        } else {
            session.apply(event)
        };
        let poison = match outcome {
            Ok(()) => continue,
            Err(FoldError::Store(error)) => return Err(error),
            Err(FoldError::Poison(poison)) => poison,
        };
        newly_parked.insert(stream.clone());
        parked.push(ParkedEvent {
            stream: stream.clone(),
            position: event.recorded.position,
            event_id: event.recorded.event_id,
            error: poison.0,
        });
    }
    Ok(parked)
}

/// Refuses a batch with poison where that must not be hidden.
pub(super) fn judge(parked: &[ParkedEvent], on_poison: OnPoison) -> Result<(), ApplyError> {
    match (on_poison, parked.first()) {
        (OnPoison::Stop, Some(first)) => Err(ApplyError::Poisoned {
            position: first.position,
            stream: first.stream.clone(),
            poison: Poison(first.error.clone()),
        }),
        _ => Ok(()),
    }
}
