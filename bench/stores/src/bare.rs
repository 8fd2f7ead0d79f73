//! The bound of bulk appends on PostgreSQL: `COPY` of finished rows into a bare table.
//!
//! The columns of an event with the name of its stream, the position as the key and one stream
//! position each unique; nothing is looked up, decided or encoded while it is timed.

use crate::history;
use anyhow::{Context, Result, ensure};
use bytes::{BufMut, Bytes, BytesMut};
use dlcs_bench_sample::{Done, Sample};
use dlcs_eventlog::Append;
use futures::SinkExt;
use std::pin::pin;
use std::time::Instant;
use tokio_postgres::{Client, NoTls};

const TABLE: &str = "
    CREATE TABLE bare (
        position       bigint  PRIMARY KEY,
        stream         text    NOT NULL COLLATE \"C\",
        revision       bigint  NOT NULL,
        recorded_at_us bigint  NOT NULL,
        schema_version integer NOT NULL,
        event_id       uuid    NOT NULL,
        type           text    NOT NULL COLLATE \"C\",
        payload        bytea   NOT NULL,
        metadata       bytea   NOT NULL,
        UNIQUE (stream, revision)
    )";
const COPY: &str = "COPY bare FROM STDIN (FORMAT binary)";
const CHUNK_BYTES: usize = 256 << 10;

pub(crate) async fn copy(url: &str, events: u64, together: u64) -> Result<Done> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    let connection = tokio::spawn(connection);
    client.batch_execute(TABLE).await?;
    let sample = Sample::default();
    let mut transactions = Vec::new();
    let mut first = 0;
    while first < events {
        let end = events.min(first + together);
        let appends = (first..end).map(|it| history::registration(&sample, it));
        transactions.push(chunks(first, appends)?);
        first = end;
    }
    let begun = Instant::now();
    for chunks in transactions {
        send(&client, chunks).await?;
    }
    let done = Done::since(begun, events);
    let stored: i64 = client.query_one("SELECT count(*) FROM bare", &[]).await?.get(0);
    ensure!(stored.cast_unsigned() == events, "{stored} of {events} rows are there");
    drop(client);
    connection.await??;
    Ok(done)
}

async fn send(client: &Client, chunks: Vec<Bytes>) -> Result<()> {
    let mut sink = pin!(client.copy_in::<_, Bytes>(COPY).await?);
    for chunk in chunks {
        sink.send(chunk).await?;
    }
    sink.finish().await?;
    Ok(())
}

/// Writes rows as PostgreSQL's binary form has them.
fn chunks(first: u64, appends: impl Iterator<Item = Append>) -> Result<Vec<Bytes>> {
    let mut chunks = Vec::new();
    let mut buffer = BytesMut::with_capacity(CHUNK_BYTES + 4_096);
    buffer.put_slice(b"PGCOPY\n\xff\r\n\x00\0\0\0\0\0\0\0\0");
    for (append, position) in appends.zip(first + 1..) {
        let event = append.events.first().context("an append has an event")?;
        buffer.put_i16(9);
        put(&mut buffer, &position.to_be_bytes())?;
        put(&mut buffer, append.stream.as_str().as_bytes())?;
        put(&mut buffer, &0_i64.to_be_bytes())?;
        put(&mut buffer, &1_700_000_000_000_000_i64.to_be_bytes())?;
        put(&mut buffer, &event.schema_version.to_be_bytes())?;
        put(&mut buffer, event.event_id.0.as_bytes())?;
        put(&mut buffer, event.type_name.as_bytes())?;
        put(&mut buffer, &event.payload)?;
        put(&mut buffer, &event.metadata)?;
        if buffer.len() >= CHUNK_BYTES {
            chunks.push(buffer.split().freeze());
        }
    }
    buffer.put_i16(-1);
    chunks.push(buffer.freeze());
    Ok(chunks)
}

fn put(buffer: &mut BytesMut, bytes: &[u8]) -> Result<()> {
    buffer.put_i32(i32::try_from(bytes.len())?);
    buffer.put_slice(bytes);
    Ok(())
}
