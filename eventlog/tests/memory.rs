//! The in-memory references pass the suite that they are the reference of; wrong logs do not.

use async_trait::async_trait;
use dlcs_eventlog::conformance;
use dlcs_eventlog::memory::{MemoryConsumers, MemoryLog};
use dlcs_eventlog::{
    Append, AppendError, Appended, EventLog, Expected, LogError, Position, RecordedEvent, StreamId,
    StreamRevision,
};
use tokio::sync::watch;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_event_log_conforms() {
    conformance::event_log(async |clock| MemoryLog::new(clock)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_consumer_store_conforms() {
    conformance::consumer_store(async || MemoryConsumers::new()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[should_panic(expected = "a reader skipped")]
async fn a_log_that_shows_a_later_event_first_is_found_out() {
    conformance::races(&async |clock| Wrong::new(MemoryLog::new(clock), Fault::ShowsLaterFirst))
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[should_panic(expected = "winners of revision 0")]
async fn a_log_that_ignores_what_is_expected_is_found_out() {
    conformance::races(&async |clock| Wrong::new(MemoryLog::new(clock), Fault::ExpectsAnything))
        .await;
}

/// A log with a fault, to prove that the suite sees it.
struct Wrong {
    inner: MemoryLog,
    fault: Fault,
}

#[derive(PartialEq, Eq)]
enum Fault {
    /// Like positions from a sequence, given before the commit.
    ShowsLaterFirst,
    ExpectsAnything,
}

impl Wrong {
    fn new(inner: MemoryLog, fault: Fault) -> Self {
        Self { inner, fault }
    }
}

#[async_trait]
impl EventLog for Wrong {
    async fn append(&self, mut batch: Vec<Append>) -> Vec<Result<Appended, AppendError>> {
        if self.fault == Fault::ExpectsAnything {
            batch.iter_mut().for_each(|append| append.expected = Expected::Any);
        }
        self.inner.append(batch).await
    }

    async fn read_stream(
        &self,
        stream: &StreamId,
        from: StreamRevision,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, LogError> {
        self.inner.read_stream(stream, from, limit).await
    }

    async fn read_all(
        &self,
        after: Position,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, LogError> {
        let mut page = self.inner.read_all(after, limit).await?;
        let is_at_the_head = 2 <= page.len() && page.len() < limit && limit < 10_000;
        if self.fault == Fault::ShowsLaterFirst && is_at_the_head {
            page.remove(page.len() - 2);
        }
        Ok(page)
    }

    async fn head(&self) -> Result<Position, LogError> {
        self.inner.head().await
    }

    fn head_hints(&self) -> watch::Receiver<Position> {
        self.inner.head_hints()
    }
}
