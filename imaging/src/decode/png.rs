//! PNG sources: every colour type and depth; of an animation the default image.

use super::{Stored, on_white};
use crate::color::SampleSpace;
use crate::error::ImageError;
use crate::limits::DecodeLimits;
use crate::orientation;
use crate::raster::zeroed;
use png::{ColorType, DecodingError, Limits, Reader, Transformations};
use std::io::{BufRead, Seek};

/// Room for the rows and tables of the decoder, beside the profile.
const WORKING_BYTES: usize = 32 * 1024 * 1024;

pub(super) fn decode<R: BufRead + Seek>(
    source: R,
    limits: &DecodeLimits,
) -> Result<Stored, ImageError> {
    let bytes = WORKING_BYTES + limits.icc_bytes_max as usize;
    let mut decoder = png::Decoder::new_with_limits(source, Limits { bytes });
    decoder.set_ignore_text_chunk(true);
    // Every sample becomes 8 bits, palettes become RGB, transparency becomes alpha.
    decoder.set_transformations(Transformations::EXPAND | Transformations::STRIP_16);
    let header = decoder.read_header_info().map_err(refused)?;
    limits.check_size(u64::from(header.width), u64::from(header.height))?;

    let mut reader = decoder.read_info().map_err(refused)?;
    let info = reader.info();
    let (width, height) = (info.width, info.height);
    let icc = info.icc_profile.as_ref().map(|icc| icc.to_vec());
    limits.check_icc(icc.as_ref().map_or(0, Vec::len))?;
    let exif = info.exif_metadata.as_ref().filter(|it| it.len() as u64 <= limits.exif_bytes_max);
    let orientation = exif.map_or(1, |exif| orientation::from_exif(exif));

    let (space, alpha) = layout(reader.output_color_type().0)?;
    let pixels = if reader.info().interlaced {
        whole(&mut reader, space, alpha)?
    } else {
        by_rows(&mut reader, space, alpha)?
    };
    Ok(Stored { width, height, space, pixels, icc, orientation })
}

fn layout(color_type: ColorType) -> Result<(SampleSpace, bool), ImageError> {
    match color_type {
        ColorType::Grayscale => Ok((SampleSpace::Gray, false)),
        ColorType::GrayscaleAlpha => Ok((SampleSpace::Gray, true)),
        ColorType::Rgb => Ok((SampleSpace::Rgb, false)),
        ColorType::Rgba => Ok((SampleSpace::Rgb, true)),
        ColorType::Indexed => Err(ImageError::corrupt("the PNG has no palette")),
    }
}

fn by_rows<R: BufRead + Seek>(
    reader: &mut Reader<R>,
    space: SampleSpace,
    alpha: bool,
) -> Result<Vec<u8>, ImageError> {
    let (width, height) = (reader.info().width, reader.info().height);
    let mut pixels = zeroed(width, height, space.count())?;
    for out in pixels.chunks_exact_mut(width as usize * space.count()) {
        let row = reader.next_row().map_err(refused)?;
        let row = row.ok_or_else(|| ImageError::corrupt("the PNG ends too early"))?;
        put(row.data(), out, space, alpha);
    }
    // The checksum and the end of the data are looked at too.
    reader.finish().map_err(refused)?;
    Ok(pixels)
}

/// The rows of an interlaced picture come in seven passes: they need the whole picture.
fn whole<R: BufRead + Seek>(
    reader: &mut Reader<R>,
    space: SampleSpace,
    alpha: bool,
) -> Result<Vec<u8>, ImageError> {
    let (width, height) = (reader.info().width, reader.info().height);
    let mut frame = zeroed(width, height, space.count() + usize::from(alpha))?;
    reader.next_frame(&mut frame).map_err(refused)?;
    reader.finish().map_err(refused)?;
    if !alpha {
        return Ok(frame);
    }
    let mut pixels = zeroed(width, height, space.count())?;
    put(&frame, &mut pixels, space, alpha);
    Ok(pixels)
}

fn put(from: &[u8], to: &mut [u8], space: SampleSpace, alpha: bool) {
    if !alpha {
        to.copy_from_slice(&from[..to.len()]);
        return;
    }
    let count = space.count();
    for (from, to) in from.chunks_exact(count + 1).zip(to.chunks_exact_mut(count)) {
        to.iter_mut().zip(from).for_each(|(to, sample)| *to = on_white(*sample, from[count]));
    }
}

fn refused(error: DecodingError) -> ImageError {
    match error {
        DecodingError::IoError(error) => error.into(),
        DecodingError::LimitsExceeded => {
            ImageError::too_large("the PNG needs more memory than is allowed")
        }
        error => ImageError::corrupt(format!("the PNG is damaged: {error}")),
    }
}
