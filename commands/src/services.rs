//! A service per area. Each answers with what was decided, never with a read model.
//!
//! - `CommandContext` says who asks; `expected_edit` is `If-Match`, `expects_absent` is
//!   `If-None-Match: *`, `command_id` makes a command repeatable (see [`crate::idempotency`]).
//! - `create` is POST, `put` is PUT, `change` is PATCH; a PUT or PATCH that changes nothing appends
//!   nothing.
//! - Errors are [`crate::CommandError`], by what the caller can do. What is `Unavailable` or `Busy`
//!   may be tried again with the same context.

pub mod accounts;
pub mod annotations;
pub mod api_keys;
pub mod assets;
pub mod batches;
pub mod collections;
pub mod customers;
pub mod definitions;
mod hierarchy;
pub mod manifests;
pub mod named_queries;
mod reservations;
pub mod spaces;
#[cfg(test)]
mod tests;
pub mod texts;
pub mod webhooks;

pub use accounts::AccountCommands;
pub use annotations::{AnnotationCommands, NewContainer};
pub use api_keys::{ApiKeyCommands, IssuedApiKey, NewApiKey};
pub use assets::{AssetCommands, RegisterOutcome};
pub use batches::{BatchCommands, MemberOutcome, OpenBatch, Row, Submitted};
pub use collections::{CollectionChange, CollectionCommands};
pub use customers::CustomerCommands;
pub use definitions::{DefinitionCommands, Recorded};
pub use hierarchy::NewDocument;
pub use manifests::ManifestCommands;
pub use named_queries::NamedQueryCommands;
pub use spaces::{NewSpace, SpaceCommands};
pub use texts::{ImportedFile, NewText, TextCommands};
pub use webhooks::{Told, WebhookCommands, WebhookStatus};

use crate::clock::Clock;
use crate::cqrs::Executor;
use crate::error::CommandError;
use crate::lookups::Lookups;
use dlcs_eventlog::EventLog;
use dlcs_objects::Objects;
use hierarchy::Hierarchy;
use reservations::Reservations;
use std::sync::Arc;

/// The write side. Cheap to clone.
#[derive(Clone)]
pub struct Commands {
    pub customers: CustomerCommands,
    pub spaces: SpaceCommands,
    pub assets: AssetCommands,
    pub batches: BatchCommands,
    pub manifests: ManifestCommands,
    pub collections: CollectionCommands,
    pub texts: TextCommands,
    pub annotations: AnnotationCommands,
    pub named_queries: NamedQueryCommands,
    pub api_keys: ApiKeyCommands,
    pub definitions: DefinitionCommands,
    executor: Executor,
}

impl Commands {
    pub fn new(
        log: Arc<dyn EventLog>,
        objects: Arc<dyn Objects>,
        lookups: Arc<dyn Lookups>,
        clock: Arc<dyn Clock>,
        program_version: &str,
    ) -> Self {
        let executor = Executor::new(log, Arc::clone(&clock), program_version);
        let reservations = Reservations::new(executor.clone());
        let hierarchy = Hierarchy::new(executor.clone(), reservations.clone(), objects.clone());
        let assets = AssetCommands::new(executor.clone());
        Self {
            customers: CustomerCommands::new(
                executor.clone(),
                reservations.clone(),
                lookups.clone(),
            ),
            spaces: SpaceCommands::new(executor.clone(), reservations, lookups.clone()),
            named_queries: NamedQueryCommands::new(executor.clone()),
            definitions: DefinitionCommands::new(executor.clone()),
            api_keys: ApiKeyCommands::new(executor.clone(), clock),
            annotations: AnnotationCommands::new(executor.clone(), lookups.clone()),
            batches: BatchCommands::new(executor.clone(), assets.clone()),
            texts: TextCommands::new(executor.clone(), objects),
            manifests: ManifestCommands::new(hierarchy.clone()),
            collections: CollectionCommands::new(hierarchy, executor.clone(), lookups),
            assets,
            executor,
        }
    }

    /// Refuses with [`CommandError::Full`] when only what makes room may be written, for those who
    /// would store something before they command anything.
    pub fn needs_room(&self) -> Result<(), CommandError> {
        match self.executor.room().is_short() {
            true => Err(CommandError::Full("there is hardly any room left".to_owned())),
            false => Ok(()),
        }
    }

    /// Returns what executes commands, for the few who load an aggregate themselves.
    pub fn executor(&self) -> &Executor {
        &self.executor
    }
}
