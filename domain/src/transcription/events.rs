//! What happens to the text of an asset.

use super::values::{AskedBy, ImageRef, RecognitionSummary, TextBlobs, TextEdit, TextFormat};
use crate::asset::Failure;
use crate::ids::BlobRef;
use crate::languages::Languages;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum TranscriptionEvent {
    /// Opens attempt `attempt`.
    RecognitionRequested(RecognitionRequested),
    /// Attempt `attempt` begins; also a retry that nobody asked for opens here.
    RecognitionStarted(RecognitionStarted),
    RecognitionCompleted(RecognitionCompleted),
    RecognitionFailed(RecognitionFailed),
    /// Ends an open attempt.
    TextImported(TextImported),
    /// Ends an open attempt.
    Corrected(Corrected),
    /// Ends an open attempt.
    Withdrawn(Withdrawn),
}

impl TranscriptionEvent {
    /// Says whether a client caused it, rather than a worker or the way an asset is registered.
    pub fn is_edit(&self) -> bool {
        match self {
            Self::RecognitionRequested(it) => it.asked_by == AskedBy::Client,
            Self::TextImported(_) | Self::Corrected(_) | Self::Withdrawn(_) => true,
            Self::RecognitionStarted(_)
            | Self::RecognitionCompleted(_)
            | Self::RecognitionFailed(_) => false,
        }
    }

    /// Returns the asset's generation that it is about, where it says it.
    ///
    /// The others follow one that does, by their attempt.
    pub fn generation(&self) -> Option<u32> {
        match self {
            Self::RecognitionRequested(it) => Some(it.image.generation),
            Self::RecognitionCompleted(it) => Some(it.image.generation),
            Self::TextImported(it) => Some(it.generation),
            Self::Corrected(it) => Some(it.generation),
            Self::Withdrawn(it) => Some(it.generation),
            Self::RecognitionStarted(_) | Self::RecognitionFailed(_) => None,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecognitionRequested {
    /// From 1 on, over all generations of the asset.
    pub attempt: u32,
    pub image: ImageRef,
    pub languages: Languages,
    #[serde(skip_serializing_if = "AskedBy::is_client", default)]
    pub asked_by: AskedBy,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecognitionStarted {
    pub attempt: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecognitionCompleted {
    pub attempt: u32,
    pub image: ImageRef,
    pub recognition: RecognitionSummary,
    pub text: TextBlobs,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecognitionFailed {
    pub attempt: u32,
    #[serde(flatten)]
    pub failure: Failure,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextImported {
    /// Of the asset.
    pub generation: u32,
    pub format: TextFormat,
    /// The file as it came.
    pub source: BlobRef,
    pub words: u32,
    pub text: TextBlobs,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Corrected {
    /// Of the asset.
    pub generation: u32,
    /// What somebody wanted.
    pub edits: Vec<TextEdit>,
    /// The layout that the edits were made on.
    pub base: BlobRef,
    pub words: u32,
    /// What came of it.
    pub text: TextBlobs,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withdrawn {
    /// Of the asset.
    pub generation: u32,
}
