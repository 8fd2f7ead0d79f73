//! Edits by intent: what is to happen to one canvas or one range of a manifest.
//!
//! The document of a manifest is a blob. An edit is a small event on top of it, so that two people
//! who work on different pages do not undo one another, and the history says what each meant. Now
//! and then the edited document is kept as a blob again.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Edits on top of a kept document, at most.
pub(super) const PENDING_EDITS_MAX: usize = 32;
/// Bytes of JSON that the edits on top of a kept document have, about.
pub(super) const PENDING_BYTES_MAX: usize = 32 * 1024;

/// A canvas of the client's own, or a registered asset that is painted on one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CanvasAdded {
    pub canvas: Value,
    /// Id of the canvas that comes next; absent: it is the last one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub before: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CanvasChanged {
    pub canvas_id: String,
    pub canvas: Value,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CanvasMoved {
    pub canvas_id: String,
    /// As in [`CanvasAdded`].
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub before: Option<String>,
}

/// What refers to the canvas within the table of contents goes with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CanvasRemoved {
    pub canvas_id: String,
}

/// A range is added behind the others, or takes the place of the one with its id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RangeSet {
    /// Presentation API 3.0, section 5.4, with an `id`.
    pub range: Value,
}

/// A range goes with all ranges within it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RangeRemoved {
    pub range_id: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "edit", rename_all = "snake_case")]
pub enum ManifestEdit {
    CanvasAdded(CanvasAdded),
    CanvasChanged(CanvasChanged),
    CanvasMoved(CanvasMoved),
    CanvasRemoved(CanvasRemoved),
    RangeSet(RangeSet),
    RangeRemoved(RangeRemoved),
}

impl ManifestEdit {
    /// Returns about how many bytes it has as JSON.
    pub fn length_bytes(&self) -> usize {
        serde_json::to_vec(self).map_or(0, |bytes| bytes.len())
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    #[error("there is no canvas `{0}` in this manifest")]
    NoCanvas(String),
    /// What a request refers to beside the canvas that it is about.
    #[error("`{0}` is no canvas of this manifest")]
    Unlisted(String),
    #[error("there is no range `{0}` in this manifest")]
    NoRange(String),
    #[error("there is a canvas `{0}` in this manifest already")]
    CanvasExists(String),
    #[error("the id `{0}` stands for two ranges")]
    RangeTwice(String),
    #[error("a manifest has at most 20,000 canvases")]
    Full,
    #[error("a canvas and a range need an `id`; that of a canvas stays what it is")]
    Id,
    #[error(
        "the canvases of this manifest are made of painted assets: give `asset` and `canvasPainting`"
    )]
    Painted,
    #[error("this manifest has canvases of its own: give a canvas, not a painted asset")]
    Own,
}
