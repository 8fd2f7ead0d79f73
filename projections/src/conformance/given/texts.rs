//! Events of the text of an asset.

use super::a_blob;
use dlcs_domain::asset::{Failure, IngestErrorCode};
use dlcs_domain::transcription::{
    AskedBy, Corrected, ImageRef, RecognitionCompleted, RecognitionFailed, RecognitionRequested,
    RecognitionStarted, RecognitionSummary, TextBlobs, TextEdit, TextFormat, TextImported,
    TranscriptionEvent, Withdrawn,
};

/// The blobs of the text with this number.
pub fn blobs(number: u64) -> TextBlobs {
    TextBlobs { layout: a_blob(number), record: a_blob(number + 1_000) }
}

/// The first life of an asset, delivering the image with this number.
pub fn image_of(original: u64) -> ImageRef {
    ImageRef { generation: 1, attempt: 1, original: a_blob(original) }
}

pub fn recognition_requested(attempt: u32, original: u64) -> TranscriptionEvent {
    TranscriptionEvent::RecognitionRequested(RecognitionRequested {
        attempt,
        image: image_of(original),
        languages: "deu+frk".parse().expect("languages"),
        asked_by: AskedBy::Client,
    })
}

pub fn recognition_started(attempt: u32) -> TranscriptionEvent {
    TranscriptionEvent::RecognitionStarted(RecognitionStarted { attempt })
}

pub fn read(attempt: u32, original: u64, text: u64) -> TranscriptionEvent {
    TranscriptionEvent::RecognitionCompleted(RecognitionCompleted {
        attempt,
        image: image_of(original),
        recognition: RecognitionSummary {
            engine: "tesseract".into(),
            engine_version: "5.3.0".into(),
            models: vec!["deu".into(), "frk".into()],
            settings: [("psm".to_owned(), "3".to_owned())].into(),
            languages: "deu+frk".parse().expect("languages"),
            confidence: Some(91),
            words: 412,
        },
        text: blobs(text),
    })
}

pub fn recognition_failed(attempt: u32, next_attempt_at_us: Option<i64>) -> TranscriptionEvent {
    let (code, detail) = (IngestErrorCode::RecognitionFailed, "there is no model".to_owned());
    let failure = Failure { code, detail, next_attempt_at_us };
    TranscriptionEvent::RecognitionFailed(RecognitionFailed { attempt, failure })
}

pub fn imported(text: u64) -> TranscriptionEvent {
    TranscriptionEvent::TextImported(TextImported {
        generation: 1,
        format: TextFormat::Alto,
        source: a_blob(text + 2_000),
        words: 400,
        text: blobs(text),
    })
}

pub fn corrected(base: u64, text: u64) -> TranscriptionEvent {
    TranscriptionEvent::Corrected(Corrected {
        generation: 1,
        edits: vec![TextEdit { line: 3, word: Some(2), text: "Aufklärung".into() }],
        base: a_blob(base),
        words: 411,
        text: blobs(text),
    })
}

pub fn withdrawn() -> TranscriptionEvent {
    TranscriptionEvent::Withdrawn(Withdrawn { generation: 1 })
}
