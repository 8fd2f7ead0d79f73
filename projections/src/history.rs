//! The events themselves, for those who may see them.

use crate::paging::QueryError;
use crate::{scope, streams};
use async_trait::async_trait;
use dlcs_domain::access::Principal;
use dlcs_eventlog::{EventLog, LogError, Position, RecordedEvent, StreamId, StreamRevision};
use std::sync::Arc;

#[async_trait]
pub trait History: Send + Sync {
    /// Returns at most `limit` events of one resource, from a revision on.
    async fn of_stream(
        &self,
        principal: &Principal,
        stream: &StreamId,
        from: StreamRevision,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, QueryError>;

    /// Returns at most `limit` events after a position. For administration.
    async fn all(
        &self,
        principal: &Principal,
        after: Position,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, QueryError>;
}

/// Most events of one answer.
const EVENTS_MAX: usize = 1_000;

/// Answers from the event log itself.
pub struct LogHistory {
    pub log: Arc<dyn EventLog>,
}

#[async_trait]
impl History for LogHistory {
    async fn of_stream(
        &self,
        principal: &Principal,
        stream: &StreamId,
        from: StreamRevision,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, QueryError> {
        match streams::customer_of(stream) {
            Some(customer) => scope::management(principal, customer)?,
            None => scope::administration(principal)?,
        }
        let limit = limit.min(EVENTS_MAX);
        self.log.read_stream(stream, from, limit).await.map_err(unreadable)
    }

    async fn all(
        &self,
        principal: &Principal,
        after: Position,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, QueryError> {
        scope::administration(principal)?;
        self.log.read_all(after, limit.min(EVENTS_MAX)).await.map_err(unreadable)
    }
}

fn unreadable(error: LogError) -> QueryError {
    QueryError::Store(error.to_string())
}
