//! The derivative: one file per image version that answers everything about its pixels.
//!
//! ```text
//! TIFF header │ tiles of level 0, 1, 2 … │ TIFF directories │ thumbnails │ index │ footer
//! ```
//!
//! - It is a pyramidal tiled TIFF that other tools read: classic below 4 GB, else BigTIFF; a chain
//!   of directories, the full size first, each next one half of it (rounded up) and marked as
//!   reduced, until one tile holds all. Compression 7, every tile a complete JPEG stream, YCbCr
//!   or gray. Neither profile nor orientation: pixels are upright sRGB.
//! - A tile is served as it is stored. TIFF wants tiles at the edges padded to full size, IIIF wants
//!   them exact; both forms are stored, side by side, and only the index knows the exact ones. That
//!   costs one more tile per row and column of tiles: about 10 % of an 80-megapixel scan, up to twice
//!   the bytes of an image of a few tiles.
//! - Thumbnails are complete JPEG streams too. They and the index lie behind what TIFF refers to.
//! - [`index`] says where everything is; a fixed footer says where the index is.
//!
//! Memory while it is made: the picture (1 or 3 bytes a pixel), a quarter of it for the next level,
//! and one row of encoded tiles.

pub mod index;

mod pyramid;
mod thumbnail;
mod tiff_writer;

use crate::decode::Decoded;
use crate::error::ImageError;
use crate::raster::Channels;
use index::{DerivativeIndex, Extent, StoredThumbnail, footer};
use pyramid::Pyramid;
use serde::{Deserialize, Serialize};
use std::io::{Seek, SeekFrom, Write};

/// How derivatives are made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DerivativePolicy {
    /// Sides of the tiles; a multiple of 16.
    pub tile_side_px: u32,
    /// JPEG quality, 1 to 100.
    pub quality: u8,
    pub chroma: Chroma,
    /// Sides of the squares that thumbnails fit into. None is larger than the image.
    pub thumbnails: Vec<u32>,
}

/// How finely colour is stored beside brightness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Chroma {
    /// One colour for four pixels.
    #[serde(rename = "4:2:0")]
    Quarter,
    #[serde(rename = "4:4:4")]
    Full,
}

impl Default for DerivativePolicy {
    fn default() -> Self {
        Self {
            tile_side_px: 512,
            quality: 85,
            chroma: Chroma::Quarter,
            thumbnails: vec![1024, 400, 200, 100],
        }
    }
}

impl DerivativePolicy {
    fn check(&self) -> Result<(), ImageError> {
        let is_side_fit =
            (64..=4096).contains(&self.tile_side_px) && self.tile_side_px.is_multiple_of(16);
        let is_quality_fit = (1..=100).contains(&self.quality);
        let are_thumbnails_fit = self.thumbnails.len() <= 32 && !self.thumbnails.contains(&0);
        if is_side_fit && is_quality_fit && are_thumbnails_fit {
            return Ok(());
        }
        Err(ImageError::internal(format!("the derivative policy makes no sense: {self:?}")))
    }
}

/// What is known of a derivative once it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DerivativeFacts {
    /// In pixels, upright.
    pub width: u32,
    pub height: u32,
    /// What the source was, by its content.
    pub source_media_type: crate::sniff::MediaType,
    pub derivative_bytes: u64,
    pub tile_side_px: u32,
    /// The scale factors are 1, 2, 4 … one for each level.
    pub levels: u32,
    /// Largest first.
    pub thumbnails: Vec<ThumbnailSize>,
    /// Whether the image has no colour.
    pub gray: bool,
}

/// Width and height of a stored thumbnail, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThumbnailSize {
    pub width: u32,
    pub height: u32,
}

/// Writes the derivative of a decoded source to `output`, from its beginning.
///
/// Uses up to `threads` threads. The same source and policy give the same bytes.
pub fn derive<W: Write + Seek>(
    decoded: Decoded,
    policy: &DerivativePolicy,
    threads: usize,
    output: W,
) -> Result<DerivativeFacts, ImageError> {
    policy.check()?;
    let Decoded { media_type, raster } = decoded;
    let (width, height) = (raster.width, raster.height);
    let gray = raster.channels == Channels::Gray;
    let mut file = Positioned::at_start(output)?;

    let mut pyramid = Pyramid::begin(&mut file, &raster, policy)?;
    let thumbnails = pyramid.write_levels(&mut file, raster, threads.max(1))?;
    let levels = pyramid.finish(&mut file)?;

    let mut stored = Vec::with_capacity(thumbnails.len());
    for it in thumbnails {
        let extent = file.append(&it.jpeg)?;
        stored.push(StoredThumbnail { width: it.width, height: it.height, extent });
    }
    let tile_side = policy.tile_side_px;
    let index = DerivativeIndex { width, height, tile_side, gray, levels, thumbnails: stored };
    let bytes = index.to_bytes();
    let extent = file.append(&bytes)?;
    file.append(&footer(extent, &bytes))?;
    file.output.flush().map_err(ImageError::writing)?;

    let sizes = index.thumbnails.iter();
    Ok(DerivativeFacts {
        width,
        height,
        source_media_type: media_type,
        derivative_bytes: file.position,
        tile_side_px: tile_side,
        levels: index.levels.len() as u32,
        thumbnails: sizes.map(|it| ThumbnailSize { width: it.width, height: it.height }).collect(),
        gray,
    })
}

/// A writer that knows where it is.
struct Positioned<W: Write> {
    output: std::io::BufWriter<W>,
    position: u64,
}

impl<W: Write + Seek> Positioned<W> {
    fn at_start(mut output: W) -> Result<Self, ImageError> {
        output.seek(SeekFrom::Start(0)).map_err(ImageError::writing)?;
        let output = std::io::BufWriter::with_capacity(1 << 20, output);
        Ok(Self { output, position: 0 })
    }

    fn append(&mut self, bytes: &[u8]) -> Result<Extent, ImageError> {
        self.output.write_all(bytes).map_err(ImageError::writing)?;
        let length = u32::try_from(bytes.len())
            .map_err(|_| ImageError::internal("a part of the derivative is too long"))?;
        let extent = Extent { offset: self.position, length };
        self.position += u64::from(length);
        Ok(extent)
    }

    /// Overwrites bytes at the beginning, and comes back.
    fn patch_start(&mut self, bytes: &[u8]) -> Result<(), ImageError> {
        self.output.seek(SeekFrom::Start(0)).map_err(ImageError::writing)?;
        self.output.write_all(bytes).map_err(ImageError::writing)?;
        let end = SeekFrom::Start(self.position);
        self.output.seek(end).map(|_| ()).map_err(ImageError::writing)
    }
}
