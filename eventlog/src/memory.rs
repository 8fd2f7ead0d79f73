//! The in-memory references: what an adapter must do, without a disk.

mod consumers;

pub use consumers::MemoryConsumers;

use crate::event::{EventId, NewEvent, Position, RecordedEvent, StreamId, StreamRevision};
use crate::log::{Append, AppendError, Appended, Clock, EventLog, Expected, LogError};
use async_trait::async_trait;
use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// An event log that lives as long as the process.
///
/// ```
/// use dlcs_eventlog::{Append, EventId, EventLog, Expected, NewEvent, Position, StreamId};
/// use std::sync::Arc;
///
/// # futures::executor::block_on(async {
/// let log = dlcs_eventlog::memory::MemoryLog::new(Arc::new(|| 1_000_000));
/// let event = NewEvent {
///     event_id: EventId(uuid::Uuid::from_u128(1)),
///     type_name: "space.created".into(),
///     schema_version: 1,
///     payload: "{}".into(),
///     metadata: "{}".into(),
/// };
/// let stream = StreamId::new("space", "1/2");
/// let append = Append { stream, expected: Expected::NoStream, events: vec![event] };
/// log.append(vec![append]).await.remove(0).expect("the stream is new");
/// assert_eq!(log.read_all(Position::START, 10).await.expect("memory").len(), 1);
/// # });
/// ```
pub struct MemoryLog {
    history: Mutex<History>,
    clock: Clock,
    head: watch::Sender<Position>,
}

#[derive(Default)]
struct History {
    /// The event at position n is at index n - 1.
    events: Vec<RecordedEvent>,
    /// Index of each event of a stream, by revision.
    streams: HashMap<StreamId, Vec<usize>>,
    /// For each event: its stream, and where the append that brought it ended.
    by_id: HashMap<EventId, (StreamId, Appended)>,
}

impl MemoryLog {
    pub fn new(clock: Clock) -> Self {
        let (head, _) = watch::channel(Position::START);
        Self { history: Mutex::default(), clock, head }
    }

    fn history(&self) -> MutexGuard<'_, History> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl EventLog for MemoryLog {
    async fn append(&self, batch: Vec<Append>) -> Vec<Result<Appended, AppendError>> {
        let mut history = self.history();
        let answers = batch.into_iter().map(|it| history.append(it, (self.clock)())).collect();
        self.head.send_replace(history.head());
        answers
    }

    async fn read_stream(
        &self,
        stream: &StreamId,
        from: StreamRevision,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, LogError> {
        let history = self.history();
        let indexes = history.streams.get(stream).map_or(&[][..], Vec::as_slice);
        let indexes = indexes.iter().skip(index(from.0)).take(limit);
        Ok(indexes.map(|&index| history.events[index].clone()).collect())
    }

    async fn read_all(
        &self,
        after: Position,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, LogError> {
        let history = self.history();
        Ok(history.events.iter().skip(index(after.0)).take(limit).cloned().collect())
    }

    async fn head(&self) -> Result<Position, LogError> {
        Ok(self.history().head())
    }

    fn head_hints(&self) -> watch::Receiver<Position> {
        self.head.subscribe()
    }
}

impl History {
    fn head(&self) -> Position {
        Position(self.events.len() as u64)
    }

    fn append(&mut self, append: Append, now_us: i64) -> Result<Appended, AppendError> {
        self.refuse_known_events(&append)?;
        let length = self.streams.get(&append.stream).map_or(0, Vec::len) as u64;
        let actual = length.checked_sub(1).map(StreamRevision);
        let is_expected = match append.expected {
            Expected::Any => true,
            Expected::NoStream => actual.is_none(),
            Expected::Revision(revision) => actual == Some(revision),
        };
        if !is_expected {
            return Err(AppendError::Conflict { actual });
        }
        let count = append.events.len() as u64;
        let appended = Appended {
            revision: StreamRevision(length + count - 1),
            position: Position(self.head().0 + count),
        };
        let recorded_at_us = self.events.last().map_or(now_us, |it| it.recorded_at_us.max(now_us));
        for event in append.events {
            self.by_id.insert(event.event_id, (append.stream.clone(), appended));
            self.push(&append.stream, event, recorded_at_us);
        }
        Ok(appended)
    }

    fn refuse_known_events(&self, append: &Append) -> Result<(), AppendError> {
        let invalid = |text: String| Err(AppendError::Invalid(text));
        let Some(first) = append.events.first() else {
            return invalid(format!("an append to {} has no event", append.stream));
        };
        match self.by_id.get(&first.event_id) {
            Some((stream, appended)) if *stream == append.stream => {
                return Err(AppendError::Duplicate { appended: *appended });
            }
            Some((stream, _)) => {
                return invalid(format!("event id {} is in use in {stream}", first.event_id.0));
            }
            None => {}
        }
        let mut seen = HashSet::from([first.event_id]);
        for NewEvent { event_id, .. } in &append.events[1..] {
            if !seen.insert(*event_id) || self.by_id.contains_key(event_id) {
                return invalid(format!("event id {} is in use already", event_id.0));
            }
        }
        Ok(())
    }

    fn push(&mut self, stream: &StreamId, event: NewEvent, recorded_at_us: i64) {
        let indexes = self.streams.entry(stream.clone()).or_default();
        let revision = StreamRevision(indexes.len() as u64);
        indexes.push(self.events.len());
        self.events.push(RecordedEvent {
            event_id: event.event_id,
            stream: stream.clone(),
            revision,
            position: Position(self.events.len() as u64 + 1),
            type_name: event.type_name,
            schema_version: event.schema_version,
            recorded_at_us,
            payload: event.payload,
            metadata: event.metadata,
        });
    }
}

/// Positions and revisions beyond the address space are beyond the history as well.
fn index(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
