//! The text of an asset: recognised, imported, corrected.
//!
//! - A stream of its own beside the asset's, under the same id; it knows the asset's generation
//!   and begins afresh with a newer one.
//! - An attempt is one try to recognise the page; the late result of an old attempt changes nothing.
//! - An import or a correction ends an open attempt. What a client asks for overwrites any text;
//!   what follows from how the asset is registered overwrites nothing that a client wanted.
//! - The text that is there stays while the page is recognised again, until there is another.
//! - Recognised text holds for one original, imported text for the asset.

mod events;
#[cfg(test)]
mod tests;
mod values;

pub use events::*;
pub use values::*;

use crate::aggregate::Aggregate;
use crate::asset::{Failure, IngestErrorCode, TRIES_MAX};
use crate::ids::BlobRef;
use crate::languages::Languages;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TranscriptionError {
    #[error("the asset has no text")]
    NoText,
    #[error("the asset has been deleted")]
    Deleted,
    #[error("no language is given")]
    NoLanguage,
    #[error("the text has changed since it was read")]
    BaseChanged,
    #[error("{0}")]
    InvalidEdits(&'static str),
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Transcription {
    /// Of the asset; everything here is about it.
    pub generation: u32,
    /// The newest attempt, over all generations.
    pub attempt: u32,
    /// What was asked for last.
    pub recognition: Option<Recognition>,
    pub text: Option<CurrentText>,
    pub edits: u64,
}

/// The newest request and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recognition {
    pub image: ImageRef,
    pub languages: Languages,
    pub asked_by: AskedBy,
    pub phase: RecognitionPhase,
    /// Starts since somebody last asked.
    pub tries: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecognitionPhase {
    /// Opened, and not begun.
    Requested,
    Started,
    Completed,
    Failed(Failure),
    /// A client imported, corrected or withdrew meanwhile, or since.
    Superseded,
}

/// The text as it is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CurrentText {
    pub source: TextSource,
    pub blobs: TextBlobs,
}

/// What somebody wants of the text of an asset. The generation and the image are the asset's.
#[derive(Debug, Clone)]
pub enum TranscriptionCommand {
    /// Opens an attempt, unless the same one waits.
    Request {
        image: ImageRef,
        languages: Languages,
        asked_by: AskedBy,
    },
    /// From the recognition process manager: opens the attempt that is due, or nothing.
    ///
    /// An attempt that has begun and has no result is taken for dead and the next one begins;
    /// the caller holds the lease that makes this true.
    StartRecognition {
        generation: u32,
        now_us: i64,
    },
    ReportRecognised {
        generation: u32,
        attempt: u32,
        recognition: RecognitionSummary,
        text: TextBlobs,
    },
    /// The next attempt, if any, follows from [`crate::asset::retry_policy`].
    ReportFailed {
        generation: u32,
        attempt: u32,
        code: IngestErrorCode,
        detail: String,
        now_us: i64,
    },
    Import {
        generation: u32,
        format: TextFormat,
        source: BlobRef,
        words: u32,
        text: TextBlobs,
    },
    /// `original` is what the asset delivers now; recognised text of another one is not there.
    Correct {
        generation: u32,
        original: Option<BlobRef>,
        edits: Vec<TextEdit>,
        base: BlobRef,
        words: u32,
        text: TextBlobs,
    },
    /// Takes the text away, and ends an open attempt.
    Withdraw {
        generation: u32,
    },
}

impl TranscriptionCommand {
    fn generation(&self) -> u32 {
        match self {
            Self::Request { image, .. } => image.generation,
            Self::StartRecognition { generation, .. }
            | Self::ReportRecognised { generation, .. }
            | Self::ReportFailed { generation, .. }
            | Self::Import { generation, .. }
            | Self::Correct { generation, .. }
            | Self::Withdraw { generation } => *generation,
        }
    }

    /// Says whether it may come late, whatever became of the asset.
    fn is_background(&self) -> bool {
        matches!(
            self,
            Self::Request { asked_by: AskedBy::Registration, .. }
                | Self::StartRecognition { .. }
                | Self::ReportRecognised { .. }
                | Self::ReportFailed { .. }
        )
    }
}

impl Recognition {
    /// Says whether an attempt is open: waiting, running, or waiting to be repeated.
    pub fn is_open(&self) -> bool {
        match &self.phase {
            RecognitionPhase::Requested | RecognitionPhase::Started => true,
            RecognitionPhase::Failed(failure) => failure.next_attempt_at_us.is_some(),
            RecognitionPhase::Completed | RecognitionPhase::Superseded => false,
        }
    }
}

impl Transcription {
    /// Returns the text of an asset that is in `generation` and delivers `original`.
    pub fn text_of(&self, generation: u32, original: Option<&BlobRef>) -> Option<&CurrentText> {
        let text = self.text.as_ref().filter(|it| it.source.is_about(original));
        text.filter(|_| generation == self.generation)
    }

    fn next_attempt(&self) -> u32 {
        self.attempt.saturating_add(1)
    }

    /// Returns the running attempt, if a result of `attempt` is what it waits for.
    fn awaited(&self, attempt: u32) -> Option<&Recognition> {
        let running = |it: &&Recognition| it.phase == RecognitionPhase::Started;
        self.recognition.as_ref().filter(running).filter(|_| attempt == self.attempt)
    }
}

impl Aggregate for Transcription {
    const CATEGORY: &'static str = "transcription";
    type Command = TranscriptionCommand;
    type Event = TranscriptionEvent;
    type Error = TranscriptionError;

    fn handle(
        &self,
        command: TranscriptionCommand,
    ) -> Result<Vec<TranscriptionEvent>, TranscriptionError> {
        let generation = command.generation();
        if generation < self.generation {
            let is_late = command.is_background();
            return if is_late { Ok(vec![]) } else { Err(TranscriptionError::Deleted) };
        }
        if generation > self.generation {
            return self.begun_afresh(generation).decided(command);
        }
        self.decided(command)
    }

    fn apply(&mut self, event: &TranscriptionEvent) {
        if let Some(generation) = event.generation().filter(|it| *it > self.generation) {
            *self = self.begun_afresh(generation);
        }
        self.fold(event);
        if event.is_edit() {
            self.edits = self.edits.saturating_add(1);
        }
    }

    fn edit_revision(&self) -> u64 {
        self.edits
    }

    fn exists(&self) -> bool {
        self.text.is_some()
    }
}

impl Transcription {
    fn begun_afresh(&self, generation: u32) -> Self {
        Self { generation, attempt: self.attempt, edits: self.edits, ..Self::default() }
    }

    /// Decides about a command of this generation.
    fn decided(
        &self,
        command: TranscriptionCommand,
    ) -> Result<Vec<TranscriptionEvent>, TranscriptionError> {
        use {TranscriptionCommand as Do, TranscriptionEvent as Then};
        Ok(match command {
            Do::Request { languages, .. } if languages.is_empty() => {
                return Err(TranscriptionError::NoLanguage);
            }
            Do::Request { image, languages, asked_by } => {
                if !self.is_needed(&image, &languages, asked_by) {
                    return Ok(vec![]);
                }
                let attempt = self.next_attempt();
                let requested = RecognitionRequested { attempt, image, languages, asked_by };
                vec![Then::RecognitionRequested(requested)]
            }
            Do::StartRecognition { now_us, .. } => self.started(now_us).into_iter().collect(),
            Do::ReportRecognised { attempt, recognition, text, .. } => {
                let completed = |awaited: &Recognition| {
                    let image = awaited.image.clone();
                    Then::RecognitionCompleted(RecognitionCompleted {
                        attempt,
                        image,
                        recognition,
                        text,
                    })
                };
                self.awaited(attempt).map(completed).into_iter().collect()
            }
            Do::ReportFailed { attempt, code, detail, now_us, .. } => {
                let failed = |awaited: &Recognition| {
                    let failure = Failure::of_try(code, detail, awaited.tries, now_us);
                    Then::RecognitionFailed(RecognitionFailed { attempt, failure })
                };
                self.awaited(attempt).map(failed).into_iter().collect()
            }
            Do::Import { generation, format, source, words, text } => {
                let imported = TextImported { generation, format, source, words, text };
                self.imported(imported).into_iter().collect()
            }
            Do::Correct { generation, original, edits, base, words, text } => {
                let corrected = Corrected { generation, edits, base, words, text };
                self.corrected(original.as_ref(), corrected)?.into_iter().collect()
            }
            Do::Withdraw { generation } => {
                let is_open = self.recognition.as_ref().is_some_and(Recognition::is_open);
                if self.text.is_none() && !is_open {
                    return Err(TranscriptionError::NoText);
                }
                vec![Then::Withdrawn(Withdrawn { generation })]
            }
        })
    }

    /// Says whether a request gives something that is not there and not under way.
    fn is_needed(&self, image: &ImageRef, languages: &Languages, asked_by: AskedBy) -> bool {
        let known = self.recognition.as_ref();
        let same =
            known.filter(|it| it.image.shows_the_same_as(image) && it.languages == *languages);
        match asked_by {
            // A request while the page is being read opens a new attempt: a dead worker blocks
            // nobody.
            AskedBy::Client => same.is_none_or(|it| it.phase != RecognitionPhase::Requested),
            AskedBy::Registration => {
                let text = self.text_of(image.generation, Some(&image.original));
                let is_wanted_so = text.is_some_and(|it| {
                    it.source.is_corrected
                        || matches!(it.source.origin, TextOrigin::Imported { .. })
                });
                let is_known = known.is_some_and(|it| it.answers(image, languages));
                !is_wanted_so && !is_known
            }
        }
    }

    fn started(&self, now_us: i64) -> Option<TranscriptionEvent> {
        let recognition = self.recognition.as_ref()?;
        let attempt = match &recognition.phase {
            RecognitionPhase::Requested => self.attempt,
            RecognitionPhase::Started if recognition.tries >= TRIES_MAX => {
                let failure = Failure::given_up("the recognition of the page", recognition.tries);
                let failed = RecognitionFailed { attempt: self.attempt, failure };
                return Some(TranscriptionEvent::RecognitionFailed(failed));
            }
            RecognitionPhase::Started => self.next_attempt(),
            RecognitionPhase::Failed(failure) if failure.is_due(now_us) => self.next_attempt(),
            RecognitionPhase::Failed(_)
            | RecognitionPhase::Completed
            | RecognitionPhase::Superseded => return None,
        };
        Some(TranscriptionEvent::RecognitionStarted(RecognitionStarted { attempt }))
    }

    /// The same import once more changes nothing.
    fn imported(&self, imported: TextImported) -> Option<TranscriptionEvent> {
        let source = TextSource::imported(imported.format);
        let is_there =
            self.text.as_ref().is_some_and(|it| it.source == source && it.blobs == imported.text);
        let is_open = self.recognition.as_ref().is_some_and(Recognition::is_open);
        (!is_there || is_open).then_some(TranscriptionEvent::TextImported(imported))
    }

    fn corrected(
        &self,
        original: Option<&BlobRef>,
        corrected: Corrected,
    ) -> Result<Option<TranscriptionEvent>, TranscriptionError> {
        TextEdit::check(&corrected.edits).map_err(TranscriptionError::InvalidEdits)?;
        let text =
            self.text_of(corrected.generation, original).ok_or(TranscriptionError::NoText)?;
        if corrected.base != text.blobs.layout {
            return Err(TranscriptionError::BaseChanged);
        }
        let changes = corrected.text != text.blobs;
        Ok(changes.then_some(TranscriptionEvent::Corrected(corrected)))
    }

    fn fold(&mut self, event: &TranscriptionEvent) {
        match event {
            TranscriptionEvent::RecognitionRequested(it) => {
                self.attempt = it.attempt;
                self.recognition = Some(Recognition {
                    image: it.image.clone(),
                    languages: it.languages.clone(),
                    asked_by: it.asked_by,
                    phase: RecognitionPhase::Requested,
                    tries: 0,
                });
            }
            TranscriptionEvent::RecognitionStarted(it) => {
                self.attempt = it.attempt;
                if let Some(recognition) = &mut self.recognition {
                    recognition.tries = recognition.tries.saturating_add(1);
                    recognition.phase = RecognitionPhase::Started;
                }
            }
            TranscriptionEvent::RecognitionCompleted(it) => {
                self.enter(RecognitionPhase::Completed);
                self.show(TextSource::recognised(it.image.clone()), &it.text);
            }
            TranscriptionEvent::RecognitionFailed(it) => {
                self.enter(RecognitionPhase::Failed(it.failure.clone()));
            }
            TranscriptionEvent::TextImported(it) => {
                self.enter(RecognitionPhase::Superseded);
                self.show(TextSource::imported(it.format), &it.text);
            }
            TranscriptionEvent::Corrected(it) => {
                self.enter(RecognitionPhase::Superseded);
                if let Some(text) = &mut self.text {
                    text.source.is_corrected = true;
                    text.blobs = it.text.clone();
                }
            }
            TranscriptionEvent::Withdrawn(_) => {
                self.enter(RecognitionPhase::Superseded);
                self.text = None;
            }
        }
    }

    fn enter(&mut self, phase: RecognitionPhase) {
        if let Some(recognition) = &mut self.recognition {
            recognition.phase = phase;
        }
    }

    fn show(&mut self, source: TextSource, blobs: &TextBlobs) {
        self.text = Some(CurrentText { source, blobs: blobs.clone() });
    }
}

impl Recognition {
    /// Says whether what follows from the registration has been done, tried, or put aside.
    fn answers(&self, image: &ImageRef, languages: &Languages) -> bool {
        if !self.image.shows_the_same_as(image) {
            return false;
        }
        let is_as_asked = self.languages == *languages || self.asked_by == AskedBy::Client;
        match &self.phase {
            // Withdrawn, or overwritten and then withdrawn: as a client wanted it.
            RecognitionPhase::Superseded => true,
            RecognitionPhase::Requested
            | RecognitionPhase::Started
            | RecognitionPhase::Completed => is_as_asked,
            // Ingesting the image once more is how somebody repeats what failed.
            RecognitionPhase::Failed(_) => {
                is_as_asked && (self.is_open() || image.attempt <= self.image.attempt)
            }
        }
    }
}
