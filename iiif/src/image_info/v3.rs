//! The image information document of version 3.0, section 5.

use serde::Serialize;
use serde_json::Value;

use super::{ComplianceLevel, ImageDescription, PROTOCOL, Tiles};
use crate::auth;
use crate::image_request::{Dimensions, Format, ImageVersion, Quality};

/// Beyond level 2, in the order of the alphabet.
const FEATURES_LEVEL_2: &[&str] = &[
    "canonicalLinkHeader",
    "mirroring",
    "profileLinkHeader",
    "rotationArbitrary",
    "sizeUpscaling",
];

/// Beyond level 0.
const FEATURES_LEVEL_0: &[&str] =
    &["baseUriRedirect", "canonicalLinkHeader", "cors", "jsonldMediaType", "profileLinkHeader"];

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ImageInfo<'a> {
    #[serde(rename = "@context")]
    context: Context,
    id: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    protocol: &'static str,
    profile: &'static str,
    width: u32,
    height: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_width: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_height: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_area: Option<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    sizes: Vec<Dimensions>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tiles: Option<[Tiles; 1]>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    preferred_formats: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rights: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    extra_qualities: Vec<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    extra_formats: Vec<&'static str>,
    extra_features: &'static [&'static str],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    service: Vec<Value>,
}

/// That of the Image API comes last: section 5.1.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Context {
    Alone(&'static str),
    WithAccess([&'static str; 2]),
}

impl<'a> From<&'a ImageDescription> for ImageInfo<'a> {
    fn from(image: &'a ImageDescription) -> Self {
        Self {
            context: match image.access.is_empty() {
                true => Context::Alone(ImageVersion::V3.context()),
                false => Context::WithAccess([auth::CONTEXT_V2, ImageVersion::V3.context()]),
            },
            id: &image.id,
            kind: "ImageService3",
            protocol: PROTOCOL,
            profile: image.level.as_str(),
            width: image.source.width,
            height: image.source.height,
            max_width: image.limits.width_max.or(image.limits.height_max),
            max_height: image.limits.height_max,
            max_area: image.limits.area_max,
            sizes: image.allowed_sizes(),
            tiles: image.allowed_tiles(),
            preferred_formats: image
                .preferred_formats
                .iter()
                .copied()
                .map(Format::as_str)
                .collect(),
            rights: image.rights.as_deref(),
            extra_qualities: image.qualities.iter().copied().map(Quality::as_str).collect(),
            extra_formats: image.extra_formats(),
            extra_features: match image.level {
                ComplianceLevel::Zero => FEATURES_LEVEL_0,
                ComplianceLevel::Two => FEATURES_LEVEL_2,
            },
            // Viewers know one of both.
            service: image.access.iter().flat_map(|it| [it.v2(), it.v1()]).collect(),
        }
    }
}
