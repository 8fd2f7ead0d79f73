//! What GraphQL asks of the API, and the API of ingest: each as the other one offers it.

use dlcs_api::{AnnotationDocuments, OriginCheck, OriginRefused, PaintedNames};
use dlcs_domain::ManifestId;
use dlcs_domain::annotation::AnnotationDocument;
use dlcs_domain::manifest::document::CanvasNaming;
use dlcs_graphql::{AnnotationText, CanvasOutline, ManifestNames};
use dlcs_ingest::Origins;
use dlcs_projections::annotations::AnnotationRow;
use std::sync::Arc;

/// A canvas of the API as GraphQL takes it.
pub(super) fn outline(canvas: dlcs_api::CanvasOutline) -> CanvasOutline {
    let dlcs_api::CanvasOutline { address, label, asset } = canvas;
    CanvasOutline { address, label, asset }
}

/// Annotations as GraphQL asks the API for them.
pub(super) struct Annotations(pub(super) AnnotationDocuments);

impl AnnotationText for Annotations {
    fn read(&self, json: &str) -> Result<AnnotationDocument, String> {
        self.0.read(json)
    }

    fn show(&self, row: &AnnotationRow) -> Option<serde_json::Value> {
        self.0.show(row)
    }

    fn version(&self, document: &AnnotationDocument) -> Option<serde_json::Value> {
        self.0.version(document)
    }

    fn relative(&self, address: &str) -> String {
        self.0.relative(address)
    }

    fn absolute(&self, address: &str) -> String {
        self.0.absolute(address)
    }
}

/// Names within manifests as the API gives them.
pub(super) struct KeptNames;

impl ManifestNames for KeptNames {
    fn canvases(&self, id: &ManifestId) -> Box<dyn CanvasNaming> {
        Box::new(PaintedNames::kept(id))
    }

    fn range(&self, id: &ManifestId, name: &str) -> String {
        PaintedNames::kept(id).range_id(name)
    }
}

/// The origin port as the API asks it.
pub(super) struct Checked(pub(super) Arc<dyn Origins>);

impl OriginCheck for Checked {
    fn check(&self, origin: &str) -> Result<(), OriginRefused> {
        self.0.check(origin).map_err(|error| OriginRefused(error.to_string()))
    }
}
