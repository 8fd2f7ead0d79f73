//! Events per second of `dlcs replay`, beside a plain scan of the same table.

use super::{Bench, is_peer_first, mebibytes, register_batch};
use crate::figures::{Better, Figure, Outcome, Rounds};
use crate::process::measure;
use anyhow::{Context, Result};
use rusqlite::{Connection, OpenFlags};
use serde_json::Value;
use std::path::Path;
use std::process::Stdio;
use std::time::Instant;

const RATE: &str = "events/s";

pub(crate) async fn run(bench: &Bench) -> Result<Outcome> {
    let data = bench.folder("replay")?;
    let server = bench.serve(&data, &["--roles", "api,project"]).await?;
    let (batches, rows) = if bench.quick { (2, 5_000) } else { (10, 10_000) };
    for batch in 0..batches {
        register_batch(&server, rows, &format!("b{batch}")).await?;
    }
    server.stop().await?;
    // A server says that it is ready once every read model knows the whole history.
    bench.program.serve(&data, &["--roles", "api,project"]).await?.stop().await?;

    let log = data.join("events.sqlite");
    let (mut replayed, mut memory, mut scanned) = <(Rounds, Rounds, Rounds)>::default();
    let mut events = 0;
    for round in 0..bench.rounds() {
        bench.say("replay", round);
        let mut scan_now = || -> Result<()> {
            let begun = Instant::now();
            events = scan(&log)?;
            scanned.push(events as f64 / begun.elapsed().as_secs_f64());
            Ok(())
        };
        if is_peer_first(round) {
            scan_now()?;
        }
        let mut replay = bench.program.command(&data);
        replay.arg("replay").stdin(Stdio::null()).stdout(Stdio::null());
        let cost = measure(&mut replay).await.context("the replay does not say `equal`")?;
        if !is_peer_first(round) {
            scan_now()?;
        }
        replayed.push(events as f64 / cost.wall.as_secs_f64());
        memory.push(mebibytes(cost.peak_bytes));
    }
    let peer = "one scan of the table, JSON parsed";
    let figures = vec![
        Figure::new("`dlcs replay`, all projections", RATE, Better::More, replayed)
            .beside(peer, scanned),
        Figure::new("`dlcs replay`: peak memory", "MiB", Better::Less, memory),
    ];
    Ok(Outcome::Measured { setup: setup(events), figures })
}

fn setup(events: u64) -> String {
    format!(
        "A store of {events} events, nearly all registrations of the queue. `dlcs replay` reads them, \
         writes every read model anew in SQLite and compares each with the live one; its whole run \
         is timed. The peer only reads: `SELECT payload, metadata FROM events ORDER BY position`, \
         each parsed as JSON and dropped. It is a bound, not a rival."
    )
}

/// Reads and parses every event; returns how many there are.
fn scan(log: &Path) -> Result<u64> {
    let connection = Connection::open_with_flags(log, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let mut select =
        connection.prepare("SELECT payload, metadata FROM events ORDER BY position")?;
    let mut rows = select.query([])?;
    let mut events = 0;
    while let Some(row) = rows.next()? {
        for column in 0..2 {
            let value: Value = serde_json::from_slice(row.get_ref(column)?.as_blob()?)?;
            std::hint::black_box(value);
        }
        events += 1;
    }
    Ok(events)
}
