//! Events as CloudEvents 1.0 writes them in JSON, one by one.

use dlcs_domain::metadata::EventMetadata;
use dlcs_eventlog::RecordedEvent;
use serde::Serialize;
use serde_json::value::RawValue;

/// Of one event (JSON event format, section 3).
pub const MEDIA_TYPE: &str = "application/cloudevents+json";
/// In front of the type of an event, as the standard wants a name of our own there.
const TYPE_PREFIX: &str = "io.dlcs.";

/// Attributes of the standard, of its registered extensions (`sequence`, `partitionkey`), and of ours.
#[derive(Serialize)]
pub struct CloudEvent<'a> {
    specversion: &'static str,
    id: String,
    source: &'a str,
    #[serde(rename = "type")]
    type_name: String,
    subject: &'a str,
    time: String,
    datacontenttype: &'static str,
    /// The position, with leading zeros, so that texts order as numbers do.
    sequence: String,
    partitionkey: &'a str,
    revision: String,
    schemaversion: u32,
    actor: String,
    correlationid: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    causationid: Option<String>,
    data: &'a RawValue,
}

/// An event whose bytes are not what they should be.
#[derive(Debug, thiserror::Error)]
#[error("the {part} of event {position} cannot be read: {source}")]
pub struct Unreadable {
    part: &'static str,
    position: u64,
    #[source]
    source: serde_json::Error,
}

impl<'a> CloudEvent<'a> {
    /// `source` is the address of the service.
    pub fn of(event: &'a RecordedEvent, source: &'a str) -> Result<Self, Unreadable> {
        let position = event.position.0;
        let unreadable = |part| move |source| Unreadable { part, position, source };
        let metadata = EventMetadata::parse(&event.metadata).map_err(unreadable("metadata"))?;
        let data = serde_json::from_slice(&event.payload).map_err(unreadable("payload"))?;
        Ok(Self {
            specversion: "1.0",
            id: event.event_id.0.to_string(),
            source,
            type_name: format!("{TYPE_PREFIX}{}", event.type_name),
            subject: event.stream.as_str(),
            time: time(event),
            datacontenttype: "application/json",
            sequence: format!("{position:020}"),
            partitionkey: event.stream.as_str(),
            revision: event.revision.0.to_string(),
            schemaversion: event.schema_version,
            actor: metadata.actor.0,
            correlationid: metadata.correlation_id.to_string(),
            causationid: metadata.causation_id.map(|it| it.to_string()),
            data,
        })
    }
}

/// Returns when an event was recorded, as RFC 3339 writes it.
pub fn time(event: &RecordedEvent) -> String {
    jiff::Timestamp::from_microsecond(event.recorded_at_us)
        .map_or_else(|_| event.recorded_at_us.to_string(), |time| format!("{time:.6}"))
}
