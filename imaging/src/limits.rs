//! Limits of decoding, checked before memory is allocated for what they bound.

use crate::error::ImageError;
use serde::{Deserialize, Serialize};

const MEBI: u64 = 1024 * 1024;

/// What a source may ask of a decoder. Every field is an inclusive maximum.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DecodeLimits {
    /// Length of the file, in bytes.
    pub source_bytes_max: u64,
    /// Length of a JPEG or of a compressed part of a TIFF that is held in memory, in bytes.
    pub resident_bytes_max: u64,
    /// Pixels of an image that is not tiled.
    pub pixels_max: u64,
    /// Pixels of a tiled image, whose parts are decoded one by one.
    pub tiled_pixels_max: u64,
    /// Longer side, in pixels.
    pub side_px_max: u32,
    /// Length of a colour profile, in bytes.
    pub icc_bytes_max: u64,
    /// Length of Exif data that is looked at, in bytes. Longer data is ignored.
    pub exif_bytes_max: u64,
    /// Directories of a TIFF that are looked at to find the full-size image.
    pub directories_max: usize,
    /// Strips or tiles of a TIFF.
    pub chunks_max: u64,
    /// Scans of a JPEG.
    pub scans_max: u32,
    /// Memory that decoding a JPEG 2000 may take, in bytes.
    pub jpeg_2000_bytes_max: u64,
}

impl Default for DecodeLimits {
    fn default() -> Self {
        Self {
            source_bytes_max: 2048 * MEBI,
            resident_bytes_max: 256 * MEBI,
            pixels_max: 100_000_000,
            tiled_pixels_max: 200_000_000,
            side_px_max: 65_500,
            icc_bytes_max: 4 * MEBI,
            exif_bytes_max: MEBI,
            directories_max: 64,
            chunks_max: 1_000_000,
            scans_max: 100,
            jpeg_2000_bytes_max: 1280 * MEBI,
        }
    }
}

impl DecodeLimits {
    /// Checks the size of an image that is not tiled.
    pub(crate) fn check_size(&self, width: u64, height: u64) -> Result<(), ImageError> {
        self.check(width, height, self.pixels_max)
    }

    /// Checks the size of a tiled image.
    pub(crate) fn check_tiled_size(&self, width: u64, height: u64) -> Result<(), ImageError> {
        self.check(width, height, self.tiled_pixels_max)
    }

    fn check(&self, width: u64, height: u64, pixels_max: u64) -> Result<(), ImageError> {
        if width == 0 || height == 0 {
            return Err(ImageError::corrupt("the image has no pixels"));
        }
        let side_max = u64::from(self.side_px_max);
        if width > side_max || height > side_max {
            let detail = format!("{width} × {height} pixels: no side may exceed {side_max} pixels");
            return Err(ImageError::too_large(detail));
        }
        if width.saturating_mul(height) > pixels_max {
            let detail = format!("{width} × {height} pixels: at most {pixels_max} are accepted");
            return Err(ImageError::too_large(detail));
        }
        Ok(())
    }

    /// Checks the size of a JPEG 2000 by what its decoder takes: every sample of the picture as a
    /// number of 4 bytes and again as one byte, and the coefficients of the largest tile thrice.
    pub(crate) fn check_jpeg_2000(
        &self,
        pixels: u64,
        tile_pixels: u64,
        components: u64,
    ) -> Result<(), ImageError> {
        let bytes = pixels.saturating_mul(components * 5).saturating_add(tile_pixels * 12);
        if bytes <= self.jpeg_2000_bytes_max {
            return Ok(());
        }
        let detail = format!("decoding this JPEG 2000 would take {bytes} bytes of memory");
        Err(ImageError::too_large(detail))
    }

    /// Checks the length of a colour profile.
    pub(crate) fn check_icc(&self, length: usize) -> Result<(), ImageError> {
        let length = length as u64;
        if length <= self.icc_bytes_max {
            return Ok(());
        }
        let detail = format!("its colour profile has {length} bytes, over {}", self.icc_bytes_max);
        Err(ImageError::too_large(detail))
    }

    /// Checks the length of something compressed that is held in memory.
    pub(crate) fn check_resident(&self, length: u64) -> Result<(), ImageError> {
        if length <= self.resident_bytes_max {
            return Ok(());
        }
        let detail = format!("{length} compressed bytes in one piece: too many to hold in memory");
        Err(ImageError::too_large(detail))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_at_a_limit_pass_and_beyond_it_do_not() {
        let limits = DecodeLimits { pixels_max: 100, side_px_max: 50, ..DecodeLimits::default() };
        assert_eq!(limits.check_size(50, 2), Ok(()));
        assert_eq!(limits.check_size(10, 10), Ok(()));
        assert_eq!(limits.check_size(51, 1).map_err(|e| e.code()), Err("image-too-large"));
        assert_eq!(limits.check_size(10, 11).map_err(|e| e.code()), Err("image-too-large"));
        assert_eq!(limits.check_size(0, 1).map_err(|e| e.code()), Err("image-corrupt"));
        assert_eq!(limits.check_tiled_size(10, 11), Ok(()));
        assert_eq!(
            limits.check_size(u64::MAX, u64::MAX).map_err(|e| e.code()),
            Err("image-too-large")
        );
    }

    #[test]
    fn a_profile_at_the_limit_passes() {
        let limits = DecodeLimits { icc_bytes_max: 7, ..DecodeLimits::default() };
        assert_eq!(limits.check_icc(7), Ok(()));
        assert!(limits.check_icc(8).is_err());
    }
}
