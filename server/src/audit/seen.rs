//! What a running server has seen of the history: hashes of entries, which name a wrong event.

use crate::config::Settings;
use crate::stores;
use anyhow::Context;
use dlcs_audit::tiles::WIDTH;
use dlcs_audit::{Hash, TileId};
use dlcs_eventlog::EventLog;
use dlcs_projections::audit_tree::AuditTree;
use std::sync::Arc;

const UNREADABLE: &str = "the read model `audit-tree` cannot be read: rebuild it";

/// Tiles of the projection `audit-tree`, one at a time.
pub(super) struct Seen {
    /// `None`: nothing has been seen yet by a program of this version.
    tree: Option<Arc<dyn AuditTree>>,
    /// How many events there were when reading began.
    size: u64,
    /// Index of a tile of level 0, and its hashes.
    tile: Option<(u64, Vec<Hash>)>,
}

impl Seen {
    pub(super) async fn of(settings: &Settings, log: &Arc<dyn EventLog>) -> anyhow::Result<Self> {
        let Ok(models) = stores::read_models_read_only(settings, log).await else {
            return Ok(Self { tree: None, size: 0, tile: None });
        };
        let tree = models.queries().audit_tree;
        let size = tree.tree().await.context(UNREADABLE)?.size;
        Ok(Self { tree: Some(tree), size, tile: None })
    }

    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Says whether the entry was seen with another hash.
    pub(super) async fn differs(&mut self, index: u64, hash: &Hash) -> anyhow::Result<bool> {
        let Some(tree) = &self.tree else { return Ok(false) };
        let (number, at) = (index / WIDTH as u64, index % WIDTH as u64);
        if self.tile.as_ref().is_none_or(|(known, _)| *known != number) {
            let tile = tree.tile(TileId { level: 0, index: number }).await;
            let tile = tile.context(UNREADABLE)?;
            self.tile = Some((number, tile.map_or_else(Vec::new, |it| it.hashes)));
        }
        let hashes = self.tile.as_ref().map_or(&[][..], |(_, hashes)| hashes);
        let seen = usize::try_from(at).ok().and_then(|at| hashes.get(at));
        Ok(seen.is_some_and(|seen| seen != hash))
    }
}
