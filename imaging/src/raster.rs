//! Decoded pixels: 8 bits a sample, gray or RGB, rows without padding.

use crate::error::ImageError;
use crate::parallel::in_shares;
use std::sync::{Mutex, PoisonError};

/// What a pixel is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channels {
    Gray,
    Rgb,
}

impl Channels {
    /// Returns the bytes of one pixel.
    pub fn count(self) -> usize {
        match self {
            Self::Gray => 1,
            Self::Rgb => 3,
        }
    }
}

/// A picture in memory. `pixels` holds exactly `width * height * channels` bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raster {
    pub width: u32,
    pub height: u32,
    pub channels: Channels,
    pub pixels: Vec<u8>,
}

impl Raster {
    /// Makes a black picture.
    pub fn black(width: u32, height: u32, channels: Channels) -> Result<Self, ImageError> {
        let pixels = zeroed(width, height, channels.count())?;
        Ok(Self { width, height, channels, pixels })
    }

    /// Returns the bytes of one row.
    pub fn stride(&self) -> usize {
        self.width as usize * self.channels.count()
    }

    /// Returns a copy at half the size, each pixel the mean of four; odd sides are rounded up.
    ///
    /// The bands of rows are shared out to `threads` threads.
    pub fn halved(&self, threads: usize) -> Result<Self, ImageError> {
        let mut half = Self::black(self.width.div_ceil(2), self.height.div_ceil(2), self.channels)?;
        let out_stride = half.stride();
        let band_rows = (half.height as usize).div_ceil(threads.max(1)).max(1);
        // Each band is locked once, by the share that it belongs to.
        let bands: Vec<_> =
            half.pixels.chunks_mut(band_rows * out_stride).map(Mutex::new).collect();
        in_shares(bands.len(), |share| {
            let mut band = bands[share].lock().unwrap_or_else(PoisonError::into_inner);
            self.halve_band(share * band_rows, &mut band, out_stride);
        });
        drop(bands);
        Ok(half)
    }

    fn halve_band(&self, first_row: usize, rows: &mut [u8], out_stride: usize) {
        let stride = self.stride();
        let last = self.height as usize - 1;
        for (index, out) in rows.chunks_exact_mut(out_stride).enumerate() {
            let top = (first_row + index) * 2;
            let bottom = (top + 1).min(last);
            let upper = &self.pixels[top * stride..][..stride];
            let lower = &self.pixels[bottom * stride..][..stride];
            match self.channels {
                Channels::Gray => halve_rows::<1>(upper, lower, out),
                Channels::Rgb => halve_rows::<3>(upper, lower, out),
            }
        }
    }
}

/// Averages two rows of `N`-byte pixels into one of half the width.
fn halve_rows<const N: usize>(upper: &[u8], lower: &[u8], out: &mut [u8]) {
    let pairs = upper.len() / (2 * N);
    let uppers = upper.chunks_exact(2 * N);
    let lowers = lower.chunks_exact(2 * N);
    for ((out, u), l) in out.chunks_exact_mut(N).zip(uppers).zip(lowers) {
        for c in 0..N {
            let sum = u16::from(u[c]) + u16::from(u[c + N]) + u16::from(l[c]) + u16::from(l[c + N]);
            out[c] = ((sum + 2) >> 2) as u8;
        }
    }
    let last = pairs * 2 * N;
    if last < upper.len() {
        for c in 0..N {
            let sum = u16::from(upper[last + c]) + u16::from(lower[last + c]);
            out[pairs * N + c] = ((sum + 1) >> 1) as u8;
        }
    }
}

/// Allocates zeros, or says that the image is too large instead of ending the process.
pub(crate) fn zeroed(width: u32, height: u32, channels: usize) -> Result<Vec<u8>, ImageError> {
    let length = (width as usize)
        .checked_mul(height as usize)
        .and_then(|pixels| pixels.checked_mul(channels))
        .ok_or_else(|| ImageError::too_large("the image has too many pixels"))?;
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(length).map_err(|_| {
        ImageError::too_large(format!("{width} × {height} pixels need more memory than is allowed"))
    })?;
    bytes.resize(length, 0);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halving_averages_and_rounds_odd_sides_up() {
        let raster = Raster {
            width: 3,
            height: 3,
            channels: Channels::Gray,
            pixels: vec![0, 10, 20, 10, 20, 40, 100, 200, 255],
        };
        let half = raster.halved(2).unwrap();
        assert_eq!((half.width, half.height), (2, 2));
        assert_eq!(half.pixels, [10, 30, 150, 255]);
    }

    #[test]
    fn halving_keeps_the_channels_apart() {
        let pixels = [[10, 100, 200]; 8].concat();
        let raster = Raster { width: 4, height: 2, channels: Channels::Rgb, pixels };
        let half = raster.halved(3).unwrap();
        assert_eq!(half.pixels, [10, 100, 200, 10, 100, 200]);
    }
}
