//! Which canvas shows a page that was found, and where that canvas is found.

use crate::delivery::address;
use crate::delivery::stored::CanvasNames;
use crate::management::manifests::Painted;
use crate::state::{PublicUrl, Shared};
use dlcs_domain::AssetId;
use dlcs_iiif::content_search::Container;
use dlcs_iiif::presentation::PresentationVersion;
use dlcs_projections::manifests::ManifestRow;
use std::collections::HashMap;

/// Names canvases of assets.
pub(super) enum Canvases {
    /// Every asset has a manifest of its own with one canvas.
    Own { names_manifest: bool },
    /// Those of a stored manifest. An asset that is painted twice is found on its first canvas.
    Stored(HashMap<AssetId, String>),
}

impl Canvases {
    pub(super) fn of_asset() -> Self {
        Self::Own { names_manifest: false }
    }

    pub(super) fn of_collection() -> Self {
        Self::Own { names_manifest: true }
    }

    pub(super) fn of_manifest(state: &Shared, row: &ManifestRow, painted: &[Painted]) -> Self {
        let mut names = CanvasNames::default();
        let mut canvases = HashMap::with_capacity(painted.len());
        for painted in painted {
            let id = names.of(state, row, painted).id;
            canvases.entry(painted.asset.clone()).or_insert(id);
        }
        Self::Stored(canvases)
    }

    pub(super) fn canvas(&self, base: &PublicUrl, asset: &AssetId) -> String {
        match self {
            Self::Own { .. } => address::canvas(base, asset),
            Self::Stored(canvases) => match canvases.get(asset) {
                Some(id) => id.clone(),
                None => address::canvas(base, asset),
            },
        }
    }

    /// Returns the manifest of a canvas, in searches over several.
    pub(super) fn container(&self, base: &PublicUrl, asset: &AssetId) -> Option<Container> {
        let Self::Own { names_manifest: true } = self else { return None };
        let version = Some(PresentationVersion::V3);
        let id = address::asset_manifest(base, version, &address::tail(asset));
        Some(Container { id, label: asset.name().to_owned() })
    }
}
