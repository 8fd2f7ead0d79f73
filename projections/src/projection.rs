//! The contract between projectors, the runner and the stores of read models.
//!
//! - A projector is pure: `project` turns one event into changes, `fold` applies a change to rows.
//! - A store applies the changes of a batch of events and moves the checkpoint in one transaction,
//!   so that a read model is at every moment the fold of exactly the events up to its checkpoint.
//! - An event that cannot be projected is parked, and with it the later ones of its stream.

use crate::dump::Dump;
use async_trait::async_trait;
use dlcs_domain::DomainEvent;
use dlcs_eventlog::{EventId, Position, RecordedEvent, StreamId};
use serde::{Deserialize, Serialize};
use std::hash::Hash;

/// An event and what it says, decoded once for all projections.
#[derive(Debug)]
pub struct DecodedEvent {
    pub recorded: RecordedEvent,
    /// `Err`: this program cannot read it.
    pub decoded: Result<Vec<DomainEvent>, Poison>,
}

impl DecodedEvent {
    pub fn new(recorded: RecordedEvent) -> Self {
        let decoded = dlcs_domain::wire::decode(
            &recorded.type_name,
            recorded.schema_version,
            &recorded.payload,
        );
        Self { recorded, decoded: decoded.map_err(|error| Poison(error.to_string())) }
    }

    /// Returns what the event says, or why it cannot be read.
    pub fn domain_events(&self) -> Result<&[DomainEvent], Poison> {
        self.decoded.as_deref().map_err(Clone::clone)
    }
}

/// Why an event cannot be projected, now and when tried again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Poison(pub String);

/// Why rows cannot be read or written.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// May pass: try again.
    #[error("the read model cannot be reached: {0}")]
    Unavailable(String),
    /// Will not pass by itself: a full disk, a damaged file.
    #[error("the read model is damaged: {0}")]
    Damaged(String),
}

/// Why a change cannot be folded into the rows.
#[derive(Debug, thiserror::Error)]
pub enum FoldError {
    #[error(transparent)]
    Poison(#[from] Poison),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a store does with an event that cannot be projected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnPoison {
    /// Keeps it and the later ones of its stream aside, and goes on.
    Park,
    /// Applies nothing of the batch: a rebuild must not hide what the program cannot read.
    Stop,
}

/// An event that a read model could not take in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParkedEvent {
    pub stream: StreamId,
    pub position: Position,
    pub event_id: EventId,
    pub error: String,
}

#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// Somebody else moved the checkpoint: nothing was applied.
    #[error("the checkpoint is at {actual}, not at {expected}")]
    CheckpointMoved { expected: Position, actual: Position },
    /// Only with [`OnPoison::Stop`]: nothing was applied.
    #[error("the event at {position} in {stream} cannot be projected: {poison}")]
    Poisoned { position: Position, stream: StreamId, poison: Poison },
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// One read model in one store.
#[async_trait]
pub trait ReadModel: Send + Sync + 'static {
    /// Never changes once released, for example `assets`.
    fn name(&self) -> &'static str;

    /// Changes with the shape of the rows or the rules of the projector.
    fn version(&self) -> u32;

    /// Returns up to where events are applied.
    async fn checkpoint(&self) -> Result<Position, StoreError>;

    /// Applies those of `events` that lie after `from` and not after `to`, and moves the checkpoint
    /// from `from` to `to`, all of it in one transaction. Returns the events it parked.
    ///
    /// `events` are all events of the log between the two positions, in order.
    async fn apply(
        &self,
        from: Position,
        to: Position,
        events: EventBatch,
        on_poison: OnPoison,
    ) -> Result<Vec<ParkedEvent>, ApplyError>;

    /// Returns the parked events, by position.
    async fn parked(&self) -> Result<Vec<ParkedEvent>, StoreError>;

    /// Sums up every row and the checkpoint, read in one snapshot.
    async fn dump(&self) -> Result<Dump, StoreError>;
}

/// Events that several projections share.
pub type EventBatch = std::sync::Arc<[DecodedEvent]>;

/// Something that is kept under a key.
pub trait Row: Clone {
    type Key: Clone + Eq + Hash + Ord;
    fn key(&self) -> Self::Key;
}

/// Rows as a fold sees them: what it wrote it reads back.
pub trait Table<R: Row> {
    fn get(&mut self, key: &R::Key) -> Result<Option<R>, StoreError>;
    fn put(&mut self, row: R);
    fn remove(&mut self, key: &R::Key);
}

/// When and where something happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    pub position: u64,
    pub recorded_at_us: i64,
}

impl From<&RecordedEvent> for Stamp {
    fn from(event: &RecordedEvent) -> Self {
        Self { position: event.position.0, recorded_at_us: event.recorded_at_us }
    }
}
