//! What becomes of an asset.

use crate::world::World;
use dlcs_domain::EventMetadata;
use dlcs_domain::asset::{AssetCommand, AssetEvent, IngestErrorCode, IngestPhase, Source};
use dlcs_eventlog::consumers::{ConsumerName, ConsumerStore};
use dlcs_eventlog::{Append, EventId, EventLog, Expected, NewEvent, StreamId};
use dlcs_ingest::{IngestSettings, OriginError};
use dlcs_objects::{Digest, ObjectKey, Objects};
use std::sync::atomic::Ordering;
use std::time::Duration;
use uuid::Uuid;

const URL: &str = "http://example.org/page";

fn failure_of(phase: &IngestPhase) -> (IngestErrorCode, String, bool) {
    match phase {
        IngestPhase::Failed(it) => (it.code, it.detail.clone(), it.next_attempt_at_us.is_some()),
        other => panic!("it has not failed: {other:?}"),
    }
}

#[tokio::test]
async fn an_origin_is_fetched_derived_kept_and_delivered() {
    let world = World::new();
    let process = world.start("one");
    world.register("1/1/a", URL).await;
    world.until_settled(&["1/1/a"]).await;
    let delivered = world.asset("1/1/a").await.delivered.expect("delivered").delivered;
    assert_eq!((delivered.width_px, delivered.height_px), (40, 30));
    assert_eq!(delivered.media_type, "image/png");
    assert_eq!(delivered.thumbnails, [(20, 15)]);
    assert_eq!(delivered.original.sha256, Digest::of(URL.as_bytes()).to_string());
    let original = world.objects.get(&ObjectKey::original(&Digest::of(URL.as_bytes()))).await;
    assert_eq!(original.expect("it is kept"), URL);
    let derivative = world.objects.get(&ObjectKey::derivative("1/1/a", 1, 1)).await;
    assert_eq!(derivative.expect("it is kept"), format!("derivative of {URL}"));
    world.until_read().await;
    process.stopped().await;
}

#[tokio::test]
async fn events_say_what_caused_them() {
    let world = World::new();
    let _process = world.start("one");
    world.register("1/1/a", URL).await;
    world.until_settled(&["1/1/a"]).await;
    let events = world.events().await;
    for event in &events[1..] {
        let metadata = EventMetadata::parse(&event.metadata).expect("metadata");
        assert_eq!(metadata.actor.0, "process-ingest");
        assert_eq!(metadata.correlation_id, Uuid::from_u128(7));
        assert_eq!(metadata.causation_id, Some(events[0].event_id.0));
        assert_eq!(metadata.customer.map(|customer| customer.0), Some(1));
    }
    assert_eq!(events.len(), 3);
}

#[tokio::test]
async fn an_upload_is_derived_from_its_blob() {
    let world = World::new();
    let _process = world.start("one");
    let blob = world.upload(b"uploaded").await;
    world.register_source("1/1/a", Source::Upload { blob: blob.clone() }).await;
    world.until_settled(&["1/1/a"]).await;
    let delivered = world.asset("1/1/a").await.delivered.expect("delivered").delivered;
    assert_eq!(delivered.original, blob);
    assert_eq!(world.origins.fetches.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn what_cannot_be_cured_fails_with_its_code_at_once() {
    let world = World::new();
    let _process = world.start("one");
    let fails = [
        ("1/1/forbidden", OriginError::Forbidden("no"), IngestErrorCode::OriginForbidden),
        ("1/1/missing", OriginError::NotFound("none"), IngestErrorCode::OriginNotFound),
        ("1/1/large", OriginError::TooLarge("much"), IngestErrorCode::OriginTooLarge),
    ];
    for (id, error, _) in fails {
        world.origins.fails.lock().expect("no panics").insert(id.to_owned(), vec![error]);
        world.register(id, id).await;
    }
    world.register("1/1/corrupt", "corrupt").await;
    let ids = ["1/1/forbidden", "1/1/missing", "1/1/large", "1/1/corrupt"];
    world.until_settled(&ids).await;
    for (id, error, code) in fails {
        let phase = world.asset(id).await.ingest;
        assert_eq!(failure_of(&phase), (code, error.to_string(), false));
    }
    let phase = world.asset("1/1/corrupt").await.ingest;
    let expected = (IngestErrorCode::ImageCorrupt, "it is damaged".to_owned(), false);
    assert_eq!(failure_of(&phase), expected);
    let kept = world.objects.length(&ObjectKey::original(&Digest::of(b"corrupt"))).await;
    assert_eq!(kept.expect("memory"), None, "what no event names is not kept");
}

#[tokio::test]
async fn a_failure_that_may_pass_is_tried_again_when_its_time_has_come() {
    let world = World::new();
    let fails = vec![OriginError::StorageFull, OriginError::Unreachable("down")];
    world.origins.fails.lock().expect("no panics").insert(URL.to_owned(), fails);
    let _process = world.start("one");
    world.register("1/1/a", URL).await;
    for (code, wait_s) in
        [(IngestErrorCode::OriginUnreachable, 5), (IngestErrorCode::StorageFull, 120)]
    {
        let has_failed = async |world: &World| matches!(world.asset("1/1/a").await.ingest, IngestPhase::Failed(it) if it.code == code);
        world.until(has_failed).await;
        world.advance(Duration::from_secs(wait_s) - Duration::from_micros(1));
        // Work that is not waiting goes by.
        let other = format!("1/1/{wait_s}");
        world.register(&other, &other).await;
        world.until_settled(&[&other]).await;
        assert!(has_failed(&world).await, "its time has not come");
        world.advance(Duration::from_micros(1));
    }
    world.until_settled(&["1/1/a"]).await;
    let asset = world.asset("1/1/a").await;
    assert_eq!((asset.ingest, asset.attempt), (IngestPhase::Delivered, 3));
}

/// RELIABILITY R17.
#[tokio::test]
async fn a_worker_that_dies_costs_one_attempt_and_a_poison_image_three() {
    let world = World::new();
    let _process = world.start("one");
    world.register("1/1/sick", "sick").await;
    let failed = async |world: &World| {
        matches!(world.asset("1/1/sick").await.ingest, IngestPhase::Failed(_))
    };
    world.until(failed).await;
    for (id, url) in [
        ("1/1/poison", "poison"),
        ("1/1/endless", "endless"),
        ("1/1/lie", "lie"),
        ("1/1/good", "good"),
    ] {
        world.register(id, url).await;
    }
    let ids = ["1/1/sick", "1/1/poison", "1/1/endless", "1/1/lie", "1/1/good"];
    world
        .until(async |world| {
            world.advance(Duration::from_secs(1));
            for id in ids {
                if world.asset(id).await.is_ingesting() {
                    return false;
                }
            }
            true
        })
        .await;
    let sick = world.asset("1/1/sick").await;
    assert_eq!((sick.ingest, sick.attempt), (IngestPhase::Delivered, 2));
    for id in ["1/1/poison", "1/1/endless", "1/1/lie"] {
        let asset = world.asset(id).await;
        assert_eq!(failure_of(&asset.ingest).0, IngestErrorCode::Internal, "{id}");
        assert_eq!(asset.attempt, 3, "{id}");
    }
    assert_eq!(world.asset("1/1/good").await.ingest, IngestPhase::Delivered);
}

#[tokio::test]
async fn a_newer_wish_ends_the_attempt_that_is_running() {
    let world = World::new();
    let _process = world.start("one");
    world.register("1/1/a", "gate 1").await;
    world.until(async |world| world.worker.at_once.load(Ordering::SeqCst) == 1).await;
    world.send("1/1/a", AssetCommand::RequestReingest { batch: None }).await;
    world.until(async |world| world.worker.calls.load(Ordering::SeqCst) == 2).await;
    world.worker.gate.add_permits(2);
    world.until_settled(&["1/1/a"]).await;
    let history = world.history("1/1/a").await;
    let attempts: Vec<_> = history
        .iter()
        .filter_map(|event| match event {
            AssetEvent::IngestDelivered(it) => Some(it.attempt),
            _ => None,
        })
        .collect();
    assert_eq!(attempts, [2]);
    assert_eq!(
        world.objects.length(&ObjectKey::derivative("1/1/a", 1, 1)).await.expect("memory"),
        None
    );
}

#[tokio::test]
async fn deleting_ends_the_attempt_and_a_new_life_is_ingested_anew() {
    let world = World::new();
    let _process = world.start("one");
    world.register("1/1/a", "gate").await;
    world.until(async |world| world.worker.at_once.load(Ordering::SeqCst) == 1).await;
    world.send("1/1/a", AssetCommand::Delete).await;
    world.until(async |world| world.worker.at_once.load(Ordering::SeqCst) == 0).await;
    world.register("1/1/a", URL).await;
    world.until_settled(&["1/1/a"]).await;
    let asset = world.asset("1/1/a").await;
    assert_eq!((asset.generation, asset.ingest), (2, IngestPhase::Delivered));
    let key = ObjectKey::derivative("1/1/a", 2, 1);
    assert!(world.objects.length(&key).await.expect("memory").is_some());
}

#[tokio::test]
async fn no_more_attempts_run_at_once_than_allowed() {
    let world = World::new();
    let settings = IngestSettings { at_once: 3, ..World::settings() };
    let _process = world.start_with("one", world.ports(), settings);
    let ids: Vec<_> = (0..20).map(|number| format!("{}/1/{number}", 1 + number % 3)).collect();
    for id in &ids {
        world.register(id, &format!("gate {id}")).await;
    }
    world.until(async |world| world.worker.at_once.load(Ordering::SeqCst) == 3).await;
    world.worker.gate.add_permits(100);
    let ids: Vec<_> = ids.iter().map(String::as_str).collect();
    world.until_settled(&ids).await;
    assert_eq!(world.worker.at_once_max.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn an_event_that_cannot_be_read_is_parked_and_the_others_go_on() {
    let world = World::new();
    let event = NewEvent {
        event_id: EventId(Uuid::from_u128(1)),
        type_name: "asset.exploded".into(),
        schema_version: 1,
        payload: "{}".into(),
        metadata: "{}".into(),
    };
    let stream = StreamId::new("asset", "1/1/odd");
    let append =
        Append { stream: stream.clone(), expected: Expected::NoStream, events: vec![event] };
    assert!(world.log.append(vec![append]).await[0].is_ok());
    let _process = world.start("one");
    world.register("1/1/a", URL).await;
    world.until_settled(&["1/1/a"]).await;
    world.until_read().await;
    let parked = world.consumers.parked(&ConsumerName("ingest".to_owned())).await.expect("memory");
    assert_eq!(parked.len(), 1);
    assert_eq!(parked[0].stream, stream);
    assert!(parked[0].error.contains("asset.exploded"), "{}", parked[0].error);
}
