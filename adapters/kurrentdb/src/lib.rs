//! The event log on KurrentDB, and on the EventStoreDB that it was before.
//!
//! - Each append is checked by the server against the exact revision of its stream.
//! - Positions are commit positions of the server: later is greater, with holes.
//! - The server knows event ids of one stream at a time, and only while it looks for a repetition:
//!   what the port promises beyond that is kept here.
//!
//! Not here: read models and the control store, which KurrentDB cannot hold.

mod address;
mod append;
mod connection;
mod ending;
mod errors;
mod follow;
mod group;
mod index;
mod known;
mod layout;
mod log;
mod reads;
#[cfg(feature = "conformance")]
pub mod testing;
#[cfg(test)]
mod tests;

pub use errors::OpenError;
pub use log::{KurrentLog, Waits};
