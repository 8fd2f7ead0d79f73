//! Taking over a history.

use super::{append, jumping, read_everything, revision, send, sent};
use crate::event::{EventId, NewEvent, Position, RecordedEvent, StreamId, StreamRevision};
use crate::import::{ImportError, LogImport};
use crate::log::{Append, AppendError, Appended, EventLog, Expected};
use crate::memory::MemoryLog;
use std::sync::atomic::Ordering;
use uuid::Uuid;

/// What another log has recorded: some streams, appends of several events, times that stand still.
async fn recorded() -> Vec<RecordedEvent> {
    let (clock, hand) = jumping();
    let other = MemoryLog::new(clock);
    sent(&other, append("a", Expected::NoStream, &["1", "2", "3"])).await;
    hand.fetch_add(1_000_000, Ordering::SeqCst);
    sent(&other, append("b", Expected::NoStream, &["\u{1F5FA}"])).await;
    for (at, text) in (0..300_u64).zip(std::iter::repeat("more")) {
        hand.fetch_add(1, Ordering::SeqCst);
        sent(&other, append("a", revision(at + 2), &[text])).await;
    }
    read_everything(&other).await
}

pub(super) async fn what_is_taken_over_is_what_it_was<L: EventLog>(
    log: impl AsyncFn() -> L,
    import: &impl LogImport,
) {
    let events = recorded().await;
    let (first, second) = events.split_at(7);
    import.import(first).await.expect("it begins at the beginning");
    import.import(second).await.expect("it follows");
    import.import(&[]).await.expect("nothing follows anything");
    let log = log().await;
    assert_eq!(read_everything(&log).await, events);
    assert_eq!(log.head().await.expect("a head"), Position(304));
    let stream = StreamId::new("test", "b");
    let read = log.read_stream(&stream, StreamRevision(0), 10).await.expect("it can be read");
    assert_eq!(read, [events[3].clone()]);
    // What comes afterwards goes on from there.
    let stale = send(&log, append("a", revision(2), &["late"])).await;
    assert!(matches!(stale, Err(AppendError::Conflict { .. })), "{stale:?}");
    let next = sent(&log, append("a", revision(302), &["next"])).await;
    let expected = Appended { revision: StreamRevision(303), position: Position(305) };
    assert_eq!(next, expected);
    let all = read_everything(&log).await;
    assert!(all[304].recorded_at_us >= all[303].recorded_at_us, "time goes on");
    // A repetition of an append that was taken over is known.
    let again: Vec<_> = events[..3].iter().map(NewEvent::from).collect();
    let stream = StreamId::new("test", "a");
    let again = Append { stream, expected: Expected::NoStream, events: again };
    let expected = Appended { revision: StreamRevision(2), position: Position(3) };
    match send(&log, again).await {
        Err(AppendError::Duplicate { appended }) => assert_eq!(appended, expected),
        other => panic!("it was there already: {other:?}"),
    }
}

pub(super) async fn what_does_not_follow_is_refused<L: EventLog>(
    log: impl AsyncFn() -> L,
    import: &impl LogImport,
) {
    let events = recorded().await;
    import.import(&events[..4]).await.expect("it begins at the beginning");
    let refused = async |what: &str, events: &[RecordedEvent]| {
        let answer = import.import(events).await;
        assert!(matches!(answer, Err(ImportError::Refused(_))), "{what}: {answer:?}");
    };
    refused("the same again", &events[..4]).await;
    refused("with a hole", &events[5..8]).await;
    let mut wrong = events[4..8].to_vec();
    wrong[2].event_id = events[0].event_id;
    refused("an id that is in use", &wrong).await;
    let mut wrong = events[4..8].to_vec();
    wrong[3].revision = StreamRevision(1);
    refused("a place that is taken", &wrong).await;
    let mut wrong = events[4..8].to_vec();
    wrong[3].revision = StreamRevision(99);
    refused("a revision is left out", &wrong).await;
    let mut wrong = events[4..8].to_vec();
    wrong[1].recorded_at_us = 0;
    refused("time that runs backwards", &wrong).await;
    let mut wrong = events[4..8].to_vec();
    wrong[0].recorded_at_us = 0;
    refused("time before what is there", &wrong).await;
    assert_eq!(read_everything(&log().await).await, events[..4], "all or none");
    let mut other = events[4..8].to_vec();
    other.iter_mut().for_each(|it| it.event_id = EventId(Uuid::now_v7()));
    import.import(&other).await.expect("it follows");
}
