//! Test pictures, the same ones every time: clouds of several sizes, cells with edges, and grain.

use crate::process::run;
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};

/// Width and height of the large picture, in pixels.
pub(crate) const LARGE: (u32, u32) = (10_240, 8_000);
/// Width and height of a page, in pixels.
pub(crate) const PAGE: (u32, u32) = (2_000, 3_000);
/// Width and height of a small picture, in pixels.
const LEAF: (u32, u32) = (240, 360);
/// The large picture is this texture, twice as wide and twice as high.
const TEXTURE: (u32, u32) = (LARGE.0 / 2, LARGE.1 / 2);

/// Returns the number of pixels, in millions.
pub(crate) fn megapixels((width, height): (u32, u32)) -> f64 {
    f64::from(width) * f64::from(height) / 1e6
}

/// Makes pictures with `vips` in a folder.
pub(crate) struct Studio {
    folder: PathBuf,
}

impl Studio {
    /// Makes the texture that all pictures are cut from.
    pub(crate) async fn open(folder: &Path) -> Result<Self> {
        std::fs::create_dir_all(folder)?;
        let studio = Self { folder: folder.to_owned() };
        let (width, height) = (TEXTURE.0.to_string(), TEXTURE.1.to_string());
        let size = [width.as_str(), height.as_str()];
        let mut bands = Vec::new();
        for seed in ["1", "2", "3"] {
            let cloud = studio.at(&format!("cloud-{seed}.v"));
            let cells = studio.at(&format!("cells-{seed}.v"));
            let options = ["--cell-size", "200", "--uchar", "--seed", seed];
            run("vips", &[&["perlin", &cloud], &size[..], &options].concat()).await?;
            let options = ["--cell-size", "24", "--seed", seed];
            run("vips", &[&["worley", &cells], &size[..], &options].concat()).await?;
            bands.push(studio.mix(seed, &cloud, &cells, &size).await?);
        }
        let texture = studio.at("texture.v");
        run("vips", &["bandjoin", &bands.join(" "), &texture]).await?;
        Ok(studio)
    }

    /// Adds cloud, cells and grain into one band of eight bits.
    async fn mix(&self, seed: &str, cloud: &str, cells: &str, size: &[&str; 2]) -> Result<String> {
        let grain = self.at(&format!("grain-{seed}.v"));
        let options = ["--mean", "0", "--sigma", "5", "--seed", seed];
        run("vips", &[&["gaussnoise", &grain], &size[..], &options].concat()).await?;
        let (soft, sum) = (self.at("soft.v"), self.at("sum.v"));
        let (with_grain, band) = (self.at("with-grain.v"), self.at(&format!("band-{seed}.v")));
        run("vips", &["linear", cells, &soft, "4", "0"]).await?;
        run("vips", &["add", cloud, &soft, &sum]).await?;
        run("vips", &["add", &sum, &grain, &with_grain]).await?;
        run("vips", &["cast", &with_grain, &band, "uchar"]).await?;
        Ok(band)
    }

    /// Makes the large picture as a JPEG.
    pub(crate) async fn large(&self) -> Result<PathBuf> {
        let (texture, wide) = (self.at("texture.v"), self.at("wide.v"));
        run("vips", &["replicate", &texture, &wide, "2", "2"]).await?;
        self.jpeg(&wide, "large.jpg").await
    }

    /// Makes `count` pages as JPEGs, each cut from another place.
    pub(crate) async fn pages(&self, count: u32) -> Result<Vec<PathBuf>> {
        let (texture, page) = (self.at("texture.v"), self.at("page.v"));
        let (width, height) = (PAGE.0.to_string(), PAGE.1.to_string());
        let mut pages = Vec::new();
        for number in 0..count {
            let left = (number * 149 % (TEXTURE.0 - PAGE.0)).to_string();
            let top = (number * 97 % (TEXTURE.1 - PAGE.1)).to_string();
            let args = ["extract_area", &texture, &page, &left, &top, &width, &height];
            run("vips", &args).await?;
            pages.push(self.jpeg(&page, &format!("page-{number}.jpg")).await?);
        }
        Ok(pages)
    }

    async fn jpeg(&self, from: &str, name: &str) -> Result<PathBuf> {
        let (srgb, file) = (self.at("srgb.v"), self.at(name));
        run("vips", &["copy", from, &srgb, "--interpretation", "srgb"]).await?;
        run("vips", &["jpegsave", &srgb, &file, "--Q", "92"]).await?;
        Ok(PathBuf::from(file))
    }

    fn at(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }
}

/// Makes a small gray picture, of which thousands are ingested in a minute.
pub(crate) async fn leaf(folder: &Path) -> Result<PathBuf> {
    let at = |name: &str| folder.join(name).display().to_string();
    let (grain, gray, file) = (at("leaf-grain.v"), at("leaf.v"), at("leaf.jpg"));
    let (width, height) = (LEAF.0.to_string(), LEAF.1.to_string());
    let options = ["--mean", "160", "--sigma", "20", "--seed", "1"];
    run("vips", &[&["gaussnoise", &grain, &width, &height], &options[..]].concat()).await?;
    run("vips", &["cast", &grain, &gray, "uchar"]).await?;
    run("vips", &["jpegsave", &gray, &file, "--Q", "75"]).await?;
    Ok(PathBuf::from(file))
}

/// Reads a JPEG and puts a comment into it, so that its bytes are new to whoever knows the picture.
pub(crate) fn with_comment(file: &Path, comment: &str) -> Result<Vec<u8>> {
    const START_OF_IMAGE: usize = 2;
    const COMMENT: [u8; 2] = [0xff, 0xfe];
    let mut bytes = std::fs::read(file).context("reading a test picture")?;
    let length = u16::try_from(comment.len() + 2)?.to_be_bytes();
    let segment = [&COMMENT[..], &length, comment.as_bytes()].concat();
    bytes.splice(START_OF_IMAGE..START_OF_IMAGE, segment);
    Ok(bytes)
}
