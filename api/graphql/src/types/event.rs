//! Events of the history, as auditors read them.

use crate::connection::{self, List};
use crate::context::{principal, query_error, refused, state};
use crate::scalar::{Json, Time};
use async_graphql::connection::Edge;
use async_graphql::{Context, Error, Result, SimpleObject};
use dlcs_domain::EventMetadata;
use dlcs_projections::audit_trail::AuditRow;
use dlcs_projections::paging::Direction;
use dlcs_projections::{RecordedEvent, StreamId, StreamRevision};

/// One event with what it says.
#[derive(SimpleObject)]
pub(crate) struct Event {
    event_id: String,
    position: u64,
    /// The resource's history, for example `asset-1/2/page-7`.
    stream: String,
    /// Place in the stream, from 0.
    revision: u64,
    #[graphql(name = "type")]
    type_name: String,
    schema_version: u32,
    time: Time,
    /// Who acted; an opaque id.
    actor: String,
    correlation_id: String,
    causation_id: Option<String>,
    payload: Json,
}

impl Event {
    fn new(recorded: &RecordedEvent) -> Result<Self, Error> {
        let unreadable = |error| {
            tracing::error!(position = recorded.position.0, %error, "an event cannot be read");
            refused("internal", format!("event {} cannot be read", recorded.position))
        };
        let metadata = EventMetadata::parse(&recorded.metadata).map_err(unreadable)?;
        let payload = serde_json::from_slice(&recorded.payload).map_err(unreadable)?;
        Ok(Self {
            event_id: recorded.event_id.0.to_string(),
            position: recorded.position.0,
            stream: recorded.stream.to_string(),
            revision: recorded.revision.0,
            type_name: recorded.type_name.to_string(),
            schema_version: recorded.schema_version,
            time: Time(recorded.recorded_at_us),
            actor: metadata.actor.0,
            correlation_id: metadata.correlation_id.to_string(),
            causation_id: metadata.causation_id.map(|id| id.to_string()),
            payload: Json(payload),
        })
    }
}

/// One line of the audit trail.
#[derive(SimpleObject)]
pub(crate) struct AuditEntry {
    position: u64,
    event_id: String,
    /// The resource's history, for example `asset-1/2/page-7`.
    resource: String,
    revision: u64,
    #[graphql(name = "type")]
    type_name: String,
    actor: String,
    time: Time,
    correlation_id: String,
    causation_id: Option<String>,
}

impl From<AuditRow> for AuditEntry {
    fn from(row: AuditRow) -> Self {
        Self {
            position: row.position,
            event_id: row.event_id,
            resource: row.resource,
            revision: row.revision,
            type_name: row.type_name,
            actor: row.actor,
            time: Time(row.recorded_at_us),
            correlation_id: row.correlation_id,
            causation_id: row.causation_id,
        }
    }
}

/// Returns a page of a stream's events; the cursor is the revision.
pub(crate) async fn of_stream(
    ctx: &Context<'_>,
    stream: String,
    first: Option<i32>,
    after: Option<String>,
) -> Result<List<Event>> {
    let from = match &after {
        None => 0,
        Some(cursor) => next_revision(cursor)?,
    };
    let request = connection::page(first, after, Direction::Ascending)?;
    let stream = StreamId::from_stored(stream);
    let history = &state(ctx).queries.history;
    // One more than asked for tells whether there is a next page.
    let read =
        history.of_stream(&principal(ctx), &stream, StreamRevision(from), request.limit + 1).await;
    let mut events = read.map_err(query_error)?;
    let has_next = events.len() > request.limit;
    events.truncate(request.limit);
    let total = connection::Total { total_count: None };
    let mut list = List::with_additional_fields(from > 0, has_next, total);
    for recorded in &events {
        list.edges.push(Edge::new(recorded.revision.0.to_string(), Event::new(recorded)?));
    }
    Ok(list)
}

fn next_revision(cursor: &str) -> Result<u64> {
    let revision: Option<u64> = cursor.parse().ok();
    match revision.and_then(|it| it.checked_add(1)) {
        Some(next) => Ok(next),
        None => Err(refused("bad-cursor", "the cursor is not one of ours")),
    }
}
