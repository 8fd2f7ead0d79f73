//! Which appends of a batch are accepted, decided in memory on what was looked up under the lock.
//!
//! Pure: the same batch on the same log gets the same answers.

use dlcs_eventlog::log::Clock;
use dlcs_eventlog::{Append, AppendError, Appended, Expected, NewEvent, Position, StreamRevision};
use foldhash::fast::RandomState;
use std::borrow::Cow;
use std::collections::HashSet;
use uuid::Uuid;

/// Seeded at random; while a batch is decided nobody's events are written, so hashing is quick.
pub(super) type HashMap<K, V> = std::collections::HashMap<K, V, RandomState>;

/// A longer name does not fit an entry of PostgreSQL's index.
const STREAM_NAME_BYTES_MAX: usize = 2_000;

/// The one row that everybody who appends locks and moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Counter {
    pub position: u64,
    pub recorded_at_us: i64,
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
    /// The last revisions of those streams that the batch names and that exist, as far as that was
    /// looked up.
    pub heads: HashMap<&'a str, StreamRevision>,
    /// Those of the batch's event ids that are in use, as far as that was looked up.
    pub events: HashMap<Uuid, Known<'a>>,
}

/// How much is looked up before a batch is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LookUp {
    /// What the expectations leave open. A stream that has the revision that somebody expects who
    /// has read it has none of his events, and one that nobody has seen is new; the unique keys
    /// refuse the transaction if that is not so.
    WhatIsOpen,
    Everything,
}

/// What a batch leaves open.
pub(super) struct Open<'a> {
    /// Streams whose heads must be known.
    pub names: Vec<&'a str>,
    /// Events that may be recorded already, whatever the heads are.
    pub ids: Vec<Uuid>,
    /// Streams whose events are among these.
    streams: HashSet<&'a str>,
}

impl<'a> Open<'a> {
    pub(super) fn of(appends: &[&'a Append], look_up: LookUp) -> Self {
        let mut times: HashMap<&str, u32> =
            HashMap::with_capacity_and_hasher(appends.len(), RandomState::default());
        for append in appends {
            *times.entry(append.stream.as_str()).or_default() += 1;
        }
        let mut open = Self { names: Vec::new(), ids: Vec::new(), streams: HashSet::new() };
        for append in appends {
            let name = append.stream.as_str();
            let is_alone = times.get(name) == Some(&1);
            let is_closed = is_alone && look_up == LookUp::WhatIsOpen;
            let is_new = is_closed && append.expected == Expected::NoStream;
            let is_storable = !name.contains('\0');
            if is_storable && !is_new {
                open.names.push(name);
            }
            if !is_closed || append.expected == Expected::Any {
                open.ids.extend(append.events.iter().map(|it| it.event_id.0));
                open.streams.insert(name);
            }
        }
        open.names.sort_unstable();
        open.names.dedup();
        open
    }

    /// Returns the further events of those appends that do not find what they expect.
    pub(super) fn unexpected(
        &self,
        appends: &[&Append],
        heads: &HashMap<&str, StreamRevision>,
    ) -> Vec<Uuid> {
        let is_unexpected = |append: &&&Append| {
            let name = append.stream.as_str();
            let actual = heads.get(name).copied();
            !self.streams.contains(name) && !is_met(append.expected, actual)
        };
        let appends = appends.iter().filter(is_unexpected);
        appends.flat_map(|it| &it.events).map(|it| it.event_id.0).collect()
    }
}

fn is_met(expected: Expected, actual: Option<StreamRevision>) -> bool {
    match expected {
        Expected::Any => true,
        Expected::NoStream => actual.is_none(),
        Expected::Revision(revision) => actual == Some(revision),
    }
}

/// A row of `events`.
pub(super) struct Row<'a> {
    pub position: u64,
    pub stream: &'a str,
    pub revision: u64,
    pub rest: u64,
    pub recorded_at_us: i64,
    pub event: &'a NewEvent,
}

impl<'a> State<'a> {
    /// Answers one append; if it is accepted, adds what it writes.
    pub(super) fn append(
        &mut self,
        append: &'a Append,
        clock: &Clock,
        rows: &mut Vec<Row<'a>>,
    ) -> Result<Appended, AppendError> {
        refuse_unstorable(append)?;
        self.refuse_known_events(append)?;
        let actual = self.heads.get(append.stream.as_str()).copied();
        if !is_met(append.expected, actual) {
            return Err(AppendError::Conflict { actual });
        }
        Ok(self.accept(append, actual, clock(), rows))
    }

    fn accept(
        &mut self,
        append: &'a Append,
        head: Option<StreamRevision>,
        now_us: i64,
        rows: &mut Vec<Row<'a>>,
    ) -> Appended {
        let stream = append.stream.as_str();
        let first = head.map_or(0, |head| head.0 + 1);
        let before = self.counter.position;
        let count = append.events.len() as u64;
        let recorded_at_us = now_us.max(self.counter.recorded_at_us);
        let revision = StreamRevision(first + count - 1);
        self.counter.position += count;
        self.counter.recorded_at_us = recorded_at_us;
        self.heads.insert(stream, revision);
        let last_of_append = Appended { revision, position: Position(self.counter.position) };
        for (event, n) in append.events.iter().zip(0..) {
            let known = Known { stream: Cow::Borrowed(stream), last_of_append };
            self.events.insert(event.event_id.0, known);
            let (position, revision, rest) = (before + 1 + n, first + n, count - 1 - n);
            rows.push(Row { position, stream, revision, rest, recorded_at_us, event });
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
        if append.events.len() == 1 {
            return Ok(());
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

#[cfg(test)]
mod tests {
    use super::*;
    use dlcs_eventlog::{EventId, StreamId};

    fn append(stream: &str, expected: Expected, id: u128) -> Append {
        let event = NewEvent {
            event_id: EventId(Uuid::from_u128(id)),
            type_name: "test.happened".into(),
            schema_version: 1,
            payload: "{}".into(),
            metadata: "{}".into(),
        };
        Append { stream: StreamId::from_stored(stream), expected, events: vec![event] }
    }

    fn revision(revision: u64) -> Expected {
        Expected::Revision(StreamRevision(revision))
    }

    #[test]
    fn only_what_an_expectation_leaves_open_is_looked_up() {
        let appends = [
            append("new", Expected::NoStream, 1),
            append("old", revision(7), 2),
            append("any", Expected::Any, 3),
            append("twice", Expected::NoStream, 4),
            append("twice", revision(0), 5),
            append("no\0name", Expected::Any, 6),
        ];
        let appends: Vec<_> = appends.iter().collect();
        let ids = |ids: &[u128]| ids.iter().map(|it| Uuid::from_u128(*it)).collect::<Vec<_>>();
        let open = Open::of(&appends, LookUp::WhatIsOpen);
        assert_eq!(open.names, ["any", "old", "twice"]);
        assert_eq!(open.ids, ids(&[3, 4, 5, 6]));
        let found = StreamRevision(7);
        let moved = StreamRevision(8);
        for (heads, unexpected) in [
            (HashMap::from_iter([("old", found)]), vec![]),
            (HashMap::from_iter([("old", moved)]), vec![2]),
            (HashMap::from_iter([("old", found), ("new", moved)]), vec![1]),
            (HashMap::default(), vec![2]),
        ] {
            assert_eq!(open.unexpected(&appends, &heads), ids(&unexpected), "{heads:?}");
        }
        let open = Open::of(&appends, LookUp::Everything);
        assert_eq!(open.names, ["any", "new", "old", "twice"]);
        assert_eq!(open.ids, ids(&[1, 2, 3, 4, 5, 6]));
    }
}
