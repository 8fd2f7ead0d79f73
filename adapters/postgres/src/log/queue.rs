//! What waits for the appender, and how much of it goes into one transaction.
//!
//! No delay is added: while one commit is on its way to the disk the next batch gathers, and who
//! comes while the lock is being waited for comes along.

use super::LogError;
use dlcs_eventlog::{Append, AppendError, Appended};
use tokio::sync::{mpsc, oneshot};

/// Callers beyond this number wait for a place in the queue.
pub(super) const REQUESTS_MAX: usize = 4_096;
/// A transaction takes no further request once it has this many events or bytes.
const EVENTS_PER_TRANSACTION: usize = 10_000;
const BYTES_PER_TRANSACTION: usize = 32 << 20;

pub(super) type Answers = Vec<Result<Appended, AppendError>>;

pub(super) struct Request {
    pub appends: Vec<Append>,
    pub answer: oneshot::Sender<Answered>,
}

/// The answers to a request.
pub(super) struct Answered {
    pub answers: Answers,
    /// Freed by whoever asked: many are a matter of milliseconds, in which the next transaction
    /// would wait.
    pub _appends: Vec<Append>,
}

/// Answers a whole batch with the same refusal.
pub(super) fn refuse(count: usize, reason: &str) -> Answers {
    let refusal = || Err(LogError::Unavailable(reason.to_owned()).into());
    std::iter::repeat_with(refusal).take(count).collect()
}

pub(super) struct Queue {
    waiting: mpsc::Receiver<Request>,
}

/// Requests that are committed together.
#[derive(Default)]
pub(super) struct Batch {
    pub requests: Vec<Request>,
    events: usize,
    bytes: usize,
}

impl Queue {
    pub(super) fn new(waiting: mpsc::Receiver<Request>) -> Self {
        Self { waiting }
    }

    /// Waits for what is to be committed together, at least one; `None` at the end.
    pub(super) async fn next(&mut self) -> Option<Batch> {
        let mut batch = Batch::default();
        batch.push(self.waiting.recv().await?);
        self.drain(&mut batch);
        Some(batch)
    }

    /// Adds what waits by now.
    pub(super) fn drain(&mut self, batch: &mut Batch) {
        while !batch.is_full()
            && let Ok(request) = self.waiting.try_recv()
        {
            batch.push(request);
        }
    }
}

impl Batch {
    pub(super) fn of(request: Request) -> Self {
        let mut batch = Self::default();
        batch.push(request);
        batch
    }

    pub(super) fn appends(&self) -> Vec<&Append> {
        self.requests.iter().flat_map(|it| &it.appends).collect()
    }

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
