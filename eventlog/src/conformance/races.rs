//! Many at once: the order that readers see, and who wins.

use super::{append, event, read_everything, revision, send};
use crate::event::{Position, RecordedEvent, StreamId, StreamRevision};
use crate::log::{Append, AppendError, EventLog, Expected};
use futures::future::join_all;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const TIME_MAX: Duration = Duration::from_secs(120);

/// Readers follow while sixteen append, and at the end have seen what a full scan sees: a
/// position that became visible after a later one would be missing.
pub(super) async fn a_tailing_reader_never_skips(log: impl EventLog) {
    const APPENDERS: usize = 16;
    const APPENDS: usize = 60;
    let log = Arc::new(log);
    // 1, 2 or 3 events, in turn.
    let total = APPENDERS * (0..APPENDS).map(|n| n % 3 + 1).sum::<usize>();
    let is_done = Arc::new(AtomicBool::new(false));
    let readers = [1, 7, 100, 1_000]
        .map(|limit| tokio::spawn(tail(Arc::clone(&log), limit, Arc::clone(&is_done))));
    let appenders = (0..APPENDERS).map(|appender| {
        let log = Arc::clone(&log);
        tokio::spawn(async move {
            for n in 0..APPENDS {
                let texts = &["x", "y", "z"][..n % 3 + 1];
                // Half of them share a stream with another appender.
                let stream = (appender / 2 * (n % 2) + appender * 100).to_string();
                send(&*log, append(&stream, Expected::Any, texts)).await.expect("is accepted");
            }
        })
    });
    for appender in join_all(appenders).await {
        appender.expect("an appender ends well");
    }
    is_done.store(true, Ordering::SeqCst);
    let whole: Vec<_> = read_everything(&*log).await.iter().map(|it| it.position).collect();
    assert_eq!(whole.len(), total);
    for reader in readers {
        assert_eq!(reader.await.expect("a reader ends well"), whole, "a reader skipped");
    }
}

/// Follows the log, on hints or a short poll, until nothing more can come.
async fn tail(log: Arc<impl EventLog>, limit: usize, is_done: Arc<AtomicBool>) -> Vec<Position> {
    let mut hints = log.head_hints();
    let mut seen: Vec<Position> = Vec::new();
    loop {
        let was_done = is_done.load(Ordering::SeqCst);
        let after = seen.last().copied().unwrap_or(Position::START);
        let page = log.read_all(after, limit).await.expect("the log can be read");
        if page.is_empty() {
            if was_done {
                return seen;
            }
            let _ = tokio::time::timeout(Duration::from_millis(5), hints.changed()).await;
        }
        seen.extend(page.iter().map(|it| it.position));
        // A log may answer without ever waiting.
        tokio::task::yield_now().await;
    }
}

pub(super) async fn one_writer_wins_each_revision(log: impl EventLog) {
    const WRITERS: usize = 64;
    let log = Arc::new(log);
    // Round by round: everybody expects the same, one is right.
    for round in 0..4 {
        let expected = round_expectation(round);
        let attempts = (0..WRITERS).map(|_| {
            let log = Arc::clone(&log);
            tokio::spawn(async move { send(&*log, append("rounds", expected, &["x"])).await })
        });
        let mut wins = 0;
        for answer in join_all(attempts).await {
            match answer.expect("a writer ends well") {
                Ok(appended) => {
                    wins += 1;
                    assert_eq!(appended.revision.0, round, "winners of revision {round}");
                }
                Err(AppendError::Conflict { actual }) => {
                    assert_eq!(actual, Some(StreamRevision(round)));
                }
                Err(other) => panic!("a writer is answered with {other:?}"),
            }
        }
        assert_eq!(wins, 1, "winners of revision {round}");
    }
    everybody_gets_a_turn(log, WRITERS).await;
}

fn round_expectation(round: u64) -> Expected {
    round.checked_sub(1).map_or(Expected::NoStream, revision)
}

/// Whoever loses tries again on what is there now, and in the end all have written.
async fn everybody_gets_a_turn(log: Arc<impl EventLog>, writers: usize) {
    let turns = (0..writers).map(|writer| {
        let log = Arc::clone(&log);
        tokio::spawn(async move {
            let mut append = append("turns", Expected::NoStream, &[&writer.to_string()]);
            loop {
                match send(&*log, append.clone()).await {
                    Ok(_) => return,
                    Err(AppendError::Conflict { actual }) => {
                        append.expected = actual.map_or(Expected::NoStream, Expected::Revision);
                    }
                    Err(other) => panic!("a writer is answered with {other:?}"),
                }
            }
        })
    });
    let all = tokio::time::timeout(TIME_MAX, join_all(turns)).await.expect("nobody starves");
    assert!(all.into_iter().all(|turn| turn.is_ok()));
    let stream = StreamId::new("test", "turns");
    let read = log.read_stream(&stream, StreamRevision(0), writers + 1).await;
    let read: Vec<RecordedEvent> = read.expect("the stream can be read");
    assert!(read.iter().map(|it| it.revision.0).eq(0..writers as u64));
}

pub(super) async fn an_append_sent_many_times_at_once_is_written_once(log: impl EventLog) {
    let log = Arc::new(log);
    let append = Append {
        stream: StreamId::new("test", "a"),
        expected: Expected::NoStream,
        events: vec![event("0"), event("1")],
    };
    let attempts = (0..32).map(|_| {
        let (log, append) = (Arc::clone(&log), append.clone());
        tokio::spawn(async move { send(&*log, append).await })
    });
    let (mut written, mut places) = (0, Vec::new());
    for answer in join_all(attempts).await {
        match answer.expect("a sender ends well") {
            Ok(appended) => {
                written += 1;
                places.push(appended);
            }
            Err(AppendError::Duplicate { appended }) => places.push(appended),
            Err(other) => panic!("a repeated append is answered with {other:?}"),
        }
    }
    assert_eq!(written, 1);
    assert!(places.iter().all(|place| *place == places[0]), "all name the same place");
    assert_eq!(read_everything(&*log).await.len(), 2);
}
