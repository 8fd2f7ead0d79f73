//! PostgreSQL: the event log, the control store and the read models of several processes.
//!
//! - Each part has a schema of its own, so that one database can hold all, or each its own.
//! - What is unsure after a lost connection is found out, never guessed.

pub mod connection;
pub mod control;
pub mod log;
pub mod read_models;
#[cfg(feature = "conformance")]
pub mod testing;
