//! Reading events back.

use crate::connection::{Client, DatabaseError};
use bytes::Bytes;
use dlcs_eventlog::log::StreamRead;
use dlcs_eventlog::{EventId, Position, RecordedEvent, StreamId, StreamRevision};
use futures::TryStreamExt;
use std::borrow::Cow;
use std::pin::pin;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

const READ_ALL: &str = "
    SELECT position, event_id, stream, revision, type, schema_version, recorded_at_us, payload,
           metadata
    FROM dlcs_log.events
    WHERE position > $1
    ORDER BY position
    LIMIT $2";

/// Many streams at once; `n` says whose an event is.
const READ_STREAMS: &str = "
    SELECT e.position, e.event_id, e.stream, e.revision, e.type, e.schema_version,
           e.recorded_at_us, e.payload, e.metadata, wanted.n
    FROM unnest($1::text[], $2::bigint[], $3::bigint[])
             WITH ORDINALITY AS wanted (name, first, at_most, n)
    CROSS JOIN LATERAL (
        SELECT * FROM dlcs_log.events
        WHERE stream = wanted.name AND revision >= wanted.first
        ORDER BY revision
        LIMIT wanted.at_most
    ) AS e";

pub(super) async fn read_all(
    client: &Client,
    after: Position,
    limit: usize,
) -> Result<Vec<RecordedEvent>, DatabaseError> {
    read(client, READ_ALL, &[&signed(after.0), &signed(limit as u64)]).await
}

/// Reads each stream, all from one snapshot.
pub(super) async fn read_streams(
    client: &Client,
    reads: &[StreamRead],
) -> Result<Vec<Vec<RecordedEvent>>, DatabaseError> {
    // PostgreSQL has no text with a character 0, so it has no such stream.
    let name = |read: &StreamRead| read.stream.as_str().replace('\0', "");
    let is_possible = |read: &StreamRead| !read.stream.as_str().contains('\0');
    let names: Vec<String> = reads.iter().map(name).collect();
    let firsts: Vec<i64> = reads.iter().map(|it| signed(it.from.0)).collect();
    let limit = |read: &StreamRead| if is_possible(read) { signed(read.limit as u64) } else { 0 };
    let limits: Vec<i64> = reads.iter().map(limit).collect();
    let statement = client.prepare_cached(READ_STREAMS).await?;
    let parameters: [&(dyn ToSql + Sync); 3] = [&names, &firsts, &limits];
    let mut rows = pin!(client.query_raw(&statement, parameters).await?);
    let mut streams: Vec<Vec<RecordedEvent>> = reads.iter().map(|_| Vec::new()).collect();
    while let Some(row) = rows.try_next().await? {
        let n = usize::try_from(unsigned(&row, 9)?).ok().and_then(|it| it.checked_sub(1));
        let stream = n.and_then(|it| streams.get_mut(it));
        let stream = stream.ok_or_else(|| DatabaseError::Damaged("no such read".to_owned()))?;
        stream.push(into_event(&row)?);
    }
    // In this order anyhow, but nothing promises that.
    streams.iter_mut().for_each(|it| it.sort_by_key(|event| event.revision));
    Ok(streams)
}

pub(super) async fn head(client: &Client) -> Result<Position, DatabaseError> {
    let statement = client.prepare_cached("SELECT position FROM dlcs_log.head").await?;
    let row = client.query_one(&statement, &[]).await?;
    Ok(Position(unsigned(&row, 0)?))
}

async fn read(
    client: &Client,
    sql: &str,
    parameters: &[&(dyn ToSql + Sync)],
) -> Result<Vec<RecordedEvent>, DatabaseError> {
    let statement = client.prepare_cached(sql).await?;
    let rows = client.query_raw(&statement, parameters.iter().copied()).await?;
    let mut rows = pin!(rows);
    let mut events = Vec::new();
    while let Some(row) = rows.try_next().await? {
        events.push(into_event(&row)?);
    }
    Ok(events)
}

fn into_event(row: &Row) -> Result<RecordedEvent, DatabaseError> {
    Ok(RecordedEvent {
        position: Position(unsigned(row, 0)?),
        event_id: EventId(row.try_get(1)?),
        stream: StreamId::from_stored(row.try_get::<_, String>(2)?),
        revision: StreamRevision(unsigned(row, 3)?),
        type_name: Cow::Owned(row.try_get(4)?),
        schema_version: row.try_get::<_, i32>(5)?.cast_unsigned(),
        recorded_at_us: row.try_get(6)?,
        payload: Bytes::copy_from_slice(row.try_get(7)?),
        metadata: Bytes::copy_from_slice(row.try_get(8)?),
    })
}

/// PostgreSQL's integers are signed; nothing here ever reaches the sign bit.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn unsigned(row: &Row, column: usize) -> Result<u64, DatabaseError> {
    let number: i64 = row.try_get(column)?;
    u64::try_from(number)
        .map_err(|_| DatabaseError::Damaged(format!("a position or revision is {number}")))
}
