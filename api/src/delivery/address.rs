//! Addresses of ours, made from the public URL and never from a request's headers.

use crate::router::AddressVersion;
use crate::state::PublicUrl;
use dlcs_domain::{AssetId, CollectionId, CustomerId, ManifestId, NamedQueryId};
use dlcs_iiif::ImageVersion;
use dlcs_iiif::content_search::SearchService;
use dlcs_iiif::link::encode_segment;
use dlcs_iiif::presentation::PresentationVersion;

/// Which service of an asset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    Images,
    Thumbnails,
}

impl Service {
    fn segment(self) -> &'static str {
        match self {
            Self::Images => "iiif-img",
            Self::Thumbnails => "thumbs",
        }
    }
}

impl AddressVersion {
    pub(crate) fn image(self) -> ImageVersion {
        match self {
            Self::V2 => ImageVersion::V2,
            Self::V3 => ImageVersion::V3,
        }
    }

    pub(crate) fn presentation(self) -> PresentationVersion {
        match self {
            Self::V2 => PresentationVersion::V2,
            Self::V3 => PresentationVersion::V3,
        }
    }
}

/// Returns `1/2/page%2D7`: the asset as the last three segments of an address.
pub(crate) fn tail(id: &AssetId) -> String {
    format!("{}/{}", id.space(), encode_segment(id.name()))
}

/// Returns the base address of an image service.
pub(crate) fn service(
    base: &PublicUrl,
    service: Service,
    version: Option<ImageVersion>,
    tail: &str,
) -> String {
    let version = version.map(|version| format!("/{}", version.segment())).unwrap_or_default();
    base.at(format_args!("/{}{version}/{tail}", service.segment()))
}

/// Returns the address of an asset's own manifest.
pub(crate) fn asset_manifest(
    base: &PublicUrl,
    version: Option<PresentationVersion>,
    tail: &str,
) -> String {
    let version = version.map(|version| format!("/{}", version.segment())).unwrap_or_default();
    base.at(format_args!("/iiif-manifest{version}/{tail}"))
}

/// Returns the address of an asset's canvas: the same in every version.
pub(crate) fn canvas(base: &PublicUrl, id: &AssetId) -> String {
    base.at(format_args!("/iiif-manifest/{}/canvas", tail(id)))
}

/// Returns the address of the text of an asset in a format.
pub(crate) fn text(
    base: &PublicUrl,
    format: &str,
    version: Option<PresentationVersion>,
    tail: &str,
) -> String {
    let version = version.map(|version| format!("/{}", version.segment())).unwrap_or_default();
    base.at(format_args!("/text/{format}{version}/{tail}"))
}

/// Returns the address of the text of a stored manifest in a format.
pub(crate) fn manifest_text(base: &PublicUrl, format: &str, id: &ManifestId) -> String {
    let (customer, id) = (id.customer, encode_segment(&id.id));
    base.at(format_args!("/text/{format}/{customer}/manifests/{id}"))
}

/// Returns the search services of what is at the end of an address: `1/manifests/kant`.
pub(crate) fn search(base: &PublicUrl, tail: &str) -> SearchService {
    let at = |service: &str, version: &str| base.at(format_args!("/{service}/{version}/{tail}"));
    SearchService {
        search_v1: at("search", "v1"),
        autocomplete_v1: at("autocomplete", "v1"),
        search_v2: at("search", "v2"),
        autocomplete_v2: at("autocomplete", "v2"),
    }
}

/// Returns the tail of the services of one asset.
pub(crate) fn asset_search_tail(id: &AssetId) -> String {
    let (customer, space) = (id.customer(), id.space().space);
    format!("{customer}/assets/{space}/{}", encode_segment(id.name()))
}

/// Returns the tail of the addresses that belong to a stored manifest: `1/manifests/kant`.
pub(crate) fn manifest_tail(id: &ManifestId) -> String {
    format!("{}/manifests/{}", id.customer, encode_segment(&id.id))
}

/// Returns the tail of the services of a collection.
pub(crate) fn collection_search_tail(id: &CollectionId) -> String {
    format!("{}/collections/{}", id.customer, encode_segment(&id.id))
}

/// Returns the address of a PDF (`pdf`) or a zip (`zip`) of what is at the end of an address.
pub(crate) fn export(base: &PublicUrl, kind: &str, tail: &str) -> String {
    base.at(format_args!("/{kind}/{tail}"))
}

/// Returns the tail of the addresses that a named query has with its arguments, which are encoded.
pub(crate) fn named_query_tail(id: &NamedQueryId, arguments: &str) -> String {
    format!("{}/{}{arguments}", id.customer, encode_segment(&id.name))
}

pub(crate) fn file(base: &PublicUrl, id: &AssetId) -> String {
    base.at(format_args!("/file/{}", tail(id)))
}

/// Returns the flat address of a stored manifest.
pub(crate) fn flat_manifest(base: &PublicUrl, id: &ManifestId) -> String {
    base.at(format_args!("/{}/manifests/{}", id.customer, encode_segment(&id.id)))
}

/// Returns the flat address of a collection.
pub(crate) fn flat_collection(base: &PublicUrl, id: &CollectionId) -> String {
    base.at(format_args!("/{}/collections/{}", id.customer, encode_segment(&id.id)))
}

/// Returns the public address of a manifest or collection at a path of slugs.
pub(crate) fn public_stored(
    base: &PublicUrl,
    version: Option<PresentationVersion>,
    customer: CustomerId,
    path: &str,
) -> String {
    let path: Vec<String> = path.split('/').map(encode_segment).collect();
    format!("{}/{}", public_root(base, version, customer), path.join("/"))
}

/// Returns the public address of the root collection of a customer.
pub(crate) fn public_root(
    base: &PublicUrl,
    version: Option<PresentationVersion>,
    customer: CustomerId,
) -> String {
    let version = version.map(|version| format!("/{}", version.segment())).unwrap_or_default();
    base.at(format_args!("/iiif{version}/{customer}"))
}
/// Returns the address of everything that changed among the documents of a customer.
pub(crate) fn all_changes(base: &PublicUrl, customer: CustomerId) -> String {
    base.at(format_args!("/activity/{customer}/all-changes"))
}

/// Returns the address of some of it.
pub(crate) fn changes_page(base: &PublicUrl, customer: CustomerId, number: u64) -> String {
    base.at(format_args!("/activity/{customer}/page/{number}"))
}

/// Returns the address of the manifest of a named query. `arguments` are encoded.
pub(crate) fn named_query(
    base: &PublicUrl,
    version: Option<PresentationVersion>,
    id: &NamedQueryId,
    arguments: &str,
) -> String {
    let version = version.map(|version| format!("/{}", version.segment())).unwrap_or_default();
    base.at(format_args!("/iiif-resource{version}/{}", named_query_tail(id, arguments)))
}

/// Returns the management address of an asset.
pub(crate) fn managed_asset(base: &PublicUrl, id: &AssetId) -> String {
    base.at(managed_asset_path(id))
}

pub(crate) fn managed_asset_path(id: &AssetId) -> String {
    let (customer, space) = (id.customer(), id.space().space);
    format!("/customers/{customer}/spaces/{space}/images/{}", encode_segment(id.name()))
}
