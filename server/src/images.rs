//! `dlcs image`: an image of a running server, from a shell.

use crate::client::{Client, ServerArgs, segment};
use crate::config::Settings;
use crate::search::print_line;
use anyhow::{Context, bail, ensure};
use bytes::Bytes;
use clap::Subcommand;
use futures::{StreamExt, TryStreamExt};
use indicatif::{ProgressBar, ProgressStyle};
use reqwest::{Method, Url};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs::Permissions;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Files that are fetched at once.
const AT_ONCE: usize = 8;

#[derive(clap::Args)]
pub(crate) struct ImageArgs {
    #[command(flatten)]
    server: ServerArgs,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Write an image as files that any web server shows without this program.
    Export(Export),
}

#[derive(clap::Args)]
struct Export {
    /// `customer/space/asset`.
    id: String,
    /// As an image service of level 0: tiles, sizes and info.json.
    #[arg(long, required = true)]
    level0: bool,
    /// Folder for the files; what is there already is not fetched again.
    #[arg(long, value_name = "FOLDER")]
    into: PathBuf,
    /// Address at which the folder will be found: the `id` in info.json.
    #[arg(long, value_name = "URL")]
    id_url: Url,
}

pub(crate) async fn run(args: ImageArgs, settings: &Settings) -> anyhow::Result<ExitCode> {
    let client = Client::new(&args.server, settings)?;
    let Verb::Export(export) = args.verb;
    level0(&client, &export).await
}

/// Writes tiles and sizes first and info.json last: a folder that has one is whole.
async fn level0(client: &Client, export: &Export) -> anyhow::Result<ExitCode> {
    let service = service(&export.id)?;
    let info = client.request(Method::GET, &format!("{service}/info.json"));
    let info = Info::read(client.json(info).await?)?;
    let addresses = info.addresses();
    let bar = bar(addresses.len());
    let fetched = futures::stream::iter(addresses).map(|address| {
        let (service, bar) = (&service, &bar);
        async move {
            let folder = export.into.join(&address).join("0");
            if !folder.join("default.jpg").is_file() {
                let path = format!("{service}/{address}/0/default.jpg");
                let answer = client.send(client.request(Method::GET, &path)).await;
                let answer = answer.with_context(|| format!("fetching {address}"))?;
                write(&folder, "default.jpg", answer.bytes().await?)?;
            }
            bar.inc(1);
            anyhow::Ok(())
        }
    });
    fetched.buffer_unordered(AT_ONCE).try_collect::<()>().await?;
    let id = export.id_url.as_str().trim_end_matches('/');
    let document = serde_json::to_vec_pretty(&info.document(id))?;
    write(&export.into, "info.json", document.into())?;
    bar.finish_and_clear();
    print_line(&export.into.join("info.json").display().to_string());
    Ok(ExitCode::SUCCESS)
}

/// Returns the path of the image service of an id.
fn service(id: &str) -> anyhow::Result<String> {
    let mut parts = id.splitn(3, '/');
    let (Some(customer), Some(space), Some(asset)) = (parts.next(), parts.next(), parts.next())
    else {
        bail!("`{id}` is no id of an image: it has the form customer/space/asset");
    };
    Ok(format!("/iiif-img/v3/{}/{}/{}", segment(customer), segment(space), segment(asset)))
}

fn bar(count: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} files, {eta} left");
    let bar = ProgressBar::new(count as u64);
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// Writes a file so that it is there whole or not at all.
fn write(folder: &Path, name: &str, bytes: Bytes) -> anyhow::Result<()> {
    let cannot = || format!("`{}` cannot be written", folder.join(name).display());
    std::fs::create_dir_all(folder).with_context(cannot)?;
    let mut file = tempfile::Builder::new()
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(folder)
        .with_context(cannot)?;
    file.write_all(&bytes).with_context(cannot)?;
    file.persist(folder.join(name)).with_context(cannot)?;
    Ok(())
}

/// What an `info.json` of version 3.0 says of sizes and tiles; all in pixels.
struct Info {
    width: u64,
    height: u64,
    sizes: Vec<(u64, u64)>,
    tile_side: u64,
    scale_factors: Vec<u64>,
}

impl Info {
    fn read(info: Value) -> anyhow::Result<Self> {
        let number = |value: &Value| value.as_u64().filter(|it| *it > 0);
        let members = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let tiles = &info["tiles"][0];
        let sizes = members(&info["sizes"]).into_iter();
        let read = || {
            Some(Self {
                width: number(&info["width"])?,
                height: number(&info["height"])?,
                sizes: sizes
                    .map(|it| Some((number(&it["width"])?, number(&it["height"])?)))
                    .collect::<Option<_>>()?,
                tile_side: number(&tiles["width"])?,
                scale_factors: members(&tiles["scaleFactors"])
                    .iter()
                    .map(number)
                    .collect::<Option<_>>()?,
            })
        };
        let info = read().context("the server's info.json has no sizes and tiles")?;
        ensure!(!info.scale_factors.is_empty(), "the server's info.json has no tiles");
        Ok(info)
    }

    /// Returns region and size of everything that viewers ask a service of level 0 for: each tile of
    /// each level, as `x,y,w,h/w,h`, each size, and the largest one.
    fn addresses(&self) -> BTreeSet<String> {
        let sizes = self.sizes.iter().map(|(width, height)| format!("full/{width},{height}"));
        let mut addresses: BTreeSet<String> = sizes.collect();
        addresses.insert("full/max".to_owned());
        for scale in &self.scale_factors {
            let step = self.tile_side * scale;
            for y in (0..self.height).step_by(step as usize) {
                for x in (0..self.width).step_by(step as usize) {
                    let (width, height) = (step.min(self.width - x), step.min(self.height - y));
                    let is_whole = (width, height) == (self.width, self.height);
                    let region = match is_whole {
                        true => "full".to_owned(),
                        false => format!("{x},{y},{width},{height}"),
                    };
                    let size = (width.div_ceil(*scale), height.div_ceil(*scale));
                    addresses.insert(format!("{region}/{},{}", size.0, size.1));
                }
            }
        }
        addresses
    }

    /// Image API 3.0, section 5.
    fn document(&self, id: &str) -> Value {
        let size = |(width, height): &(u64, u64)| json!({"width": width, "height": height});
        json!({
            "@context": "http://iiif.io/api/image/3/context.json",
            "id": id,
            "type": "ImageService3",
            "protocol": "http://iiif.io/api/image",
            "profile": "level0",
            "width": self.width,
            "height": self.height,
            "sizes": self.sizes.iter().map(size).collect::<Vec<_>>(),
            "tiles": [{"width": self.tile_side, "scaleFactors": self.scale_factors}],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tile_of_every_level_has_an_address() {
        let info = json!({
            "width": 1200, "height": 800, "sizes": [{"width": 300, "height": 200}],
            "tiles": [{"width": 512, "scaleFactors": [1, 2, 4]}],
        });
        let info = Info::read(info).expect("it is one");
        let expected = [
            "0,0,1024,800/512,400",
            "0,0,512,512/512,512",
            "0,512,512,288/512,288",
            "1024,0,176,512/176,512",
            "1024,0,176,800/88,400",
            "1024,512,176,288/176,288",
            "512,0,512,512/512,512",
            "512,512,512,288/512,288",
            "full/300,200",
            "full/max",
        ];
        assert_eq!(info.addresses(), expected.map(str::to_owned).into());
        let document = info.document("https://example.org/map");
        assert_eq!((&document["profile"], &document["width"]), (&json!("level0"), &json!(1200)));
    }

    #[test]
    fn what_is_no_description_is_refused() {
        for wrong in [
            json!({}),
            json!({"width": 0, "height": 1, "tiles": [{"width": 1, "scaleFactors": [1]}]}),
            json!({"width": 1, "height": 1, "tiles": [{"width": 1, "scaleFactors": [0]}]}),
            json!({"width": 1, "height": 1, "tiles": [{"width": 1, "scaleFactors": []}]}),
        ] {
            assert!(Info::read(wrong.clone()).is_err(), "{wrong}");
        }
        assert!(service("1/2").is_err());
        assert_eq!(service("1/2/a b/c").expect("an id"), "/iiif-img/v3/1/2/a%20b%2Fc");
    }
}
