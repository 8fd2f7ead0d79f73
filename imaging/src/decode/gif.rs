//! GIF sources: the first picture of an animation, on the canvas of the file.

use super::Stored;
use crate::color::SampleSpace;
use crate::error::ImageError;
use crate::limits::DecodeLimits;
use crate::raster::zeroed;
use gif::{DecodeOptions, Decoder, DecodingError, Frame, MemoryLimit};
use std::io::{BufRead, Seek, SeekFrom};
use std::num::NonZeroU64;

const WHITE: [u8; 3] = [255; 3];

pub(super) fn decode<R: BufRead + Seek>(
    mut source: R,
    limits: &DecodeLimits,
) -> Result<Stored, ImageError> {
    look_for_the_end(&mut source, limits)?;
    source.seek(SeekFrom::Start(0))?;
    let mut decoder = options(limits).read_info(source).map_err(refused)?;
    let (width, height) = (u32::from(decoder.width()), u32::from(decoder.height()));
    limits.check_size(u64::from(width), u64::from(height))?;
    let frame = decoder.next_frame_info().map_err(refused)?;
    let frame = frame.ok_or_else(|| ImageError::corrupt("the GIF holds no picture"))?.clone();
    limits.check_size(u64::from(frame.width), u64::from(frame.height))?;
    let mut indexes = zeroed(u32::from(frame.width), u32::from(frame.height), 1)?;
    decoder.read_into_buffer(&mut indexes).map_err(refused)?;

    let colors = colors(&decoder, &frame)?;
    let icc = decoder.icc_profile().map(<[u8]>::to_vec);
    limits.check_icc(icc.as_ref().map_or(0, Vec::len))?;
    let is_gray = colors.iter().all(|[r, g, b]| r == g && g == b);
    let space = if is_gray { SampleSpace::Gray } else { SampleSpace::Rgb };
    let mut pixels = zeroed(width, height, space.count())?;
    pixels.fill(u8::MAX);
    place(&frame, &indexes, &colors, &mut pixels, (width, height), space)?;
    // A profile for colours says nothing of gray levels, which it would leave as they are.
    let icc = icc.filter(|_| !is_gray);
    Ok(Stored { width, height, space, pixels, icc, orientation: 1 })
}

/// Walks over all pictures without decoding any: a file that ends within one of them is damaged.
fn look_for_the_end<R: BufRead>(source: R, limits: &DecodeLimits) -> Result<(), ImageError> {
    let mut options = options(limits);
    options.skip_frame_decoding(true);
    let mut decoder = options.read_info(source).map_err(refused)?;
    while decoder.next_frame_info().map_err(refused)?.is_some() {}
    Ok(())
}

/// Metadata are held in memory up to this limit, too.
fn options(limits: &DecodeLimits) -> DecodeOptions {
    let mut options = DecodeOptions::new();
    let bytes = limits.pixels_max.max(limits.icc_bytes_max);
    options.set_memory_limit(
        NonZeroU64::new(bytes)
            .map_or_else(|| MemoryLimit::Bytes(NonZeroU64::MIN), MemoryLimit::Bytes),
    );
    options
}

/// Returns the colour of each index; what is transparent is white paper.
fn colors<R: BufRead>(decoder: &Decoder<R>, frame: &Frame<'_>) -> Result<Vec<[u8; 3]>, ImageError> {
    let palette = match &frame.palette {
        Some(palette) => palette,
        None => decoder.palette().map_err(refused)?,
    };
    let mut colors: Vec<[u8; 3]> =
        palette.chunks_exact(3).map(|color| [color[0], color[1], color[2]]).collect();
    if let Some(transparent) = frame.transparent {
        let transparent = usize::from(transparent);
        colors.resize(colors.len().max(transparent + 1), WHITE);
        colors[transparent] = WHITE;
    }
    Ok(colors)
}

/// Puts the picture on the canvas; what hangs over the edge is left out.
fn place(
    frame: &Frame<'_>,
    indexes: &[u8],
    colors: &[[u8; 3]],
    pixels: &mut [u8],
    (width, height): (u32, u32),
    space: SampleSpace,
) -> Result<(), ImageError> {
    let (left, top) = (usize::from(frame.left), usize::from(frame.top));
    let (width, height) = (width as usize, height as usize);
    let count = space.count();
    let visible = width.saturating_sub(left).min(usize::from(frame.width));
    let rows = indexes.chunks_exact(usize::from(frame.width).max(1));
    for (y, row) in rows.take(height.saturating_sub(top)).enumerate() {
        for (x, index) in row.iter().take(visible).enumerate() {
            let color = colors.get(usize::from(*index));
            let color = color
                .ok_or_else(|| ImageError::corrupt("a colour of the GIF is not in its palette"))?;
            let at = ((top + y) * width + left + x) * count;
            pixels[at..at + count].copy_from_slice(&color[..count]);
        }
    }
    Ok(())
}

fn refused(error: DecodingError) -> ImageError {
    match error {
        DecodingError::Io(error) => error.into(),
        DecodingError::OutOfMemory | DecodingError::MemoryLimit => {
            ImageError::too_large("the GIF needs more memory than is allowed")
        }
        error => ImageError::corrupt(format!("the GIF is damaged: {error}")),
    }
}
