//! The port's suite, on the double and on a real server where there is one.

mod address;
mod faults;
mod layout;
mod real;

use crate::testing::Double;
use crate::{KurrentLog, Waits};
use async_trait::async_trait;
use dlcs_eventlog::conformance;
use dlcs_eventlog::log::{Clock, LogError, StreamRead};
use dlcs_eventlog::{
    Append, AppendError, Appended, EventLog, Position, RecordedEvent, StreamId, StreamRevision,
};
use tokio::sync::watch;

/// A log with the server that is its own.
struct OnDouble {
    log: KurrentLog,
    _server: Double,
}

#[async_trait]
impl EventLog for OnDouble {
    async fn append(&self, batch: Vec<Append>) -> Vec<Result<Appended, AppendError>> {
        self.log.append(batch).await
    }

    async fn read_stream(
        &self,
        stream: &StreamId,
        from: StreamRevision,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, LogError> {
        self.log.read_stream(stream, from, limit).await
    }

    async fn read_streams(
        &self,
        reads: Vec<StreamRead>,
    ) -> Vec<Result<Vec<RecordedEvent>, LogError>> {
        self.log.read_streams(reads).await
    }

    async fn read_all(
        &self,
        after: Position,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, LogError> {
        self.log.read_all(after, limit).await
    }

    async fn head(&self) -> Result<Position, LogError> {
        self.log.head().await
    }

    fn head_hints(&self) -> watch::Receiver<Position> {
        self.log.head_hints()
    }
}

async fn on_double(clock: Clock) -> OnDouble {
    let server = Double::start(clock).await;
    let log = KurrentLog::open(&server.url(), Waits::default()).await.expect("it opens");
    OnDouble { log, _server: server }
}

#[tokio::test(flavor = "multi_thread")]
async fn appends_are_as_the_port_promises() {
    conformance::appends(&on_double).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_are_as_the_port_promises() {
    conformance::reads(&on_double).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn races_are_as_the_port_promises() {
    conformance::races(&on_double).await;
}
