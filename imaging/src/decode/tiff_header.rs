//! The directory of a TIFF (TIFF 6.0; BigTIFF): which image to take, and how it is stored.

use crate::color::SampleSpace;
use crate::error::ImageError;
use crate::limits::DecodeLimits;
use crate::orientation;
use std::io::{Read, Seek};
use tiff::TiffError;
use tiff::decoder::{Decoder, Limits};
use tiff::tags::{ByteOrder, Tag};

/// Transparency of the pixels (section 18, ExtraSamples).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Alpha {
    /// There is none, or nobody says what it means.
    None,
    /// Colours are multiplied with it already.
    Associated,
    Unassociated,
}

/// What the samples of a pixel stand for (section 8, PhotometricInterpretation).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Photometric {
    WhiteIsZero,
    BlackIsZero,
    Rgb,
    /// RGB of each index.
    Palette(Vec<[u8; 3]>),
    Cmyk,
    YCbCr,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compression {
    None,
    Group4,
    Lzw,
    Deflate,
    PackBits,
    Jpeg,
    Zstd,
}

/// Strips and tiles are the same thing: a strip is a tile as wide as the image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Chunks {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) is_tiled: bool,
    pub(super) offsets: Vec<u64>,
    pub(super) lengths: Vec<u64>,
}

#[derive(Debug)]
pub(super) struct Header {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) bits: u8,
    pub(super) samples: u16,
    pub(super) photometric: Photometric,
    pub(super) alpha: Alpha,
    pub(super) compression: Compression,
    /// Rows hold differences (section 14).
    pub(super) is_predicted: bool,
    /// Each sample has chunks of its own.
    pub(super) is_planar: bool,
    /// The lowest bit of a byte comes first.
    pub(super) is_bit_reversed: bool,
    pub(super) is_big_endian: bool,
    pub(super) jpeg_tables: Option<Vec<u8>>,
    pub(super) chunks: Chunks,
    pub(super) icc: Option<Vec<u8>>,
    pub(super) orientation: u16,
}

const FILL_ORDER: u16 = 266;
const ICC_PROFILE: u16 = 34675;
const REDUCED: u64 = 1;

impl Header {
    /// Reads the directory of the first image that is not a reduced copy of another.
    pub(super) fn read<R: Read + Seek>(
        source: R,
        limits: &DecodeLimits,
    ) -> Result<Self, ImageError> {
        let mut decoder = Decoder::new(source).map_err(refused)?;
        seek_full_size(&mut decoder, limits)?;
        let (width, height) = decoder.dimensions().map_err(refused)?;
        let is_tiled = find(&mut decoder, Tag::TileWidth)?.is_some();
        let size = (u64::from(width), u64::from(height));
        if is_tiled {
            limits.check_tiled_size(size.0, size.1)?;
        } else {
            limits.check_size(size.0, size.1)?;
        }
        let mut values = Limits::default();
        values.ifd_value_size = (limits.icc_bytes_max as usize + 1).max(16 * 1024 * 1024);
        Self::fields(&mut decoder.with_limits(values), (width, height), is_tiled, limits)
    }

    fn fields<R: Read + Seek>(
        decoder: &mut Decoder<R>,
        (width, height): (u32, u32),
        is_tiled: bool,
        limits: &DecodeLimits,
    ) -> Result<Self, ImageError> {
        let samples = find(decoder, Tag::SamplesPerPixel)?.unwrap_or(1);
        let is_planar = find(decoder, Tag::PlanarConfiguration)? == Some(2) && samples > 1;
        let planes = if is_planar { samples } else { 1 };
        let compression = compression(find(decoder, Tag::Compression)?.unwrap_or(1))?;
        let header = Self {
            width,
            height,
            bits: bits(decoder)?,
            samples: u16::try_from(samples).map_err(|_| too_many_samples())?,
            photometric: photometric(decoder)?,
            alpha: alpha(decoder)?,
            compression,
            is_predicted: is_predicted(find(decoder, Tag::Predictor)?)?,
            is_planar,
            is_bit_reversed: find(decoder, Tag::Unknown(FILL_ORDER))? == Some(2),
            is_big_endian: decoder.byte_order() == ByteOrder::BigEndian,
            jpeg_tables: bytes(decoder, Tag::JPEGTables)?,
            chunks: chunks(decoder, (width, height), is_tiled, planes, limits)?,
            icc: icc(decoder, limits)?,
            orientation: orientation::valid(find(decoder, Tag::Orientation)?.unwrap_or(1)),
        };
        header.check()
    }

    fn check(self) -> Result<Self, ImageError> {
        let needed = self.color_samples();
        if self.samples < needed {
            return Err(ImageError::corrupt("the TIFF has too few samples a pixel"));
        }
        if self.samples > 32 {
            return Err(too_many_samples());
        }
        let is_whole = matches!(self.bits, 8 | 16);
        let is_packed = matches!(self.bits, 1 | 2 | 4) && self.samples == 1;
        let is_fitting = match (&self.photometric, self.compression) {
            (_, Compression::Group4) => self.bits == 1 && self.samples == 1,
            (Photometric::Palette(_), Compression::Jpeg) => false,
            (_, Compression::Jpeg) => self.bits == 8,
            (Photometric::Palette(_), _) => self.bits <= 8 && (is_packed || is_whole),
            _ => is_whole || is_packed,
        };
        if !is_fitting || self.is_predicted && !is_whole {
            let detail = format!("a TIFF of {} × {} bits", self.samples, self.bits);
            return Err(ImageError::unsupported(format!("{detail} in a form that is not read")));
        }
        if self.photometric == Photometric::YCbCr && self.is_planar {
            return Err(ImageError::unsupported("a TIFF with a plane for each component"));
        }
        Ok(self)
    }

    /// Returns what the decoded samples stand for.
    pub(super) fn space(&self) -> SampleSpace {
        match self.photometric {
            Photometric::WhiteIsZero | Photometric::BlackIsZero => SampleSpace::Gray,
            Photometric::Rgb | Photometric::Palette(_) | Photometric::YCbCr => SampleSpace::Rgb,
            Photometric::Cmyk => SampleSpace::Cmyk,
        }
    }

    /// Returns the number of samples of each pixel that lie together in a chunk.
    pub(super) fn samples_of_a_chunk(&self) -> u16 {
        if self.is_planar { 1 } else { self.samples }
    }

    /// Returns the number of samples that belong to the colour, which come first.
    pub(super) fn color_samples(&self) -> u16 {
        match self.photometric {
            Photometric::WhiteIsZero | Photometric::BlackIsZero | Photometric::Palette(_) => 1,
            Photometric::Rgb | Photometric::YCbCr => 3,
            Photometric::Cmyk => 4,
        }
    }
}

/// Some cameras put a thumbnail first. The search is bounded, and the directories may not loop.
fn seek_full_size<R: Read + Seek>(
    decoder: &mut Decoder<R>,
    limits: &DecodeLimits,
) -> Result<(), ImageError> {
    for _ in 1..limits.directories_max {
        let kind = find(decoder, Tag::NewSubfileType)?.unwrap_or(0);
        if kind & REDUCED == 0 {
            return Ok(());
        }
        if !decoder.more_images() {
            break;
        }
        decoder.next_image().map_err(refused)?;
    }
    decoder.seek_to_image(0).map_err(refused)
}

fn find<R: Read + Seek>(decoder: &mut Decoder<R>, tag: Tag) -> Result<Option<u64>, ImageError> {
    // Some tags hold one value for each sample: the first stands for all.
    let values = decoder.find_tag_unsigned_vec::<u64>(tag).map_err(refused)?;
    Ok(values.and_then(|values| values.first().copied()))
}

fn bytes<R: Read + Seek>(
    decoder: &mut Decoder<R>,
    tag: Tag,
) -> Result<Option<Vec<u8>>, ImageError> {
    match decoder.find_tag(tag).map_err(refused)? {
        Some(value) => value.into_u8_vec().map(Some).map_err(refused),
        None => Ok(None),
    }
}

fn icc<R: Read + Seek>(
    decoder: &mut Decoder<R>,
    limits: &DecodeLimits,
) -> Result<Option<Vec<u8>>, ImageError> {
    let icc = bytes(decoder, Tag::Unknown(ICC_PROFILE))?;
    limits.check_icc(icc.as_ref().map_or(0, Vec::len))?;
    Ok(icc)
}

fn bits<R: Read + Seek>(decoder: &mut Decoder<R>) -> Result<u8, ImageError> {
    let format = find(decoder, Tag::SampleFormat)?.unwrap_or(1);
    let bits = find(decoder, Tag::BitsPerSample)?.unwrap_or(1);
    match (format, bits) {
        // 4 is "undefined", which everybody reads as unsigned.
        (1 | 4, 1 | 2 | 4 | 8 | 16) => Ok(bits as u8),
        (1 | 4, _) => Err(ImageError::unsupported(format!("a TIFF of {bits} bits a sample"))),
        _ => Err(ImageError::unsupported("a TIFF of signed or floating-point samples")),
    }
}

fn compression(value: u64) -> Result<Compression, ImageError> {
    match value {
        1 => Ok(Compression::None),
        4 => Ok(Compression::Group4),
        5 => Ok(Compression::Lzw),
        7 => Ok(Compression::Jpeg),
        8 | 32946 => Ok(Compression::Deflate),
        32773 => Ok(Compression::PackBits),
        50000 => Ok(Compression::Zstd),
        _ => Err(ImageError::unsupported(format!("a TIFF with compression {value}"))),
    }
}

fn is_predicted(value: Option<u64>) -> Result<bool, ImageError> {
    match value {
        None | Some(1) => Ok(false),
        Some(2) => Ok(true),
        Some(value) => Err(ImageError::unsupported(format!("a TIFF with predictor {value}"))),
    }
}

fn photometric<R: Read + Seek>(decoder: &mut Decoder<R>) -> Result<Photometric, ImageError> {
    let value = find(decoder, Tag::PhotometricInterpretation)?.unwrap_or(1);
    match value {
        0 => Ok(Photometric::WhiteIsZero),
        1 => Ok(Photometric::BlackIsZero),
        2 => Ok(Photometric::Rgb),
        3 => palette(decoder).map(Photometric::Palette),
        5 => Ok(Photometric::Cmyk),
        6 if is_ycbcr_readable(decoder)? => Ok(Photometric::YCbCr),
        6 => Err(ImageError::unsupported("a TIFF of subsampled colour outside JPEG")),
        _ => Err(ImageError::unsupported(format!("a TIFF of colour space {value}"))),
    }
}

fn is_ycbcr_readable<R: Read + Seek>(decoder: &mut Decoder<R>) -> Result<bool, ImageError> {
    let sampling = decoder.find_tag_unsigned_vec::<u16>(Tag::ChromaSubsampling).map_err(refused)?;
    Ok(find(decoder, Tag::Compression)? == Some(7) || sampling.as_deref() == Some(&[1, 1]))
}

/// All reds, then all greens, then all blues, 16 bits each (section 5, ColorMap).
fn palette<R: Read + Seek>(decoder: &mut Decoder<R>) -> Result<Vec<[u8; 3]>, ImageError> {
    let map = decoder.find_tag_unsigned_vec::<u16>(Tag::ColorMap).map_err(refused)?;
    let map = map.ok_or_else(|| ImageError::corrupt("the TIFF has no palette"))?;
    let count = map.len() / 3;
    if count == 0 {
        return Err(ImageError::corrupt("the palette of the TIFF is empty"));
    }
    // Some writers store 8 bits in the 16.
    let shift = if map.iter().all(|level| *level < 256) { 0 } else { 8 };
    let level = |at: usize| (map[at] >> shift) as u8;
    Ok((0..count).map(|i| [level(i), level(count + i), level(2 * count + i)]).collect())
}

fn alpha<R: Read + Seek>(decoder: &mut Decoder<R>) -> Result<Alpha, ImageError> {
    Ok(match find(decoder, Tag::ExtraSamples)? {
        Some(1) => Alpha::Associated,
        Some(2) => Alpha::Unassociated,
        _ => Alpha::None,
    })
}

fn chunks<R: Read + Seek>(
    decoder: &mut Decoder<R>,
    (width, height): (u32, u32),
    is_tiled: bool,
    planes: u64,
    limits: &DecodeLimits,
) -> Result<Chunks, ImageError> {
    let (chunk_width, chunk_height) = decoder.chunk_dimensions();
    let chunk_height = if is_tiled { chunk_height } else { chunk_height.min(height) };
    // A tile may hang over the edge, but not by much more than its own size.
    let side_max = limits.side_px_max.max(width).max(height);
    if chunk_width > side_max || chunk_height > side_max {
        let detail = format!("the TIFF has tiles of {chunk_width} × {chunk_height} pixels");
        return Err(ImageError::too_large(detail));
    }
    let across = u64::from(width.div_ceil(chunk_width));
    let down = u64::from(height.div_ceil(chunk_height));
    let count = across * down * planes;
    if count > limits.chunks_max {
        return Err(ImageError::too_large(format!("the TIFF is cut into {count} pieces")));
    }
    let (offsets, lengths) = if is_tiled {
        (Tag::TileOffsets, Tag::TileByteCounts)
    } else {
        (Tag::StripOffsets, Tag::StripByteCounts)
    };
    let offsets = decoder.get_tag_u64_vec(offsets).map_err(refused)?;
    let lengths = decoder.get_tag_u64_vec(lengths).map_err(refused)?;
    if offsets.len() as u64 != count || lengths.len() as u64 != count {
        return Err(ImageError::corrupt("the TIFF does not say where all its pieces are"));
    }
    Ok(Chunks { width: chunk_width, height: chunk_height, is_tiled, offsets, lengths })
}

fn too_many_samples() -> ImageError {
    ImageError::unsupported("a TIFF of more than 32 samples a pixel")
}

fn refused(error: TiffError) -> ImageError {
    match error {
        TiffError::IoError(error) => error.into(),
        TiffError::UnsupportedError(error) => {
            ImageError::unsupported(format!("a TIFF of an unusual kind: {error}"))
        }
        TiffError::LimitsExceeded => ImageError::too_large("a tag of the TIFF is too long"),
        error => ImageError::corrupt(format!("the TIFF is damaged: {error}")),
    }
}
