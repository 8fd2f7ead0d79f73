//! Which version of a document, in which media type, an `Accept` header asks for.
//!
//! RFC 9110, section 12.5.1; Image API 3.0, section 5.1; Image API 2.1, section 5.1;
//! Presentation API 3.0, section 6.3 (responses); Presentation API 2.1, section 7.2.
//! Never refuses: a header that names nothing of ours, or is nonsense, gets the default.

use crate::image_request::ImageVersion;
use crate::presentation::PresentationVersion;

/// More ranges than any client sends; what follows is not read.
const RANGES_MAX: usize = 64;

/// A version and the `Content-Type` to send it with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Negotiated<V> {
    pub version: V,
    pub content_type: &'static str,
}

/// Negotiates an `info.json`. `fixed` is the version that the address names, if it does.
///
/// ```
/// use dlcs_iiif::ImageVersion;
/// use dlcs_iiif::negotiation::negotiate_image_info;
///
/// let accept = "application/ld+json;profile=\"http://iiif.io/api/image/2/context.json\"";
/// assert_eq!(negotiate_image_info(Some(accept), None).version, ImageVersion::V2);
/// assert_eq!(negotiate_image_info(None, None).version, ImageVersion::V3);
/// ```
pub fn negotiate_image_info(
    accept: Option<&str>,
    fixed: Option<ImageVersion>,
) -> Negotiated<ImageVersion> {
    let ranges = parse_accept(accept);
    let wanted = || wanted_version(&ranges, "iiif.io/api/image/");
    let version = fixed.unwrap_or_else(|| match wanted() {
        Some(Major::Two) => ImageVersion::V2,
        Some(Major::Three) | None => ImageVersion::V3,
    });
    let content_type = match (version, media_type(&ranges, version == ImageVersion::V3)) {
        (_, MediaType::Json) => "application/json",
        (ImageVersion::V2, MediaType::JsonLd) => {
            "application/ld+json;profile=\"http://iiif.io/api/image/2/context.json\""
        }
        (ImageVersion::V3, MediaType::JsonLd) => {
            "application/ld+json;profile=\"http://iiif.io/api/image/3/context.json\""
        }
    };
    Negotiated { version, content_type }
}

/// Negotiates a manifest or collection. `fixed` is the version that the address names.
pub fn negotiate_presentation(
    accept: Option<&str>,
    fixed: Option<PresentationVersion>,
) -> Negotiated<PresentationVersion> {
    let ranges = parse_accept(accept);
    let wanted = || wanted_version(&ranges, "iiif.io/api/presentation/");
    let version = fixed.unwrap_or_else(|| match wanted() {
        Some(Major::Two) => PresentationVersion::V2,
        Some(Major::Three) | None => PresentationVersion::V3,
    });
    let content_type = match (version, media_type(&ranges, version == PresentationVersion::V3)) {
        (_, MediaType::Json) => "application/json",
        (PresentationVersion::V2, MediaType::JsonLd) => {
            "application/ld+json;profile=\"http://iiif.io/api/presentation/2/context.json\""
        }
        (PresentationVersion::V3, MediaType::JsonLd) => {
            "application/ld+json;profile=\"http://iiif.io/api/presentation/3/context.json\""
        }
    };
    Negotiated { version, content_type }
}

/// Negotiates a document of Change Discovery 1.0; returns its `Content-Type`.
///
/// ```
/// use dlcs_iiif::negotiation::negotiate_discovery;
///
/// assert_eq!(negotiate_discovery(Some("application/json")), "application/json");
/// assert!(negotiate_discovery(None).starts_with("application/ld+json;profile="));
/// ```
pub fn negotiate_discovery(accept: Option<&str>) -> &'static str {
    match media_type(&parse_accept(accept), true) {
        MediaType::Json => "application/json",
        MediaType::JsonLd => {
            "application/ld+json;profile=\"http://iiif.io/api/discovery/1/context.json\""
        }
    }
}

/// A media range with a quality above zero.
struct MediaRange<'a> {
    /// As sent; compare without regard to case.
    media_type: &'a str,
    /// The `profile` parameter, without its quotes.
    profile: &'a str,
    /// In thousandths.
    quality: u16,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Major {
    Two,
    Three,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum MediaType {
    Json,
    JsonLd,
}

/// Chooses JSON or JSON-LD.
///
/// Version 3 sends JSON-LD unless plain JSON is preferred. Version 2 sends plain JSON unless
/// JSON-LD is asked for by name. A browser that wants to show the document (it names HTML) gets
/// plain JSON, as it would save JSON-LD to a file.
fn media_type(ranges: &[MediaRange<'_>], ld_by_default: bool) -> MediaType {
    let named = |name: &str| {
        let same = ranges.iter().filter(|range| range.media_type.eq_ignore_ascii_case(name));
        same.map(|range| range.quality).max()
    };
    match (named("application/ld+json"), named("application/json")) {
        (Some(ld), Some(json)) if ld < json => MediaType::Json,
        (Some(_), _) => MediaType::JsonLd,
        (None, Some(_)) => MediaType::Json,
        (None, None) if named("text/html").is_some() => MediaType::Json,
        (None, None) if ld_by_default => MediaType::JsonLd,
        (None, None) => MediaType::Json,
    }
}

/// Returns the version whose profile has the highest quality, the first of equals.
///
/// `family` is what stands between scheme and version in the context's address. A profile may
/// list several addresses.
fn wanted_version(ranges: &[MediaRange<'_>], family: &str) -> Option<Major> {
    let mut best: Option<(u16, Major)> = None;
    for range in ranges {
        let major = range.profile.split_ascii_whitespace().find_map(|address| {
            let rest = address.split_once("://")?.1.strip_prefix(family)?;
            match rest.split('/').next() {
                Some("2") => Some(Major::Two),
                Some("3") => Some(Major::Three),
                _ => None,
            }
        });
        let is_better = best.is_none_or(|(quality, _)| range.quality > quality);
        if let (Some(major), true) = (major, is_better) {
            best = Some((range.quality, major));
        }
    }
    best.map(|(_, major)| major)
}

fn parse_accept(accept: Option<&str>) -> Vec<MediaRange<'_>> {
    let ranges = split_unquoted(accept.unwrap_or_default(), ',');
    ranges.take(RANGES_MAX).filter_map(parse_range).collect()
}

/// Returns nothing for a range without a type, with a malformed quality, or with quality 0.
fn parse_range(text: &str) -> Option<MediaRange<'_>> {
    let mut parts = split_unquoted(text, ';').map(str::trim);
    let media_type = parts.next().filter(|it| it.contains('/'))?;
    let mut range = MediaRange { media_type, profile: "", quality: 1000 };
    for parameter in parts {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        match name.trim().to_ascii_lowercase().as_str() {
            "q" => range.quality = parse_quality(value.trim())?,
            "profile" => range.profile = value.trim().trim_matches('"'),
            _ => {}
        }
    }
    (range.quality > 0).then_some(range)
}

/// `0`, `0.123`, `1`, `1.000`: RFC 9110, section 12.4.2.
fn parse_quality(text: &str) -> Option<u16> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.len() > 3 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let thousandths: u16 = format!("{fraction:0<3}").parse().ok()?;
    match whole {
        "0" => Some(thousandths),
        "1" if thousandths == 0 => Some(1000),
        _ => None,
    }
}

/// Splits at a separator that is not inside double quotes.
fn split_unquoted(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    let mut escaped = false;
    text.split(move |character| {
        if escaped {
            escaped = false;
            return false;
        }
        match character {
            '"' => quoted = !quoted,
            '\\' if quoted => escaped = true,
            _ => {}
        }
        character == separator && !quoted
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LD_3: &str = "application/ld+json;profile=\"http://iiif.io/api/image/3/context.json\"";
    const LD_2: &str = "application/ld+json;profile=\"http://iiif.io/api/image/2/context.json\"";
    const JSON: &str = "application/json";

    /// Image API 3.0, section 5.1.
    #[test]
    fn the_accept_header_chooses_version_and_type() {
        use ImageVersion::{V2, V3};
        for (accept, version, content_type) in [
            ("", V3, LD_3),
            ("*/*", V3, LD_3),
            ("application/*", V3, LD_3),
            ("application/json", V3, JSON),
            ("application/json, */*;q=0.5", V3, JSON),
            ("application/ld+json", V3, LD_3),
            ("APPLICATION/LD+JSON", V3, LD_3),
            ("application/ld+json;q=0.5, application/json", V3, JSON),
            ("application/json;q=0.5, application/ld+json", V3, LD_3),
            ("application/json;q=0, */*", V3, LD_3),
            (LD_2, V2, LD_2),
            (LD_3, V3, LD_3),
            ("application/ld+json; profile=\"https://iiif.io/api/image/2/context.json\"", V2, LD_2),
            ("application/json;profile=http://iiif.io/api/image/2/context.json", V2, JSON),
            (
                "application/ld+json;profile=\"http://iiif.io/api/image/3/context.json\";q=0.5,\
                 application/ld+json;profile=\"http://iiif.io/api/image/2/context.json\";q=0.9",
                V2,
                LD_2,
            ),
            (
                "application/ld+json;profile=\"http://x/a,b;c http://iiif.io/api/image/2/context.json\"",
                V2,
                LD_2,
            ),
            (
                "application/ld+json;profile=\"http://iiif.io/api/presentation/2/context.json\"",
                V3,
                LD_3,
            ),
            ("application/ld+json;profile=\"http://iiif.io/api/image/22/context.json\"", V3, LD_3),
            ("text/html,application/xhtml+xml,*/*;q=0.8", V3, JSON),
            ("application/ld+json;q=NaN", V3, LD_3),
            ("application/json;q=1.5", V3, LD_3),
            ("application/json;q=1e0", V3, LD_3),
            ("\"", V3, LD_3),
            (";;;,,,===\"\\", V3, LD_3),
        ] {
            let expected = Negotiated { version, content_type };
            assert_eq!(negotiate_image_info(Some(accept), None), expected, "{accept}");
        }
    }

    /// Image API 2.1, section 5.1: plain JSON unless JSON-LD is asked for.
    #[test]
    fn an_address_with_a_version_leaves_the_type_to_choose() {
        let v2 = |accept| negotiate_image_info(accept, Some(ImageVersion::V2)).content_type;
        assert_eq!(v2(None), JSON);
        assert_eq!(v2(Some("*/*")), JSON);
        assert_eq!(v2(Some("application/ld+json")), LD_2);
        assert_eq!(v2(Some(LD_3)), LD_2);
        let v3 = negotiate_image_info(Some(LD_2), Some(ImageVersion::V3));
        assert_eq!(v3, Negotiated { version: ImageVersion::V3, content_type: LD_3 });
    }

    /// Presentation API 3.0, section 6.3; 2.1, section 7.2.
    #[test]
    fn manifests_negotiate_alike() {
        let ld_2 = "application/ld+json;profile=\"http://iiif.io/api/presentation/2/context.json\"";
        let ld_3 = "application/ld+json;profile=\"http://iiif.io/api/presentation/3/context.json\"";
        for (accept, version, content_type) in [
            (None, PresentationVersion::V3, ld_3),
            (Some(ld_2), PresentationVersion::V2, ld_2),
            (Some(ld_3), PresentationVersion::V3, ld_3),
            (Some(JSON), PresentationVersion::V3, JSON),
            (Some(LD_2), PresentationVersion::V3, ld_3),
        ] {
            let expected = Negotiated { version, content_type };
            assert_eq!(negotiate_presentation(accept, None), expected);
        }
        let fixed = negotiate_presentation(None, Some(PresentationVersion::V2));
        assert_eq!(fixed.content_type, JSON);
    }

    #[test]
    fn a_long_header_is_cut_short() {
        let long = format!("{},{LD_2}", "a/b;q=0.1,".repeat(1000));
        assert_eq!(negotiate_image_info(Some(&long), None).version, ImageVersion::V3);
    }

    proptest! {
        #[test]
        fn no_header_makes_it_panic(accept in "[ -~é]{0,200}", noise in "[\";,=\\\\/q01.]{0,80}") {
            for header in [&accept, &noise] {
                let image = negotiate_image_info(Some(header), None);
                let manifest = negotiate_presentation(Some(header), None);
                prop_assert!(image.content_type.starts_with("application/"));
                prop_assert!(manifest.content_type.starts_with("application/"));
            }
        }
    }
}
