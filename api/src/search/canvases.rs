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
use std::collections::hash_map::Entry;

/// Names canvases of assets.
pub(super) enum Canvases {
    /// Every asset has a manifest of its own with one canvas.
    Own { names_manifest: bool },
    /// Those of a stored manifest. An asset that is painted twice is found on its first canvas.
    Stored(HashMap<AssetId, String>),
    /// Those of what a collection holds: in the first manifest that paints an asset.
    Held {
        /// Canvas, and the place of its manifest.
        canvases: HashMap<AssetId, (String, usize)>,
        manifests: Vec<Container>,
    },
}

/// A manifest that a collection holds.
pub(super) struct Held {
    manifest: Container,
    /// Images in their order, each with its canvas.
    images: Vec<(AssetId, String)>,
}

impl Held {
    pub(super) fn stored(
        state: &Shared,
        row: &ManifestRow,
        address: String,
        painted: Vec<Painted>,
    ) -> Self {
        let mut names = CanvasNames::default();
        let named = |painted: Painted| {
            let canvas = names.of(state, row, &painted).id;
            (painted.asset, canvas)
        };
        let images = painted.into_iter().map(named).collect();
        let label = row.stored.label.texts().next().map(|(_, text)| text);
        let label = label.unwrap_or(&row.id.id).to_owned();
        Self { manifest: Container { id: address, label }, images }
    }

    /// The manifest of a single image.
    pub(super) fn of_asset(base: &PublicUrl, asset: AssetId) -> Self {
        let (manifest, canvas) = (own_manifest(base, &asset), address::canvas(base, &asset));
        Self { manifest, images: vec![(asset, canvas)] }
    }
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

    /// Names canvases in what a collection holds; also returns the images on them, in order.
    pub(super) fn of_held(held: Vec<Held>) -> (Self, Vec<AssetId>) {
        let (mut canvases, mut manifests) = (HashMap::new(), Vec::with_capacity(held.len()));
        let mut assets = Vec::new();
        for (place, Held { manifest, images }) in held.into_iter().enumerate() {
            manifests.push(manifest);
            for (asset, canvas) in images {
                if let Entry::Vacant(free) = canvases.entry(asset) {
                    assets.push(free.key().clone());
                    free.insert((canvas, place));
                }
            }
        }
        (Self::Held { canvases, manifests }, assets)
    }

    pub(super) fn canvas(&self, base: &PublicUrl, asset: &AssetId) -> String {
        match self {
            Self::Own { .. } => address::canvas(base, asset),
            Self::Stored(canvases) => match canvases.get(asset) {
                Some(id) => id.clone(),
                None => address::canvas(base, asset),
            },
            Self::Held { canvases, .. } => match canvases.get(asset) {
                Some((id, _)) => id.clone(),
                None => address::canvas(base, asset),
            },
        }
    }

    /// Returns the manifest of a canvas, in searches over several.
    pub(super) fn container(&self, base: &PublicUrl, asset: &AssetId) -> Option<Container> {
        match self {
            Self::Own { names_manifest: true } => Some(own_manifest(base, asset)),
            Self::Own { names_manifest: false } | Self::Stored(_) => None,
            Self::Held { canvases, manifests } => {
                let (_, place) = canvases.get(asset)?;
                manifests.get(*place).cloned()
            }
        }
    }
}

/// Returns the manifest that an asset has for itself.
fn own_manifest(base: &PublicUrl, asset: &AssetId) -> Container {
    let version = Some(PresentationVersion::V3);
    let id = address::asset_manifest(base, version, &address::tail(asset));
    Container { id, label: asset.name().to_owned() }
}
