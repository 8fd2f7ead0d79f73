//! The shape of Presentation API 2.1 documents. Optional and empty properties are left out.

use std::borrow::Cow;

use serde::Serialize;

use super::{Behavior, LabelledValue, LanguageMap, PresentationVersion, ViewingDirection};
use crate::content_search::{SearchService, SearchVersion};
use crate::image_request::{Dimensions, ImageVersion};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Manifest<'a> {
    #[serde(rename = "@context")]
    context: &'static str,
    #[serde(rename = "@id")]
    id: &'a str,
    #[serde(rename = "@type")]
    kind: &'static str,
    label: Text<'a>,
    #[serde(skip_serializing_if = "Text::is_empty")]
    description: Text<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    metadata: Vec<Pair<'a>>,
    #[serde(skip_serializing_if = "Text::is_empty")]
    attribution: Text<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    license: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    viewing_direction: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    viewing_hint: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thumbnail: Option<Image<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    related: Vec<External<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    see_also: Vec<External<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    rendering: Vec<External<'a>>,
    /// Version 2.0 of the service has no place in a document of this age.
    #[serde(skip_serializing_if = "Option::is_none")]
    service: Option<SearchOffer<'a>>,
    sequences: [Sequence<'a>; 1],
}

/// Content Search API 1.0, section 3.1.
#[derive(Serialize)]
struct SearchOffer<'a> {
    #[serde(rename = "@context")]
    context: &'static str,
    #[serde(rename = "@id")]
    id: &'a str,
    profile: &'static str,
    service: AutocompleteOffer<'a>,
}

#[derive(Serialize)]
struct AutocompleteOffer<'a> {
    #[serde(rename = "@id")]
    id: &'a str,
    profile: &'static str,
}

/// Section 5.2: the first sequence is embedded in the manifest.
#[derive(Serialize)]
struct Sequence<'a> {
    #[serde(rename = "@id")]
    id: String,
    #[serde(rename = "@type")]
    kind: &'static str,
    canvases: Vec<Canvas<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Canvas<'a> {
    #[serde(rename = "@id")]
    id: &'a str,
    #[serde(rename = "@type")]
    kind: &'static str,
    /// Required here, unlike in version 3.0.
    label: Text<'a>,
    #[serde(skip_serializing_if = "Text::is_empty")]
    description: Text<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    metadata: Vec<Pair<'a>>,
    width: u32,
    height: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    thumbnail: Option<Image<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    see_also: Vec<External<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    rendering: Vec<External<'a>>,
    images: Vec<PaintingAnnotation<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    other_content: Vec<Reference<'a>>,
}

/// Section 5.5.
#[derive(Serialize)]
struct Reference<'a> {
    #[serde(rename = "@id")]
    id: &'a str,
    #[serde(rename = "@type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Text::is_empty")]
    label: Text<'a>,
}

/// Section 5.4.
#[derive(Serialize)]
struct PaintingAnnotation<'a> {
    #[serde(rename = "@id")]
    id: String,
    #[serde(rename = "@type")]
    kind: &'static str,
    motivation: &'static str,
    resource: Image<'a>,
    on: &'a str,
}

#[derive(Serialize)]
struct Image<'a> {
    #[serde(rename = "@id")]
    id: &'a str,
    #[serde(rename = "@type")]
    kind: &'static str,
    format: &'a str,
    width: u32,
    height: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    service: Option<Service<'a>>,
}

#[derive(Serialize)]
struct Service<'a> {
    #[serde(rename = "@context")]
    context: &'static str,
    #[serde(rename = "@id")]
    id: &'a str,
    profile: &'static str,
    width: u32,
    height: u32,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    sizes: &'a [Dimensions],
}

#[derive(Serialize)]
struct External<'a> {
    #[serde(rename = "@id")]
    id: &'a str,
    #[serde(skip_serializing_if = "Text::is_empty")]
    label: Text<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<&'a str>,
}

#[derive(Serialize)]
struct Pair<'a> {
    label: Text<'a>,
    value: Text<'a>,
}

/// Section 4.3: a string, or a list of strings and of strings with their language.
#[derive(Serialize)]
#[serde(untagged)]
enum Text<'a> {
    One(Value<'a>),
    Many(Vec<Value<'a>>),
}

#[derive(Serialize)]
#[serde(untagged)]
enum Value<'a> {
    Plain(Cow<'a, str>),
    InLanguage {
        #[serde(rename = "@value")]
        value: &'a str,
        #[serde(rename = "@language")]
        language: &'a str,
    },
}

impl<'a> From<&'a super::Manifest> for Manifest<'a> {
    fn from(manifest: &'a super::Manifest) -> Self {
        let sequence = Sequence {
            id: format!("{}/sequence/normal", manifest.id),
            kind: "sc:Sequence",
            canvases: manifest.canvases.iter().enumerate().map(Canvas::from).collect(),
        };
        let hints = manifest.behavior.iter().filter(|it| **it != Behavior::Unordered);
        let statement = manifest.required_statement.as_ref().map(|it| &it.value);
        Self {
            context: PresentationVersion::V2.context(),
            id: &manifest.id,
            kind: "sc:Manifest",
            label: Text::from(&manifest.label).or("Untitled"),
            description: Text::from(&manifest.summary),
            metadata: manifest.metadata.iter().map(Pair::from).collect(),
            attribution: statement.map_or(Text::Many(Vec::new()), Text::from),
            license: manifest.rights.as_deref(),
            viewing_direction: manifest.viewing_direction.map(ViewingDirection::as_str),
            viewing_hint: hints.copied().map(Behavior::as_str).next(),
            thumbnail: manifest.thumbnail.as_ref().map(Image::from),
            related: manifest.homepage.iter().map(External::from).collect(),
            see_also: manifest.see_also.iter().map(External::from).collect(),
            rendering: manifest.rendering.iter().map(External::from).collect(),
            service: manifest.search.as_ref().map(SearchOffer::from),
            sequences: [sequence],
        }
    }
}

impl<'a> From<(usize, &'a super::Canvas)> for Canvas<'a> {
    fn from((index, canvas): (usize, &'a super::Canvas)) -> Self {
        let paint = |(index, image)| PaintingAnnotation {
            id: format!("{}/painting/{index}", canvas.id),
            kind: "oa:Annotation",
            motivation: "sc:painting",
            resource: Image::from(image),
            on: &canvas.id,
        };
        Self {
            id: &canvas.id,
            kind: "sc:Canvas",
            label: Text::from(&canvas.label).or((index + 1).to_string()),
            description: Text::from(&canvas.summary),
            metadata: canvas.metadata.iter().map(Pair::from).collect(),
            width: canvas.width,
            height: canvas.height,
            thumbnail: canvas.thumbnail.as_ref().map(Image::from),
            see_also: canvas.see_also.iter().map(External::from).collect(),
            rendering: canvas.rendering.iter().map(External::from).collect(),
            images: canvas.images.iter().enumerate().map(paint).collect(),
            other_content: canvas.annotations.iter().map(Reference::from).collect(),
        }
    }
}

impl<'a> From<&'a SearchService> for SearchOffer<'a> {
    fn from(search: &'a SearchService) -> Self {
        Self {
            context: SearchVersion::V1.context(),
            id: &search.search_v1,
            profile: "http://iiif.io/api/search/1/search",
            service: AutocompleteOffer {
                id: &search.autocomplete_v1,
                profile: "http://iiif.io/api/search/1/autocomplete",
            },
        }
    }
}

impl<'a> From<&'a super::AnnotationReference> for Reference<'a> {
    fn from(reference: &'a super::AnnotationReference) -> Self {
        let label = Text::from(&reference.label);
        Self { id: &reference.id, kind: "sc:AnnotationList", label }
    }
}

impl<'a> From<&'a super::ImageResource> for Image<'a> {
    fn from(image: &'a super::ImageResource) -> Self {
        let own_version = image.services.iter().find(|it| it.version == ImageVersion::V2);
        Self {
            id: &image.id,
            kind: "dctypes:Image",
            format: &image.format,
            width: image.size.width,
            height: image.size.height,
            service: own_version.map(Service::from),
        }
    }
}

impl<'a> From<&'a super::ImageService> for Service<'a> {
    fn from(service: &'a super::ImageService) -> Self {
        Self {
            context: service.version.context(),
            id: &service.id,
            profile: service.level.uri(service.version),
            width: service.source.width,
            height: service.source.height,
            sizes: &service.sizes,
        }
    }
}

impl<'a> From<&'a super::ExternalResource> for External<'a> {
    fn from(external: &'a super::ExternalResource) -> Self {
        Self {
            id: &external.id,
            label: Text::from(&external.label),
            format: external.format.as_deref(),
            profile: external.profile.as_deref(),
        }
    }
}

impl<'a> From<&'a LabelledValue> for Pair<'a> {
    fn from(pair: &'a LabelledValue) -> Self {
        Self { label: Text::from(&pair.label).or(""), value: Text::from(&pair.value).or("") }
    }
}

impl<'a> From<&'a LanguageMap> for Text<'a> {
    fn from(map: &'a LanguageMap) -> Self {
        let mut values: Vec<_> = map.texts().map(Value::from).collect();
        if values.len() == 1 { Self::One(values.remove(0)) } else { Self::Many(values) }
    }
}

impl<'a> From<(&'a str, &'a str)> for Value<'a> {
    fn from((language, value): (&'a str, &'a str)) -> Self {
        if language == LanguageMap::NONE {
            Self::Plain(value.into())
        } else {
            Self::InLanguage { value, language }
        }
    }
}

impl<'a> Text<'a> {
    fn is_empty(&self) -> bool {
        matches!(self, Self::Many(values) if values.is_empty())
    }

    fn or(self, fallback: impl Into<Cow<'a, str>>) -> Self {
        if self.is_empty() { Self::One(Value::Plain(fallback.into())) } else { self }
    }
}
