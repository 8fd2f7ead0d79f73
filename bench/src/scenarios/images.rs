//! The same picture by DLCS, by IIPImage behind nginx, and its tiles by nginx as files: everything
//! that viewers ask for, in one run.

use super::tiles::{IMAGE, LEVELS, copy_files, image_info, region_paths, tile_paths};
use super::{Bench, cores, is_peer_first, lacks, mebibytes};
use crate::client::Connection;
use crate::figures::{Better, Figure, Outcome, Rounds};
use crate::iipimage::{self, IipImage};
use crate::load::{Load, Round, Series};
use crate::nginx::Nginx;
use crate::pictures::{LARGE, Studio};
use crate::process::{processor_seconds, run as run_program};
use crate::program::Server;
use anyhow::{Context, Result, ensure};
use std::path::{Path, PathBuf};

const CONNECTIONS: [u32; 2] = [4, 64];
const IIPIMAGE: &str = "IIPImage 1.1 behind nginx";
const FILES: &str = "nginx, static files";
/// What IIPImage calls the picture.
const NAME: &str = "large";

/// One kind of request, and what it is to be beside IIPImage, and beside files if they are there.
struct Case {
    name: &'static str,
    load: Load,
    aim: u32,
    files_aim: Option<f64>,
}

/// The three sides of one case at one number of connections.
#[derive(Default)]
struct Sides {
    dlcs: Side,
    iipimage: Side,
    files: Side,
}

#[derive(Default)]
struct Side {
    series: Series,
    /// CPU-seconds of a thousand requests.
    costs: Rounds,
}

/// Whom to ask, and whose time it takes.
struct Target<'a> {
    address: &'a str,
    pids: &'a [u32],
}

pub(crate) async fn run(bench: &Bench) -> Result<Outcome> {
    if let Some(skipped) = lacks(&["nginx", "wrk", "vips"]) {
        return Ok(skipped);
    }
    if !iipimage::is_there() {
        return Ok(Outcome::Skipped("not installed: iipimage-server".into()));
    }
    let work = bench.folder("images")?;
    let data = bench.folder("images/data")?;
    eprintln!("images: making the picture");
    let studio = Studio::open(&work.join("pictures")).await?;
    let picture = std::fs::read(studio.large().await?)?;
    let server = bench.serve(&data, &[]).await?;
    server.upload("large.jpg", picture).await?;
    server.delivered("large.jpg").await?;

    let files = bench.folder("images/files")?;
    let info = image_info(&server.address).await?;
    let tiles = tile_paths(&info)?;
    let tile_bytes = copy_files(&server.address, &tiles, &files).await?;
    let nginx = Nginx::serve(&files, &bench.folder("images/nginx")?).await?;
    let pyramids = bench.folder("images/pyramids")?;
    std::fs::copy(derivative(&data)?, pyramids.join(NAME)).context("copying the pyramid")?;
    let behind = bench.folder("images/iipimage")?;
    let iipimage = IipImage::serve(&pyramids, NAME, IMAGE, cores(), &behind).await?;
    is_same_picture(&server, &iipimage, &tiles[0], &work).await?;

    let cases = cases(&work, &tiles)?;
    let figures = measure(bench, &cases, &server, &iipimage, &nginx).await?;
    iipimage.stop().await?;
    nginx.stop().await?;
    server.stop().await?;
    let mean_kib = tile_bytes as f64 / tiles.len() as f64 / 1024.0;
    Ok(Outcome::Measured { setup: setup(tiles.len(), mean_kib), figures })
}

fn cases(work: &Path, tiles: &[String]) -> Result<[Case; 4]> {
    let thumbnail = [format!("{IMAGE}/full/!200,200/0/default.jpg")];
    let info = [format!("{IMAGE}/info.json")];
    let case = |name, file, paths: &[String], aim, files_aim| {
        Ok::<_, anyhow::Error>(Case {
            name,
            load: Load::prepare(work, file, paths)?,
            aim,
            files_aim,
        })
    };
    Ok([
        case("tile", "tiles", tiles, 45, Some(0.9))?,
        case("region of 400 to 4,000 pixels to `400,`", "regions", &region_paths(), 4, None)?,
        case("`full/!200,200`", "thumbnail", &thumbnail, 50, None)?,
        case("`info.json`", "info", &info, 12, None)?,
    ])
}

/// Every case at every number of connections by every side, in turns, round after round.
async fn measure(
    bench: &Bench,
    cases: &[Case],
    server: &Server,
    iipimage: &IipImage,
    nginx: &Nginx,
) -> Result<Vec<Figure>> {
    let pids = [vec![server.pid()?], iipimage.pids()?, vec![nginx.pid()?]];
    let addresses = [server.address.as_str(), iipimage.address(), nginx.address.as_str()];
    let mut found: Vec<[Sides; CONNECTIONS.len()]> =
        cases.iter().map(|_| Default::default()).collect();
    for round in 0..bench.rounds() {
        bench.say("images", round);
        for (case, found) in cases.iter().zip(&mut found) {
            for (sides, connections) in found.iter_mut().zip(CONNECTIONS) {
                let Sides { dlcs, iipimage, files } = sides;
                let mut order = vec![(0, dlcs), (1, iipimage)];
                if case.files_aim.is_some() {
                    order.push((2, files));
                }
                if is_peer_first(round) {
                    order.reverse();
                }
                for (at, side) in order {
                    let target = Target { address: addresses[at], pids: &pids[at] };
                    side.take(bench, &case.load, &target, connections, round).await?;
                }
            }
        }
    }
    let mut figures = Vec::new();
    for (case, found) in cases.iter().zip(found) {
        for (sides, connections) in found.into_iter().zip(CONNECTIONS) {
            figures.extend(sides.figures(case, connections));
        }
    }
    let peak = Rounds(vec![mebibytes(server.peak_bytes()?)]);
    figures.push(Figure::new("the server: peak memory", "MiB", Better::Less, peak));
    Ok(figures)
}

impl Side {
    /// Puts one side of one round under load.
    async fn take(
        &mut self,
        bench: &Bench,
        load: &Load,
        target: &Target<'_>,
        connections: u32,
        round: usize,
    ) -> Result<()> {
        let before = processor_seconds(target.pids)?;
        let found: Round = load.run(target.address, connections, bench.load_time(), round).await?;
        let taken = processor_seconds(target.pids)? - before;
        self.costs.push(taken / found.requests * 1_000.0);
        self.series.push(found);
        Ok(())
    }
}

impl Sides {
    fn figures(self, case: &Case, connections: u32) -> Vec<Figure> {
        let Self { dlcs, iipimage, files } = self;
        let name = format!("{}, {connections} connections", case.name);
        let rate = |aim: String| {
            let label = format!("{name} (aim: {aim} ×)");
            Figure::new(label, "requests/s", Better::More, dlcs.series.rates.clone())
        };
        let late = |label: &str| {
            let label = format!("{name}: {label}");
            Figure::new(label, "ms", Better::Less, dlcs.series.p99_ms.clone())
        };
        let cost = || {
            let label = format!("{name}: CPU of 1,000 requests");
            Figure::new(label, "CPU-seconds", Better::Less, dlcs.costs.clone())
        };
        let mut figures = vec![rate(case.aim.to_string()).beside(IIPIMAGE, iipimage.series.rates)];
        figures.extend(case.files_aim.map(|aim| {
            let rates = files.series.rates.clone();
            rate(aim.to_string()).beside(FILES, rates)
        }));
        figures.push(late("99th percentile").beside(IIPIMAGE, iipimage.series.p99_ms));
        if case.files_aim.is_some() {
            // The one aim that sets a tail beside a middle.
            let middle = format!("{IIPIMAGE}: median");
            let ours = late("99th percentile, beside a median (aim: 1 × at most)");
            figures.push(ours.beside(&middle, iipimage.series.p50_ms));
            figures.push(late("99th percentile").beside(FILES, files.series.p99_ms));
        }
        figures.push(cost().beside(IIPIMAGE, iipimage.costs));
        if case.files_aim.is_some() {
            figures.push(cost().beside(FILES, files.costs));
        }
        figures
    }
}

/// Returns the file that the server made of the one picture that it has: a pyramidal TIFF.
fn derivative(data: &Path) -> Result<PathBuf> {
    let mut folders = vec![data.join("objects/derivatives")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_file() {
                return Ok(path);
            }
            folders.push(path);
        }
    }
    anyhow::bail!("the server has no derivative")
}

/// Whether both sides show the same thing at an address: the mean level is that of one picture.
async fn is_same_picture(
    server: &Server,
    iipimage: &IipImage,
    path: &str,
    work: &Path,
) -> Result<()> {
    let mut means = Vec::new();
    for address in [server.address.as_str(), iipimage.address()] {
        let answer = Connection::open(address).await?.get(path).await?;
        ensure!(answer.status.is_success(), "{address}{path}: {}", answer.text());
        let file = work.join("answer.jpg");
        std::fs::write(&file, &answer.body)?;
        let mean = run_program("vips", &["avg", &file.display().to_string()]).await?;
        means.push(mean.trim().parse::<f64>().context("vips says the mean level")?);
    }
    ensure!((means[0] - means[1]).abs() < 0.5, "two pictures: mean levels {means:?}");
    Ok(())
}

fn setup(tiles: usize, mean_kib: f64) -> String {
    let (width, height) = LARGE;
    format!(
        "One picture of {width} × {height} pixels, made for this. IIPImage reads the very pyramid that \
         DLCS made of it (tiles of 512 pixels, JPEG, quality 85, one colour for four pixels), and \
         encodes with quality 85 too: {processes} processes with OMP_NUM_THREADS=1 and the cache that \
         they come with, no FastCGI connection kept, nginx before them (2 workers), since it has \
         no HTTP of its own. nginx also serves the tiles as files (`sendfile`, `open_file_cache`). No side writes an \
         access log. {tiles} tiles of the {LEVELS} largest levels, {mean_kib:.0} KiB on average, 6,000 regions \
         anywhere, all asked for at random by `wrk` (1 thread, keep-alive, loopback, everything in \
         the page cache). DLCS has `full/!200,200` ready, IIPImage makes it of its smallest level. The load and \
         the servers share the cores. CPU is user and system time of a server's processes, nginx' too.",
        processes = cores(),
    )
}
