//! Facts about many streams at once, answered by read models.
//!
//! Everything about one stream comes from the log itself: whether a space exists, who has a name.

use async_trait::async_trait;
use dlcs_domain::{CollectionId, ContainerId, CustomerId, SpaceId};
use dlcs_eventlog::Position;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LookupError {
    /// The read model did not get to the position in time: try again.
    #[error("the read model is behind")]
    Behind,
    #[error("the read store cannot be used: {0}")]
    Store(String),
}

/// Asks read models that are at least as new as `at_least`, and waits a moment for them.
#[async_trait]
pub trait Lookups: Send + Sync + 'static {
    /// Says whether a space has no living asset.
    async fn space_is_empty(&self, space: SpaceId, at_least: Position)
    -> Result<bool, LookupError>;

    /// Says whether a customer has no living space.
    async fn customer_is_empty(
        &self,
        customer: CustomerId,
        at_least: Position,
    ) -> Result<bool, LookupError>;

    /// Says whether an annotation container has no living annotation.
    async fn container_is_empty(
        &self,
        container: &ContainerId,
        at_least: Position,
    ) -> Result<bool, LookupError>;

    /// Says whether a storage collection has no living manifest and collection in it.
    async fn collection_is_empty(
        &self,
        collection: &CollectionId,
        at_least: Position,
    ) -> Result<bool, LookupError>;
}
