//! The image information document of version 2.1, section 5.

use serde::Serialize;
use serde_json::Value;

use super::{ComplianceLevel, ImageDescription, PROTOCOL, Tiles};
use crate::auth::AccessService;
use crate::image_request::{Dimensions, Format, ImageVersion, Quality};

/// Beyond level 2. Square regions belong to level 2 in version 3.0 only.
const FEATURES_LEVEL_2: &[&str] =
    &["canonicalLinkHeader", "mirroring", "profileLinkHeader", "regionSquare", "rotationArbitrary"];

/// Beyond level 0. `sizeByWhListed` is deprecated, but old clients look for it.
const FEATURES_LEVEL_0: &[&str] = &[
    "baseUriRedirect",
    "canonicalLinkHeader",
    "cors",
    "jsonldMediaType",
    "profileLinkHeader",
    "sizeByWhListed",
];

#[derive(Debug, Serialize)]
pub(super) struct ImageInfo<'a> {
    #[serde(rename = "@context")]
    context: &'static str,
    #[serde(rename = "@id")]
    id: &'a str,
    protocol: &'static str,
    width: u32,
    height: u32,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    sizes: Vec<Dimensions>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tiles: Option<[Tiles; 1]>,
    /// The level's URI, then what goes beyond it: section 5.3.
    profile: (&'static str, Profile),
    #[serde(skip_serializing_if = "Option::is_none")]
    license: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    service: Vec<Value>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Profile {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    formats: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_area: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_height: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_width: Option<u32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    qualities: Vec<&'static str>,
    supports: &'static [&'static str],
}

impl<'a> From<&'a ImageDescription> for ImageInfo<'a> {
    fn from(image: &'a ImageDescription) -> Self {
        Self {
            context: ImageVersion::V2.context(),
            id: &image.id,
            protocol: PROTOCOL,
            width: image.source.width,
            height: image.source.height,
            sizes: image.allowed_sizes(),
            tiles: image.allowed_tiles(),
            profile: (image.level.uri(ImageVersion::V2), Profile::from(image)),
            license: image.rights.as_deref(),
            service: image.access.iter().map(AccessService::v1).collect(),
        }
    }
}

impl From<&ImageDescription> for Profile {
    fn from(image: &ImageDescription) -> Self {
        let qualities = [Quality::Default].iter().chain(&image.qualities);
        Self {
            formats: image.formats.iter().copied().map(Format::as_str).collect(),
            max_area: image.limits.area_max,
            max_height: image.limits.height_max,
            max_width: image.limits.width_max.or(image.limits.height_max),
            qualities: qualities.copied().map(Quality::as_str).collect(),
            supports: match image.level {
                ComplianceLevel::Zero => FEATURES_LEVEL_0,
                ComplianceLevel::Two => FEATURES_LEVEL_2,
            },
        }
    }
}
