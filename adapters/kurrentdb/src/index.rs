//! What has to be known of the whole log to read a part of it: how far time had come.
//!
//! - The server stamps events with its clock, which may be set back, and differs from leader to leader.
//!   Here an event is as late as the latest before it. Every reader has to say the same, wherever it
//!   begins: so the log is followed from its beginning, and what deviates is kept as spans.
//! - After every thousandth event a record of it goes to a stream of our own, outside the prefix.
//!   Records say the same whoever writes them; each has its own revision, so it is written once.
//! - Where records end, `$all` is read on. Losing them costs time, and nothing else.

use crate::layout::Read;
use dlcs_eventlog::Position;
use serde::{Deserialize, Serialize};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Events between two records.
pub(crate) const STEP: u64 = 1_000;

/// Events that the server stamped earlier than the one before the first of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Span {
    pub(crate) first: u64,
    pub(crate) last: u64,
    /// The time of all of them.
    pub(crate) us: i64,
}

/// What is kept of every thousand events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// Of the last of them.
    pub(crate) position: u64,
    /// The latest time until then; `None`: of no event.
    pub(crate) latest_us: i64,
    /// Those that one of them belongs to.
    pub(crate) spans: Vec<Span>,
}

pub(crate) struct Index(Mutex<State>);

struct State {
    count: u64,
    position: u64,
    latest_us: i64,
    spans: Vec<Span>,
    /// Where the last event was stamped too early.
    is_behind: bool,
    /// Ends of thousands.
    steps: Vec<u64>,
    /// How many spans were over at the last record.
    recorded_spans: usize,
    unsaved: Vec<Record>,
}

impl Index {
    /// Goes on from what was recorded.
    pub(crate) fn from_records(records: Vec<Record>) -> Self {
        let mut state = State {
            count: 0,
            position: 0,
            latest_us: i64::MIN,
            spans: Vec::new(),
            is_behind: false,
            steps: Vec::with_capacity(records.len()),
            recorded_spans: 0,
            unsaved: Vec::new(),
        };
        for record in records {
            state.take(record);
        }
        Self(Mutex::new(state))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the position up to which every event is known.
    pub(crate) fn position(&self) -> Position {
        Position(self.state().position)
    }

    /// Returns the last end of a thousand that is not behind a position.
    pub(crate) fn step_before(&self, position: Position) -> Position {
        let state = self.state();
        let count = state.steps.partition_point(|it| *it <= position.0);
        Position(count.checked_sub(1).map_or(0, |it| state.steps[it]))
    }

    /// Takes events that follow what is known without a hole; what is known already may be among them.
    pub(crate) fn follow(&self, page: &[Read]) {
        let mut state = self.state();
        for Read { event, .. } in page {
            if event.position.0 > state.position {
                state.follow(event.position.0, event.recorded_at_us);
            }
        }
    }

    /// Evens the times of events that are known.
    pub(crate) fn even(&self, page: &mut [Read]) {
        let state = self.state();
        for Read { event, .. } in page {
            let next = state.spans.partition_point(|it| it.first <= event.position.0);
            let span = next.checked_sub(1).map(|it| state.spans[it]);
            if let Some(span) = span.filter(|it| event.position.0 <= it.last) {
                event.recorded_at_us = span.us;
            }
        }
    }

    /// Returns records that have not been saved, and the number of the first of them.
    pub(crate) fn unsaved(&self) -> (u64, Vec<Record>) {
        let state = self.state();
        ((state.steps.len() - state.unsaved.len()) as u64, state.unsaved.clone())
    }

    /// Forgets that so many records, counted from the beginning, have to be saved.
    pub(crate) fn saved(&self, count: u64) {
        let mut state = self.state();
        let before = (state.steps.len() - state.unsaved.len()) as u64;
        let saved = usize::try_from(count.saturating_sub(before)).unwrap_or(usize::MAX);
        let saved = saved.min(state.unsaved.len());
        state.unsaved.drain(..saved);
    }
}

impl State {
    fn take(&mut self, record: Record) {
        for span in record.spans {
            match self.spans.last_mut() {
                Some(last) if last.first == span.first => *last = span,
                _ => self.spans.push(span),
            }
        }
        (self.position, self.latest_us) = (record.position, record.latest_us);
        self.is_behind = self.spans.last().is_some_and(|it| it.last == record.position);
        self.recorded_spans = self.spans.len() - usize::from(self.is_behind);
        self.count += STEP;
        self.steps.push(record.position);
    }

    fn follow(&mut self, position: u64, stamped_us: i64) {
        if stamped_us >= self.latest_us {
            (self.latest_us, self.is_behind) = (stamped_us, false);
        } else if let Some(span) = self.spans.last_mut().filter(|_| self.is_behind) {
            span.last = position;
        } else {
            self.spans.push(Span { first: position, last: position, us: self.latest_us });
            self.is_behind = true;
        }
        self.position = position;
        self.count += 1;
        if self.count.is_multiple_of(STEP) {
            self.steps.push(position);
            let spans = self.spans[self.recorded_spans..].to_vec();
            self.recorded_spans = self.spans.len() - usize::from(self.is_behind);
            self.unsaved.push(Record { position, latest_us: self.latest_us, spans });
        }
    }
}
