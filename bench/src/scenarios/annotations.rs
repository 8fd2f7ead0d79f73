//! Annotations on many canvases: written one by one through the protocol, and asked for by canvas and
//! by box; beside a table of PostgreSQL with a `jsonb` column.

use super::{Bench, is_peer_first, lacks, mebibytes};
use crate::children::{self, Postgres, STORES, done};
use crate::client::Connection;
use crate::figures::{Better, Figure, Outcome, Rounds};
use crate::load::{Load, Series};
use crate::program::Server;
use crate::report::significant;
use anyhow::{Context, Result, ensure};
use dlcs_bench_sample::annotations::{Shelf, random, xywh};
use dlcs_bench_sample::{Done, Writer, in_turns};
use std::ops::Range;
use std::path::Path;

const PEER: &str = "PostgreSQL, `jsonb`";
const ROOT: &str = "/annotations/w3c/1/";
const JSON_LD: (&str, &str) =
    ("content-type", "application/ld+json; profile=\"http://www.w3.org/ns/anno.jsonld\"");
const WRITERS: u32 = 64;
const READERS: u32 = 4;
/// Addresses that are asked for at random.
const QUESTIONS: u64 = 4_000;

/// How many of what.
#[derive(Clone, Copy)]
struct Size {
    shelf: Shelf,
    by_canvas: u64,
    /// Written one after the other by every side.
    parts: u64,
}

impl Size {
    fn all(self) -> u64 {
        self.shelf.canvases * self.by_canvas
    }

    fn part(self, number: u64) -> Range<u64> {
        let length = self.all() / self.parts;
        number * length..(number + 1) * length
    }
}

/// What one store is measured by.
#[derive(Default)]
struct Side {
    rates: Rounds,
    written_p50_ms: Rounds,
    written_p99_ms: Rounds,
    by_canvas: Series,
    by_box: Series,
}

impl Side {
    fn wrote(&mut self, done: Done) {
        self.rates.push(done.per_second());
        self.written_p50_ms.push(done.p50_ms);
        self.written_p99_ms.push(done.p99_ms);
    }
}

pub(crate) async fn run(bench: &Bench) -> Result<Outcome> {
    if let Some(skipped) = lacks(&["wrk"]).or_else(children::lacks_postgres) {
        return Ok(skipped);
    }
    let canvases = if bench.quick { 100 } else { 10_000 };
    let size =
        Size { shelf: Shelf { canvases }, by_canvas: 20, parts: if bench.quick { 1 } else { 4 } };
    let (work, data) = (bench.folder("annotations")?, bench.folder("annotations/data")?);
    let other = bench.folder("annotations/other")?;
    let mut postgres = Postgres::start().await?;
    let (read, peer) = (postgres.create("dlcs").await?, postgres.create("peer").await?);
    let roles = ["--roles", "api,project"];
    let sqlite = bench.serve(&data, &roles).await?;
    let on_postgres = [&roles[..], &["--event-store", &read, "--read-store", &read]].concat();
    let on_postgres = bench.serve(&other, &on_postgres).await?;
    let servers = [&sqlite, &on_postgres];
    for server in servers {
        make_containers(server, size.shelf).await?;
    }
    let mut sides: [Side; 3] = Default::default();
    for part in 0..size.parts {
        eprintln!("annotations: part {} of {}", part + 1, size.parts);
        write(servers, &peer, size, part, &mut sides).await?;
    }
    let loads = questions(&work, size.shelf)?;
    for round in 0..bench.rounds() {
        bench.say("annotations", round);
        ask(bench, servers, &peer, size.shelf, &loads, round, &mut sides).await?;
    }
    let peak = Rounds(vec![mebibytes(sqlite.peak_bytes()?)]);
    sqlite.stop().await?;
    on_postgres.stop().await?;
    postgres.stop().await?;
    Ok(Outcome::Measured { setup: setup(size), figures: figures(sides, peak) })
}

async fn make_containers(server: &Server, shelf: Shelf) -> Result<()> {
    let mut connection = server.connect().await?;
    let body = r#"{"type": ["BasicContainer", "AnnotationCollection"], "label": "Notes"}"#;
    for name in shelf.containers() {
        let path = format!("{ROOT}{name}/");
        let answer = connection.send("PUT", &path, &[JSON_LD], body.into()).await?;
        ensure!(answer.status.as_u16() == 201, "{path}: {}", answer.text());
    }
    Ok(())
}

/// Lets every side write the same annotations; who is first changes.
async fn write(
    servers: [&Server; 2],
    peer: &str,
    size: Size,
    part: u64,
    sides: &mut [Side; 3],
) -> Result<()> {
    let numbers = size.part(part);
    let mut order = [0, 1, 2];
    order.rotate_left(usize::try_from(part % 3)?);
    for side in order {
        let done = match servers.get(side) {
            Some(server) => annotate(server, size.shelf, numbers.clone()).await?,
            None => {
                let from = numbers.start.to_string();
                let count = (numbers.end - numbers.start).to_string();
                let (canvases, writers) = (size.shelf.canvases.to_string(), WRITERS.to_string());
                let args = ["jsonb-fill", "--url", peer, "--canvases", &canvases, "--from", &from];
                let more = ["--annotations", &count, "--writers", &writers];
                done(STORES, &[&args[..], &more].concat()).await?
            }
        };
        sides[side].wrote(done);
    }
    Ok(())
}

async fn annotate(server: &Server, shelf: Shelf, numbers: Range<u64>) -> Result<Done> {
    let mut annotators = Vec::new();
    for _ in 0..WRITERS {
        annotators.push(Annotator { connection: server.connect().await?, shelf });
    }
    in_turns(annotators, numbers).await
}

struct Annotator {
    connection: Connection,
    shelf: Shelf,
}

impl Writer for Annotator {
    async fn write(&mut self, number: u64) -> Result<()> {
        let path = format!("{ROOT}{}/", self.shelf.container(number));
        let slug = format!("note-{number}");
        let body = self.shelf.annotation(number).to_string().into_bytes();
        let headers = [JSON_LD, ("slug", &slug)];
        let answer = self.connection.send("POST", &path, &headers, body).await?;
        ensure!(answer.status.as_u16() == 201, "{slug}: {}", answer.text());
        Ok(())
    }
}

/// Prepares the question for a canvas, and for a box on it.
fn questions(work: &Path, shelf: Shelf) -> Result<[Load; 2]> {
    let encoded = |number| shelf.canvas(number).replace(':', "%3A").replace('/', "%2F");
    let numbers = || (0..QUESTIONS).map(|it| random(it, 99));
    let canvases: Vec<String> =
        numbers().map(|it| format!("{ROOT}?target={}", encoded(it))).collect();
    let boxes = numbers()
        .map(|it| format!("{ROOT}?target={}&xywh={}", encoded(it), xywh(Shelf::asked(it))));
    let boxes: Vec<String> = boxes.collect();
    Ok([Load::prepare(work, "canvases", &canvases)?, Load::prepare(work, "boxes", &boxes)?])
}

async fn ask(
    bench: &Bench,
    servers: [&Server; 2],
    peer: &str,
    shelf: Shelf,
    loads: &[Load; 2],
    round: usize,
    sides: &mut [Side; 3],
) -> Result<()> {
    for (load, question) in loads.iter().zip(["canvas", "box"]) {
        let mut order = [0, 1, 2];
        if is_peer_first(round) {
            order.reverse();
        }
        for side in order {
            let found = match servers.get(side) {
                Some(server) => {
                    load.run(&server.address, READERS, bench.load_time(), round).await?
                }
                None => ask_peer(bench, peer, shelf, question).await?.into(),
            };
            let Side { by_canvas, by_box, .. } = &mut sides[side];
            let series = if question == "canvas" { by_canvas } else { by_box };
            series.push(found);
        }
    }
    Ok(())
}

async fn ask_peer(bench: &Bench, url: &str, shelf: Shelf, question: &str) -> Result<Done> {
    let (canvases, connections) = (shelf.canvases.to_string(), READERS.to_string());
    let seconds = bench.load_time().as_secs_f64().to_string();
    let args = ["jsonb-ask", "--url", url, "--canvases", &canvases, "--question", question];
    let more = ["--connections", &connections, "--seconds", &seconds];
    done(STORES, &[&args[..], &more].concat()).await.context("the peer is asked")
}

fn figures(sides: [Side; 3], peak: Rounds) -> Vec<Figure> {
    let [sqlite, postgres, peer] = sides;
    let mut figures = Vec::new();
    for (store, side) in [("SQLite", sqlite), ("PostgreSQL", postgres)] {
        let less = |case: String, ours: Rounds, theirs: &Rounds| {
            Figure::new(case, "ms", Better::Less, ours).beside(PEER, theirs.clone())
        };
        let written = format!("{store}, `POST` of one annotation, {WRITERS} clients");
        figures.push(
            Figure::new(written.clone(), "annotations/s", Better::More, side.rates)
                .beside(PEER, peer.rates.clone()),
        );
        let case = format!("{written}: median");
        figures.push(less(case, side.written_p50_ms, &peer.written_p50_ms));
        let case = format!("{written}: 99th percentile");
        figures.push(less(case, side.written_p99_ms, &peer.written_p99_ms));
        for (what, ours, theirs) in [
            ("annotations of a canvas", side.by_canvas, &peer.by_canvas),
            ("annotations that overlap with a box", side.by_box, &peer.by_box),
        ] {
            let case = format!("{store}, {what}, {READERS} connections");
            figures.push(
                Figure::new(case.clone(), "requests/s", Better::More, ours.rates)
                    .beside(PEER, theirs.rates.clone()),
            );
            figures.push(less(format!("{case}: median"), ours.p50_ms, &theirs.p50_ms));
            figures.push(less(format!("{case}: 99th percentile"), ours.p99_ms, &theirs.p99_ms));
        }
    }
    figures.push(Figure::new("the server on SQLite: peak memory", "MiB", Better::Less, peak));
    figures
}

fn setup(size: Size) -> String {
    let bytes = size.shelf.annotation(1).to_string().len();
    format!(
        "{} Web Annotations of {bytes} bytes, each about a box, {} on each of {} canvases, in containers \
         of 500 canvases. {WRITERS} clients post them one by one, in {} parts, and each is durable and \
         in the read model before it is answered. Then canvases are asked for at random by `wrk`: the \
         whole page of annotations, and those that overlap with a box of 800 pixels. The peer is one \
         table of PostgreSQL: the document as `jsonb` with a GIN index, its canvas as a generated \
         column with an index, a `box`; written in one statement and commit each, and asked by \
         prepared statements on as many connections, without HTTP, checks, history or cleaning of \
         HTML. One PostgreSQL serves both sides, `fsync` and `synchronous_commit` on.",
        significant(size.all() as f64),
        size.by_canvas,
        significant(size.shelf.canvases as f64),
        size.parts,
    )
}
