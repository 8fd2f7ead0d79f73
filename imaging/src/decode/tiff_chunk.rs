//! Decompresses one strip or tile of a TIFF, as a stream of rows. JPEG is decoded whole.

use super::tiff_header::{Chunks, Compression, Header, Photometric};
use crate::error::ImageError;
use crate::jpeg::{damage, decode_strictly, without_odd_revisions};
use crate::limits::DecodeLimits;
use crate::raster::zeroed;
use fax::decoder::{DecodeStatus, Group4Decoder};
use std::convert::Infallible;
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use turbojpeg::{Colorspace, Decompressor, Image, PixelFormat};

/// Reads the compressed bytes of chunk `index`.
pub(super) fn read_compressed<R: Read + Seek>(
    source: &mut R,
    source_length: u64,
    chunks: &Chunks,
    index: usize,
    limits: &DecodeLimits,
) -> Result<Vec<u8>, ImageError> {
    let (offset, length) = (chunks.offsets[index], chunks.lengths[index]);
    if offset.checked_add(length).is_none_or(|end| end > source_length) {
        return Err(ImageError::corrupt("the TIFF ends before its last piece: it is truncated"));
    }
    limits.check_resident(length)?;
    source.seek(SeekFrom::Start(offset))?;
    let mut bytes = vec![0; length as usize];
    source.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// Returns a stream of the chunk's rows as they were before compression.
///
/// `rows` is the number of rows that hold pixels of the image.
pub(super) fn decompress(
    header: &Header,
    compressed: Vec<u8>,
    rows: u32,
    limits: &DecodeLimits,
) -> Result<Box<dyn Read>, ImageError> {
    let mut compressed = compressed;
    if header.is_bit_reversed && header.compression != Compression::Jpeg {
        compressed.iter_mut().for_each(|byte| *byte = byte.reverse_bits());
    }
    Ok(match header.compression {
        Compression::None => Box::new(Cursor::new(compressed)),
        Compression::Lzw => Box::new(LzwReader::new(compressed)),
        Compression::Deflate => {
            Box::new(flate2::bufread::ZlibDecoder::new(Cursor::new(compressed)))
        }
        Compression::Zstd => Box::new(zstd_rows(compressed)?),
        Compression::PackBits => Box::new(PackBitsReader::new(compressed)),
        Compression::Group4 => Box::new(group4_rows(&compressed, header.chunks.width, rows)?),
        Compression::Jpeg => Box::new(jpeg_rows(header, &compressed, rows, limits)?),
    })
}

/// What was compressed for a window beyond the decoder's usual one (128 MiB) is refused by it.
fn zstd_rows(compressed: Vec<u8>) -> Result<impl Read, ImageError> {
    Ok(zstd::stream::read::Decoder::with_buffer(Cursor::new(compressed))?)
}

struct LzwReader {
    decoder: weezl::decode::Decoder,
    compressed: Vec<u8>,
    at: usize,
}

impl LzwReader {
    fn new(compressed: Vec<u8>) -> Self {
        let decoder = weezl::decode::Decoder::with_tiff_size_switch(weezl::BitOrder::Msb, 8);
        Self { decoder, compressed, at: 0 }
    }
}

impl Read for LzwReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let done = self.decoder.decode_bytes(&self.compressed[self.at..], buffer);
            self.at += done.consumed_in;
            let status = done.status.map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))?;
            let is_over = !matches!(status, weezl::LzwStatus::Ok) || done.consumed_in == 0;
            if done.consumed_out > 0 || buffer.is_empty() || is_over {
                return Ok(done.consumed_out);
            }
        }
    }
}

/// Section 9 of TIFF 6.0.
struct PackBitsReader {
    compressed: Cursor<Vec<u8>>,
    run: Run,
}

enum Run {
    Literal(usize),
    Repeat(u8, usize),
}

impl PackBitsReader {
    fn new(compressed: Vec<u8>) -> Self {
        Self { compressed: Cursor::new(compressed), run: Run::Literal(0) }
    }

    fn byte(&mut self) -> io::Result<u8> {
        let mut byte = [0];
        self.compressed.read_exact(&mut byte)?;
        Ok(byte[0])
    }
}

impl Read for PackBitsReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match &mut self.run {
                Run::Literal(0) | Run::Repeat(_, 0) => {
                    self.run = match self.byte()? as i8 {
                        -128 => Run::Literal(0),
                        count @ 0.. => Run::Literal(count as usize + 1),
                        count => Run::Repeat(self.byte()?, usize::from(count.unsigned_abs()) + 1),
                    };
                }
                Run::Literal(left) => {
                    let count = (*left).min(buffer.len());
                    *left -= count;
                    self.compressed.read_exact(&mut buffer[..count])?;
                    return Ok(count);
                }
                Run::Repeat(byte, left) => {
                    let count = (*left).min(buffer.len());
                    *left -= count;
                    buffer[..count].fill(*byte);
                    return Ok(count);
                }
            }
        }
    }
}

/// Decodes ITU-T T.6. Black is 1, whatever the photometric tag makes of it.
fn group4_rows(compressed: &[u8], width: u32, rows: u32) -> Result<Cursor<Vec<u8>>, ImageError> {
    let damaged = || ImageError::corrupt("the fax-coded data of the TIFF is damaged");
    let pixels = u16::try_from(width).map_err(|_| damaged())?;
    let bytes = compressed.iter().map(|byte| Ok::<u8, Infallible>(*byte));
    let mut decoder = Group4Decoder::new(bytes, pixels).map_err(|_| damaged())?;
    let stride = width.div_ceil(8);
    let mut lines = zeroed(stride, rows, 1)?;
    for line in lines.chunks_exact_mut(stride as usize) {
        match decoder.advance() {
            Ok(DecodeStatus::Incomplete) => blacken(line, decoder.transition(), pixels),
            Ok(DecodeStatus::End) | Err(_) => return Err(damaged()),
        }
    }
    Ok(Cursor::new(lines))
}

/// Sets the bits of the black runs; the colour changes at each transition, from white.
fn blacken(line: &mut [u8], transitions: &[u16], width: u16) {
    for run in transitions.chunks(2) {
        let from = run[0].min(width);
        let to = run.get(1).copied().filter(|_| run.len() == 2).unwrap_or(width).min(width);
        for x in from..to {
            line[usize::from(x / 8)] |= 0x80 >> (x % 8);
        }
    }
}

/// Decodes a JPEG chunk (TIFF Technical Note 2) to samples of the image's colour space.
fn jpeg_rows(
    header: &Header,
    compressed: &[u8],
    rows: u32,
    limits: &DecodeLimits,
) -> Result<Cursor<Vec<u8>>, ImageError> {
    let mut jpeg = complete_jpeg(header, compressed);
    without_odd_revisions(&mut jpeg);
    let mut decompressor = Decompressor::new().map_err(|error| damage(&error))?;
    decompressor.set_scan_limit(limits.scans_max).map_err(|error| damage(&error))?;
    let found = decompressor.read_header(&jpeg).map_err(|error| damage(&error))?;
    limits.check_size(found.width as u64, found.height as u64)?;
    if found.width != header.chunks.width as usize || found.height < rows as usize {
        return Err(ImageError::corrupt("a JPEG in the TIFF has another size than its piece"));
    }
    let (format, samples) = match header.samples_of_a_chunk() {
        1 => (PixelFormat::GRAY, 1),
        3 => (PixelFormat::RGB, 3),
        4 => (PixelFormat::CMYK, 4),
        _ => return Err(ImageError::unsupported("a JPEG in the TIFF with extra samples")),
    };
    // The decoder would make three of one, silently.
    if components(found.colorspace) != samples {
        return Err(ImageError::corrupt("a JPEG in the TIFF has other components than its pixels"));
    }
    let mut pixels = zeroed(header.chunks.width, found.height as u32, samples)?;
    let output = Image {
        pixels: &mut pixels[..],
        width: found.width,
        pitch: found.width * samples,
        height: found.height,
        format,
    };
    decode_strictly(&mut decompressor, &jpeg, output)?;
    Ok(Cursor::new(pixels))
}

fn components(space: Colorspace) -> usize {
    match space {
        Colorspace::Gray => 1,
        Colorspace::RGB | Colorspace::YCbCr => 3,
        Colorspace::CMYK | Colorspace::YCCK => 4,
    }
}

/// Puts the shared tables in front, and tells the decoder whether three components are RGB: within
/// a TIFF only the photometric tag knows. A stream with markers of its own is believed.
fn complete_jpeg(header: &Header, stream: &[u8]) -> Vec<u8> {
    const SOI: [u8; 2] = [0xff, 0xd8];
    let tables = header.jpeg_tables.as_deref().unwrap_or_default();
    let tables = tables.strip_prefix(&SOI).unwrap_or(tables);
    let tables = tables.strip_suffix(&[0xff, 0xd9]).unwrap_or(tables);
    let stream = stream.strip_prefix(&SOI).unwrap_or(stream);
    let mut jpeg = Vec::with_capacity(2 + ADOBE.len() + tables.len() + stream.len());
    jpeg.extend_from_slice(&SOI);
    if header.samples_of_a_chunk() == 3 {
        jpeg.extend_from_slice(&ADOBE);
        let is_ycbcr = header.photometric == Photometric::YCbCr;
        jpeg.push(u8::from(is_ycbcr));
    }
    jpeg.extend_from_slice(tables);
    jpeg.extend_from_slice(stream);
    jpeg
}

/// An Adobe marker up to its last byte, the colour transform.
const ADOBE: [u8; 15] = *b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00";

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(mut reader: impl Read, length: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        // Short reads show that runs survive from one to the next.
        for part in bytes.chunks_mut(3) {
            reader.read_exact(part)?;
        }
        Ok(bytes)
    }

    /// The example of TIFF 6.0, section 9.
    #[test]
    fn pack_bits_example_of_the_specification() {
        let packed = b"\xfe\xaa\x02\x80\x00\x2a\xfd\xaa\x03\x80\x00\x2a\x22\xf7\xaa".to_vec();
        let expected = b"\xaa\xaa\xaa\x80\x00\x2a\xaa\xaa\xaa\xaa\x80\x00\x2a\x22\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa";
        assert_eq!(read_all(PackBitsReader::new(packed.clone()), 24).unwrap(), expected);
        assert!(read_all(PackBitsReader::new(packed), 25).is_err());
    }

    #[test]
    fn lzw_comes_back_and_an_early_end_is_an_error() {
        let plain: Vec<u8> = (0..5000u32).map(|i| (i * i % 7) as u8).collect();
        let mut encoder = weezl::encode::Encoder::with_tiff_size_switch(weezl::BitOrder::Msb, 8);
        let packed = encoder.encode(&plain).unwrap();
        assert_eq!(read_all(LzwReader::new(packed.clone()), plain.len()).unwrap(), plain);
        let cut = packed[..packed.len() / 2].to_vec();
        assert!(read_all(LzwReader::new(cut), plain.len()).is_err());
    }

    #[test]
    fn black_runs_become_bits() {
        let mut line = [0; 2];
        blacken(&mut line, &[2, 5, 9], 12);
        assert_eq!(line, [0b0011_1000, 0b0111_0000]);
    }
}
