//! Derivatives that nothing needs any more.

use crate::world::World;
use dlcs_commands::Position;
use dlcs_domain::asset::AssetCommand;
use dlcs_eventlog::EventLog;
use dlcs_eventlog::consumers::{ConsumerName, ConsumerStore, LeaseOwner};
use dlcs_ingest::{IngestSettings, Sweeper};
use dlcs_objects::{Digest, ObjectKey, Objects};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

const SWEEP_AFTER: Duration = Duration::from_secs(60);

fn start(world: &World) -> AbortOnDropHandle<()> {
    let settings = IngestSettings { sweep_after: SWEEP_AFTER, ..World::settings() };
    let sweeper = Sweeper::new(&world.ports(), &settings, LeaseOwner("sweeper".to_owned()));
    let task = tokio::spawn(async move { sweeper.run(CancellationToken::new()).await });
    AbortOnDropHandle::new(task)
}

async fn until_swept(world: &World, position: Position) {
    let name = ConsumerName("ingest-sweep".to_owned());
    world
        .until(async |world| world.consumers.checkpoint(&name).await.expect("memory") >= position)
        .await;
}

async fn attempts_kept(world: &World, id: &str, generation: u32) -> Vec<u32> {
    let mut kept = Vec::new();
    for attempt in 1..=5 {
        let key = ObjectKey::derivative(id, generation, attempt);
        if world.objects.length(&key).await.expect("memory").is_some() {
            kept.push(attempt);
        }
    }
    kept
}

#[tokio::test]
async fn superseded_derivatives_go_after_a_while_and_originals_stay() {
    let world = World::new();
    let _process = world.start("one");
    let _sweeper = start(&world);
    world.register("1/1/a", "a").await;
    world.register("1/1/b", "b").await;
    world.until_settled(&["1/1/a", "1/1/b"]).await;
    world.advance(Duration::from_secs(30));
    world.send("1/1/a", AssetCommand::RequestReingest { batch: None }).await;
    world.until_settled(&["1/1/a"]).await;
    let delivered = world.log.head().await.expect("memory");
    world.advance(Duration::from_secs(30));
    until_swept(&world, Position(6)).await;
    assert_eq!(attempts_kept(&world, "1/1/a", 1).await, [1, 2], "its time has not come");
    world.advance(Duration::from_secs(30));
    until_swept(&world, delivered).await;
    assert_eq!(attempts_kept(&world, "1/1/a", 1).await, [2]);
    assert_eq!(attempts_kept(&world, "1/1/b", 1).await, [1]);
    let original = ObjectKey::original(&Digest::of(b"a"));
    assert!(world.objects.length(&original).await.expect("memory").is_some());
}

#[tokio::test]
async fn a_deleted_asset_leaves_no_derivative_and_its_next_life_keeps_its_own() {
    let world = World::new();
    let _process = world.start("one");
    world.register("1/1/a", "a").await;
    world.until_settled(&["1/1/a"]).await;
    world.send("1/1/a", AssetCommand::Delete).await;
    world.register("1/1/a", "a").await;
    world.until_settled(&["1/1/a"]).await;
    world.advance(SWEEP_AFTER);
    let _sweeper = start(&world);
    until_swept(&world, world.log.head().await.expect("memory")).await;
    assert_eq!(attempts_kept(&world, "1/1/a", 1).await, [0_u32; 0]);
    assert_eq!(attempts_kept(&world, "1/1/a", 2).await, [1]);
}
