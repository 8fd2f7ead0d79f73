//! The log and the control store, as they behave when a network and other processes lie between.

use super::Flaw;
use super::chance::{Fault, Faults};
use async_trait::async_trait;
use dlcs_commands::idempotency::{
    IdempotencyError, IdempotencyKey, IdempotencyStore, MemoryAnswers, StoredAnswer,
};
use dlcs_eventlog::consumers::{ConsumerError, ConsumerName, ConsumerStore, LeaseOwner, Parked};
use dlcs_eventlog::memory::{MemoryConsumers, MemoryLog};
use dlcs_eventlog::{
    Append, AppendError, Appended, EventLog, LogError, Position, RecordedEvent, StreamId,
    StreamRevision,
};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{oneshot, watch};

/// Short enough that no flow of commands takes a minute, as the write side presumes.
const SLOW: Duration = Duration::from_secs(3);
const SLOW_READ: Duration = Duration::from_secs(2);

type Answers = Vec<Result<Appended, AppendError>>;

/// The log as processes reach it; what lies behind loses nothing.
#[derive(Clone)]
pub(super) struct SimLog {
    pub(super) inner: Arc<MemoryLog>,
    pub(super) faults: Faults,
    pub(super) flaw: Option<Flaw>,
    hints: Hints,
}

/// A channel for each follower, woken in their order: those of one channel wake in any order.
type Hints = Arc<Mutex<Vec<watch::Sender<Position>>>>;

impl SimLog {
    pub(super) fn new(inner: Arc<MemoryLog>, faults: Faults, flaw: Option<Flaw>) -> Self {
        Self { inner, faults, flaw, hints: Hints::default() }
    }

    async fn commit(self, batch: Vec<Append>, answer: oneshot::Sender<Answers>) {
        let faults = &self.faults;
        let count = batch.len();
        faults.delay(Fault::AppendSlow, SLOW).await;
        if faults.strikes(Fault::AppendRefused) {
            let _ = answer.send(refusals(count));
            return;
        }
        if faults.strikes(Fault::AppendFull) {
            let full = || Err(LogError::Full("as the simulation wants".into()).into());
            let _ = answer.send(std::iter::repeat_with(full).take(count).collect());
            return;
        }
        let answers = self.write(batch).await;
        self.hint().await;
        faults.delay(Fault::AppendSlow, SLOW).await;
        let is_lost = faults.strikes(Fault::AppendAnswerLost);
        let _ = answer.send(if is_lost { refusals(count) } else { answers });
    }

    async fn write(&self, batch: Vec<Append>) -> Answers {
        if self.flaw == Some(Flaw::AcknowledgesBeforeAppending) && self.faults.chance.one_in(10) {
            let head = self.inner.head().await.expect("memory");
            let appended = Appended { revision: StreamRevision(0), position: Position(head.0 + 1) };
            return batch.iter().map(|_| Ok(appended)).collect();
        }
        if !self.faults.strikes(Fault::AppendTorn) {
            return self.inner.append(batch).await;
        }
        let mut answers = Vec::new();
        for append in batch {
            if self.faults.chance.one_in(2) {
                answers.extend(refusals(1));
            } else {
                answers.extend(self.inner.append(vec![append]).await);
            }
        }
        answers
    }

    /// Hints may be lost, late, or come twice.
    async fn hint(&self) {
        let head = self.inner.head().await.expect("memory");
        if self.faults.strikes(Fault::HintsLost) {
            return;
        }
        if self.faults.strikes(Fault::HintsLate) {
            let (late, pause) = (self.hints.clone(), self.faults.chance.up_to(SLOW));
            tokio::spawn(async move {
                tokio::time::sleep(pause).await;
                send(&late, head);
            });
            return;
        }
        send(&self.hints, head);
        if self.faults.strikes(Fault::HintsDoubled) {
            send(&self.hints, head);
        }
    }

    async fn before_reading(&self) -> Result<(), LogError> {
        self.faults.delay(Fault::ReadSlow, SLOW_READ).await;
        if self.faults.strikes(Fault::ReadRefused) {
            return Err(unreachable());
        }
        // As over a wire: others get a turn.
        tokio::task::yield_now().await;
        Ok(())
    }
}

fn send(hints: &Hints, head: Position) {
    let mut hints = hints.lock().expect("nobody panics here");
    hints.retain(|it| !it.is_closed());
    hints.iter().for_each(|it| it.send_modify(|it| *it = head.max(*it)));
}

fn unreachable() -> LogError {
    LogError::Unavailable("as the simulation wants".into())
}

fn refusals(count: usize) -> Answers {
    std::iter::repeat_with(|| Err(unreachable().into())).take(count).collect()
}

#[async_trait]
impl EventLog for SimLog {
    async fn append(&self, batch: Vec<Append>) -> Answers {
        let count = batch.len();
        let (answer, answered) = oneshot::channel();
        // What is on its way is written, also when the caller dies meanwhile.
        tokio::spawn(self.clone().commit(batch, answer));
        answered.await.unwrap_or_else(|_| refusals(count))
    }

    async fn read_stream(
        &self,
        stream: &StreamId,
        from: StreamRevision,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, LogError> {
        self.before_reading().await?;
        self.inner.read_stream(stream, from, limit).await
    }

    async fn read_all(
        &self,
        after: Position,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, LogError> {
        self.before_reading().await?;
        let is_short = self.faults.strikes(Fault::ShortPages);
        let limit =
            if is_short { limit.min(1 + self.faults.chance.below(4) as usize) } else { limit };
        let mut events = self.inner.read_all(after, limit).await?;
        if self.flaw == Some(Flaw::SkipsEvents) && events.len() > 1 && self.faults.chance.one_in(20)
        {
            events.remove(0);
        }
        Ok(events)
    }

    async fn head(&self) -> Result<Position, LogError> {
        self.before_reading().await?;
        self.inner.head().await
    }

    fn head_hints(&self) -> watch::Receiver<Position> {
        let (hint, hints) = watch::channel(Position::START);
        self.hints.lock().expect("nobody panics here").push(hint);
        hints
    }
}

/// Checkpoints, leases and kept answers, behind the same kind of wire.
pub(super) struct SimControl {
    pub(super) consumers: MemoryConsumers,
    answers: MemoryAnswers,
    faults: Faults,
    flaw: Option<Flaw>,
}

impl SimControl {
    pub(super) fn new(faults: Faults, flaw: Option<Flaw>) -> Self {
        let (consumers, answers) = (MemoryConsumers::new(), MemoryAnswers::default());
        Self { consumers, answers, faults, flaw }
    }

    /// Lets a call fail before or after its effect.
    async fn call<T>(
        &self,
        (before, after): (Fault, Fault),
        effect: impl Future<Output = Result<T, ConsumerError>>,
    ) -> Result<T, ConsumerError> {
        let failed = || Err(ConsumerError::Store("as the simulation wants".into()));
        tokio::task::yield_now().await;
        if self.faults.strikes(before) {
            return failed();
        }
        let done = effect.await;
        if self.faults.strikes(after) { failed() } else { done }
    }
}

const CHECKPOINT: (Fault, Fault) = (Fault::CheckpointRefused, Fault::CheckpointAnswerLost);
const LEASE: (Fault, Fault) = (Fault::LeaseRefused, Fault::LeaseAnswerLost);

#[async_trait]
impl ConsumerStore for SimControl {
    async fn checkpoint(&self, consumer: &ConsumerName) -> Result<Position, ConsumerError> {
        self.call(CHECKPOINT, self.consumers.checkpoint(consumer)).await
    }

    async fn advance(
        &self,
        consumer: &ConsumerName,
        from: Position,
        to: Position,
    ) -> Result<(), ConsumerError> {
        self.call(CHECKPOINT, self.consumers.advance(consumer, from, to)).await
    }

    async fn forget(&self, consumer: &ConsumerName) -> Result<(), ConsumerError> {
        self.call(CHECKPOINT, self.consumers.forget(consumer)).await
    }

    async fn acquire(
        &self,
        consumer: &ConsumerName,
        owner: &LeaseOwner,
        now_us: i64,
        duration: Duration,
    ) -> Result<bool, ConsumerError> {
        let is_for_ever = self.flaw == Some(Flaw::LeasesNeverEnd);
        let duration = if is_for_ever { Duration::from_secs(1 << 40) } else { duration };
        self.call(LEASE, self.consumers.acquire(consumer, owner, now_us, duration)).await
    }

    async fn release(
        &self,
        consumer: &ConsumerName,
        owner: &LeaseOwner,
    ) -> Result<(), ConsumerError> {
        self.call(LEASE, self.consumers.release(consumer, owner)).await
    }

    async fn release_all(&self, owner_prefix: &str) -> Result<(), ConsumerError> {
        self.call(LEASE, self.consumers.release_all(owner_prefix)).await
    }

    async fn park(&self, parked: Parked) -> Result<(), ConsumerError> {
        self.call(CHECKPOINT, self.consumers.park(parked)).await
    }

    async fn parked(&self, consumer: &ConsumerName) -> Result<Vec<Parked>, ConsumerError> {
        self.consumers.parked(consumer).await
    }

    async fn unpark(
        &self,
        consumer: &ConsumerName,
        stream: &StreamId,
    ) -> Result<(), ConsumerError> {
        self.call(CHECKPOINT, self.consumers.unpark(consumer, stream)).await
    }

    async fn consumers(
        &self,
    ) -> Result<Vec<(ConsumerName, Position, Option<LeaseOwner>)>, ConsumerError> {
        self.consumers.consumers().await
    }
}

#[async_trait]
impl IdempotencyStore for SimControl {
    async fn get(&self, key: &IdempotencyKey) -> Result<Option<StoredAnswer>, IdempotencyError> {
        tokio::task::yield_now().await;
        let is_forgotten = self.faults.strikes(Fault::AnswersForgotten);
        if is_forgotten { Ok(None) } else { self.answers.get(key).await }
    }

    async fn put(&self, answer: StoredAnswer) -> Result<(), IdempotencyError> {
        tokio::task::yield_now().await;
        if self.faults.strikes(Fault::AnswersUnkept) {
            return Err(IdempotencyError::Store("as the simulation wants".into()));
        }
        self.answers.put(answer).await
    }

    async fn purge(&self, before_us: i64) -> Result<u64, IdempotencyError> {
        self.answers.purge(before_us).await
    }
}
