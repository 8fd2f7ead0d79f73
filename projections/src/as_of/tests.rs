//! Tests of `as_of`: what it gives is what a replay that stops there gives.

use super::*;
use crate::conformance::given::sample_history;
use crate::feed;
use crate::history::LogHistory;
use crate::manifests::StoredRow;
use crate::memory::MemoryReadModels;
use crate::projection::OnPoison;
use dlcs_domain::ActorId;
use dlcs_domain::access::Scope;
use dlcs_eventlog::EventLog;
use dlcs_eventlog::memory::MemoryLog;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

const MINUTE_US: i64 = 60_000_000;

/// A history in which every event takes a minute.
async fn given(assets: u32) -> (Arc<MemoryLog>, LogHistory) {
    let clock = AtomicI64::new(0);
    let log = MemoryLog::new(Arc::new(move || clock.fetch_add(MINUTE_US, Ordering::Relaxed)));
    sample_history(&log, assets).await;
    let log = Arc::new(log);
    (Arc::clone(&log), LogHistory { log })
}

fn admin() -> Principal {
    Principal::Key { actor: ActorId("key-1".to_owned()), scope: Scope::ADMIN }
}

/// Compares one resource as of a moment with the read models that stand there.
async fn compare(history: &LogHistory, models: &MemoryReadModels, stream: &StreamId, at: Moment) {
    let (who, id) = (admin(), stream.id());
    match stream.category() {
        "asset" | "transcription" => {
            let id = id.parse().expect("an id");
            let expected = models.assets.read(|it| it.assets.row(&id).map(|it| it.row.clone()));
            assert_eq!(asset(history, &who, &id, at).await.expect("memory"), expected, "{at:?}");
            let expected = models.page_texts.read(|it| it.texts.row(&id).cloned());
            let expected = expected.map(PageTextRecord::into_row);
            assert_eq!(page_text(history, &who, &id, at).await.expect("memory"), expected);
        }
        "manifest" | "collection" => {
            let (customer, name) = id.split_once('/').expect("customer and id");
            let (customer, name) = (customer.parse().expect("a number"), name.to_owned());
            let (key, found) = if stream.category() == "manifest" {
                let id = ManifestId { customer, id: name };
                let row = manifest(history, &who, &id, at).await.expect("memory");
                (StoredKey::from(&id), row.map(StoredRow::Manifest))
            } else {
                let id = CollectionId { customer, id: name };
                let row = collection(history, &who, &id, at).await.expect("memory");
                (StoredKey::from(&id), row.map(StoredRow::Collection))
            };
            let expected = models.manifests.read(|it| it.stored.row(&key).cloned());
            assert_eq!(found, expected.map(StoredRecord::into_row), "{stream} at {at:?}");
        }
        "annotation" => {
            let id = id.parse().expect("an id");
            let row =
                models.annotations.read(|it| it.annotations.row(&id).map(|it| it.row.clone()));
            assert_eq!(annotation(history, &who, &id, at).await.expect("memory"), row);
        }
        _ => {}
    }
}

/// For every position of a mixed history: the resource that changed there, and two others.
#[tokio::test]
async fn a_resource_as_of_a_position_is_what_a_replay_that_stops_there_shows() {
    let (log, history) = given(220).await;
    let models = MemoryReadModels::default();
    let all = log.read_all(Position::START, usize::MAX).await.expect("memory");
    assert!(all.len() > 1_000, "{} positions", all.len());
    let mut at = Position::START;
    while let Some(piece) = feed::read(&*log, at, 1).await.expect("memory") {
        for model in models.models() {
            let applied = model.apply(at, piece.to, piece.events.clone(), OnPoison::Stop).await;
            applied.expect("it is applied");
        }
        at = piece.to;
        let index = at.0 as usize - 1;
        let time = Moment::Time(all[index].recorded_at_us + MINUTE_US / 2);
        for (other, moment) in [
            (index, Moment::Position(at)),
            (index, time),
            (index * 7 % all.len(), Moment::Position(at)),
            (index * 31 % all.len(), time),
        ] {
            compare(&history, &models, &all[other].stream, moment).await;
        }
    }
}

#[tokio::test]
async fn the_past_is_for_those_who_may_see_the_history() {
    let (_, history) = given(4).await;
    let id = "1/2/page-3".parse().expect("an id");
    let moment = Moment::Position(Position(u64::MAX));
    let scope = Scope::of_customer(dlcs_domain::CustomerId(2));
    let other = Principal::Key { actor: ActorId("key-2".to_owned()), scope };
    for who in [Principal::Anonymous, other] {
        let refused = page_text(&history, &who, &id, moment).await;
        assert!(matches!(refused, Err(QueryError::NotAllowed)), "{refused:?}");
    }
    assert!(page_text(&history, &admin(), &id, moment).await.expect("memory").is_some());
}
