//! Events that cannot be projected, checkpoints, and equality whatever the batches.

use super::Store;
use super::given::{Given, admin, append_raw, delivered, id, metadata, registered, sample_history};
use crate::feed;
use crate::projection::{ApplyError, OnPoison};
use crate::replay::{ReplayError, Target, compare, replay};
use dlcs_eventlog::{EventId, EventLog, NewEvent, Position};
use std::sync::Arc;
use uuid::Uuid;

async fn happened_from_the_future<S: Store>(given: &Given<S>, stream: &str) -> Position {
    let event = NewEvent {
        event_id: EventId(Uuid::now_v7()),
        type_name: "asset.teleported".into(),
        schema_version: 1,
        payload: "{}".into(),
        metadata: metadata("key-1", stream).into(),
    };
    append_raw(given.log.as_ref(), stream, event).await
}

pub(super) async fn a_poison_event_parks_its_stream_and_no_other<S: Store>(given: &Given<S>) {
    let (ill, well) = (id("1/2/ill"), id("1/2/well"));
    given.asset(&ill, registered(1)).await;
    given.asset(&well, registered(1)).await;
    let poison = happened_from_the_future(given, "asset-1/2/ill").await;
    given.catch_up().await;
    let follower = given.asset(&ill, delivered(1)).await;
    given.asset(&well, delivered(1)).await;
    let head = given.catch_up().await;

    let model = given.model("assets");
    assert_eq!(model.checkpoint().await.expect("it is there"), head);
    let parked = model.parked().await.expect("they are visible");
    let positions: Vec<_> = parked.iter().map(|it| it.position).collect();
    assert_eq!(positions, [poison, follower]);
    assert!(parked[0].error.contains("asset.teleported"), "{}", parked[0].error);
    let assets = given.queries().assets;
    let rows = assets.assets_by_id(&admin(), &[ill, well]).await.expect("the query works");
    let delivered: Vec<_> = rows.iter().map(|it| it.delivered.is_some()).collect();
    assert_eq!(delivered, [false, true], "the parked stream stands still, the other does not");
    let trail = given.model("audit-trail").parked().await.expect("they are visible");
    assert_eq!(trail, [], "what cannot be read has happened all the same");
}

pub(super) async fn a_rebuild_stops_at_poison<S: Store>(given: &Given<S>) {
    given.asset(&id("1/2/well"), registered(1)).await;
    let poison = happened_from_the_future(given, "asset-1/2/ill").await;
    let model = given.model("assets");
    let targets = [Target { model: model.clone(), to: poison }];
    let stopped = replay(given.log.as_ref(), &targets, OnPoison::Stop).await;
    let Err(ReplayError::Apply(ApplyError::Poisoned { position, .. })) = stopped else {
        panic!("it stops at the event: {stopped:?}");
    };
    assert_eq!(position, poison);
    let checkpoint = model.checkpoint().await.expect("it is there");
    assert_eq!(checkpoint, Position::START, "nothing of the batch was applied");
}

pub(super) async fn a_checkpoint_that_moved_is_told<S: Store>(given: &Given<S>) {
    given.asset(&id("1/2/a"), registered(1)).await;
    let head = given.catch_up().await;
    let model = given.model("assets");
    let events = Arc::from(Vec::new());
    let refused = model.apply(Position::START, head, events, OnPoison::Park).await;
    let Err(ApplyError::CheckpointMoved { expected, actual }) = refused else {
        panic!("the checkpoint is not at the start any more: {refused:?}");
    };
    assert_eq!((expected, actual), (Position::START, head));
}

/// Applies one history in pieces of many sizes to one store, and at once to another.
pub(super) async fn pieces_of_any_size_give_equal_dumps<S: Store>(
    make: &impl AsyncFn(Arc<dyn EventLog>) -> S,
) {
    let given = Given::new(make).await;
    let log = &given.log;
    sample_history(log.as_ref(), 40).await;
    for model in given.store.models() {
        let mut position = Position::START;
        for size in [1, 2, 3, 5, 8, 13].into_iter().cycle() {
            let Some(piece) = feed::read(log.as_ref(), position, size).await.expect("it reads")
            else {
                break;
            };
            let applied = model.apply(position, piece.to, piece.events, OnPoison::Stop).await;
            assert_eq!(applied.expect("it is applied"), []);
            position = piece.to;
        }
    }
    let other = make(Arc::clone(log)).await;
    let compared = compare(log.as_ref(), &given.store.models(), &other.models()).await;
    for it in compared.expect("both can be dumped") {
        assert!(it.is_equal() && it.unequal_tables.is_empty(), "{it:?}");
        let is_filled = it.live.tables.iter().any(|table| table.rows > 0);
        assert!(is_filled || it.live.projection == "manifests", "{it:?}");
    }
}
