//! TIFF and BigTIFF sources: strips and tiles, 1 to 16 bits, gray, RGB, palette, CMYK and YCbCr.
//!
//! Only directories are read through the `tiff` crate. Pieces are decompressed here, one at a time,
//! by the same strict decoders as elsewhere, and each row goes to its place at once.

use super::Stored;
use super::tiff_chunk::{decompress, read_compressed};
use super::tiff_header::Header;
use super::tiff_samples::RowConverter;
use crate::error::ImageError;
use crate::limits::DecodeLimits;
use crate::raster::zeroed;
use std::io::{BufRead, Seek};

pub(super) fn decode<R: BufRead + Seek>(
    mut source: R,
    length: u64,
    limits: &DecodeLimits,
) -> Result<Stored, ImageError> {
    let header = Header::read(&mut source, limits)?;
    let space = header.space();
    let pixels = zeroed(header.width, header.height, space.count())?;
    let mut picture = Picture { pixels, width: header.width as usize, count: space.count() };
    let across = header.width.div_ceil(header.chunks.width) as usize;
    let down = header.height.div_ceil(header.chunks.height) as usize;
    let planes = if header.is_planar { usize::from(header.color_samples()) } else { 1 };
    let mut converter = RowConverter::new(&header);
    for plane in 0..planes {
        for index in 0..across * down {
            let chunk = plane * across * down + index;
            let place = Place::of(&header, index % across, index / across, plane);
            let bytes = read_compressed(&mut source, length, &header.chunks, chunk, limits)?;
            decode_chunk(&header, bytes, &place, &mut converter, &mut picture, limits)?;
        }
    }
    Ok(Stored {
        width: header.width,
        height: header.height,
        space,
        pixels: picture.pixels,
        icc: header.icc,
        orientation: header.orientation,
    })
}

/// Where the pixels of a chunk go; what hangs over the edge is left out.
struct Place {
    left: usize,
    top: usize,
    width: usize,
    height: usize,
    plane: usize,
}

impl Place {
    fn of(header: &Header, column: usize, row: usize, plane: usize) -> Self {
        let left = column * header.chunks.width as usize;
        let top = row * header.chunks.height as usize;
        Self {
            left,
            top,
            width: (header.chunks.width as usize).min(header.width as usize - left),
            height: (header.chunks.height as usize).min(header.height as usize - top),
            plane,
        }
    }
}

struct Picture {
    pixels: Vec<u8>,
    width: usize,
    /// Samples a pixel.
    count: usize,
}

fn decode_chunk(
    header: &Header,
    compressed: Vec<u8>,
    place: &Place,
    converter: &mut RowConverter<'_>,
    picture: &mut Picture,
    limits: &DecodeLimits,
) -> Result<(), ImageError> {
    let mut rows = decompress(header, compressed, place.height as u32, limits)?;
    let mut row = vec![0; converter.row_bytes(header.chunks.width as usize)];
    for y in place.top..place.top + place.height {
        rows.read_exact(&mut row)?;
        let start = (y * picture.width + place.left) * picture.count;
        let out = &mut picture.pixels[start..start + place.width * picture.count];
        if header.is_planar {
            converter.convert_plane(&mut row, &mut out[place.plane..], picture.count);
        } else {
            converter.convert(&mut row, out);
        }
    }
    Ok(())
}
