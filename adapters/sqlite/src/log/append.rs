//! What one append does inside a transaction. A refused append has written nothing, and the others
//! of the transaction are not touched: what the expectation leaves open is looked up first, and
//! where something is there in spite of it, the transaction is begun again and all is looked up.

use super::rows::{self, signed, unsigned};
use dlcs_eventlog::log::Clock;
use dlcs_eventlog::{
    Append, AppendError, Appended, EventId, Expected, NewEvent, Position, StreamId, StreamRevision,
};
use lru::LruCache;
use rusqlite::{Connection, OptionalExtension, Statement, params};
use std::collections::HashSet;
use std::num::NonZeroUsize;

const HEADS_MAX: NonZeroUsize = NonZeroUsize::new(65_536).expect("is not zero");

/// What the writer knows of the log, to save look-ups. True as long as nobody else writes.
pub(super) struct State {
    last: rows::Last,
    heads: LruCache<StreamId, StreamRevision>,
    data_version: i64,
}

/// How much is looked up before an append is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LookUp {
    /// What the expectation leaves open. A stream that has the revision that somebody expects who
    /// has read it has none of his events; the unique key refuses the transaction if that is not
    /// so.
    WhatIsOpen,
    Everything,
}

/// `Err` outside: the transaction is lost. `Err` inside: this append is refused.
type Outcome = rusqlite::Result<Result<Appended, AppendError>>;

impl State {
    pub(super) fn load(connection: &Connection) -> rusqlite::Result<Self> {
        let none = rows::Last { position: Position::START, recorded_at_us: i64::MIN };
        Ok(Self {
            last: rows::last(connection)?.unwrap_or(none),
            heads: LruCache::new(HEADS_MAX),
            data_version: data_version(connection)?,
        })
    }

    /// Says whether another connection has written since.
    pub(super) fn is_stale(&self, connection: &Connection) -> rusqlite::Result<bool> {
        Ok(data_version(connection)? != self.data_version)
    }

    pub(super) fn head(&self) -> Position {
        self.last.position
    }

    /// Checks and writes one append.
    pub(super) fn append(
        &mut self,
        connection: &Connection,
        insert: &mut Statement<'_>,
        append: &Append,
        clock: &Clock,
        look_up: LookUp,
    ) -> Outcome {
        if let Some(refusal) = refuse_malformed(append) {
            return Ok(Err(refusal));
        }
        let is_open = look_up == LookUp::Everything || append.expected == Expected::Any;
        if is_open && let Some(refusal) = refuse_known_events(connection, append)? {
            return Ok(Err(refusal));
        }
        if !is_open
            && append.expected == Expected::NoStream
            && !self.heads.contains(&append.stream)
            && let Some(appended) = self.insert(insert, append, 0, clock())?
        {
            return Ok(Ok(appended));
        }
        let actual = self.head_of(connection, &append.stream)?;
        let is_expected = match append.expected {
            Expected::Any => true,
            Expected::NoStream => actual.is_none(),
            Expected::Revision(revision) => actual == Some(revision),
        };
        if !is_expected {
            // Unless it came twice.
            let known = if is_open { None } else { refuse_known_events(connection, append)? };
            return Ok(Err(known.unwrap_or(AppendError::Conflict { actual })));
        }
        let first = actual.map_or(0, |head| head.0 + 1);
        let appended = self.insert(insert, append, first, clock())?;
        // The place was looked for, and nobody else writes in this transaction.
        appended.map(Ok).ok_or(rusqlite::Error::QueryReturnedNoRows)
    }

    fn head_of(
        &mut self,
        connection: &Connection,
        stream: &StreamId,
    ) -> rusqlite::Result<Option<StreamRevision>> {
        if let Some(head) = self.heads.get(stream) {
            return Ok(Some(*head));
        }
        const HEAD: &str = "
            SELECT revision FROM events WHERE stream = ?1 ORDER BY revision DESC LIMIT 1";
        connection
            .prepare_cached(HEAD)?
            .query_row([stream.as_str()], |row| Ok(StreamRevision(unsigned(row, 0)?)))
            .optional()
    }

    /// Writes one append; `None`, and nothing is written: its place in the stream is taken.
    fn insert(
        &mut self,
        statement: &mut Statement<'_>,
        append: &Append,
        first: u64,
        now_us: i64,
    ) -> rusqlite::Result<Option<Appended>> {
        let recorded_at_us = now_us.max(self.last.recorded_at_us);
        let mut place =
            Place { stream: &append.stream, revision: first, position: self.head().0 + 1, rest: 0 };
        for (event, rest) in append.events.iter().zip((0..append.events.len() as u64).rev()) {
            place.rest = rest;
            if !insert_event(statement, event, &place, recorded_at_us)? {
                return Ok(None);
            }
            place.revision += 1;
            place.position += 1;
        }
        let revision = StreamRevision(place.revision - 1);
        let position = Position(place.position - 1);
        self.last = rows::Last { position, recorded_at_us };
        self.heads.put(append.stream.clone(), revision);
        Ok(Some(Appended { revision, position }))
    }
}

pub(super) struct Place<'a> {
    pub(super) stream: &'a StreamId,
    pub(super) revision: u64,
    pub(super) position: u64,
    pub(super) rest: u64,
}

pub(super) const INSERT_EVENT: &str = "
    INSERT INTO events (position, event_id, stream, revision, append_rest, type, schema_version,
                        recorded_at_us, payload, metadata)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
    ON CONFLICT (stream, revision) DO NOTHING";

/// Returns whether its place in the stream was free.
pub(super) fn insert_event(
    statement: &mut Statement<'_>,
    event: &NewEvent,
    place: &Place<'_>,
    recorded_at_us: i64,
) -> rusqlite::Result<bool> {
    let inserted = statement.execute(params![
        signed(place.position),
        event.event_id.0.as_bytes(),
        place.stream.as_str(),
        signed(place.revision),
        signed(place.rest),
        event.type_name,
        event.schema_version,
        recorded_at_us,
        event.payload.as_ref(),
        event.metadata.as_ref(),
    ])?;
    Ok(inserted == 1)
}

fn refuse_malformed(append: &Append) -> Option<AppendError> {
    if append.events.is_empty() {
        return Some(AppendError::Invalid(format!("an append to {} has no event", append.stream)));
    }
    if append.events.len() == 1 {
        return None;
    }
    let mut seen = HashSet::with_capacity(append.events.len());
    let twice = append.events.iter().find(|it| !seen.insert(it.event_id))?;
    Some(AppendError::Invalid(format!("event id {} is in use already", twice.event_id.0)))
}

/// Looks whether an event id is in use: in this stream as the beginning of an append it is an
/// append that came twice, anywhere else it is a mistake.
fn refuse_known_events(
    connection: &Connection,
    append: &Append,
) -> rusqlite::Result<Option<AppendError>> {
    let invalid = |text: String| Ok(Some(AppendError::Invalid(text)));
    for (event, place) in append.events.iter().zip(0_usize..) {
        let Some(found) = find_event(connection, event.event_id)? else { continue };
        let is_here = found.stream == append.stream.as_str();
        return match place {
            0 if is_here => Ok(Some(AppendError::Duplicate { appended: found.last_of_append })),
            0 => invalid(format!("event id {} is in use in {}", event.event_id.0, found.stream)),
            _ => invalid(format!("event id {} is in use already", event.event_id.0)),
        };
    }
    Ok(None)
}

/// Says whether an event id was there already.
pub(super) fn is_taken(error: &rusqlite::Error) -> bool {
    error.sqlite_extended_error_code() == Some(rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE)
}

struct Found {
    stream: String,
    last_of_append: Appended,
}

fn find_event(connection: &Connection, event_id: EventId) -> rusqlite::Result<Option<Found>> {
    const FIND: &str = "
        SELECT stream, revision + append_rest, position + append_rest
        FROM events
        WHERE event_id = ?1";
    connection
        .prepare_cached(FIND)?
        .query_row([event_id.0.as_bytes()], |row| {
            let revision = StreamRevision(unsigned(row, 1)?);
            let last_of_append = Appended { revision, position: Position(unsigned(row, 2)?) };
            Ok(Found { stream: row.get(0)?, last_of_append })
        })
        .optional()
}

fn data_version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))
}
