//! JPEG 2000 sources: JP2 files and bare codestreams of part 1.
//!
//! The decoder is memory-safe, and holds all samples as floating-point numbers: what it may take is
//! a limit of its own. It fills in what is missing unless it is told to be strict.

use super::{Stored, jp2_frame, on_white};
use crate::color::SampleSpace;
use crate::error::ImageError;
use crate::limits::DecodeLimits;
use crate::raster::zeroed;
use hayro_jpeg2000::{
    ColorSpace, DecodeError, DecodeSettings, DecodedImage, DecoderContext, Image, MarkerError,
};
use std::io::Read;
use std::panic::catch_unwind;

pub(super) fn decode(
    mut source: impl Read,
    length: u64,
    limits: &DecodeLimits,
) -> Result<Stored, ImageError> {
    limits.check_resident(length)?;
    let mut file = Vec::with_capacity(length as usize);
    source.read_to_end(&mut file)?;
    jp2_frame::check(&mut file, limits)?;
    // Whatever it stumbles over is in the file.
    let decoded = catch_unwind(|| decode_checked(&file, limits));
    decoded.unwrap_or_else(|_| Err(ImageError::corrupt("the decoder of JPEG 2000 gave up")))
}

fn decode_checked(file: &[u8], limits: &DecodeLimits) -> Result<Stored, ImageError> {
    let settings = DecodeSettings { strict: true, ..DecodeSettings::default() };
    let image = Image::new(file, &settings).map_err(refused)?;
    let (width, height) = (image.width(), image.height());
    limits.check_tiled_size(u64::from(width), u64::from(height))?;
    let (space, icc) = space_of(&image)?;
    limits.check_icc(icc.as_ref().map_or(0, Vec::len))?;

    let mut context = DecoderContext::default();
    let decoded = image.decode(&mut context).map_err(refused)?;
    let alpha = image.has_alpha();
    let samples = space.count() + usize::from(alpha);
    let mut pixels = interleaved(&decoded, width, height, samples)?;
    drop(context);
    if alpha {
        flatten(&mut pixels, space.count());
    }
    Ok(Stored { width, height, space, pixels, icc, orientation: 1 })
}

fn space_of(image: &Image<'_>) -> Result<(SampleSpace, Option<Vec<u8>>), ImageError> {
    match image.color_space() {
        ColorSpace::Gray => Ok((SampleSpace::Gray, None)),
        ColorSpace::RGB => Ok((SampleSpace::Rgb, None)),
        ColorSpace::CMYK => Ok((SampleSpace::Cmyk, None)),
        ColorSpace::Icc { profile, num_channels } => {
            let space = match (num_channels, profile.get(16..20)) {
                (1, _) => SampleSpace::Gray,
                (3, Some(b"Lab ")) => return Err(unusual("CIELab")),
                (3, _) => SampleSpace::Rgb,
                (4, _) => SampleSpace::Cmyk,
                _ => return Err(unusual("an unusual colour space")),
            };
            Ok((space, Some(profile.clone())))
        }
        ColorSpace::Unknown { .. } => Err(unusual("an unknown colour space")),
    }
}

fn unusual(space: &str) -> ImageError {
    ImageError::unsupported(format!("a JPEG 2000 of {space}"))
}

fn interleaved(
    decoded: &DecodedImage<'_>,
    width: u32,
    height: u32,
    samples: usize,
) -> Result<Vec<u8>, ImageError> {
    let components = decoded.components();
    let per_component = width as usize * height as usize;
    let is_fitting = components.len() == samples
        && components.iter().all(|component| component.samples().len() == per_component);
    if !is_fitting {
        return Err(ImageError::corrupt("the components of the JPEG 2000 do not fit together"));
    }
    let mut pixels = zeroed(width, height, samples)?;
    decoded.store_u8_into(&mut pixels);
    Ok(pixels)
}

/// Drops the alpha channel within the same memory.
fn flatten(pixels: &mut Vec<u8>, colors: usize) {
    let count = pixels.len() / (colors + 1);
    for index in 0..count {
        let from = index * (colors + 1);
        let alpha = pixels[from + colors];
        for c in 0..colors {
            pixels[index * colors + c] = on_white(pixels[from + c], alpha);
        }
    }
    pixels.truncate(count * colors);
}

fn refused(error: DecodeError) -> ImageError {
    match error {
        DecodeError::Marker(MarkerError::Unsupported) => {
            ImageError::unsupported("a JPEG 2000 of an unusual kind")
        }
        error => ImageError::corrupt(format!("the JPEG 2000 file is damaged: {error}")),
    }
}
