//! What a line of an export says, for whoever builds something out of it.

use super::{Event, Line};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// What is built with. Other lines only prove something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    Event(Recorded),
    Blob { key: String, bytes: Vec<u8> },
}

/// An event as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    pub position: u64,
    pub event_id: String,
    pub stream: String,
    pub revision: u64,
    pub type_name: String,
    pub schema_version: u32,
    pub recorded_at_us: i64,
    pub payload: String,
    pub metadata: String,
}

impl Content {
    /// Reads a line of a file that was verified before. `None`: a line of another kind.
    pub fn read(line: &str) -> Option<Self> {
        let line: Line<'_> = serde_json::from_str(line).ok()?;
        match line {
            Line::Event(event) => Some(Self::Event(event.into())),
            Line::Blob { key, bytes } => {
                Some(Self::Blob { key: key.into_owned(), bytes: STANDARD.decode(&*bytes).ok()? })
            }
            _ => None,
        }
    }
}

impl From<Event<'_>> for Recorded {
    fn from(event: Event<'_>) -> Self {
        Self {
            position: event.position,
            event_id: event.event_id.into_owned(),
            stream: event.stream.into_owned(),
            revision: event.revision,
            type_name: event.type_name.into_owned(),
            schema_version: event.schema_version,
            recorded_at_us: event.recorded_at_us,
            payload: event.payload.into_owned(),
            metadata: event.metadata.into_owned(),
        }
    }
}
