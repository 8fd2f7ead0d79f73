//! Registrations per second through the API, beside rows per second into a plain SQLite file.

use super::{Bench, is_peer_first, register_batch, registration};
use crate::client::Connection;
use crate::figures::{Better, Figure, Outcome, Rounds};
use crate::plain_sqlite::{PlainSqlite, Rows, SampleEvent};
use crate::program::{Server, image_path};
use crate::report::significant;
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::path::Path;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::Instant;

const BATCH_ROWS: u32 = 20_000;
/// Rows in one transaction of the peer.
const TOGETHER: u32 = 10_000;
const RATE: &str = "registrations/s";

/// Clients at once, and whether they wait until they would read what they wrote.
const CASES: [(u32, Freshness); 4] =
    [(1, Freshness::Read), (16, Freshness::Read), (64, Freshness::Read), (64, Freshness::Durable)];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Freshness {
    /// Until the read model has it: the default.
    Read,
    /// Until it is on disk: `Prefer: respond-async`.
    Durable,
}

/// What the clients of one round found.
struct Load {
    per_s: f64,
    p99_ms: f64,
}

pub(crate) async fn run(bench: &Bench) -> Result<Outcome> {
    let data = bench.folder("registrations")?;
    let server = bench.serve(&data, &["--roles", "api,project"]).await?;
    register_batch(&server, 1, "first").await?;
    let sample = sample_event(bench, &data).await?;
    let event_bytes = sample.payload.len() + sample.metadata.len();
    let mut plain = PlainSqlite::create(&data.join("plain.sqlite"), Rows::Finished(sample))?;

    let mut loads: [(Rounds, Rounds); CASES.len()] = Default::default();
    let (mut batch, mut one_by_one, mut together) = <(Rounds, Rounds, Rounds)>::default();
    for round in 0..bench.rounds() {
        bench.say("registrations", round);
        if is_peer_first(round) {
            measure_plain(bench, &mut plain, &mut one_by_one, &mut together)?;
        }
        for ((rates, slow), (case, (clients, freshness))) in
            loads.iter_mut().zip(CASES.into_iter().enumerate())
        {
            let prefix = format!("r{round}-{case}");
            let load = put_many(&server, clients, freshness, &prefix, bench.load_time()).await?;
            rates.push(load.per_s);
            slow.push(load.p99_ms);
        }
        let time = register_batch(&server, BATCH_ROWS, &format!("b{round}")).await?;
        batch.push(f64::from(BATCH_ROWS) / time.as_secs_f64());
        if !is_peer_first(round) {
            measure_plain(bench, &mut plain, &mut one_by_one, &mut together)?;
        }
    }
    server.stop().await?;

    let mut figures = figures(loads, &one_by_one);
    let case = format!("`POST …/queue`, NDJSON of {} rows", significant(f64::from(BATCH_ROWS)));
    let peer = format!("SQLite, {} rows a transaction", significant(f64::from(TOGETHER)));
    figures.push(Figure::new(case, RATE, Better::More, batch).beside(&peer, together));
    Ok(Outcome::Measured { setup: setup(event_bytes), figures })
}

fn figures(loads: [(Rounds, Rounds); CASES.len()], one_by_one: &Rounds) -> Vec<Figure> {
    let mut figures = Vec::new();
    for ((rates, slow), (clients, freshness)) in loads.into_iter().zip(CASES) {
        let clients = if clients == 1 { "1 client".into() } else { format!("{clients} clients") };
        let case = match freshness {
            Freshness::Read => format!("`PUT` of one image, {clients}"),
            Freshness::Durable => format!("the same, `respond-async`, {clients}"),
        };
        let late = Figure::new(format!("{case}: 99th percentile"), "ms", Better::Less, slow);
        let rate = Figure::new(case, RATE, Better::More, rates);
        figures.push(rate.beside("SQLite, one row a transaction", one_by_one.clone()));
        figures.push(late);
    }
    figures
}

fn setup(event_bytes: usize) -> String {
    format!(
        "A server with the roles `api` and `project`, so that nothing is ingested. Each registration \
         is durable before it is answered; without `respond-async` the answer also waits for the \
         read model. The peer inserts rows with the bytes of one `asset.registered` event \
         ({event_bytes} of payload and metadata) into a plain table with one unique index, WAL and \
         `synchronous=FULL`, in the benchmark's own process: no HTTP, no rules, no read models."
    )
}

fn measure_plain(
    bench: &Bench,
    plain: &mut PlainSqlite,
    one_by_one: &mut Rounds,
    together: &mut Rounds,
) -> Result<()> {
    one_by_one.push(plain.one_by_one(bench.load_time())?);
    together.push(plain.together(BATCH_ROWS, TOGETHER)?);
    Ok(())
}

/// Reads back the bytes of one registration, for the peer to write as many.
async fn sample_event(bench: &Bench, data: &Path) -> Result<SampleEvent> {
    let mut command = bench.program.command(data);
    let output = command.args(["events", "--json", "--type", "asset.registered"]).output().await?;
    let text = String::from_utf8(output.stdout)?;
    let line = text.lines().next().context("there is no event `asset.registered`")?;
    let event: Value = serde_json::from_str(line)?;
    let bytes = |field: &str| event[field].to_string().into_bytes();
    Ok(SampleEvent { payload: bytes("payload"), metadata: bytes("metadata") })
}

/// Lets clients register one image after the other for some time.
async fn put_many(
    server: &Server,
    clients: u32,
    freshness: Freshness,
    prefix: &str,
    time: Duration,
) -> Result<Load> {
    let begun = Instant::now();
    let mut tasks = JoinSet::new();
    for client in 0..clients {
        let connection = Connection::open(&server.address).await?;
        let prefix = format!("{prefix}-{client}");
        tasks.spawn(put_until(connection, freshness, prefix, begun + time));
    }
    let mut waits = Vec::new();
    while let Some(done) = tasks.join_next().await {
        waits.extend(done??);
    }
    let per_s = waits.len() as f64 / begun.elapsed().as_secs_f64();
    waits.sort_unstable();
    let p99 = waits.get(waits.len() * 99 / 100).context("nothing was registered")?;
    Ok(Load { per_s, p99_ms: p99.as_secs_f64() * 1e3 })
}

/// Registers until the deadline; returns how long each answer took.
async fn put_until(
    mut connection: Connection,
    freshness: Freshness,
    prefix: String,
    deadline: Instant,
) -> Result<Vec<Duration>> {
    let json = ("content-type", "application/json");
    let headers: &[(&str, &str)] = match freshness {
        Freshness::Read => &[json],
        Freshness::Durable => &[json, ("prefer", "respond-async")],
    };
    let mut waits = Vec::new();
    while Instant::now() < deadline {
        let id = format!("{prefix}-{}", waits.len());
        let body = registration(&id, false).to_string().into_bytes();
        let begun = Instant::now();
        let answer = connection.send("PUT", &image_path(&id), headers, body).await?;
        waits.push(begun.elapsed());
        ensure!(answer.status.is_success(), "{id}: {}", answer.text());
    }
    Ok(waits)
}
