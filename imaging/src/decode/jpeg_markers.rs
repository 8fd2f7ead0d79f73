//! The markers of a JPEG stream (ITU-T T.81, annex B): what must be known before it is decoded.

use crate::error::ImageError;
use crate::limits::DecodeLimits;

/// What the markers say.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct JpegMarkers {
    pub(super) width: u16,
    pub(super) height: u16,
    pub(super) components: u8,
    /// An Adobe marker is there: samples of CMYK are then stored inverted.
    pub(super) is_adobe: bool,
    pub(super) exif: Option<Vec<u8>>,
    pub(super) icc: Option<Vec<u8>>,
    pub(super) scans: u32,
    /// Where the stream ends; bytes behind it do not belong to the image.
    pub(super) end: usize,
}

const SOI: u8 = 0xd8;
const EOI: u8 = 0xd9;
const SOS: u8 = 0xda;
const APP1: u8 = 0xe1;
const APP2: u8 = 0xe2;
const APP14: u8 = 0xee;

/// Walks over the whole stream, from the first marker to the end marker.
pub(super) fn read_markers(jpeg: &[u8], limits: &DecodeLimits) -> Result<JpegMarkers, ImageError> {
    let mut markers = JpegMarkers::default();
    let mut icc = IccParts::default();
    let mut at = 0;
    loop {
        let (marker, after) = next_marker(jpeg, at)?;
        at = after;
        if marker == EOI {
            break;
        }
        if marker == SOI || (0xd0..=0xd7).contains(&marker) || marker == 0x01 {
            continue;
        }
        let (segment, after) = segment(jpeg, at)?;
        at = after;
        match marker {
            0xc0..=0xcf if !matches!(marker, 0xc4 | 0xc8 | 0xcc) => {
                read_frame(&mut markers, marker, segment)?;
            }
            APP1 => read_exif(&mut markers, segment, limits),
            APP2 => icc.add(segment, limits)?,
            APP14 => markers.is_adobe |= segment.starts_with(b"Adobe"),
            SOS => {
                markers.scans += 1;
                at = end_of_scan(jpeg, at);
            }
            _ => {}
        }
    }
    markers.end = at;
    markers.icc = icc.joined();
    check(markers, limits)
}

fn check(markers: JpegMarkers, limits: &DecodeLimits) -> Result<JpegMarkers, ImageError> {
    if markers.components == 0 || markers.scans == 0 {
        return Err(ImageError::corrupt("the JPEG holds no picture"));
    }
    if markers.scans > limits.scans_max {
        let (scans, max) = (markers.scans, limits.scans_max);
        return Err(ImageError::too_large(format!("the JPEG has {scans} scans, over {max}")));
    }
    limits.check_size(u64::from(markers.width), u64::from(markers.height))?;
    Ok(markers)
}

/// Returns the next marker and the position behind it; padding before a marker is allowed.
fn next_marker(jpeg: &[u8], mut at: usize) -> Result<(u8, usize), ImageError> {
    let truncated = || ImageError::corrupt("the JPEG ends before its end marker: it is truncated");
    while *jpeg.get(at).ok_or_else(truncated)? != 0xff {
        at += 1;
    }
    while *jpeg.get(at).ok_or_else(truncated)? == 0xff {
        at += 1;
    }
    Ok((jpeg[at], at + 1))
}

/// Returns a marker's segment without its length, and the position behind it.
fn segment(jpeg: &[u8], at: usize) -> Result<(&[u8], usize), ImageError> {
    let damaged = || ImageError::corrupt("a marker of the JPEG has a wrong length");
    let length = jpeg.get(at..at + 2).ok_or_else(damaged)?;
    let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
    if length < 2 {
        return Err(damaged());
    }
    let segment = jpeg.get(at + 2..at + length).ok_or_else(damaged)?;
    Ok((segment, at + length))
}

/// Returns where the entropy-coded data that begins at `at` ends: at a marker that is neither a
/// stuffed zero nor a restart.
fn end_of_scan(jpeg: &[u8], mut at: usize) -> usize {
    while let Some(found) = jpeg.get(at..).and_then(|rest| rest.iter().position(|b| *b == 0xff)) {
        at += found;
        match jpeg.get(at + 1) {
            Some(0x00 | 0xd0..=0xd7) => at += 2,
            Some(0xff) => at += 1,
            _ => return at,
        }
    }
    jpeg.len()
}

fn read_frame(markers: &mut JpegMarkers, marker: u8, segment: &[u8]) -> Result<(), ImageError> {
    let &[precision, h1, h0, w1, w0, components, ..] = segment else {
        return Err(ImageError::corrupt("the frame header of the JPEG is too short"));
    };
    if precision != 8 {
        let detail = format!("a JPEG of {precision} bits a sample; 8 are accepted");
        return Err(ImageError::unsupported(detail));
    }
    // Baseline, extended and progressive, with Huffman or arithmetic coding.
    if !matches!(marker, 0xc0..=0xc2 | 0xc9 | 0xca) {
        return Err(ImageError::unsupported("a lossless or hierarchical JPEG"));
    }
    if markers.components != 0 {
        return Err(ImageError::corrupt("the JPEG has more than one frame"));
    }
    if !matches!(components, 1 | 3 | 4) {
        return Err(ImageError::unsupported(format!("a JPEG of {components} components")));
    }
    markers.width = u16::from_be_bytes([w1, w0]);
    markers.height = u16::from_be_bytes([h1, h0]);
    markers.components = components;
    Ok(())
}

fn read_exif(markers: &mut JpegMarkers, segment: &[u8], limits: &DecodeLimits) {
    let Some(exif) = segment.strip_prefix(b"Exif\0\0") else { return };
    if markers.exif.is_none() && exif.len() as u64 <= limits.exif_bytes_max {
        markers.exif = Some(exif.to_vec());
    }
}

/// A colour profile comes in numbered parts (ICC.1, annex B.4).
#[derive(Default)]
struct IccParts<'a> {
    parts: Vec<(u8, &'a [u8])>,
    total: usize,
}

impl<'a> IccParts<'a> {
    fn add(&mut self, segment: &'a [u8], limits: &DecodeLimits) -> Result<(), ImageError> {
        let Some([number, _count, part @ ..]) = segment.strip_prefix(b"ICC_PROFILE\0") else {
            return Ok(());
        };
        self.total += part.len();
        limits.check_icc(self.total)?;
        self.parts.push((*number, part));
        Ok(())
    }

    fn joined(mut self) -> Option<Vec<u8>> {
        self.parts.sort_by_key(|(number, _)| *number);
        let whole: Vec<u8> = self.parts.iter().flat_map(|(_, part)| *part).copied().collect();
        (!whole.is_empty()).then_some(whole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(frame: &[u8], scans: usize) -> Vec<u8> {
        let mut jpeg = vec![0xff, 0xd8];
        jpeg.extend_from_slice(frame);
        for _ in 0..scans {
            jpeg.extend_from_slice(&[0xff, 0xda, 0, 3, 0, 0x12, 0xff, 0x00, 0xff, 0xd0, 0x34]);
        }
        jpeg.extend_from_slice(&[0xff, 0xd9]);
        jpeg
    }

    const FRAME: [u8; 13] = [0xff, 0xc2, 0, 11, 8, 0, 10, 0, 20, 1, 1, 0x11, 0];

    fn code(jpeg: &[u8]) -> Option<&'static str> {
        read_markers(jpeg, &DecodeLimits::default()).err().map(|error| error.code())
    }

    #[test]
    fn the_tail_behind_the_end_marker_is_not_part_of_the_image() {
        let mut jpeg = stream(&FRAME, 2);
        let end = jpeg.len();
        jpeg.extend_from_slice(b"PK\x03\x04 an archive \xff\xd9");
        let markers = read_markers(&jpeg, &DecodeLimits::default()).unwrap();
        assert_eq!((markers.width, markers.height, markers.scans), (20, 10, 2));
        assert_eq!(markers.end, end);
    }

    #[test]
    fn scans_at_the_limit_pass_and_beyond_it_do_not() {
        assert_eq!(code(&stream(&FRAME, 100)), None);
        assert_eq!(code(&stream(&FRAME, 101)), Some("image-too-large"));
    }

    #[test]
    fn kinds_that_are_not_for_us_have_their_code() {
        let with = |at: usize, value: u8| {
            let mut frame = FRAME;
            frame[at] = value;
            code(&stream(&frame, 1))
        };
        assert_eq!(with(4, 12), Some("media-type-unsupported"));
        assert_eq!(with(1, 0xc3), Some("media-type-unsupported"));
        assert_eq!(with(9, 2), Some("media-type-unsupported"));
        assert_eq!(with(9, 1), None);
    }

    #[test]
    fn every_cut_is_damage() {
        let jpeg = stream(&FRAME, 3);
        for length in 0..jpeg.len() {
            assert_eq!(code(&jpeg[..length]), Some("image-corrupt"), "{length} bytes");
        }
        assert_eq!(code(&jpeg), None);
    }

    #[test]
    fn no_size_is_damage() {
        let mut frame = FRAME;
        frame[6] = 0;
        assert_eq!(code(&stream(&frame, 1)), Some("image-corrupt"));
        assert_eq!(code(&stream(&[], 1)), Some("image-corrupt"));
    }
}
