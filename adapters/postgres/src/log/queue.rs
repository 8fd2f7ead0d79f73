//! What waits for the appender, and how much of it goes into one transaction.
//!
//! While one commit is on its way to the disk the next batch gathers. Whoever was just answered
//! often comes straight back: a moment is spent on that, as long as it has paid of late. Without
//! it, many writers in turn fall into two halves, and each half waits for the disk alone.

use super::LogError;
use dlcs_eventlog::{Append, AppendError, Appended};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

/// Callers beyond this number wait for a place in the queue.
pub(super) const REQUESTS_MAX: usize = 4_096;
/// A transaction takes no further request once it has this many events or bytes.
const EVENTS_PER_TRANSACTION: usize = 10_000;
const BYTES_PER_TRANSACTION: usize = 32 << 20;
/// How long those who come back are waited for, which is small beside a commit.
const WAIT_MAX: Duration = Duration::from_millis(1);
/// How many batches go without waiting after it has not paid.
const BATCHES_WITHOUT_WAIT: u32 = 16;

pub(super) type Answers = Vec<Result<Appended, AppendError>>;

pub(super) struct Request {
    pub appends: Vec<Append>,
    pub answer: oneshot::Sender<Answers>,
}

/// Answers a whole batch with the same refusal.
pub(super) fn refuse(count: usize, reason: &str) -> Answers {
    let refusal = || Err(LogError::Unavailable(reason.to_owned()).into());
    std::iter::repeat_with(refusal).take(count).collect()
}

pub(super) struct Queue {
    waiting: mpsc::Receiver<Request>,
    /// How many there were altogether when the last batch was answered.
    expected: usize,
    batches_without_wait: u32,
}

/// Requests that are committed together.
#[derive(Default)]
struct Batch {
    requests: Vec<Request>,
    events: usize,
    bytes: usize,
}

impl Queue {
    pub(super) fn new(waiting: mpsc::Receiver<Request>) -> Self {
        Self { waiting, expected: 0, batches_without_wait: 0 }
    }

    /// Returns what is to be committed together, at least one; `None` at the end.
    pub(super) async fn next(&mut self) -> Option<Vec<Request>> {
        let mut batch = Batch::default();
        batch.push(self.waiting.recv().await?);
        self.drain(&mut batch);
        if self.batches_without_wait > 0 {
            self.batches_without_wait -= 1;
        } else {
            self.wait_for_returning(&mut batch).await;
        }
        Some(batch.requests)
    }

    /// Counts who may come back: those of a batch that is about to be answered, and those who
    /// wait meanwhile.
    pub(super) fn count(&mut self, answered: usize) {
        self.expected = answered + self.waiting.len();
    }

    /// Waits until as many are here as there were at work, or for a short time.
    async fn wait_for_returning(&mut self, batch: &mut Batch) {
        let here = batch.requests.len();
        let end = Instant::now() + WAIT_MAX;
        while batch.requests.len() < self.expected && !batch.is_full() {
            match tokio::time::timeout_at(end, self.waiting.recv()).await {
                Ok(Some(request)) => batch.push(request),
                Ok(None) | Err(_) => break,
            }
            self.drain(batch);
        }
        let (came, missed) = (batch.requests.len() - here, self.expected.saturating_sub(here));
        if came * 2 < missed {
            self.batches_without_wait = BATCHES_WITHOUT_WAIT;
        }
    }

    fn drain(&mut self, batch: &mut Batch) {
        while !batch.is_full()
            && let Ok(request) = self.waiting.try_recv()
        {
            batch.push(request);
        }
    }
}

impl Batch {
    fn push(&mut self, request: Request) {
        for event in request.appends.iter().flat_map(|append| &append.events) {
            self.events += 1;
            self.bytes += event.payload.len() + event.metadata.len();
        }
        self.requests.push(request);
    }

    fn is_full(&self) -> bool {
        self.events >= EVENTS_PER_TRANSACTION || self.bytes >= BYTES_PER_TRANSACTION
    }
}
