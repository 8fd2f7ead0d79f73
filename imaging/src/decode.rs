//! Decodes a source into an upright 8-bit sRGB or gray picture, within limits.
//!
//! - The content decides which decoder runs; no other one ever sees the bytes.
//! - Sizes are read and checked before memory is allocated for the pixels.
//! - What is damaged is refused. Nothing is repaired silently.
//! - Colour profile and orientation are applied here, and dropped with all other metadata.
//!
//! Memory: 1 (gray), 3 (RGB) or 4 (CMYK) bytes a pixel; as much again while a picture of
//! orientation 5 to 8 is turned; a progressive JPEG up to 6 more, an interlaced PNG 4 more while it
//! is decoded.

mod gif;
mod jp2;
mod jp2_frame;
mod jpeg;
mod jpeg_markers;
mod png;
mod tiff;
mod tiff_chunk;
mod tiff_header;
mod tiff_samples;
mod webp;

use crate::color::{self, SampleSpace};
use crate::error::ImageError;
use crate::limits::DecodeLimits;
use crate::orientation;
use crate::raster::Raster;
use crate::sniff::{MediaType, SNIFF_BYTES, sniff};
use std::io::{BufRead, Read, Seek, SeekFrom};

/// A decoded source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded {
    pub media_type: MediaType,
    pub raster: Raster,
}

/// What a codec hands back: samples as they are stored, and what they mean.
struct Stored {
    width: u32,
    height: u32,
    space: SampleSpace,
    pixels: Vec<u8>,
    icc: Option<Vec<u8>>,
    /// 1 to 8.
    orientation: u16,
}

/// Decodes one image, of a file with several the first that is not a reduced copy.
pub fn decode<R: BufRead + Seek>(source: R, limits: &DecodeLimits) -> Result<Decoded, ImageError> {
    let (media_type, stored) = read(source, limits)?;
    Ok(Decoded { media_type, raster: finished(stored)? })
}

/// Decodes one image without regard to its colour profile: for machines that read, not for eyes.
///
/// What was scanned is what a recogniser was trained on; a correction changes faint strokes.
pub fn decode_uncorrected<R: BufRead + Seek>(
    source: R,
    limits: &DecodeLimits,
) -> Result<Decoded, ImageError> {
    let (media_type, stored) = read(source, limits)?;
    // Inks have no other way to become light.
    let icc = stored.icc.filter(|_| stored.space == SampleSpace::Cmyk);
    Ok(Decoded { media_type, raster: finished(Stored { icc, ..stored })? })
}

fn read<R: BufRead + Seek>(
    mut source: R,
    limits: &DecodeLimits,
) -> Result<(MediaType, Stored), ImageError> {
    let length = source.seek(SeekFrom::End(0))?;
    source.seek(SeekFrom::Start(0))?;
    let mut head = Vec::with_capacity(SNIFF_BYTES);
    source.by_ref().take(SNIFF_BYTES as u64).read_to_end(&mut head)?;
    source.seek(SeekFrom::Start(0))?;

    let media_type = sniff(&head)?;
    if length > limits.source_bytes_max {
        let max = limits.source_bytes_max;
        return Err(ImageError::too_large(format!("{length} bytes: at most {max} are accepted")));
    }
    let stored = match media_type {
        MediaType::Jpeg => jpeg::decode(source, length, limits)?,
        MediaType::Png => png::decode(source, limits)?,
        MediaType::Tiff => tiff::decode(source, length, limits)?,
        MediaType::WebP => webp::decode(source, limits)?,
        MediaType::Gif => gif::decode(source, limits)?,
        MediaType::Jp2 | MediaType::J2k => jp2::decode(source, length, limits)?,
    };
    Ok((media_type, stored))
}

fn finished(stored: Stored) -> Result<Raster, ImageError> {
    let Stored { width, height, space, pixels, icc, orientation } = stored;
    let pixels = color::to_srgb(pixels, space, icc.as_deref());
    orientation::upright(Raster { width, height, channels: space.channels(), pixels }, orientation)
}

/// Puts a sample with the given opacity on white paper.
fn on_white(sample: u8, alpha: u8) -> u8 {
    let (sample, alpha) = (u32::from(sample), u32::from(alpha));
    ((sample * alpha + 255 * (255 - alpha) + 127) / 255) as u8
}
