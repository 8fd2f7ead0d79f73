//! `Link` header values, and identifiers as segments of addresses.

use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::image_info::ComplianceLevel;
use crate::image_request::ImageVersion;

/// What may not stand between the angle brackets of a link: RFC 8288, section 3; RFC 3986.
///
/// A comma and a semicolon may, but simple-minded readers of the header split at the latter.
const LINK_TARGET: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}')
    .add(b';');

/// Everything but the unreserved characters of RFC 3986, section 2.3, and the colon of ARKs.
const SEGMENT: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b':');

/// Returns the link to the canonical address of an image: Image API 3.0, section 4.8; 2.1, 4.7.
///
/// `canonical_path` is that of [`Resolved::canonical_path`](crate::Resolved::canonical_path).
///
/// ```
/// use dlcs_iiif::link::canonical_link;
///
/// let link = canonical_link("https://example.org/iiif-img/v3/1/2/a", "full/^max/0/default.jpg");
/// assert_eq!(
///     link,
///     "<https://example.org/iiif-img/v3/1/2/a/full/%5Emax/0/default.jpg>;rel=\"canonical\""
/// );
/// ```
pub fn canonical_link(image_id: &str, canonical_path: &str) -> String {
    let id = utf8_percent_encode(image_id.trim_end_matches('/'), LINK_TARGET);
    let path = utf8_percent_encode(canonical_path, LINK_TARGET);
    format!("<{id}/{path}>;rel=\"canonical\"")
}

/// Returns the link to the compliance level: Image API 3.0, compliance, section 4; 2.1, 5.
pub fn profile_link(version: ImageVersion, level: ComplianceLevel) -> String {
    format!("<{}>;rel=\"profile\"", level.uri(version))
}

/// Returns both links as one value of a `Link` header.
pub fn image_links(
    version: ImageVersion,
    level: ComplianceLevel,
    image_id: &str,
    canonical_path: &str,
) -> String {
    format!("{}, {}", canonical_link(image_id, canonical_path), profile_link(version, level))
}

/// Returns an identifier as one segment of an address: Image API 3.0, section 9; 2.1, section 9.
///
/// ```
/// assert_eq!(dlcs_iiif::link::encode_segment("ark:/1 é"), "ark:%2F1%20%C3%A9");
/// ```
pub fn encode_segment(identifier: &str) -> String {
    match identifier {
        // Clients take these away, whether encoded or not, so they cannot name anything.
        "." => "%2E".to_owned(),
        ".." => "%2E%2E".to_owned(),
        _ => utf8_percent_encode(identifier, SEGMENT).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_of_an_image() {
        assert_eq!(
            image_links(
                ImageVersion::V2,
                ComplianceLevel::Two,
                "http://x/1/",
                "full/90,/!0/default.jpg"
            ),
            "<http://x/1/full/90,/!0/default.jpg>;rel=\"canonical\", \
             <http://iiif.io/api/image/2/level2.json>;rel=\"profile\"",
        );
    }

    #[test]
    fn a_hostile_identifier_stays_inside_the_brackets() {
        let link =
            canonical_link("http://x/a>;rel=\"evil\"\r\nSet-Cookie: x=é", "full/max/0/default.jpg");
        assert_eq!(link.matches('>').count(), 1);
        assert!(link.is_ascii() && !link.contains(char::is_control));
    }
}
