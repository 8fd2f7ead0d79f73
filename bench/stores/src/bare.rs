//! The bound of bulk appends on PostgreSQL: `COPY` of rows into a bare table.
//!
//! The columns of an event with the name of its stream, the position as the key and one stream
//! position each unique; nothing is looked up or decided while it is timed.

use crate::history;
use anyhow::{Context, Result, ensure};
use bytes::{BufMut, Bytes, BytesMut};
use dlcs_bench_sample::{Done, Sample};
use futures::SinkExt;
use std::ops::Range;
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

/// When the rows are made: their JSON and their binary form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rows {
    /// While they are sent, as whoever records events has to.
    Made,
    /// Before the clock starts.
    Finished,
}

pub(crate) async fn copy(url: &str, events: u64, together: u64, rows: Rows) -> Result<Done> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    let connection = tokio::spawn(connection);
    client.batch_execute(TABLE).await?;
    let mut finished = Vec::new();
    if rows == Rows::Finished {
        for range in ranges(events, together) {
            finished.push(Chunks::of(range).collect::<Result<Vec<_>>>()?);
        }
    }
    let begun = Instant::now();
    for (number, range) in ranges(events, together).enumerate() {
        match finished.get_mut(number) {
            Some(chunks) => send(&client, std::mem::take(chunks).into_iter().map(Ok)).await?,
            None => send(&client, Chunks::of(range)).await?,
        }
    }
    let done = Done::since(begun, events);
    let stored: i64 = client.query_one("SELECT count(*) FROM bare", &[]).await?.get(0);
    ensure!(stored.cast_unsigned() == events, "{stored} of {events} rows are there");
    drop(client);
    connection.await??;
    Ok(done)
}

/// Cuts the events into transactions.
fn ranges(events: u64, together: u64) -> impl Iterator<Item = Range<u64>> {
    let first = (0..events).step_by(usize::try_from(together).expect("it fits"));
    first.map(move |first| first..events.min(first + together))
}

async fn send(client: &Client, chunks: impl Iterator<Item = Result<Bytes>>) -> Result<()> {
    let mut sink = pin!(client.copy_in::<_, Bytes>(COPY).await?);
    for chunk in chunks {
        sink.send(chunk?).await?;
    }
    sink.finish().await?;
    Ok(())
}

/// Rows as PostgreSQL's binary form has them, in pieces.
struct Chunks {
    sample: Sample,
    left: Range<u64>,
    buffer: BytesMut,
    is_done: bool,
}

impl Chunks {
    fn of(left: Range<u64>) -> Self {
        let mut buffer = BytesMut::with_capacity(CHUNK_BYTES + 4_096);
        buffer.put_slice(b"PGCOPY\n\xff\r\n\x00\0\0\0\0\0\0\0\0");
        Self { sample: Sample::default(), left, buffer, is_done: false }
    }

    fn fill(&mut self) -> Result<Bytes> {
        while self.buffer.len() < CHUNK_BYTES
            && let Some(number) = self.left.next()
        {
            self.put_row(number)?;
        }
        self.is_done = self.left.is_empty();
        if self.is_done {
            self.buffer.put_i16(-1);
        }
        Ok(self.buffer.split().freeze())
    }

    fn put_row(&mut self, number: u64) -> Result<()> {
        let append = history::registration(&self.sample, number);
        let event = append.events.first().context("an append has an event")?;
        let buffer = &mut self.buffer;
        buffer.put_i16(9);
        put(buffer, &(number + 1).to_be_bytes())?;
        put(buffer, append.stream.as_str().as_bytes())?;
        put(buffer, &0_i64.to_be_bytes())?;
        put(buffer, &1_700_000_000_000_000_i64.to_be_bytes())?;
        put(buffer, &event.schema_version.to_be_bytes())?;
        put(buffer, event.event_id.0.as_bytes())?;
        put(buffer, event.type_name.as_bytes())?;
        put(buffer, &event.payload)?;
        put(buffer, &event.metadata)
    }
}

impl Iterator for Chunks {
    type Item = Result<Bytes>;

    fn next(&mut self) -> Option<Result<Bytes>> {
        (!self.is_done).then(|| self.fill())
    }
}

fn put(buffer: &mut BytesMut, bytes: &[u8]) -> Result<()> {
    buffer.put_i32(i32::try_from(bytes.len())?);
    buffer.put_slice(bytes);
    Ok(())
}
