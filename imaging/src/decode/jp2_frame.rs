//! What surrounds the coded data of a JPEG 2000 file (ISO/IEC 15444-1, annexes A and I): boxes,
//! sizes, and the chain of tile-parts, which must be known before it is decoded.
//!
//! The decoder believes sizes and fills in what is missing; here both are looked at first.

use crate::error::ImageError;
use crate::limits::DecodeLimits;
use std::ops::Range;

const SOC_SIZ: [u8; 4] = [0xff, 0x4f, 0xff, 0x51];
const COD: u16 = 0xff52;
const SOT: u16 = 0xff90;
const EOC: [u8; 2] = [0xff, 0xd9];
/// Part 15 announces itself in the capabilities (Rsiz), and in the style of its code blocks.
const HIGH_THROUGHPUT: u16 = 0x4000;
/// What the decoder can do.
const LAYERS_MAX: u16 = 32;
/// A tile is numbered with 16 bits.
const TILES_MAX: u64 = 65_535;

/// Checks a file, from the first box to the end of its coded data. `file` is changed where it
/// leaves open how long its last tile-part is, for the decoder would take the end marker for data.
pub(super) fn check(file: &mut [u8], limits: &DecodeLimits) -> Result<(), ImageError> {
    let range = codestream(file)?;
    let stream = &mut file[range];
    let tiles = sizes(stream, limits)?;
    let first_part = main_header(stream)?;
    tile_parts(stream, first_part, tiles)
}

fn damaged(what: &str) -> ImageError {
    ImageError::corrupt(format!("the JPEG 2000 file is damaged: {what}"))
}

/// Returns where the first codestream is: in its box, or everywhere if there are no boxes.
fn codestream(file: &[u8]) -> Result<Range<usize>, ImageError> {
    if file.starts_with(&SOC_SIZ) {
        return Ok(0..file.len());
    }
    let mut at = 0;
    while at < file.len() {
        let content = box_content(file, at)?;
        if &file[at + 4..at + 8] == b"jp2c" {
            return Ok(content);
        }
        at = content.end;
    }
    Err(damaged("it holds no picture"))
}

/// Returns the content of the box at `at` (section I.4).
fn box_content(file: &[u8], at: usize) -> Result<Range<usize>, ImageError> {
    let truncated = || damaged("it ends within a box");
    let head = file.get(at..at + 8).ok_or_else(truncated)?;
    let length = u32::from_be_bytes([head[0], head[1], head[2], head[3]]);
    let (start, length) = match length {
        0 => (at + 8, (file.len() - at) as u64),
        1 => {
            let long = file.get(at + 8..at + 16).ok_or_else(truncated)?;
            (at + 16, u64::from_be_bytes(long.try_into().map_err(|_| truncated())?))
        }
        length => (at + 8, u64::from(length)),
    };
    let end = usize::try_from(length).ok().and_then(|length| at.checked_add(length));
    let end = end.filter(|end| *end <= file.len()).ok_or_else(truncated)?;
    if end < start {
        return Err(damaged("a box is shorter than its head"));
    }
    Ok(start..end)
}

/// Reads the SIZ segment (A.5.1) and returns the number of tiles.
fn sizes(stream: &[u8], limits: &DecodeLimits) -> Result<usize, ImageError> {
    let segment = stream.get(4..).and_then(|rest| rest.get(..38));
    let segment = segment.filter(|_| stream.starts_with(&SOC_SIZ));
    let segment = segment.ok_or_else(|| damaged("it does not begin with its sizes"))?;
    let word = |at: usize| u16::from_be_bytes([segment[at], segment[at + 1]]);
    let long = |at: usize| u64::from(word(at)) << 16 | u64::from(word(at + 2));
    if word(2) & HIGH_THROUGHPUT != 0 {
        return Err(high_throughput());
    }
    let side = |at: usize| {
        let (end, start) = (long(at), long(at + 8));
        let (tile, tile_start) = (long(at + 16), long(at + 24));
        let is_fitting =
            start < end && tile > 0 && tile_start <= start && tile_start + tile > start;
        let fitting = is_fitting.then(|| (end - start, (end - tile_start).div_ceil(tile), tile));
        fitting.ok_or_else(|| damaged("its sizes contradict each other"))
    };
    let ((width, across, tile_width), (height, down, tile_height)) = (side(4)?, side(8)?);
    let components = word(36);
    if !(1..=5).contains(&components) {
        let detail = format!("a JPEG 2000 of {components} components");
        return Err(ImageError::unsupported(detail));
    }
    let is_tiled = across * down > 1;
    if is_tiled {
        limits.check_tiled_size(width, height)?;
    } else {
        limits.check_size(width, height)?;
    }
    let tile = (tile_width.min(width), tile_height.min(height));
    limits.check_jpeg_2000(width * height, tile.0 * tile.1, u64::from(components))?;
    if across * down > TILES_MAX {
        return Err(damaged("it has more tiles than can be numbered"));
    }
    Ok((across * down) as usize)
}

fn high_throughput() -> ImageError {
    ImageError::unsupported("a High-Throughput JPEG 2000 (part 15)")
}

/// Walks over the segments in front of the first tile-part, and returns where that begins.
fn main_header(stream: &[u8]) -> Result<usize, ImageError> {
    let truncated = || damaged("it ends within its header");
    let mut at = 2;
    loop {
        let word = |at: usize| {
            let bytes = stream.get(at..at + 2).ok_or_else(truncated)?;
            Ok::<u16, ImageError>(u16::from_be_bytes([bytes[0], bytes[1]]))
        };
        match word(at)? {
            SOT => return Ok(at),
            // These have no segment.
            0xff30..=0xff3f => at += 2,
            COD => {
                check_coding(stream.get(at + 2..at + 14).ok_or_else(truncated)?)?;
                at += 2 + usize::from(word(at + 2)?);
            }
            0xff00.. => at += 2 + usize::from(word(at + 2)?.max(2)),
            _ => return Err(damaged("there is no marker where one should be")),
        }
    }
}

/// Looks at the coding style (A.6.1), from its length on.
fn check_coding(segment: &[u8]) -> Result<(), ImageError> {
    let layers = u16::from_be_bytes([segment[4], segment[5]]);
    if layers > LAYERS_MAX {
        return Err(ImageError::unsupported(format!("a JPEG 2000 of {layers} quality layers")));
    }
    if segment[10] & 0xc0 != 0 {
        return Err(high_throughput());
    }
    Ok(())
}

/// Follows the tile-parts (A.4.2) to the end marker: every tile must be there.
fn tile_parts(stream: &mut [u8], first: usize, tiles: usize) -> Result<(), ImageError> {
    let truncated = || damaged("it ends too early");
    let mut is_there = vec![false; tiles];
    let mut at = first;
    while stream.get(at..at + 2).ok_or_else(truncated)? != EOC {
        let head: [u8; 12] =
            stream.get(at..at + 12).ok_or_else(truncated)?.try_into().map_err(|_| truncated())?;
        let [a, b, _, _, i1, i0, p3, p2, p1, p0, _, _] = head;
        if u16::from_be_bytes([a, b]) != SOT {
            return Err(damaged("there is no tile where one should be"));
        }
        let tile = is_there.get_mut(usize::from(u16::from_be_bytes([i1, i0])));
        *tile.ok_or_else(|| damaged("a tile has a number that is none"))? = true;
        let mut length = u32::from_be_bytes([p3, p2, p1, p0]) as usize;
        if length == 0 {
            // The last one may reach up to the end marker.
            length = stream.len() - EOC.len() - at;
            let known = u32::try_from(length).map_err(|_| truncated())?;
            stream[at + 6..at + 10].copy_from_slice(&known.to_be_bytes());
        }
        if length < head.len() {
            return Err(damaged("a tile-part is shorter than its head"));
        }
        at = at.checked_add(length).ok_or_else(truncated)?;
    }
    if is_there.contains(&false) {
        return Err(damaged("a tile is missing"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TILES: u32 = 2;

    /// A stream of 20 × 10 pixels in two tiles, without coded data.
    fn stream() -> Vec<u8> {
        let mut stream = SOC_SIZ.to_vec();
        stream.extend([0, 41, 0, 0]);
        for value in [20u32, 10, 0, 0, 20 / TILES, 10, 0, 0] {
            stream.extend(value.to_be_bytes());
        }
        stream.extend([0, 1, 7, 1, 1]);
        stream.extend([0xff, 0x52, 0, 12, 0, 0, 0, 1, 0, 0, 4, 4, 0, 1]);
        for tile in 0..TILES as u8 {
            stream.extend([0xff, 0x90, 0, 10, 0, tile, 0, 0, 0, 14, 0, 1, 0xff, 0x93]);
        }
        stream.extend(EOC);
        stream
    }

    fn boxed(stream: &[u8]) -> Vec<u8> {
        let mut file = b"\0\0\0\x0cjP  \r\n\x87\n".to_vec();
        file.extend((stream.len() as u32 + 8).to_be_bytes());
        file.extend(b"jp2c");
        file.extend(stream);
        file
    }

    fn code(file: &[u8]) -> Option<&'static str> {
        check(&mut file.to_vec(), &DecodeLimits::default()).err().map(|error| error.code())
    }

    fn with(at: usize, bytes: &[u8]) -> Option<&'static str> {
        let mut stream = stream();
        stream[at..at + bytes.len()].copy_from_slice(bytes);
        code(&stream)
    }

    #[test]
    fn a_whole_file_passes_and_every_cut_is_damage() {
        for whole in [stream(), boxed(&stream())] {
            assert_eq!(code(&whole), None);
            for length in 0..whole.len() {
                assert_eq!(code(&whole[..length]), Some("image-corrupt"), "{length} bytes");
            }
        }
    }

    /// B40: lengths of boxes.
    #[test]
    fn boxes_of_wrong_length_are_damage() {
        let at = 12;
        for (length, expected) in [
            (&[0, 0, 0, 0][..], None),
            (&[0, 0, 0, 1], Some("image-corrupt")),
            (&[0, 0, 0, 7], Some("image-corrupt")),
            (&[0xff; 4], Some("image-corrupt")),
        ] {
            let mut file = boxed(&stream());
            file[at..at + 4].copy_from_slice(length);
            assert_eq!(code(&file), expected, "{length:?}");
        }
        let mut long = boxed(&[])[..12].to_vec();
        long.extend(b"\0\0\0\x01jp2c\x80\0\0\0\0\0\0\0");
        long.extend(stream());
        assert_eq!(code(&long), Some("image-corrupt"), "2^63 bytes");
        long[20..28].copy_from_slice(&(stream().len() as u64 + 16).to_be_bytes());
        assert_eq!(code(&long), None);
    }

    /// B40: sizes, components, tiles.
    #[test]
    fn sizes_are_believed_only_if_they_fit() {
        let (components, tile_width) = (40, 24);
        assert_eq!(with(components, &[0x40, 0]), Some("media-type-unsupported"));
        assert_eq!(with(components, &[0, 0]), Some("media-type-unsupported"));
        assert_eq!(with(8, &[0, 1, 0, 0]), Some("image-too-large"));
        assert_eq!(with(8, &[0xff; 16]), Some("image-corrupt"));
        assert_eq!(with(tile_width, &[0; 4]), Some("image-corrupt"));
        let mut tiny = stream();
        tiny[8..16].copy_from_slice(&[0, 0, 0x10, 0, 0, 0, 0x10, 0]);
        tiny[tile_width..tile_width + 8].copy_from_slice(&[0, 0, 0, 1, 0, 0, 0, 1]);
        assert_eq!(code(&tiny), Some("image-corrupt"), "16 million tiles");
    }

    /// B40: tile-parts.
    #[test]
    fn tile_parts_form_a_chain_to_the_end() {
        let second = stream().len() - 16;
        let length = second + 6;
        assert_eq!(with(length, &[0; 4]), None, "it reaches up to the end marker");
        assert_eq!(with(length - 14, &[0; 4]), Some("image-corrupt"), "so the second is missing");
        assert_eq!(with(length, &[0, 0, 0, 11]), Some("image-corrupt"));
        assert_eq!(with(length, &[0xff; 4]), Some("image-corrupt"));
        assert_eq!(with(second + 4, &[0, 2]), Some("image-corrupt"), "there is no tile 2");
        assert_eq!(with(second + 4, &[0, 0]), Some("image-corrupt"), "tile 1 is missing");
    }

    #[test]
    fn what_the_decoder_cannot_do_is_told_apart_from_damage() {
        let coding = 45;
        assert_eq!(with(6, &[0x40, 0]), Some("media-type-unsupported"));
        assert_eq!(with(coding + 12, &[0x40]), Some("media-type-unsupported"));
        assert_eq!(with(coding + 6, &[0, 33]), Some("media-type-unsupported"));
        assert_eq!(with(coding + 6, &[0, 32]), None);
    }
}
