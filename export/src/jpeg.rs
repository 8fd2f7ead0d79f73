//! What the header of a JPEG says: its size and its colours. Nothing is decoded.

/// What has to be known of a JPEG to show it elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JpegFacts {
    pub width_px: u16,
    pub height_px: u16,
    pub colours: Colours,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colours {
    Gray,
    /// As YCbCr or not; the file itself says so.
    Rgb,
}

/// Reads the header of a JPEG (ITU-T T.81, annex B). `None`: it is none, or one of other colours.
///
/// ```
/// use dlcs_export::jpeg::{Colours, facts};
///
/// // Start, a frame of 2 × 3 pixels with one component.
/// let header = [0xff, 0xd8, 0xff, 0xc0, 0, 11, 8, 0, 3, 0, 2, 1, 1, 0x11, 0];
/// let facts = facts(&header).unwrap();
/// assert_eq!((facts.width_px, facts.height_px, facts.colours), (2, 3, Colours::Gray));
/// ```
pub fn facts(bytes: &[u8]) -> Option<JpegFacts> {
    let mut rest = bytes.strip_prefix(&[0xff, 0xd8])?;
    loop {
        let [0xff, marker, tail @ ..] = rest else { return None };
        // Before a marker there may be any number of these.
        if *marker == 0xff {
            rest = &rest[1..];
            continue;
        }
        let length = usize::from(u16::from_be_bytes([*tail.first()?, *tail.get(1)?]));
        let segment = tail.get(2..length)?;
        if is_frame(*marker) {
            return frame(segment);
        }
        // Pixels begin, or end: there was no frame.
        if matches!(marker, 0xd9 | 0xda) {
            return None;
        }
        rest = tail.get(length..)?;
    }
}

/// Start of frame: `C0` to `CF` but tables (`C4`, `CC`) and the reserved `C8`.
fn is_frame(marker: u8) -> bool {
    matches!(marker, 0xc0..=0xcf) && !matches!(marker, 0xc4 | 0xc8 | 0xcc)
}

fn frame(segment: &[u8]) -> Option<JpegFacts> {
    let [8, h1, h0, w1, w0, components, ..] = *segment else { return None };
    let colours = match components {
        1 => Colours::Gray,
        3 => Colours::Rgb,
        _ => return None,
    };
    let (width_px, height_px) = (u16::from_be_bytes([w1, w0]), u16::from_be_bytes([h1, h0]));
    (width_px > 0 && height_px > 0).then_some(JpegFacts { width_px, height_px, colours })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn tables_before_the_frame_are_skipped() {
        let mut bytes = vec![0xff, 0xd8, 0xff, 0xe0, 0, 4, 1, 2, 0xff, 0xff, 0xc4, 0, 3, 9];
        bytes.extend([0xff, 0xc2, 0, 17, 8, 1, 0, 2, 0, 3, 1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1]);
        let found = facts(&bytes).map(|it| (it.width_px, it.height_px, it.colours));
        assert_eq!(found, Some((512, 256, Colours::Rgb)));
    }

    #[test]
    fn what_cannot_be_shown_is_refused() {
        let cmyk = [0xff, 0xd8, 0xff, 0xc0, 0, 8, 8, 0, 3, 0, 2, 4];
        let empty = [0xff, 0xd8, 0xff, 0xc0, 0, 8, 8, 0, 3, 0, 0, 1];
        let pixels_first = [0xff, 0xd8, 0xff, 0xda, 0, 2];
        for bytes in [&cmyk[..], &empty, &pixels_first, b"\xff\xd8", b"GIF89a", b""] {
            assert_eq!(facts(bytes), None, "{bytes:x?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(tail in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = facts(&[&[0xff, 0xd8, 0xff][..], &tail].concat());
        }
    }
}
