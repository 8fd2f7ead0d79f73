//! What followers of the log keep in the control store: checkpoints, leases, parked events.

use crate::event::{EventId, Position, StreamId};
use async_trait::async_trait;
use std::time::Duration;

/// Names one follower, for example `ingest`. Never changes once released.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConsumerName(pub String);

/// Says who holds a lease: one per process and start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseOwner(pub String);

/// An event that a consumer could not handle, kept visible until somebody decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parked {
    pub consumer: ConsumerName,
    pub stream: StreamId,
    pub position: Position,
    pub event_id: EventId,
    pub error: String,
    pub attempts: u32,
    pub parked_at_us: i64,
}

#[derive(Debug, thiserror::Error)]
pub enum ConsumerError {
    #[error("the checkpoint of {consumer} is at {actual:?}, not at {expected}")]
    CheckpointMoved { consumer: String, expected: Position, actual: Option<Position> },
    #[error("the control store cannot be used: {0}")]
    Store(String),
}

/// Durable state of followers. Small, and no part of the history.
#[async_trait]
pub trait ConsumerStore: Send + Sync + 'static {
    /// Returns how far a consumer got; [`Position::START`] when it never began.
    async fn checkpoint(&self, consumer: &ConsumerName) -> Result<Position, ConsumerError>;

    /// Moves a checkpoint from where it must be to where it shall be (compare and set).
    async fn advance(
        &self,
        consumer: &ConsumerName,
        from: Position,
        to: Position,
    ) -> Result<(), ConsumerError>;

    /// Forgets a consumer that will never come back: its checkpoint, and what is parked for it.
    async fn forget(&self, consumer: &ConsumerName) -> Result<(), ConsumerError>;

    /// Takes or renews a lease. `false`: somebody else holds it and it has not run out.
    ///
    /// `now_us` is the caller's clock. A store that several machines share judges by a clock of its
    /// own instead, if it has one: theirs need not agree.
    async fn acquire(
        &self,
        consumer: &ConsumerName,
        owner: &LeaseOwner,
        now_us: i64,
        duration: Duration,
    ) -> Result<bool, ConsumerError>;

    /// Gives a lease back, if this owner holds it.
    async fn release(
        &self,
        consumer: &ConsumerName,
        owner: &LeaseOwner,
    ) -> Result<(), ConsumerError>;

    /// Gives back every lease whose owner's name begins like this: of processes that have ended.
    async fn release_all(&self, owner_prefix: &str) -> Result<(), ConsumerError>;

    async fn park(&self, parked: Parked) -> Result<(), ConsumerError>;
    async fn parked(&self, consumer: &ConsumerName) -> Result<Vec<Parked>, ConsumerError>;
    async fn unpark(&self, consumer: &ConsumerName, stream: &StreamId)
    -> Result<(), ConsumerError>;
    /// Returns every consumer that has a checkpoint or a lease: name, checkpoint, owner.
    async fn consumers(
        &self,
    ) -> Result<Vec<(ConsumerName, Position, Option<LeaseOwner>)>, ConsumerError>;
}
