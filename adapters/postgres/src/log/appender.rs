//! The one task of this process that appends: it takes everything that waits, commits it
//! together, answers.
//!
//! What became of a commit without an answer is found out by event ids, under the lock.

use super::decide::{Counter, HashMap, LookUp, Open, State};
use super::hints::{self, raise};
use super::log_error;
use super::queue::{Answered, Answers, Batch, Queue, REQUESTS_MAX, Request, refuse};
use super::session::{Session, WriteError};
use crate::connection::{Database, DatabaseError, ErrorKind, Retry};
use dlcs_eventlog::log::Clock;
use dlcs_eventlog::{Append, AppendError, Appended, Position, StreamRevision};
use lru::LruCache;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot, watch};

const HEADS_MAX: NonZeroUsize = NonZeroUsize::new(65_536).expect("is not zero");
/// Of a larger batch nobody will append to most streams soon: only what is known is kept up.
const HEADS_KEPT_OF_BATCH: usize = 1_024;
/// A transaction that takes longer has lost its connection, whatever the network says.
const TRANSACTION_TIMEOUT: Duration = Duration::from_secs(30);
/// How long it is tried to find out what became of a commit.
const RESOLVE_FOR: Duration = Duration::from_secs(5);

/// Handle of the appender's thread.
pub(super) struct Appender {
    /// `None` only while it is dropped.
    requests: Option<mpsc::Sender<Request>>,
    thread: Option<JoinHandle<()>>,
}

impl Appender {
    /// Starts the thread, which also raises `head` when others append.
    pub(super) fn start(
        database: Database,
        clock: Clock,
        head: Arc<watch::Sender<Position>>,
    ) -> Self {
        let (requests, waiting) = mpsc::channel(REQUESTS_MAX);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime can be made while the server starts");
        let thread = std::thread::Builder::new()
            .name("log-appender".into())
            .spawn(move || {
                runtime.spawn(hints::follow(database.clone(), Arc::clone(&head)));
                runtime.block_on(Writer::new(database, clock, head).run(Queue::new(waiting)));
            })
            .expect("a thread can be started while the server starts");
        Self { requests: Some(requests), thread: Some(thread) }
    }

    pub(super) async fn append(&self, appends: Vec<Append>) -> Answers {
        if appends.is_empty() {
            return Vec::new();
        }
        let count = appends.len();
        let (answer, answered) = oneshot::channel();
        let requests = self.requests.as_ref().expect("is there until it is dropped");
        if requests.send(Request { appends, answer }).await.is_err() {
            return refuse(count, "its appender has ended");
        }
        // Without an answer nobody knows whether it was committed; event ids make a retry safe.
        let answered = answered.await;
        answered.map_or_else(|_| refuse(count, "its appender has ended"), |it| it.answers)
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

struct Writer {
    database: Database,
    clock: Clock,
    head: Arc<watch::Sender<Position>>,
    /// `None` before the first transaction, and after one that failed.
    session: Option<Session>,
    cache: Cache,
}

/// Heads of streams, true as long as the counter stands where this process left it.
struct Cache {
    counter: Option<Counter>,
    heads: LruCache<String, StreamRevision>,
}

/// Where each append was about to be recorded by a commit that was not answered.
type Planned = Vec<Option<Appended>>;

impl Writer {
    fn new(database: Database, clock: Clock, head: Arc<watch::Sender<Position>>) -> Self {
        let cache = Cache { counter: None, heads: LruCache::new(HEADS_MAX) };
        Self { database, clock, head, session: None, cache }
    }

    async fn run(mut self, mut queue: Queue) {
        while let Some(mut batch) = queue.next().await {
            match self.commit_together(&mut batch, Some(&mut queue)).await {
                Ok(answers) => answer(batch.requests, answers),
                // One that cannot be stored takes nobody along.
                Err(error) if error.kind() == ErrorKind::Other => {
                    self.one_by_one(batch.requests).await;
                }
                Err(error) => give_up(batch.requests, &error),
            }
        }
    }

    async fn one_by_one(&mut self, requests: Vec<Request>) {
        for request in requests {
            let mut batch = Batch::of(request);
            match self.commit_together(&mut batch, None).await {
                Ok(answers) => answer(batch.requests, answers),
                Err(error) => give_up(batch.requests, &error),
            }
        }
    }

    /// Tries until it is written, or for a bounded time. Who waits in `queue` may come along.
    async fn commit_together(
        &mut self,
        batch: &mut Batch,
        mut queue: Option<&mut Queue>,
    ) -> Result<Answers, DatabaseError> {
        let mut planned = None;
        let mut retry: Option<Retry> = None;
        let mut look_up = LookUp::WhatIsOpen;
        loop {
            let attempt = self.attempt(batch, queue.as_deref_mut(), look_up, &mut planned);
            let error = match tokio::time::timeout(TRANSACTION_TIMEOUT, attempt).await {
                Ok(Ok(answers)) => return Ok(answers),
                Ok(Err(error)) => error,
                Err(_) => DatabaseError::NoConnection("a transaction was not answered".into()),
            };
            self.session = None;
            let is_first = look_up == LookUp::WhatIsOpen;
            // From now on something may be there already: a stream, an event, a lost commit.
            look_up = LookUp::Everything;
            if is_first && error.is_taken() {
                continue;
            }
            metrics::counter!("dlcs_log_failed_transactions_total").increment(1);
            tracing::warn!(%error, "a transaction of the event log failed: {error}");
            let retry = retry.get_or_insert_default();
            if planned.is_some() {
                retry.last_at_least(RESOLVE_FOR);
            }
            if !retry.again(error.kind()).await {
                return Err(match planned {
                    Some(_) => unsure(&error),
                    None => error,
                });
            }
        }
    }

    /// One transaction. `planned` is set while its outcome is not known.
    async fn attempt(
        &mut self,
        batch: &mut Batch,
        queue: Option<&mut Queue>,
        look_up: LookUp,
        planned: &mut Option<Planned>,
    ) -> Result<Answers, DatabaseError> {
        let session = match self.session.take() {
            Some(session) => session,
            None => Session::open(&self.database).await?,
        };
        fail::fail_point!("postgres.log.before-append");
        let counter = session.begin().await?;
        if let Some(queue) = queue {
            queue.drain(batch);
        }
        let appends = batch.appends();
        let mut state = self.look_up(&session, counter, &appends, look_up).await?;
        let before = state.counter;
        let mut rows = Vec::with_capacity(appends.len());
        state.events.reserve(appends.len());
        let answers: Answers =
            appends.iter().map(|it| state.append(it, &self.clock, &mut rows)).collect();
        // The lock is ours, so an earlier attempt has ended: what it wrote was looked up.
        let earlier = planned.take();
        if rows.is_empty() {
            session.roll_back().await?;
        } else {
            *planned = Some(answers.iter().map(|it| it.as_ref().ok().copied()).collect());
            fail::fail_point!("postgres.log.before-commit");
            let started = Instant::now();
            session.commit(&rows, &state.counter).await.map_err(|failed| {
                let WriteError { error, is_unsure } = failed;
                if !is_unsure {
                    *planned = None;
                }
                error
            })?;
            fail::fail_point!("postgres.log.after-commit");
            *planned = None;
            measure(started.elapsed(), rows.len());
        }
        let (counter, heads) = (state.counter, state.heads);
        self.cache.keep(before, counter, heads);
        raise(&self.head, Position(counter.position));
        self.session = Some(session);
        Ok(resolve(answers, earlier))
    }

    /// Learns what the appends are decided on, now that nobody else appends.
    async fn look_up<'a>(
        &mut self,
        session: &Session,
        counter: Counter,
        appends: &[&'a Append],
        look_up: LookUp,
    ) -> Result<State<'a>, DatabaseError> {
        let open = Open::of(appends, look_up);
        if self.cache.counter != Some(counter) {
            // Another process has appended.
            self.cache.heads.clear();
        }
        let is_missing = |it: &&&str| !self.cache.heads.contains(**it);
        let missing: Vec<&str> = open.names.iter().filter(is_missing).copied().collect();
        let (heads, mut events) = futures::try_join!(
            session.look_up_heads(&missing),
            session.look_up_events(&open.ids),
        )?;
        let mut known: HashMap<&'a str, StreamRevision> = HashMap::default();
        known.reserve(appends.len());
        for append in appends {
            let name = append.stream.as_str();
            let head = heads.get(name).or_else(|| self.cache.heads.get(name));
            known.extend(head.map(|head| (name, *head)));
        }
        // Refused, unless one of them is there already: an append that came twice.
        let ids = open.unexpected(appends, &known);
        events.extend(session.look_up_events(&ids).await?);
        Ok(State { counter, heads: known, events })
    }
}

impl Cache {
    fn keep(&mut self, before: Counter, counter: Counter, heads: HashMap<&str, StreamRevision>) {
        if self.counter != Some(before) {
            self.heads.clear();
        }
        self.counter = Some(counter);
        let is_bulk = heads.len() > HEADS_KEPT_OF_BATCH;
        for (name, head) in heads {
            match self.heads.peek_mut(name) {
                Some(known) => *known = head,
                None if is_bulk => {}
                None => drop(self.heads.put(name.to_owned(), head)),
            }
        }
    }
}

/// What an attempt without an answer did write is no duplicate to whoever sent it once.
fn resolve(mut answers: Answers, planned: Option<Planned>) -> Answers {
    for (answer, planned) in answers.iter_mut().zip(planned.into_iter().flatten()) {
        if let Err(AppendError::Duplicate { appended }) = answer
            && planned == Some(*appended)
        {
            *answer = Ok(*appended);
        }
    }
    answers
}

fn unsure(error: &DatabaseError) -> DatabaseError {
    DatabaseError::NoConnection(format!(
        "the connection was lost during a commit and it is not known whether it was done; the \
         same event ids make it safe to repeat: {error}"
    ))
}

fn measure(elapsed: Duration, events: usize) {
    metrics::histogram!("dlcs_log_commit_seconds").record(elapsed);
    metrics::histogram!("dlcs_log_append_batch_events").record(events as f64);
    metrics::counter!("dlcs_log_appended_events_total").increment(events as u64);
}

fn answer(requests: Vec<Request>, answers: Answers) {
    let mut answers = answers.into_iter();
    for request in requests {
        let own = answers.by_ref().take(request.appends.len()).collect();
        // A caller that went away does not want to know.
        let _ = request.answer.send(Answered { answers: own, _appends: request.appends });
    }
}

fn give_up(requests: Vec<Request>, error: &DatabaseError) {
    tracing::error!(%error, "cannot append to the event log: {error}");
    for request in requests {
        let refusals = request.appends.iter().map(|_| Err(log_error(error).into()));
        let answers = refusals.collect();
        let _ = request.answer.send(Answered { answers, _appends: request.appends });
    }
}
