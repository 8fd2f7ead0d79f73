//! A stored manifest: a document of a client, kept whole as a blob and sealed by its digest, edits of
//! its canvases and ranges since, and the place in the hierarchy that leads to it.

pub mod document;
mod edit;
mod event;
#[cfg(test)]
mod tests;

pub use edit::{
    CanvasAdded, CanvasChanged, CanvasMoved, CanvasRemoved, EditError, ManifestEdit, RangeRemoved,
    RangeSet,
};
pub use event::{
    ManifestConsolidated, ManifestCreated, ManifestDeleted, ManifestEvent, ManifestMoved,
    ManifestReplaced,
};

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
    /// What happened to its canvases and ranges since that document was kept.
    #[serde(default)]
    pub pending: Vec<ManifestEdit>,
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
    /// Edits canvases and ranges, which whoever has the document has looked at.
    Edit {
        edits: Vec<ManifestEdit>,
        /// The edited document, where one has to be kept: [`LiveManifest::is_due`].
        consolidated: Option<BlobRef>,
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
            (State::Live(_), Do::Edit { edits, consolidated }) => {
                let kept = consolidated.map(|document| ManifestConsolidated { document });
                let kept = kept.map(Then::Consolidated);
                edits.into_iter().map(Then::from).chain(kept).collect()
            }
            (State::Live(_), Do::Delete) => vec![Then::Deleted(ManifestDeleted {})],
            (State::Absent, Do::Change { .. } | Do::Edit { .. } | Do::Delete) => {
                return Err(ManifestError::NotFound);
            }
            (State::Deleted { .. }, Do::Change { .. } | Do::Edit { .. } | Do::Delete) => {
                return Err(ManifestError::Deleted);
            }
        })
    }

    fn apply(&mut self, event: &ManifestEvent) {
        let edits = self.edit_revision().saturating_add(1);
        match (&mut *self, event) {
            (_, ManifestEvent::Created(it)) => {
                let place = Place { slug: it.slug.clone(), parent: it.parent.clone() };
                let (document, pending) = (it.document.clone(), Vec::new());
                *self = Self::Live(LiveManifest { place, document, pending, edits });
            }
            (Self::Live(manifest), ManifestEvent::Replaced(it)) => {
                manifest.keep(&it.document);
                manifest.edits = edits;
            }
            // No edit of anybody: the document is what it was.
            (Self::Live(manifest), ManifestEvent::Consolidated(it)) => manifest.keep(&it.document),
            (Self::Live(manifest), ManifestEvent::Moved(it)) => {
                manifest.place = Place { slug: it.slug.clone(), parent: it.parent.clone() };
                manifest.edits = edits;
            }
            (Self::Live(_), ManifestEvent::Deleted(_)) => *self = Self::Deleted { edits },
            (Self::Live(manifest), edited) => {
                manifest.pending.extend(edited.edit());
                manifest.edits = edits;
            }
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
    fn keep(&mut self, document: &BlobRef) {
        self.document = document.clone();
        self.pending.clear();
    }

    /// Whether the document has to be kept anew with these edits.
    pub fn is_due(&self, edits: &[ManifestEdit]) -> bool {
        let pending = self.pending.iter().chain(edits);
        self.pending.len() + edits.len() >= edit::PENDING_EDITS_MAX
            || pending.map(ManifestEdit::length_bytes).sum::<usize>() > edit::PENDING_BYTES_MAX
    }

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
