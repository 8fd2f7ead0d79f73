//! What a server needs to build every read model anew, and to start, as the history grows.

use super::{Bench, mebibytes};
use crate::children::{self, STORES, done};
use crate::figures::{Better, Figure, Outcome, Rounds};
use crate::report::significant;
use anyhow::{Result, ensure};
use std::path::Path;
use std::time::Instant;

/// One history: how many assets, and one value per round.
struct Size {
    assets: u32,
    rates: Rounds,
    building_mib: Rounds,
    rebuilding_mib: Rounds,
    ready_s: Rounds,
    serving_mib: Rounds,
}

pub(crate) async fn run(bench: &Bench) -> Result<Outcome> {
    if let Some(skipped) = children::lacks() {
        return Ok(skipped);
    }
    let assets: &[u32] =
        if bench.quick { &[1_000, 10_000, 50_000] } else { &[10_000, 100_000, 1_000_000] };
    let mut sizes = Vec::new();
    for assets in assets {
        let mut size = Size {
            assets: *assets,
            rates: Rounds::default(),
            building_mib: Rounds::default(),
            rebuilding_mib: Rounds::default(),
            ready_s: Rounds::default(),
            serving_mib: Rounds::default(),
        };
        measure(bench, &mut size).await?;
        sizes.push(size);
    }
    Ok(Outcome::Measured { setup: setup(), figures: figures(&sizes) })
}

async fn measure(bench: &Bench, size: &mut Size) -> Result<()> {
    let assets = size.assets;
    let name = format!("rebuilds-{assets}");
    let data = bench.folder(&name)?;
    eprintln!("rebuilds: {assets} assets");
    let log = data.join("events.sqlite").display().to_string();
    done(STORES, &["fill", "--store", &log, "--events", &assets.to_string()]).await?;
    for round in 0..bench.rounds() {
        bench.say(&format!("rebuilds, {assets} assets"), round);
        build(bench, &data, size).await?;
        start(bench, &data, size).await?;
    }
    std::fs::remove_dir_all(&data)?;
    Ok(())
}

/// A server without read models builds them all before it is ready.
async fn build(bench: &Bench, data: &Path, size: &mut Size) -> Result<()> {
    let read_models = data.join("read");
    if read_models.exists() {
        std::fs::remove_dir_all(&read_models)?;
    }
    let begun = Instant::now();
    let server = bench.program.serve(data, &["--roles", "api,project"]).await?;
    size.rates.push(f64::from(size.assets) / begun.elapsed().as_secs_f64());
    size.building_mib.push(mebibytes(server.peak_bytes()?));
    server.stop().await
}

/// A server that has them starts, and rebuilds the largest while it serves.
async fn start(bench: &Bench, data: &Path, size: &mut Size) -> Result<()> {
    let begun = Instant::now();
    let server = bench.program.serve(data, &["--roles", "api,project"]).await?;
    size.ready_s.push(begun.elapsed().as_secs_f64());
    size.serving_mib.push(mebibytes(server.peak_bytes()?));
    let url = format!("http://{}", server.address);
    let mut rebuild = bench.program.command(data);
    rebuild.args(["projections", "rebuild", "assets", "--server", &url]);
    ensure!(rebuild.output().await?.status.success(), "`dlcs projections rebuild` fails");
    size.rebuilding_mib.push(mebibytes(server.peak_bytes()?));
    server.stop().await
}

fn figures(sizes: &[Size]) -> Vec<Figure> {
    let Some(first) = sizes.first() else { return Vec::new() };
    let mut figures = Vec::new();
    let peer = format!("with {} assets", significant(f64::from(first.assets)));
    for size in sizes {
        let with = format!("{} assets", significant(f64::from(size.assets)));
        let case = |what: &str| format!("{what}, {with}");
        let less = |what: &str, unit, rounds: &Rounds, least: &Rounds| {
            let figure = Figure::new(case(what), unit, Better::Less, rounds.clone());
            figure.beside(&peer, least.clone())
        };
        let rate = case("first start, all read models built");
        figures.push(Figure::new(rate, "events/s", Better::More, size.rates.clone()));
        let building = ("first start: peak memory", &size.building_mib, &first.building_mib);
        let rebuilding = (
            "`projections rebuild assets`: peak memory",
            &size.rebuilding_mib,
            &first.rebuilding_mib,
        );
        let serving = ("later start: memory", &size.serving_mib, &first.serving_mib);
        for (what, rounds, least) in [building, rebuilding, serving] {
            figures.push(less(what, "MiB", rounds, least));
        }
        figures.push(less("later start: until ready", "s", &size.ready_s, &first.ready_s));
    }
    figures
}

fn setup() -> String {
    "Histories of registrations, one event an asset, in SQLite. A *first start* finds no read model \
     and builds them all before it says that it is ready; a *later start* finds them all. Memory is \
     the most that the server's process has had resident. Here the peer is DLCS itself with the \
     smallest history: a ratio of one is flat."
        .to_owned()
}
