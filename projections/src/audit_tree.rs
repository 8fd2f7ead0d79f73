//! The Merkle tree over the history: which events are in it, and what proves that?
//!
//! - Entry *n* is the record of event *n* of the log, whatever the event says: nothing is parked.
//! - Hashes are kept in tiles, those of entries and those above, so that a proof of one event among
//!   millions reads a handful of rows; folding an event touches the last tile, seldom more.
//! - Records show no payloads, and are open to everybody.

mod fold;

pub use fold::{AuditTreeTables, fold, leaf};

use crate::paging::QueryError;
use crate::projection::Row;
use async_trait::async_trait;
pub use dlcs_audit::{Hash, Plan, TileId, Tiles};
use serde::{Serialize, Serializer};

/// Name of the projection.
pub const NAME: &str = "audit-tree";
/// Version of its rows.
pub const VERSION: u32 = 1;

/// How large the tree is. There is one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct TreeRow {
    pub size: u64,
    /// Of the last event.
    pub position: u64,
}

/// Hashes: of entries on level 0, above of whole tiles below.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TileRow {
    pub level: u8,
    pub index: u64,
    /// 1 to 256; fewer than 256 only in the last tile of a level.
    #[serde(serialize_with = "hexadecimal")]
    pub hashes: Vec<Hash>,
}

/// One entry of the tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EntryRow {
    /// From 0 without a gap.
    pub index: u64,
    /// See `docs/audit-format.md`.
    pub record: String,
}

impl Row for TreeRow {
    type Key = ();

    fn key(&self) {}
}

impl Row for TileRow {
    type Key = TileId;

    fn key(&self) -> TileId {
        TileId { level: self.level, index: self.index }
    }
}

impl Row for EntryRow {
    type Key = u64;

    fn key(&self) -> u64 {
        self.index
    }
}

/// Bytes of a tile that are no hashes, one behind the other.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0} bytes are no hashes")]
pub struct NoHashes(usize);

/// Returns the hashes that stand one behind the other.
pub fn split(bytes: &[u8]) -> Result<Vec<Hash>, NoHashes> {
    match bytes.as_chunks() {
        (hashes, []) => Ok(hashes.to_vec()),
        _ => Err(NoHashes(bytes.len())),
    }
}

fn hexadecimal<S: Serializer>(hashes: &[Hash], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&hex::encode(hashes.concat()))
}

/// Open to everybody.
#[async_trait]
pub trait AuditTree: Send + Sync {
    /// Returns how large the tree is.
    async fn tree(&self) -> Result<TreeRow, QueryError>;

    /// Returns a tile, as whole as it is now.
    async fn tile(&self, id: TileId) -> Result<Option<TileRow>, QueryError>;

    /// Returns the entries from `first` on and below `end`, in order.
    async fn entries(&self, first: u64, end: u64) -> Result<Vec<EntryRow>, QueryError>;
}

/// Returns the hashes that a plan is for. `None`: the tree is not as large as that.
pub async fn hashes(tree: &dyn AuditTree, plan: &Plan) -> Result<Option<Vec<Hash>>, QueryError> {
    let mut tiles = Tiles::new();
    for id in plan.tiles() {
        let Some(tile) = tree.tile(id).await? else { return Ok(None) };
        tiles.insert(id, tile.hashes);
    }
    Ok(plan.hashes(&tiles))
}

/// Returns the root over the first `size` entries. `None`: there are not so many.
pub async fn root(tree: &dyn AuditTree, size: u64) -> Result<Option<Hash>, QueryError> {
    Ok(hashes(tree, &Plan::root(size)).await?.and_then(|it| it.first().copied()))
}
