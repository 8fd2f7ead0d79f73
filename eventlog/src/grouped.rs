//! Reads of streams that wait at one moment, answered with one query: what group commit is to
//! appends.
//!
//! - No delay is added: while one group is being read, the next one gathers.
//! - A group takes no further read once the store is asked, so a read sees all that was committed
//!   before it was asked for.

use crate::event::RecordedEvent;
use crate::log::{LogError, StreamRead};
use async_trait::async_trait;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

/// Groups that are read at the same time.
const GROUPS_MAX: usize = 2;
/// Reads of one group.
const READS_MAX: usize = 512;

/// A store that reads many streams at once.
#[async_trait]
pub trait ReadStreams: Send + Sync + 'static {
    /// Answers each read as [`EventLog::read_stream`](crate::EventLog::read_stream) does, in their
    /// order.
    async fn read_streams(
        &self,
        reads: Arc<[StreamRead]>,
    ) -> Result<Vec<Vec<RecordedEvent>>, LogError>;
}

/// Gathers reads of streams from many callers.
pub struct GroupedReads<R>(Arc<Inner<R>>);

struct Inner<R> {
    store: R,
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Waiting>,
    groups: usize,
}

/// What one read is answered with.
pub type Answer = Result<Vec<RecordedEvent>, LogError>;

struct Waiting {
    read: StreamRead,
    answer: oneshot::Sender<Answer>,
}

/// One of the groups that are read at the same time.
struct Turn<R> {
    inner: Arc<Inner<R>>,
    is_over: bool,
}

impl<R: ReadStreams> GroupedReads<R> {
    pub fn new(store: R) -> Self {
        Self(Arc::new(Inner { store, queue: Mutex::default() }))
    }

    /// Returns the store that is read.
    pub fn store(&self) -> &R {
        &self.0.store
    }

    /// Reads one stream, together with whatever else waits. Needs a Tokio runtime.
    pub async fn read(&self, read: StreamRead) -> Result<Vec<RecordedEvent>, LogError> {
        let (answer, answered) = oneshot::channel();
        if let Some(turn) = self.0.enter(Waiting { read, answer }) {
            tokio::spawn(turn.work());
        }
        let ended = || Err(LogError::Unavailable("reading has ended".to_owned()));
        answered.await.unwrap_or_else(|_| ended())
    }

    /// Reads many streams for one caller, in groups, one after the other.
    pub async fn read_many(&self, reads: Vec<StreamRead>) -> Vec<Answer> {
        let mut answers = Vec::with_capacity(reads.len());
        for group in reads.chunks(READS_MAX) {
            answers.extend(self.0.read(group.into()).await);
        }
        answers
    }
}

impl<R> Inner<R> {
    /// Queues up, and returns a turn if there is one left.
    fn enter(self: &Arc<Self>, waiting: Waiting) -> Option<Turn<R>> {
        let mut queue = self.queue();
        queue.waiting.push_back(waiting);
        if queue.groups == GROUPS_MAX {
            return None;
        }
        queue.groups += 1;
        Some(Turn { inner: Arc::clone(self), is_over: false })
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<R: ReadStreams> Turn<R> {
    async fn work(mut self) {
        while let Some(group) = self.next() {
            self.inner.answer(group).await;
        }
    }

    /// Takes what waits; `None`: nothing does, and the turn is over.
    fn next(&mut self) -> Option<Vec<Waiting>> {
        let mut queue = self.inner.queue();
        if queue.waiting.is_empty() {
            // Under the same lock, or whoever comes next would wait for nobody.
            queue.groups -= 1;
            self.is_over = true;
            return None;
        }
        let count = queue.waiting.len().min(READS_MAX);
        Some(queue.waiting.drain(..count).collect())
    }
}

impl<R> Drop for Turn<R> {
    /// A turn that is not over ends with its runtime or by a panic: nobody may wait for ever.
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        let mut queue = self.inner.queue();
        queue.groups -= 1;
        if queue.groups == 0 {
            queue.waiting.clear();
        }
    }
}

impl<R: ReadStreams> Inner<R> {
    async fn answer(&self, group: Vec<Waiting>) {
        let mut places: HashMap<StreamRead, usize> = HashMap::with_capacity(group.len());
        let mut reads = Vec::with_capacity(group.len());
        let mut waiting = Vec::with_capacity(group.len());
        for Waiting { read, answer } in group {
            let place = *places.entry(read).or_insert_with_key(|read| {
                reads.push(read.clone());
                reads.len() - 1
            });
            waiting.push((place, answer));
        }
        let answers = self.read(reads.into()).await;
        for (place, answer) in waiting {
            // A caller that went away does not want to know.
            let _ = answer.send(answers[place].clone());
        }
    }

    /// One damaged stream takes nobody along.
    async fn read(&self, reads: Arc<[StreamRead]>) -> Vec<Answer> {
        match self.store.read_streams(Arc::clone(&reads)).await {
            Ok(streams) => {
                debug_assert_eq!(streams.len(), reads.len(), "the store answers every read");
                streams.into_iter().map(Ok).collect()
            }
            Err(LogError::Damaged(_)) if reads.len() > 1 => {
                let mut answers = Vec::with_capacity(reads.len());
                for read in reads.iter() {
                    let alone = self.store.read_streams(Arc::new([read.clone()])).await;
                    answers.push(alone.map(|mut it| it.pop().unwrap_or_default()));
                }
                answers
            }
            Err(error) => reads.iter().map(|_| Err(error.clone())).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{EventId, Position, StreamId, StreamRevision};
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::sync::Semaphore;

    /// Holds one event for each stream, and answers when it is allowed to.
    struct Slow {
        allowed: Semaphore,
        asked: Mutex<Vec<usize>>,
        /// Reading this one finds damage.
        damaged: Option<StreamId>,
        answered: AtomicUsize,
    }

    impl Slow {
        fn new(damaged: Option<StreamId>) -> GroupedReads<Self> {
            GroupedReads::new(Self {
                allowed: Semaphore::new(0),
                asked: Mutex::default(),
                damaged,
                answered: AtomicUsize::new(0),
            })
        }
    }

    #[async_trait]
    impl ReadStreams for Slow {
        async fn read_streams(
            &self,
            reads: Arc<[StreamRead]>,
        ) -> Result<Vec<Vec<RecordedEvent>>, LogError> {
            self.asked.lock().unwrap().push(reads.len());
            self.allowed.acquire().await.expect("is never closed").forget();
            self.answered.fetch_add(1, Ordering::SeqCst);
            if reads.iter().any(|it| Some(&it.stream) == self.damaged.as_ref()) {
                return Err(LogError::Damaged("by hand".to_owned()));
            }
            assert!(reads.iter().all(|it| it.stream.id() != "panic"), "by hand");
            Ok(reads.iter().map(|it| vec![event(&it.stream)]).collect())
        }
    }

    fn event(stream: &StreamId) -> RecordedEvent {
        RecordedEvent {
            event_id: EventId(uuid::Uuid::nil()),
            stream: stream.clone(),
            revision: StreamRevision(0),
            position: Position(1),
            type_name: "test.happened".into(),
            schema_version: 1,
            recorded_at_us: 0,
            payload: "{}".into(),
            metadata: "{}".into(),
        }
    }

    fn read(name: &str) -> StreamRead {
        StreamRead { stream: StreamId::new("test", name), from: StreamRevision(0), limit: 1 }
    }

    /// Starts reads one after the other, as far as they get.
    async fn started(
        grouped: &Arc<GroupedReads<Slow>>,
        names: &[&str],
    ) -> Vec<tokio::task::JoinHandle<Answer>> {
        let mut tasks = Vec::new();
        for name in names {
            let (grouped, read) = (Arc::clone(grouped), read(name));
            tasks.push(tokio::spawn(async move { grouped.read(read).await }));
            for _ in 0..4 {
                tokio::task::yield_now().await;
            }
        }
        tasks
    }

    #[tokio::test]
    async fn what_waits_is_read_together_and_the_same_stream_once() {
        let grouped = Arc::new(Slow::new(None));
        let tasks = started(&grouped, &["a", "b", "c", "d", "c"]).await;
        grouped.store().allowed.add_permits(3);
        for (task, name) in tasks.into_iter().zip(["a", "b", "c", "d", "c"]) {
            let events = task.await.unwrap().unwrap();
            assert_eq!(events, [event(&StreamId::new("test", name))]);
        }
        assert_eq!(*grouped.store().asked.lock().unwrap(), [1, 1, 2]);
    }

    #[tokio::test]
    async fn a_damaged_stream_takes_nobody_along() {
        let grouped = Arc::new(Slow::new(Some(StreamId::new("test", "damaged"))));
        let tasks = started(&grouped, &["a", "b", "damaged", "d"]).await;
        grouped.store().allowed.add_permits(5);
        let mut answers = Vec::new();
        for task in tasks {
            answers.push(task.await.unwrap());
        }
        assert!(
            matches!(&answers[..], [Ok(_), Ok(_), Err(LogError::Damaged(_)), Ok(_)]),
            "{answers:?}"
        );
    }

    #[tokio::test]
    async fn a_caller_that_goes_away_and_a_panic_leave_nobody_waiting() {
        let grouped = Arc::new(Slow::new(None));
        let tasks = started(&grouped, &["panic", "panic", "late", "gone"]).await;
        tasks[3].abort();
        grouped.store().allowed.add_permits(2);
        for task in tasks.into_iter().take(3) {
            assert!(matches!(task.await.unwrap(), Err(LogError::Unavailable(_))));
        }
        grouped.store().allowed.add_permits(1);
        assert_eq!(grouped.read(read("next")).await.unwrap().len(), 1);
    }
}
