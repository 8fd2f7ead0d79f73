//! What an auditor waits for: export and verification of a long history, one proof, the past of one
//! image, what one key did.

use super::{Bench, is_peer_first, mebibytes, register_batch};
use crate::client::Connection;
use crate::figures::{Better, Figure, Outcome, Rounds};
use crate::process::measure;
use crate::program::Server;
use crate::report::significant;
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Instant;
use tokio::process::Command;

const RATE: &str = "events/s";
/// Changes of the image whose past is asked for.
const CHANGES: u64 = 50;
const ASKED: usize = 200;

/// One value per round.
#[derive(Default)]
struct Measured {
    exported: Rounds,
    verified: Rounds,
    summed: Rounds,
    memory: Rounds,
    small_memory: Rounds,
    proof: Times,
    past: Times,
    trail: Times,
}

/// Of many questions of one round, the middle and the slow one, in milliseconds.
#[derive(Default)]
struct Times {
    middle: Rounds,
    slow: Rounds,
}

impl Times {
    fn push(&mut self, mut times: Vec<f64>) {
        times.sort_by(f64::total_cmp);
        self.middle.push(times[times.len() / 2]);
        self.slow.push(times[times.len() * 99 / 100]);
    }

    fn figures(self, case: &str) -> [Figure; 2] {
        let slow = format!("{case}: 99th percentile");
        [
            Figure::new(case, "ms", Better::Less, self.middle),
            Figure::new(slow, "ms", Better::Less, self.slow),
        ]
    }
}

pub(crate) async fn run(bench: &Bench) -> Result<Outcome> {
    let (batches, rows) = if bench.quick { (2, 5_000) } else { (50, 20_000) };
    let small = history(bench, "audit-small", 1, rows / 4).await?;
    let large = history(bench, "audit", batches, rows).await?;
    let files = [small, large.clone()].map(|data| (data.join("history.ndjson"), data));
    let mut measured = Measured::default();
    let mut events = 0;
    for round in 0..bench.rounds() {
        bench.say("audit", round);
        for is_peer in [is_peer_first(round), !is_peer_first(round)] {
            match is_peer {
                true => measured.summed.push(events_of(&files[1].0)? / sum(&files[1].0).await?),
                false => events = offline(bench, &files, &mut measured).await?,
            }
        }
        online(bench, &large, &mut measured).await?;
    }
    Ok(Outcome::Measured { setup: setup(events), figures: figures(measured) })
}

/// Makes a history of registrations, one image with many changes among them, and exports it.
async fn history(bench: &Bench, name: &str, batches: u32, rows: u32) -> Result<PathBuf> {
    let data = bench.folder(name)?;
    let server = bench.serve(&data, &["--roles", "api,project"]).await?;
    for batch in 0..batches {
        register_batch(&server, rows, &format!("b{batch}")).await?;
    }
    let mut connection = Connection::open(&server.address).await?;
    for change in 0..CHANGES {
        let (path, body) = (image("b0-0"), json!({"number1": change + 100}).to_string());
        let headers = [("content-type", "application/json")];
        let answer = connection.send("PATCH", &path, &headers, body.into_bytes()).await?;
        ensure!(answer.status.is_success(), "{}", answer.text());
    }
    server.stop().await?;
    // A server says that it is ready once every read model knows the whole history.
    bench.program.serve(&data, &["--roles", "api,project"]).await?.stop().await?;
    export(bench, &data).await?;
    Ok(data)
}

fn image(id: &str) -> String {
    format!("/customers/1/spaces/1/images/{id}")
}

/// Returns the seconds that an export takes.
async fn export(bench: &Bench, data: &Path) -> Result<f64> {
    let mut export = bench.program.command(data);
    export.args(["audit", "export"]).arg(data.join("history.ndjson"));
    export.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    Ok(measure(&mut export).await.context("the export fails")?.wall.as_secs_f64())
}

/// The peer: reads the file once and makes one digest of it.
async fn sum(file: &Path) -> Result<f64> {
    let mut sum = Command::new("sha256sum");
    sum.arg(file).stdin(Stdio::null()).stdout(Stdio::null());
    Ok(measure(&mut sum).await?.wall.as_secs_f64())
}

fn events_of(file: &Path) -> Result<f64> {
    use std::io::BufRead;
    let lines = std::io::BufReader::new(std::fs::File::open(file)?).split(b'\n');
    let mut events = 0_u32;
    for line in lines {
        events += u32::from(line?.starts_with(b"{\"line\":\"event\""));
    }
    Ok(f64::from(events))
}

async fn offline(
    bench: &Bench,
    files: &[(PathBuf, PathBuf); 2],
    measured: &mut Measured,
) -> Result<u64> {
    let [(small, small_data), (large, large_data)] = files;
    let events = events_of(large)?;
    measured.exported.push(events / export(bench, large_data).await?);
    for (file, data, memory) in
        [(small, small_data, &mut measured.small_memory), (large, large_data, &mut measured.memory)]
    {
        let mut verify = bench.program.command(data);
        verify.args(["audit", "verify"]).arg(file);
        verify.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let cost = measure(&mut verify).await.context("the file is not valid")?;
        memory.push(mebibytes(cost.peak_bytes));
        if file == large {
            measured.verified.push(events / cost.wall.as_secs_f64());
        }
    }
    Ok(events as u64)
}

async fn online(bench: &Bench, data: &Path, measured: &mut Measured) -> Result<()> {
    let server = bench.program.serve(data, &["--roles", "api,project"]).await?;
    let head = asked(&server, "{ projections { position } }").await?.1;
    let positions = head["data"]["projections"].as_array().context("projections")?;
    let head = positions.iter().filter_map(|it| it["position"].as_u64()).max().context("one")?;
    let proof = |number: usize| {
        let index = (number as u64).wrapping_mul(2_654_435_761) % head;
        format!("{{ auditProof(index: {index}) {{ record proof checkpoint }} }}")
    };
    let past = |number: usize| {
        let moment = head - (number as u64 % CHANGES);
        format!("{{ asset(id: \"1/1/b0-0\", asOf: {moment}) {{ number1 }} }}")
    };
    let (_, first) = asked(&server, "{ audit(first: 1) { nodes { actor } } }").await?;
    let actor = first["data"]["audit"]["nodes"][0]["actor"].as_str().context("an actor")?;
    let trail = |number: usize| {
        let kind = ["asset.registered", "asset.metadata_changed"][number % 2];
        format!(
            "{{ audit(filter: {{actor: \"{actor}\", type: \"{kind}\"}}, first: 25) \
             {{ nodes {{ position type }} }} }}"
        )
    };
    measured.proof.push(times(&server, proof).await?);
    measured.past.push(times(&server, past).await?);
    measured.trail.push(times(&server, trail).await?);
    server.stop().await
}

/// Asks one after the other, each question another one.
async fn times(server: &Server, question: impl Fn(usize) -> String) -> Result<Vec<f64>> {
    let mut times = Vec::with_capacity(ASKED);
    for number in 0..ASKED {
        times.push(asked(server, &question(number)).await?.0);
    }
    Ok(times)
}

async fn asked(server: &Server, query: &str) -> Result<(f64, Value)> {
    let mut connection = Connection::open(&server.address).await?;
    let headers = [("content-type", "application/json")];
    let body = json!({ "query": query }).to_string();
    let begun = Instant::now();
    let answer = connection.send("POST", "/graphql", &headers, body.into_bytes()).await?;
    let time_ms = begun.elapsed().as_secs_f64() * 1_000.0;
    let value: Value = serde_json::from_slice(&answer.body)?;
    ensure!(value["errors"].is_null(), "{query}: {value}");
    Ok((time_ms, value))
}

fn figures(measured: Measured) -> Vec<Figure> {
    let Measured { exported, verified, summed, memory, small_memory, proof, past, trail } =
        measured;
    let peer = "`sha256sum` of the file";
    let mut figures = vec![
        Figure::new("`dlcs audit export`", RATE, Better::More, exported),
        Figure::new("`dlcs audit verify`", RATE, Better::More, verified).beside(peer, summed),
        Figure::new("`dlcs audit verify`: peak memory", "MiB", Better::Less, memory)
            .beside("the same, a short history", small_memory),
    ];
    figures.extend(proof.figures("proof of one event"));
    figures.extend(past.figures("an image with 50 changes, as it was"));
    figures.extend(trail.figures("what one key did, by kind of event"));
    figures
}

fn setup(events: u64) -> String {
    format!(
        "A history of {} events, nearly all registrations of the queue, on SQLite. *Verify* checks \
         spelling, leaf, tree and tiles of every event, the checkpoint and the seal of an exported \
         file, offline; its peer reads the same file once and makes one digest of it. Proofs, the past \
         and the trail are asked for over GraphQL, {ASKED} questions a round, one after the other, each \
         on a new connection.",
        significant(events as f64)
    )
}
