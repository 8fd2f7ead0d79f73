//! What the server and the way to it may do: lose, repeat, fall silent, go away, elect another leader.

use crate::testing::{Double, Fault};
use crate::{KurrentLog, OpenError, Waits};
use dlcs_eventlog::log::LogError;
use dlcs_eventlog::{
    Append, AppendError, Appended, EventId, EventLog, Expected, NewEvent, Position, StreamId,
    StreamRevision,
};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

const SOON: Duration = Duration::from_secs(20);
const WAITS: Waits = Waits { idle: Duration::from_millis(200) };

fn event(text: &str) -> NewEvent {
    NewEvent {
        event_id: EventId(Uuid::now_v7()),
        type_name: "test.happened".into(),
        schema_version: 1,
        payload: format!(r#"{{"text":"{text}"}}"#).into(),
        metadata: "{}".into(),
    }
}

fn append(stream: &str, expected: Expected, count: usize) -> Append {
    let events = (0..count).map(|it| event(&it.to_string())).collect();
    Append { stream: StreamId::new("test", stream), expected, events }
}

async fn send(log: &KurrentLog, append: Append) -> Result<Appended, AppendError> {
    log.append(vec![append]).await.remove(0)
}

async fn server() -> Double {
    Double::start(Arc::new(|| 1_700_000_000_000_000)).await
}

async fn open(server: &Double) -> KurrentLog {
    KurrentLog::open(&server.url(), WAITS).await.expect("it opens")
}

async fn ids(log: &KurrentLog) -> Vec<EventId> {
    let read = log.read_all(Position::START, 100_000).await.expect("it can be read");
    read.iter().map(|it| it.event_id).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_whose_answer_is_lost_is_written_once() {
    let server = server().await;
    let log = open(&server).await;
    for (at, fault) in [Fault::LostAnswers(1), Fault::LostAppends(1), Fault::LostAnswers(3)]
        .into_iter()
        .enumerate()
    {
        let stream = at.to_string();
        send(&log, append(&stream, Expected::NoStream, 1)).await.expect("it is new");
        server.set(fault.clone());
        let lost = append(&stream, Expected::Revision(StreamRevision(0)), 2);
        let appended = send(&log, lost.clone()).await.unwrap_or_else(|e| panic!("{fault:?}: {e}"));
        assert_eq!(appended.revision, StreamRevision(2), "{fault:?}");
        let again = send(&log, lost).await;
        assert!(
            matches!(again, Err(AppendError::Duplicate { appended: first }) if first == appended),
            "{fault:?}: {again:?}"
        );
    }
    assert_eq!(ids(&log).await.len(), 9);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repetition_is_known_to_a_process_that_has_just_begun() {
    let server = server().await;
    let first = append("a", Expected::NoStream, 2);
    let appended = {
        let log = open(&server).await;
        let appended = send(&log, first.clone()).await.expect("it is new");
        send(&log, append("a", Expected::Revision(StreamRevision(1)), 1)).await.expect("follows");
        appended
    };
    // From the second time on it lies behind what a start reads again: only the server knows.
    for filler in [1_100, 0] {
        for expected in [first.expected, Expected::Any, Expected::Revision(StreamRevision(2))] {
            let log = open(&server).await;
            let again = send(&log, Append { expected, ..first.clone() }).await;
            assert!(
                matches!(again, Err(AppendError::Duplicate { appended: it }) if it == appended),
                "{expected:?}: {again:?}"
            );
            if filler > 0 && server.system().length("~dlcs.index") == 0 {
                send(&log, append("b", Expected::NoStream, filler)).await.expect("it is new");
                drop(open(&server).await);
            }
        }
    }
    assert_eq!(server.system().length("dlcs.test-a"), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_expected_version_that_is_none_is_looked_up() {
    let server = server().await;
    let log = open(&server).await;
    server.set(Fault::WrongExpected(2));
    send(&log, append("a", Expected::NoStream, 1)).await.expect("the stream is new in the end");
    server.set(Fault::WrongExpected(1));
    send(&log, append("a", Expected::Any, 1)).await.expect("anything goes");
    assert_eq!(server.system().length("dlcs.test-a"), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_leader_is_found() {
    let server = server().await;
    let log = open(&server).await;
    for leader in [1, 0, 1] {
        server.set(Fault::Leader(leader));
        send(&log, append(&leader.to_string(), Expected::Any, 1)).await.expect("it is found");
    }
    assert_eq!(ids(&log).await.len(), 3);
    // Whoever comes now finds it by way of the node that it knows.
    let late = open(&server).await;
    assert_eq!(ids(&late).await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_is_waited_for() {
    let server = Arc::new(server().await);
    let log = open(&server).await;
    send(&log, append("a", Expected::NoStream, 1)).await.expect("it is new");
    server.stop();
    let back = Arc::clone(&server);
    let back = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(700)).await;
        back.start_again().await;
    });
    assert_eq!(ids(&log).await.len(), 1, "a reader waits");
    back.await.expect("it is back");
    send(&log, append("a", Expected::Any, 1)).await.expect("the next one is written");
    // Hints come again too.
    let mut hints = log.head_hints();
    let other = open(&server).await;
    let appended = send(&other, append("b", Expected::NoStream, 1)).await.expect("it is new");
    let reached = hints.wait_for(|it| *it >= appended.position);
    let _ = tokio::time::timeout(SOON, reached).await.expect("the subscription is made again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mute_subscription_is_made_again() {
    let server = server().await;
    let (log, other) = (open(&server).await, open(&server).await);
    let mut hints = log.head_hints();
    let mut round = async |text: &str| {
        let appended = send(&other, append("a", Expected::Any, 1)).await.expect(text);
        let reached = hints.wait_for(|it| *it >= appended.position);
        let _ = tokio::time::timeout(SOON, reached).await.expect(text);
    };
    round("it speaks").await;
    let before = server.system().subscriptions();
    server.set(Fault::Mute);
    round("it is made again").await;
    assert!(server.system().subscriptions() > before);
    // Where nothing is new, silence is in order.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let before = server.system().subscriptions();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(server.system().subscriptions(), before);
}

/// The client would ask a subscription that has ended again and again, without a pause.
#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_that_ends_is_made_again() {
    let server = server().await;
    let (log, other) = (open(&server).await, open(&server).await);
    let mut hints = log.head_hints();
    for _ in 0..3 {
        let appended = send(&other, append("a", Expected::Any, 1)).await.expect("it goes");
        let reached = hints.wait_for(|it| *it >= appended.position);
        let _ = tokio::time::timeout(SOON, reached).await.expect("it is made again");
        server.set(Fault::Ended);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_of_others_are_not_seen() {
    let server = server().await;
    let log = open(&server).await;
    let other = format!("{}&streamPrefix=other", server.url());
    let other = KurrentLog::open(&other, WAITS).await.expect("it opens");
    for round in 0..3 {
        send(&other, append("a", Expected::Any, 1)).await.expect("it is new");
        for _ in 0..40 {
            server.system().write("dlcs-of-somebody-else");
            server.system().write("$$$stats");
        }
        send(&log, append("a", Expected::Any, 2)).await.expect("it is new");
        assert_eq!(ids(&log).await.len(), 2 * (round + 1));
        assert_eq!(ids(&other).await.len(), round + 1);
    }
    let head = log.head().await.expect("a head");
    assert_eq!(log.read_all(head, 10).await.expect("the end"), []);
    assert_ne!(head, other.head().await.expect("a head"));
}

/// A batch goes over one session; what happens to it on the way happens to some of its appends only.
#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_written_once_and_in_order_whatever_happens() {
    let server = server().await;
    let (log, other) = (open(&server).await, open(&server).await);
    let plain = (0..9).map(|at| append(&format!("plain-{at}"), Expected::NoStream, 1));
    assert!(log.append(plain.collect()).await.iter().all(Result::is_ok));
    assert_eq!(server.system().batched(), 9);
    let mut written = 9;
    for (round, fault) in [
        None,
        Some(Fault::WrongExpected(2)),
        Some(Fault::LostAppends(1)),
        Some(Fault::LostAnswers(2)),
        Some(Fault::Leader(1)),
    ]
    .into_iter()
    .enumerate()
    {
        // One stream has moved on in the meantime, and one append is too large.
        let moved = append(&format!("{round}-17"), Expected::NoStream, 1);
        send(&other, moved).await.expect("it is new");
        if let Some(fault) = &fault {
            server.set(fault.clone());
        }
        let mut batch: Vec<_> =
            (0..40).map(|at| append(&format!("{round}-{at}"), Expected::NoStream, 2)).collect();
        batch[30].events[1].payload = vec![b'x'; 2 << 20].into();
        let answers = log.append(batch.clone()).await;
        for (at, answer) in answers.iter().enumerate() {
            match at {
                17 => assert!(matches!(answer, Err(AppendError::Conflict { .. })), "{answer:?}"),
                30 => assert!(matches!(answer, Err(AppendError::Invalid(_))), "{answer:?}"),
                _ => assert!(answer.is_ok(), "{fault:?}, {at}: {answer:?}"),
            }
        }
        written += 1 + 2 * 38;
        assert_eq!(ids(&log).await.len(), written, "{fault:?}");
        let again = log.append(batch).await;
        for (first, again) in answers.iter().zip(&again).filter(|(first, _)| first.is_ok()) {
            let Err(AppendError::Duplicate { appended }) = again else { panic!("{again:?}") };
            assert_eq!(Some(appended), first.as_ref().ok());
        }
    }
    assert_eq!(ids(&log).await.len(), written);
}

/// Positions between two events are asked for too: just before one, or somewhere.
#[tokio::test(flavor = "multi_thread")]
async fn any_position_can_be_read_from() {
    let server = server().await;
    let log = open(&server).await;
    for _ in 0..5 {
        send(&log, append("a", Expected::Any, 300)).await.expect("anything goes");
        server.system().write("other");
    }
    for log in [&log, &open(&server).await] {
        let all = log.read_all(Position::START, 10_000).await.expect("it can be read");
        assert_eq!(all.len(), 1_500);
        for index in [0, 1, 299, 300, 999, 1_000, 1_001, 1_499] {
            let position = all[index].position;
            for (after, limit) in [
                (position.0 - 1, 1),
                (position.0 - 1, 5_000),
                (position.0 - 7, 3),
                (position.0 + 9, 700),
            ] {
                let read = log.read_all(Position(after), limit).await.expect("it can be read");
                let expected = all.iter().filter(|it| it.position.0 > after).take(limit);
                assert!(read.iter().eq(expected), "after {after}, at most {limit}");
            }
        }
    }
}

/// The clock of the server may be set back: everybody sees the same times all the same.
#[tokio::test(flavor = "multi_thread")]
async fn everybody_sees_the_same_even_times() {
    use std::sync::atomic::{AtomicI64, Ordering};
    let hand = Arc::new(AtomicI64::new(2_000_000_000_000_000));
    let clock = Arc::clone(&hand);
    let server = Double::start(Arc::new(move || clock.load(Ordering::SeqCst))).await;
    let log = open(&server).await;
    let mut rng = seeded("everybody_sees_the_same_even_times");
    for round in 0..60 {
        let step = rng.random_range(-3_000_000..4_000_000);
        hand.fetch_add(step, Ordering::SeqCst);
        let stream = (round % 7).to_string();
        send(&log, append(&stream, Expected::Any, rng.random_range(1..90))).await.expect("goes");
    }
    let all = log.read_all(Position::START, 100_000).await.expect("it can be read");
    assert!(all.len() > 2_000, "{}", all.len());
    assert!(all.is_sorted_by_key(|it| it.recorded_at_us));
    assert!(server.system().length("~dlcs.index") >= 1, "records are written");
    for round in 0..20 {
        let late = match round % 2 {
            0 => open(&server).await,
            _ => KurrentLog::open_read_only(&server.url()).await.expect("it opens"),
        };
        let after = rng.random_range(0..all.len());
        let read = late.read_all(all[after].position, 50).await.expect("it can be read");
        assert!(read.iter().eq(all.iter().skip(after + 1).take(50)));
        let of = &all[rng.random_range(0..all.len())];
        let read = late.read_stream(&of.stream, of.revision, 1).await.expect("it can be read");
        assert_eq!(read, std::slice::from_ref(of));
    }
}

fn seeded(name: &str) -> SmallRng {
    let seed = match std::env::var_os("DLCS_SEED").and_then(|it| it.into_string().ok()) {
        Some(seed) => seed.parse().expect("a seed is a number"),
        None => rand::random(),
    };
    eprintln!("{name}: DLCS_SEED={seed}");
    SmallRng::seed_from_u64(seed)
}

/// RELIABILITY R11: a tenth of everything comes twice, connections break while a reader catches up,
/// leaders change, answers are lost, expectations fail. At the end everything is there, once.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_or_doubled_whatever_happens_on_the_way() {
    let mut rng = seeded("nothing_is_lost_or_doubled");
    let server = server().await;
    server.set(Fault::Repeats { probability: 0.1, first: 7 });
    let (log, other) = (Arc::new(open(&server).await), open(&server).await);
    let reader = tokio::spawn(tail(Arc::clone(&log), 600));
    let mut written = Vec::new();
    for round in 0..300 {
        match rng.random_range(0..30) {
            0 => server.hang_up(),
            1 => server.set(Fault::Leader(rng.random_range(0..2))),
            2 => server.set(Fault::LostAnswers(1)),
            3 => server.set(Fault::LostAppends(1)),
            4 => server.set(Fault::WrongExpected(1)),
            5 => server.set(Fault::Mute),
            6 => server.set(Fault::Slow(Duration::from_millis(rng.random_range(0..3)))),
            _ => {}
        }
        let by = if rng.random_bool(0.5) { &*log } else { &other };
        let sent = append(&(round % 5).to_string(), Expected::Any, 2);
        written.extend(sent.events.iter().map(|it| it.event_id));
        let answer = send(by, sent.clone()).await;
        assert!(matches!(answer, Ok(_) | Err(AppendError::Duplicate { .. })), "{answer:?}");
        if rng.random_bool(0.1) {
            let by = if rng.random_bool(0.5) { &*log } else { &other };
            let again = send(by, sent).await;
            assert!(matches!(again, Err(AppendError::Duplicate { .. })), "{again:?}");
        }
    }
    server.set(Fault::Slow(Duration::ZERO));
    assert_eq!(ids(&log).await, written);
    let tailed = tokio::time::timeout(SOON, reader).await.expect("hints come");
    assert_eq!(tailed.expect("it ends well"), written);
}

/// Follows by hints alone.
async fn tail(log: Arc<KurrentLog>, count: usize) -> Vec<EventId> {
    let mut hints = log.head_hints();
    let (mut after, mut seen) = (Position::START, Vec::new());
    while seen.len() < count {
        let page = log.read_all(after, 50).await.expect("it can be read");
        match page.last() {
            Some(last) => after = last.position,
            None => {
                let _ = hints.wait_for(|head| *head > after).await.expect("the log is open");
            }
        }
        seen.extend(page.iter().map(|it| it.event_id));
    }
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_server_is_said() {
    let server = server().await;
    let refused = async |url: &str| match KurrentLog::open(url, WAITS).await {
        Err(error) => error,
        Ok(_) => panic!("{url} opens"),
    };
    for url in ["postgres://x", "kurrentdb://", "kurrentdb://h?streamPrefix=A-b", "esdb://h?tls=hm"]
    {
        assert!(matches!(refused(url).await, OpenError::Address(_)), "{url}");
    }
    server.set(Fault::Password("dlcs:right".to_owned()));
    let error = refused(&server.url_with("dlcs:wrong@")).await;
    assert!(matches!(&error, OpenError::AccessRefused { user, .. } if user == "dlcs"), "{error}");
    assert!(!error.to_string().contains("wrong@"), "{error}");
    KurrentLog::open(&server.url_with("dlcs:right@"), WAITS).await.expect("it is let in");
    server.set(Fault::Version("5.0.11".to_owned()));
    let error = refused(&server.url_with("dlcs:right@")).await;
    assert!(
        matches!(&error, OpenError::ServerTooOld { found, .. } if found == "5.0.11"),
        "{error}"
    );
    server.stop();
    let error = refused(&server.url()).await;
    assert!(matches!(error, OpenError::Unreachable { .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_later_is_said_too() {
    let server = server().await;
    let log = open(&server).await;
    let mut large = append("a", Expected::NoStream, 1);
    large.events[0].payload = vec![b'x'; 2 << 20].into();
    let answer = send(&log, large).await;
    assert!(
        matches!(&answer, Err(AppendError::Invalid(text)) if text.contains("Maximum")),
        "{answer:?}"
    );
    server.set(Fault::Password("changed:meanwhile".to_owned()));
    let answer = send(&log, append("a", Expected::NoStream, 1)).await;
    let Err(AppendError::Log(LogError::Unavailable(text))) = answer else { panic!("{answer:?}") };
    assert!(text.contains("password"), "{text}");
    server.stop();
    let head = log.head().await;
    assert!(matches!(head, Err(LogError::Unavailable(_))), "{head:?}");
}
