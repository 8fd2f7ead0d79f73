//! Ids and metadata of the events that a command brings about.

use crate::context::CommandContext;
use dlcs_domain::EventMetadata;
use dlcs_eventlog::{EventId, StreamId};
use uuid::{Builder, Uuid};

/// Returns the exact bytes that go beside every event of a command.
pub(crate) fn event_metadata(context: &CommandContext, program: &str) -> Vec<u8> {
    let metadata = EventMetadata {
        actor: context.actor.clone(),
        customer: context.customer,
        correlation_id: context.correlation_id,
        causation_id: context.causation_id,
        program: program.to_owned(),
        traceparent: context.traceparent.clone(),
        command_id: context.command_id,
        body_sha256: context.body_sha256.clone(),
    };
    metadata.to_json()
}

/// Returns the id of event number `ordinal` that a repeatable command appends to a stream.
pub(crate) fn repeatable_event_id(command: Uuid, stream: &StreamId, ordinal: usize) -> EventId {
    EventId(Uuid::new_v5(&command, format!("{stream}#{ordinal}").as_bytes()))
}

/// Returns a UUIDv7: ordered by time, otherwise random.
pub fn new_uuid(now_us: i64) -> Uuid {
    let now_ms = u64::try_from(now_us).unwrap_or_default() / 1_000;
    Builder::from_unix_timestamp_millis(now_ms, &rand::random()).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::{StreamId, Uuid, new_uuid, repeatable_event_id};

    #[test]
    fn a_repeated_command_gives_the_same_ids_per_stream_and_ordinal() {
        let command = Uuid::from_u128(7);
        let (one, other) = (StreamId::new("space", "1/1"), StreamId::new("space", "1/2"));
        assert_eq!(repeatable_event_id(command, &one, 0), repeatable_event_id(command, &one, 0));
        assert_ne!(repeatable_event_id(command, &one, 0), repeatable_event_id(command, &one, 1));
        assert_ne!(repeatable_event_id(command, &one, 0), repeatable_event_id(command, &other, 0));
    }

    #[test]
    fn new_ids_carry_the_time() {
        let id = new_uuid(1_700_000_000_000_000);
        assert_eq!(id.get_timestamp().map(|it| it.to_unix().0), Some(1_700_000_000));
    }
}
