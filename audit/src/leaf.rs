//! The record of one event: what an entry of the tree holds, byte by byte.
//!
//! Eleven lines of UTF-8, each ended by a line feed:
//!
//! ```text
//! dlcs.io/event/v1
//! INDEX            number of the entry, from 0, decimal
//! POSITION         position in the log, decimal
//! EVENT ID         UUID in lower case with hyphens
//! STREAM           a JSON string
//! REVISION         of the stream, from 0, decimal
//! TYPE             for example asset.registered
//! SCHEMA VERSION   decimal
//! RECORDED AT      microseconds since 1970-01-01T00:00:00Z, decimal
//! PAYLOAD          SHA-256 of its bytes, hexadecimal
//! METADATA         SHA-256 of its bytes, hexadecimal
//! ```
//!
//! Payload and metadata stay outside, for an entry has at most 65,535 bytes (C2SP tlog-tiles).

use crate::tree::{Hash, leaf_hash};
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// First line of a record.
const VERSION: &str = "dlcs.io/event/v1";

/// An event with what places it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leaf<'a> {
    pub index: u64,
    pub position: u64,
    pub event_id: &'a str,
    pub stream: &'a str,
    pub revision: u64,
    pub type_name: &'a str,
    pub schema_version: u32,
    pub recorded_at_us: i64,
    /// The bytes as they were written.
    pub payload: &'a [u8],
    pub metadata: &'a [u8],
}

impl Leaf<'_> {
    /// Returns the entry.
    pub fn record(&self) -> String {
        let digest = |bytes: &[u8]| hex::encode(Sha256::digest(bytes));
        let mut text = String::with_capacity(384);
        let _ = write!(
            text,
            "{VERSION}\n{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}\n",
            self.index,
            self.position,
            self.event_id,
            serde_json::Value::from(self.stream),
            self.revision,
            self.type_name,
            self.schema_version,
            self.recorded_at_us,
            digest(self.payload),
            digest(self.metadata),
        );
        text
    }

    /// Returns the hash of the entry.
    pub fn hash(&self) -> Hash {
        leaf_hash(self.record().as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_what_the_documentation_says() {
        let leaf = Leaf {
            index: 7,
            position: 9,
            event_id: "0198f2a6-c0de-7000-a000-000000000001",
            stream: "asset-1/2/pa\nge „7“",
            revision: 0,
            type_name: "asset.registered",
            schema_version: 1,
            recorded_at_us: 1_767_225_600_000_000,
            payload: b"{}",
            metadata: b"{\"actor\":\"key-1\"}",
        };
        let expected = "dlcs.io/event/v1\n7\n9\n0198f2a6-c0de-7000-a000-000000000001\n\
            \"asset-1/2/pa\\nge „7“\"\n0\nasset.registered\n1\n1767225600000000\n\
            44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a\n\
            bc2dff06e9c6b3b5b48ed2b5ebc7b1c5f6c0a9d2aa5d8d5d2c3f2ed1b8a3d1ab\n";
        let record = leaf.record();
        // All but the last digest, which is computed here by other means.
        let (head, last) = record.trim_end().rsplit_once('\n').expect("lines");
        assert_eq!(head, expected.trim_end().rsplit_once('\n').expect("lines").0);
        assert_eq!(last, hex::encode(Sha256::digest(leaf.metadata)));
        assert_eq!(record.lines().count(), 11);
        let other = Leaf { payload: b"{ }", ..leaf };
        assert_ne!(other.hash(), leaf.hash());
    }
}
