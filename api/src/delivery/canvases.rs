//! An ingested asset as a canvas: the image in every version of the service, thumbnail, original.

use super::address::{self, Service};
use super::asset::Ready;
use crate::state::Shared;
use dlcs_domain::AssetId;
use dlcs_iiif::image_info::ComplianceLevel;
use dlcs_iiif::image_request::{Dimensions, ImageVersion, Limits};
use dlcs_iiif::presentation::{
    AnnotationReference, Canvas, ExternalResource, ImageResource, ImageService, LanguageMap,
    PresentationVersion,
};

/// A thumbnail in a list is about this large, in pixels of its longer side.
const THUMBNAIL_SIDE_PX: u32 = 200;

/// What a canvas is to be called.
pub(crate) struct Naming {
    pub id: String,
    pub label: LanguageMap,
}

/// Adds what leads to the text of a canvas: its lines, and the files.
pub(crate) fn with_text(
    state: &Shared,
    asset: &AssetId,
    mut canvas: Canvas,
    version: PresentationVersion,
) -> Canvas {
    let (base, tail) = (&state.public_url, address::tail(asset));
    let file =
        |format: &str, label: &str, media_type: &str, profile: Option<&str>| ExternalResource {
            id: address::text(base, format, None, &tail),
            kind: "Text".to_owned(),
            label: LanguageMap::new("en", label),
            format: Some(media_type.to_owned()),
            profile: profile.map(str::to_owned),
        };
    let alto = Some("http://www.loc.gov/standards/alto/v4/alto-4-4.xsd");
    canvas.see_also.push(file("alto", "ALTO", "application/xml", alto));
    canvas.rendering.push(file("plain", "Text", "text/plain", None));
    canvas.annotations.push(AnnotationReference {
        id: address::text(base, "lines", Some(version), &tail),
        label: LanguageMap::new("en", "Text of this page"),
    });
    canvas
}

/// Returns the canvas of an asset in the words of one version.
pub(crate) fn canvas(
    state: &Shared,
    asset: &AssetId,
    ready: &Ready<'_>,
    naming: Naming,
    version: PresentationVersion,
) -> Canvas {
    let (size, images) = (ready.dimensions(), image(state, asset, ready, version));
    Canvas {
        id: naming.id,
        label: naming.label,
        width: size.width,
        height: size.height,
        images: images.into_iter().collect(),
        thumbnail: thumbnail(state, asset, ready, version),
        rendering: original(state, asset, ready).into_iter().collect(),
        ..Canvas::default()
    }
}

/// Paints the image service; without one the largest ready-made size.
fn image(
    state: &Shared,
    asset: &AssetId,
    ready: &Ready<'_>,
    version: PresentationVersion,
) -> Option<ImageResource> {
    if !ready.has_channel("iiif-img") {
        let largest = ready.thumbnails().into_iter().max_by_key(|size| size.area());
        return largest.and_then(|size| ready_made(state, asset, ready, size, version));
    }
    let source = ready.dimensions();
    let tail = address::tail(asset);
    let service = |version, sizes| ImageService {
        id: address::service(&state.public_url, Service::Images, Some(version), &tail),
        version,
        level: ComplianceLevel::Two,
        source,
        sizes,
    };
    let services =
        vec![service(ImageVersion::V3, Vec::new()), service(ImageVersion::V2, Vec::new())];
    let id = match version {
        PresentationVersion::V3 => format!("{}/full/max/0/default.jpg", services[0].id),
        PresentationVersion::V2 => format!("{}/full/full/0/default.jpg", services[1].id),
    };
    let size = largest_answer(&ready.limits_within(&state.limits.image), source);
    Some(ImageResource { services, ..ImageResource::jpeg(id, size) })
}

/// Returns what `max` comes to under limits.
fn largest_answer(limits: &Limits, source: Dimensions) -> Dimensions {
    use dlcs_iiif::image_request::{ImageRequest, resolve};
    let request = ImageRequest::parse_path(ImageVersion::V3, "full/max/0/default.jpg");
    let resolved =
        request.ok().and_then(|request| resolve(&request, ImageVersion::V3, source, limits).ok());
    resolved.map_or(source, |resolved| resolved.size)
}

/// Returns the smallest ready-made size that is large enough for a list.
pub(crate) fn thumbnail(
    state: &Shared,
    asset: &AssetId,
    ready: &Ready<'_>,
    version: PresentationVersion,
) -> Option<ImageResource> {
    let sizes = ready.thumbnails();
    let side = |size: &Dimensions| size.width.max(size.height);
    let enough =
        sizes.iter().filter(|size| side(size) >= THUMBNAIL_SIDE_PX).min_by_key(|it| side(it));
    let size = enough.or_else(|| sizes.iter().max_by_key(|it| side(it)))?;
    ready_made(state, asset, ready, *size, version)
}

fn ready_made(
    state: &Shared,
    asset: &AssetId,
    ready: &Ready<'_>,
    size: Dimensions,
    version: PresentationVersion,
) -> Option<ImageResource> {
    if !ready.has_channel("thumbs") {
        return None;
    }
    let tail = address::tail(asset);
    let mut services: Vec<ImageService> = [ImageVersion::V3, ImageVersion::V2]
        .into_iter()
        .map(|version| ImageService {
            id: address::service(&state.public_url, Service::Thumbnails, Some(version), &tail),
            version,
            level: ComplianceLevel::Zero,
            source: ready.dimensions(),
            sizes: ready.thumbnails(),
        })
        .collect();
    let base = match version {
        PresentationVersion::V3 => &services[0].id,
        PresentationVersion::V2 => &services[1].id,
    };
    let id = format!("{base}/full/{},{}/0/default.jpg", size.width, size.height);
    // Of a very small image there is nothing to choose from: Mirador 4 would look for a size that
    // is smaller than the image, and ask for one without a width.
    if ready.thumbnails().iter().all(|it| *it == ready.dimensions()) {
        services.clear();
    }
    Some(ImageResource { services, ..ImageResource::jpeg(id, size) })
}

fn original(state: &Shared, asset: &AssetId, ready: &Ready<'_>) -> Option<ExternalResource> {
    ready.has_channel("file").then(|| ExternalResource {
        id: address::file(&state.public_url, asset),
        kind: "Image".to_owned(),
        label: LanguageMap::new("en", "Original"),
        format: Some(ready.delivered.media_type.clone()),
        profile: None,
    })
}
