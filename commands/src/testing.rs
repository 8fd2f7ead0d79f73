//! What the tests of this crate share: a write side over memory, and a log that is raced.

use crate::clock::{Clock, ManualClock};
use crate::context::CommandContext;
use crate::lookups::{LookupError, Lookups};
use crate::services::Commands;
use async_trait::async_trait;
use dlcs_domain::{ActorId, CollectionId, ContainerId, CustomerId, DomainEvent, SpaceId, wire};
use dlcs_eventlog::memory::MemoryLog;
use dlcs_eventlog::{
    Append, AppendError, Appended, EventId, EventLog, Expected, LogError, NewEvent, Position,
    RecordedEvent, StreamId, StreamRevision,
};
use dlcs_objects::memory::MemoryObjects;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::sync::watch;
use uuid::Uuid;

pub(crate) const NOW_US: i64 = 1_700_000_000_000_000;

pub(crate) fn context() -> CommandContext {
    let customer = Some(CustomerId(1));
    CommandContext::new(ActorId("key-1".to_owned()), customer, Uuid::from_u128(7))
}

/// A command that may be repeated.
pub(crate) fn repeatable(number: u128) -> CommandContext {
    CommandContext { command_id: Some(Uuid::from_u128(number)), ..context() }
}

/// What another process appends.
pub(crate) fn rival(
    stream: &str,
    event_id: EventId,
    expected: Expected,
    event: impl Into<DomainEvent>,
) -> Append {
    let encoded = wire::encode(&event.into());
    let event = NewEvent {
        event_id,
        type_name: encoded.type_name.into(),
        schema_version: encoded.schema_version,
        payload: encoded.payload.into(),
        metadata: "{}".into(),
    };
    Append { stream: StreamId::from_stored(stream), expected, events: vec![event] }
}

/// One process: its own queues over a shared log, clock and blob store.
pub(crate) struct World {
    pub(crate) log: Arc<RacedLog>,
    pub(crate) clock: ManualClock,
    pub(crate) objects: Arc<MemoryObjects>,
    pub(crate) commands: Commands,
}

impl World {
    pub(crate) fn new() -> Self {
        let clock = ManualClock::at(NOW_US);
        let log = Arc::new(RacedLog::new(&clock));
        Self::over(log, clock, Arc::new(MemoryObjects::new(std::env::temp_dir())))
    }

    /// A world in which customer 1 exists.
    pub(crate) async fn with_customer() -> Self {
        let world = Self::new();
        world.commands.customers.ensure_default(&context()).await.expect("customer 1 is made");
        world
    }

    /// Another process over the same stores.
    pub(crate) fn another_process(&self) -> Self {
        Self::over(self.log.clone(), self.clock.clone(), self.objects.clone())
    }

    fn over(log: Arc<RacedLog>, clock: ManualClock, objects: Arc<MemoryObjects>) -> Self {
        let lookups = Arc::new(FoldedLookups { log: log.clone() });
        let shared = Arc::new(clock.clone());
        let commands = Commands::new(log.clone(), objects.clone(), lookups, shared, "0.0.1");
        Self { log, clock, objects, commands }
    }

    /// Types of all events, in order.
    pub(crate) async fn types(&self) -> Vec<String> {
        self.events().await.into_iter().map(|it| it.type_name.into_owned()).collect()
    }

    pub(crate) async fn events(&self) -> Vec<RecordedEvent> {
        self.log.read_all(Position::START, usize::MAX).await.expect("memory can be read")
    }
}

/// A log that lets rivals append just before the next appends.
pub(crate) struct RacedLog {
    inner: MemoryLog,
    rivals: Mutex<VecDeque<Vec<Append>>>,
    appends: AtomicUsize,
    refused: Mutex<Vec<StreamId>>,
    unanswered: Mutex<Vec<StreamId>>,
}

impl RacedLog {
    fn new(clock: &ManualClock) -> Self {
        let clock = clock.clone();
        let inner = MemoryLog::new(Arc::new(move || clock.now_us()));
        Self {
            inner,
            rivals: Mutex::default(),
            appends: AtomicUsize::new(0),
            refused: Mutex::default(),
            unanswered: Mutex::default(),
        }
    }

    /// The append after those that have a rival already is preceded by these.
    pub(crate) fn race(&self, rivals: Vec<Append>) {
        self.rivals.lock().expect("no panic while locked").push_back(rivals);
    }

    /// The next append to this stream is refused, as if the store could not be reached.
    pub(crate) fn refuse_once(&self, stream: &str) {
        let stream = StreamId::from_stored(stream);
        self.refused.lock().expect("no panic while locked").push(stream);
    }

    /// The next append to this stream is recorded, and nobody is told.
    pub(crate) fn lose_answer_once(&self, stream: &str) {
        let stream = StreamId::from_stored(stream);
        self.unanswered.lock().expect("no panic while locked").push(stream);
    }

    fn is_among(streams: &Mutex<Vec<StreamId>>, stream: &StreamId) -> bool {
        let mut streams = streams.lock().expect("no panic while locked");
        let place = streams.iter().position(|it| it == stream);
        place.map(|it| streams.remove(it)).is_some()
    }

    /// How often somebody has asked to append.
    pub(crate) fn append_calls(&self) -> usize {
        self.appends.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl EventLog for RacedLog {
    async fn append(&self, batch: Vec<Append>) -> Vec<Result<Appended, AppendError>> {
        self.appends.fetch_add(1, Ordering::Relaxed);
        let rivals = self.rivals.lock().expect("no panic while locked").pop_front();
        for result in self.inner.append(rivals.unwrap_or_default()).await {
            result.expect("a rival knows what it does");
        }
        let mut answers = Vec::with_capacity(batch.len());
        for append in batch {
            let down = || Err(LogError::Unavailable("as the test wants".to_owned()).into());
            if Self::is_among(&self.refused, &append.stream) {
                answers.push(down());
                continue;
            }
            let is_unanswered = Self::is_among(&self.unanswered, &append.stream);
            let appended = self.inner.append(vec![append]).await;
            if is_unanswered {
                answers.push(down());
            } else {
                answers.extend(appended);
            }
        }
        answers
    }

    async fn read_stream(
        &self,
        stream: &StreamId,
        from: StreamRevision,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, LogError> {
        // As over a disk: others get a turn.
        tokio::task::yield_now().await;
        self.inner.read_stream(stream, from, limit).await
    }

    async fn read_all(
        &self,
        after: Position,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, LogError> {
        self.inner.read_all(after, limit).await
    }

    async fn head(&self) -> Result<Position, LogError> {
        self.inner.head().await
    }

    fn head_hints(&self) -> watch::Receiver<Position> {
        self.inner.head_hints()
    }
}

/// Answers by counting what has been created and not deleted.
struct FoldedLookups {
    log: Arc<RacedLog>,
}

impl FoldedLookups {
    async fn is_empty(&self, prefix: &str, born: &str, died: &str) -> Result<bool, LookupError> {
        let events = self.log.read_all(Position::START, usize::MAX).await;
        let events = events.map_err(|error| LookupError::Store(error.to_string()))?;
        let count = |type_name: &str| {
            let of_type = events.iter().filter(|it| it.type_name == type_name);
            of_type.filter(|it| it.stream.id().starts_with(prefix)).count()
        };
        Ok(count(born) == count(died))
    }
}

#[async_trait]
impl Lookups for FoldedLookups {
    async fn space_is_empty(&self, space: SpaceId, _: Position) -> Result<bool, LookupError> {
        self.is_empty(&format!("{space}/"), "asset.registered", "asset.deleted").await
    }

    async fn customer_is_empty(
        &self,
        customer: CustomerId,
        _: Position,
    ) -> Result<bool, LookupError> {
        self.is_empty(&format!("{customer}/"), "space.created", "space.deleted").await
    }

    async fn container_is_empty(
        &self,
        container: &ContainerId,
        _: Position,
    ) -> Result<bool, LookupError> {
        let prefix = format!("{container}/");
        self.is_empty(&prefix, "annotation.created", "annotation.deleted").await
    }

    async fn collection_is_empty(
        &self,
        collection: &CollectionId,
        _: Position,
    ) -> Result<bool, LookupError> {
        let events = self.log.read_all(Position::START, usize::MAX).await;
        let events = events.map_err(|error| LookupError::Store(error.to_string()))?;
        let mut parents = std::collections::HashMap::new();
        for event in events {
            let payload: serde_json::Value =
                serde_json::from_slice(&event.payload).expect("events are JSON");
            let parent = payload["parent"].as_str().map(str::to_owned);
            match &*event.type_name {
                "manifest.created" | "manifest.moved" | "collection.created"
                | "collection.moved" => drop(parents.insert(event.stream, parent)),
                "manifest.deleted" | "collection.deleted" => drop(parents.remove(&event.stream)),
                _ => {}
            }
        }
        Ok(!parents.values().flatten().any(|it| *it == collection.id))
    }
}
