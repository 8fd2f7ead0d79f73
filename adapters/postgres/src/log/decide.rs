//! Which appends of a batch are accepted, decided in memory on what was looked up under the lock.
//!
//! Pure: the same batch on the same log gets the same answers.

use dlcs_eventlog::log::Clock;
use dlcs_eventlog::{Append, AppendError, Appended, Expected, NewEvent, Position, StreamRevision};
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// A longer name does not fit an entry of PostgreSQL's index.
const STREAM_NAME_BYTES_MAX: usize = 2_000;

/// The one row that everybody who appends locks and moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Counter {
    pub position: u64,
    pub streams: i64,
    pub recorded_at_us: i64,
}

/// The last event of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    /// Key of the stream's row.
    pub stream: i64,
    pub revision: u64,
}

/// An event that is recorded already, or will be with this batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Known<'a> {
    pub stream: Cow<'a, str>,
    pub last_of_append: Appended,
}

/// What is known of the log; grows with what is accepted.
pub(super) struct State<'a> {
    pub counter: Counter,
    /// Streams that the batch names and that exist.
    pub heads: HashMap<&'a str, Head>,
    /// Those of the batch's event ids that are in use.
    pub events: HashMap<Uuid, Known<'a>>,
}

/// A row of `events`.
pub(super) struct Row<'a> {
    pub position: u64,
    pub stream: i64,
    pub revision: u64,
    pub rest: u64,
    pub recorded_at_us: i64,
    pub event: &'a NewEvent,
}

/// What shall be written.
#[derive(Default)]
pub(super) struct Writes<'a> {
    /// Key and name.
    pub streams: Vec<(i64, &'a str)>,
    pub rows: Vec<Row<'a>>,
}

impl<'a> State<'a> {
    /// Answers one append; if it is accepted, adds what it writes.
    pub(super) fn append(
        &mut self,
        append: &'a Append,
        clock: &Clock,
        writes: &mut Writes<'a>,
    ) -> Result<Appended, AppendError> {
        refuse_unstorable(append)?;
        self.refuse_known_events(append)?;
        let head = self.heads.get(append.stream.as_str()).copied();
        let actual = head.map(|head| StreamRevision(head.revision));
        let is_expected = match append.expected {
            Expected::Any => true,
            Expected::NoStream => actual.is_none(),
            Expected::Revision(revision) => actual == Some(revision),
        };
        if !is_expected {
            return Err(AppendError::Conflict { actual });
        }
        Ok(self.accept(append, head, clock(), writes))
    }

    fn accept(
        &mut self,
        append: &'a Append,
        head: Option<Head>,
        now_us: i64,
        writes: &mut Writes<'a>,
    ) -> Appended {
        let name = append.stream.as_str();
        let (stream, first) = match head {
            Some(head) => (head.stream, head.revision + 1),
            None => {
                self.counter.streams += 1;
                writes.streams.push((self.counter.streams, name));
                (self.counter.streams, 0)
            }
        };
        let before = self.counter.position;
        let count = append.events.len() as u64;
        let recorded_at_us = now_us.max(self.counter.recorded_at_us);
        let revision = first + count - 1;
        self.counter.position += count;
        self.counter.recorded_at_us = recorded_at_us;
        self.heads.insert(name, Head { stream, revision });
        let last_of_append = Appended {
            revision: StreamRevision(revision),
            position: Position(self.counter.position),
        };
        for (event, n) in append.events.iter().zip(0..) {
            let known = Known { stream: Cow::Borrowed(name), last_of_append };
            self.events.insert(event.event_id.0, known);
            let (position, revision, rest) = (before + 1 + n, first + n, count - 1 - n);
            writes.rows.push(Row { position, stream, revision, rest, recorded_at_us, event });
        }
        last_of_append
    }

    /// Looks whether an event id is in use: in this stream as the beginning of an append it is
    /// an append that came twice, anywhere else it is a mistake.
    fn refuse_known_events(&self, append: &Append) -> Result<(), AppendError> {
        let invalid = |text: String| Err(AppendError::Invalid(text));
        let Some(first) = append.events.first() else {
            return invalid(format!("an append to {} has no event", append.stream));
        };
        if let Some(known) = self.events.get(&first.event_id.0) {
            return if known.stream == append.stream.as_str() {
                Err(AppendError::Duplicate { appended: known.last_of_append })
            } else {
                invalid(format!("event id {} is in use in {}", first.event_id.0, known.stream))
            };
        }
        let mut seen = HashSet::from([first.event_id]);
        for NewEvent { event_id, .. } in &append.events[1..] {
            if !seen.insert(*event_id) || self.events.contains_key(&event_id.0) {
                return invalid(format!("event id {} is in use already", event_id.0));
            }
        }
        Ok(())
    }
}

/// One append that PostgreSQL cannot store would fail everything that is committed with it.
fn refuse_unstorable(append: &Append) -> Result<(), AppendError> {
    let invalid = |text: String| Err(AppendError::Invalid(text));
    let length = append.stream.as_str().len();
    if length > STREAM_NAME_BYTES_MAX {
        return invalid(format!("a stream's name has {length} bytes"));
    }
    let mut texts = append.events.iter().map(|event| event.type_name.as_ref());
    if append.stream.as_str().contains('\0') || texts.any(|it| it.contains('\0')) {
        return invalid("a name has a character 0".into());
    }
    Ok(())
}
