//! Several logs on one database, as several processes have them.

use super::*;
use crate::testing::is_long;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const PROCESSES: usize = 4;
const WRITERS: usize = 16;

/// R13: 100,000 events in the long form.
fn events() -> usize {
    if is_long() { 100_000 } else { 20_000 }
}

/// Nothing that became visible later may have a lower position.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_reader_of_any_process_ever_skips() {
    let (url, events, begun) = (new_database().await, events(), Instant::now());
    let mut logs = Vec::new();
    for _ in 0..PROCESSES {
        logs.push(Arc::new(open_at(&url).await));
    }
    let is_done = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> =
        logs.iter().map(|log| tokio::spawn(tail(Arc::clone(log), Arc::clone(&is_done)))).collect();
    let writers = (0..WRITERS).map(|writer| {
        let log = Arc::clone(&logs[writer % PROCESSES]);
        tokio::spawn(async move {
            for n in 0..events / WRITERS / 5 {
                let batch = (0..5).map(|part| {
                    let id = ((writer * events + n) * 5 + part) as u128;
                    // Shared by writers of all processes.
                    append(&(n % 7 * 5 + part).to_string(), Expected::Any, &[id])
                });
                for answer in log.append(batch.collect()).await {
                    answer.unwrap();
                }
            }
        })
    });
    for writer in futures::future::join_all(writers).await {
        writer.unwrap();
    }
    is_done.store(true, Ordering::SeqCst);
    let whole = read_everything(&logs[0]).await;
    assert_eq!(whole.len(), events);
    check_history(&whole);
    let spent = begun.elapsed();
    for reader in readers {
        let seen = reader.await.unwrap();
        assert!(seen.into_iter().eq(whole.iter().map(|it| it.position)), "a reader skipped");
    }
    eprintln!("{PROCESSES} logs, {WRITERS} writers: {events} events, 0 skipped, {spent:.1?}");
}

async fn tail(log: Arc<PostgresLog>, is_done: Arc<AtomicBool>) -> Vec<Position> {
    let mut hints = log.head_hints();
    let mut seen: Vec<Position> = Vec::new();
    loop {
        let was_done = is_done.load(Ordering::SeqCst);
        let after = seen.last().copied().unwrap_or(Position::START);
        let page = log.read_all(after, 500).await.unwrap();
        if page.is_empty() {
            if was_done {
                return seen;
            }
            let _ = tokio::time::timeout(Duration::from_millis(20), hints.changed()).await;
        }
        seen.extend(page.iter().map(|it| it.position));
    }
}

#[tokio::test]
async fn one_process_hears_of_what_another_appends() {
    let url = new_database().await;
    let (one, two) = (open_at(&url).await, open_at(&url).await);
    let mut hints = two.head_hints();
    for n in 0..3 {
        let appended = send(&one, append("a", Expected::Any, &[n])).await.unwrap();
        let reached = hints.wait_for(|head| *head >= appended.position);
        let reached = tokio::time::timeout(Duration::from_secs(10), reached).await;
        assert_eq!(*reached.expect("a hint comes").unwrap(), appended.position);
    }
}

#[tokio::test]
async fn what_another_process_wrote_is_seen_by_the_appender() {
    let url = new_database().await;
    let (one, two) = (open_at(&url).await, open_at(&url).await);
    for (n, log) in [&one, &two, &one, &two, &two, &one].into_iter().enumerate() {
        let expected = (n as u64).checked_sub(1).map(StreamRevision);
        let expected = expected.map_or(Expected::NoStream, Expected::Revision);
        let appended = send(log, append("a", expected, &[n as u128])).await.unwrap();
        assert_eq!(appended.position, Position(n as u64 + 1));
    }
}

#[tokio::test]
async fn several_may_open_a_new_database_at_once() {
    let url = new_database().await;
    let logs = futures::future::join_all((0..8).map(|_| open_at(&url))).await;
    for (log, id) in logs.iter().zip(0..) {
        send(log, append("a", Expected::Any, &[id])).await.unwrap();
    }
    check_history(&read_everything(&logs[0]).await);
}
