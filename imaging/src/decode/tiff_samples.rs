//! Turns one row of stored samples into 8-bit samples of the picture's colour space.

use super::on_white;
use super::tiff_header::{Alpha, Compression, Header, Photometric};

/// Converts rows of `pixels` pixels; keeps its buffer between them.
pub(super) struct RowConverter<'a> {
    header: &'a Header,
    /// Samples a pixel within a row: all of them, or one when each has a plane of its own.
    samples: usize,
    bits: usize,
    levels: Vec<u8>,
}

impl<'a> RowConverter<'a> {
    pub(super) fn new(header: &'a Header) -> Self {
        let samples = if header.is_planar { 1 } else { usize::from(header.samples) };
        Self { header, samples, bits: usize::from(header.bits), levels: Vec::new() }
    }

    /// Returns the length of a stored row of `pixels` pixels, in bytes.
    pub(super) fn row_bytes(&self, pixels: usize) -> usize {
        (pixels * self.samples * self.bits).div_ceil(8)
    }

    /// Converts a row and writes it to `out`, which has room for as many pixels as are wanted.
    pub(super) fn convert(&mut self, row: &mut [u8], out: &mut [u8]) {
        self.restore(row);
        self.unpack(row);
        let colors = usize::from(self.header.color_samples());
        let pixels = self.levels.chunks_exact(self.samples);
        match &self.header.photometric {
            Photometric::WhiteIsZero => {
                out.iter_mut().zip(pixels).for_each(|(out, pixel)| *out = 255 - pixel[0]);
            }
            Photometric::Palette(palette) => {
                for (out, pixel) in out.chunks_exact_mut(3).zip(pixels) {
                    let last = palette.len() - 1;
                    out.copy_from_slice(&palette[usize::from(pixel[0]).min(last)]);
                }
            }
            Photometric::YCbCr if self.header.compression != Compression::Jpeg => {
                for (out, pixel) in out.chunks_exact_mut(3).zip(pixels) {
                    out.copy_from_slice(&rgb_of(pixel[0], pixel[1], pixel[2]));
                }
            }
            _ => {
                for (out, pixel) in out.chunks_exact_mut(colors).zip(pixels) {
                    self.put(pixel, out);
                }
            }
        }
    }

    /// Converts a row of one plane and writes it into every `step`-th sample of `out`.
    pub(super) fn convert_plane(&mut self, row: &mut [u8], out: &mut [u8], step: usize) {
        self.restore(row);
        self.unpack(row);
        let is_inverted = self.header.photometric == Photometric::WhiteIsZero;
        for (out, level) in out.iter_mut().step_by(step).zip(&self.levels) {
            *out = if is_inverted { 255 - level } else { *level };
        }
    }

    fn put(&self, pixel: &[u8], out: &mut [u8]) {
        let colors = out.len();
        // Ink cannot be put on white: paper shows through by itself.
        let alpha = match self.header.photometric {
            Photometric::Cmyk => Alpha::None,
            _ if pixel.len() == colors => Alpha::None,
            _ => self.header.alpha,
        };
        match alpha {
            Alpha::None => out.copy_from_slice(&pixel[..colors]),
            Alpha::Unassociated => {
                out.iter_mut().zip(pixel).for_each(|(out, it)| *out = on_white(*it, pixel[colors]));
            }
            Alpha::Associated => {
                let white = 255 - pixel[colors];
                out.iter_mut().zip(pixel).for_each(|(out, it)| *out = it.saturating_add(white));
            }
        }
    }

    /// Undoes the horizontal differences; the row is then in the order of the file again.
    fn restore(&self, row: &mut [u8]) {
        if !self.header.is_predicted {
            return;
        }
        if self.bits == 8 {
            for at in self.samples..row.len() {
                row[at] = row[at].wrapping_add(row[at - self.samples]);
            }
            return;
        }
        let is_big_endian = self.header.is_big_endian;
        for at in (self.samples * 2..row.len().saturating_sub(1)).step_by(2) {
            let before = at - self.samples * 2;
            let pair = |at: usize| [row[at], row[at + 1]];
            let sum = if is_big_endian {
                let sum =
                    u16::from_be_bytes(pair(at)).wrapping_add(u16::from_be_bytes(pair(before)));
                sum.to_be_bytes()
            } else {
                let sum =
                    u16::from_le_bytes(pair(at)).wrapping_add(u16::from_le_bytes(pair(before)));
                sum.to_le_bytes()
            };
            row[at..at + 2].copy_from_slice(&sum);
        }
    }

    /// Fills `levels` with one byte a sample. Palette indexes keep their value.
    fn unpack(&mut self, row: &[u8]) {
        let levels = &mut self.levels;
        levels.clear();
        let is_index = matches!(self.header.photometric, Photometric::Palette(_));
        match self.bits {
            8 => levels.extend_from_slice(row),
            16 => {
                let high = usize::from(!self.header.is_big_endian);
                levels.extend(row.chunks_exact(2).map(|pair| {
                    let value = u32::from(pair[high]) << 8 | u32::from(pair[1 - high]);
                    ((value * 255 + 32_767) / 65_535) as u8
                }));
            }
            bits => {
                let mask = (1u8 << bits) - 1;
                let scale = if is_index { 1 } else { 255 / mask };
                for byte in row {
                    for shift in (0..8).step_by(bits).rev() {
                        levels.push((byte >> shift & mask) * scale);
                    }
                }
            }
        }
    }
}

/// ITU-R BT.601, full range (section 21).
fn rgb_of(y: u8, cb: u8, cr: u8) -> [u8; 3] {
    let (y, cb, cr) = (f32::from(y), f32::from(cb) - 128.0, f32::from(cr) - 128.0);
    let rgb = [y + 1.402 * cr, y - 0.344_136 * cb - 0.714_136 * cr, y + 1.772 * cb];
    // The conversion saturates.
    rgb.map(|level| level.round() as u8)
}
