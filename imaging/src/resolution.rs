//! What a source says of its resolution: dots per inch, down the page.
//!
//! A hint for whoever reads the pixels, never a reason to refuse an image.

use crate::sniff::{MediaType, SNIFF_BYTES, sniff};
use std::io::{BufRead, Read, Seek, SeekFrom};
use tiff::decoder::Decoder;
use tiff::decoder::ifd::Value;
use tiff::tags::Tag;

/// Segments or chunks that are looked at before the pixels.
const PARTS_MAX: usize = 64;

/// Returns the resolution, and goes back to the beginning of the source.
pub fn resolution_dpi<R: BufRead + Seek>(source: &mut R) -> Option<u32> {
    let found = look(source).filter(|dpi| *dpi > 0);
    source.seek(SeekFrom::Start(0)).ok()?;
    found
}

fn look<R: BufRead + Seek>(source: &mut R) -> Option<u32> {
    source.seek(SeekFrom::Start(0)).ok()?;
    let mut head = Vec::with_capacity(SNIFF_BYTES);
    source.by_ref().take(SNIFF_BYTES as u64).read_to_end(&mut head).ok()?;
    source.seek(SeekFrom::Start(0)).ok()?;
    match sniff(&head).ok()? {
        MediaType::Jpeg => of_jpeg(source),
        MediaType::Png => of_png(source),
        MediaType::Tiff => of_tiff(source),
        MediaType::Jp2 => of_jp2(source),
        MediaType::WebP | MediaType::Gif | MediaType::J2k => None,
    }
}

/// JFIF 1.02, "JFIF APP0 marker segment".
fn of_jpeg<R: Read + Seek>(source: &mut R) -> Option<u32> {
    source.seek(SeekFrom::Start(2)).ok()?;
    for _ in 0..PARTS_MAX {
        let [0xff, marker, high, low] = read(source)? else { return None };
        let length = u16::from_be_bytes([high, low]);
        if marker == 0xe0 && length >= 16 {
            let [b'J', b'F', b'I', b'F', 0, _, _, unit, _, _, high, low] = read(source)? else {
                return None;
            };
            let density = u32::from(u16::from_be_bytes([high, low]));
            return match unit {
                1 => Some(density),
                2 => Some(per_inch(f64::from(density) * 2.54)),
                _ => None,
            };
        }
        // Behind the start of the scan there is nothing more to know.
        let is_application = matches!(marker, 0xe0..=0xef | 0xfe);
        let rest = is_application.then(|| length.checked_sub(2))??;
        source.seek(SeekFrom::Current(i64::from(rest))).ok()?;
    }
    None
}

/// PNG, third edition, section 11.3.4.3 (pHYs).
fn of_png<R: Read + Seek>(source: &mut R) -> Option<u32> {
    source.seek(SeekFrom::Start(8)).ok()?;
    for _ in 0..PARTS_MAX {
        let length = u32::from_be_bytes(read(source)?);
        match &read::<4, _>(source)? {
            b"pHYs" => {
                let [_, _, _, _, a, b, c, d, unit] = read(source)?;
                let per_metre = u32::from_be_bytes([a, b, c, d]);
                return (unit == 1).then(|| per_inch(f64::from(per_metre) * 0.0254));
            }
            b"IDAT" | b"IEND" => return None,
            // Its checksum is four bytes.
            _ => source.seek(SeekFrom::Current(i64::from(length) + 4)).ok()?,
        };
    }
    None
}

/// TIFF 6.0, section 8 (YResolution, ResolutionUnit).
fn of_tiff<R: Read + Seek>(source: &mut R) -> Option<u32> {
    const CENTIMETRE: u32 = 3;
    let mut decoder = Decoder::new(source).ok()?;
    let unit = decoder.find_tag(Tag::ResolutionUnit).ok()?;
    let unit = unit.and_then(|it| it.into_u32().ok());
    let density = match decoder.find_tag(Tag::YResolution).ok()?? {
        Value::Rational(dots, per) if per > 0 => f64::from(dots) / f64::from(per),
        _ => return None,
    };
    Some(per_inch(if unit == Some(CENTIMETRE) { density * 2.54 } else { density }))
}

/// ISO/IEC 15444-1, section I.5.3.7: the capture resolution goes before the one for display.
fn of_jp2<R: Read + Seek>(source: &mut R) -> Option<u32> {
    let mut found = [None, None];
    let end = source.seek(SeekFrom::End(0)).ok()?;
    source.seek(SeekFrom::Start(0)).ok()?;
    for _ in 0..PARTS_MAX {
        let start = source.stream_position().ok()?;
        if start + 8 > end {
            break;
        }
        let length = u32::from_be_bytes(read(source)?);
        match &read::<4, _>(source)? {
            // Boxes of boxes: what is next lies within.
            b"jp2h" | b"res " => continue,
            b"resc" => found[0] = per_metre(read(source)?),
            b"resd" => found[1] = per_metre(read(source)?),
            b"jp2c" => break,
            _ => {}
        }
        let length = u64::from(length).max(8);
        source.seek(SeekFrom::Start(start.checked_add(length)?)).ok()?;
    }
    found.into_iter().flatten().next()
}

/// Numerators and denominators of height and width, then their powers of ten.
fn per_metre(resolution: [u8; 10]) -> Option<u32> {
    let [n1, n0, d1, d0, .., vertical_exponent, _] = resolution;
    let (dots, per) = (u16::from_be_bytes([n1, n0]), u16::from_be_bytes([d1, d0]));
    let scale = 10f64.powi(i32::from(vertical_exponent as i8));
    (per > 0).then(|| per_inch(f64::from(dots) / f64::from(per) * scale * 0.0254))
}

fn read<const N: usize, R: Read>(source: &mut R) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    source.read_exact(&mut bytes).ok()?;
    Some(bytes)
}

/// A cast of a float saturates.
fn per_inch(density: f64) -> u32 {
    density.round() as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;
    use tiff::encoder::colortype::Gray8;
    use tiff::encoder::{Rational, TiffEncoder};
    use tiff::tags::ResolutionUnit;

    fn dpi(bytes: &[u8]) -> Option<u32> {
        let mut source = Cursor::new(bytes);
        let found = resolution_dpi(&mut source);
        assert_eq!(source.position(), 0);
        found
    }

    fn jfif(unit: u8, density: u16) -> Vec<u8> {
        let [high, low] = density.to_be_bytes();
        let head = [0xff, 0xd8, 0xff, 0xe0, 0, 16, b'J', b'F', b'I', b'F', 0, 1, 2, unit];
        [&head[..], &[0, 72, high, low, 0, 0, 0xff, 0xda]].concat()
    }

    #[test]
    fn a_jpeg_says_it_in_its_first_segment() {
        assert_eq!(dpi(&jfif(1, 300)), Some(300));
        assert_eq!(dpi(&jfif(2, 118)), Some(300));
        assert_eq!(dpi(&jfif(0, 1)), None);
        assert_eq!(dpi(&jfif(1, 0)), None);
        assert_eq!(dpi(&jfif(1, 300)[..12]), None);
    }

    #[test]
    fn a_png_says_it_in_a_chunk() {
        let signature = [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a];
        let header = [&[0, 0, 0, 13][..], b"IHDR", &[0; 13 + 4]].concat();
        let physical = [&[0, 0, 0, 9][..], b"pHYs", &[0, 0, 0, 0, 0, 0, 0x2e, 0x23, 1]].concat();
        assert_eq!(dpi(&[&signature[..], &header, &physical].concat()), Some(300));
        assert_eq!(dpi(&[&signature[..], &header].concat()), None);
    }

    #[test]
    fn a_tiff_says_it_in_its_directory() {
        let mut file = Cursor::new(Vec::new());
        let mut encoder = TiffEncoder::new(&mut file).unwrap();
        let mut image = encoder.new_image::<Gray8>(1, 1).unwrap();
        image.resolution(ResolutionUnit::Centimeter, Rational { n: 118, d: 1 });
        image.write_data(&[0]).unwrap();
        assert_eq!(dpi(&file.into_inner()), Some(300));
    }

    #[test]
    fn a_jp2_says_it_in_a_box() {
        let signature = b"\0\0\0\x0cjP  \r\n\x87\n";
        // 11811 / 100 × 10² dots a metre.
        let resolution = [0x2e, 0x23, 0, 100, 0x2e, 0x23, 0, 100, 2, 2];
        let capture = [&[0, 0, 0, 18][..], b"resc", &resolution].concat();
        let display = [&[0, 0, 0, 18][..], b"resd", &[0, 1, 0, 1, 0, 1, 0, 1, 0, 0]].concat();
        let header = [&[0, 0, 0, 52][..], b"jp2h", &[0, 0, 0, 44], b"res "].concat();
        let file = [&signature[..], &header, &display, &capture].concat();
        assert_eq!(dpi(&file), Some(300));
        assert_eq!(dpi(&file[..file.len() - 1]), None);
        assert_eq!(dpi(signature), None);
    }

    #[test]
    fn what_is_no_image_says_nothing() {
        assert_eq!(dpi(b""), None);
        assert_eq!(dpi(b"<html>"), None);
        assert_eq!(dpi(&[0xff, 0xd8, 0xff, 0xff, 0xff, 0xff]), None);
    }
}
