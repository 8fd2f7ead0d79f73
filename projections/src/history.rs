//! The events themselves, for those who may see them.

use crate::paging::{LIMIT_MAX, QueryError};
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

/// Most events of one answer: a full page, and the one more that shows whether there is another.
const EVENTS_MAX: usize = LIMIT_MAX + 1;

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

#[cfg(test)]
mod tests {
    use super::*;
    use dlcs_domain::ActorId;
    use dlcs_domain::access::Scope;
    use dlcs_eventlog::memory::MemoryLog;
    use dlcs_eventlog::{Append, EventId, Expected, NewEvent};
    use uuid::Uuid;

    #[tokio::test]
    async fn the_longest_page_of_a_history_shows_that_there_is_another() {
        let log = MemoryLog::new(Arc::new(|| 0));
        let stream = StreamId::new("asset", "1/2/a");
        let event = |number| NewEvent {
            event_id: EventId(Uuid::from_u128(number)),
            type_name: "asset.deleted".into(),
            schema_version: 1,
            payload: "{}".into(),
            metadata: "{}".into(),
        };
        let events = (1..=LIMIT_MAX as u128 + 5).map(event).collect();
        let append = Append { stream: stream.clone(), expected: Expected::NoStream, events };
        log.append(vec![append]).await.remove(0).expect("memory takes it");
        let history = LogHistory { log: Arc::new(log) };
        let admin = Principal::Key { actor: ActorId("key-1".to_owned()), scope: Scope::ADMIN };
        let read = history.of_stream(&admin, &stream, StreamRevision(0), LIMIT_MAX + 1).await;
        assert_eq!(read.expect("memory can be read").len(), LIMIT_MAX + 1);
    }
}
