//! The bytes that others see, and what has to come back from them.

use crate::layout;
use bytes::Bytes;
use dlcs_eventlog::{EventId, NewEvent};
use uuid::Uuid;

fn event(payload: &'static [u8], metadata: &'static [u8]) -> NewEvent {
    NewEvent {
        event_id: EventId(Uuid::from_u128(7)),
        type_name: "space.created".into(),
        schema_version: 3,
        payload: Bytes::from_static(payload),
        metadata: Bytes::from_static(metadata),
    }
}

#[test]
fn an_event_lies_there_byte_by_byte() {
    let shown =
        format!("{:?}", layout::written(&event(br#"{ "a":1 }"#, br#"{"actor":"x"}"#), 1, 3));
    let metadata = r#"{\"dlcs\":1,\"schema_version\":3,\"event\":1,\"events\":3,\"metadata\":{\"actor\":\"x\"}}"#;
    for part in [
        metadata,
        r#"{ \"a\":1 }"#,
        r#""type": "space.created""#,
        r#""content-type": "application/json""#,
        "00000000-0000-0000-0000-000000000007",
    ] {
        assert!(shown.contains(part), "{part} is not in {shown}");
    }
    // Space around it would be lost, if it went for JSON.
    for payload in [&b" {}"[..], b"{}\n", b"\x00\xff", b""] {
        let shown = format!("{:?}", layout::written(&event(payload, b"{}"), 0, 1));
        assert!(shown.contains("application/octet-stream"), "{shown}");
    }
}
