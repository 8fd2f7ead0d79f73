//! Processes that die, stop, or meet another one.

use crate::world::{LEASE, World};
use async_trait::async_trait;
use dlcs_commands::{Clock, Executor, Position};
use dlcs_domain::asset::{AssetEvent, IngestPhase};
use dlcs_eventlog::memory::MemoryLog;
use dlcs_eventlog::{
    Append, AppendError, Appended, EventLog, LogError, RecordedEvent, StreamId, StreamRevision,
};
use dlcs_ingest::{IngestPorts, IngestSettings};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::watch;

fn ids(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{}/1/{number}", 1 + number % 2)).collect()
}

async fn assert_delivered_once(world: &World, ids: &[&str]) {
    for id in ids {
        let is_delivered = |event: &&AssetEvent| matches!(event, AssetEvent::IngestDelivered(_));
        let history = world.history(id).await;
        assert_eq!(history.iter().filter(is_delivered).count(), 1, "{id}: {history:?}");
        assert_eq!(world.asset(id).await.ingest, IngestPhase::Delivered);
    }
}

/// The log may hold any number of events when the process dies.
#[tokio::test]
async fn after_a_crash_at_any_moment_everything_is_delivered_exactly_once() {
    for moment in 0..24 {
        let world = World::new();
        let ids = ids(8);
        for id in &ids {
            world.register(id, id).await;
        }
        let ids: Vec<_> = ids.iter().map(String::as_str).collect();
        let first = world.start("first");
        let reached = Position(8 + moment * 2 / 3);
        world.until(async |world| world.log.head().await.expect("memory") >= reached).await;
        drop(first);
        world.advance(LEASE);
        let _second = world.start("second");
        world.until_settled(&ids).await;
        assert_delivered_once(&world, &ids).await;
        world.until_read().await;
    }
}

#[tokio::test]
async fn work_that_hung_in_a_process_that_died_is_done_by_the_next() {
    let world = World::new();
    let first = world.start("first");
    world.register("1/1/a", "gate").await;
    world.until(async |world| world.worker.at_once.load(Ordering::SeqCst) == 1).await;
    drop(first);
    world.advance(LEASE);
    let _second = world.start("second");
    world.worker.gate.add_permits(1);
    world.until_settled(&["1/1/a"]).await;
    assert_delivered_once(&world, &["1/1/a"]).await;
    assert_eq!(world.asset("1/1/a").await.attempt, 2);
}

#[tokio::test]
async fn a_process_that_stops_hands_over_at_once() {
    let world = World::new();
    let first = world.start("first");
    world.register("1/1/a", "gate").await;
    world.until(async |world| world.worker.at_once.load(Ordering::SeqCst) == 1).await;
    first.stopped().await;
    assert_eq!(world.worker.at_once.load(Ordering::SeqCst), 0, "nothing runs on");
    let _second = world.start("second");
    world.worker.gate.add_permits(1);
    world.until_settled(&["1/1/a"]).await;
    assert_delivered_once(&world, &["1/1/a"]).await;
}

#[tokio::test]
async fn of_two_processes_one_works() {
    let world = World::new();
    let (one, two) = (world.start("one"), world.start("two"));
    let ids = ids(30);
    for id in &ids {
        world.register(id, id).await;
    }
    let ids: Vec<_> = ids.iter().map(String::as_str).collect();
    world.until_settled(&ids).await;
    assert_delivered_once(&world, &ids).await;
    assert_eq!(world.worker.calls.load(Ordering::SeqCst), 30);
    one.stopped().await;
    world.register("1/1/later", "later").await;
    world.until_settled(&["1/1/later"]).await;
    two.stopped().await;
}

#[tokio::test]
async fn a_panic_costs_a_try_and_not_the_process() {
    let world = World::new();
    let _process = world.start("one");
    world.register("1/1/panic", "panic").await;
    world.register("1/1/a", "good").await;
    world.until_settled(&["1/1/a"]).await;
    world
        .until(async |world| {
            world.advance(Duration::from_secs(10));
            !world.asset("1/1/panic").await.is_ingesting()
        })
        .await;
    assert!(matches!(world.asset("1/1/panic").await.ingest, IngestPhase::Failed(_)));
}

/// Events of a page that is read for what has priority, as `shift.rs` has it.
const PAGE_LENGTH: usize = 512;

/// Notes how far the log is read in its turn, and fails its first appends.
struct Watched {
    log: Arc<MemoryLog>,
    read_up_to: AtomicU64,
    appends_that_fail: AtomicUsize,
}

#[async_trait]
impl EventLog for Watched {
    async fn append(&self, batch: Vec<Append>) -> Vec<Result<Appended, AppendError>> {
        let fewer = |left: usize| left.checked_sub(1);
        let fails = self.appends_that_fail.fetch_update(Ordering::SeqCst, Ordering::SeqCst, fewer);
        if fails.is_ok() {
            let down = || LogError::Unavailable("as the test wants".to_owned());
            return batch.iter().map(|_| Err(down().into())).collect();
        }
        self.log.append(batch).await
    }

    async fn read_stream(
        &self,
        stream: &StreamId,
        from: StreamRevision,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, LogError> {
        self.log.read_stream(stream, from, limit).await
    }

    async fn read_all(
        &self,
        after: Position,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, LogError> {
        let events = self.log.read_all(after, limit).await?;
        // In whole pages it is looked for what has priority; nothing else of those is kept.
        if limit < PAGE_LENGTH {
            let last = events.last().map_or(after.0, |event| event.position.0);
            self.read_up_to.fetch_max(last, Ordering::SeqCst);
        }
        Ok(events)
    }

    async fn head(&self) -> Result<Position, LogError> {
        self.log.head().await
    }

    fn head_hints(&self) -> watch::Receiver<Position> {
        self.log.head_hints()
    }
}

fn watched(world: &World, appends_that_fail: usize) -> (Arc<Watched>, IngestPorts) {
    let (read_up_to, appends_that_fail) = (AtomicU64::new(0), appends_that_fail.into());
    let log = Arc::new(Watched { log: world.log.clone(), read_up_to, appends_that_fail });
    let clock: Arc<dyn Clock> = Arc::new(world.clock.clone());
    let executor = Executor::new(log.clone(), clock, "test");
    (log, IngestPorts { executor, ..world.ports() })
}

#[tokio::test]
async fn the_log_is_not_read_further_than_there_is_room_for() {
    let world = World::new();
    let ids = ids(200);
    for id in &ids {
        world.register(id, "gate").await;
    }
    let (log, ports) = watched(&world, 0);
    let settings = IngestSettings { at_once: 2, pending_max: 10, ..World::settings() };
    let _process = world.start_with("one", ports, settings);
    world.until(async |world| world.worker.at_once.load(Ordering::SeqCst) == 2).await;
    world.worker.gate.add_permits(5);
    world.until(async |world| world.worker.calls.load(Ordering::SeqCst) == 7).await;
    let read = log.read_up_to.load(Ordering::SeqCst);
    assert!((10..=15).contains(&read), "read up to {read}");
    world.worker.gate.add_permits(1000);
    let ids: Vec<_> = ids.iter().map(String::as_str).collect();
    world.until_settled(&ids).await;
    assert_delivered_once(&world, &ids).await;
}

#[tokio::test]
async fn a_log_that_is_down_for_a_while_loses_nothing() {
    let world = World::new();
    world.register("1/1/a", "a").await;
    let (log, ports) = watched(&world, 3);
    let _process = world.start_with("one", ports, World::settings());
    world.until_settled(&["1/1/a"]).await;
    assert_eq!(log.appends_that_fail.load(Ordering::SeqCst), 0);
    assert_delivered_once(&world, &["1/1/a"]).await;
}
