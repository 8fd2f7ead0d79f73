//! Events as they are appended and as they are read back, and the numbers that place them.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;
use uuid::Uuid;

/// Identifies one event, everywhere and for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EventId(pub Uuid);

/// Names one consistent history: `category-id`, for example `asset-1/2/page-7`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StreamId(String);

impl StreamId {
    /// Joins a category (without `-`) and an id, whose bytes are kept as they are.
    pub fn new(category: &str, id: &str) -> Self {
        debug_assert!(!category.contains('-'), "a category has no hyphen");
        Self(format!("{category}-{id}"))
    }

    /// Takes a whole name as it was stored.
    pub fn from_stored(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// Returns what stands before the first hyphen.
    pub fn category(&self) -> &str {
        self.0.split_once('-').map_or(self.0.as_str(), |(category, _)| category)
    }

    /// Returns what stands after the first hyphen.
    pub fn id(&self) -> &str {
        self.0.split_once('-').map_or("", |(_, id)| id)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Place of an event in its stream; the first is 0.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct StreamRevision(pub u64);

/// Place of an event in the order over everything.
///
/// Opaque: later is greater, and nothing else is promised; there may be holes.
/// `Position::START` stands before every event.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Position(pub u64);

impl Position {
    pub const START: Self = Self(0);
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An event that is to be appended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvent {
    pub event_id: EventId,
    pub type_name: Cow<'static, str>,
    pub schema_version: u32,
    /// Exact bytes (JSON text) that are stored, hashed and exported.
    pub payload: Bytes,
    /// Exact bytes (JSON text) that are stored, hashed and exported.
    pub metadata: Bytes,
}

/// An event as it was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedEvent {
    pub event_id: EventId,
    pub stream: StreamId,
    pub revision: StreamRevision,
    pub position: Position,
    pub type_name: Cow<'static, str>,
    pub schema_version: u32,
    /// Microseconds since 1970-01-01T00:00:00Z, never earlier than the event before it.
    pub recorded_at_us: i64,
    pub payload: Bytes,
    pub metadata: Bytes,
}

impl From<&RecordedEvent> for NewEvent {
    fn from(event: &RecordedEvent) -> Self {
        Self {
            event_id: event.event_id,
            type_name: event.type_name.clone(),
            schema_version: event.schema_version,
            payload: event.payload.clone(),
            metadata: event.metadata.clone(),
        }
    }
}
