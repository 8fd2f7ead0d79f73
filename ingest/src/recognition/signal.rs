//! What an event means to recognition.

use crate::work::{Change, Signal, SignalError, signal_of};
use dlcs_domain::DomainEvent;
use dlcs_domain::asset::AssetEvent;
use dlcs_domain::batch::Queue;
use dlcs_domain::transcription::TranscriptionEvent;
use dlcs_eventlog::RecordedEvent;

/// Reads an event; `None`: it is of no concern.
pub(super) fn signal(event: &RecordedEvent) -> Result<Option<Signal>, SignalError> {
    match event.stream.category() {
        "asset" | "transcription" => signal_of(event, change_of),
        _ => Ok(None),
    }
}

fn change_of(event: &DomainEvent) -> Option<Change> {
    match event {
        DomainEvent::Asset(event) => change_of_asset(event),
        DomainEvent::Transcription(event) => Some(change_of_transcription(event)),
        _ => None,
    }
}

fn change_of_asset(event: &AssetEvent) -> Option<Change> {
    match event {
        // Whether its text is wanted stands in the asset's state.
        AssetEvent::IngestDelivered(_) | AssetEvent::RecognitionChanged(_) => Some(opened()),
        AssetEvent::Deleted(_) => Some(Change::Cancelled),
        _ => None,
    }
}

/// Pages wait for one another, whichever queue their images came through.
fn opened() -> Change {
    Change::Opened { generation: None, queue: Queue::Default }
}

fn change_of_transcription(event: &TranscriptionEvent) -> Change {
    match event {
        TranscriptionEvent::RecognitionRequested(_) => opened(),
        TranscriptionEvent::RecognitionStarted(_) => Change::Started,
        TranscriptionEvent::RecognitionFailed(it) => match it.failure.next_attempt_at_us {
            Some(due_us) => Change::Postponed { due_us },
            None => Change::Settled,
        },
        TranscriptionEvent::RecognitionCompleted(_) => Change::Settled,
        // Each ends an attempt that is open.
        TranscriptionEvent::TextImported(_)
        | TranscriptionEvent::Corrected(_)
        | TranscriptionEvent::Withdrawn(_) => Change::Cancelled,
    }
}
