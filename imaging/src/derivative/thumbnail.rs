//! Ready-made small versions of the whole image.

use super::DerivativePolicy;
use crate::error::ImageError;
use crate::raster::{Channels, Raster};
use dlcs_iiif::image_request::Dimensions;
use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

/// Returns the sizes of the thumbnails of an image, largest first, each one once.
///
/// They are the ones that IIIF's `!side,side` comes to, and never larger than the image.
pub(super) fn sizes(width: u32, height: u32, policy: &DerivativePolicy) -> Vec<(u32, u32)> {
    let image = Dimensions { width, height };
    let boxes = policy.thumbnails.iter().map(|side| {
        let side = (*side).min(width.max(height));
        let size = image.fit_within(Dimensions { width: side, height: side });
        (size.width.min(width), size.height.min(height))
    });
    let mut sizes: Vec<_> = boxes.collect();
    sizes.sort_unstable_by(|a, b| b.cmp(a));
    sizes.dedup();
    sizes
}

/// Scales a level down; it is less than twice as large, or the smallest one.
pub(super) fn scaled(level: &Raster, width: u32, height: u32) -> Result<Raster, ImageError> {
    if (level.width, level.height) == (width, height) {
        return Ok(level.clone());
    }
    let pixel_type = match level.channels {
        Channels::Gray => PixelType::U8,
        Channels::Rgb => PixelType::U8x3,
    };
    let failed = |error: &dyn std::fmt::Display| ImageError::internal(format!("scaling: {error}"));
    let source = ImageRef::new(level.width, level.height, &level.pixels, pixel_type)
        .map_err(|error| failed(&error))?;
    let mut target = Image::new(width, height, pixel_type);
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3));
    Resizer::new().resize(&source, &mut target, &options).map_err(|error| failed(&error))?;
    Ok(Raster { width, height, channels: level.channels, pixels: target.into_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(width: u32, height: u32, expected: &[(u32, u32)]) {
        assert_eq!(sizes(width, height, &DerivativePolicy::default()), expected);
    }

    #[test]
    fn thumbnails_fit_their_boxes_and_never_grow() {
        check(6000, 4000, &[(1024, 683), (400, 267), (200, 133), (100, 67)]);
        check(3000, 4001, &[(768, 1024), (300, 400), (150, 200), (75, 100)]);
        check(640, 480, &[(640, 480), (400, 300), (200, 150), (100, 75)]);
        check(90, 30, &[(90, 30)]);
        check(60_000, 10, &[(1024, 1), (400, 1), (200, 1), (100, 1)]);
    }
}
