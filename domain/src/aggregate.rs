//! The shape of every aggregate: a state machine that decides, and a fold that cannot fail.

use crate::wire::{DomainEvent, ForeignEvent};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Debug;

/// A consistent history and its rules.
pub trait Aggregate:
    Default + Clone + Debug + Serialize + DeserializeOwned + Send + Sync + 'static
{
    /// Prefix of the stream's name. Never changes.
    const CATEGORY: &'static str;
    type Command: Clone + Debug + Send + Sync;
    type Event: Clone
        + PartialEq
        + Debug
        + Send
        + Sync
        + Into<DomainEvent>
        + TryFrom<DomainEvent, Error = ForeignEvent>;
    type Error: std::error::Error + Clone + PartialEq + Send + Sync + 'static;

    /// Decides. No event means that nothing changes.
    fn handle(&self, command: Self::Command) -> Result<Vec<Self::Event>, Self::Error>;

    /// Folds. Does not judge: it has happened.
    fn apply(&mut self, event: &Self::Event);

    /// Says whether a command only takes something away, and so may be recorded even when there is
    /// hardly any room left.
    fn makes_room(_command: &Self::Command) -> bool {
        false
    }

    /// Counts what clients changed; the ETag of a management resource. Never runs backwards.
    fn edit_revision(&self) -> u64;

    /// Says whether there is something now: created, and not deleted.
    fn exists(&self) -> bool;

    /// Folds a whole history.
    fn folded<'a>(events: impl IntoIterator<Item = &'a Self::Event>) -> Self
    where
        Self::Event: 'a,
    {
        let mut aggregate = Self::default();
        for event in events {
            aggregate.apply(event);
        }
        aggregate
    }
}
