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

/// Padding before the end marker comes after the last pixel: no damage.
///
/// The decoder tells its first warning only, so what is let pass here hides all that come after it:
/// nothing that may come before the last pixel belongs here. See [`without_odd_revisions`].
fn is_harmless(text: &str) -> bool {
    text.contains("extraneous bytes before marker 0xd9")
}

/// Writes what the decoder assumes anyway in place of a revision of JFIF and a colour transform of
/// Adobe that it does not know. Both are no damage, and its warning of them would hide the one of
/// damage that comes later.
pub(crate) fn without_odd_revisions(jpeg: &mut [u8]) {
    let (mut components, mut transforms) = (0, Vec::new());
    let mut at = 0;
    while let Some((marker, segment)) = next_segment(jpeg, at) {
        match marker {
            0xc0..=0xcf if !matches!(marker, 0xc4 | 0xc8 | 0xcc) => {
                components = jpeg[segment.clone()].get(5).copied().unwrap_or_default();
            }
            0xe0 if jpeg[segment.clone()].starts_with(b"JFIF\0") && segment.len() >= 14 => {
                jpeg[segment.start + 5] = 1;
            }
            0xee if jpeg[segment.clone()].starts_with(b"Adobe") && segment.len() >= 12 => {
                transforms.push(segment.start + 11);
            }
            _ => {}
        }
        at = segment.end;
    }
    for transform in transforms {
        jpeg[transform] = match (components, jpeg[transform]) {
            (3, 2..) => 1,
            (4, 1 | 3..) => 2,
            (_, known) => known,
        };
    }
}

/// Returns the next marker with a segment from `at`, and the segment without its length; none
/// where coded data begins.
fn next_segment(jpeg: &[u8], at: usize) -> Option<(u8, std::ops::Range<usize>)> {
    let mut at = at;
    loop {
        at += jpeg.get(at..)?.iter().position(|byte| *byte == 0xff)?;
        at += jpeg.get(at..)?.iter().position(|byte| *byte != 0xff)?;
        let marker = *jpeg.get(at)?;
        at += 1;
        match marker {
            0x01 | 0xd0..=0xd8 => {}
            0xd9 | 0xda => return None,
            _ => {
                let length = jpeg.get(at..at + 2)?;
                let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
                let segment = at + 2..at + length.max(2);
                return jpeg.get(segment.clone()).map(|_| (marker, segment));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A picture of noise, whose second half is needed.
    fn noise() -> Vec<u8> {
        let mut state = 1_u32;
        let mut byte = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        let bytes: Vec<u8> = (0..64 * 64 * 3).map(|_| byte()).collect();
        let mut encoder = JpegEncoder::new(90, Subsamp::None, Channels::Rgb).unwrap();
        let pixels = Pixels {
            bytes: &bytes,
            width: 64,
            height: 64,
            stride: 64 * 3,
            channels: Channels::Rgb,
        };
        encoder.encode(&pixels).unwrap()
    }

    fn decode(mut jpeg: Vec<u8>) -> Result<(), ImageError> {
        without_odd_revisions(&mut jpeg);
        let mut pixels = vec![0; 64 * 64 * 3];
        let output = Image {
            pixels: &mut pixels[..],
            width: 64,
            pitch: 64 * 3,
            height: 64,
            format: PixelFormat::RGB,
        };
        decode_strictly(&mut Decompressor::new().unwrap(), &jpeg, output)
    }

    fn with_adobe(jpeg: &[u8], transform: u8) -> Vec<u8> {
        let mut marked = jpeg[..2].to_vec();
        marked.extend_from_slice(b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00");
        marked.push(transform);
        // Without the marker of JFIF, or the transform would not be looked at.
        let length = usize::from(u16::from_be_bytes([jpeg[4], jpeg[5]]));
        marked.extend_from_slice(&jpeg[4 + length..]);
        marked
    }

    fn cut(jpeg: &[u8]) -> Vec<u8> {
        let mut cut = jpeg[..jpeg.len() / 2].to_vec();
        cut.extend_from_slice(&[0xff, 0xd9]);
        cut
    }

    #[test]
    fn an_odd_revision_does_not_hide_damage() {
        let plain = noise();
        assert_eq!(plain[6..11], *b"JFIF\0");
        let mut revised = plain.clone();
        revised[11] = 2;
        let adobe = with_adobe(&plain, 7);
        for odd in [plain, revised, adobe] {
            decode(odd.clone()).expect("an odd revision is no damage");
            let damaged = decode(cut(&odd)).expect_err("half of it is missing");
            assert_eq!(damaged.code(), "image-corrupt");
        }
    }

    #[test]
    fn whatever_the_bytes_are_looking_for_revisions_ends() {
        let whole = with_adobe(&noise(), 7);
        for length in 0..whole.len().min(800) {
            without_odd_revisions(&mut whole[..length].to_vec());
        }
        without_odd_revisions(&mut [0xff, 0xe0, 0, 0, 0xff, 0xe0, 0, 1, 0xff, 0xff]);
    }
}
