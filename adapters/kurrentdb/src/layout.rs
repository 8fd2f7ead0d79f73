//! How an event lies in KurrentDB, byte by byte.
//!
//! | of KurrentDB | what it holds |
//! |:--|:--|
//! | stream | the prefix (`dlcs.`), then the name of the stream |
//! | event id | the event id |
//! | event type | the type name |
//! | content type | `application/json` where the payload is JSON, else `application/octet-stream` |
//! | data | the payload, as it is |
//! | user metadata | the header, then the metadata as it is, then `}` |
//!
//! The header is `{"dlcs":1,"schema_version":S,"event":I,"events":N,"metadata":`. `S` is the version of
//! the payload, `I` counts the events of one append from 0, `N` is how many there are. What is JSON
//! stays JSON, and what is not comes back all the same, for it is cut out and not parsed.
//!
//! The time of recording is the server's `created`, in steps of 100 ns, cut to microseconds.

use bytes::Bytes;
use dlcs_eventlog::{
    EventId, LogError, NewEvent, Position, RecordedEvent, StreamId, StreamRevision,
};
use eventstore::EventData;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

const METADATA: &[u8] = b",\"metadata\":";
const LAYOUT: u32 = 1;
/// Steps of `created` in a microsecond.
const TICKS_PER_US: i64 = 10;

/// An event as it was read.
#[derive(Debug, Clone)]
pub(crate) struct Read {
    /// Its time is what the server says until it is evened.
    pub(crate) event: RecordedEvent,
    /// How many events of the same append come after it.
    pub(crate) rest: u64,
}

#[derive(Deserialize)]
struct Header {
    dlcs: u32,
    schema_version: u32,
    event: u64,
    events: u64,
}

/// Makes the event `index` of an append of `count`.
pub(crate) fn written(event: &NewEvent, index: usize, count: usize) -> EventData {
    let json: Option<&RawValue> = serde_json::from_slice(&event.payload).ok();
    // Space around it is not part of it, and would be lost.
    let json = json.filter(|it| it.get().len() == event.payload.len());
    let data = json.and_then(|it| EventData::json(&event.type_name, &it).ok());
    let data = data.unwrap_or_else(|| EventData::binary(&event.type_name, event.payload.clone()));
    let version = event.schema_version;
    let mut metadata =
        format!(r#"{{"dlcs":{LAYOUT},"schema_version":{version},"event":{index},"events":{count}"#)
            .into_bytes();
    metadata.extend_from_slice(METADATA);
    metadata.extend_from_slice(&event.metadata);
    metadata.push(b'}');
    data.id(event.event_id.0).metadata(metadata.into())
}

/// Reads an event of a stream whose name begins with `prefix`.
pub(crate) fn read(event: eventstore::RecordedEvent, prefix: &str) -> Result<Read, LogError> {
    let damaged = |what: &str| {
        let (revision, stream) = (event.revision, event.stream_id());
        LogError::Damaged(format!("event {revision} of stream `{stream}` {what}"))
    };
    let Some(stream) = event.stream_id().strip_prefix(prefix) else {
        return Err(damaged("is not of this log"));
    };
    let Some((header, metadata)) = cut(&event.custom_metadata) else {
        return Err(damaged("was not written by this program: its user metadata has no header"));
    };
    let created = event.metadata.get("created").and_then(|it| it.parse::<i64>().ok());
    let Some(created) = created else { return Err(damaged("has no time")) };
    let position = event.position.commit;
    if position == 0 || i64::try_from(position).is_err() {
        return Err(damaged("has no position"));
    }
    Ok(Read {
        rest: header.events.saturating_sub(header.event + 1),
        event: RecordedEvent {
            event_id: EventId(event.id),
            stream: StreamId::from_stored(stream),
            revision: StreamRevision(event.revision),
            position: Position(position),
            schema_version: header.schema_version,
            recorded_at_us: created / TICKS_PER_US,
            metadata,
            type_name: Cow::Owned(event.event_type),
            payload: event.data,
        },
    })
}

/// Cuts the header off, and the bracket that closes it.
fn cut(user_metadata: &Bytes) -> Option<(Header, Bytes)> {
    let end = user_metadata.windows(METADATA.len()).position(|it| it == METADATA)?;
    let mut text = user_metadata[..end].to_vec();
    text.push(b'}');
    let header: Header =
        serde_json::from_slice(&text).ok().filter(|it: &Header| it.dlcs == LAYOUT)?;
    let from = end + METADATA.len();
    let to = user_metadata.len().checked_sub(1).filter(|it| *it >= from)?;
    Some((header, user_metadata.slice(from..to)))
}
