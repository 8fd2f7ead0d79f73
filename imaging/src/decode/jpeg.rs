//! JPEG sources: baseline and progressive; gray, YCbCr, RGB, CMYK and YCCK.

use super::Stored;
use super::jpeg_markers::{JpegMarkers, read_markers};
use crate::color::SampleSpace;
use crate::error::ImageError;
use crate::jpeg::{damage, decode_strictly, without_odd_revisions};
use crate::limits::DecodeLimits;
use crate::orientation;
use crate::raster::zeroed;
use std::io::Read;
use turbojpeg::{Decompressor, Image, PixelFormat};

pub(super) fn decode(
    mut source: impl Read,
    length: u64,
    limits: &DecodeLimits,
) -> Result<Stored, ImageError> {
    limits.check_resident(length)?;
    let mut jpeg = Vec::with_capacity(length as usize);
    source.read_to_end(&mut jpeg)?;

    let markers = read_markers(&jpeg, limits)?;
    // An archive or a page appended to the image is no concern of the decoder.
    jpeg.truncate(markers.end);
    without_odd_revisions(&mut jpeg);
    let space = match markers.components {
        1 => SampleSpace::Gray,
        3 => SampleSpace::Rgb,
        _ => SampleSpace::Cmyk,
    };
    let pixels = decode_pixels(&jpeg, &markers, space, limits)?;
    Ok(Stored {
        width: u32::from(markers.width),
        height: u32::from(markers.height),
        space,
        pixels,
        icc: markers.icc,
        orientation: markers.exif.as_deref().map_or(1, orientation::from_exif),
    })
}

fn decode_pixels(
    jpeg: &[u8],
    markers: &JpegMarkers,
    space: SampleSpace,
    limits: &DecodeLimits,
) -> Result<Vec<u8>, ImageError> {
    let (width, height) = (u32::from(markers.width), u32::from(markers.height));
    let mut decompressor = Decompressor::new().map_err(|error| damage(&error))?;
    decompressor.set_scan_limit(limits.scans_max).map_err(|error| damage(&error))?;
    let mut pixels = zeroed(width, height, space.count())?;
    let output = Image {
        pixels: &mut pixels[..],
        width: width as usize,
        pitch: width as usize * space.count(),
        height: height as usize,
        format: match space {
            SampleSpace::Gray => PixelFormat::GRAY,
            SampleSpace::Rgb => PixelFormat::RGB,
            SampleSpace::Cmyk => PixelFormat::CMYK,
        },
    };
    decode_strictly(&mut decompressor, jpeg, output)?;
    if space == SampleSpace::Cmyk && markers.is_adobe {
        pixels.iter_mut().for_each(|ink| *ink = 255 - *ink);
    }
    Ok(pixels)
}
