//! The shape of Presentation API 3.0 documents. Optional and empty properties are left out.

use serde::Serialize;
use serde::ser::{SerializeSeq, Serializer};
use serde_json::Value;

use super::{Behavior, LabelledValue, LanguageMap, PresentationVersion, ViewingDirection};
use crate::content_search::{SearchService, SearchVersion};
use crate::image_info::ComplianceLevel;
use crate::image_request::{Dimensions, ImageVersion};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Manifest<'a> {
    #[serde(rename = "@context")]
    context: Context,
    id: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    label: LanguageMap,
    #[serde(skip_serializing_if = "LanguageMap::is_empty")]
    summary: &'a LanguageMap,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    metadata: Vec<Pair<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    required_statement: Option<Pair<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rights: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    viewing_direction: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    behavior: Vec<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    thumbnail: Vec<Image<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    homepage: Vec<External<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    see_also: Vec<External<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    rendering: Vec<External<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    service: Vec<SearchOffer<'a>>,
    items: Vec<Canvas<'a>>,
}

/// Section 4.6: that of an extension comes before our own.
#[derive(Serialize)]
#[serde(untagged)]
enum Context {
    One(&'static str),
    Several([&'static str; 2]),
}

/// Content Search API 1.0, section 3.1, and 2.0, section 3.1. Both are offered, version 1.0 first:
/// there are viewers that look no further.
#[derive(Serialize)]
#[serde(untagged)]
enum SearchOffer<'a> {
    V1 {
        #[serde(rename = "@context")]
        context: &'static str,
        #[serde(rename = "@id")]
        id: &'a str,
        #[serde(rename = "@type")]
        kind: &'static str,
        profile: &'static str,
        service: [AutocompleteOffer<'a>; 1],
    },
    V2 {
        id: &'a str,
        #[serde(rename = "type")]
        kind: &'static str,
        service: [AutocompleteOffer<'a>; 1],
    },
}

#[derive(Serialize)]
#[serde(untagged)]
enum AutocompleteOffer<'a> {
    V1 {
        #[serde(rename = "@id")]
        id: &'a str,
        #[serde(rename = "@type")]
        kind: &'static str,
        profile: &'static str,
    },
    V2 {
        id: &'a str,
        #[serde(rename = "type")]
        kind: &'static str,
    },
}

#[derive(Serialize)]
struct Pair<'a> {
    label: &'a LanguageMap,
    value: &'a LanguageMap,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Canvas<'a> {
    id: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "LanguageMap::is_empty")]
    label: &'a LanguageMap,
    #[serde(skip_serializing_if = "LanguageMap::is_empty")]
    summary: &'a LanguageMap,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    metadata: Vec<Pair<'a>>,
    width: u32,
    height: u32,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    thumbnail: Vec<Image<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    see_also: Vec<External<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    rendering: Vec<External<'a>>,
    items: [AnnotationPage<'a>; 1],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    annotations: Vec<Reference<'a>>,
}

#[derive(Serialize)]
struct Reference<'a> {
    id: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "LanguageMap::is_empty")]
    label: &'a LanguageMap,
}

#[derive(Serialize)]
struct AnnotationPage<'a> {
    id: String,
    #[serde(rename = "type")]
    kind: &'static str,
    items: Vec<PaintingAnnotation<'a>>,
}

#[derive(Serialize)]
struct PaintingAnnotation<'a> {
    id: String,
    #[serde(rename = "type")]
    kind: &'static str,
    motivation: &'static str,
    body: Image<'a>,
    target: &'a str,
}

#[derive(Serialize)]
struct Image<'a> {
    id: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    format: &'a str,
    width: u32,
    height: u32,
    #[serde(skip_serializing_if = "<[_]>::is_empty", serialize_with = "newest_first")]
    service: &'a [super::ImageService],
}

#[derive(Serialize)]
struct External<'a> {
    id: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(skip_serializing_if = "LanguageMap::is_empty")]
    label: &'a LanguageMap,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<&'a str>,
}

/// Section 3.3.1 (`service`): each keeps the keys of its own specification.
#[derive(Serialize)]
#[serde(untagged)]
enum Service<'a> {
    V3 {
        id: &'a str,
        #[serde(rename = "type")]
        kind: &'static str,
        profile: &'static str,
        width: u32,
        height: u32,
        #[serde(skip_serializing_if = "<[_]>::is_empty")]
        sizes: &'a [Dimensions],
    },
    V2 {
        #[serde(rename = "@id")]
        id: &'a str,
        #[serde(rename = "@type")]
        kind: &'static str,
        profile: &'static str,
        width: u32,
        height: u32,
        #[serde(skip_serializing_if = "<[_]>::is_empty")]
        sizes: &'a [Dimensions],
    },
}

impl<'a> From<&'a super::Manifest> for Manifest<'a> {
    fn from(manifest: &'a super::Manifest) -> Self {
        let label = if manifest.label.is_empty() {
            LanguageMap::none("Untitled")
        } else {
            manifest.label.clone()
        };
        Self {
            context: context(manifest),
            id: &manifest.id,
            kind: "Manifest",
            label,
            summary: &manifest.summary,
            metadata: manifest.metadata.iter().map(Pair::from).collect(),
            required_statement: manifest.required_statement.as_ref().map(Pair::from),
            rights: manifest.rights.as_deref(),
            viewing_direction: manifest.viewing_direction.map(ViewingDirection::as_str),
            behavior: manifest.behavior.iter().copied().map(Behavior::as_str).collect(),
            thumbnail: manifest.thumbnail.iter().map(Image::from).collect(),
            homepage: manifest.homepage.iter().map(External::from).collect(),
            see_also: manifest.see_also.iter().map(External::from).collect(),
            rendering: manifest.rendering.iter().map(External::from).collect(),
            service: manifest.search.iter().flat_map(offers).collect(),
            items: manifest.canvases.iter().map(Canvas::from).collect(),
        }
    }
}

impl<'a> From<&'a super::Canvas> for Canvas<'a> {
    fn from(canvas: &'a super::Canvas) -> Self {
        let paint = |(index, image)| PaintingAnnotation {
            id: format!("{}/painting/{index}", canvas.id),
            kind: "Annotation",
            motivation: "painting",
            body: Image::from(image),
            target: &canvas.id,
        };
        let page = AnnotationPage {
            id: format!("{}/painting", canvas.id),
            kind: "AnnotationPage",
            items: canvas.images.iter().enumerate().map(paint).collect(),
        };
        Self {
            id: &canvas.id,
            kind: "Canvas",
            label: &canvas.label,
            summary: &canvas.summary,
            metadata: canvas.metadata.iter().map(Pair::from).collect(),
            width: canvas.width,
            height: canvas.height,
            thumbnail: canvas.thumbnail.iter().map(Image::from).collect(),
            see_also: canvas.see_also.iter().map(External::from).collect(),
            rendering: canvas.rendering.iter().map(External::from).collect(),
            items: [page],
            annotations: canvas.annotations.iter().map(Reference::from).collect(),
        }
    }
}

fn context(manifest: &super::Manifest) -> Context {
    let ours = PresentationVersion::V3.context();
    match manifest.search {
        None => Context::One(ours),
        Some(_) => Context::Several([SearchVersion::V2.context(), ours]),
    }
}

/// Returns the services of a search as documents of version 3.0 have them.
pub fn search_services(search: &SearchService) -> Vec<Value> {
    let services = offers(search).into_iter().map(serde_json::to_value);
    services.map(|it| it.expect("a service is plain JSON")).collect()
}

/// The newer one first: Clover 3 takes the first one and cannot read version 1; Mirador 4 and
/// Universal Viewer 4 look for the profile of version 1.
fn offers(search: &SearchService) -> [SearchOffer<'_>; 2] {
    [
        SearchOffer::V2 {
            id: &search.search_v2,
            kind: "SearchService2",
            service: [AutocompleteOffer::V2 {
                id: &search.autocomplete_v2,
                kind: "AutoCompleteService2",
            }],
        },
        SearchOffer::V1 {
            context: SearchVersion::V1.context(),
            id: &search.search_v1,
            kind: "SearchService1",
            profile: "http://iiif.io/api/search/1/search",
            service: [AutocompleteOffer::V1 {
                id: &search.autocomplete_v1,
                kind: "AutoCompleteService1",
                profile: "http://iiif.io/api/search/1/autocomplete",
            }],
        },
    ]
}

impl<'a> From<&'a super::AnnotationReference> for Reference<'a> {
    fn from(reference: &'a super::AnnotationReference) -> Self {
        Self { id: &reference.id, kind: "AnnotationPage", label: &reference.label }
    }
}

impl<'a> From<&'a LabelledValue> for Pair<'a> {
    fn from(pair: &'a LabelledValue) -> Self {
        Self { label: &pair.label, value: &pair.value }
    }
}

impl<'a> From<&'a super::ImageResource> for Image<'a> {
    fn from(image: &'a super::ImageResource) -> Self {
        Self {
            id: &image.id,
            kind: "Image",
            format: &image.format,
            width: image.size.width,
            height: image.size.height,
            service: &image.services,
        }
    }
}

impl<'a> From<&'a super::ExternalResource> for External<'a> {
    fn from(external: &'a super::ExternalResource) -> Self {
        Self {
            id: &external.id,
            kind: &external.kind,
            label: &external.label,
            format: external.format.as_deref(),
            profile: external.profile.as_deref(),
        }
    }
}

impl<'a> From<&'a super::ImageService> for Service<'a> {
    fn from(service: &'a super::ImageService) -> Self {
        let Dimensions { width, height } = service.source;
        let (id, sizes) = (service.id.as_str(), service.sizes.as_slice());
        match service.version {
            ImageVersion::V3 => {
                let (kind, profile) = ("ImageService3", ComplianceLevel::as_str(service.level));
                Self::V3 { id, kind, profile, width, height, sizes }
            }
            ImageVersion::V2 => {
                let (kind, profile) = ("ImageService2", service.level.uri(ImageVersion::V2));
                Self::V2 { id, kind, profile, width, height, sizes }
            }
        }
    }
}

/// A client takes the first service that it knows.
fn newest_first<S: Serializer>(
    services: &[super::ImageService],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut sorted: Vec<_> = services.iter().collect();
    sorted.sort_by_key(|service| std::cmp::Reverse(service.version));
    let mut sequence = serializer.serialize_seq(Some(sorted.len()))?;
    for service in sorted {
        sequence.serialize_element(&Service::from(service))?;
    }
    sequence.end()
}
