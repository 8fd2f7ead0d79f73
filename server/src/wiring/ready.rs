//! Whether this process can serve.

use super::Wired;
use dlcs_adapter_s3::S3Objects;
use dlcs_api::Readiness;
use dlcs_commands::{Clock, Room};
use dlcs_eventlog::Position;
use dlcs_projections::freshness::Freshness;
use std::sync::Arc;

/// Ready: the read models have caught up with what was recorded before the start, there is room, and
/// blobs can be read.
pub(super) struct Ready {
    freshness: Freshness,
    room: Room,
    clock: Arc<dyn Clock>,
    s3: Option<S3Objects>,
    names: Vec<&'static str>,
    /// Where the log ended at the start.
    head: Position,
}

impl Ready {
    pub(super) fn new(wired: &Wired) -> Self {
        let head = *wired.log.head_hints().borrow();
        let names = wired.awaited();
        Self {
            freshness: wired.read_models.models.freshness(),
            room: wired.commands.executor().room().clone(),
            clock: Arc::clone(&wired.clock),
            s3: wired.s3.clone(),
            names,
            head,
        }
    }
}

impl Readiness for Ready {
    fn not_ready(&self) -> Vec<String> {
        let behind =
            self.names.iter().filter(|name| self.freshness.position(name) < Some(self.head));
        let full = self.room.is_full(self.clock.now_us()).then(|| "disk".to_owned());
        let is_away = self.s3.as_ref().is_some_and(S3Objects::is_away);
        let away = is_away.then(|| "objects".to_owned());
        full.into_iter()
            .chain(away)
            .chain(behind.map(|name| format!("projection {name}")))
            .collect()
    }
}
