//! Adding an event to the tree.

use super::{EntryRow, TileRow, TreeRow};
use crate::projection::{FoldError, StoreError, Table};
use dlcs_audit::tiles::WIDTH;
use dlcs_audit::tree::{leaf_hash, root};
use dlcs_audit::{Hash, Leaf, TileId};
use dlcs_eventlog::RecordedEvent;

/// The tables of the tree, as a store keeps them.
pub trait AuditTreeTables {
    fn tree(&mut self) -> &mut impl Table<TreeRow>;
    fn tiles(&mut self) -> &mut impl Table<TileRow>;

    /// Adds an entry, which is never read here.
    fn add(&mut self, entry: EntryRow) -> Result<(), StoreError>;
}

/// Adds the next event of the log.
pub fn fold(event: &RecordedEvent, tables: &mut impl AuditTreeTables) -> Result<(), FoldError> {
    let index = tables.tree().get(&())?.unwrap_or_default().size;
    let record = leaf(event, index, &event.event_id.0.to_string()).record();
    push(tables.tiles(), index, leaf_hash(record.as_bytes()))?;
    tables.add(EntryRow { index, record })?;
    tables.tree().put(TreeRow { size: index + 1, position: event.position.0 });
    Ok(())
}

/// Returns an event as an entry of the tree. `event_id` is its id in the usual spelling.
pub fn leaf<'a>(event: &'a RecordedEvent, index: u64, event_id: &'a str) -> Leaf<'a> {
    Leaf {
        index,
        position: event.position.0,
        event_id,
        stream: event.stream.as_str(),
        revision: event.revision.0,
        type_name: &event.type_name,
        schema_version: event.schema_version,
        recorded_at_us: event.recorded_at_us,
        payload: &event.payload,
        metadata: &event.metadata,
    }
}

/// Puts the hash of an entry into its tile, and the root of a tile that is whole into the one above.
fn push(tiles: &mut impl Table<TileRow>, number: u64, leaf: Hash) -> Result<(), StoreError> {
    let (mut number, mut hash) = (number, leaf);
    for level in 0.. {
        let id = TileId { level, index: number / WIDTH as u64 };
        // The first hash of a tile: there is none yet.
        let known = if number.is_multiple_of(WIDTH as u64) { None } else { tiles.get(&id)? };
        let mut hashes = known.map_or_else(Vec::new, |it| it.hashes);
        hashes.push(hash);
        let whole = (hashes.len() == WIDTH).then(|| root(&hashes));
        tiles.put(TileRow { level, index: id.index, hashes });
        let Some(above) = whole else { break };
        (number, hash) = (id.index, above);
    }
    Ok(())
}
