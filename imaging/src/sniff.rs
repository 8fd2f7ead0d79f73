//! Finds out what a file is by its first bytes, never by its name or by what a server called it.

use crate::error::ImageError;
use serde::{Deserialize, Serialize};

/// How many bytes [`sniff`] wants to see.
pub const SNIFF_BYTES: usize = 16;

/// A kind of source that is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum MediaType {
    #[serde(rename = "image/jpeg")]
    Jpeg,
    #[serde(rename = "image/png")]
    Png,
    #[serde(rename = "image/tiff")]
    Tiff,
    #[serde(rename = "image/webp")]
    WebP,
    #[serde(rename = "image/gif")]
    Gif,
    #[serde(rename = "image/jp2")]
    Jp2,
    /// A codestream of JPEG 2000 without the boxes of a file.
    #[serde(rename = "image/j2c")]
    J2k,
}

impl MediaType {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Tiff => "image/tiff",
            Self::WebP => "image/webp",
            Self::Gif => "image/gif",
            Self::Jp2 => "image/jp2",
            Self::J2k => "image/j2c",
        }
    }
}

/// Returns the kind of a file that begins with `head`.
///
/// The first signature wins: a JPEG with an archive behind it is a JPEG.
pub fn sniff(head: &[u8]) -> Result<MediaType, ImageError> {
    if head.is_empty() {
        return Err(ImageError::corrupt("the file is empty"));
    }
    let tiff = [&b"II*\0"[..], b"MM\0*", b"II+\0", b"MM\0+"];
    if head.starts_with(b"\xff\xd8\xff") {
        return Ok(MediaType::Jpeg);
    }
    if head.starts_with(b"\x89PNG\r\n\x1a\n") {
        return Ok(MediaType::Png);
    }
    if tiff.iter().any(|magic| head.starts_with(magic)) {
        return Ok(MediaType::Tiff);
    }
    if head.starts_with(b"RIFF") && head.get(8..12) == Some(b"WEBP") {
        return Ok(MediaType::WebP);
    }
    if head.starts_with(b"GIF87a") || head.starts_with(b"GIF89a") {
        return Ok(MediaType::Gif);
    }
    if head.starts_with(b"\0\0\0\x0cjP  \r\n\x87\n") {
        return Ok(MediaType::Jp2);
    }
    if head.starts_with(b"\xff\x4f\xff\x51") {
        return Ok(MediaType::J2k);
    }
    Err(ImageError::unsupported(format!(
        "the content is {}; JPEG, PNG, TIFF, WebP, GIF and JPEG 2000 are accepted",
        name_of_unsupported(head)
    )))
}

fn name_of_unsupported(head: &[u8]) -> &'static str {
    match head {
        [b'B', b'M', ..] => "BMP",
        [b'%', b'P', b'D', b'F', ..] => "PDF",
        [b'<', ..] => "markup, not an image",
        _ => "no image that is known here",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(head: &[u8], expected: Result<MediaType, &'static str>) {
        assert_eq!(sniff(head).map_err(|error| error.code()), expected, "{head:?}");
    }

    #[test]
    fn content_decides() {
        check(b"\xff\xd8\xff\xe0", Ok(MediaType::Jpeg));
        check(b"\x89PNG\r\n\x1a\n....", Ok(MediaType::Png));
        check(b"II*\0", Ok(MediaType::Tiff));
        check(b"MM\0*", Ok(MediaType::Tiff));
        check(b"II+\0\x08\0\0\0", Ok(MediaType::Tiff));
        check(b"RIFF\x10\0\0\0WEBPVP8 ", Ok(MediaType::WebP));
        check(b"RIFF\x10\0\0\0WAVE", Err("media-type-unsupported"));
        check(b"GIF89a", Ok(MediaType::Gif));
        check(b"GIF80a", Err("media-type-unsupported"));
        check(b"\0\0\0\x0cjP  \r\n\x87\n", Ok(MediaType::Jp2));
        check(b"\xff\x4f\xff\x51", Ok(MediaType::J2k));
        check(b"\0\0\0\x0cjP  \r\n\x88\n", Err("media-type-unsupported"));
        check(b"<svg xmlns", Err("media-type-unsupported"));
        check(b"PK\x03\x04", Err("media-type-unsupported"));
        check(b"\xff", Err("media-type-unsupported"));
        check(b"", Err("image-corrupt"));
    }
}
