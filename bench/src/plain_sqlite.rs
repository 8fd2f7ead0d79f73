//! The peer of the event log: the same rows in a plain SQLite file, as durable as ours.

use anyhow::Result;
use dlcs_bench_sample::{Sample, asset_name};
use rusqlite::{Connection, params};
use std::path::Path;
use std::time::{Duration, Instant};

/// What one row holds: bytes of the same length as a real event's.
#[derive(Debug, Clone)]
pub(crate) struct SampleEvent {
    pub(crate) payload: Vec<u8>,
    pub(crate) metadata: Vec<u8>,
}

/// Where the bytes of the rows come from.
#[derive(Debug, Clone)]
pub(crate) enum Rows {
    /// The same ones each time, finished before the clock starts.
    Finished(SampleEvent),
    /// Each row's JSON is made within the loop, as whoever records events has to.
    Made(Sample),
}

impl Rows {
    fn event(&self, number: u64) -> SampleEvent {
        match self {
            Self::Finished(event) => event.clone(),
            Self::Made(sample) => {
                let (payload, metadata) = sample.json(&asset_name(0, number));
                SampleEvent { payload, metadata }
            }
        }
    }
}

/// A table of events with the one index that an event log cannot do without.
pub(crate) struct PlainSqlite {
    connection: Connection,
    rows: Rows,
    next: u64,
}

impl PlainSqlite {
    pub(crate) fn create(path: &Path, rows: Rows) -> Result<Self> {
        let connection = Connection::open(path)?;
        connection.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
             CREATE TABLE events (
                 position INTEGER PRIMARY KEY, stream TEXT NOT NULL, revision INTEGER NOT NULL,
                 payload BLOB NOT NULL, metadata BLOB NOT NULL, UNIQUE (stream, revision)
             ) STRICT;",
        )?;
        Ok(Self { connection, rows, next: 0 })
    }

    /// Inserts rows for some time, each in a transaction of its own; returns rows per second.
    pub(crate) fn one_by_one(&mut self, time: Duration) -> Result<f64> {
        let begun = Instant::now();
        let mut rows = 0_u32;
        while begun.elapsed() < time {
            self.insert()?;
            rows += 1;
        }
        Ok(f64::from(rows) / begun.elapsed().as_secs_f64())
    }

    /// Inserts `rows` rows in transactions of `together`; returns rows per second.
    pub(crate) fn together(&mut self, rows: u32, together: u32) -> Result<f64> {
        let begun = Instant::now();
        let mut left = rows;
        while left > 0 {
            self.connection.execute_batch("BEGIN IMMEDIATE")?;
            for _ in 0..left.min(together) {
                self.insert()?;
            }
            self.connection.execute_batch("COMMIT")?;
            left = left.saturating_sub(together);
        }
        Ok(f64::from(rows) / begun.elapsed().as_secs_f64())
    }

    fn insert(&mut self) -> Result<()> {
        self.next += 1;
        let stream = format!("asset-1/1/plain-{}", self.next);
        let event = self.rows.event(self.next);
        let mut insert = self.connection.prepare_cached(
            "INSERT INTO events (stream, revision, payload, metadata) VALUES (?1, 0, ?2, ?3)",
        )?;
        insert.execute(params![stream, event.payload, event.metadata])?;
        Ok(())
    }
}
