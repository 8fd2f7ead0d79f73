//! Latency of search with boxes on Elasticsearch, beside its own highlighter.
//!
//! The example `search_beside_highlighter` of the Elasticsearch adapter does the work in a process
//! of its own, with a node of its own; this scenario runs it and tells what it found.

use super::Bench;
use crate::figures::{Better, Figure, Outcome, Rounds};
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::process::{Command, Stdio};

const PROGRAM: &str = "examples/search_beside_highlighter";
const FIXTURES: &str = "../../shared/fixtures";
const PEER: &str = "Elasticsearch's query with its highlighter";

pub(crate) async fn run(bench: &Bench) -> Result<Outcome> {
    let folder = bench.program.0.parent().context("the program is in a folder")?;
    let program = folder.join(PROGRAM);
    if !program.is_file() {
        let build = "cargo build --release -p dlcs-adapter-elasticsearch --features conformance \
                     --example search_beside_highlighter";
        return Ok(Outcome::Skipped(format!("not built: {build}")));
    }
    if !std::path::Path::new(FIXTURES).is_dir() {
        return Ok(Outcome::Skipped(format!("{FIXTURES} is not there")));
    }
    let sizes: &[u32] = if bench.quick { &[1_000] } else { &[10_000, 100_000] };
    let (mut figures, mut lines) = (Vec::new(), 0);
    for pages in sizes {
        bench.say(&format!("search beside the highlighter in {pages} pages"), 0);
        let queries = if bench.quick { "50" } else { "400" };
        let mut command = Command::new(&program);
        command.arg(FIXTURES).arg(pages.to_string()).arg(queries);
        let output = command.stderr(Stdio::null()).output().context("running the example")?;
        ensure!(output.status.success(), "the example failed: {}", output.status);
        let found: Value = serde_json::from_slice(&output.stdout).context("its figures")?;
        lines = found["lines"].as_u64().unwrap_or(0);
        figures.extend(figures_of(*pages, &found)?);
    }
    Ok(Outcome::Measured { setup: setup(lines), figures })
}

fn figures_of(pages: u32, found: &Value) -> Result<Vec<Figure>> {
    let one = |value: &Value| -> Result<Rounds> {
        let mut rounds = Rounds::default();
        rounds.push(value.as_f64().context("a figure is missing")?);
        Ok(rounds)
    };
    let size = one(&found["index_bytes_per_page"])?;
    let rate = one(&found["pages_per_second"])?;
    let plain_size = one(&found["plain_index_bytes_per_page"])?;
    let plain_rate = one(&found["plain_pages_per_second"])?;
    let plain = "Elasticsearch's own index of the text";
    let mut figures = vec![
        Figure::new(format!("{pages} pages: index"), "bytes/page", Better::Less, size)
            .beside(plain, plain_size),
        Figure::new(format!("{pages} pages: indexing"), "pages/s", Better::More, rate)
            .beside(plain, plain_rate),
    ];
    for case in found["queries"].as_array().context("there are queries")? {
        let name = case["case"].as_str().unwrap_or_default();
        let mut push = |what: &str, ours: &Value, theirs: &Value| -> Result<()> {
            let case = format!("{pages} pages: {name} with boxes, {what}");
            let figure = Figure::new(case, "ms", Better::Less, one(ours)?);
            figures.push(figure.beside(PEER, one(theirs)?));
            Ok(())
        };
        for percentile in ["p50", "p99"] {
            let (ours, theirs) = (&case["with_boxes_ms"], &case["highlighter_ms"]);
            push(percentile, &ours[percentile], &theirs[percentile])?;
        }
        let (ours, theirs) = (&case["with_boxes_processor_ms"], &case["highlighter_processor_ms"]);
        push("processor time", ours, theirs)?;
    }
    Ok(figures)
}

fn setup(lines: u64) -> String {
    format!(
        "Pages of 30 to 49 lines each, drawn under a fixed seed from {lines} lines of real text, on \
         one Elasticsearch node of 512 MiB, both sides asked in turns. A search of \
         ours takes the access filter, counts pages (and hits, on up to 1,000 pages), and finds the \
         boxes of the first 25 hits. The peer is the node by itself, on an index of the plain text \
         with offsets: `match_phrase`, `match` or `prefix` with the same filter, the unified \
         highlighter on the best 25 pages. Processor time is that of the node and of who asks."
    )
}
