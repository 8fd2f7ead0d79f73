//! Encodes an answer: JPEG, PNG, lossless WebP, TIFF or GIF.

mod gif;
mod tif;

use super::{Picture, RenderError};
use crate::jpeg::{JpegEncoder, Pixels};
use crate::plan::Render;
use crate::raster::{Channels, Raster};
use dlcs_iiif::image_request::{Format, Quality};
use image_webp::{ColorType as WebPColor, WebPEncoder};
use png::{BitDepth, ColorType, Compression};
use turbojpeg::Subsamp;

/// The quality of tiles by default, so that a rendered answer looks like its neighbours.
const JPEG_QUALITY: u8 = 85;

pub(super) fn encode(picture: Picture, plan: &Render) -> Result<Vec<u8>, RenderError> {
    match plan.format {
        Format::Jpg => jpeg(&on_white(picture)),
        Format::Png => match &picture.alpha {
            None if plan.quality == Quality::Bitonal => bitonal_png(&picture.raster),
            _ => png(&picture),
        },
        Format::Webp => webp(&picture),
        Format::Tif if plan.quality == Quality::Bitonal => tif::bitonal_tif(&on_white(picture)),
        Format::Tif => tif::tif(&on_white(picture)),
        Format::Gif => gif::gif(&picture),
    }
}

fn jpeg(raster: &Raster) -> Result<Vec<u8>, RenderError> {
    let mut encoder = JpegEncoder::new(JPEG_QUALITY, Subsamp::Sub2x2, raster.channels)
        .map_err(RenderError::of)?;
    encoder.encode(&Pixels::of(raster)).map_err(RenderError::of)
}

/// JPEG knows no transparency, and of TIFF few readers expect it.
fn on_white(picture: Picture) -> Raster {
    let Picture { mut raster, alpha } = picture;
    let count = raster.channels.count();
    for (pixel, alpha) in raster.pixels.chunks_exact_mut(count).zip(alpha.iter().flatten()) {
        for level in pixel {
            let sum = u32::from(*level) * u32::from(*alpha) + 255 * (255 - u32::from(*alpha));
            *level = ((sum + 127) / 255) as u8;
        }
    }
    raster
}

fn png(picture: &Picture) -> Result<Vec<u8>, RenderError> {
    let color = match (picture.raster.channels, &picture.alpha) {
        (Channels::Gray, None) => ColorType::Grayscale,
        (Channels::Gray, Some(_)) => ColorType::GrayscaleAlpha,
        (Channels::Rgb, None) => ColorType::Rgb,
        (Channels::Rgb, Some(_)) => ColorType::Rgba,
    };
    write_png(&picture.raster, color, BitDepth::Eight, &interleaved(picture))
}

/// One bit a pixel, which is all there is.
fn bitonal_png(raster: &Raster) -> Result<Vec<u8>, RenderError> {
    let rows = raster.pixels.chunks_exact(raster.width as usize);
    let packed: Vec<u8> = rows.flat_map(|row| row.chunks(8).map(packed_bits)).collect();
    write_png(raster, ColorType::Grayscale, BitDepth::One, &packed)
}

fn packed_bits(levels: &[u8]) -> u8 {
    levels.iter().enumerate().fold(0, |bits, (at, level)| bits | (level & 0x80) >> at)
}

fn write_png(
    raster: &Raster,
    color: ColorType,
    depth: BitDepth,
    data: &[u8],
) -> Result<Vec<u8>, RenderError> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, raster.width, raster.height);
    encoder.set_color(color);
    encoder.set_depth(depth);
    encoder.set_compression(Compression::Fast);
    let mut writer = encoder.write_header().map_err(RenderError::of)?;
    writer.write_image_data(data).map_err(RenderError::of)?;
    writer.finish().map_err(RenderError::of)?;
    Ok(bytes)
}

fn webp(picture: &Picture) -> Result<Vec<u8>, RenderError> {
    let color = match (picture.raster.channels, &picture.alpha) {
        (Channels::Gray, None) => WebPColor::L8,
        (Channels::Gray, Some(_)) => WebPColor::La8,
        (Channels::Rgb, None) => WebPColor::Rgb8,
        (Channels::Rgb, Some(_)) => WebPColor::Rgba8,
    };
    let mut bytes = Vec::new();
    let Raster { width, height, .. } = picture.raster;
    WebPEncoder::new(&mut bytes)
        .encode(&interleaved(picture), width, height, color)
        .map_err(RenderError::of)?;
    Ok(bytes)
}

/// Returns the pixels with their opacity behind each, if there is any.
fn interleaved(picture: &Picture) -> std::borrow::Cow<'_, [u8]> {
    let Some(alpha) = &picture.alpha else {
        return picture.raster.pixels.as_slice().into();
    };
    let count = picture.raster.channels.count();
    let mut bytes = Vec::with_capacity(alpha.len() * (count + 1));
    for (pixel, alpha) in picture.raster.pixels.chunks_exact(count).zip(alpha) {
        bytes.extend_from_slice(pixel);
        bytes.push(*alpha);
    }
    bytes.into()
}
