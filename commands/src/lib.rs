//! The write side: load, decide, append; idempotency; a service per area.
//!
//! Not here: read models' SQL, HTTP.
//!
//! Every service answers with what was decided, never with a read model.

pub mod clock;
pub mod context;
pub mod cqrs;
mod error;
pub mod idempotency;
mod keyed;
pub mod lookups;
pub mod metadata;
pub mod passwords;
pub mod room;
pub mod services;
pub mod sessions;
#[cfg(test)]
mod testing;
pub mod vault;
pub mod webhooks;

pub use clock::Clock;
pub use context::CommandContext;
pub use cqrs::{Decided, DispatchError, Executor, Outcome};
pub use dlcs_eventlog::{EventId, Position, StreamRevision};
pub use error::CommandError;
pub use lookups::Lookups;
pub use room::Room;
pub use services::{Commands, NewDocument};
