//! What the history of a text says by now: shared by every read model that shows texts.

use dlcs_domain::asset::Failure;
use dlcs_domain::transcription::{
    AskedBy, ImageRef, RecognitionPhase, RecognitionSummary, TextBlobs, TextSource,
    TranscriptionEvent,
};
use dlcs_domain::{BlobRef, Languages};
use serde::{Deserialize, Serialize};

/// The newest request and the text, within one generation of the asset.
///
/// The text may be about an image that is shown no more: see [`TextState::shown`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TextState {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub asked: Option<AskedRecognition>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub text: Option<PageText>,
}

/// What was asked for last, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskedRecognition {
    pub attempt: u32,
    pub image: ImageRef,
    pub languages: Languages,
    pub asked_by: AskedBy,
    pub phase: RecognitionPhase,
}

/// A text and where its blobs are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageText {
    pub source: TextSource,
    /// Who read the page; of a corrected text, before it was corrected. `None`: imported.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub recognition: Option<RecognitionSummary>,
    pub words: u32,
    #[serde(flatten)]
    pub blobs: TextBlobs,
    /// When it became what it is, in microseconds since 1970.
    pub modified_at_us: i64,
}

/// Where the text of an asset stands.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TextStatus {
    /// There is none and nobody works on one.
    #[default]
    None,
    /// The page waits to be read; an older text may be there.
    Requested,
    Started,
    /// The newest attempt failed; an older text may be there.
    Failed(Failure),
    Ready,
}

impl TextState {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Folds an event of this generation. Results of attempts that are not the newest change
    /// nothing.
    pub fn apply(&mut self, event: &TranscriptionEvent, now_us: i64) {
        match event {
            TranscriptionEvent::RecognitionRequested(it) => {
                self.asked = Some(AskedRecognition {
                    attempt: it.attempt,
                    image: it.image.clone(),
                    languages: it.languages.clone(),
                    asked_by: it.asked_by,
                    phase: RecognitionPhase::Requested,
                });
            }
            TranscriptionEvent::RecognitionStarted(it) => {
                if let Some(asked) = &mut self.asked {
                    asked.attempt = it.attempt;
                    asked.phase = RecognitionPhase::Started;
                }
            }
            TranscriptionEvent::RecognitionCompleted(it) => {
                if self.enter(it.attempt, RecognitionPhase::Completed) {
                    self.text = Some(PageText {
                        source: TextSource::recognised(it.image.clone()),
                        recognition: Some(it.recognition.clone()),
                        words: it.recognition.words,
                        blobs: it.text.clone(),
                        modified_at_us: now_us,
                    });
                }
            }
            TranscriptionEvent::RecognitionFailed(it) => {
                self.enter(it.attempt, RecognitionPhase::Failed(it.failure.clone()));
            }
            TranscriptionEvent::TextImported(it) => {
                self.supersede();
                self.text = Some(PageText {
                    source: TextSource::imported(it.format),
                    recognition: None,
                    words: it.words,
                    blobs: it.text.clone(),
                    modified_at_us: now_us,
                });
            }
            TranscriptionEvent::Corrected(it) => {
                self.supersede();
                if let Some(text) = &mut self.text {
                    text.source.is_corrected = true;
                    text.words = it.words;
                    text.blobs = it.text.clone();
                    text.modified_at_us = now_us;
                }
            }
            TranscriptionEvent::Withdrawn(_) => {
                self.supersede();
                self.text = None;
            }
        }
    }

    /// Returns the text of an asset that delivers `original` now: recognised text of another image
    /// is not shown.
    pub fn shown(&self, original: Option<&BlobRef>) -> Option<&PageText> {
        self.text.as_ref().filter(|it| it.source.is_about(original))
    }

    /// Says where the text of an asset stands that delivers `original` now.
    pub fn status(&self, original: Option<&BlobRef>) -> TextStatus {
        let ended = match self.shown(original) {
            Some(_) => TextStatus::Ready,
            None => TextStatus::None,
        };
        let asked = self.asked.as_ref().filter(|it| Some(&it.image.original) == original);
        match asked.map(|it| &it.phase) {
            Some(RecognitionPhase::Requested) => TextStatus::Requested,
            Some(RecognitionPhase::Started) => TextStatus::Started,
            Some(RecognitionPhase::Failed(failure)) => TextStatus::Failed(failure.clone()),
            Some(RecognitionPhase::Completed | RecognitionPhase::Superseded) | None => ended,
        }
    }

    fn enter(&mut self, attempt: u32, phase: RecognitionPhase) -> bool {
        match &mut self.asked {
            Some(asked) if asked.attempt == attempt => {
                asked.phase = phase;
                true
            }
            _ => false,
        }
    }

    fn supersede(&mut self) {
        if let Some(asked) = &mut self.asked {
            asked.phase = RecognitionPhase::Superseded;
        }
    }
}
