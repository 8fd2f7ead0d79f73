//! What happened to a manifest.

use super::edit::{
    CanvasAdded, CanvasChanged, CanvasMoved, CanvasRemoved, ManifestEdit, RangeRemoved, RangeSet,
};
use crate::ids::BlobRef;
use crate::label::Label;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum ManifestEvent {
    Created(ManifestCreated),
    Replaced(ManifestReplaced),
    Moved(ManifestMoved),
    CanvasAdded(CanvasAdded),
    CanvasChanged(CanvasChanged),
    CanvasMoved(CanvasMoved),
    CanvasRemoved(CanvasRemoved),
    RangeSet(RangeSet),
    RangeRemoved(RangeRemoved),
    Consolidated(ManifestConsolidated),
    Deleted(ManifestDeleted),
}

impl ManifestEvent {
    /// Returns what happened to a canvas or range.
    pub fn edit(&self) -> Option<ManifestEdit> {
        Some(match self {
            Self::CanvasAdded(it) => ManifestEdit::CanvasAdded(it.clone()),
            Self::CanvasChanged(it) => ManifestEdit::CanvasChanged(it.clone()),
            Self::CanvasMoved(it) => ManifestEdit::CanvasMoved(it.clone()),
            Self::CanvasRemoved(it) => ManifestEdit::CanvasRemoved(it.clone()),
            Self::RangeSet(it) => ManifestEdit::RangeSet(it.clone()),
            Self::RangeRemoved(it) => ManifestEdit::RangeRemoved(it.clone()),
            Self::Created(_)
            | Self::Replaced(_)
            | Self::Moved(_)
            | Self::Consolidated(_)
            | Self::Deleted(_) => return None,
        })
    }
}

impl From<ManifestEdit> for ManifestEvent {
    fn from(edit: ManifestEdit) -> Self {
        match edit {
            ManifestEdit::CanvasAdded(it) => Self::CanvasAdded(it),
            ManifestEdit::CanvasChanged(it) => Self::CanvasChanged(it),
            ManifestEdit::CanvasMoved(it) => Self::CanvasMoved(it),
            ManifestEdit::CanvasRemoved(it) => Self::CanvasRemoved(it),
            ManifestEdit::RangeSet(it) => Self::RangeSet(it),
            ManifestEdit::RangeRemoved(it) => Self::RangeRemoved(it),
        }
    }
}

/// The document with all edits until then is kept whole; it says the same as before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestConsolidated {
    pub document: BlobRef,
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
