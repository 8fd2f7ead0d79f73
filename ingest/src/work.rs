//! A kind of background work, and what an event means to it.

use crate::pending::{Ending, Order};
use crate::sending::Trouble;
use dlcs_domain::asset::AssetEvent;
use dlcs_domain::batch::Queue;
use dlcs_domain::{AssetId, DomainEvent, EventMetadata, WireError, wire};
use dlcs_eventlog::{Position, RecordedEvent};
use std::future::Future;
use uuid::Uuid;

/// Work on assets, one run at a time for each.
///
/// Whether something is to be done is the domain's decision: a run that finds nothing does nothing.
pub(crate) trait Work: Send + Sync + 'static {
    /// Name of the consumer and of its lease. Never changes.
    const CONSUMER: &'static str;
    /// Of the streams in which it records what it does.
    const CATEGORY: &'static str;

    /// Reads an event; `None`: it is of no concern.
    fn signal(event: &RecordedEvent) -> Result<Option<Signal>, SignalError>;

    /// Does what is due for an asset. `started` is told where the beginning was recorded.
    fn run(
        &self,
        order: &Order,
        started: impl FnOnce(Position) + Send,
    ) -> impl Future<Output = Result<Ending, Trouble>> + Send;

    /// Lets tests end the process there.
    fn reached(moment: Moment);
}

/// Moments between one shift and the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    BeforeLease,
    AfterLease,
    BeforeRelease,
    BeforeCheckpoint,
    AfterCheckpoint,
}

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
    /// There is a new attempt to make, of this generation if it is said.
    Opened { generation: Option<u32>, queue: Queue },
    /// An attempt began. If it is not one of ours, its process has died.
    Started,
    /// An attempt failed, and the next one begins by itself.
    Postponed { due_us: i64 },
    /// An attempt ended for good.
    Settled,
    /// Nobody wants it any more.
    Cancelled,
}

impl Signal {
    /// Says whether it asks for work that passes the others.
    pub(crate) fn is_urgent(&self) -> bool {
        matches!(self.change, Change::Opened { queue: Queue::Priority, .. })
    }
}

/// An event of an asset that cannot be understood.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SignalError {
    #[error("`{0}` is no asset's stream")]
    Stream(String),
    #[error(transparent)]
    Wire(#[from] WireError),
}

/// Reads an event of a stream under an asset's id; `change_of` says what it means.
pub(crate) fn signal_of(
    event: &RecordedEvent,
    change_of: impl Fn(&DomainEvent) -> Option<Change>,
) -> Result<Option<Signal>, SignalError> {
    let mut change = None;
    for decoded in wire::decode(&event.type_name, event.schema_version, &event.payload)? {
        change = change_of(&decoded).or(change);
    }
    let Some(change) = change else { return Ok(None) };
    let asset = event.stream.id();
    let asset = asset.parse().map_err(|_| SignalError::Stream(event.stream.to_string()))?;
    Ok(Some(Signal { asset, position: event.position, cause: cause_of(event), change }))
}

/// Reads an event as ingest does.
pub(crate) fn signal(event: &RecordedEvent) -> Result<Option<Signal>, SignalError> {
    if event.stream.category() != "asset" {
        return Ok(None);
    }
    signal_of(event, |decoded| match decoded {
        DomainEvent::Asset(event) => change_of(event),
        _ => None,
    })
}

pub(crate) fn change_of(event: &AssetEvent) -> Option<Change> {
    Some(match event {
        AssetEvent::Registered(it) => {
            Change::Opened { generation: Some(it.generation), queue: it.queue }
        }
        AssetEvent::OriginChanged(it) => Change::Opened { generation: None, queue: it.queue },
        AssetEvent::ReingestRequested(it) => Change::Opened { generation: None, queue: it.queue },
        AssetEvent::DeliveryChanged(_) => {
            Change::Opened { generation: None, queue: Queue::Default }
        }
        AssetEvent::IngestStarted(_) => Change::Started,
        AssetEvent::IngestFailed(it) => match it.failure.next_attempt_at_us {
            Some(due_us) => Change::Postponed { due_us },
            None => Change::Settled,
        },
        AssetEvent::IngestDelivered(_) => Change::Settled,
        AssetEvent::Deleted(_) => Change::Cancelled,
        AssetEvent::MetadataChanged(_)
        | AssetEvent::AccessChanged(_)
        | AssetEvent::RecognitionChanged(_)
        | AssetEvent::LimitsChanged(_) => return None,
    })
}

/// An event without readable metadata begins a flow of its own.
fn cause_of(event: &RecordedEvent) -> Cause {
    let event_id = event.event_id.0;
    let metadata = EventMetadata::parse(&event.metadata);
    Cause { event_id, correlation_id: metadata.map_or(event_id, |it| it.correlation_id) }
}
