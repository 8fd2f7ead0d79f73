//! Reading manifests back into the neutral model: what it has no place for is left out.

use serde_json::Value;

use super::json::{each, id_of, is, text};
use super::{
    AnnotationReference, Behavior, Canvas, ExternalResource, ImageResource, ImageService,
    LabelledValue, LanguageMap, Manifest, ViewingDirection, is_version_2, upgrade,
};
use crate::content_search::SearchService;
use crate::image_info::ComplianceLevel;
use crate::image_request::{Dimensions, ImageVersion};

/// Why a document is no manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    #[error("the document is no manifest of version 3.0 or 2.1")]
    NotAManifest,
    #[error("the manifest has no address")]
    NoAddress,
}

impl Manifest {
    /// Reads a manifest of version 3.0 or 2.1. What [`Manifest::to_json`] printed comes back as it
    /// was, as far as the version can say it.
    ///
    /// ```
    /// use dlcs_iiif::presentation::{LanguageMap, Manifest, PresentationVersion};
    ///
    /// let label = LanguageMap::new("en", "A book");
    /// let manifest = Manifest { label, ..Manifest::new("https://example.org/m") };
    /// for version in [PresentationVersion::V2, PresentationVersion::V3] {
    ///     let document = serde_json::from_str(&manifest.to_json(version)).unwrap();
    ///     assert_eq!(Manifest::from_json(&document), Ok(manifest.clone()));
    /// }
    /// ```
    pub fn from_json(document: &Value) -> Result<Self, ReadError> {
        if is_version_2(document) {
            return of_version_3(&upgrade(document));
        }
        of_version_3(document)
    }
}

fn of_version_3(document: &Value) -> Result<Manifest, ReadError> {
    if !is(document, "Manifest") {
        return Err(ReadError::NotAManifest);
    }
    let resources = |name: &str| each(document.get(name)).filter_map(external).collect();
    let behavior = each(document.get("behavior")).filter_map(Value::as_str);
    Ok(Manifest {
        id: id_of(document).ok_or(ReadError::NoAddress)?.to_owned(),
        label: words(document.get("label")),
        summary: words(document.get("summary")),
        metadata: each(document.get("metadata")).map(pair).collect(),
        rights: text(document, "rights").map(str::to_owned),
        required_statement: document.get("requiredStatement").map(pair),
        viewing_direction: text(document, "viewingDirection").and_then(ViewingDirection::of),
        behavior: behavior.filter_map(Behavior::of).collect(),
        thumbnail: each(document.get("thumbnail")).find_map(image),
        homepage: resources("homepage"),
        see_also: resources("seeAlso"),
        rendering: resources("rendering"),
        search: search(document),
        canvases: each(document.get("items")).filter_map(canvas).collect(),
    })
}

/// Canvases without extent in space are none that we print.
fn canvas(canvas: &Value) -> Option<Canvas> {
    let Dimensions { width, height } = size(canvas)?;
    let annotations = each(canvas.get("items")).flat_map(|page| each(page.get("items")));
    let images = annotations.flat_map(|it| each(it.get("body"))).filter(|it| is(it, "Image"));
    let resources = |name: &str| each(canvas.get(name)).filter_map(external).collect();
    let references = each(canvas.get("annotations")).filter_map(|page| {
        Some(AnnotationReference { id: id_of(page)?.to_owned(), label: words(page.get("label")) })
    });
    Some(Canvas {
        id: id_of(canvas).filter(|_| is(canvas, "Canvas"))?.to_owned(),
        label: words(canvas.get("label")),
        summary: words(canvas.get("summary")),
        metadata: each(canvas.get("metadata")).map(pair).collect(),
        width,
        height,
        images: images.filter_map(image).collect(),
        thumbnail: each(canvas.get("thumbnail")).find_map(image),
        see_also: resources("seeAlso"),
        rendering: resources("rendering"),
        annotations: references.collect(),
    })
}

/// An image whose size is not told is none that the model can hold.
fn image(image: &Value) -> Option<ImageResource> {
    Some(ImageResource {
        id: id_of(image)?.to_owned(),
        format: text(image, "format").unwrap_or_default().to_owned(),
        size: size(image)?,
        services: each(image.get("service")).filter_map(service).collect(),
    })
}

fn service(service: &Value) -> Option<ImageService> {
    let known = [("ImageService3", ImageVersion::V3), ("ImageService2", ImageVersion::V2)];
    let (_, version) = known.into_iter().find(|(kind, _)| is(service, kind))?;
    let profile = each(service.get("profile")).find_map(Value::as_str)?;
    let is_level = |level: &ComplianceLevel| {
        [level.as_str(), level.uri(ImageVersion::V2), level.uri(ImageVersion::V3)]
            .contains(&profile)
    };
    Some(ImageService {
        id: id_of(service)?.to_owned(),
        version,
        level: [ComplianceLevel::Zero, ComplianceLevel::Two].into_iter().find(is_level)?,
        source: size(service)?,
        sizes: each(service.get("sizes")).filter_map(size).collect(),
    })
}

/// Returns the search that is offered in both versions.
fn search(manifest: &Value) -> Option<SearchService> {
    let services = || each(manifest.get("service"));
    let of = |kind: &str| services().find(|it| is(it, kind));
    let (v1, v2) = (of("SearchService1")?, of("SearchService2")?);
    let within = |service: &Value| Some(id_of(each(service.get("service")).next()?)?.to_owned());
    Some(SearchService {
        search_v1: id_of(v1)?.to_owned(),
        autocomplete_v1: within(v1)?,
        search_v2: id_of(v2)?.to_owned(),
        autocomplete_v2: within(v2)?,
    })
}

fn size(resource: &Value) -> Option<Dimensions> {
    let side = |name: &str| u32::try_from(resource.get(name)?.as_u64()?).ok();
    Some(Dimensions { width: side("width")?, height: side("height")? })
}

fn external(resource: &Value) -> Option<ExternalResource> {
    Some(ExternalResource {
        id: id_of(resource)?.to_owned(),
        kind: text(resource, "type").unwrap_or_default().to_owned(),
        label: words(resource.get("label")),
        format: text(resource, "format").map(str::to_owned),
        profile: text(resource, "profile").map(str::to_owned),
    })
}

fn pair(pair: &Value) -> LabelledValue {
    LabelledValue { label: words(pair.get("label")), value: words(pair.get("value")) }
}

/// Reads a text, or a map from language to texts.
fn words(value: Option<&Value>) -> LanguageMap {
    let mut map = LanguageMap::default();
    match value {
        Some(Value::String(text)) => map = map.with(LanguageMap::NONE, text.as_str()),
        Some(Value::Object(languages)) => {
            for (language, texts) in languages {
                for text in each(Some(texts)).filter_map(Value::as_str) {
                    map = map.with(language.as_str(), text);
                }
            }
        }
        _ => {}
    }
    map
}

impl ViewingDirection {
    fn of(word: &str) -> Option<Self> {
        let all = [Self::LeftToRight, Self::RightToLeft, Self::TopToBottom, Self::BottomToTop];
        all.into_iter().find(|it| it.as_str() == word)
    }
}

impl Behavior {
    fn of(word: &str) -> Option<Self> {
        let all = [Self::Continuous, Self::Individuals, Self::Paged, Self::Unordered];
        all.into_iter().find(|it| it.as_str() == word)
    }
}
