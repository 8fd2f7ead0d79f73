//! TIFF answers: LZW without loss, or fax-coded (ITU-T T.6) where there is black and white only.

use super::RenderError;
use crate::raster::{Channels, Raster};
use fax::{Color, VecWriter};
use std::io::Cursor;
use tiff::encoder::{Compression, Predictor, TiffEncoder, colortype};
use tiff::tags::{CompressionMethod, PhotometricInterpretation, Tag};

pub(super) fn tif(raster: &Raster) -> Result<Vec<u8>, RenderError> {
    let mut file = Cursor::new(Vec::new());
    let encoder = TiffEncoder::new(&mut file).map_err(RenderError::of)?;
    let mut encoder =
        encoder.with_compression(Compression::Lzw).with_predictor(Predictor::Horizontal);
    let Raster { width, height, channels, pixels } = raster;
    let written = match channels {
        Channels::Gray => encoder.write_image::<colortype::Gray8>(*width, *height, pixels),
        Channels::Rgb => encoder.write_image::<colortype::RGB8>(*width, *height, pixels),
    };
    written.map_err(RenderError::of)?;
    Ok(file.into_inner())
}

/// One bit a pixel; 1 is black, as in a fax. Rows beyond 65,535 pixels cannot be coded so.
pub(super) fn bitonal_tif(raster: &Raster) -> Result<Vec<u8>, RenderError> {
    let Ok(width) = u16::try_from(raster.width) else { return tif(raster) };
    let mut fax = fax::encoder::Encoder::new(VecWriter::new());
    for row in raster.pixels.chunks_exact(raster.width as usize) {
        let colors = row.iter().map(|level| if *level < 128 { Color::Black } else { Color::White });
        let Ok(()) = fax.encode_line(colors, width);
    }
    let Ok(coded) = fax.finish();
    let mut file = Cursor::new(Vec::new());
    write_fax(&mut file, raster, &coded.finish()).map_err(RenderError::of)?;
    Ok(file.into_inner())
}

fn write_fax(
    file: &mut Cursor<Vec<u8>>,
    raster: &Raster,
    coded: &[u8],
) -> Result<(), tiff::TiffError> {
    let mut encoder = TiffEncoder::new(file)?;
    let mut directory = encoder.image_directory()?;
    let offset = directory.write_data(coded)? as u32;
    directory.write_tag(Tag::ImageWidth, raster.width)?;
    directory.write_tag(Tag::ImageLength, raster.height)?;
    directory.write_tag(Tag::BitsPerSample, 1u16)?;
    directory.write_tag(Tag::Compression, CompressionMethod::Fax4.to_u16())?;
    let white_is_zero = PhotometricInterpretation::WhiteIsZero.to_u16();
    directory.write_tag(Tag::PhotometricInterpretation, white_is_zero)?;
    directory.write_tag(Tag::StripOffsets, offset)?;
    directory.write_tag(Tag::SamplesPerPixel, 1u16)?;
    directory.write_tag(Tag::RowsPerStrip, raster.height)?;
    directory.write_tag(Tag::StripByteCounts, coded.len() as u32)?;
    directory.finish()
}
