//! Tile requests per second, beside nginx with the same tiles as files; other requests alone.

use super::{Bench, is_peer_first, lacks, mebibytes};
use crate::client::Connection;
use crate::figures::{Better, Figure, Outcome, Rounds};
use crate::load::{Load, Series};
use crate::nginx::Nginx;
use crate::pictures::{LARGE, Studio};
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::path::Path;

pub(super) const IMAGE: &str = "/iiif-img/v3/1/1/large.jpg";
const RATE: &str = "requests/s";
const CONNECTIONS: [u32; 2] = [4, 64];
/// Levels whose tiles are asked for: full size, half, quarter.
pub(super) const LEVELS: usize = 3;
const REGIONS: u64 = 6_000;

pub(crate) async fn run(bench: &Bench) -> Result<Outcome> {
    if let Some(skipped) = lacks(&["nginx", "wrk", "vips"]) {
        return Ok(skipped);
    }
    let work = bench.folder("tiles")?;
    let data = bench.folder("tiles/data")?;
    eprintln!("tiles: making the picture");
    let studio = Studio::open(&work.join("pictures")).await?;
    let picture = std::fs::read(studio.large().await?)?;
    let server = bench.serve(&data, &[]).await?;
    server.upload("large.jpg", picture).await?;
    server.delivered("large.jpg").await?;

    let files = bench.folder("tiles/files")?;
    let info = image_info(&server.address).await?;
    let tiles = tile_paths(&info)?;
    let tile_bytes = copy_files(&server.address, &tiles, &files).await?;
    let nginx = Nginx::serve(&files, &work).await?;

    let load = Load::prepare(&work, "tiles", &tiles)?;
    let mut pairs: [(Series, Series); CONNECTIONS.len()] = Default::default();
    let mut alone = alone(&work)?;
    for round in 0..bench.rounds() {
        bench.say("tiles", round);
        for (pair, connections) in pairs.iter_mut().zip(CONNECTIONS) {
            let mut sides = [(&server.address, &mut pair.0), (&nginx.address, &mut pair.1)];
            if is_peer_first(round) {
                sides.reverse();
            }
            for (address, series) in sides {
                series.push(load.run(address, connections, bench.load_time(), round).await?);
            }
        }
        for (_, load, series) in &mut alone {
            series.push(load.run(&server.address, 4, bench.load_time(), round).await?);
        }
    }
    nginx.stop().await?;
    let peak = Rounds(vec![mebibytes(server.peak_bytes()?)]);
    server.stop().await?;
    let mean_kib = tile_bytes as f64 / tiles.len() as f64 / 1024.0;
    let mut figures = figures(pairs, alone);
    figures.push(Figure::new("the server: peak memory", "MiB", Better::Less, peak));
    Ok(Outcome::Measured { setup: setup(tiles.len(), mean_kib), figures })
}

fn setup(tiles: usize, mean_kib: f64) -> String {
    let (width, height) = LARGE;
    format!(
        "One picture of {width} × {height} pixels, made for this. {tiles} tiles of its {LEVELS} \
         largest levels, {mean_kib:.0} KiB on average, asked for at random by `wrk` (1 thread, keep-alive, \
         loopback, everything in the page cache). nginx serves copies of the same tiles under the \
         same paths (2 workers, `sendfile`, `open_file_cache`, no access log). The load and the \
         server share the cores."
    )
}

fn figures(
    pairs: [(Series, Series); CONNECTIONS.len()],
    alone: [(&str, Load, Series); 3],
) -> Vec<Figure> {
    const NGINX: &str = "nginx, static files";
    let mut figures = Vec::new();
    for ((dlcs, nginx), connections) in pairs.into_iter().zip(CONNECTIONS) {
        let case = format!("tile, {connections} connections");
        let rate = Figure::new(case.clone(), RATE, Better::More, dlcs.rates);
        figures.push(rate.beside(NGINX, nginx.rates));
        let late = format!("{case}: 99th percentile");
        let late = Figure::new(late, "ms", Better::Less, dlcs.p99_ms);
        figures.push(late.beside(NGINX, nginx.p99_ms));
    }
    for (case, _, series) in alone {
        let case = format!("{case}, 4 connections");
        let late = format!("{case}: 99th percentile");
        figures.push(Figure::new(case, RATE, Better::More, series.rates));
        figures.push(Figure::new(late, "ms", Better::Less, series.p99_ms));
    }
    figures
}

/// Prepares what has no peer here.
fn alone(work: &Path) -> Result<[(&'static str, Load, Series); 3]> {
    let info = [format!("{IMAGE}/info.json")];
    let thumbnail = [format!("{IMAGE}/full/!200,200/0/default.jpg")];
    Ok([
        ("`info.json`", Load::prepare(work, "info", &info)?, Series::default()),
        ("`full/!200,200`", Load::prepare(work, "thumbnail", &thumbnail)?, Series::default()),
        (
            "region of 400 to 4,000 pixels to `400,`",
            Load::prepare(work, "regions", &region_paths())?,
            Series::default(),
        ),
    ])
}

pub(super) async fn image_info(address: &str) -> Result<Value> {
    let mut connection = Connection::open(address).await?;
    let answer = connection.get(&format!("{IMAGE}/info.json")).await?;
    ensure!(answer.status.is_success(), "no info.json: {}", answer.text());
    Ok(serde_json::from_slice(&answer.body)?)
}

/// Returns the canonical address of each tile of the largest levels (Image API 3.0, section 4.7).
pub(super) fn tile_paths(info: &Value) -> Result<Vec<String>> {
    let number = |value: &Value| value.as_u64().context("info.json has no such number");
    let (width, height) = (number(&info["width"])?, number(&info["height"])?);
    let tile = &info["tiles"][0];
    let (across, down) = (number(&tile["width"])?, tile["height"].as_u64());
    let down = down.unwrap_or(across);
    let scales = tile["scaleFactors"].as_array().context("info.json has no scale factors")?;
    let mut paths = Vec::new();
    for scale in scales.iter().take(LEVELS) {
        let scale = number(scale)?;
        for y in (0..height).step_by(usize::try_from(down * scale)?) {
            for x in (0..width).step_by(usize::try_from(across * scale)?) {
                let w = (across * scale).min(width - x);
                let h = (down * scale).min(height - y);
                let (to_w, to_h) = (w.div_ceil(scale), h.div_ceil(scale));
                paths.push(format!("{IMAGE}/{x},{y},{w},{h}/{to_w},{to_h}/0/default.jpg"));
            }
        }
    }
    Ok(paths)
}

/// Saves what the server answers under the same paths; returns the number of bytes.
pub(super) async fn copy_files(address: &str, paths: &[String], folder: &Path) -> Result<u64> {
    const JPEG: [u8; 2] = [0xff, 0xd8];
    let mut connection = Connection::open(address).await?;
    let mut bytes = 0;
    for path in paths {
        let answer = connection.get(path).await?;
        ensure!(answer.status.is_success(), "{path}: {}", answer.text());
        ensure!(answer.body.starts_with(&JPEG), "{path} is not a JPEG");
        let file = folder.join(path.trim_start_matches('/'));
        std::fs::create_dir_all(file.parent().context("every path has a folder")?)?;
        std::fs::write(file, &answer.body)?;
        bytes += answer.body.len() as u64;
    }
    Ok(bytes)
}

/// Returns regions anywhere in the picture, aligned to nothing, the same ones every time.
pub(super) fn region_paths() -> Vec<String> {
    let mut state = 1_u64;
    let mut random = |below: u64| {
        // A linear congruential generator (Knuth's MMIX): its high bits are good enough for this.
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let (width, height) = (u64::from(LARGE.0), u64::from(LARGE.1));
    let path = |_| {
        let w = 400 + random(3_601);
        let h = (w * 3 / 4).max(1);
        let (x, y) = (random(width - w), random(height - h));
        format!("{IMAGE}/{x},{y},{w},{h}/400,/0/default.jpg")
    };
    (0..REGIONS).map(path).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_cover_the_picture_and_end_at_its_edge() {
        let info = serde_json::json!({
            "width": 1_000, "height": 600, "tiles": [{ "width": 512, "scaleFactors": [1, 2] }],
        });
        let paths = tile_paths(&info).unwrap();
        assert_eq!(paths.len(), 5);
        assert!(paths[3].ends_with("/512,512,488,88/488,88/0/default.jpg"));
        assert!(paths[4].ends_with("/0,0,1000,600/500,300/0/default.jpg"));
    }
}
