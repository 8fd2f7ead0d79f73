//! Executes a plan: decodes tiles, cuts, scales, mirrors, turns, and encodes.
//!
//! Only ever sees tiles that [`derive()`](crate::derive()) wrote. Blocking: not for async threads.

mod encode;
mod rotate;

use crate::derivative::index::DerivativeIndex;
use crate::plan::{Crop, Render, Turn};
use crate::raster::{Channels, Raster};
use bytes::Bytes;
use dlcs_iiif::image_request::Quality;
use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use turbojpeg::Decompressor;

/// A derivative that does not decode, or a machine without memory. Never the client's fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the answer cannot be rendered: {0}")]
pub struct RenderError(String);

impl RenderError {
    fn of(error: impl std::fmt::Display) -> Self {
        Self(error.to_string())
    }
}

/// A picture on its way out; the opacity of its pixels is kept apart.
struct Picture {
    raster: Raster,
    /// One byte a pixel, where the picture does not fill its rectangle.
    alpha: Option<Vec<u8>>,
}

/// Renders an answer from the bytes of [`Render::tiles`], in that order.
pub fn render(
    plan: &Render,
    index: &DerivativeIndex,
    tiles: &[Bytes],
) -> Result<Vec<u8>, RenderError> {
    let decoded = decode_tiles(plan, index, tiles)?;
    let mut raster = scaled(decoded, plan)?;
    if plan.mirrored {
        rotate::mirror(&mut raster);
    }
    let mut picture = match plan.rotation {
        Turn::Quarters(turns) => Picture { raster: rotate::quarters(raster, turns)?, alpha: None },
        Turn::Degrees(degrees) => rotate::degrees(&raster, degrees)?,
    };
    if plan.quality == Quality::Bitonal {
        let pixels = &mut picture.raster.pixels;
        pixels.iter_mut().for_each(|level| *level = if *level < 128 { 0 } else { 255 });
    }
    encode::encode(picture, plan)
}

/// Decodes tiles side by side; gray is taken out of colour by the decoder itself.
fn decode_tiles(
    plan: &Render,
    index: &DerivativeIndex,
    tiles: &[Bytes],
) -> Result<Raster, RenderError> {
    let wants_gray = matches!(plan.quality, Quality::Gray | Quality::Bitonal);
    let channels = if index.gray || wants_gray { Channels::Gray } else { Channels::Rgb };
    let (width, height) = plan.decoded_size(index);
    let mut raster = Raster::black(width, height, channels).map_err(RenderError::of)?;
    let stride = raster.stride();
    let across = plan.columns.len();
    let side = index.tile_side;
    let mut decompressor = Decompressor::new().map_err(RenderError::of)?;
    for (at, tile) in tiles.iter().enumerate() {
        let (left, top) = ((at % across) as u32 * side, (at / across) as u32 * side);
        let (tile_width, tile_height) = (side.min(width - left), side.min(height - top));
        let start = top as usize * stride + left as usize * channels.count();
        let output = turbojpeg::Image {
            pixels: &mut raster.pixels[start..],
            width: tile_width as usize,
            pitch: stride,
            height: tile_height as usize,
            format: crate::jpeg::pixel_format(channels),
        };
        decompressor.decompress(tile, output).map_err(RenderError::of)?;
    }
    Ok(raster)
}

/// Cuts out and scales in one go, with fractions of pixels weighed exactly.
fn scaled(decoded: Raster, plan: &Render) -> Result<Raster, RenderError> {
    let (width, height) = (plan.width, plan.height);
    let Crop { x, y, width: crop_width, height: crop_height } = plan.crop;
    let is_unscaled = crop_width == f64::from(width) && crop_height == f64::from(height);
    if is_unscaled && x.fract() == 0.0 && y.fract() == 0.0 {
        return Ok(cut(decoded, x as usize, y as usize, width, height));
    }
    let pixel_type = match decoded.channels {
        Channels::Gray => PixelType::U8,
        Channels::Rgb => PixelType::U8x3,
    };
    let source = ImageRef::new(decoded.width, decoded.height, &decoded.pixels, pixel_type)
        .map_err(RenderError::of)?;
    let mut target = Image::new(width, height, pixel_type);
    let options = ResizeOptions::new()
        .crop(x, y, crop_width, crop_height)
        .resize_alg(ResizeAlg::Convolution(FilterType::CatmullRom));
    Resizer::new().resize(&source, &mut target, &options).map_err(RenderError::of)?;
    Ok(Raster { width, height, channels: decoded.channels, pixels: target.into_vec() })
}

/// Cuts out whole pixels, within the same memory.
fn cut(mut raster: Raster, x: usize, y: usize, width: u32, height: u32) -> Raster {
    if (raster.width, raster.height) == (width, height) {
        return raster;
    }
    let (stride, count) = (raster.stride(), raster.channels.count());
    let kept = width as usize * count;
    for row in 0..height as usize {
        let from = (y + row) * stride + x * count;
        raster.pixels.copy_within(from..from + kept, row * kept);
    }
    raster.pixels.truncate(kept * height as usize);
    Raster { width, height, ..raster }
}
