//! Cuts a picture and its halves into tiles, and encodes them on several threads.

use super::index::{Extent, Level};
use super::tiff_writer::{Directory, Flavour};
use super::{Chroma, DerivativePolicy, Positioned, thumbnail};
use crate::error::ImageError;
use crate::jpeg::{JpegEncoder, Pixels};
use crate::parallel::in_shares;
use crate::raster::{Channels, Raster};
use std::io::{Seek, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};
use turbojpeg::Subsamp;

/// A thumbnail on its way into the file.
pub(super) struct EncodedThumbnail {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) jpeg: Vec<u8>,
}

/// A pyramid being written.
pub(super) struct Pyramid<'a> {
    policy: &'a DerivativePolicy,
    flavour: Flavour,
    channels: Channels,
    levels: Vec<WrittenLevel>,
}

struct WrittenLevel {
    /// With the tiles that are served.
    level: Level,
    /// The tiles that TIFF knows, padded.
    offsets: Vec<u64>,
    lengths: Vec<u32>,
}

/// One tile in its two forms; `exact` only where it differs.
struct EncodedTile {
    padded: Vec<u8>,
    exact: Option<Vec<u8>>,
}

impl<'a> Pyramid<'a> {
    pub(super) fn begin<W: Write + Seek>(
        file: &mut Positioned<W>,
        raster: &Raster,
        policy: &'a DerivativePolicy,
    ) -> Result<Self, ImageError> {
        let flavour = Flavour::for_pixels(raster.width, raster.height, raster.channels);
        file.append(&flavour.header(0))?;
        Ok(Self { policy, flavour, channels: raster.channels, levels: Vec::new() })
    }

    /// Writes the tiles of all levels, and returns the thumbnails, largest first.
    pub(super) fn write_levels<W: Write + Seek>(
        &mut self,
        file: &mut Positioned<W>,
        raster: Raster,
        threads: usize,
    ) -> Result<Vec<EncodedThumbnail>, ImageError> {
        let mut encoders = Vec::with_capacity(threads);
        for _ in 0..threads {
            encoders.push(Mutex::new(self.encoder()?));
        }
        let mut wanted = thumbnail::sizes(raster.width, raster.height, self.policy);
        wanted.reverse();
        let mut thumbnails = Vec::with_capacity(wanted.len());
        let mut raster = raster;
        loop {
            self.write_level(file, &raster, &encoders)?;
            let is_last = raster.width.max(raster.height) <= self.policy.tile_side_px;
            let half = (raster.width.div_ceil(2), raster.height.div_ceil(2));
            // The next level must still be at least as large as what is made from it.
            while let Some(&(width, height)) = wanted.last() {
                if !is_last && width <= half.0 && height <= half.1 {
                    break;
                }
                wanted.pop();
                let scaled = thumbnail::scaled(&raster, width, height)?;
                let jpeg = encode(&mut locked(&encoders[0]), &Pixels::of(&scaled))?;
                thumbnails.push(EncodedThumbnail { width, height, jpeg });
            }
            if is_last {
                return Ok(thumbnails);
            }
            raster = raster.halved(threads)?;
        }
    }

    /// Writes the directories and returns the index's view of the levels.
    pub(super) fn finish<W: Write + Seek>(
        self,
        file: &mut Positioned<W>,
    ) -> Result<Vec<Level>, ImageError> {
        if file.position % 2 == 1 {
            file.append(&[0])?;
        }
        let directories = self.levels.iter().enumerate().map(|(number, it)| Directory {
            width: it.level.width,
            height: it.level.height,
            tile_side: self.policy.tile_side_px,
            channels: self.channels,
            subsampling: match self.policy.chroma {
                Chroma::Quarter => 2,
                Chroma::Full => 1,
            },
            is_reduced: number > 0,
            offsets: &it.offsets,
            lengths: &it.lengths,
        });
        let directories: Vec<_> = directories.collect();
        let (bytes, first) = self.flavour.directories(file.position, &directories);
        file.append(&bytes)?;
        file.patch_start(&self.flavour.header(first))?;
        Ok(self.levels.into_iter().map(|it| it.level).collect())
    }

    fn encoder(&self) -> Result<JpegEncoder, ImageError> {
        let chroma = match self.policy.chroma {
            Chroma::Quarter => Subsamp::Sub2x2,
            Chroma::Full => Subsamp::None,
        };
        JpegEncoder::new(self.policy.quality, chroma, self.channels).map_err(|e| failed(&e))
    }

    fn write_level<W: Write + Seek>(
        &mut self,
        file: &mut Positioned<W>,
        raster: &Raster,
        encoders: &[Mutex<JpegEncoder>],
    ) -> Result<(), ImageError> {
        let side = self.policy.tile_side_px;
        let level = Level::empty(raster.width, raster.height, side);
        let mut written = WrittenLevel { level, offsets: Vec::new(), lengths: Vec::new() };
        for row in 0..written.level.down {
            for tile in encode_row(raster, side, row, written.level.across, encoders)? {
                let padded = file.append(&tile.padded)?;
                written.offsets.push(padded.offset);
                written.lengths.push(padded.length);
                let exact: Result<Extent, ImageError> =
                    tile.exact.map_or(Ok(padded), |exact| file.append(&exact));
                written.level.tiles.push(exact?);
            }
        }
        self.levels.push(written);
        Ok(())
    }
}

/// Encodes a row of tiles, dealt out to the encoders, and returns it in order.
fn encode_row(
    raster: &Raster,
    side: u32,
    row: u32,
    across: u32,
    encoders: &[Mutex<JpegEncoder>],
) -> Result<Vec<EncodedTile>, ImageError> {
    let shares = encoders.len().min(across as usize);
    let mut encoded = in_shares(shares, |share| {
        let mut encoder = locked(&encoders[share]);
        let columns = (share as u32..across).step_by(shares);
        let tiles = columns.map(|column| encode_tile(raster, side, column, row, &mut encoder));
        tiles.collect::<Vec<_>>().into_iter()
    });
    (0..across as usize)
        .map(|column| encoded[column % shares].next().expect("every column was dealt out"))
        .collect()
}

/// Each share has an encoder of its own; nobody waits for the lock.
fn locked(encoder: &Mutex<JpegEncoder>) -> MutexGuard<'_, JpegEncoder> {
    encoder.lock().unwrap_or_else(PoisonError::into_inner)
}

fn encode_tile(
    raster: &Raster,
    side: u32,
    column: u32,
    row: u32,
    encoder: &mut JpegEncoder,
) -> Result<EncodedTile, ImageError> {
    let (left, top) = (column * side, row * side);
    let (width, height) = (side.min(raster.width - left), side.min(raster.height - top));
    let count = raster.channels.count();
    let start = top as usize * raster.stride() + left as usize * count;
    let end = start + (height as usize - 1) * raster.stride() + width as usize * count;
    let pixels = Pixels {
        bytes: &raster.pixels[start..end],
        width,
        height,
        stride: raster.stride(),
        channels: raster.channels,
    };
    let exact = encode(encoder, &pixels)?;
    if (width, height) == (side, side) {
        return Ok(EncodedTile { padded: exact, exact: None });
    }
    let padded = encode(encoder, &Pixels::of(&padded(&pixels, side)))?;
    Ok(EncodedTile { padded, exact: Some(exact) })
}

/// Repeats the last column and row, which costs the fewest bytes and bleeds nothing in.
fn padded(pixels: &Pixels<'_>, side: u32) -> Raster {
    let count = pixels.channels.count();
    let (used, stride) = (pixels.width as usize * count, side as usize * count);
    let mut bytes = Vec::with_capacity(stride * side as usize);
    for row in 0..pixels.height as usize {
        let start = bytes.len();
        bytes.extend_from_slice(&pixels.bytes[row * pixels.stride..][..used]);
        while bytes.len() < start + stride {
            bytes.extend_from_within(start + used - count..start + used);
        }
    }
    while bytes.len() < stride * side as usize {
        bytes.extend_from_within(bytes.len() - stride..);
    }
    Raster { width: side, height: side, channels: pixels.channels, pixels: bytes }
}

fn encode(encoder: &mut JpegEncoder, pixels: &Pixels<'_>) -> Result<Vec<u8>, ImageError> {
    encoder.encode(pixels).map_err(|error| failed(&error))
}

fn failed(error: &turbojpeg::Error) -> ImageError {
    ImageError::internal(format!("a tile cannot be encoded: {error}"))
}
