//! Orientation of a picture as cameras and scanners note it (Exif 0x0112, TIFF tag 274).

use crate::error::ImageError;
use crate::raster::{Raster, zeroed};

/// Reads the orientation out of Exif data (a TIFF structure, without the `Exif\0\0` prefix).
///
/// Broken Exif data is no reason to refuse an image: then it is 1, upright.
pub(crate) fn from_exif(exif: &[u8]) -> u16 {
    let mut reader = exif::Reader::new();
    reader.continue_on_error(true);
    let parsed = match reader.read_raw(exif.to_vec()) {
        Ok(parsed) => parsed,
        Err(exif::Error::PartialResult(partial)) => partial.into_inner().0,
        Err(_) => return 1,
    };
    parsed
        .get_field(exif::Tag::Orientation, exif::In::PRIMARY)
        .and_then(|field| field.value.get_uint(0))
        .map_or(1, |value| valid(u64::from(value)))
}

/// Returns a value that means something: 1 in place of all others.
pub(crate) fn valid(value: u64) -> u16 {
    match value {
        1..=8 => value as u16,
        _ => 1,
    }
}

/// Turns the picture upright.
///
/// Half turns and flips of columns and rows happen in place; 5 to 8 need a second raster.
pub(crate) fn upright(mut raster: Raster, orientation: u16) -> Result<Raster, ImageError> {
    if matches!(orientation, 5..=8) {
        raster = transposed(&raster)?;
    }
    // 5 is the transposition alone; 6 = transposed, then mirrored, and so on.
    let (mirror, flip) = match orientation {
        2 | 6 => (true, false),
        3 | 7 => (true, true),
        4 | 8 => (false, true),
        _ => (false, false),
    };
    if mirror {
        mirror_columns(&mut raster);
    }
    if flip {
        flip_rows(&mut raster);
    }
    Ok(raster)
}

/// Reflects on the vertical axis.
pub(crate) fn mirror_columns(raster: &mut Raster) {
    let (stride, channels) = (raster.stride(), raster.channels.count());
    for row in raster.pixels.chunks_exact_mut(stride) {
        let (mut left, mut right) = (0, stride - channels);
        while left < right {
            for c in 0..channels {
                row.swap(left + c, right + c);
            }
            left += channels;
            right -= channels;
        }
    }
}

fn flip_rows(raster: &mut Raster) {
    let (stride, height) = (raster.stride(), raster.height as usize);
    let (upper, lower) = raster.pixels.split_at_mut(height.div_ceil(2) * stride);
    for (above, below) in upper.chunks_exact_mut(stride).zip(lower.chunks_exact_mut(stride).rev()) {
        above.swap_with_slice(below);
    }
}

/// Swaps rows and columns, in blocks that stay in the cache.
fn transposed(raster: &Raster) -> Result<Raster, ImageError> {
    const BLOCK: usize = 32;
    let channels = raster.channels.count();
    let (width, height) = (raster.width as usize, raster.height as usize);
    let mut pixels = zeroed(raster.height, raster.width, channels)?;
    for top in (0..height).step_by(BLOCK) {
        for left in (0..width).step_by(BLOCK) {
            for y in top..(top + BLOCK).min(height) {
                for x in left..(left + BLOCK).min(width) {
                    let (from, to) = ((y * width + x) * channels, (x * height + y) * channels);
                    pixels[to..to + channels]
                        .copy_from_slice(&raster.pixels[from..from + channels]);
                }
            }
        }
    }
    Ok(Raster { width: raster.height, height: raster.width, channels: raster.channels, pixels })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::raster::Channels;

    /// The letters of a picture whose upright form reads `abc` over `def`.
    fn check(orientation: u16, stored: [&str; 2]) {
        check_rows(orientation, &stored);
    }

    fn check_rows(orientation: u16, stored: &[&str]) {
        let (width, height) = (stored[0].len() as u32, stored.len() as u32);
        let pixels = stored.concat().into_bytes();
        let raster = Raster { width, height, channels: Channels::Gray, pixels };
        let turned = upright(raster, orientation).unwrap();
        assert_eq!((turned.width, turned.height), (3, 2), "orientation {orientation}");
        assert_eq!(turned.pixels, b"abcdef", "orientation {orientation}");
    }

    /// Exif 2.3, section 4.6.4, tag 0x0112: where row 0 and column 0 of the stored picture are.
    #[test]
    fn every_orientation_comes_out_upright() {
        check(1, ["abc", "def"]);
        check(2, ["cba", "fed"]);
        check(3, ["fed", "cba"]);
        check(4, ["def", "abc"]);
        check_rows(5, &["ad", "be", "cf"]);
        check_rows(6, &["cf", "be", "ad"]);
        check_rows(7, &["fc", "eb", "da"]);
        check_rows(8, &["da", "eb", "fc"]);
        check(99, ["abc", "def"]);
    }

    #[test]
    fn values_without_meaning_are_upright() {
        assert_eq!([0, 9, 99, u64::MAX].map(valid), [1, 1, 1, 1]);
        assert_eq!(valid(8), 8);
    }

    #[test]
    fn broken_exif_is_upright() {
        assert_eq!(from_exif(b""), 1);
        assert_eq!(from_exif(b"II*\0\xff\xff\xff\xff"), 1);
    }
}
