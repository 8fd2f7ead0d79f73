//! SQLite: the event log, the control store and the read models of the embedded form.
//!
//! - One writer per database file, which commits together what waits; readers never block it.
//! - The log and the control store are durable at each commit (WAL, `synchronous=FULL`).

pub mod backup;
pub mod connection;
pub mod control;
pub mod log;
pub mod read_models;
mod wal;
