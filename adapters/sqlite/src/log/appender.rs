//! The one thread that writes: it takes everything that waits, commits it together, answers.
//!
//! No delay is added: while one commit is on its way to the disk, the next batch gathers, and who
//! comes while that is being written comes along.

use super::append::{INSERT_EVENT, LookUp, State, is_taken};
use super::log_error;
use crate::connection::abort_on_io_error;
use crate::wal::Checkpointer;
use dlcs_eventlog::log::Clock;
use dlcs_eventlog::{Append, AppendError, Appended, LogError, Position};
use rusqlite::Connection;
use std::thread::JoinHandle;
use std::time::Instant;
use tokio::sync::{mpsc, oneshot, watch};

/// Callers beyond this number wait for a place in the queue.
const REQUESTS_MAX: usize = 4_096;
/// A transaction takes no further request once it has this many events or bytes.
const EVENTS_PER_TRANSACTION: usize = 10_000;
const BYTES_PER_TRANSACTION: usize = 32 << 20;
/// Pages in the WAL from which on they are copied into the database.
const CHECKPOINT_PAGES: i64 = 8_000;
/// When about so much has been written it is looked how far the WAL has grown: to look after each
/// small transaction takes longer than to write an event. An event is its bytes and two pages.
const UNTENDED_BYTES_MAX: usize = 2 << 20;
const BYTES_BESIDE_EVENT: usize = 4_096;

type Answers = Vec<Result<Appended, AppendError>>;

struct Request {
    appends: Vec<Append>,
    answer: oneshot::Sender<Answers>,
}

/// Handle of the writer thread.
pub(super) struct Appender {
    /// `None` only while it is dropped.
    requests: Option<mpsc::Sender<Request>>,
    thread: Option<JoinHandle<()>>,
}

impl Appender {
    /// Starts the thread; the receiver follows the head of the log.
    pub(super) fn start(
        connection: Connection,
        checkpointer: Checkpointer,
        clock: Clock,
    ) -> rusqlite::Result<(Self, watch::Receiver<Position>)> {
        let state = State::load(&connection)?;
        let (head, hints) = watch::channel(state.head());
        let (requests, waiting) = mpsc::channel(REQUESTS_MAX);
        let writer =
            Writer { connection, checkpointer, untended_bytes: 0, clock, state: Some(state), head };
        let thread = std::thread::Builder::new()
            .name("log-appender".into())
            .spawn(move || writer.run(waiting))
            .expect("a thread can be started while the server starts");
        Ok((Self { requests: Some(requests), thread: Some(thread) }, hints))
    }

    pub(super) async fn append(&self, appends: Vec<Append>) -> Answers {
        if appends.is_empty() {
            return Vec::new();
        }
        let count = appends.len();
        let (answer, answered) = oneshot::channel();
        let requests = self.requests.as_ref().expect("is there until it is dropped");
        if requests.send(Request { appends, answer }).await.is_err() {
            return refuse(count, "its writer has ended");
        }
        // Without an answer nobody knows whether it was committed; event ids make a retry safe.
        answered.await.unwrap_or_else(|_| refuse(count, "its writer has ended"))
    }
}

impl Drop for Appender {
    fn drop(&mut self) {
        self.requests = None;
        if let Some(thread) = self.thread.take() {
            // It ends by itself when the queue is empty; a panic there has been reported.
            let _ = thread.join();
        }
    }
}

/// Answers a whole batch with the same refusal.
pub(super) fn refuse(count: usize, reason: &str) -> Answers {
    let refusal = || Err(LogError::Unavailable(reason.to_owned()).into());
    std::iter::repeat_with(refusal).take(count).collect()
}

struct Writer {
    connection: Connection,
    checkpointer: Checkpointer,
    untended_bytes: usize,
    clock: Clock,
    /// `None` after a transaction was lost: loaded again by the next one.
    state: Option<State>,
    head: watch::Sender<Position>,
}

impl Writer {
    fn run(mut self, mut waiting: mpsc::Receiver<Request>) {
        while let Some(first) = waiting.blocking_recv() {
            let mut batch = Batch::default();
            batch.push(first);
            batch.drain(&mut waiting);
            self.untended_bytes += self.commit_together(batch, &mut waiting);
            if self.untended_bytes >= UNTENDED_BYTES_MAX {
                self.checkpointer.tend(&self.connection, CHECKPOINT_PAGES);
                self.untended_bytes = 0;
            }
        }
    }

    /// Returns how many bytes that was, about.
    fn commit_together(
        &mut self,
        mut batch: Batch,
        waiting: &mut mpsc::Receiver<Request>,
    ) -> usize {
        let mut written = self.transaction(&mut batch, waiting, LookUp::WhatIsOpen);
        if written.as_ref().is_err_and(is_taken) {
            self.roll_back();
            written = self.transaction(&mut batch, waiting, LookUp::Everything);
        }
        let Batch { requests, events, bytes } = batch;
        match written {
            Ok(answers) => {
                if let Some(state) = &self.state {
                    self.head.send_replace(state.head());
                }
                for (request, answers) in requests.into_iter().zip(answers) {
                    // A caller that went away does not want to know.
                    let _ = request.answer.send(answers);
                }
            }
            Err(error) => {
                self.give_up(&error);
                for request in requests {
                    let refusals = request.appends.iter().map(|_| Err(log_error(&error).into()));
                    let _ = request.answer.send(refusals.collect());
                }
            }
        }
        bytes + events * BYTES_BESIDE_EVENT
    }

    fn transaction(
        &mut self,
        batch: &mut Batch,
        waiting: &mut mpsc::Receiver<Request>,
        look_up: LookUp,
    ) -> rusqlite::Result<Vec<Answers>> {
        fail::fail_point!("log.before-append");
        self.connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        let mut state = match self.state.take() {
            Some(state) if !state.is_stale(&self.connection)? => state,
            _ => State::load(&self.connection)?,
        };
        let head_before = state.head();
        let mut answers = Vec::with_capacity(batch.requests.len());
        let connection = &self.connection;
        let mut insert = connection.prepare_cached(INSERT_EVENT)?;
        while let Some(request) = batch.requests.get(answers.len()) {
            let appends = request.appends.iter();
            let written =
                appends.map(|it| state.append(connection, &mut insert, it, &self.clock, look_up));
            answers.push(written.collect::<rusqlite::Result<Answers>>()?);
            if answers.len() == batch.requests.len() {
                batch.drain(waiting);
            }
        }
        drop(insert);
        fail::fail_point!("log.before-commit");
        let events = state.head().0 - head_before.0;
        self.commit(events)?;
        fail::fail_point!("log.after-commit");
        self.state = Some(state);
        Ok(answers)
    }

    fn commit(&self, events: u64) -> rusqlite::Result<()> {
        let started = Instant::now();
        let committed = self.connection.prepare_cached("COMMIT")?.execute([]);
        if let Err(error) = &committed {
            abort_on_io_error("commit of the event log", error);
        }
        committed?;
        if events > 0 {
            metrics::histogram!("dlcs_log_commit_seconds").record(started.elapsed());
            metrics::histogram!("dlcs_log_append_batch_events").record(events as f64);
            metrics::counter!("dlcs_log_appended_events_total").increment(events);
        }
        Ok(())
    }

    fn give_up(&mut self, error: &rusqlite::Error) {
        tracing::error!(%error, "cannot append to the event log: {error}");
        metrics::counter!("dlcs_log_failed_transactions_total").increment(1);
        self.roll_back();
    }

    fn roll_back(&mut self) {
        self.state = None;
        // After some errors SQLite has rolled back already.
        if !self.connection.is_autocommit()
            && let Err(error) = self.connection.execute_batch("ROLLBACK")
        {
            tracing::error!(%error, "cannot roll back: {error}");
        }
    }
}

/// Requests that are committed together.
#[derive(Default)]
struct Batch {
    requests: Vec<Request>,
    events: usize,
    bytes: usize,
}

impl Batch {
    /// Adds what waits by now, up to the limits of a transaction.
    fn drain(&mut self, waiting: &mut mpsc::Receiver<Request>) {
        while self.events < EVENTS_PER_TRANSACTION
            && self.bytes < BYTES_PER_TRANSACTION
            && let Ok(request) = waiting.try_recv()
        {
            self.push(request);
        }
    }

    fn push(&mut self, request: Request) {
        for event in request.appends.iter().flat_map(|append| &append.events) {
            self.events += 1;
            self.bytes += event.payload.len() + event.metadata.len();
        }
        self.requests.push(request);
    }
}
