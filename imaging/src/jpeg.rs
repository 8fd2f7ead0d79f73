//! libjpeg-turbo, as this crate uses it: strict decoding and the encoding of tiles.

use crate::error::ImageError;
use crate::raster::{Channels, Raster};
use turbojpeg::{Compressor, Decompressor, Image, PixelFormat, Subsamp};

/// Reused between pictures, since making one costs more than a small tile.
pub(crate) struct JpegEncoder {
    compressor: Compressor,
}

/// A part of a picture to encode: `height` rows that begin `stride` bytes apart.
pub(crate) struct Pixels<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) stride: usize,
    pub(crate) channels: Channels,
}

impl<'a> Pixels<'a> {
    pub(crate) fn of(raster: &'a Raster) -> Self {
        Self {
            bytes: &raster.pixels,
            width: raster.width,
            height: raster.height,
            stride: raster.stride(),
            channels: raster.channels,
        }
    }
}

impl JpegEncoder {
    /// Makes an encoder of baseline JPEG; gray pictures have no chroma to sample.
    pub(crate) fn new(quality: u8, chroma: Subsamp, channels: Channels) -> turbojpeg::Result<Self> {
        let mut compressor = Compressor::new()?;
        compressor.set_quality(i32::from(quality.clamp(1, 100)))?;
        compressor.set_subsamp(match channels {
            Channels::Gray => Subsamp::Gray,
            Channels::Rgb => chroma,
        })?;
        Ok(Self { compressor })
    }

    /// Returns a complete JPEG stream.
    pub(crate) fn encode(&mut self, pixels: &Pixels<'_>) -> turbojpeg::Result<Vec<u8>> {
        self.compressor.compress_to_vec(Image {
            pixels: pixels.bytes,
            width: pixels.width as usize,
            pitch: pixels.stride,
            height: pixels.height as usize,
            format: pixel_format(pixels.channels),
        })
    }
}

pub(crate) fn pixel_format(channels: Channels) -> PixelFormat {
    match channels {
        Channels::Gray => PixelFormat::GRAY,
        Channels::Rgb => PixelFormat::RGB,
    }
}

/// Decodes into `output`, and refuses what the decoder would merely warn of: data that ends early
/// or does not fit is damage, even where a picture could be guessed from it.
pub(crate) fn decode_strictly(
    decompressor: &mut Decompressor,
    jpeg: &[u8],
    output: Image<&mut [u8]>,
) -> Result<(), ImageError> {
    match decompressor.decompress(jpeg, output) {
        Ok(()) => Ok(()),
        Err(error) if is_harmless(&error.to_string()) => Ok(()),
        Err(error) => Err(damage(&error)),
    }
}

pub(crate) fn damage(error: &turbojpeg::Error) -> ImageError {
    let text = error.to_string();
    if text.contains("nsupported") {
        return ImageError::unsupported(format!("a JPEG of an unusual kind: {text}"));
    }
    if text.contains("memory") {
        return ImageError::too_large("the JPEG needs more memory than is allowed");
    }
    ImageError::corrupt(format!("the JPEG is damaged: {text}"))
}

/// Padding before the end marker comes after the last pixel, and an unknown Adobe or JFIF revision
/// is no damage; the decoder warns of both.
fn is_harmless(text: &str) -> bool {
    text.contains("extraneous bytes before marker 0xd9")
        || text.contains("Unknown Adobe color transform")
        || text.contains("unknown JFIF revision")
}
