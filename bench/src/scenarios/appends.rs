//! Events per second into the event stores, through the write side below the API, beside
//! `postgres-es`, bare `COPY` and plain SQLite.

use super::{Bench, is_peer_first};
use crate::children::{self, POSTGRES_ES, Postgres, STORES, done};
use crate::figures::{Better, Figure, Outcome, Rounds};
use crate::plain_sqlite::{PlainSqlite, Rows, SampleEvent};
use crate::report::significant;
use anyhow::{Context, Result};
use dlcs_bench_sample::{Done, METADATA_BYTES, PAYLOAD_BYTES, Sample};

const RATE: &str = "events/s";
const WRITERS: [u32; 4] = [1, 16, 64, 256];
/// Writers of the peer, each with a connection; the best number is what we are compared with.
const CONNECTIONS: [u32; 4] = [16, 32, 64, 128];
/// Rows in one transaction of the peers of bulk appends.
const COPIED_TOGETHER: u32 = 50_000;
const INSERTED_TOGETHER: u32 = 10_000;
const FINISHED: &str = "finished before";

/// One value per round.
#[derive(Default, Clone)]
struct Load {
    rates: Rounds,
    slow_ms: Rounds,
}

impl Load {
    fn push(&mut self, done: Done) {
        self.rates.push(done.per_second());
        self.slow_ms.push(done.p99_ms);
    }
}

#[derive(Default)]
struct Loads {
    postgres: [Load; WRITERS.len()],
    postgres_es: [Load; CONNECTIONS.len()],
    bulk: Load,
    /// Of rows whose JSON is made within the loop.
    copy: Load,
    /// Of rows that were finished before.
    copy_finished: Load,
    sqlite: [Load; WRITERS.len()],
    sqlite_bulk: Load,
    /// Of our own log, without what stands above it.
    sqlite_log: Load,
    one_by_one: Rounds,
    /// Of rows whose JSON is made within the loop.
    together: Rounds,
    /// Of rows that were finished before.
    together_finished: Rounds,
}

pub(crate) async fn run(bench: &Bench) -> Result<Outcome> {
    if let Some(skipped) = children::lacks() {
        return Ok(skipped);
    }
    let mut postgres = Postgres::start().await?;
    let mut loads = Loads::default();
    for round in 0..bench.rounds() {
        bench.say("appends", round);
        for is_peer in [is_peer_first(round), !is_peer_first(round)] {
            match is_peer {
                true => peers(bench, &mut postgres, &mut loads).await?,
                false => ours(bench, &mut postgres, &mut loads).await?,
            }
        }
    }
    postgres.stop().await?;
    Ok(Outcome::Measured { setup: setup(bulk_events(bench)), figures: figures(loads) })
}

fn bulk_events(bench: &Bench) -> u32 {
    if bench.quick { 50_000 } else { 200_000 }
}

async fn ours(bench: &Bench, postgres: &mut Postgres, loads: &mut Loads) -> Result<()> {
    let seconds = bench.load_time().as_secs().to_string();
    let events = bulk_events(bench).to_string();
    for (load, writers) in loads.postgres.iter_mut().zip(WRITERS) {
        let url = postgres.create("ours").await?;
        let writers = writers.to_string();
        let args = ["append", "--store", &url, "--writers", &writers, "--seconds", &seconds];
        load.push(done(STORES, &args).await?);
        postgres.drop("ours").await?;
    }
    let url = postgres.create("ours").await?;
    loads.bulk.push(done(STORES, &["bulk", "--store", &url, "--events", &events]).await?);
    postgres.drop("ours").await?;
    for (load, writers) in loads.sqlite.iter_mut().zip(WRITERS) {
        let file = tempfile::tempdir_in(&bench.work)?;
        let path = file.path().join("events.sqlite").display().to_string();
        let writers = writers.to_string();
        let args = ["append", "--store", &path, "--writers", &writers, "--seconds", &seconds];
        load.push(done(STORES, &args).await?);
    }
    let file = tempfile::tempdir_in(&bench.work)?;
    let path = file.path().join("events.sqlite").display().to_string();
    loads.sqlite_bulk.push(done(STORES, &["bulk", "--store", &path, "--events", &events]).await?);
    let file = tempfile::tempdir_in(&bench.work)?;
    let path = file.path().join("events.sqlite").display().to_string();
    loads.sqlite_log.push(done(STORES, &["fill", "--store", &path, "--events", &events]).await?);
    Ok(())
}

async fn peers(bench: &Bench, postgres: &mut Postgres, loads: &mut Loads) -> Result<()> {
    let seconds = bench.load_time().as_secs().to_string();
    for (load, writers) in loads.postgres_es.iter_mut().zip(CONNECTIONS) {
        let url = postgres.create("peer").await?;
        let writers = writers.to_string();
        let args = ["append", "--url", &url, "--writers", &writers, "--seconds", &seconds];
        load.push(done(POSTGRES_ES, &args).await?);
        postgres.drop("peer").await?;
    }
    let (events, together) = (bulk_events(bench).to_string(), COPIED_TOGETHER.to_string());
    for (load, more) in [(&mut loads.copy, None), (&mut loads.copy_finished, Some("--finished"))] {
        let url = postgres.create("peer").await?;
        let args = ["copy", "--url", &url, "--events", &events, "--together", &together];
        let args: Vec<&str> = args.into_iter().chain(more).collect();
        load.push(done(STORES, &args).await?);
        postgres.drop("peer").await?;
    }
    let finished =
        SampleEvent { payload: vec![b'p'; PAYLOAD_BYTES], metadata: vec![b'm'; METADATA_BYTES] };
    for (rounds, rows) in [
        (&mut loads.together, Rows::Made(Sample::default())),
        (&mut loads.together_finished, Rows::Finished(finished)),
    ] {
        let file = tempfile::tempdir_in(&bench.work)?;
        let mut plain = PlainSqlite::create(&file.path().join("plain.sqlite"), rows)?;
        rounds.push(plain.together(bulk_events(bench), INSERTED_TOGETHER)?);
    }
    let file = tempfile::tempdir_in(&bench.work)?;
    let rows = Rows::Made(Sample::default());
    let mut plain = PlainSqlite::create(&file.path().join("plain.sqlite"), rows)?;
    loads.one_by_one.push(plain.one_by_one(bench.load_time())?);
    Ok(())
}

fn figures(loads: Loads) -> Vec<Figure> {
    let mut figures = Vec::new();
    let (connections, best) = best(&loads.postgres_es);
    let peer = format!("`postgres-es`, {connections} connections");
    for (load, writers) in loads.postgres.into_iter().zip(WRITERS) {
        let case = format!("PostgreSQL, {}", many(writers));
        let slow = format!("{case}: 99th percentile");
        let rate = Figure::new(case, RATE, Better::More, load.rates);
        figures.push(rate.beside(&peer, best.rates.clone()));
        let slow = Figure::new(slow, "ms", Better::Less, load.slow_ms);
        figures.push(slow.beside(&peer, best.slow_ms.clone()));
    }
    let copy = format!("`COPY`, {} rows a transaction", significant(f64::from(COPIED_TOGETHER)));
    let bulk = Figure::new("PostgreSQL, one call for all", RATE, Better::More, loads.bulk.rates);
    figures.push(bulk.clone().beside(&copy, loads.copy.rates));
    figures.push(bulk.beside(&format!("{copy}, {FINISHED}"), loads.copy_finished.rates));
    let alone = "SQLite, one row a transaction";
    let together =
        format!("SQLite, {} rows a transaction", significant(f64::from(INSERTED_TOGETHER)));
    let log =
        format!("our log, {} events a transaction", significant(f64::from(INSERTED_TOGETHER)));
    for (load, writers) in loads.sqlite.into_iter().zip(WRITERS) {
        let case = format!("SQLite, {}", many(writers));
        let rate = Figure::new(case.clone(), RATE, Better::More, load.rates.clone());
        figures.push(rate.beside(alone, loads.one_by_one.clone()));
        let rate = Figure::new(case.clone(), RATE, Better::More, load.rates);
        figures.push(rate.clone().beside(&together, loads.together.clone()));
        figures.push(rate.beside(&log, loads.sqlite_log.rates.clone()));
        let slow = format!("{case}: 99th percentile");
        figures.push(Figure::new(slow, "ms", Better::Less, load.slow_ms));
    }
    let bulk = Figure::new("SQLite, one call for all", RATE, Better::More, loads.sqlite_bulk.rates);
    figures.push(bulk.clone().beside(&together, loads.together));
    figures.push(bulk.beside(&format!("{together}, {FINISHED}"), loads.together_finished));
    figures
}

/// Returns the number of connections at which the peer is fastest, and what it does with it.
fn best(loads: &[Load; CONNECTIONS.len()]) -> (u32, Load) {
    let pairs = CONNECTIONS.into_iter().zip(loads);
    let best = pairs.max_by(|(_, a), (_, b)| a.rates.median().total_cmp(&b.rates.median()));
    let (connections, load) = best.context("there is one").expect("the list is not empty");
    (connections, load.clone())
}

fn many(writers: u32) -> String {
    if writers == 1 { "1 writer".into() } else { format!("{writers} writers") }
}

fn setup(bulk_events: u32) -> String {
    format!(
        "Registrations through the write side that the API calls: look up the space, load the \
         stream, decide, encode, append, wait until it is durable. Each is an event of \
         {PAYLOAD_BYTES} + {METADATA_BYTES} bytes; each writer waits for its answer before it goes \
         on; `one call for all` registers {} images at once. Every side begins with empty tables. \
         PostgreSQL is one server for both sides, on loopback, `fsync` and `synchronous_commit` on. \
         `postgres-es` persists the same payload, one event a commit, a writer for each connection, \
         without loading or deciding; of {CONNECTIONS:?} connections the best is shown. `COPY` \
         takes rows into a bare table with a key and one unique index, and the peers of SQLite \
         insert into a plain table of the same kind; each row's JSON is made within the loop, on the \
         same cores, or all of it was finished before the clock started, where it says so. `our log` \
         takes such registrations ready to append, from one writer. SQLite \
         syncs every commit (WAL, `synchronous=FULL`).",
        significant(f64::from(bulk_events)),
    )
}
