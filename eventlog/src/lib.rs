//! The event store port: streams, positions, appends, and the consumers that follow the log.
//!
//! Not here: any technology, and any knowledge of what an event means.

pub mod consumers;
pub mod event;
pub mod grouped;
pub mod import;
pub mod lease;
pub mod log;
pub mod memory;

#[cfg(feature = "conformance")]
pub mod conformance;

pub use event::{EventId, NewEvent, Position, RecordedEvent, StreamId, StreamRevision};
pub use log::{Append, AppendError, Appended, Clock, EventLog, Expected, LogError};
