//! Rows as `COPY … (FORMAT binary)` takes them: faster than parameters when there are many.

use super::decide::Row;
use super::rows::signed;
use bytes::{BufMut, Bytes, BytesMut};

pub(super) const COPY_EVENTS: &str = "
    COPY dlcs_log.events (position, revision, recorded_at_us, append_rest, schema_version,
                          event_id, stream, type, payload, metadata)
    FROM STDIN (FORMAT binary)";

const COLUMNS: i16 = 10;
const CHUNK_BYTES: usize = 256 << 10;

/// Returns the rows in pieces that are sent one by one.
pub(super) fn chunks(rows: &[Row<'_>]) -> impl Iterator<Item = Bytes> {
    let mut rows = rows.iter().peekable();
    let mut buffer = BytesMut::with_capacity(CHUNK_BYTES + 4_096);
    buffer.put_slice(b"PGCOPY\n\xff\r\n\x00");
    buffer.put_i32(0); // Flags.
    buffer.put_i32(0); // Length of what else the header holds.
    let mut is_done = false;
    std::iter::from_fn(move || {
        if is_done {
            return None;
        }
        while buffer.len() < CHUNK_BYTES
            && let Some(row) = rows.next()
        {
            put_row(&mut buffer, row);
        }
        is_done = rows.peek().is_none();
        if is_done {
            buffer.put_i16(-1);
        }
        Some(buffer.split().freeze())
    })
}

fn put_row(buffer: &mut BytesMut, row: &Row<'_>) {
    buffer.put_i16(COLUMNS);
    for number in [signed(row.position), signed(row.revision), row.recorded_at_us] {
        buffer.put_i32(8);
        buffer.put_i64(number);
    }
    for number in [rest(row), row.event.schema_version.cast_signed()] {
        buffer.put_i32(4);
        buffer.put_i32(number);
    }
    put_bytes(buffer, row.event.event_id.0.as_bytes());
    put_bytes(buffer, row.stream.as_bytes());
    put_bytes(buffer, row.event.type_name.as_bytes());
    put_bytes(buffer, &row.event.payload);
    put_bytes(buffer, &row.event.metadata);
}

fn put_bytes(buffer: &mut BytesMut, bytes: &[u8]) {
    let length = i32::try_from(bytes.len()).expect("PostgreSQL takes no value above 1 GiB");
    buffer.put_i32(length);
    buffer.put_slice(bytes);
}

/// An append is smaller than what this can count by far.
pub(super) fn rest(row: &Row<'_>) -> i32 {
    i32::try_from(row.rest).expect("an append has less than 2^31 events")
}
