//! Loads, decides, appends; on a conflict decides again.
//!
//! - Commands on one stream queue up within the process, so a conflict comes from another one.
//! - A command whose id the stream holds already is answered as the first time.
//! - Any number of commands costs one append call; a conflict is the guilty stream's only.
//! - Of many streams some are read: if all of those are new, the others are taken for new as well.
//!   The append says where that is wrong, and there it is read and decided again.

use super::loading::{Loaded, Loader, PAGE_LENGTH};
use super::planning::{Kept, Plan, Planner};
use super::{Decided, DispatchError, Outcome};
use crate::clock::Clock;
use crate::context::CommandContext;
use crate::keyed::{KeyedGuard, KeyedLocks};
use crate::room::Room;
use dlcs_domain::Aggregate;
use dlcs_eventlog::log::StreamRead;
use dlcs_eventlog::{AppendError, EventLog, LogError, RecordedEvent, StreamId, StreamRevision};
use futures::FutureExt;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// Decisions of one command, at most.
const TRIES_MAX: u32 = 6;
/// Streams that are read together, and then decided one after the other.
const PART_LENGTH: usize = 1_024;
/// Of a part of at least `SAMPLED_FROM` streams one in `SAMPLED_EVERY` is read first.
const SAMPLED_FROM: usize = 256;
const SAMPLED_EVERY: usize = 16;

/// Which streams are read before they are decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reading {
    /// A sample of many; the others only if one of the sample has events.
    Sample,
    Every,
}

/// Executes commands against the log. Cheap to clone; clones share the queues.
#[derive(Clone)]
pub struct Executor {
    log: Arc<dyn EventLog>,
    clock: Arc<dyn Clock>,
    program_version: Arc<str>,
    queues: KeyedLocks,
    room: Room,
}

/// The commands on one stream, by their place in the call.
struct StreamWork {
    stream: StreamId,
    indexes: Vec<usize>,
}

type Command<A> = (CommandContext, String, <A as Aggregate>::Command);
type Planned<A, T> = (StreamWork, Result<Plan<A, T>, LogError>);

/// Commands that are decided and not appended yet. Dropped, they have not happened.
///
/// Of each outcome a `T` is kept: many whole ones take long to be written and to be freed.
pub struct Prepared<A: Aggregate, T> {
    commands: Vec<Command<A>>,
    keep: fn(Outcome<A>) -> T,
    answers: Vec<Option<Kept<A, T>>>,
    /// What waits for its append.
    decided: Vec<(StreamWork, Plan<A, T>)>,
    /// Holds the streams.
    queued: Vec<KeyedGuard>,
}

impl Executor {
    pub fn new(log: Arc<dyn EventLog>, clock: Arc<dyn Clock>, program_version: &str) -> Self {
        let (queues, room) = (KeyedLocks::default(), Room::default());
        Self { log, clock, program_version: program_version.into(), queues, room }
    }

    pub fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    pub fn log(&self) -> &dyn EventLog {
        &*self.log
    }

    /// Returns what is known of the room, to tell and to be told.
    pub fn room(&self) -> &Room {
        &self.room
    }

    /// Executes one command on the aggregate with this id.
    pub async fn execute<A: Aggregate>(
        &self,
        context: &CommandContext,
        id: &str,
        command: A::Command,
    ) -> Result<Decided, DispatchError<A::Error>> {
        Ok(self.execute_one::<A>(context, id, command).await?.decided)
    }

    /// Executes one command and returns the aggregate before and after it as well.
    pub async fn execute_one<A: Aggregate>(
        &self,
        context: &CommandContext,
        id: &str,
        command: A::Command,
    ) -> Result<Outcome<A>, DispatchError<A::Error>> {
        let commands = vec![(context.clone(), id.to_owned(), command)];
        let mut answers = self.execute_many::<A>(commands).await;
        answers.pop().expect("one command has one answer")
    }

    /// Executes one command that is made of something else, which is read together with the
    /// aggregate. `made` gives the command, or says why there is none.
    pub async fn execute_made<A: Aggregate, E>(
        &self,
        context: &CommandContext,
        id: &str,
        made: impl Future<Output = Result<A::Command, E>>,
    ) -> Result<Result<Decided, DispatchError<A::Error>>, E> {
        let stream = StreamId::new(A::CATEGORY, id);
        let queued = self.queues.lock(stream.as_str()).await;
        let page = self.log.read_stream(&stream, StreamRevision(0), PAGE_LENGTH);
        let (command, page) = futures::join!(made, page);
        let commands = vec![(context.clone(), id.to_owned(), command?)];
        let mut prepared = Prepared::of(commands, |_: Outcome<A>| ());
        prepared.queued.push(queued);
        if !self.has_no_room(&mut prepared) {
            let Prepared { commands, keep, answers, decided, .. } = &mut prepared;
            let work = by_stream::<A>(commands);
            let planned = self.plan_pages(commands, work, vec![page], *keep).await;
            planned.into_iter().for_each(|(work, plan)| sort(work, plan, answers, decided));
        }
        let (mut answers, _) = self.finish_many(prepared).await;
        let answer = answers.pop().expect("one command has one answer");
        Ok(answer.map(|(decided, ())| decided))
    }

    /// Executes commands, those on one stream in their order, and answers in their order.
    pub async fn execute_many<A: Aggregate>(
        &self,
        commands: Vec<Command<A>>,
    ) -> Vec<Result<Outcome<A>, DispatchError<A::Error>>> {
        let prepared = self.prepare_many::<A, _>(commands, |outcome| outcome).await;
        let (answers, _) = self.finish_many(prepared).await;
        let whole = |(decided, outcome)| Outcome { decided, ..outcome };
        answers.into_iter().map(|it| it.map(whole)).collect()
    }

    /// Decides commands, and lets others on their streams wait until they are finished.
    ///
    /// For many calls in a row: the next is prepared while this one is appended.
    pub async fn prepare_many<A: Aggregate, T: Send>(
        &self,
        commands: Vec<Command<A>>,
        keep: fn(Outcome<A>) -> T,
    ) -> Prepared<A, T> {
        let mut prepared = Prepared::of(commands, keep);
        if self.has_no_room(&mut prepared) {
            return prepared;
        }
        let work = by_stream::<A>(&prepared.commands);
        prepared.queued = self.queues.lock_all(work.iter().map(|it| it.stream.as_str())).await;
        self.decide(&mut prepared, work, Reading::Sample).await;
        prepared
    }

    /// Appends what was decided, deciding again where it must be, and answers in the order of the
    /// commands, which it gives back.
    pub async fn finish_many<A: Aggregate, T: Send>(
        &self,
        mut prepared: Prepared<A, T>,
    ) -> (Vec<Kept<A, T>>, Vec<Command<A>>) {
        let mut work = self.append(&mut prepared).await;
        for tried in 1..TRIES_MAX {
            if work.is_empty() {
                break;
            }
            tokio::time::sleep(pause(tried, self.clock.random())).await;
            self.decide(&mut prepared, work, Reading::Every).await;
            work = self.append(&mut prepared).await;
        }
        fail::fail_point!("commands.before-answer");
        let Prepared { answers, commands, queued, .. } = prepared;
        drop(queued);
        let answers = answers.into_iter().map(|it| it.unwrap_or(Err(DispatchError::Busy)));
        (answers.collect(), commands)
    }

    /// Refuses everything where there is no room for it.
    fn has_no_room<A: Aggregate, T>(&self, prepared: &mut Prepared<A, T>) -> bool {
        let makes_room = |(_, _, command): &Command<A>| A::makes_room(command);
        let is_refused = self.room.is_short() && !prepared.commands.iter().all(makes_room);
        if is_refused {
            let full = || Err(DispatchError::Full("there is hardly any room left".to_owned()));
            prepared.answers.fill_with(|| Some(full()));
        }
        is_refused
    }

    /// Loads one aggregate.
    pub async fn load<A: Aggregate>(&self, id: &str) -> Result<Loaded<A>, LogError> {
        let stream = StreamId::new(A::CATEGORY, id);
        let (loaded, _) = Loader::new(&stream, &[]).load(&*self.log).await?;
        Ok(loaded)
    }

    /// Returns what a repeatable command has brought about on one aggregate; `None`: nothing yet.
    ///
    /// For commands that need something of other streams, which may have gone since.
    pub async fn repeated<A: Aggregate>(
        &self,
        context: &CommandContext,
        id: &str,
    ) -> Result<Option<Outcome<A>>, DispatchError<A::Error>> {
        let stream = StreamId::new(A::CATEGORY, id);
        let (_, mut answers) = Loader::<A>::new(&stream, &[context]).load(&*self.log).await?;
        answers.remove(&0).transpose()
    }

    /// Loads and decides, all on one core: the log is written on another one, and this keeps ahead
    /// of it.
    async fn decide<A: Aggregate, T: Send>(
        &self,
        prepared: &mut Prepared<A, T>,
        work: Vec<StreamWork>,
        reading: Reading,
    ) {
        let Prepared { commands, keep, answers, decided, .. } = prepared;
        decided.reserve(work.len());
        let mut work = work.into_iter();
        loop {
            let part: Vec<_> = work.by_ref().take(PART_LENGTH).collect();
            if part.is_empty() {
                return;
            }
            // In a box: the futures that hold this one are nested deep already.
            let part = self.plan_part(commands, part, reading, *keep).boxed().await;
            part.into_iter().for_each(|(work, plan)| sort(work, plan, answers, decided));
            if work.len() > 0 {
                tokio::task::yield_now().await;
            }
        }
    }

    async fn plan_part<A: Aggregate, T: Send>(
        &self,
        commands: &[Command<A>],
        part: Vec<StreamWork>,
        reading: Reading,
        keep: fn(Outcome<A>) -> T,
    ) -> Vec<Planned<A, T>> {
        if reading == Reading::Every || !self.looks_new(&part).await {
            return self.plan_read(commands, part, keep).await;
        }
        let new = part.iter().map(|_| Ok(Vec::new())).collect();
        let planned = self.plan_pages(commands, part, new, keep).await;
        // What appends nothing is not told by its append whether the stream was new.
        let is_certain =
            |(_, plan): &Planned<A, T>| plan.as_ref().is_ok_and(|it| it.append.is_some());
        if planned.iter().all(is_certain) {
            return planned;
        }
        let (mut planned, unclear): (Vec<_>, Vec<_>) = planned.into_iter().partition(is_certain);
        let unclear = unclear.into_iter().map(|(work, _)| work).collect();
        planned.extend(self.plan_read(commands, unclear, keep).await);
        planned
    }

    async fn plan_read<A: Aggregate, T: Send>(
        &self,
        commands: &[Command<A>],
        part: Vec<StreamWork>,
        keep: fn(Outcome<A>) -> T,
    ) -> Vec<Planned<A, T>> {
        let pages = self.first_pages(&part).await;
        self.plan_pages(commands, part, pages, keep).await
    }

    async fn plan_pages<A: Aggregate, T: Send>(
        &self,
        commands: &[Command<A>],
        part: Vec<StreamWork>,
        pages: Vec<Result<Vec<RecordedEvent>, LogError>>,
        keep: fn(Outcome<A>) -> T,
    ) -> Vec<Planned<A, T>> {
        let mut planned = Vec::with_capacity(part.len());
        for (work, page) in part.into_iter().zip(pages) {
            let plan = match page {
                Ok(page) => self.plan(commands, &work, page, keep).await,
                Err(error) => Err(error),
            };
            planned.push((work, plan));
        }
        planned
    }

    /// Says whether these are many streams and none of a sample of them has an event.
    async fn looks_new(&self, part: &[StreamWork]) -> bool {
        if part.len() < SAMPLED_FROM {
            return false;
        }
        let sample = part.iter().step_by(SAMPLED_EVERY);
        let first_event = sample.map(|it| first_page(it, 1)).collect();
        let sample = self.log.read_streams(first_event).await;
        sample.iter().all(|it| it.as_ref().is_ok_and(Vec::is_empty))
    }

    /// Reads the first page of each stream. One alone is read together with those of other calls.
    async fn first_pages(&self, work: &[StreamWork]) -> Vec<Result<Vec<RecordedEvent>, LogError>> {
        if let [StreamWork { stream, .. }] = work {
            return vec![self.log.read_stream(stream, StreamRevision(0), PAGE_LENGTH).await];
        }
        let reads = work.iter().map(|it| first_page(it, PAGE_LENGTH));
        self.log.read_streams(reads.collect()).await
    }

    async fn plan<A: Aggregate, T>(
        &self,
        commands: &[Command<A>],
        work: &StreamWork,
        page: Vec<RecordedEvent>,
        keep: fn(Outcome<A>) -> T,
    ) -> Result<Plan<A, T>, LogError> {
        let contexts: Vec<_> = work.indexes.iter().map(|it| &commands[*it].0).collect();
        let loader = Loader::new(&work.stream, &contexts);
        let (loaded, known) = loader.load_after(page, &*self.log).await?;
        let planner = Planner {
            stream: &work.stream,
            program: &self.program_version,
            now_us: self.clock.now_us(),
            loaded,
        };
        let mut own = Vec::with_capacity(work.indexes.len());
        for index in &work.indexes {
            let (context, _, command) = &commands[*index];
            own.push((context, command.clone()));
        }
        Ok(planner.plan(own, known, keep).await)
    }

    /// Appends what is decided, and returns what must be decided again.
    async fn append<A: Aggregate, T>(&self, prepared: &mut Prepared<A, T>) -> Vec<StreamWork> {
        let mut waiting = std::mem::take(&mut prepared.decided);
        let appends: Vec<_> = waiting.iter_mut().filter_map(|(_, it)| it.append.take()).collect();
        if appends.is_empty() {
            return Vec::new();
        }
        let answers = &mut prepared.answers;
        let mut again = Vec::new();
        fail::fail_point!("commands.before-append");
        let appended = self.log.append(appends).await;
        fail::fail_point!("commands.after-append");
        debug_assert_eq!(appended.len(), waiting.len(), "the log answers every append");
        for (result, (work, plan)) in appended.into_iter().zip(waiting) {
            match result {
                Ok(appended) => {
                    self.room.written();
                    settle(&work, plan.appended(appended), answers);
                }
                // Another process was faster, with another command or with the same one.
                Err(AppendError::Conflict { .. } | AppendError::Duplicate { .. }) => {
                    again.push(work);
                }
                Err(AppendError::Invalid(text)) => {
                    settle(&work, plan.failed(&DispatchError::Damaged(text)), answers);
                }
                Err(AppendError::Log(error)) => {
                    if matches!(error, LogError::Full(_)) {
                        self.room.refused(self.clock.now_us());
                    }
                    settle(&work, plan.failed(&error.into()), answers);
                }
            }
        }
        again
    }
}

impl<A: Aggregate, T> Prepared<A, T> {
    /// Nothing is decided yet.
    fn of(commands: Vec<Command<A>>, keep: fn(Outcome<A>) -> T) -> Self {
        let answers = commands.iter().map(|_| None).collect();
        Self { commands, keep, answers, decided: Vec::new(), queued: Vec::new() }
    }
}

fn first_page(work: &StreamWork, limit: usize) -> StreamRead {
    StreamRead { stream: work.stream.clone(), from: StreamRevision(0), limit }
}

fn by_stream<A: Aggregate>(commands: &[Command<A>]) -> Vec<StreamWork> {
    let mut places: HashMap<&str, usize> = HashMap::with_capacity(commands.len());
    let mut work: Vec<StreamWork> = Vec::with_capacity(commands.len());
    for (index, (_, id, _)) in commands.iter().enumerate() {
        let place = *places.entry(id).or_insert(work.len());
        if place == work.len() {
            let stream = StreamId::new(A::CATEGORY, id);
            work.push(StreamWork { stream, indexes: vec![index] });
        } else {
            work[place].indexes.push(index);
        }
    }
    work
}

/// Puts what needs no append to the answers, and the rest where it waits for its append.
fn sort<A: Aggregate, T>(
    work: StreamWork,
    plan: Result<Plan<A, T>, LogError>,
    answers: &mut [Option<Kept<A, T>>],
    decided: &mut Vec<(StreamWork, Plan<A, T>)>,
) {
    match plan {
        Err(error) => fail(&work, &error.into(), answers),
        Ok(plan) if plan.append.is_none() => settle(&work, plan.answers, answers),
        Ok(plan) => decided.push((work, plan)),
    }
}

fn settle<R>(work: &StreamWork, results: Vec<R>, answers: &mut [Option<R>]) {
    for (index, result) in work.indexes.iter().zip(results) {
        answers[*index] = Some(result);
    }
}

fn fail<T, E: std::error::Error + Clone>(
    work: &StreamWork,
    error: &DispatchError<E>,
    answers: &mut [Option<Result<T, DispatchError<E>>>],
) {
    for index in &work.indexes {
        answers[*index] = Some(Err(error.clone()));
    }
}

/// Two processes that collide shall not do so again and again.
fn pause(tried: u32, random: u64) -> Duration {
    let window_ms = 2_u64 << tried;
    Duration::from_millis(1 + random % window_ms)
}
