//! The work that is known and not finished. Pure: no clock, no task, no store.
//!
//! - One entry for each asset; the newest event wins.
//! - An entry's position is that of the event that would open it again after a restart. What was
//!   recorded up to there is taken into account and not looked at a second time.
//! - Customers take turns, so that one with a million images does not hold up the others.
//! - What has priority passes what has not, but for one turn in four: nothing waits for ever.

use crate::work::{Cause, Change, Signal};
use dlcs_domain::batch::Queue;
use dlcs_domain::{AssetId, CustomerId};
use dlcs_eventlog::Position;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

/// One of so many turns is given to what has no priority first.
const ORDINARY_TURN: u64 = 4;

/// Counts runs within a process, so that a late word of an old run is not mistaken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Run(u64);

/// A run that may begin now.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    pub(crate) run: Run,
    pub(crate) asset: AssetId,
    pub(crate) generation: Option<u32>,
    pub(crate) cause: Cause,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Its last event, at this position, says how it goes on.
    Recorded { position: Position, next: Next },
    /// Nothing was recorded; the asset's state says how it goes on.
    NothingToDo { next: Next },
    /// It could not be finished.
    Troubled { retry_at_us: i64 },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    Nothing,
    At { due_us: i64 },
}

#[derive(Debug)]
struct Entry {
    generation: Option<u32>,
    queue: Queue,
    cause: Cause,
    position: Position,
    phase: Phase,
    /// Runs in a row that ended in trouble.
    troubles: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Ready,
    Waiting {
        due_us: i64,
    },
    Running {
        run: Run,
        is_started: bool,
        newer: Option<Newer>,
    },
    /// Finished; kept until its last event has been read.
    Finished,
}

/// An opening event that was read while it was not yet known where the run begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Newer {
    generation: Option<u32>,
    position: Position,
    cause: Cause,
}

/// What is ready, customers in turn.
#[derive(Debug, Default)]
struct Line {
    ready: BTreeMap<CustomerId, VecDeque<AssetId>>,
    turns: VecDeque<CustomerId>,
}

/// All pending work.
#[derive(Debug)]
pub(crate) struct Pending {
    entries: HashMap<AssetId, Entry>,
    ordinary: Line,
    priority: Line,
    waiting: BTreeSet<(i64, AssetId)>,
    /// By the position of their last events.
    finished: BTreeSet<(Position, AssetId)>,
    finished_max: usize,
    /// How far the log has been read.
    read: Position,
    runs: u64,
}

impl Pending {
    /// Begins to read after `checkpoint`.
    ///
    /// At most `finished_max` assets are remembered as finished while the log is read up to there;
    /// of others it is asked again what there is to do, and there is nothing.
    pub(crate) fn after(checkpoint: Position, finished_max: usize) -> Self {
        Self {
            entries: HashMap::new(),
            ordinary: Line::default(),
            priority: Line::default(),
            waiting: BTreeSet::new(),
            finished: BTreeSet::new(),
            finished_max,
            read: checkpoint,
            runs: 0,
        }
    }

    /// Counts what is ready or running.
    pub(crate) fn active(&self) -> usize {
        self.entries.len() - self.waiting.len() - self.finished.len()
    }

    /// Counts what waits for its time.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    pub(crate) fn read_up_to(&self) -> Position {
        self.read
    }

    /// Returns the position up to which nothing is unfinished.
    pub(crate) fn low_watermark(&self) -> Position {
        let before = |entry: &Entry| Position(entry.position.0.saturating_sub(1));
        self.entries.values().map(before).min().unwrap_or(self.read).min(self.read)
    }

    /// Takes note of a signal. Returns the run that has become pointless, if there is one.
    pub(crate) fn take(&mut self, signal: &Signal) -> Option<Run> {
        let entry = self.entries.get(&signal.asset);
        if entry.is_some_and(|entry| signal.position <= entry.position) {
            return None;
        }
        match (signal.change, entry.map(|entry| entry.phase)) {
            (Change::Cancelled, phase) => {
                self.remove(&signal.asset);
                phase.and_then(Phase::run)
            }
            (
                Change::Opened { generation, queue },
                Some(Phase::Running { run, is_started: false, .. }),
            ) => {
                self.raise(&signal.asset, queue);
                let (position, cause) = (signal.position, signal.cause);
                let newer = Some(Newer { generation, position, cause });
                self.put(&signal.asset, Phase::Running { run, is_started: false, newer });
                None
            }
            // Not known whether it is our own start: the run will say.
            (Change::Started, Some(Phase::Running { is_started: false, .. })) => None,
            // The run's own ending says the same.
            (Change::Postponed { .. } | Change::Settled, Some(Phase::Running { .. })) => None,
            (Change::Settled, _) => {
                self.remove(&signal.asset);
                None
            }
            (Change::Postponed { due_us }, _) => {
                self.open(signal, Phase::Waiting { due_us });
                None
            }
            (Change::Opened { .. } | Change::Started, phase) => {
                self.open(signal, Phase::Ready);
                phase.and_then(Phase::run)
            }
        }
    }

    /// Notes that everything up to a position has been taken.
    pub(crate) fn has_read(&mut self, position: Position) {
        self.read = position;
        while self.finished.first().is_some_and(|(last, _)| *last <= position) {
            let (_, asset) = self.finished.pop_first().expect("there is a first one");
            self.entries.remove(&asset);
        }
    }

    /// Returns the work whose turn it is.
    pub(crate) fn next(&mut self, now_us: i64) -> Option<Order> {
        self.wake(now_us);
        let number = self.runs + 1;
        let (first, second) = match number.is_multiple_of(ORDINARY_TURN) {
            true => (&mut self.ordinary, &mut self.priority),
            false => (&mut self.priority, &mut self.ordinary),
        };
        let asset = first.next(&self.entries).or_else(|| second.next(&self.entries))?;
        let entry = self.entries.get(&asset)?;
        self.runs = number;
        let run = Run(number);
        let (generation, cause) = (entry.generation, entry.cause);
        self.put(&asset, Phase::Running { run, is_started: false, newer: None });
        Some(Order { run, asset, generation, cause })
    }

    /// Notes where a run began. Returns it if a newer event has made it pointless.
    pub(crate) fn started(&mut self, asset: &AssetId, run: Run, at: Position) -> Option<Run> {
        let entry = self.entry_of(asset, run)?;
        let Phase::Running { newer, .. } = entry.phase else { return None };
        if let Some(newer) = newer.filter(|newer| newer.position > at) {
            entry.renew(newer);
            self.put(asset, Phase::Ready);
            return Some(run);
        }
        entry.position = entry.position.max(at);
        self.put(asset, Phase::Running { run, is_started: true, newer: None });
        None
    }

    /// Notes how a run ended.
    pub(crate) fn ended(&mut self, asset: &AssetId, run: Run, ending: Ending) {
        let read = self.read;
        let Some(entry) = self.entry_of(asset, run) else { return };
        let next = match ending {
            Ending::Recorded { position, next } => {
                entry.position = entry.position.max(position);
                next
            }
            Ending::NothingToDo { next } => next,
            Ending::Troubled { retry_at_us } => {
                entry.troubles += 1;
                self.put(asset, Phase::Waiting { due_us: retry_at_us });
                return;
            }
        };
        entry.troubles = 0;
        if let Some(newer) = entry.phase.unseen_by(ending) {
            entry.renew(newer);
            self.put(asset, Phase::Ready);
            return;
        }
        let is_ahead = matches!(ending, Ending::Recorded { .. }) && entry.position > read;
        let has_room = self.finished.len() < self.finished_max;
        match next {
            Next::At { due_us } => self.put(asset, Phase::Waiting { due_us }),
            Next::Nothing if is_ahead && has_room => self.put(asset, Phase::Finished),
            Next::Nothing => self.remove(asset),
        }
    }

    /// Forgets an asset whose work cannot be done.
    pub(crate) fn give_up(&mut self, asset: &AssetId, run: Run) {
        if self.entry_of(asset, run).is_some() {
            self.remove(asset);
        }
    }

    /// Counts the runs in a row that ended in trouble.
    pub(crate) fn troubles(&self, asset: &AssetId) -> u32 {
        self.entries.get(asset).map_or(0, |entry| entry.troubles)
    }

    pub(crate) fn position_of(&self, asset: &AssetId) -> Option<Position> {
        self.entries.get(asset).map(|entry| entry.position)
    }

    /// Says whether it was found further on than the log has been read.
    pub(crate) fn is_ahead(&self, asset: &AssetId) -> bool {
        self.entries.get(asset).is_some_and(|entry| entry.position > self.read)
    }

    fn entry_of(&mut self, asset: &AssetId, run: Run) -> Option<&mut Entry> {
        self.entries.get_mut(asset).filter(|entry| entry.phase.run() == Some(run))
    }

    fn open(&mut self, signal: &Signal, phase: Phase) {
        let known = self.entries.get(&signal.asset);
        // What does not say its generation may follow one that was passed over: whichever lives.
        let (generation, asked) = match signal.change {
            Change::Opened { generation, queue } => (generation, queue),
            _ => (known.and_then(|entry| entry.generation), Queue::Default),
        };
        // Whoever asked for priority does not lose it by what is asked for besides.
        let queue = known.map_or(asked, |entry| entry.queue.max(asked));
        let (cause, position) = (signal.cause, signal.position);
        let entry = Entry { generation, queue, cause, position, phase, troubles: 0 };
        let old = self.entries.insert(signal.asset.clone(), entry);
        let is_queued =
            old.as_ref().is_some_and(|old| old.phase == Phase::Ready && old.queue == queue);
        if let Some(old) = old {
            self.dequeue(&signal.asset, old.phase, old.position);
        }
        if !(is_queued && phase == Phase::Ready) {
            self.enqueue(&signal.asset, phase, position);
        }
    }

    /// Gives priority to what is running, for when it is ready again.
    fn raise(&mut self, asset: &AssetId, queue: Queue) {
        if let Some(entry) = self.entries.get_mut(asset) {
            entry.queue = entry.queue.max(queue);
        }
    }

    /// Moves an entry to a phase and into the queue that belongs to it.
    fn put(&mut self, asset: &AssetId, phase: Phase) {
        let Some(entry) = self.entries.get_mut(asset) else { return };
        let (old, position) = (std::mem::replace(&mut entry.phase, phase), entry.position);
        self.dequeue(asset, old, position);
        self.enqueue(asset, phase, position);
    }

    fn enqueue(&mut self, asset: &AssetId, phase: Phase, position: Position) {
        match phase {
            Phase::Waiting { due_us } => drop(self.waiting.insert((due_us, asset.clone()))),
            Phase::Finished => drop(self.finished.insert((position, asset.clone()))),
            Phase::Ready => self.queue(asset),
            Phase::Running { .. } => {}
        }
    }

    /// What was ready stays queued and is passed over when its turn comes.
    fn dequeue(&mut self, asset: &AssetId, phase: Phase, position: Position) {
        match phase {
            Phase::Waiting { due_us } => drop(self.waiting.remove(&(due_us, asset.clone()))),
            Phase::Finished => drop(self.finished.remove(&(position, asset.clone()))),
            Phase::Ready | Phase::Running { .. } => {}
        }
    }

    fn queue(&mut self, asset: &AssetId) {
        match self.entries.get(asset).map(|entry| entry.queue) {
            Some(Queue::Priority) => self.priority.push(asset),
            Some(Queue::Default) | None => self.ordinary.push(asset),
        }
    }

    fn remove(&mut self, asset: &AssetId) {
        if let Some(Entry { phase, position, .. }) = self.entries.remove(asset) {
            self.dequeue(asset, phase, position);
        }
    }

    fn wake(&mut self, now_us: i64) {
        while let Some((due_us, asset)) = self.waiting.first().cloned() {
            if due_us > now_us {
                return;
            }
            self.put(&asset, Phase::Ready);
        }
    }
}

impl Entry {
    /// Takes the newer event's place in the log, and what it asks for.
    fn renew(&mut self, newer: Newer) {
        (self.generation, self.position) = (newer.generation, newer.position);
        self.cause = newer.cause;
    }
}

impl Line {
    fn push(&mut self, asset: &AssetId) {
        let customer = asset.customer();
        let queue = self.ready.entry(customer).or_insert_with(|| {
            self.turns.push_back(customer);
            VecDeque::new()
        });
        queue.push_back(asset.clone());
    }

    /// Returns what is ready and comes next; what is not ready any more is passed over.
    fn next(&mut self, entries: &HashMap<AssetId, Entry>) -> Option<AssetId> {
        while let Some(customer) = self.turns.pop_front() {
            let asset = self.ready.get_mut(&customer).and_then(VecDeque::pop_front);
            let Some(asset) = asset else {
                self.ready.remove(&customer);
                continue;
            };
            self.turns.push_back(customer);
            if entries.get(&asset).is_some_and(|entry| entry.phase == Phase::Ready) {
                return Some(asset);
            }
        }
        None
    }
}

impl Phase {
    /// Returns the opening event that was read while a run was under way which may not have seen
    /// it: what it recorded came before, or it looked and found nothing to do.
    fn unseen_by(self, ending: Ending) -> Option<Newer> {
        let Self::Running { newer, .. } = self else { return None };
        newer.filter(|newer| match ending {
            Ending::Recorded { position, .. } => newer.position > position,
            Ending::NothingToDo { .. } | Ending::Troubled { .. } => true,
        })
    }

    fn run(self) -> Option<Run> {
        match self {
            Self::Running { run, .. } => Some(run),
            Self::Ready | Self::Waiting { .. } | Self::Finished => None,
        }
    }
}

#[cfg(test)]
#[path = "pending_tests.rs"]
mod tests;
