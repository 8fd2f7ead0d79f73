//! A stored manifest: a document of a client, kept whole as a blob and sealed by its digest, and the
//! place in the hierarchy that leads to it.

use crate::aggregate::Aggregate;
use crate::ids::BlobRef;
use crate::label::Label;
use crate::names::NameError;
use crate::place::{Place, PlacePatch};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    #[error("there is no such manifest")]
    NotFound,
    #[error("the manifest has been deleted")]
    Deleted,
    #[error("the manifest exists already")]
    AlreadyExists,
    #[error(transparent)]
    Slug(#[from] NameError),
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Manifest {
    #[default]
    Absent,
    Live(LiveManifest),
    /// Until somebody stores another one under its id.
    Deleted {
        edits: u64,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveManifest {
    pub place: Place,
    pub document: BlobRef,
    pub edits: u64,
}

/// A document, and what it is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelledBlob {
    pub blob: BlobRef,
    pub label: Label,
}

#[derive(Debug, Clone)]
pub enum ManifestCommand {
    Create {
        place: Place,
        document: LabelledBlob,
    },
    /// Moves it to another public address, replaces its document, or both.
    Change {
        place: PlacePatch,
        document: Option<LabelledBlob>,
    },
    Delete,
}

impl Manifest {
    pub fn live(&self) -> Option<&LiveManifest> {
        match self {
            Self::Live(manifest) => Some(manifest),
            Self::Absent | Self::Deleted { .. } => None,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum ManifestEvent {
    Created(ManifestCreated),
    Replaced(ManifestReplaced),
    Moved(ManifestMoved),
    Deleted(ManifestDeleted),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestCreated {
    /// Last segment of the public address, if it has one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub slug: Option<String>,
    /// Flat id of the storage collection that it is in; absent: the root collection.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub parent: Option<String>,
    pub document: BlobRef,
    /// What the document says that it is called.
    #[serde(skip_serializing_if = "Label::is_empty", default)]
    pub label: Label,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestReplaced {
    pub document: BlobRef,
    #[serde(skip_serializing_if = "Label::is_empty", default)]
    pub label: Label,
}

/// Its former address leads to the new one, until another manifest takes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestMoved {
    /// `null`: it has no public address any more but that of its id.
    pub slug: Option<String>,
    /// As in [`ManifestCreated`].
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub parent: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestDeleted {}

impl Aggregate for Manifest {
    const CATEGORY: &'static str = "manifest";
    type Command = ManifestCommand;
    type Event = ManifestEvent;
    type Error = ManifestError;

    fn handle(&self, command: ManifestCommand) -> Result<Vec<ManifestEvent>, ManifestError> {
        use {Manifest as State, ManifestCommand as Do, ManifestEvent as Then};
        Ok(match (self, command) {
            (State::Absent | State::Deleted { .. }, Do::Create { place, document }) => {
                place.check()?;
                let (Place { slug, parent }, LabelledBlob { blob, label }) = (place, document);
                vec![Then::Created(ManifestCreated { slug, parent, document: blob, label })]
            }
            (State::Live(_), Do::Create { .. }) => return Err(ManifestError::AlreadyExists),
            (State::Live(it), Do::Change { place, document }) => it.change(place, document)?,
            (State::Live(_), Do::Delete) => vec![Then::Deleted(ManifestDeleted {})],
            (State::Absent, Do::Change { .. } | Do::Delete) => return Err(ManifestError::NotFound),
            (State::Deleted { .. }, Do::Change { .. } | Do::Delete) => {
                return Err(ManifestError::Deleted);
            }
        })
    }

    fn apply(&mut self, event: &ManifestEvent) {
        let edits = self.edit_revision().saturating_add(1);
        match (&mut *self, event) {
            (_, ManifestEvent::Created(it)) => {
                let place = Place { slug: it.slug.clone(), parent: it.parent.clone() };
                *self = Self::Live(LiveManifest { place, document: it.document.clone(), edits });
            }
            (Self::Live(manifest), ManifestEvent::Replaced(it)) => {
                manifest.document = it.document.clone();
                manifest.edits = edits;
            }
            (Self::Live(manifest), ManifestEvent::Moved(it)) => {
                manifest.place = Place { slug: it.slug.clone(), parent: it.parent.clone() };
                manifest.edits = edits;
            }
            (Self::Live(_), ManifestEvent::Deleted(_)) => *self = Self::Deleted { edits },
            (Self::Absent | Self::Deleted { .. }, _) => {}
        }
    }

    fn makes_room(command: &ManifestCommand) -> bool {
        matches!(command, ManifestCommand::Delete)
    }

    fn edit_revision(&self) -> u64 {
        match self {
            Self::Absent => 0,
            Self::Live(it) => it.edits,
            Self::Deleted { edits } => *edits,
        }
    }

    fn exists(&self) -> bool {
        matches!(self, Self::Live(_))
    }
}

impl LiveManifest {
    /// Decides what is different. The same bytes once more change nothing.
    fn change(
        &self,
        place: PlacePatch,
        document: Option<LabelledBlob>,
    ) -> Result<Vec<ManifestEvent>, ManifestError> {
        let mut events = Vec::new();
        let place = place.from(&self.place);
        if place != self.place {
            place.check()?;
            let Place { slug, parent } = place;
            events.push(ManifestEvent::Moved(ManifestMoved { slug, parent }));
        }
        if let Some(it) = document.filter(|it| it.blob != self.document) {
            let replaced = ManifestReplaced { document: it.blob, label: it.label };
            events.push(ManifestEvent::Replaced(replaced));
        }
        Ok(events)
    }
}

#[cfg(test)]
mod tests {
    use super::{
        Label, LabelledBlob, Manifest, ManifestCommand as Do, ManifestCreated, ManifestDeleted,
        ManifestError, ManifestEvent as Then, ManifestMoved, ManifestReplaced,
    };
    use crate::given::given;
    use crate::ids::BlobRef;
    use crate::names::NameError;
    use crate::patch::Patch;
    use crate::place::{Place, PlacePatch};

    fn document(byte: &str) -> BlobRef {
        BlobRef { sha256: byte.repeat(32), length_bytes: 7 }
    }

    fn labelled(byte: &str) -> LabelledBlob {
        LabelledBlob { blob: document(byte), label: Label::none("Atlas") }
    }

    fn create(slug: &str) -> Do {
        Do::Create { place: Place::at_root(Some(slug.to_owned())), document: labelled("aa") }
    }

    fn created() -> Then {
        let (slug, label) = (Some("atlas".to_owned()), Label::none("Atlas"));
        Then::Created(ManifestCreated { slug, parent: None, document: document("aa"), label })
    }

    fn replaced(byte: &str) -> Then {
        let label = Label::none("Atlas");
        Then::Replaced(ManifestReplaced { document: document(byte), label })
    }

    fn moved(slug: Option<&str>, parent: Option<&str>) -> Then {
        let (slug, parent) = (slug.map(str::to_owned), parent.map(str::to_owned));
        Then::Moved(ManifestMoved { slug, parent })
    }

    #[test]
    fn a_manifest_is_created_once() {
        given::<Manifest>([]).when(create("atlas")).then([created()]);
        given::<Manifest>([created()])
            .when(create("atlas"))
            .then_refused(&ManifestError::AlreadyExists);
    }

    fn replace(byte: &str) -> Do {
        Do::Change { place: PlacePatch::default(), document: Some(labelled(byte)) }
    }

    fn deleted() -> Then {
        Then::Deleted(ManifestDeleted {})
    }

    #[test]
    fn only_other_bytes_replace() {
        given::<Manifest>([created()]).when(replace("aa")).then([]);
        given::<Manifest>([created()]).when(replace("bb")).then([replaced("bb")]);
        given::<Manifest>([]).when(replace("bb")).then_refused(&ManifestError::NotFound);
    }

    #[test]
    fn a_manifest_moves_and_may_be_replaced_on_the_way() {
        let to = |slug: &str| PlacePatch::to_slug(Patch::Set(slug.to_owned()));
        let same = Do::Change { place: to("atlas"), document: None };
        given::<Manifest>([created()]).when(same).then([]);
        let both = Do::Change { place: to("globe"), document: Some(labelled("bb")) };
        given::<Manifest>([created()])
            .when(both)
            .then([moved(Some("globe"), None), replaced("bb")]);
        let clear = Do::Change { place: PlacePatch::to_slug(Patch::Clear), document: None };
        given::<Manifest>([created()]).when(clear.clone()).then([moved(None, None)]);
        given::<Manifest>([created(), moved(None, None)]).when(clear).then([]);
        let reserved = NameError::Reserved("canvases".to_owned());
        given::<Manifest>([created()])
            .when(Do::Change { place: to("canvases"), document: None })
            .then_refused(&ManifestError::Slug(reserved));
    }

    #[test]
    fn a_manifest_moves_below_another_collection_and_keeps_its_slug() {
        let into = |parent| PlacePatch { parent, slug: Patch::Keep };
        let into_maps = Do::Change { place: into(Patch::Set("maps".to_owned())), document: None };
        let there = moved(Some("atlas"), Some("maps"));
        given::<Manifest>([created()]).when(into_maps.clone()).then([there.clone()]);
        given::<Manifest>([created(), there.clone()]).when(into_maps).then([]);
        let back = Do::Change { place: into(Patch::Clear), document: None };
        given::<Manifest>([created(), there]).when(back).then([moved(Some("atlas"), None)]);
    }

    #[test]
    fn a_deleted_manifest_is_gone_until_another_is_stored_there() {
        given::<Manifest>([created()]).when(Do::Delete).then([deleted()]);
        given::<Manifest>([]).when(Do::Delete).then_refused(&ManifestError::NotFound);
        for command in [Do::Delete, replace("bb")] {
            let gone = given::<Manifest>([created(), deleted()]).when(command);
            gone.then_refused(&ManifestError::Deleted);
        }
        given::<Manifest>([created(), deleted()]).when(create("atlas")).then([created()]);
    }

    #[test]
    fn a_slug_of_the_platform_is_refused() {
        let reserved = NameError::Reserved("paintedresources".to_owned());
        given::<Manifest>([])
            .when(create("paintedresources"))
            .then_refused(&ManifestError::Slug(reserved));
    }
}
