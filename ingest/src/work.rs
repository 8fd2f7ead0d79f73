//! What an event means to ingest.

use dlcs_domain::asset::AssetEvent;
use dlcs_domain::{AssetId, DomainEvent, EventMetadata, WireError, wire};
use dlcs_eventlog::{Position, RecordedEvent};
use uuid::Uuid;

/// The event that a step of work follows from, and the flow that both belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cause {
    pub(crate) event_id: Uuid,
    pub(crate) correlation_id: Uuid,
}

/// What an event of one asset changes about its work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Signal {
    pub(crate) asset: AssetId,
    pub(crate) position: Position,
    pub(crate) cause: Cause,
    pub(crate) change: Change,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// A client asked: there is a new attempt to make, of this generation if it is said.
    Opened { generation: Option<u32> },
    /// An attempt began. If it is not one of ours, its process has died.
    Started,
    /// An attempt failed, and the next one begins by itself.
    Postponed { due_us: i64 },
    /// An attempt ended for good.
    Settled,
    /// The asset is gone.
    Deleted,
}

/// An event of an asset that cannot be understood.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SignalError {
    #[error("`{0}` is no asset's stream")]
    Stream(String),
    #[error(transparent)]
    Wire(#[from] WireError),
}

/// Reads an event; `None`: it is of no concern.
pub(crate) fn signal(event: &RecordedEvent) -> Result<Option<Signal>, SignalError> {
    if event.stream.category() != "asset" {
        return Ok(None);
    }
    let mut change = None;
    for decoded in wire::decode(&event.type_name, event.schema_version, &event.payload)? {
        if let DomainEvent::Asset(decoded) = decoded {
            change = change_of(&decoded).or(change);
        }
    }
    let Some(change) = change else { return Ok(None) };
    let asset = event.stream.id();
    let asset = asset.parse().map_err(|_| SignalError::Stream(event.stream.to_string()))?;
    Ok(Some(Signal { asset, position: event.position, cause: cause_of(event), change }))
}

pub(crate) fn change_of(event: &AssetEvent) -> Option<Change> {
    Some(match event {
        AssetEvent::Registered(it) => Change::Opened { generation: Some(it.generation) },
        AssetEvent::OriginChanged(_)
        | AssetEvent::DeliveryChanged(_)
        | AssetEvent::ReingestRequested(_) => Change::Opened { generation: None },
        AssetEvent::IngestStarted(_) => Change::Started,
        AssetEvent::IngestFailed(it) => match it.failure.next_attempt_at_us {
            Some(due_us) => Change::Postponed { due_us },
            None => Change::Settled,
        },
        AssetEvent::IngestDelivered(_) => Change::Settled,
        AssetEvent::Deleted(_) => Change::Deleted,
        AssetEvent::MetadataChanged(_)
        | AssetEvent::AccessChanged(_)
        | AssetEvent::RecognitionChanged(_) => return None,
    })
}

/// An event without readable metadata begins a flow of its own.
fn cause_of(event: &RecordedEvent) -> Cause {
    let event_id = event.event_id.0;
    let metadata = EventMetadata::parse(&event.metadata);
    Cause { event_id, correlation_id: metadata.map_or(event_id, |it| it.correlation_id) }
}
