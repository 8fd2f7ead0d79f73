//! Taking over the history of another log, event by event as it was recorded there.
//!
//! - Positions, revisions, ids, times and bytes stay: whoever reads sees no difference.
//! - What is taken over follows what is there without a hole, so that an import that was cut short
//!   goes on where it stopped.
//! - Nobody appends meanwhile.

use crate::event::{Position, RecordedEvent};
use async_trait::async_trait;

/// A log that takes over a history.
#[async_trait]
pub trait LogImport: Send + Sync {
    /// Writes these events behind those that are there, all or none; durable when it is answered.
    async fn import(&self, events: &[RecordedEvent]) -> Result<(), ImportError>;
}

/// Why nothing was taken over.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The events do not follow what is there.
    #[error("{0}")]
    Refused(String),
    /// May work another time.
    #[error("the log cannot be written: {0}")]
    Unavailable(String),
}

/// Says what is wrong with events that are to follow `head`, where each can be judged by itself.
pub fn check(head: Position, events: &[RecordedEvent]) -> Result<(), ImportError> {
    let mut last: Option<&RecordedEvent> = None;
    for (event, expected) in events.iter().zip(head.0 + 1..) {
        let position = event.position.0;
        if position != expected {
            let what = format!("event {position} does not follow event {}", expected - 1);
            return Err(ImportError::Refused(what));
        }
        if last.is_some_and(|last| event.recorded_at_us < last.recorded_at_us) {
            let what = format!("event {position} was recorded before the one before it");
            return Err(ImportError::Refused(what));
        }
        last = Some(event);
    }
    Ok(())
}

/// Returns for each event how many of its own append come after it.
///
/// A record does not say where an append begins. One append has one stream, one time and one
/// metadata; two that agree in all of them and follow each other are taken for one.
pub fn rests(events: &[RecordedEvent]) -> Vec<u64> {
    let mut rests = vec![0; events.len()];
    for index in (1..events.len()).rev() {
        let (before, event) = (&events[index - 1], &events[index]);
        let is_one = before.stream == event.stream
            && before.recorded_at_us == event.recorded_at_us
            && before.revision.0 + 1 == event.revision.0
            && before.metadata == event.metadata;
        if is_one {
            rests[index - 1] = rests[index] + 1;
        }
    }
    rests
}
