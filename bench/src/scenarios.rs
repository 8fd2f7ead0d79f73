//! What is measured. Each scenario makes its own stores and leaves nothing behind.

pub(crate) mod annotations;
pub(crate) mod appends;
pub(crate) mod audit;
pub(crate) mod highlighter;
pub(crate) mod histories;
pub(crate) mod images;
pub(crate) mod ingest;
pub(crate) mod presentation;
pub(crate) mod rebuilds;
pub(crate) mod recognition;
pub(crate) mod registrations;
pub(crate) mod replay;
pub(crate) mod search;
pub(crate) mod statements;
pub(crate) mod tiles;

use crate::figures::Outcome;
use crate::machine;
use crate::process::{Cost, measure};
use crate::program::{Program, Server};
use anyhow::{Context, Result, ensure};
use std::path::{Path, PathBuf};
use std::thread::available_parallelism;
use std::time::{Duration, Instant};
use tokio::process::Command;

/// What every scenario gets.
pub(crate) struct Bench {
    pub(crate) program: Program,
    /// A folder on the disk that is measured; gone afterwards.
    pub(crate) work: PathBuf,
    pub(crate) quick: bool,
}

impl Bench {
    pub(crate) fn rounds(&self) -> usize {
        if self.quick { 1 } else { 3 }
    }

    /// How long one side of a round is under load.
    pub(crate) fn load_time(&self) -> Duration {
        Duration::from_secs(if self.quick { 1 } else { 5 })
    }

    /// Makes an empty folder.
    pub(crate) fn folder(&self, name: &str) -> Result<PathBuf> {
        let folder = self.work.join(name);
        std::fs::create_dir_all(&folder).context("making a folder")?;
        Ok(folder)
    }

    /// Starts a server with space 1 on an empty folder.
    pub(crate) async fn serve(&self, data: &Path, flags: &[&str]) -> Result<Server> {
        let server = self.program.serve(data, flags).await?;
        server.make_space().await?;
        Ok(server)
    }

    /// Says what is being done, on the terminal.
    pub(crate) fn say(&self, scenario: &str, round: usize) {
        eprintln!("{scenario}: round {} of {}", round + 1, self.rounds());
    }
}

/// Who goes first in a round: the two sides take turns, so that neither always finds a warm machine.
pub(crate) fn is_peer_first(round: usize) -> bool {
    round % 2 == 1
}

/// Returns the outcome of a scenario whose tools are not all there.
pub(crate) fn lacks(tools: &[&str]) -> Option<Outcome> {
    let missing: Vec<&str> = tools.iter().copied().filter(|tool| !machine::has(tool)).collect();
    if missing.is_empty() {
        return None;
    }
    Some(Outcome::Skipped(format!("not installed: {}", missing.join(", "))))
}

pub(crate) fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / (1024.0 * 1024.0)
}

/// Makes NDJSON of registrations whose origins nobody will ask for.
pub(crate) fn ndjson(rows: u32, prefix: &str) -> String {
    (0..rows).map(|row| format!("{}\n", registration(&format!("{prefix}-{row}"), true))).collect()
}

/// Makes the body of one registration, alone or as a row of a batch.
pub(crate) fn registration(id: &str, as_row: bool) -> serde_json::Value {
    let mut body = serde_json::json!({
        "origin": format!("https://images.example/{id}.jpg"),
        "string1": "bench",
        "number1": 7,
    });
    if as_row {
        body["id"] = id.into();
        body["space"] = 1.into();
    }
    body
}

/// Registers rows as one batch through the queue; all of them have to be new.
///
/// Returns the time from the first byte sent to the last byte answered.
pub(crate) async fn register_batch(server: &Server, rows: u32, prefix: &str) -> Result<Duration> {
    let mut connection = crate::client::Connection::open(&server.address).await?;
    let headers = [("content-type", "application/x-ndjson")];
    let body = ndjson(rows, prefix).into_bytes();
    let begun = Instant::now();
    let answer = connection.send("POST", "/customers/1/queue", &headers, body).await?;
    let time = begun.elapsed();
    ensure!(answer.status.is_success(), "the batch was refused: {}", answer.text());
    let text = String::from_utf8_lossy(&answer.body);
    let created = text.lines().filter(|line| line.contains("\"status\":201")).count();
    ensure!(created == rows as usize, "{created} of {rows} rows were registered");
    Ok(time)
}

/// Runs processes, as many at once as there are cores; the peak is that of the largest.
pub(crate) async fn side_by_side(commands: Vec<Command>) -> Result<Cost> {
    let begun = Instant::now();
    let mut waiting = commands.into_iter();
    let mut running = tokio::task::JoinSet::new();
    let mut peak_bytes = 0;
    loop {
        while running.len() < cores() {
            let Some(mut command) = waiting.next() else { break };
            running.spawn(async move { measure(&mut command).await });
        }
        let Some(done) = running.join_next().await else { break };
        peak_bytes = peak_bytes.max(done.context("a process was lost")??.peak_bytes);
    }
    Ok(Cost { wall: begun.elapsed(), peak_bytes })
}

pub(crate) fn cores() -> usize {
    available_parallelism().map_or(1, usize::from)
}
