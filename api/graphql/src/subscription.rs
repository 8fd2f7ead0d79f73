//! What changes, as it changes.

mod annotations;
mod batches;

use async_graphql::MergedSubscription;
use dlcs_projections::Position;
use std::time::Duration;
use tokio::sync::watch::Receiver;

/// Pause between two looks when nothing announces a change.
const POLL: Duration = Duration::from_secs(5);

/// Everything that can be followed.
#[derive(MergedSubscription, Default)]
pub struct Subscription(batches::BatchSubscription, annotations::AnnotationSubscription);

/// Waits until a projection has moved, or for a while.
async fn change(position: &mut Option<Receiver<Position>>) {
    let Some(position) = position else {
        return tokio::time::sleep(POLL).await;
    };
    let _ = tokio::time::timeout(POLL, position.changed()).await;
}
