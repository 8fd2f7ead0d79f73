//! How far each projection is, and waiting until it is far enough.

use dlcs_eventlog::Position;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Where the serving version of every projection is, in this process. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Freshness {
    projections: Arc<BTreeMap<&'static str, watch::Sender<Position>>>,
}

impl Freshness {
    pub fn new(names: &[&'static str]) -> Self {
        let entries = names.iter().map(|name| (*name, watch::channel(Position::START).0));
        Self { projections: Arc::new(entries.collect()) }
    }

    /// Returns the same with one projection more.
    #[must_use]
    pub fn and(&self, name: &'static str) -> Self {
        let mut projections = BTreeMap::clone(&self.projections);
        projections.entry(name).or_insert_with(|| watch::channel(Position::START).0);
        Self { projections: Arc::new(projections) }
    }

    /// Tells that a projection has applied everything up to `position`.
    pub fn reached(&self, projection: &str, position: Position) {
        if let Some(sender) = self.projections.get(projection) {
            sender.send_if_modified(|current| {
                let newer = position > *current;
                *current = position.max(*current);
                newer
            });
        }
    }

    /// Returns where a projection is.
    pub fn position(&self, projection: &str) -> Option<Position> {
        self.projections.get(projection).map(|sender| *sender.borrow())
    }

    /// Waits until one projection is at least at `position`. `false`: the time ran out.
    pub async fn wait(&self, projection: &str, position: Position, at_most: Duration) -> bool {
        let Some(sender) = self.projections.get(projection) else { return false };
        let mut receiver = sender.subscribe();
        let reached = receiver.wait_for(|current| *current >= position);
        matches!(tokio::time::timeout(at_most, reached).await, Ok(Ok(_)))
    }

    /// Waits until each of some projections is at least at `position`. `false`: the time ran out.
    pub async fn wait_each(
        &self,
        projections: &[&str],
        position: Position,
        at_most: Duration,
    ) -> bool {
        let waits = projections.iter().map(|name| self.wait(name, position, at_most));
        futures::future::join_all(waits).await.into_iter().all(|reached| reached)
    }

    /// Waits until every projection is at least at `position`.
    pub async fn wait_all(&self, position: Position, at_most: Duration) -> bool {
        let names: Vec<&str> = self.projections.keys().copied().collect();
        self.wait_each(&names, position, at_most).await
    }

    /// Waits until a projection is as far as another one is now. `false`: the time ran out.
    ///
    /// Who has seen something in one read model may ask for it in another one next.
    pub async fn catch_up(&self, projection: &str, with: &str, at_most: Duration) -> bool {
        let ahead = self.position(with).unwrap_or_default();
        self.wait(projection, ahead, at_most).await
    }

    /// Returns a receiver of one projection's position, for subscriptions.
    pub fn subscribe(&self, projection: &str) -> Option<watch::Receiver<Position>> {
        self.projections.get(projection).map(watch::Sender::subscribe)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_projection_catches_up_with_another_one() {
        let freshness = Freshness::new(&["ahead", "behind"]);
        freshness.reached("ahead", Position(7));
        let short = Duration::from_millis(5);
        assert!(!freshness.catch_up("behind", "ahead", short).await, "it is at the start");
        let long = Duration::from_secs(60);
        let (caught_up, ()) = tokio::join!(freshness.catch_up("behind", "ahead", long), async {
            freshness.reached("behind", Position(7));
        });
        assert!(caught_up);
        assert!(freshness.catch_up("ahead", "behind", short).await, "it is as far already");
        assert!(!freshness.catch_up("none", "ahead", short).await);
    }
}
