//! Megapixels per second from a JPEG to a derivative, beside `vips tiffsave --pyramid`.

use super::{Bench, cores, is_peer_first, lacks, mebibytes, side_by_side};
use crate::figures::{Better, Figure, Outcome, Rounds};
use crate::pictures::{LARGE, PAGE, Studio, megapixels, with_comment};
use crate::program::Server;
use anyhow::{Result, ensure};
use serde_json::json;
use std::fs::File;
use std::path::{Path, PathBuf};
use tokio::process::Command;
use tokio::time::Instant;

const RATE: &str = "megapixels/s";
const PAGES: u32 = 20;
const VIPS: &str = "vips tiffsave";
/// What the server would pass: tiles and quality are its defaults, and the peer gets the same.
const TILE_SIDE_PX: &str = "512";
const QUALITY: &str = "85";

/// Some pictures that are made into derivatives together.
struct Job {
    name: String,
    megapixels: f64,
    files: Vec<PathBuf>,
    rates: Rates,
}

/// One value per round and way.
#[derive(Default)]
struct Rates {
    worker: Rounds,
    server: Rounds,
    vips: Rounds,
    worker_mib: Rounds,
    vips_mib: Rounds,
}

pub(crate) async fn run(bench: &Bench) -> Result<Outcome> {
    if let Some(skipped) = lacks(&["vips"]) {
        return Ok(skipped);
    }
    let work = bench.folder("ingest")?;
    let data = bench.folder("ingest/data")?;
    eprintln!("ingest: making the pictures");
    let mut jobs = jobs(&Studio::open(&work.join("pictures")).await?).await?;
    let server = bench.serve(&data, &[]).await?;
    for round in 0..bench.rounds() {
        bench.say("ingest", round);
        for (number, job) in jobs.iter_mut().enumerate() {
            if is_peer_first(round) {
                measure_vips(job, &work).await?;
            }
            measure_worker(bench, job, &work).await?;
            measure_server(&server, job, &format!("r{round}-{number}")).await?;
            if !is_peer_first(round) {
                measure_vips(job, &work).await?;
            }
        }
    }
    let peak = Rounds(vec![mebibytes(server.peak_bytes()?)]);
    server.stop().await?;
    let mut figures: Vec<Figure> = jobs.into_iter().flat_map(figures).collect();
    figures.push(Figure::new("the server itself: peak memory", "MiB", Better::Less, peak));
    Ok(Outcome::Measured { setup: setup(), figures })
}

async fn jobs(studio: &Studio) -> Result<[Job; 2]> {
    let large = Job {
        name: format!("one JPEG of {:.0} megapixels", megapixels(LARGE)),
        megapixels: megapixels(LARGE),
        files: vec![studio.large().await?],
        rates: Rates::default(),
    };
    let pages = Job {
        name: format!("{PAGES} JPEGs of {:.0} megapixels", megapixels(PAGE)),
        megapixels: megapixels(PAGE) * f64::from(PAGES),
        files: studio.pages(PAGES).await?,
        rates: Rates::default(),
    };
    Ok([large, pages])
}

fn setup() -> String {
    format!(
        "Pictures made for this (clouds, edges, grain; JPEG, quality 92). `dlcs worker` alone, and \
         the whole way through a server: upload over HTTP, digest, durable original, worker, durable \
         derivative, events, until the API says that the image is delivered. The peer is `vips tiffsave \
         --tile --pyramid --compression jpeg --Q {QUALITY} --tile-width {TILE_SIDE_PX} --tile-height \
         {TILE_SIDE_PX}` on the same files, written without `fsync`. Of several pictures, as many \
         as there are cores are worked on at once, by each side. DLCS also makes four thumbnails and \
         an index, and stores tiles at the edges twice."
    )
}

fn figures(job: Job) -> Vec<Figure> {
    let Job { name, rates, .. } = job;
    let worker = Figure::new(format!("{name}, worker alone"), RATE, Better::More, rates.worker);
    let server =
        Figure::new(format!("{name}, upload to delivered"), RATE, Better::More, rates.server);
    let memory = format!("{name}, largest process: peak memory");
    let memory = Figure::new(memory, "MiB", Better::Less, rates.worker_mib);
    vec![
        worker.beside(VIPS, rates.vips.clone()),
        server.beside(VIPS, rates.vips),
        memory.beside(VIPS, rates.vips_mib),
    ]
}

async fn measure_vips(job: &mut Job, work: &Path) -> Result<()> {
    let mut commands = Vec::new();
    for (number, file) in job.files.iter().enumerate() {
        let mut vips = Command::new("vips");
        vips.arg("tiffsave").arg(file).arg(work.join(format!("vips-{number}.tif")));
        vips.args(["--tile", "--pyramid", "--compression", "jpeg", "--Q", QUALITY]);
        vips.args(["--tile-width", TILE_SIDE_PX, "--tile-height", TILE_SIDE_PX]);
        commands.push(vips);
    }
    let cost = side_by_side(commands).await?;
    job.rates.vips.push(job.megapixels / cost.wall.as_secs_f64());
    job.rates.vips_mib.push(mebibytes(cost.peak_bytes));
    Ok(())
}

/// Starts workers as the server does: source in, derivative out, the answer on standard error.
async fn measure_worker(bench: &Bench, job: &mut Job, work: &Path) -> Result<()> {
    let task = json!({
        "policy": {},
        "limits": {},
        "bounds": { "memory_bytes": 3_u64 << 29, "cpu_seconds": 120, "output_bytes": 1_u64 << 33 },
        "threads": cores().min(4),
    });
    let said = |number: usize| work.join(format!("worker-{number}.said"));
    let mut commands = Vec::new();
    for (number, file) in job.files.iter().enumerate() {
        let mut worker = Command::new(&bench.program.0);
        worker.args(["worker", "image", &task.to_string()]).env_clear();
        worker.stdin(File::open(file)?);
        worker.stdout(File::create(work.join(format!("worker-{number}.tif")))?);
        worker.stderr(File::create(said(number))?);
        commands.push(worker);
    }
    let cost = side_by_side(commands).await?;
    for number in 0..job.files.len() {
        let said = std::fs::read_to_string(said(number))?;
        ensure!(said.contains("\"derived\""), "the worker made nothing: {said}");
    }
    job.rates.worker.push(job.megapixels / cost.wall.as_secs_f64());
    job.rates.worker_mib.push(mebibytes(cost.peak_bytes));
    Ok(())
}

/// Uploads all pictures, one after the other, and waits until the last is delivered.
async fn measure_server(server: &Server, job: &mut Job, prefix: &str) -> Result<()> {
    let mut uploads = Vec::new();
    for (number, file) in job.files.iter().enumerate() {
        let id = format!("{prefix}-{number}.jpg");
        let bytes = with_comment(file, &id)?;
        uploads.push((id, bytes));
    }
    let ids: Vec<String> = uploads.iter().map(|(id, _)| id.clone()).collect();
    let begun = Instant::now();
    for (id, bytes) in uploads {
        server.upload(&id, bytes).await?;
    }
    for id in &ids {
        server.delivered(id).await?;
    }
    job.rates.server.push(job.megapixels / begun.elapsed().as_secs_f64());
    Ok(())
}
