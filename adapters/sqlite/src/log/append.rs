//! What one append does inside a transaction: look first, then write; so a refused append has
//! written nothing, and the others of the transaction are not touched.

use super::rows::{self, signed, unsigned};
use dlcs_eventlog::log::Clock;
use dlcs_eventlog::{
    Append, AppendError, Appended, EventId, Expected, NewEvent, Position, StreamId, StreamRevision,
};
use lru::LruCache;
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::HashSet;
use std::num::NonZeroUsize;

const HEADS_MAX: NonZeroUsize = NonZeroUsize::new(65_536).expect("is not zero");

/// What the writer knows of the log, to save look-ups. True as long as nobody else writes.
pub(super) struct State {
    last: rows::Last,
    heads: LruCache<StreamId, Head>,
    data_version: i64,
}

#[derive(Clone, Copy)]
struct Head {
    /// Key of the stream's row.
    stream: i64,
    revision: StreamRevision,
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
        append: &Append,
        clock: &Clock,
    ) -> Outcome {
        if let Some(refusal) = refuse_known_events(connection, append)? {
            return Ok(Err(refusal));
        }
        let head = self.head_of(connection, &append.stream)?;
        let actual = head.map(|head| head.revision);
        let is_expected = match append.expected {
            Expected::Any => true,
            Expected::NoStream => actual.is_none(),
            Expected::Revision(revision) => actual == Some(revision),
        };
        if !is_expected {
            return Ok(Err(AppendError::Conflict { actual }));
        }
        self.insert(connection, append, head, clock()).map(Ok)
    }

    fn head_of(
        &mut self,
        connection: &Connection,
        stream: &StreamId,
    ) -> rusqlite::Result<Option<Head>> {
        if let Some(head) = self.heads.get(stream) {
            return Ok(Some(*head));
        }
        const HEAD: &str = "
            SELECT e.stream, e.revision
            FROM streams AS s CROSS JOIN events AS e ON e.stream = s.id
            WHERE s.name = ?1
            ORDER BY e.revision DESC
            LIMIT 1";
        connection
            .prepare_cached(HEAD)?
            .query_row([stream.as_str()], |row| {
                Ok(Head { stream: row.get(0)?, revision: StreamRevision(unsigned(row, 1)?) })
            })
            .optional()
    }

    fn insert(
        &mut self,
        connection: &Connection,
        append: &Append,
        head: Option<Head>,
        now_us: i64,
    ) -> rusqlite::Result<Appended> {
        let (stream, first) = match head {
            Some(head) => (head.stream, head.revision.0 + 1),
            None => (insert_stream(connection, &append.stream)?, 0),
        };
        let recorded_at_us = now_us.max(self.last.recorded_at_us);
        let mut place = Place { stream, revision: first, position: self.head().0 + 1, rest: 0 };
        let mut statement = connection.prepare_cached(INSERT_EVENT)?;
        for (event, rest) in append.events.iter().zip((0..append.events.len() as u64).rev()) {
            place.rest = rest;
            insert_event(&mut statement, event, &place, recorded_at_us)?;
            place.revision += 1;
            place.position += 1;
        }
        let revision = StreamRevision(place.revision - 1);
        let position = Position(place.position - 1);
        self.last = rows::Last { position, recorded_at_us };
        self.heads.put(append.stream.clone(), Head { stream, revision });
        Ok(Appended { revision, position })
    }
}

struct Place {
    stream: i64,
    revision: u64,
    position: u64,
    rest: u64,
}

const INSERT_EVENT: &str = "
    INSERT INTO events (position, event_id, stream, revision, append_rest, type, schema_version,
                        recorded_at_us, payload, metadata)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";

fn insert_event(
    statement: &mut rusqlite::Statement<'_>,
    event: &NewEvent,
    place: &Place,
    recorded_at_us: i64,
) -> rusqlite::Result<()> {
    statement.execute(params![
        signed(place.position),
        event.event_id.0.as_bytes(),
        place.stream,
        signed(place.revision),
        signed(place.rest),
        event.type_name,
        event.schema_version,
        recorded_at_us,
        event.payload.as_ref(),
        event.metadata.as_ref(),
    ])?;
    Ok(())
}

fn insert_stream(connection: &Connection, stream: &StreamId) -> rusqlite::Result<i64> {
    connection.prepare_cached("INSERT INTO streams (name) VALUES (?1)")?.insert([stream.as_str()])
}

/// Looks whether an event id is in use: in this stream as the beginning of an append it is an
/// append that came twice, anywhere else it is a mistake.
fn refuse_known_events(
    connection: &Connection,
    append: &Append,
) -> rusqlite::Result<Option<AppendError>> {
    let invalid = |text: String| Ok(Some(AppendError::Invalid(text)));
    let Some(first) = append.events.first() else {
        return invalid(format!("an append to {} has no event", append.stream));
    };
    if let Some(found) = find_event(connection, first.event_id)? {
        return if found.stream == append.stream.as_str() {
            Ok(Some(AppendError::Duplicate { appended: found.last_of_append }))
        } else {
            invalid(format!("event id {} is in use in {}", first.event_id.0, found.stream))
        };
    }
    let mut seen = HashSet::from([first.event_id]);
    for event in &append.events[1..] {
        let is_known =
            !seen.insert(event.event_id) || find_event(connection, event.event_id)?.is_some();
        if is_known {
            return invalid(format!("event id {} is in use already", event.event_id.0));
        }
    }
    Ok(None)
}

struct Found {
    stream: String,
    last_of_append: Appended,
}

fn find_event(connection: &Connection, event_id: EventId) -> rusqlite::Result<Option<Found>> {
    const FIND: &str = "
        SELECT s.name, e.revision + e.append_rest, e.position + e.append_rest
        FROM events AS e CROSS JOIN streams AS s ON s.id = e.stream
        WHERE e.event_id = ?1";
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
