//! Pages, streams, the head and its hints.

use super::{append, read_everything, sent};
use crate::event::{Position, StreamId, StreamRevision};
use crate::log::{EventLog, Expected, StreamRead};
use std::time::Duration;

pub(super) async fn an_empty_log_is_empty(log: &impl EventLog) {
    assert_eq!(log.head().await.expect("the head can be read"), Position::START);
    assert!(read_everything(log).await.is_empty());
    let none = StreamId::new("test", "none");
    let read = log.read_stream(&none, StreamRevision(0), 10).await;
    assert!(read.expect("no stream is no error").is_empty());
}

pub(super) async fn pages_join_to_the_whole(log: &impl EventLog) {
    for n in 0..10 {
        sent(log, append(&(n % 3).to_string(), Expected::Any, &["x", "y"])).await;
    }
    let whole = read_everything(log).await;
    assert_eq!(whole.len(), 20);
    assert!(whole.is_sorted_by(|a, b| a.position < b.position), "positions grow");
    assert!(whole[0].position > Position::START);
    for limit in [1, 3, 7, 20, 21] {
        let (mut joined, mut after) = (Vec::new(), Position::START);
        loop {
            let page = log.read_all(after, limit).await.expect("a page can be read");
            assert!(page.len() <= limit, "at most {limit}");
            let Some(last) = page.last() else { break };
            after = last.position;
            joined.extend(page);
        }
        assert_eq!(joined, whole, "pages of {limit}");
    }
    let nothing = log.read_all(Position::START, 0).await.expect("a limit of 0 is no error");
    assert!(nothing.is_empty());
    let beyond = log.read_all(Position(u64::MAX), 10).await.expect("beyond is no error");
    assert!(beyond.is_empty());
}

pub(super) async fn a_stream_is_read_from_a_revision_on(log: &impl EventLog) {
    let stream = StreamId::new("test", "a");
    for _ in 0..5 {
        sent(log, append("a", Expected::Any, &["x"])).await;
        sent(log, append("ab", Expected::Any, &["another"])).await;
    }
    for (from, limit, expected) in
        [(0, 2, &[0, 1][..]), (3, 10, &[3, 4]), (4, 1, &[4]), (5, 10, &[]), (u64::MAX, 10, &[])]
    {
        let read = log.read_stream(&stream, StreamRevision(from), limit).await;
        let read = read.expect("the stream can be read");
        assert!(read.iter().all(|it| it.stream == stream));
        let revisions: Vec<_> = read.iter().map(|it| it.revision.0).collect();
        assert_eq!(revisions, expected, "from {from}, at most {limit}");
    }
}

/// However large its events are.
pub(super) async fn a_page_of_a_stream_is_short_only_at_its_end(log: &impl EventLog) {
    let stream = StreamId::new("test", "large");
    for n in 0..20 {
        let mut large = append("large", Expected::Any, &["x"]);
        large.events[0].payload = vec![b'0' + n % 10; 512 << 10].into();
        sent(log, large).await;
    }
    for (from, length) in [(0, 8), (8, 8), (16, 4), (20, 0)] {
        let page = log.read_stream(&stream, StreamRevision(from), 8).await;
        assert_eq!(page.expect("it can be read").len(), length, "from {from}");
    }
}

pub(super) async fn streams_that_are_read_at_once_are_not_mixed_up(log: &impl EventLog) {
    const STREAMS: usize = 300;
    let batch = (0..STREAMS).map(|n| {
        let texts = vec!["x"; 1 + n % 3];
        append(&n.to_string(), Expected::NoStream, &texts)
    });
    for answer in log.append(batch.collect()).await {
        answer.expect("the stream is new");
    }
    // Each is read twice at once; the last name has no stream.
    let names: Vec<_> = (0..STREAMS).step_by(2).chain([1, STREAMS]).collect();
    let asked = names.iter().chain(&names).map(|n| StreamRead {
        stream: StreamId::new("test", &n.to_string()),
        from: StreamRevision(u64::from(n % 4 == 0)),
        limit: 2,
    });
    let asked: Vec<_> = asked.collect();
    let alone = asked.iter().map(|it| log.read_stream(&it.stream, it.from, it.limit));
    let alone = futures::future::join_all(alone).await;
    let together = log.read_streams(asked.clone()).await;
    assert_eq!(together.len(), asked.len(), "each is answered");
    for (((asked, read), same), n) in
        asked.iter().zip(alone).zip(together).zip(names.iter().chain(&names))
    {
        let (stream, read) = (&asked.stream, read.expect("the stream can be read"));
        assert_eq!(same.expect("the stream can be read"), read, "of {stream}, read with others");
        let length = if *n < STREAMS { 1 + n % 3 } else { 0 };
        let first = u64::from(n % 4 == 0);
        let expected: Vec<_> = (first..length as u64).take(2).collect();
        assert!(read.iter().all(|it| it.stream == *stream));
        assert_eq!(read.iter().map(|it| it.revision.0).collect::<Vec<_>>(), expected, "{stream}");
    }
}

pub(super) async fn the_head_is_the_last_position(log: &impl EventLog) {
    for _ in 0..3 {
        let appended = sent(log, append("a", Expected::Any, &["x", "y"])).await;
        assert_eq!(log.head().await.expect("the head can be read"), appended.position);
    }
}

pub(super) async fn hints_follow_the_head(log: &impl EventLog) {
    let mut hints = log.head_hints();
    for _ in 0..3 {
        let appended = sent(log, append("a", Expected::Any, &["x"])).await;
        let reached = hints.wait_for(|head| *head >= appended.position);
        let reached = tokio::time::timeout(Duration::from_secs(10), reached).await;
        let head = *reached.expect("a hint comes").expect("the log is open");
        assert_eq!(head, appended.position, "a hint never runs ahead");
    }
}
