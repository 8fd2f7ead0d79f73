//! Latency of search with boxes, beside tantivy's own queries on the same index without them.
//!
//! The example `search_figures` of the tantivy adapter does the work in a process of its own; this
//! scenario runs it and tells what it found.

use super::Bench;
use crate::figures::{Better, Figure, Outcome, Rounds};
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::process::{Command, Stdio};

const PROGRAM: &str = "examples/search_figures";
const FIXTURES: &str = "../../shared/fixtures";

pub(crate) async fn run(bench: &Bench) -> Result<Outcome> {
    let folder = bench.program.0.parent().context("the program is in a folder")?;
    let (program, fixtures) = (folder.join(PROGRAM), std::path::Path::new(FIXTURES));
    if !program.is_file() {
        let build = "cargo build --release -p dlcs-adapter-tantivy --example search_figures";
        return Ok(Outcome::Skipped(format!("not built: {build}")));
    }
    if !fixtures.is_dir() {
        return Ok(Outcome::Skipped(format!("{FIXTURES} is not there")));
    }
    let sizes: &[u32] = if bench.quick { &[1_000] } else { &[10_000, 100_000] };
    let (mut figures, mut lines) = (Vec::new(), 0);
    for pages in sizes {
        bench.say(&format!("search in {pages} pages"), 0);
        let work = bench.folder(&format!("search-{pages}"))?;
        let queries = if bench.quick { "50" } else { "400" };
        let mut command = Command::new(&program);
        command.arg(fixtures).arg(&work).arg(pages.to_string()).arg(queries);
        let output = command.stderr(Stdio::null()).output().context("running the example")?;
        ensure!(output.status.success(), "the example failed: {}", output.status);
        let found: Value = serde_json::from_slice(&output.stdout).context("its figures")?;
        std::fs::remove_dir_all(&work).context("cleaning up")?;
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
    let mut figures = vec![
        Figure::new(
            format!("{pages} pages: index"),
            "bytes/page",
            Better::Less,
            one(&found["index_bytes_per_page"])?,
        ),
        Figure::new(
            format!("{pages} pages: record"),
            "bytes/word",
            Better::Less,
            one(&found["record_bytes_per_word"])?,
        ),
        Figure::new(
            format!("{pages} pages: indexing, one thread"),
            "pages/s",
            Better::More,
            one(&found["pages_per_second"])?,
        ),
    ];
    for case in found["queries"].as_array().context("there are queries")? {
        for percentile in ["p50", "p99"] {
            let name = case["case"].as_str().unwrap_or_default();
            let raw = &case["raw_tantivy_ms"][percentile];
            let figure = Figure::new(
                format!("{pages} pages: {name} with boxes, {percentile}"),
                "ms",
                Better::Less,
                one(&case["with_boxes_ms"][percentile])?,
            );
            figures.push(figure.beside("tantivy without boxes", one(raw)?));
        }
    }
    Ok(figures)
}

fn setup(lines: u64) -> String {
    format!(
        "Pages of 30 to 49 lines each, drawn under a fixed seed from {lines} lines of real text \
         (German Fraktur, French, English). A search takes the access filter, counts all pages and \
         hits, fetches the records of the pages with the first 25 hits from the disk and finds the \
         boxes. The peer is tantivy's own query over the same index, turn by turn: 25 best \
         documents, their number, what they store. A frequent phrase is one of the 20 most frequent \
         pairs of words; a prefix has four letters."
    )
}
