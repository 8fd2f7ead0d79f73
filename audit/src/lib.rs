//! The tamper-evident log of events: a Merkle tree (RFC 6962) over small records that bind the exact
//! bytes of each event, checkpoints as signed notes and tiles as C2SP writes them, and a verifier that
//! needs nothing but an export.
//!
//! No database, no async, no clock: what is read and written is handed in.
//!
//! - [`tree`]: hashes, roots, proofs.
//! - [`leaf`]: the record of one event, byte by byte.
//! - [`note`]: keys and signed checkpoints.
//! - [`tiles`]: the tree in files of 256 hashes, and their entries.
//! - [`plan`]: proofs out of few tiles.
//! - [`export`](mod@export): the file that an auditor gets, written and verified line by line.

pub mod export;
pub mod leaf;
pub mod note;
pub mod plan;
pub mod tiles;
pub mod tree;

pub use leaf::Leaf;
pub use note::{Checkpoint, NoteError, SigningKey, VerifierKey};
pub use plan::{Plan, TileId, Tiles};
pub use tree::{Hash, Tree};
