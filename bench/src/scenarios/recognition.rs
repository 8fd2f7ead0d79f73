//! Pages per minute of `dlcs ocr`, beside as many `tesseract` processes at a time.

use super::{Bench, is_peer_first, lacks, mebibytes, side_by_side};
use crate::figures::{Better, Figure, Outcome, Rounds};
use crate::process::{measure, peak_of};
use anyhow::{Context, Result, ensure};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::process::Command;
use tokio::time::{MissedTickBehavior, interval};

const RATE: &str = "pages/min";
const TESSERACT: &str = "tesseract";
/// Scans with their text, outside of the repository.
const PAGES: &str = "../../shared/fixtures/pages";
/// How often the memory of workers is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// Some pages that are read together.
struct Job {
    name: String,
    language: &'static str,
    files: Vec<PathBuf>,
    rates: Rates,
}

/// One value per round and way.
#[derive(Default)]
struct Rates {
    dlcs: Rounds,
    tesseract: Rounds,
    worker_mib: Rounds,
    tesseract_mib: Rounds,
}

pub(crate) async fn run(bench: &Bench) -> Result<Outcome> {
    if let Some(skipped) = lacks(&["tesseract"]) {
        return Ok(skipped);
    }
    let scans = Path::new(PAGES);
    if !scans.is_dir() {
        return Ok(Outcome::Skipped(format!("there are no scans in {PAGES}")));
    }
    let work = bench.folder("recognition")?;
    let mut jobs = jobs(scans, &work, bench.quick)?;
    for round in 0..bench.rounds() {
        bench.say("recognition", round);
        for job in &mut jobs {
            if is_peer_first(round) {
                measure_tesseract(job, &work).await?;
            }
            measure_dlcs(bench, job, &work).await?;
            if !is_peer_first(round) {
                measure_tesseract(job, &work).await?;
            }
        }
    }
    let figures = jobs.into_iter().flat_map(figures).collect();
    Ok(Outcome::Measured { setup: setup(), figures })
}

fn jobs(scans: &Path, work: &Path, quick: bool) -> Result<[Job; 2]> {
    let few = if quick { 1 } else { 2 };
    let large = ["laube_europa0202_1837_0105.jpg", "kant_0020.tif", "bebel_frau_1879_0146.tif"];
    let large = copies(scans, work, &large, few)?;
    let small = copies(scans, work, &["phototest.tif"], 12 * few)?;
    let job =
        |name: String, language, files| Job { name, language, files, rates: Rates::default() };
    Ok([
        job(format!("{} pages of 3 to 14 megapixels, `frk`", large.len()), "frk", large),
        job(format!("{} pages of 0.3 megapixels, `eng`", small.len()), "eng", small),
    ])
}

/// Each page is a file of its own, as in a folder of scans.
fn copies(scans: &Path, work: &Path, names: &[&str], times: u32) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for number in 0..times {
        for name in names {
            let file = work.join(format!("{number}-{name}"));
            std::fs::copy(scans.join(name), &file).with_context(|| format!("copying {name}"))?;
            files.push(file);
        }
    }
    Ok(files)
}

fn setup() -> String {
    "Scans of printed pages. `dlcs ocr --to text` is given all of them at once and starts as many \
     workers as there are cores; the peer is one `tesseract` process a page, as many at a time, with \
     the same models and `OMP_THREAD_LIMIT=1`. Both read the file, recognise it and write its text. \
     Memory is the peak of the largest worker, and of the largest `tesseract` process."
        .to_owned()
}

fn figures(job: Job) -> Vec<Figure> {
    let Job { name, rates, .. } = job;
    let rate = Figure::new(name.clone(), RATE, Better::More, rates.dlcs);
    let memory = format!("{name}: peak memory of a worker");
    let memory = Figure::new(memory, "MiB", Better::Less, rates.worker_mib);
    vec![rate.beside(TESSERACT, rates.tesseract), memory.beside(TESSERACT, rates.tesseract_mib)]
}

async fn measure_tesseract(job: &mut Job, work: &Path) -> Result<()> {
    let mut commands = Vec::new();
    for (number, file) in job.files.iter().enumerate() {
        let mut tesseract = Command::new("tesseract");
        tesseract.arg(file).arg(work.join(format!("theirs-{number}")));
        tesseract.args(["-l", job.language]).env("OMP_THREAD_LIMIT", "1");
        tesseract.stderr(std::process::Stdio::null());
        commands.push(tesseract);
    }
    let cost = side_by_side(commands).await?;
    job.rates.tesseract.push(per_minute(job.files.len(), cost.wall));
    job.rates.tesseract_mib.push(mebibytes(cost.peak_bytes));
    Ok(())
}

async fn measure_dlcs(bench: &Bench, job: &mut Job, work: &Path) -> Result<()> {
    let out = work.join("ours");
    let mut command = Command::new(&bench.program.0);
    command.args(["ocr", "--to", "text", "--lang", job.language, "--out"]).arg(&out);
    command.args(&job.files);
    let mut running = std::pin::pin!(measure(&mut command));
    let mut looks = interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut peak_bytes = 0;
    let cost = loop {
        tokio::select! {
            cost = &mut running => break cost?,
            _ = looks.tick() => peak_bytes = peak_bytes.max(peak_of_workers()),
        }
    };
    for file in &job.files {
        let mut name = file.file_stem().context("a file has a name")?.to_owned();
        name.push(".txt");
        let text = std::fs::metadata(out.join(name));
        ensure!(text.is_ok_and(|it| it.len() > 0), "{} was not read", file.display());
    }
    std::fs::remove_dir_all(&out).context("clearing up")?;
    job.rates.dlcs.push(per_minute(job.files.len(), cost.wall));
    job.rates.worker_mib.push(mebibytes(peak_bytes));
    Ok(())
}

/// Returns the peak of the largest worker that is there. Nobody else's runs meanwhile.
fn peak_of_workers() -> u64 {
    let Ok(processes) = std::fs::read_dir("/proc") else { return 0 };
    let pids = processes.flatten().filter_map(|it| it.file_name().to_str()?.parse::<u32>().ok());
    let workers = pids.filter(|pid| {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        line.windows(17).any(|it| it == b"worker\0recognise\0")
    });
    workers.filter_map(peak_of).max().unwrap_or_default()
}

fn per_minute(pages: usize, wall: Duration) -> f64 {
    pages as f64 * 60.0 / wall.as_secs_f64()
}
