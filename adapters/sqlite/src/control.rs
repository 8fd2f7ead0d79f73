//! The control store on SQLite: durable state that is neither event nor fold.
//!
//! `docs/state.md` lists its tables: in the backup or not, secret or not.

mod consumers;
mod idempotency;
mod passwords;
mod sessions;
mod settings;
mod webhooks;
mod writer;

pub use consumers::read_consumers;

use crate::connection::{Durability, OpenError, PAGE_BYTES, Readers, Schema, open_writer};
use std::path::Path;
use writer::Writer;

pub(crate) const SCHEMA: Schema = Schema {
    application_id: 0x444c_4354, // "DLCT".
    page_bytes: PAGE_BYTES,
    migrations: dlcs_migrations::SQLITE_CONTROL,
};

const READERS_MAX: usize = 4;

/// The control store in one SQLite file.
///
/// Dropping it commits what was accepted and ends the writer thread.
pub struct SqliteControl {
    readers: Readers,
    writer: Writer,
}

/// The control store cannot be used; a retry may help.
#[derive(Debug, thiserror::Error)]
#[error("the control store cannot be used: {0}")]
pub struct ControlError(String);

impl SqliteControl {
    /// Opens the store; makes the file if there is none.
    ///
    /// The caller holds the lock of the data folder.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let connection = open_writer(path, &SCHEMA, Durability::EveryCommit)?;
        let readers = Readers::open(path, &SCHEMA, READERS_MAX)?;
        Ok(Self { readers, writer: Writer::start(connection) })
    }
}

#[cfg(test)]
mod tests;
