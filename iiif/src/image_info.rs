//! `info.json`: Image API 3.0, section 5, and 2.1, section 5.
//!
//! One [`ImageDescription`] prints as either version. Sizes and tiles that the limits forbid are
//! left out, as section 5.2 demands.

mod v2;
mod v3;

use serde::Serialize;

use crate::auth::AccessService;
use crate::image_request::{Dimensions, Format, ImageVersion, Limits, Quality, TileGrid};

/// The value of `protocol`, and what all versions have in common.
const PROTOCOL: &str = "http://iiif.io/api/image";

/// What there is to say about an image as a service.
///
/// ```
/// use dlcs_iiif::image_info::ImageDescription;
/// use dlcs_iiif::{Dimensions, ImageVersion};
///
/// let source = Dimensions { width: 6000, height: 4000 };
/// let image = ImageDescription::level2("https://example.org/iiif-img/v3/1/2/a", source);
/// let json = image.to_json(ImageVersion::V3);
/// assert!(json.starts_with(r#"{"@context":"http://iiif.io/api/image/3/context.json","id":"#));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageDescription {
    /// Base address of the service in the version that is printed, without a slash at the end.
    pub id: String,
    pub level: ComplianceLevel,
    pub source: Dimensions,
    /// Ready-made sizes of the whole image.
    pub sizes: Vec<Dimensions>,
    pub tiles: Option<TileGrid>,
    pub limits: Limits,
    /// Qualities beside `default` that differ from each other for this image.
    pub qualities: Vec<Quality>,
    pub formats: Vec<Format>,
    /// Most wanted first; must be among `formats`.
    pub preferred_formats: Vec<Format>,
    /// A licence or rights statement URI.
    pub rights: Option<String>,
    /// How readers get in, in this order.
    pub access: Vec<AccessService>,
}

/// How much of the Image API a service offers: Image API 3.0 and 2.1, compliance document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ComplianceLevel {
    /// Ready-made sizes only.
    Zero,
    /// Any region, any size, quarter turns.
    Two,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Tiles {
    width: u32,
    scale_factors: Vec<u32>,
}

impl ImageDescription {
    /// Describes a service that makes any region, size, rotation, quality and format of ours.
    pub fn level2(id: impl Into<String>, source: Dimensions) -> Self {
        Self {
            id: id.into(),
            level: ComplianceLevel::Two,
            source,
            sizes: Vec::new(),
            tiles: None,
            limits: Limits::default(),
            qualities: vec![Quality::Color, Quality::Gray, Quality::Bitonal],
            formats: Format::ALL.to_vec(),
            // Tiles are stored as JPEG: nothing is quicker to send.
            preferred_formats: vec![Format::Jpg],
            rights: None,
            access: Vec::new(),
        }
    }

    /// Describes a service of ready-made sizes as JPEG.
    ///
    /// The largest of them is the limit: it is what `max` gives.
    pub fn level0(id: impl Into<String>, source: Dimensions, sizes: Vec<Dimensions>) -> Self {
        let limits = Limits {
            width_max: sizes.iter().map(|size| size.width).max(),
            height_max: sizes.iter().map(|size| size.height).max(),
            ..Limits::default()
        };
        Self {
            level: ComplianceLevel::Zero,
            sizes,
            limits,
            qualities: Vec::new(),
            formats: vec![Format::Jpg],
            preferred_formats: Vec::new(),
            ..Self::level2(id, source)
        }
    }

    /// Returns the document, always the same bytes for the same description.
    pub fn to_json(&self, version: ImageVersion) -> String {
        let json = match version {
            ImageVersion::V2 => serde_json::to_string(&v2::ImageInfo::from(self)),
            ImageVersion::V3 => serde_json::to_string(&v3::ImageInfo::from(self)),
        };
        json.expect("plain structs with string keys always serialise")
    }

    /// Smallest first, without repeats, within the limits.
    fn allowed_sizes(&self) -> Vec<Dimensions> {
        let is_allowed = |size: &&Dimensions| self.limits.allow(**size);
        let mut sizes: Vec<Dimensions> = self.sizes.iter().filter(is_allowed).copied().collect();
        sizes.sort_by_key(|size| (size.width, size.height));
        sizes.dedup();
        sizes
    }

    fn allowed_tiles(&self) -> Option<[Tiles; 1]> {
        let TileGrid { tile_side, scale_factors } = self.tiles.as_ref()?;
        let largest = Dimensions {
            width: self.source.width.min(*tile_side),
            height: self.source.height.min(*tile_side),
        };
        let is_allowed = self.limits.allow(largest) && !scale_factors.is_empty();
        is_allowed.then(|| [Tiles { width: *tile_side, scale_factors: scale_factors.clone() }])
    }

    /// The formats that the level does not promise already.
    fn extra_formats(&self) -> Vec<&'static str> {
        let promised: &[Format] = match self.level {
            ComplianceLevel::Zero => &[Format::Jpg],
            ComplianceLevel::Two => &[Format::Jpg, Format::Png],
        };
        let extra = self.formats.iter().filter(|format| !promised.contains(format));
        extra.map(|format| format.as_str()).collect()
    }
}

impl ComplianceLevel {
    /// Returns the address of the profile document.
    pub fn uri(self, version: ImageVersion) -> &'static str {
        match (version, self) {
            (ImageVersion::V2, Self::Zero) => "http://iiif.io/api/image/2/level0.json",
            (ImageVersion::V2, Self::Two) => "http://iiif.io/api/image/2/level2.json",
            (ImageVersion::V3, Self::Zero) => "http://iiif.io/api/image/3/level0.json",
            (ImageVersion::V3, Self::Two) => "http://iiif.io/api/image/3/level2.json",
        }
    }

    /// Returns the word of version 3.0.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Zero => "level0",
            Self::Two => "level2",
        }
    }
}

impl ImageVersion {
    /// Returns the JSON-LD context, which is the profile of the media type too.
    pub fn context(self) -> &'static str {
        match self {
            Self::V2 => "http://iiif.io/api/image/2/context.json",
            Self::V3 => "http://iiif.io/api/image/3/context.json",
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const SOURCE: Dimensions = Dimensions { width: 6000, height: 4000 };

    fn image() -> ImageDescription {
        ImageDescription {
            sizes: vec![
                Dimensions { width: 600, height: 400 },
                Dimensions { width: 150, height: 100 },
                Dimensions { width: 6000, height: 4000 },
            ],
            tiles: Some(TileGrid { tile_side: 512, scale_factors: vec![1, 2, 4, 8] }),
            limits: Limits {
                width_max: Some(5000),
                area_max: Some(20_000_000),
                ..Limits::default()
            },
            rights: Some("http://rightsstatements.org/vocab/InC-EDU/1.0/".into()),
            ..ImageDescription::level2("https://example.org/a", SOURCE)
        }
    }

    fn parsed(image: &ImageDescription, version: ImageVersion) -> Value {
        serde_json::from_str(&image.to_json(version)).unwrap()
    }

    /// Image API 3.0, sections 5.2 to 5.7.
    #[test]
    fn level_2_in_3_0() {
        let expected = json!({
            "@context": "http://iiif.io/api/image/3/context.json",
            "id": "https://example.org/a",
            "type": "ImageService3",
            "protocol": "http://iiif.io/api/image",
            "profile": "level2",
            "width": 6000,
            "height": 4000,
            "maxWidth": 5000,
            "maxArea": 20_000_000,
            "sizes": [{"width": 150, "height": 100}, {"width": 600, "height": 400}],
            "tiles": [{"width": 512, "scaleFactors": [1, 2, 4, 8]}],
            "preferredFormats": ["jpg"],
            "rights": "http://rightsstatements.org/vocab/InC-EDU/1.0/",
            "extraQualities": ["color", "gray", "bitonal"],
            "extraFormats": ["webp", "tif", "gif"],
            "extraFeatures": [
                "canonicalLinkHeader", "mirroring", "profileLinkHeader", "rotationArbitrary",
                "sizeUpscaling",
            ],
        });
        assert_eq!(parsed(&image(), ImageVersion::V3), expected);
    }

    /// Image API 2.1, sections 5.2 to 5.4.
    #[test]
    fn level_2_in_2_1() {
        let expected = json!({
            "@context": "http://iiif.io/api/image/2/context.json",
            "@id": "https://example.org/a",
            "protocol": "http://iiif.io/api/image",
            "width": 6000,
            "height": 4000,
            "sizes": [{"width": 150, "height": 100}, {"width": 600, "height": 400}],
            "tiles": [{"width": 512, "scaleFactors": [1, 2, 4, 8]}],
            "profile": ["http://iiif.io/api/image/2/level2.json", {
                "formats": ["jpg", "png", "webp", "tif", "gif"],
                "maxArea": 20_000_000,
                "maxWidth": 5000,
                "qualities": ["default", "color", "gray", "bitonal"],
                "supports": [
                    "canonicalLinkHeader", "mirroring", "profileLinkHeader", "regionSquare",
                    "rotationArbitrary",
                ],
            }],
            "license": "http://rightsstatements.org/vocab/InC-EDU/1.0/",
        });
        assert_eq!(parsed(&image(), ImageVersion::V2), expected);
    }

    /// Image API 3.0 and 2.1, compliance, section 5 (Level 0).
    #[test]
    fn level_0_gives_its_sizes_and_no_more() {
        let sizes = image().sizes[..2].to_vec();
        let thumbs = ImageDescription::level0("https://example.org/thumbs/a", SOURCE, sizes);
        let v3 = parsed(&thumbs, ImageVersion::V3);
        assert_eq!(v3["profile"], "level0");
        assert_eq!((&v3["maxWidth"], &v3["maxHeight"]), (&json!(600), &json!(400)));
        assert_eq!(v3["sizes"][1], json!({"width": 600, "height": 400}));
        let absent = ["tiles", "extraQualities", "extraFormats", "preferredFormats"];
        assert!(absent.iter().all(|key| v3.get(key).is_none()), "{v3}");
        let v2 = parsed(&thumbs, ImageVersion::V2);
        assert_eq!(v2["profile"][0], "http://iiif.io/api/image/2/level0.json");
        assert_eq!(v2["profile"][1]["maxWidth"], 600);
    }

    /// Image API 3.0, section 5.2: `@context` should come first; sizes and tiles obey the limits.
    #[test]
    fn documents_keep_the_rules_of_the_specification() {
        let tight = Limits { width_max: Some(100), ..Limits::default() };
        let image = ImageDescription { limits: tight, ..image() };
        for version in [ImageVersion::V2, ImageVersion::V3] {
            let text = image.to_json(version);
            assert!(text.starts_with("{\"@context\":"));
            assert!(!text.contains("\"sizes\"") && !text.contains("\"tiles\""), "{text}");
        }
    }
}
