//! WebP sources: lossy and lossless; of an animation the first frame.

use super::{Stored, on_white};
use crate::color::SampleSpace;
use crate::error::ImageError;
use crate::limits::DecodeLimits;
use crate::orientation;
use crate::raster::zeroed;
use image_webp::{DecodingError, WebPDecoder};
use std::io::{BufRead, Seek};

pub(super) fn decode<R: BufRead + Seek>(
    source: R,
    limits: &DecodeLimits,
) -> Result<Stored, ImageError> {
    let mut decoder = WebPDecoder::new(source).map_err(refused)?;
    let (width, height) = decoder.dimensions();
    limits.check_size(u64::from(width), u64::from(height))?;
    // Bounds the metadata chunks that are read into memory.
    decoder.set_memory_limit(limits.icc_bytes_max.max(limits.exif_bytes_max) as usize);

    let icc = match decoder.icc_profile() {
        Err(DecodingError::MemoryLimitExceeded) => {
            return Err(ImageError::too_large("its colour profile is too long"));
        }
        other => other.map_err(refused)?,
    };
    let orientation = match decoder.exif_metadata() {
        Ok(Some(exif)) => orientation::from_exif(exif.strip_prefix(b"Exif\0\0").unwrap_or(&exif)),
        Ok(None) | Err(_) => 1,
    };

    let alpha = decoder.has_alpha();
    let mut pixels = zeroed(width, height, if alpha { 4 } else { 3 })?;
    decoder.set_memory_limit(usize::MAX);
    decoder.read_image(&mut pixels).map_err(refused)?;
    if alpha {
        flatten(&mut pixels);
    }
    Ok(Stored { width, height, space: SampleSpace::Rgb, pixels, icc, orientation })
}

/// Drops the alpha channel within the same memory.
fn flatten(pixels: &mut Vec<u8>) {
    let count = pixels.len() / 4;
    for index in 0..count {
        let alpha = pixels[index * 4 + 3];
        for c in 0..3 {
            pixels[index * 3 + c] = on_white(pixels[index * 4 + c], alpha);
        }
    }
    pixels.truncate(count * 3);
}

fn refused(error: DecodingError) -> ImageError {
    match error {
        DecodingError::IoError(error) => error.into(),
        DecodingError::MemoryLimitExceeded | DecodingError::ImageTooLarge => {
            ImageError::too_large("the WebP needs more memory than is allowed")
        }
        DecodingError::UnsupportedFeature(detail) => {
            ImageError::unsupported(format!("a WebP of an unusual kind: {detail}"))
        }
        error => ImageError::corrupt(format!("the WebP is damaged: {error}")),
    }
}
