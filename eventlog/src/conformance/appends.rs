//! What is accepted, what is refused, and what is kept.

use super::{NOW_US, append, event, read_everything, read_stream, revision, send, sent};
use crate::event::{NewEvent, StreamId, StreamRevision};
use crate::log::{Append, AppendError, EventLog, Expected};
use std::sync::atomic::{AtomicI64, Ordering};

pub(super) async fn revisions_count_from_zero(log: &impl EventLog) {
    let first = sent(log, append("a", Expected::NoStream, &["0", "1"])).await;
    assert_eq!(first.revision, StreamRevision(1), "the answer names the last event");
    let second = sent(log, append("a", revision(1), &["2"])).await;
    assert_eq!(second.revision, StreamRevision(2));
    assert!(second.position > first.position, "later is greater");
    let other = sent(log, append("b", Expected::Any, &["0"])).await;
    assert_eq!(other.revision, StreamRevision(0), "every stream counts for itself");
    let read = read_stream(log, &StreamId::new("test", "a")).await;
    assert_eq!(read.iter().map(|it| it.revision.0).collect::<Vec<_>>(), [0, 1, 2]);
    assert_eq!(read[1].position, first.position);
    assert_eq!(read[2].position, second.position);
}

pub(super) async fn an_unexpected_revision_is_a_conflict(log: &impl EventLog) {
    sent(log, append("a", Expected::NoStream, &["0", "1"])).await;
    let cases = [
        (append("a", Expected::NoStream, &["x"]), Some(StreamRevision(1))),
        (append("a", revision(0), &["x"]), Some(StreamRevision(1))),
        (append("a", revision(2), &["x"]), Some(StreamRevision(1))),
        (append("none", revision(0), &["x"]), None),
    ];
    for (append, expected) in cases {
        let text = format!("{append:?}");
        match send(log, append).await {
            Err(AppendError::Conflict { actual }) => assert_eq!(actual, expected, "{text}"),
            other => panic!("{text} is answered with {other:?}"),
        }
    }
    assert_eq!(read_everything(log).await.len(), 2, "a conflict writes nothing");
    sent(log, append("a", Expected::Any, &["2"])).await;
    sent(log, append("none", Expected::NoStream, &["0"])).await;
}

pub(super) async fn a_conflict_fails_the_guilty_append_only(log: &impl EventLog) {
    sent(log, append("b", Expected::NoStream, &["0"])).await;
    let batch = vec![
        append("a", Expected::NoStream, &["0", "1"]),
        append("b", Expected::NoStream, &["guilty", "guilty"]),
        append("c", Expected::NoStream, &["0"]),
    ];
    let answers = log.append(batch).await;
    assert!(
        matches!(
            &answers[..],
            [Ok(_), Err(AppendError::Conflict { actual: Some(StreamRevision(0)) }), Ok(_)]
        ),
        "{answers:?}"
    );
    let read = read_everything(log).await;
    let names: Vec<_> = read.iter().map(|it| it.stream.id()).collect();
    assert_eq!(names, ["b", "a", "a", "c"]);
}

pub(super) async fn appends_of_one_batch_see_each_other_in_order(log: &impl EventLog) {
    let batch = vec![
        append("a", Expected::NoStream, &["0"]),
        append("a", Expected::NoStream, &["late"]),
        append("a", revision(0), &["1"]),
    ];
    let answers = log.append(batch).await;
    assert!(matches!(&answers[..], [Ok(_), Err(AppendError::Conflict { .. }), Ok(_)]));
    assert_eq!(read_everything(log).await.len(), 2);
    assert!(log.append(Vec::new()).await.is_empty(), "nothing is answered with nothing");
}

pub(super) async fn a_repeated_append_is_answered_with_the_first_one(log: &impl EventLog) {
    let original = append("a", Expected::NoStream, &["0", "1", "2"]);
    let first = sent(log, original.clone()).await;
    sent(log, append("b", Expected::NoStream, &["between"])).await;
    sent(log, append("a", revision(2), &["3"])).await;
    let shorter = Append { events: original.events[..1].to_vec(), ..original.clone() };
    let cases = [
        original.clone(),
        // Decided again after the first was written: the expectation holds, the event is old.
        Append { expected: revision(3), ..original.clone() },
        Append { expected: Expected::Any, ..original },
        shorter,
    ];
    for repeated in cases {
        match send(log, repeated).await {
            Err(AppendError::Duplicate { appended }) => assert_eq!(appended, first),
            other => panic!("a repeated append is answered with {other:?}"),
        }
    }
    assert_eq!(read_everything(log).await.len(), 5, "a duplicate writes nothing");
}

pub(super) async fn a_malformed_append_writes_nothing(log: &impl EventLog) {
    let original = append("a", Expected::NoStream, &["0", "1"]);
    sent(log, original.clone()).await;
    let twice = event("twice");
    let stream = StreamId::new("test", "b");
    let malformed =
        |events: Vec<NewEvent>| Append { stream: stream.clone(), expected: Expected::Any, events };
    let cases = [
        ("no event", malformed(Vec::new())),
        ("an id twice", malformed(vec![twice.clone(), twice])),
        ("an id of another stream", malformed(vec![original.events[0].clone()])),
        ("an old id behind a new one", malformed(vec![event("new"), original.events[1].clone()])),
    ];
    for (name, append) in cases {
        let answer = send(log, append).await;
        assert!(matches!(answer, Err(AppendError::Invalid(_))), "{name}: {answer:?}");
    }
    assert_eq!(read_everything(log).await.len(), 2);
    sent(log, append("b", Expected::NoStream, &["0"])).await;
}

/// Where the stream is as expected, and an event is not new in spite of that.
pub(super) async fn an_id_in_use_takes_nobody_along(log: &impl EventLog) {
    let original = append("a", Expected::NoStream, &["0", "1"]);
    let first = sent(log, original.clone()).await;
    sent(log, append("b", Expected::NoStream, &["0"])).await;
    let with = |append: Append, events: Vec<NewEvent>| Append { events, ..append };
    let twice = append("twice", Expected::NoStream, &["0"]);
    let [old, later] = [0, 1].map(|it| original.events[it].clone());
    let batch = vec![
        append("c", Expected::NoStream, &["0"]),
        with(append("d", Expected::NoStream, &[]), vec![old.clone()]),
        with(append("e", Expected::NoStream, &[]), vec![event("new"), later]),
        with(append("b", revision(0), &[]), vec![old]),
        original.clone(),
        append("b", revision(0), &["1"]),
        twice.clone(),
        twice,
        append("a", revision(1), &["2"]),
        Append { expected: revision(2), ..original },
    ];
    let answers = log.append(batch).await;
    assert!(
        matches!(
            &answers[..],
            [
                Ok(_),
                Err(AppendError::Invalid(_)),
                Err(AppendError::Invalid(_)),
                Err(AppendError::Invalid(_)),
                Err(AppendError::Duplicate { appended }),
                Ok(_),
                Ok(again),
                Err(AppendError::Duplicate { appended: twice }),
                Ok(_),
                Err(AppendError::Duplicate { appended: late }),
            ] if *appended == first && *late == first && twice == again
        ),
        "{answers:?}"
    );
    let read = read_everything(log).await;
    let names: Vec<_> = read.iter().map(|it| it.stream.id()).collect();
    assert_eq!(names, ["a", "a", "b", "c", "b", "twice", "a"]);
    assert!(read.windows(2).all(|it| it[0].position < it[1].position));
}

pub(super) async fn bytes_and_names_are_kept_as_they_are(log: &impl EventLog) {
    let texts: [&'static [u8]; 7] = [
        b"{}",
        b"{ \"b\" : 1,\t\"a\":1.0e0 ,\n\"b\" : 2 }\r\n ",
        "{\"é\":\"e\u{301} \u{1f5bc} \u{202e}\"}".as_bytes(),
        br#"{"escaped":"\u00e9\/\u0000"}"#,
        br#"{"number":123456789012345678901234567890.10}"#,
        // Not even JSON: the log does not look inside.
        b"\x00\xff'; --",
        b"",
    ];
    let names =
        ["1/2/page-7", "1/2/page-7 ", "1/2/PAGE-7", "1/2/e\u{301}", "1/2/\u{e9}", "%_*", ""];
    for (text, name) in texts.iter().zip(names) {
        let mut append = append(name, Expected::NoStream, &["x"]);
        append.events[0].payload = bytes::Bytes::from_static(text);
        append.events[0].metadata = bytes::Bytes::from_static(text);
        append.events[0].schema_version = 7;
        sent(log, append.clone()).await;
        let read = read_stream(log, &append.stream).await;
        assert_eq!(read.len(), 1, "each name is a stream of its own: {name:?}");
        let (read, written) = (&read[0], &append.events[0]);
        assert_eq!(read.stream, append.stream);
        assert_eq!(read.event_id, written.event_id);
        assert_eq!(read.type_name, written.type_name);
        assert_eq!(read.schema_version, 7);
        assert_eq!(read.payload, written.payload);
        assert_eq!(read.metadata, written.metadata);
        assert_eq!(read.recorded_at_us, NOW_US);
    }
}

pub(super) async fn a_large_batch_is_kept(log: &impl EventLog) {
    const STREAMS: usize = 2_500;
    let batch: Vec<_> = (0..STREAMS)
        .map(|n| append(&n.to_string(), Expected::NoStream, &["registered", "requested"]))
        .collect();
    let answers = log.append(batch.clone()).await;
    assert!(answers.iter().all(Result::is_ok));
    let read = read_everything(log).await;
    assert_eq!(read.len(), 2 * STREAMS);
    let written = batch.iter().flat_map(|append| append.events.iter().map(|it| it.event_id));
    assert!(read.iter().map(|it| it.event_id).eq(written), "order of the batch");
}

pub(super) async fn recorded_time_never_runs_backwards(log: &impl EventLog, hand: &AtomicI64) {
    const HOUR_US: i64 = 3_600_000_000;
    for (now_us, expected_us) in [
        (NOW_US, NOW_US),
        (NOW_US - HOUR_US, NOW_US),
        (NOW_US + 5, NOW_US + 5),
        (i64::MIN, NOW_US + 5),
        (NOW_US + HOUR_US, NOW_US + HOUR_US),
    ] {
        hand.store(now_us, Ordering::SeqCst);
        sent(log, append("a", Expected::Any, &["tick", "tock"])).await;
        let read = read_everything(log).await;
        let last_two = &read[read.len() - 2..];
        assert!(last_two.iter().all(|it| it.recorded_at_us == expected_us), "{last_two:?}");
    }
}
