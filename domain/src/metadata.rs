//! What is recorded beside every event: who, for whom, and what caused it.
//!
//! No name, e-mail or network address: people stand behind opaque ids.

use crate::ids::{ActorId, CustomerId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Metadata of an event, as JSON text in the log. Fields that are not set are left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventMetadata {
    pub actor: ActorId,
    /// `None`: above customers.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub customer: Option<CustomerId>,
    /// Root request or batch; constant along a flow.
    pub correlation_id: Uuid,
    /// Command or event that caused this.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub causation_id: Option<Uuid>,
    /// Version of the program that wrote it.
    pub program: String,
    /// W3C Trace Context.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub traceparent: Option<String>,
    /// The command that a client may repeat.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub command_id: Option<Uuid>,
    /// SHA-256 of the body that a client sent under an idempotency key, in hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub body_sha256: Option<String>,
}

/// Room for most of it, so that it need not be moved while it is written.
const METADATA_BYTES: usize = 384;

impl EventMetadata {
    pub fn parse(json: &[u8]) -> serde_json::Result<Self> {
        serde_json::from_slice(json)
    }

    /// Returns the exact bytes that are recorded.
    pub fn to_json(&self) -> Vec<u8> {
        let mut json = Vec::with_capacity(METADATA_BYTES);
        serde_json::to_writer(&mut json, self).expect("metadata is plain data with text keys");
        json
    }
}

#[cfg(test)]
mod tests {
    use super::{ActorId, CustomerId, EventMetadata, Uuid};

    #[test]
    fn what_is_not_set_is_left_out() {
        let metadata = EventMetadata {
            actor: ActorId("key-1".to_owned()),
            customer: Some(CustomerId(1)),
            correlation_id: Uuid::from_u128(7),
            causation_id: None,
            program: "0.0.1".to_owned(),
            traceparent: None,
            command_id: None,
            body_sha256: None,
        };
        let json = metadata.to_json();
        assert_eq!(
            String::from_utf8_lossy(&json),
            r#"{"actor":"key-1","customer":1,"correlation_id":"00000000-0000-0000-0000-000000000007","program":"0.0.1"}"#
        );
        assert_eq!(EventMetadata::parse(&json).expect("written above"), metadata);
    }
}
