//! Reading events back.

use bytes::Bytes;
use dlcs_eventlog::log::StreamRead;
use dlcs_eventlog::{EventId, Position, RecordedEvent, StreamId, StreamRevision};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Row, params};
use std::borrow::Cow;
use uuid::Uuid;

const READ_ALL: &str = "
    SELECT position, event_id, stream, revision, type, schema_version, recorded_at_us, payload,
           metadata
    FROM events
    WHERE position > ?1
    ORDER BY position
    LIMIT ?2";

const READ_STREAM: &str = "
    SELECT position, event_id, stream, revision, type, schema_version, recorded_at_us, payload,
           metadata
    FROM events
    WHERE stream = ?1 AND revision >= ?2
    ORDER BY revision
    LIMIT ?3";

pub(super) fn read_all(
    connection: &Connection,
    after: Position,
    limit: usize,
) -> rusqlite::Result<Vec<RecordedEvent>> {
    let mut statement = connection.prepare_cached(READ_ALL)?;
    let rows = statement.query_map(params![signed(after.0), signed(limit as u64)], into_event)?;
    rows.collect()
}

/// Reads each stream, all from one snapshot.
pub(super) fn read_streams(
    connection: &mut Connection,
    reads: &[StreamRead],
) -> rusqlite::Result<Vec<Vec<RecordedEvent>>> {
    let snapshot = connection.transaction()?;
    let mut statement = snapshot.prepare_cached(READ_STREAM)?;
    let mut streams = Vec::with_capacity(reads.len());
    for StreamRead { stream, from, limit } in reads {
        let params = params![stream.as_str(), signed(from.0), signed(*limit as u64)];
        let events = statement.query_map(params, into_event)?;
        streams.push(events.collect::<rusqlite::Result<_>>()?);
    }
    Ok(streams)
}

pub(crate) fn head(connection: &Connection) -> rusqlite::Result<Position> {
    Ok(last(connection)?.map_or(Position::START, |last| last.position))
}

/// The newest event of the log.
pub(super) struct Last {
    pub position: Position,
    pub recorded_at_us: i64,
}

pub(super) fn last(connection: &Connection) -> rusqlite::Result<Option<Last>> {
    const LAST: &str = "SELECT position, recorded_at_us FROM events ORDER BY position DESC LIMIT 1";
    connection
        .prepare_cached(LAST)?
        .query_row([], |row| {
            Ok(Last { position: Position(unsigned(row, 0)?), recorded_at_us: row.get(1)? })
        })
        .optional()
}

fn into_event(row: &Row<'_>) -> rusqlite::Result<RecordedEvent> {
    Ok(RecordedEvent {
        position: Position(unsigned(row, 0)?),
        event_id: EventId(Uuid::from_bytes(row.get(1)?)),
        stream: StreamId::from_stored(row.get::<_, String>(2)?),
        revision: StreamRevision(unsigned(row, 3)?),
        type_name: Cow::Owned(row.get(4)?),
        schema_version: row.get(5)?,
        recorded_at_us: row.get(6)?,
        payload: bytes(row, 7)?,
        metadata: bytes(row, 8)?,
    })
}

fn bytes(row: &Row<'_>, column: usize) -> rusqlite::Result<Bytes> {
    match row.get_ref(column)? {
        ValueRef::Blob(bytes) => Ok(Bytes::copy_from_slice(bytes)),
        other => {
            let name = row.as_ref().column_name(column)?.to_owned();
            Err(rusqlite::Error::InvalidColumnType(column, name, other.data_type()))
        }
    }
}

/// SQLite's integers are signed; nothing here ever reaches the sign bit.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn unsigned(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let number: i64 = row.get(column)?;
    u64::try_from(number).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, number))
}
