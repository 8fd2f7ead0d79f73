//! Events as CloudEvents 1.0 writes them in JSON, one by one.

use anyhow::Context;
use dlcs_domain::metadata::EventMetadata;
use dlcs_eventlog::RecordedEvent;
use serde::Serialize;
use serde_json::value::RawValue;

/// In front of the type of an event, as the standard wants a name of our own there.
const TYPE_PREFIX: &str = "io.dlcs.";

/// Attributes of the standard, of its registered extensions (`sequence`, `partitionkey`), and of ours.
#[derive(Serialize)]
pub(super) struct CloudEvent<'a> {
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

impl<'a> CloudEvent<'a> {
    /// `source` is the address of the service.
    pub(super) fn of(event: &'a RecordedEvent, source: &'a str) -> anyhow::Result<Self> {
        let position = event.position;
        let metadata = EventMetadata::parse(&event.metadata)
            .with_context(|| format!("the metadata of event {position} cannot be read"))?;
        Ok(Self {
            specversion: "1.0",
            id: event.event_id.0.to_string(),
            source,
            type_name: format!("{TYPE_PREFIX}{}", event.type_name),
            subject: event.stream.as_str(),
            time: super::time(event),
            datacontenttype: "application/json",
            sequence: format!("{:020}", position.0),
            partitionkey: event.stream.as_str(),
            revision: event.revision.0.to_string(),
            schemaversion: event.schema_version,
            actor: metadata.actor.0,
            correlationid: metadata.correlation_id.to_string(),
            causationid: metadata.causation_id.map(|it| it.to_string()),
            data: serde_json::from_slice(&event.payload)?,
        })
    }
}
