//! The resources that have mementos, and what each of them was.

use crate::access::Caller;
use crate::annotations::Vocabulary;
use crate::delivery::{address, asset, stored};
use crate::error::{Answer, Problem};
use crate::http::raw_path::PathParams;
use crate::management::{json_ld, manifests as managed};
use crate::state::{PublicUrl, Shared};
use crate::text::{plain_text_of, text_path};
use dlcs_domain::access::Principal;
use dlcs_domain::{AnnotationId, AssetId, ContainerId, ManifestId};
use dlcs_iiif::link::encode_segment;
use dlcs_projections::as_of::{self, Moment};
use dlcs_projections::assets::AssetState;
use dlcs_projections::{Position, StreamId};
use serde_json::Value;

/// Something whose past is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Remembered {
    Manifest(ManifestId),
    Asset(AssetId),
    /// As plain text.
    Text(AssetId),
    Annotation(AnnotationId),
}

/// What an event means to whoever looks at a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// From now on there is something to see, other than before.
    Something,
    /// From now on there is nothing to see.
    Nothing,
    /// Nothing that can be seen has changed.
    None,
}

impl Remembered {
    pub(super) async fn of(state: &Shared, caller: &Caller, params: &PathParams) -> Answer<Self> {
        let customer = caller.customer()?;
        if let Some(id) = params.find("manifest") {
            return Ok(Self::Manifest(ManifestId { customer, id: id.to_owned() }));
        }
        if let Some(container) = params.find("container") {
            let container = ContainerId { customer, id: container.to_owned() };
            let id = params.get("annotation").to_owned();
            return Ok(Self::Annotation(AnnotationId { container, id }));
        }
        let space = asset::space_of(state, customer, params.get("space")).await?;
        let found = |name| {
            let id = AssetId::new(space, params.find(name)?);
            Some(id.map_err(|error| Problem::bad_request("invalid-id", error.to_string())))
        };
        if let Some(id) = found("page") {
            return id.map(Self::Text);
        }
        found("asset").ok_or_else(Problem::not_found)?.map(Self::Asset)
    }

    /// Returns the stream whose events change it.
    pub(super) fn stream(&self) -> StreamId {
        let (category, id) = match self {
            Self::Manifest(id) => ("manifest", id.to_string()),
            Self::Asset(id) => ("asset", id.to_string()),
            Self::Text(id) => ("transcription", id.to_string()),
            Self::Annotation(id) => ("annotation", id.to_string()),
        };
        StreamId::new(category, &id)
    }

    pub(super) fn change_of(&self, event_type: &str) -> Change {
        match (self, event_type) {
            (_, "manifest.deleted" | "asset.deleted" | "annotation.deleted")
            | (Self::Text(_), "transcription.withdrawn") => Change::Nothing,
            // The same document in another place.
            (_, "manifest.consolidated") => Change::None,
            (
                Self::Text(_),
                "transcription.recognition_completed"
                | "transcription.text_imported"
                | "transcription.corrected",
            ) => Change::Something,
            (Self::Text(_), _) => Change::None,
            (Self::Manifest(_) | Self::Asset(_) | Self::Annotation(_), _) => Change::Something,
        }
    }

    /// Returns the address at which it is now.
    pub(super) fn original(&self, base: &PublicUrl) -> String {
        match self {
            Self::Manifest(id) => address::flat_manifest(base, id),
            Self::Asset(id) => address::managed_asset(base, id),
            Self::Text(id) => base.at(text_path(id)),
            Self::Annotation(id) => base.at(Vocabulary::Web.annotation_path(id)),
        }
    }

    /// Returns the path of its TimeGate.
    pub(super) fn path(&self) -> String {
        match self {
            Self::Manifest(id) => {
                format!("/history/{}/manifests/{}", id.customer, encode_segment(&id.id))
            }
            Self::Asset(id) => asset_path(id, "images"),
            Self::Text(id) => asset_path(id, "texts"),
            Self::Annotation(id) => {
                let ContainerId { customer, id: container } = &id.container;
                let (container, id) = (encode_segment(container), encode_segment(&id.id));
                format!("/history/{customer}/annotations/{container}/{id}")
            }
        }
    }

    /// Returns what was to be seen at a position, with its media type.
    pub(super) async fn shown(
        &self,
        state: &Shared,
        principal: &Principal,
        position: Position,
    ) -> Answer<Option<(&'static str, String)>> {
        let (history, moment) = (&*state.queries.history, Moment::Position(position));
        match self {
            Self::Manifest(id) => {
                let row = as_of::manifest(history, principal, id, moment).await?;
                let Some(row) = row.filter(|it| !it.stored.deleted) else { return Ok(None) };
                let kept = managed::document_of(state, &row).await?;
                let address = self.original(&state.public_url);
                let document = stored::document(state, &row, kept, address).await?;
                Ok(Some((PRESENTATION_3, document.to_string())))
            }
            Self::Asset(id) => {
                let row = as_of::asset(history, principal, id, moment).await?;
                let row = row.filter(|it| it.state != AssetState::Deleted);
                let shown = row.map(|row| json_ld::image(&state.public_url, &row));
                Ok(shown.map(|it| (json_ld::MEDIA_TYPE, it.to_string())))
            }
            Self::Text(id) => {
                let row = as_of::page_text(history, principal, id, moment).await?;
                let Some(text) = row.and_then(|it| it.text) else { return Ok(None) };
                let text = plain_text_of(state, &text).await?;
                Ok(Some(("text/plain; charset=utf-8", text)))
            }
            Self::Annotation(id) => {
                let row = as_of::annotation(history, principal, id, moment).await?;
                let Some(row) = row.filter(|it| !it.deleted) else { return Ok(None) };
                let shown = Value::Object(Vocabulary::Web.show(&state.public_url, &row)?);
                Ok(Some((Vocabulary::Web.media_type(), shown.to_string())))
            }
        }
    }
}

const PRESENTATION_3: &str =
    "application/ld+json;profile=\"http://iiif.io/api/presentation/3/context.json\"";

fn asset_path(id: &AssetId, kind: &str) -> String {
    let space = id.space();
    let name = encode_segment(id.name());
    format!("/history/{}/spaces/{}/{kind}/{name}", space.customer, space.space.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_be_seen_is_a_moment() {
        let asset: AssetId = "1/2/page".parse().expect("an id");
        let text = Remembered::Text(asset.clone());
        for (event_type, change) in [
            ("transcription.recognition_requested", Change::None),
            ("transcription.recognition_completed", Change::Something),
            ("transcription.corrected", Change::Something),
            ("transcription.withdrawn", Change::Nothing),
        ] {
            assert_eq!(text.change_of(event_type), change, "{event_type}");
        }
        let image = Remembered::Asset(asset);
        assert_eq!(image.change_of("asset.registered"), Change::Something);
        assert_eq!(image.change_of("asset.deleted"), Change::Nothing);
    }

    /// The names stand in `wire.rs`; a misspelt one would be taken for another change.
    #[test]
    fn the_names_are_those_of_events() {
        for name in [
            "manifest.deleted",
            "asset.deleted",
            "annotation.deleted",
            "transcription.withdrawn",
            "manifest.consolidated",
            "transcription.recognition_completed",
            "transcription.text_imported",
            "transcription.corrected",
        ] {
            let is_known = dlcs_domain::wire::EVENT_TYPES.iter().any(|(known, _)| *known == name);
            assert!(is_known, "{name}");
        }
    }
}
