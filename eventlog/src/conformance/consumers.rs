//! Checkpoints, leases and parked events.

use crate::consumers::{ConsumerError, ConsumerName, ConsumerStore, LeaseOwner, Parked};
use crate::event::{EventId, Position, StreamId};
use futures::future::join_all;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

const NOW_US: i64 = 1_700_000_000_000_000;
const LEASE: Duration = Duration::from_secs(30);
const LEASE_US: i64 = 30_000_000;

/// Runs every case for a consumer store. `make` gives an empty one.
pub async fn consumer_store<S: ConsumerStore>(make: impl AsyncFn() -> S) {
    a_checkpoint_moves_from_where_it_is(&make().await).await;
    one_of_many_moves_a_checkpoint(make().await).await;
    a_consumer_is_forgotten(&make().await).await;
    a_lease_is_held_by_one_until_it_runs_out(&make().await).await;
    a_lease_is_given_back_by_its_owner_only(&make().await).await;
    leases_of_ended_processes_are_given_back(&make().await).await;
    parked_events_stay_until_they_are_taken_back(&make().await).await;
    every_consumer_is_listed(&make().await).await;
}

fn ingest() -> ConsumerName {
    ConsumerName("ingest".into())
}

fn owner(name: &str) -> LeaseOwner {
    LeaseOwner(name.into())
}

async fn checkpoint(store: &impl ConsumerStore) -> Position {
    store.checkpoint(&ingest()).await.expect("a checkpoint can be read")
}

async fn acquire(store: &impl ConsumerStore, name: &str, now_us: i64) -> bool {
    let acquired = store.acquire(&ingest(), &owner(name), now_us, LEASE).await;
    acquired.expect("a lease can be asked for")
}

async fn a_checkpoint_moves_from_where_it_is(store: &impl ConsumerStore) {
    assert_eq!(checkpoint(store).await, Position::START);
    let moved = async |from, to| store.advance(&ingest(), Position(from), Position(to)).await;
    moved(0, 10).await.expect("from the start");
    moved(10, 12).await.expect("from where it is");
    let error = moved(10, 20).await.expect_err("it is elsewhere");
    assert!(
        matches!(
            &error,
            ConsumerError::CheckpointMoved {
                consumer,
                expected: Position(10),
                actual: Some(Position(12)),
            } if consumer == "ingest"
        ),
        "{error:?}"
    );
    assert_eq!(checkpoint(store).await, Position(12));
    // Back to the start, for a consumer that shall do everything again.
    moved(12, 0).await.expect("backwards");
    assert_eq!(checkpoint(store).await, Position::START);
    let other = ConsumerName("other".into());
    let error = store.advance(&other, Position(5), Position(6)).await.expect_err("never began");
    assert!(matches!(error, ConsumerError::CheckpointMoved { actual: None, .. }), "{error:?}");
}

async fn a_consumer_is_forgotten(store: &impl ConsumerStore) {
    let other = ConsumerName("other".into());
    for consumer in [&ingest(), &other] {
        store.advance(consumer, Position::START, Position(10)).await.expect("from the start");
        let parked = Parked { consumer: consumer.clone(), ..parked("1/2/a", 3) };
        store.park(parked).await.expect("an event can be parked");
    }
    store.forget(&ingest()).await.expect("it is there");
    store.forget(&ingest()).await.expect("forgetting it again is no harm");
    assert_eq!(checkpoint(store).await, Position::START);
    assert_eq!(store.parked(&ingest()).await.expect("they can be read"), []);
    assert_eq!(store.parked(&other).await.expect("they can be read").len(), 1);
    let all = store.consumers().await.expect("they can be listed");
    assert_eq!(all, [(other, Position(10), None)]);
}

async fn one_of_many_moves_a_checkpoint(store: impl ConsumerStore) {
    let store = Arc::new(store);
    let attempts = (0..16).map(|n| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            store.advance(&ingest(), Position::START, Position(n + 1)).await.is_ok()
        })
    });
    let moved = join_all(attempts).await.into_iter().filter(|it| matches!(it, Ok(true))).count();
    assert_eq!(moved, 1, "compare and set");
}

async fn a_lease_is_held_by_one_until_it_runs_out(store: &impl ConsumerStore) {
    assert!(acquire(store, "a", NOW_US).await);
    assert!(!acquire(store, "b", NOW_US + LEASE_US - 1).await, "a holds it");
    assert!(acquire(store, "a", NOW_US + 5).await, "its owner renews it");
    assert!(!acquire(store, "b", NOW_US + LEASE_US).await, "it was renewed");
    assert!(acquire(store, "b", NOW_US + 5 + LEASE_US).await, "it has run out");
    assert!(!acquire(store, "a", NOW_US + 6 + LEASE_US).await, "b holds it");
    let other = ConsumerName("other".into());
    let acquired = store.acquire(&other, &owner("a"), NOW_US, LEASE).await;
    assert!(acquired.expect("a lease can be asked for"), "each consumer has its own");
}

async fn a_lease_is_given_back_by_its_owner_only(store: &impl ConsumerStore) {
    assert!(acquire(store, "a", NOW_US).await);
    store.release(&ingest(), &owner("b")).await.expect("is no error");
    assert!(!acquire(store, "b", NOW_US).await, "a still holds it");
    store.release(&ingest(), &owner("a")).await.expect("a holds it");
    assert!(acquire(store, "b", NOW_US).await);
    store.release(&ingest(), &owner("b")).await.expect("b holds it");
    store.release(&ingest(), &owner("b")).await.expect("a second time is no error");
}

fn parked(stream: &str, position: u64) -> Parked {
    Parked {
        consumer: ingest(),
        stream: StreamId::new("asset", stream),
        position: Position(position),
        event_id: EventId(Uuid::from_u128(position.into())),
        error: "the origin says \u{201c}no\u{201d}".into(),
        attempts: 5,
        parked_at_us: NOW_US,
    }
}

async fn leases_of_ended_processes_are_given_back(store: &impl ConsumerStore) {
    assert!(acquire(store, "folder-1/a", NOW_US).await);
    store.release_all("folder-2/").await.expect("there is none");
    assert!(!acquire(store, "folder-1/b", NOW_US).await, "a still holds it");
    store.release_all("folder-1/").await.expect("they can be given back");
    assert!(acquire(store, "folder-1/b", NOW_US).await);
    // As they are: nothing in a name means anything to a store.
    store.release_all("folder_1/").await.expect("there is none");
    store.release_all("folder-%").await.expect("there is none");
    assert!(!acquire(store, "c", NOW_US).await, "b still holds it");
}

async fn parked_events_stay_until_they_are_taken_back(store: &impl ConsumerStore) {
    for it in [parked("1/2/a", 9), parked("1/2/a", 4), parked("1/2/b", 7)] {
        store.park(it).await.expect("an event can be parked");
    }
    let elsewhere = Parked { consumer: ConsumerName("other".into()), ..parked("1/2/a", 4) };
    store.park(elsewhere).await.expect("an event can be parked");
    let again = Parked { attempts: 6, error: "still".into(), ..parked("1/2/a", 9) };
    store.park(again.clone()).await.expect("parking again replaces");
    let listed = store.parked(&ingest()).await.expect("parked events can be listed");
    assert_eq!(listed, [parked("1/2/a", 4), parked("1/2/b", 7), again], "by position");
    let stream = StreamId::new("asset", "1/2/a");
    store.unpark(&ingest(), &stream).await.expect("a stream can be taken back");
    let listed = store.parked(&ingest()).await.expect("parked events can be listed");
    assert_eq!(listed, [parked("1/2/b", 7)]);
    let other = ConsumerName("other".into());
    assert_eq!(
        store.parked(&other).await.expect("can be listed").len(),
        1,
        "of this consumer only"
    );
}

async fn every_consumer_is_listed(store: &impl ConsumerStore) {
    assert!(store.consumers().await.expect("consumers can be listed").is_empty());
    store.advance(&ingest(), Position::START, Position(7)).await.expect("from the start");
    assert!(acquire(store, "a", NOW_US).await);
    let leased = ConsumerName("leased".into());
    let acquired = store.acquire(&leased, &owner("b"), NOW_US, LEASE).await;
    assert!(acquired.expect("a lease can be asked for"));
    let quiet = ConsumerName("quiet".into());
    store.advance(&quiet, Position::START, Position(3)).await.expect("from the start");
    let listed = store.consumers().await.expect("consumers can be listed");
    let expected = [
        (ingest(), Position(7), Some(owner("a"))),
        (leased, Position::START, Some(owner("b"))),
        (quiet, Position(3), None),
    ];
    assert_eq!(listed, expected, "by name");
}
