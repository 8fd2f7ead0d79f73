//! What the double keeps, and what it does wrong.

use super::messages::{ExpectedState, Id, IdForm, Proposed, Recorded, StreamName};
use dlcs_eventlog::log::Clock;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use uuid::Uuid;

/// Of records before the first one, as a server has some.
const FIRST_PLACE: u64 = 1_100;
/// Bytes around the content of a record.
const RECORD_BYTES: u64 = 120;
/// What a server takes in one append, unless it is told otherwise.
const APPEND_BYTES_MAX: usize = 1 << 20;

/// What goes wrong.
#[derive(Debug, Clone, PartialEq)]
pub enum Fault {
    /// So many appends find no line: nothing is written.
    LostAppends(usize),
    /// So many appends are written, and the line breaks before the answer.
    LostAnswers(usize),
    /// So many appends are answered with a wrong expected version, though it is right.
    WrongExpected(usize),
    /// Subscriptions bring every event again with this probability, and begin with so many events
    /// that were there before.
    Repeats { probability: f64, first: usize },
    /// Subscriptions that are there bring nothing any more, and stay open.
    Mute,
    /// Subscriptions that are there end, and not with an error.
    Ended,
    /// Every answer comes so much later.
    Slow(Duration),
    /// This node leads; the other ones say so.
    Leader(usize),
    /// Whoever has another user and password is refused, `user:password`.
    Password(String),
    /// It says that it is this version.
    Version(String),
}

/// How the double stands.
pub(super) struct Faults {
    pub(super) lost_appends: usize,
    pub(super) lost_answers: usize,
    pub(super) wrong_expected: usize,
    pub(super) repeated: f64,
    pub(super) first_again: usize,
    /// Counts how often subscriptions went mute.
    pub(super) mute: u64,
    /// Counts how often subscriptions ended.
    pub(super) ended: u64,
    pub(super) slow: Duration,
    pub(super) leader: usize,
    pub(super) password: Option<String>,
    pub(super) version: String,
    pub(super) subscriptions: usize,
    pub(super) batched: usize,
}

pub(super) struct State {
    pub(super) nodes: [SocketAddr; 2],
    clock: Clock,
    store: Mutex<Store>,
    faults: Mutex<Faults>,
    /// Counts up with every append.
    pub(super) appended: watch::Sender<u64>,
    /// Counts up when connections break.
    pub(super) broken: watch::Sender<u64>,
}

#[derive(Default)]
pub(super) struct Store {
    pub(super) events: Vec<Recorded>,
    pub(super) streams: HashMap<Vec<u8>, Vec<usize>>,
    end: u64,
}

/// What an append comes to.
pub(super) enum Outcome {
    Written { revision: u64, place: u64 },
    WrongExpected { revision: Option<u64> },
    TooLarge,
}

/// What surrounds the events of tests.
pub struct System<'a>(pub(super) &'a State);

impl System<'_> {
    /// Writes an event of a stream that is not of the log.
    pub fn write(&self, stream: &str) {
        let event = Proposed {
            id: Some(id(Uuid::now_v7())),
            metadata: HashMap::from([("type".to_owned(), "other".to_owned())]),
            user_metadata: "{}".into(),
            data: "{}".into(),
        };
        let any = ExpectedState::Any(super::messages::Empty {});
        self.0.append(stream.as_bytes(), any, vec![event]);
    }

    /// How many events a stream has, by its whole name.
    pub fn length(&self, stream: &str) -> usize {
        self.0.store().streams.get(stream.as_bytes()).map_or(0, Vec::len)
    }

    /// How many appends came through sessions.
    pub fn batched(&self) -> usize {
        self.0.faults().batched
    }

    /// How many subscriptions have been made.
    pub fn subscriptions(&self) -> usize {
        self.0.faults().subscriptions
    }
}

impl State {
    pub(super) fn new(clock: Clock, nodes: [SocketAddr; 2]) -> Self {
        let faults = Faults {
            lost_appends: 0,
            lost_answers: 0,
            wrong_expected: 0,
            repeated: 0.0,
            first_again: 0,
            mute: 0,
            ended: 0,
            slow: Duration::ZERO,
            leader: 0,
            password: None,
            version: "26.1.0".to_owned(),
            subscriptions: 0,
            batched: 0,
        };
        let state = Self {
            nodes,
            clock,
            store: Mutex::new(Store { end: FIRST_PLACE, ..Store::default() }),
            faults: Mutex::new(faults),
            appended: watch::channel(0).0,
            broken: watch::channel(0).0,
        };
        System(&state).write("$$$stats-0.0.0.0:2113");
        state
    }

    pub(super) fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set(&self, fault: Fault) {
        let mut faults = self.faults();
        match fault {
            Fault::LostAppends(count) => faults.lost_appends = count,
            Fault::LostAnswers(count) => faults.lost_answers = count,
            Fault::WrongExpected(count) => faults.wrong_expected = count,
            Fault::Repeats { probability, first } => {
                (faults.repeated, faults.first_again) = (probability, first);
            }
            Fault::Mute => faults.mute += 1,
            Fault::Ended => {
                faults.ended += 1;
                drop(faults);
                self.appended.send_modify(|it| *it += 1);
            }
            Fault::Slow(pause) => faults.slow = pause,
            Fault::Leader(node) => faults.leader = node,
            Fault::Password(password) => faults.password = Some(password),
            Fault::Version(version) => faults.version = version,
        }
    }

    pub(super) fn hang_up(&self) {
        self.broken.send_modify(|it| *it += 1);
    }

    pub(super) fn append(
        &self,
        stream: &[u8],
        expected: ExpectedState,
        events: Vec<Proposed>,
    ) -> Outcome {
        let created = (self.clock)().max(0).saturating_mul(10);
        let outcome = self.store().append(stream, expected, events, created);
        self.appended.send_modify(|it| *it += 1);
        outcome
    }
}

impl Store {
    fn append(
        &mut self,
        stream: &[u8],
        expected: ExpectedState,
        events: Vec<Proposed>,
        created: i64,
    ) -> Outcome {
        let bytes: usize = events.iter().map(|it| it.data.len() + it.user_metadata.len()).sum();
        if bytes > APPEND_BYTES_MAX {
            return Outcome::TooLarge;
        }
        let length = self.streams.get(stream).map_or(0, Vec::len) as u64;
        let start = match expected {
            ExpectedState::Revision(revision) => revision + 1,
            ExpectedState::NoStream(_) => 0,
            ExpectedState::Any(_) | ExpectedState::Exists(_) => length,
        };
        if start != length {
            return self.repeated(stream, start, &events);
        }
        for (revision, event) in (length..).zip(events) {
            self.push(stream, revision, event, created);
        }
        let last = self.events.last().expect("an append has an event");
        Outcome::Written { revision: last.revision, place: last.commit }
    }

    /// A repetition of what follows the expectation is answered as what it repeats.
    fn repeated(&self, stream: &[u8], start: u64, events: &[Proposed]) -> Outcome {
        let indexes = self.streams.get(stream).map_or(&[][..], Vec::as_slice);
        let wrong = Outcome::WrongExpected { revision: (indexes.len() as u64).checked_sub(1) };
        let from = usize::try_from(start).unwrap_or(usize::MAX);
        let Some(there) = indexes.get(from..).and_then(|it| it.get(..events.len())) else {
            return wrong;
        };
        let is_same = there.iter().zip(events).all(|(index, event)| {
            parsed(self.events[*index].id.as_ref()) == parsed(event.id.as_ref())
        });
        match there.last().filter(|_| is_same) {
            Some(&last) => Outcome::Written {
                revision: self.events[last].revision,
                place: self.events[last].commit,
            },
            None => wrong,
        }
    }

    fn push(&mut self, stream: &[u8], revision: u64, event: Proposed, created: i64) {
        let place = self.end;
        self.end += RECORD_BYTES + (event.data.len() + event.user_metadata.len()) as u64;
        let mut metadata = event.metadata;
        metadata.insert("created".to_owned(), created.to_string());
        self.streams.entry(stream.to_vec()).or_default().push(self.events.len());
        self.events.push(Recorded {
            id: Some(id(parsed(event.id.as_ref()))),
            stream: Some(StreamName { name: stream.to_vec() }),
            revision,
            prepare: place,
            commit: place,
            metadata,
            user_metadata: event.user_metadata,
            data: event.data,
        });
    }
}

fn id(id: Uuid) -> Id {
    Id { form: Some(IdForm::Text(id.to_string())) }
}

fn parsed(id: Option<&Id>) -> Uuid {
    match id.and_then(|it| it.form.as_ref()) {
        Some(IdForm::Halves(it)) => {
            Uuid::from_u64_pair(it.high.cast_unsigned(), it.low.cast_unsigned())
        }
        Some(IdForm::Text(text)) => text.parse().expect("an id is a UUID"),
        None => Uuid::nil(),
    }
}
