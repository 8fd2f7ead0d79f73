//! What every adapter must pass. Each case panics with what was wrong.
//!
//! ```
//! # use dlcs_eventlog::{conformance, memory::{MemoryConsumers, MemoryLog}};
//! # let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
//! # runtime.block_on(async {
//! conformance::event_log(async |clock| MemoryLog::new(clock)).await;
//! conformance::consumer_store(async || MemoryConsumers::new()).await;
//! # });
//! ```

mod appends;
mod consumers;
mod imports;
mod races;
mod reads;

use crate::event::{EventId, NewEvent, Position, RecordedEvent, StreamId, StreamRevision};
use crate::import::LogImport;
use crate::log::{Append, AppendError, Appended, Clock, EventLog, Expected};
use std::sync::Arc;
use uuid::Uuid;

pub use consumers::consumer_store;

/// Runs every case for an event log. `make` gives an empty one that takes its time from `clock`.
pub async fn event_log<L: EventLog>(make: impl AsyncFn(Clock) -> L) {
    appends(&make).await;
    reads(&make).await;
    races(&make).await;
}

/// What is accepted, what is refused, and what is kept.
pub async fn appends<L: EventLog>(make: &impl AsyncFn(Clock) -> L) {
    appends::revisions_count_from_zero(&make(still()).await).await;
    appends::an_unexpected_revision_is_a_conflict(&make(still()).await).await;
    appends::a_conflict_fails_the_guilty_append_only(&make(still()).await).await;
    appends::appends_of_one_batch_see_each_other_in_order(&make(still()).await).await;
    appends::a_repeated_append_is_answered_with_the_first_one(&make(still()).await).await;
    appends::a_malformed_append_writes_nothing(&make(still()).await).await;
    appends::an_id_in_use_takes_nobody_along(&make(still()).await).await;
    appends::bytes_and_names_are_kept_as_they_are(&make(still()).await).await;
    appends::a_large_batch_is_kept(&make(still()).await).await;
    let (clock, hand) = jumping();
    appends::recorded_time_never_runs_backwards(&make(clock).await, &hand).await;
}

/// Pages, streams, the head and its hints.
pub async fn reads<L: EventLog>(make: &impl AsyncFn(Clock) -> L) {
    reads::an_empty_log_is_empty(&make(still()).await).await;
    reads::pages_join_to_the_whole(&make(still()).await).await;
    reads::a_stream_is_read_from_a_revision_on(&make(still()).await).await;
    reads::a_page_of_a_stream_is_short_only_at_its_end(&make(still()).await).await;
    reads::streams_that_are_read_at_once_are_not_mixed_up(&make(still()).await).await;
    reads::the_head_is_the_last_position(&make(still()).await).await;
    reads::hints_follow_the_head(&make(still()).await).await;
}

/// Taking over a history. `make` gives an empty store: what takes over, and what opens the log for
/// writing afterwards.
pub async fn log_import<I: LogImport, L: EventLog, O: AsyncFn() -> L>(
    make: impl AsyncFn() -> (I, O),
) {
    let (import, log) = make().await;
    imports::what_is_taken_over_is_what_it_was(log, &import).await;
    let (import, log) = make().await;
    imports::what_does_not_follow_is_refused(log, &import).await;
}

/// Many at once: the order that readers see, and who wins.
pub async fn races<L: EventLog>(make: &impl AsyncFn(Clock) -> L) {
    races::a_tailing_reader_never_skips(make(still()).await).await;
    races::one_writer_wins_each_revision(make(still()).await).await;
    races::an_append_sent_many_times_at_once_is_written_once(make(still()).await).await;
}

const NOW_US: i64 = 1_700_000_000_000_000;

fn still() -> Clock {
    Arc::new(|| NOW_US)
}

/// A clock and the hand that sets it.
fn jumping() -> (Clock, Arc<std::sync::atomic::AtomicI64>) {
    let hand = Arc::new(std::sync::atomic::AtomicI64::new(NOW_US));
    let read = Arc::clone(&hand);
    (Arc::new(move || read.load(std::sync::atomic::Ordering::SeqCst)), hand)
}

fn event(text: &str) -> NewEvent {
    NewEvent {
        event_id: EventId(Uuid::now_v7()),
        type_name: "test.happened".into(),
        schema_version: 1,
        payload: format!(r#"{{"text":"{text}"}}"#).into(),
        metadata: "{}".into(),
    }
}

fn append(stream: &str, expected: Expected, texts: &[&str]) -> Append {
    let events = texts.iter().map(|text| event(text)).collect();
    Append { stream: StreamId::new("test", stream), expected, events }
}

fn revision(revision: u64) -> Expected {
    Expected::Revision(StreamRevision(revision))
}

/// Sends one append and returns its answer.
async fn send(log: &impl EventLog, append: Append) -> Result<Appended, AppendError> {
    let mut answers = log.append(vec![append]).await;
    assert_eq!(answers.len(), 1, "one answer for each append");
    answers.remove(0)
}

async fn sent(log: &impl EventLog, append: Append) -> Appended {
    send(log, append).await.expect("the append is accepted")
}

async fn read_everything(log: &impl EventLog) -> Vec<RecordedEvent> {
    log.read_all(Position::START, 1_000_000).await.expect("the log can be read")
}

async fn read_stream(log: &impl EventLog, stream: &StreamId) -> Vec<RecordedEvent> {
    let read = log.read_stream(stream, StreamRevision(0), 1_000_000).await;
    read.expect("the stream can be read")
}
