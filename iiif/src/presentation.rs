//! Manifests: one neutral model, printed as Presentation API 3.0 and 2.1.
//!
//! The model holds what a manifest of images says; documents that clients wrote themselves are
//! kept as they are and do not pass through it. Printing is deterministic: the same manifest
//! gives the same bytes, whatever the hour; what was printed can be read again.
//!
//! Documents of other people's making go from one version to the other by [`downgrade`] and
//! [`upgrade`], once [`check`] has found nothing in them that harms a reader.

mod danger;
mod downgrade;
mod json;
mod language;
mod read;
mod upgrade;
mod v2;
mod v3;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

pub use danger::{Danger, check};
pub use downgrade::downgrade;
pub use language::LanguageMap;
pub use read::ReadError;
pub use upgrade::{is_version_2, upgrade};
pub use v3::search_services;

use crate::content_search::SearchService;
use crate::image_info::ComplianceLevel;
use crate::image_request::{Dimensions, ImageVersion};

/// Major version of the Presentation API: 3.0 or 2.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PresentationVersion {
    /// Presentation API 2.1.
    V2,
    /// Presentation API 3.0.
    V3,
}

/// An object to look at: its description and its canvases in order.
///
/// Presentation API 3.0, section 5.2; 2.1, section 5.1.
///
/// ```
/// use dlcs_iiif::image_info::ComplianceLevel;
/// use dlcs_iiif::image_request::{Dimensions, ImageVersion};
/// use dlcs_iiif::presentation::*;
///
/// let size = Dimensions { width: 3000, height: 4000 };
/// let page = ImageResource {
///     services: vec![ImageService {
///         id: "https://example.org/iiif-img/v3/1/2/page-1".into(),
///         version: ImageVersion::V3,
///         level: ComplianceLevel::Two,
///         source: size,
///         sizes: vec![],
///     }],
///     ..ImageResource::jpeg("https://example.org/iiif-img/v3/1/2/page-1/full/max/0/default.jpg", size)
/// };
/// let canvas = Canvas::of_image("https://example.org/iiif-manifest/1/2/page-1/canvas", size, page);
/// let manifest = Manifest {
///     label: LanguageMap::new("en", "A page"),
///     canvases: vec![canvas],
///     ..Manifest::new("https://example.org/iiif-manifest/v3/1/2/page-1")
/// };
/// assert!(manifest.to_json(PresentationVersion::V3).contains("\"ImageService3\""));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Manifest {
    /// Address of the document in the version that is printed.
    pub id: String,
    /// Must not be empty; an empty one is printed as `Untitled`.
    pub label: LanguageMap,
    pub summary: LanguageMap,
    pub metadata: Vec<LabelledValue>,
    /// A licence or rights statement URI.
    pub rights: Option<String>,
    pub required_statement: Option<LabelledValue>,
    pub viewing_direction: Option<ViewingDirection>,
    pub behavior: Vec<Behavior>,
    pub thumbnail: Option<ImageResource>,
    pub homepage: Vec<ExternalResource>,
    pub see_also: Vec<ExternalResource>,
    pub rendering: Vec<ExternalResource>,
    /// Search within; only where there is text to be found.
    pub search: Option<SearchService>,
    pub canvases: Vec<Canvas>,
}

/// One view of the object, with the images that are painted on it.
///
/// Presentation API 3.0, section 5.3; 2.1, section 5.3.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Canvas {
    /// The same in every version, so that annotations meet; without a fragment.
    pub id: String,
    pub label: LanguageMap,
    pub summary: LanguageMap,
    pub metadata: Vec<LabelledValue>,
    pub width: u32,
    pub height: u32,
    pub images: Vec<ImageResource>,
    pub thumbnail: Option<ImageResource>,
    pub see_also: Vec<ExternalResource>,
    pub rendering: Vec<ExternalResource>,
    /// Pages (3.0) or lists (2.1) of annotations at other addresses.
    pub annotations: Vec<AnnotationReference>,
}

/// Annotations at another address, in the version that is printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnnotationReference {
    pub id: String,
    pub label: LanguageMap,
}

/// An image at an address, and the services that give it in other sizes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageResource {
    pub id: String,
    /// Media type.
    pub format: String,
    pub size: Dimensions,
    /// All versions that there are. Version 3.0 lists them all, newest first; version 2.1
    /// names one, for its clients take the property for a single object.
    pub services: Vec<ImageService>,
}

/// An image service as a manifest refers to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageService {
    /// Address of the service in its own version.
    pub id: String,
    pub version: ImageVersion,
    pub level: ComplianceLevel,
    pub source: Dimensions,
    /// Listed for level 0, so that a client need not ask for `info.json`.
    pub sizes: Vec<Dimensions>,
}

/// A label and its value: `metadata`, `requiredStatement`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelledValue {
    pub label: LanguageMap,
    pub value: LanguageMap,
}

/// Something at another address: `rendering`, `seeAlso`, `homepage`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExternalResource {
    pub id: String,
    /// `Text`, `Image`, `Dataset`, …: Presentation API 3.0, section 3.2 (`type`).
    pub kind: String,
    pub label: LanguageMap,
    /// Media type.
    pub format: Option<String>,
    /// Schema or named functionality.
    pub profile: Option<String>,
}

/// Presentation API 3.0, section 3.2; 2.1, section 3.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ViewingDirection {
    LeftToRight,
    RightToLeft,
    TopToBottom,
    BottomToTop,
}

/// Presentation API 3.0, section 3.2; `viewingHint` in 2.1, section 3.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behavior {
    Continuous,
    Individuals,
    Paged,
    /// Version 3.0 only.
    Unordered,
}

impl Manifest {
    /// Returns a manifest with an address and nothing in it.
    pub fn new(id: impl Into<String>) -> Self {
        Self { id: id.into(), ..Self::default() }
    }

    /// Returns the document, always the same bytes for the same manifest.
    pub fn to_json(&self, version: PresentationVersion) -> String {
        let json = match version {
            PresentationVersion::V2 => serde_json::to_string(&v2::Manifest::from(self)),
            PresentationVersion::V3 => serde_json::to_string(&v3::Manifest::from(self)),
        };
        json.expect("plain structs with string keys always serialise")
    }

    /// Returns the same document, to be worked on.
    pub fn to_json_value(&self, version: PresentationVersion) -> serde_json::Value {
        let json = match version {
            PresentationVersion::V2 => serde_json::to_value(v2::Manifest::from(self)),
            PresentationVersion::V3 => serde_json::to_value(v3::Manifest::from(self)),
        };
        json.expect("plain structs with string keys always serialise")
    }
}

impl Canvas {
    /// Returns a canvas of an image's own size with that image on it.
    pub fn of_image(id: impl Into<String>, size: Dimensions, image: ImageResource) -> Self {
        let Dimensions { width, height } = size;
        Self { id: id.into(), width, height, images: vec![image], ..Self::default() }
    }
}

impl ImageResource {
    /// Returns a JPEG without services.
    pub fn jpeg(id: impl Into<String>, size: Dimensions) -> Self {
        Self { id: id.into(), format: "image/jpeg".into(), size, services: Vec::new() }
    }
}

impl PresentationVersion {
    /// Returns the path segment of our addresses: `v2` or `v3`.
    pub fn segment(self) -> &'static str {
        match self {
            Self::V2 => "v2",
            Self::V3 => "v3",
        }
    }

    /// Returns the JSON-LD context, which is the profile of the media type too.
    pub fn context(self) -> &'static str {
        match self {
            Self::V2 => "http://iiif.io/api/presentation/2/context.json",
            Self::V3 => "http://iiif.io/api/presentation/3/context.json",
        }
    }
}

impl ViewingDirection {
    fn as_str(self) -> &'static str {
        match self {
            Self::LeftToRight => "left-to-right",
            Self::RightToLeft => "right-to-left",
            Self::TopToBottom => "top-to-bottom",
            Self::BottomToTop => "bottom-to-top",
        }
    }
}

impl Behavior {
    fn as_str(self) -> &'static str {
        match self {
            Self::Continuous => "continuous",
            Self::Individuals => "individuals",
            Self::Paged => "paged",
            Self::Unordered => "unordered",
        }
    }
}
