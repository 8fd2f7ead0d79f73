//! What has priority passes what waits, also what is still in the log alone.

use crate::world::World;
use dlcs_domain::asset::{AssetCommand, AssetEvent, IngestStarted, Registration, Source};
use dlcs_domain::batch::Queue;
use dlcs_domain::{DomainEvent, wire};
use dlcs_ingest::IngestSettings;
use std::sync::Arc;

async fn register(world: &World, id: &str, queue: Queue) {
    let source = Source::Origin { url: format!("http://example.org/gate/{id}") };
    let registration = Registration { queue, ..Registration::of(source) };
    let defaults = Arc::default();
    world.send(id, AssetCommand::Register { registration, defaults }).await;
}

/// Returns what was begun, in order.
async fn begun(world: &World) -> Vec<String> {
    let events = world.events().await.into_iter();
    let begins = events.filter(|it| {
        let decoded = wire::decode(&it.type_name, it.schema_version, &it.payload).expect("ours");
        let started = |it: &DomainEvent| {
            matches!(it, DomainEvent::Asset(AssetEvent::IngestStarted(IngestStarted { .. })))
        };
        decoded.iter().any(started)
    });
    begins.map(|it| it.stream.id().to_owned()).collect()
}

/// One image at a time, of which so many are known besides.
fn settings(pending_max: usize) -> IngestSettings {
    IngestSettings { at_once: 1, pending_max, ..World::settings() }
}

async fn order_of(pending_max: usize) -> Vec<String> {
    let world = World::new();
    let ordinary: Vec<_> = (0..8).map(|n| format!("1/1/{n}")).collect();
    for id in &ordinary {
        register(&world, id, Queue::Default).await;
    }
    let process = world.start_with("one", world.ports(), settings(pending_max));
    world.until(async |world| begun(world).await.len() == 1).await;
    for id in ["1/1/urgent", "2/1/urgent"] {
        register(&world, id, Queue::Priority).await;
    }
    // They are looked for while the first one is worked on.
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    world.worker.gate.add_permits(100);
    let mut all: Vec<_> = ordinary.iter().map(String::as_str).collect();
    all.extend(["1/1/urgent", "2/1/urgent"]);
    world.until_settled(&all).await;
    world.until_read().await;
    process.stopped().await;
    begun(&world).await
}

#[tokio::test]
async fn what_has_priority_passes_what_waits() {
    let order = order_of(1_000).await;
    assert_eq!(order[..4], ["1/1/0", "1/1/urgent", "2/1/urgent", "1/1/1"], "{order:?}");
    assert_eq!(order.len(), 10, "each is worked on once: {order:?}");
}

#[tokio::test]
async fn what_has_priority_is_found_behind_more_than_is_known() {
    let order = order_of(3).await;
    assert_eq!(order[..4], ["1/1/0", "1/1/urgent", "2/1/urgent", "1/1/1"], "{order:?}");
    assert_eq!(order.len(), 10, "each is worked on once: {order:?}");
}
