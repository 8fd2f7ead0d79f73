//! Measures appends and reads of the event log: `append_rate [FOLDER] [SECONDS]`.
//!
//! Each case has a log of its own in FOLDER (the current one, if none is given), which should be
//! on the disk that the figures are about.

use dlcs_adapter_sqlite::log::SqliteLog;
use dlcs_eventlog::{Append, EventId, EventLog, Expected, NewEvent, Position, StreamId};
use std::error::Error;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use uuid::Uuid;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// Bytes of a typical registration.
const PAYLOAD: &[u8] = &[b'p'; 379];
const METADATA: &[u8] = &[b'm'; 149];

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().unwrap_or_else(|| ".".into());
    let seconds = arguments.next().map_or(Ok(4), |it| it.parse())?;
    let duration = Duration::from_secs(seconds);
    for writers in [1, 16, 64, 256] {
        let case = format!("{writers} writers, 1 event each");
        measure(&folder, &case, writers, 1, duration).await?;
    }
    for batch in [1_000, 10_000] {
        measure(&folder, &format!("1 writer, {batch} events each"), 1, batch, duration).await?;
    }
    Ok(())
}

async fn measure(
    folder: &str,
    case: &str,
    writers: usize,
    batch: usize,
    duration: Duration,
) -> Result<()> {
    let folder = tempfile::tempdir_in(folder)?;
    let path = folder.path().join("events.sqlite");
    let log = Arc::new(SqliteLog::open(&path, Arc::new(|| 0))?);
    let started = Instant::now();
    let writers: Vec<_> = (0..writers)
        .map(|_| tokio::spawn(write_until(Arc::clone(&log), batch, started + duration)))
        .collect();
    let mut latencies = Vec::new();
    for writer in writers {
        latencies.extend(writer.await??);
    }
    let rate = rate(latencies.len() * batch, started.elapsed());
    latencies.sort();
    let percentile = |it: usize| latencies[(latencies.len() - 1) * it / 100].as_secs_f64() * 1e3;
    let (p50, p99) = (percentile(50), percentile(99));
    let mut out = std::io::stdout();
    write!(out, "{case}: {rate} events/s, p50 {p50:.1} ms, p99 {p99:.1} ms")?;
    drop(log);
    writeln!(out, "; read back {} events/s", read_rate(&path).await?)?;
    Ok(())
}

async fn write_until(log: Arc<SqliteLog>, batch: usize, end: Instant) -> Result<Vec<Duration>> {
    let mut latencies = Vec::new();
    while Instant::now() < end {
        let appends = (0..batch).map(|_| registration()).collect();
        let started = Instant::now();
        for answer in log.append(appends).await {
            answer?;
        }
        latencies.push(started.elapsed());
    }
    Ok(latencies)
}

fn registration() -> Append {
    let event = NewEvent {
        event_id: EventId(Uuid::now_v7()),
        type_name: "asset.registered".into(),
        schema_version: 1,
        payload: PAYLOAD.into(),
        metadata: METADATA.into(),
    };
    let stream = StreamId::new("asset", &format!("1/2/{}", event.event_id.0));
    Append { stream, expected: Expected::NoStream, events: vec![event] }
}

async fn read_rate(path: &Path) -> Result<usize> {
    let log = SqliteLog::open_read_only(path)?;
    let (started, mut count, mut after) = (Instant::now(), 0, Position::START);
    loop {
        let page = log.read_all(after, 5_000).await?;
        let Some(last) = page.last() else { break };
        after = last.position;
        count += page.len();
    }
    Ok(rate(count, started.elapsed()))
}

fn rate(count: usize, elapsed: Duration) -> usize {
    (count as f64 / elapsed.as_secs_f64()) as usize
}
