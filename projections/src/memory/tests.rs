//! The reference keeps its own promises. That it equals the stores is tested with them.

use super::MemoryReadModels;
use crate::conformance::given::{append_raw, metadata, sample_history};
use crate::feed::{self, Piece};
use crate::projection::{ApplyError, OnPoison, ReadModel};
use crate::replay::compare;
use dlcs_eventlog::memory::MemoryLog;
use dlcs_eventlog::{EventId, EventLog, NewEvent, Position};
use futures::TryStreamExt;
use std::pin::pin;
use std::sync::Arc;
use uuid::Uuid;

async fn history() -> MemoryLog {
    let log = MemoryLog::new(Arc::new(|| 1_700_000_000_000_000));
    sample_history(&log, 30).await;
    log
}

async fn piece(log: &MemoryLog, after: Position, events_max: usize) -> Piece {
    feed::read(log, after, events_max).await.expect("memory").expect("there are events")
}

#[tokio::test]
async fn pieces_of_any_size_give_equal_dumps() {
    let log = history().await;
    let models = MemoryReadModels::default();
    for model in models.models() {
        let mut position = Position::START;
        for size in [1, 2, 3, 5, 8].into_iter().cycle() {
            let Some(piece) = feed::read(&log, position, size).await.expect("memory") else {
                break;
            };
            let applied = model.apply(position, piece.to, piece.events, OnPoison::Stop).await;
            assert_eq!(applied.expect("it is applied"), []);
            position = piece.to;
        }
    }
    let fresh = MemoryReadModels::default();
    for it in compare(&log, &models.models(), &fresh.models()).await.expect("memory") {
        assert!(it.is_equal() && it.unequal_tables.is_empty(), "{it:?}");
    }
    assert!(models.assets.is_equal(&fresh.assets));
}

#[tokio::test]
async fn pieces_that_are_read_ahead_join_to_the_whole() {
    let log = history().await;
    let whole = log.read_all(Position::START, 10_000).await.expect("memory");
    for (after, size) in [(0, 1), (0, 7), (3, 100), (whole.len() as u64, 5)] {
        let mut pieces = pin!(feed::pieces(&log, Position(after), size));
        let (mut joined, mut at) = (Vec::new(), Position(after));
        while let Some(piece) = pieces.try_next().await.expect("memory") {
            assert_eq!(piece.from, at, "it begins where the last one ended");
            assert!(piece.events.len() <= size);
            at = piece.to;
            joined.extend(piece.events.iter().map(|it| it.recorded.clone()));
        }
        assert_eq!(joined, whole[after as usize..], "after {after}, pieces of {size}");
    }
}

#[tokio::test]
async fn a_checkpoint_moves_by_compare_and_set() {
    let log = history().await;
    let models = MemoryReadModels::default();
    let Piece { to, events, .. } = piece(&log, Position::START, 7).await;
    let apply = || models.assets.apply(Position::START, to, events.clone(), OnPoison::Park);
    apply().await.expect("it begins at the start");
    let before = models.assets.dump().await.expect("memory");
    let again = apply().await;
    assert!(matches!(again, Err(ApplyError::CheckpointMoved { actual, .. }) if actual == to));
    assert_eq!(models.assets.dump().await.expect("memory"), before);
}

#[tokio::test]
async fn a_batch_with_poison_is_applied_whole_or_not() {
    let log = history().await;
    let stream = "asset-1/1/page-0";
    let event = NewEvent {
        event_id: EventId(Uuid::from_u128(1)),
        type_name: "asset.teleported".into(),
        schema_version: 1,
        payload: "{}".into(),
        metadata: metadata("key-1", stream).into(),
    };
    let poison = append_raw(&log, stream, event).await;
    let models = MemoryReadModels::default();
    let Piece { to, events, .. } = piece(&log, Position::START, 1_000).await;

    let stopped = models.assets.apply(Position::START, to, events.clone(), OnPoison::Stop).await;
    assert!(matches!(stopped, Err(ApplyError::Poisoned { position, .. }) if position == poison));
    assert!(models.assets.is_equal(&MemoryReadModels::default().assets), "nothing is left of it");

    let parked = models.assets.apply(Position::START, to, events, OnPoison::Park).await;
    assert_eq!(parked.expect("the rest is applied").len(), 1);
    assert_eq!(models.assets.parked().await.expect("memory")[0].position, poison);
    assert_eq!(
        models.assets.checkpoint().await.expect("memory"),
        log.head().await.expect("memory")
    );
}
