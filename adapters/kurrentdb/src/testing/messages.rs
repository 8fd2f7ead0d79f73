//! Messages of the protocol, as far as the double understands them: names are ours, numbers and
//! kinds of fields are the protocol's.

use prost::{Message, Oneof};
use std::collections::HashMap;

#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct Empty {}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Id {
    #[prost(oneof = "IdForm", tags = "1, 2")]
    pub(super) form: Option<IdForm>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(super) enum IdForm {
    #[prost(message, tag = "1")]
    Halves(Halves),
    #[prost(string, tag = "2")]
    Text(String),
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct Halves {
    #[prost(int64, tag = "1")]
    pub(super) high: i64,
    #[prost(int64, tag = "2")]
    pub(super) low: i64,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct StreamName {
    #[prost(bytes = "vec", tag = "3")]
    pub(super) name: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct Place {
    #[prost(uint64, tag = "1")]
    pub(super) commit: u64,
    #[prost(uint64, tag = "2")]
    pub(super) prepare: u64,
}

// What can be done.

#[derive(Clone, PartialEq, Message)]
pub(super) struct Methods {
    #[prost(message, repeated, tag = "1")]
    pub(super) methods: Vec<Method>,
    #[prost(string, tag = "2")]
    pub(super) version: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Method {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(string, tag = "2")]
    pub(super) service: String,
}

// Appending, many at once.

#[derive(Clone, PartialEq, Message)]
pub(super) struct BatchRequest {
    #[prost(message, optional, tag = "1")]
    pub(super) id: Option<Id>,
    #[prost(message, optional, tag = "2")]
    pub(super) options: Option<AppendOptions>,
    #[prost(message, repeated, tag = "3")]
    pub(super) events: Vec<Proposed>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct BatchAnswer {
    #[prost(message, optional, tag = "1")]
    pub(super) id: Option<Id>,
    #[prost(oneof = "BatchResult", tags = "2, 3")]
    pub(super) result: Option<BatchResult>,
    #[prost(message, optional, tag = "4")]
    pub(super) stream: Option<StreamName>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(super) enum BatchResult {
    #[prost(message, tag = "2")]
    Refused(Refused),
    #[prost(message, tag = "3")]
    Success(Success),
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Refused {
    #[prost(int32, tag = "1")]
    pub(super) code: i32,
    #[prost(string, tag = "2")]
    pub(super) message: String,
}

// Appending, one by one.

#[derive(Clone, PartialEq, Message)]
pub(super) struct AppendRequest {
    #[prost(oneof = "AppendPart", tags = "1, 2")]
    pub(super) part: Option<AppendPart>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(super) enum AppendPart {
    #[prost(message, tag = "1")]
    Options(AppendOptions),
    #[prost(message, tag = "2")]
    Proposed(Proposed),
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct AppendOptions {
    #[prost(message, optional, tag = "1")]
    pub(super) stream: Option<StreamName>,
    #[prost(oneof = "ExpectedState", tags = "2, 3, 4, 5")]
    pub(super) expected: Option<ExpectedState>,
}

#[derive(Clone, Copy, PartialEq, Oneof)]
pub(super) enum ExpectedState {
    #[prost(uint64, tag = "2")]
    Revision(u64),
    #[prost(message, tag = "3")]
    NoStream(Empty),
    #[prost(message, tag = "4")]
    Any(Empty),
    #[prost(message, tag = "5")]
    Exists(Empty),
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Proposed {
    #[prost(message, optional, tag = "1")]
    pub(super) id: Option<Id>,
    #[prost(map = "string, string", tag = "2")]
    pub(super) metadata: HashMap<String, String>,
    #[prost(bytes = "bytes", tag = "3")]
    pub(super) user_metadata: bytes::Bytes,
    #[prost(bytes = "bytes", tag = "4")]
    pub(super) data: bytes::Bytes,
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct AppendAnswer {
    #[prost(oneof = "AppendResult", tags = "1, 2")]
    pub(super) result: Option<AppendResult>,
}

#[derive(Clone, Copy, PartialEq, Oneof)]
pub(super) enum AppendResult {
    #[prost(message, tag = "1")]
    Success(Success),
    #[prost(message, tag = "2")]
    WrongExpected(WrongExpected),
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct Success {
    #[prost(uint64, optional, tag = "1")]
    pub(super) revision: Option<u64>,
    #[prost(message, optional, tag = "3")]
    pub(super) place: Option<Place>,
    #[prost(message, optional, tag = "4")]
    pub(super) no_place: Option<Empty>,
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct WrongExpected {
    #[prost(uint64, optional, tag = "6")]
    pub(super) revision: Option<u64>,
    #[prost(message, optional, tag = "7")]
    pub(super) no_stream: Option<Empty>,
    #[prost(message, optional, tag = "9")]
    pub(super) expected_any: Option<Empty>,
}

// Reading.

#[derive(Clone, PartialEq, Message)]
pub(super) struct ReadRequest {
    #[prost(message, optional, tag = "1")]
    pub(super) options: Option<ReadOptions>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ReadOptions {
    #[prost(message, optional, tag = "1")]
    pub(super) stream: Option<OfStream>,
    #[prost(message, optional, tag = "2")]
    pub(super) all: Option<OfAll>,
    /// 0: forwards.
    #[prost(int32, tag = "3")]
    pub(super) direction: i32,
    #[prost(uint64, optional, tag = "5")]
    pub(super) count: Option<u64>,
    #[prost(message, optional, tag = "6")]
    pub(super) subscription: Option<Empty>,
    #[prost(message, optional, tag = "7")]
    pub(super) filter: Option<Filter>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct OfStream {
    #[prost(message, optional, tag = "1")]
    pub(super) stream: Option<StreamName>,
    #[prost(uint64, optional, tag = "2")]
    pub(super) revision: Option<u64>,
    #[prost(message, optional, tag = "4")]
    pub(super) end: Option<Empty>,
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct OfAll {
    #[prost(message, optional, tag = "1")]
    pub(super) place: Option<Place>,
    #[prost(message, optional, tag = "3")]
    pub(super) end: Option<Empty>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Filter {
    #[prost(message, optional, tag = "1")]
    pub(super) stream: Option<Expression>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Expression {
    #[prost(string, repeated, tag = "2")]
    pub(super) prefixes: Vec<String>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ReadAnswer {
    #[prost(oneof = "ReadPart", tags = "1, 2, 3, 4, 8")]
    pub(super) part: Option<ReadPart>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(super) enum ReadPart {
    #[prost(message, tag = "1")]
    Event(ReadEvent),
    #[prost(message, tag = "2")]
    Confirmed(Confirmed),
    #[prost(message, tag = "3")]
    Checkpoint(Place),
    #[prost(message, tag = "4")]
    NoStream(StreamName),
    #[prost(message, tag = "8")]
    CaughtUp(Empty),
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Confirmed {
    #[prost(string, tag = "1")]
    pub(super) id: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ReadEvent {
    #[prost(message, optional, tag = "1")]
    pub(super) event: Option<Recorded>,
    #[prost(uint64, optional, tag = "3")]
    pub(super) commit: Option<u64>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Recorded {
    #[prost(message, optional, tag = "1")]
    pub(super) id: Option<Id>,
    #[prost(message, optional, tag = "2")]
    pub(super) stream: Option<StreamName>,
    #[prost(uint64, tag = "3")]
    pub(super) revision: u64,
    #[prost(uint64, tag = "4")]
    pub(super) prepare: u64,
    #[prost(uint64, tag = "5")]
    pub(super) commit: u64,
    #[prost(map = "string, string", tag = "6")]
    pub(super) metadata: HashMap<String, String>,
    #[prost(bytes = "bytes", tag = "7")]
    pub(super) user_metadata: bytes::Bytes,
    #[prost(bytes = "bytes", tag = "8")]
    pub(super) data: bytes::Bytes,
}
