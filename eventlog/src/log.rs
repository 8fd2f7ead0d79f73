//! The port itself.
//!
//! What every adapter promises, and the conformance suite proves:
//! - An append is atomic per stream, and only per stream; a conflict fails the guilty append only.
//! - `Ok` means durable: it survives `kill -9` and power loss.
//! - A reader that has seen position N never later meets an event below N that it has not seen.
//! - Appending an event id a second time to the stream that holds it already is answered with
//!   [`AppendError::Duplicate`], which names where it was recorded; nothing is written.
//! - `recorded_at_us` never runs backwards along positions.

use crate::event::{NewEvent, Position, RecordedEvent, StreamId, StreamRevision};
use async_trait::async_trait;
use std::sync::Arc;
use tokio::sync::watch;

/// Tells the time in microseconds since 1970-01-01T00:00:00Z. May jump; a log evens that out.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// At most `limit` events of a stream from a revision on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StreamRead {
    pub stream: StreamId,
    pub from: StreamRevision,
    pub limit: usize,
}

/// What a stream must look like for an append to happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// The stream has no event yet.
    NoStream,
    /// The last event of the stream has this revision.
    Revision(StreamRevision),
    /// Whatever is there. For streams without rules only.
    Any,
}

/// Events for one stream.
#[derive(Debug, Clone)]
pub struct Append {
    pub stream: StreamId,
    pub expected: Expected,
    /// At least one.
    pub events: Vec<NewEvent>,
}

/// Where the last event of an append was recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    pub revision: StreamRevision,
    pub position: Position,
}

#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    #[error("the stream is at another revision than expected")]
    Conflict {
        /// `None`: there is no such stream.
        actual: Option<StreamRevision>,
    },
    /// The first event of the append is already in this stream.
    #[error("the events have been recorded before")]
    Duplicate {
        /// Of the last event that the earlier append wrote.
        appended: Appended,
    },
    /// The append itself is wrong: it has no event, or an event id that is in use elsewhere.
    #[error("the append is malformed: {0}")]
    Invalid(String),
    #[error(transparent)]
    Log(#[from] LogError),
}

#[derive(Debug, Clone, thiserror::Error)]
pub enum LogError {
    /// Nothing can be written until there is room; reading goes on.
    #[error("the event store has no room left: {0}")]
    Full(String),
    /// May pass: try again.
    #[error("the event store cannot be reached: {0}")]
    Unavailable(String),
    /// Will not pass by itself.
    #[error("the event store is damaged: {0}")]
    Damaged(String),
}

/// One ordered history of everything, in streams.
#[async_trait]
pub trait EventLog: Send + Sync + 'static {
    /// Appends each item, independently of the others, and answers in their order.
    async fn append(&self, batch: Vec<Append>) -> Vec<Result<Appended, AppendError>>;

    /// Returns at most `limit` events of a stream from revision `from` on, in order. Fewer than
    /// `limit` only where the stream ends: whoever folds it need not ask again.
    async fn read_stream(
        &self,
        stream: &StreamId,
        from: StreamRevision,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, LogError>;

    /// Answers each read as [`read_stream`](Self::read_stream) does, in their order, and with as few
    /// questions to the store as can be. All of it is in memory at once.
    async fn read_streams(
        &self,
        reads: Vec<StreamRead>,
    ) -> Vec<Result<Vec<RecordedEvent>, LogError>> {
        let mut answers = Vec::with_capacity(reads.len());
        for StreamRead { stream, from, limit } in reads {
            answers.push(self.read_stream(&stream, from, limit).await);
        }
        answers
    }

    /// Returns at most `limit` events after a position, in order.
    async fn read_all(&self, after: Position, limit: usize)
    -> Result<Vec<RecordedEvent>, LogError>;

    /// Returns the position of the last event, or [`Position::START`].
    async fn head(&self) -> Result<Position, LogError>;

    /// Hints that the head has moved. Polling is the truth: a hint may be missing or late.
    fn head_hints(&self) -> watch::Receiver<Position>;
}
