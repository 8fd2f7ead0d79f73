//! Colour: sources become sRGB, or gray with the sRGB curve, so that no profile is left to carry.

mod inks;

use crate::raster::Channels;
use moxcms::{
    ColorProfile, DataColorSpace, Layout, RenderingIntent, Transform8BitExecutor, TransformOptions,
};
use std::sync::Arc;

/// What the samples of a decoded source stand for, 8 bits each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SampleSpace {
    /// 0 is black.
    Gray,
    Rgb,
    /// 255 is full ink.
    Cmyk,
}

impl SampleSpace {
    /// Returns the bytes of one pixel.
    pub(crate) fn count(self) -> usize {
        match self {
            Self::Gray => 1,
            Self::Rgb => 3,
            Self::Cmyk => 4,
        }
    }

    /// Returns what the picture is made of once it is sRGB.
    pub(crate) fn channels(self) -> Channels {
        match self {
            Self::Gray => Channels::Gray,
            Self::Rgb | Self::Cmyk => Channels::Rgb,
        }
    }
}

/// Converts pixels to sRGB by `icc`, or by the usual meaning of the space if there is no profile
/// or one that does not fit: a broken profile is no reason to refuse an image.
///
/// Works in bands, in place: CMYK shrinks to RGB within its own memory.
pub(crate) fn to_srgb(pixels: Vec<u8>, space: SampleSpace, icc: Option<&[u8]>) -> Vec<u8> {
    let transform = icc.and_then(|icc| transform_to_srgb(icc, space));
    match (space, transform) {
        (SampleSpace::Gray | SampleSpace::Rgb, None) => pixels,
        (SampleSpace::Cmyk, None) => in_bands(pixels, space, |src, dst| {
            for (cmyk, rgb) in src.chunks_exact(4).zip(dst.chunks_exact_mut(3)) {
                rgb.copy_from_slice(&inks::rgb_of([cmyk[0], cmyk[1], cmyk[2], cmyk[3]]));
            }
        }),
        (SampleSpace::Gray, Some(transform)) => in_bands(pixels, space, |src, dst| {
            // The profile's curve: each of 256 levels has one answer, so ask for those only.
            let levels: Vec<u8> = (0..=255).collect();
            let mut rgb = vec![0; 3 * 256];
            if transform.transform(&levels, &mut rgb).is_ok() {
                src.iter().zip(dst).for_each(|(s, d)| *d = rgb[usize::from(*s) * 3 + 1]);
            } else {
                dst.copy_from_slice(src);
            }
        }),
        (_, Some(transform)) => in_bands(pixels, space, |src, dst| {
            // The lengths are right, which is all that the transformation can complain of.
            let _ = transform.transform(src, dst);
        }),
    }
}

fn transform_to_srgb(icc: &[u8], space: SampleSpace) -> Option<Arc<Transform8BitExecutor>> {
    let profile = ColorProfile::new_from_slice(icc).ok()?;
    let (expected, layout) = match space {
        SampleSpace::Gray => (DataColorSpace::Gray, Layout::Gray),
        SampleSpace::Rgb => (DataColorSpace::Rgb, Layout::Rgb),
        // Four samples a pixel, whatever they are called.
        SampleSpace::Cmyk => (DataColorSpace::Cmyk, Layout::Rgba),
    };
    if profile.color_space != expected {
        return None;
    }
    let options = TransformOptions {
        rendering_intent: RenderingIntent::RelativeColorimetric,
        ..TransformOptions::default()
    };
    let srgb = ColorProfile::new_srgb();
    profile.create_transform_8bit(layout, &srgb, Layout::Rgb, options).ok()
}

/// Rewrites the pixels from the front: what is written never overtakes what is still to be read.
fn in_bands(
    mut pixels: Vec<u8>,
    space: SampleSpace,
    convert: impl Fn(&[u8], &mut [u8]),
) -> Vec<u8> {
    const BAND_PIXELS: usize = 64 * 1024;
    let (from, to) = (space.count(), space.channels().count());
    let count = pixels.len() / from;
    let mut source = vec![0; BAND_PIXELS * from];
    for first in (0..count).step_by(BAND_PIXELS) {
        let band = BAND_PIXELS.min(count - first);
        let source = &mut source[..band * from];
        source.copy_from_slice(&pixels[first * from..][..band * from]);
        convert(source, &mut pixels[first * to..][..band * to]);
    }
    pixels.truncate(count * to);
    pixels
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cmyk_without_a_profile_shrinks_in_place() {
        let inks = [[0, 0, 0, 0], [255, 0, 0, 0], [0, 255, 255, 0], [0, 0, 0, 255], [0, 0, 0, 128]];
        let rgb = to_srgb(inks.concat(), SampleSpace::Cmyk, None);
        assert_eq!(rgb, inks.map(inks::rgb_of).concat());
    }

    #[test]
    fn a_broken_profile_changes_nothing() {
        let pixels = vec![1, 2, 3, 4, 5, 6];
        assert_eq!(to_srgb(pixels.clone(), SampleSpace::Rgb, Some(b"no profile")), pixels);
    }

    #[test]
    fn the_profile_of_another_space_is_not_used() {
        let srgb = ColorProfile::new_srgb().encode().unwrap();
        assert_eq!(to_srgb(vec![7, 8], SampleSpace::Gray, Some(&srgb)), [7, 8]);
    }

    #[test]
    fn display_p3_red_leaves_the_srgb_gamut_and_is_clipped() {
        let p3 = ColorProfile::new_display_p3().encode().unwrap();
        let rgb = to_srgb(vec![255, 0, 0, 128, 128, 128], SampleSpace::Rgb, Some(&p3));
        assert_eq!(rgb[0], 255);
        assert!(rgb[3..].iter().all(|level| level.abs_diff(128) <= 1), "{rgb:?}");
    }

    #[test]
    fn bands_meet_without_a_seam() {
        let pixels: Vec<u8> = (0..200_000u32 * 4).map(|i| (i / 4 % 251) as u8).collect();
        let rgb = to_srgb(pixels, SampleSpace::Cmyk, None);
        for (index, pixel) in rgb.chunks_exact(3).enumerate() {
            let ink = (index % 251) as u8;
            assert_eq!(pixel, inks::rgb_of([ink; 4]), "pixel {index}");
        }
    }
}
