//! The work of an attempt: the original is handed to a worker, and the text that comes back is kept.

use crate::make::Refusal;
use crate::worker::{RecognitionWorker, WorkerError};
use dlcs_domain::asset::IngestErrorCode;
use dlcs_domain::transcription::{ImageRef, RecognitionSummary, TextBlobs};
use dlcs_domain::{BlobRef, Languages};
use dlcs_imaging::DecodeLimits;
use dlcs_objects::{Digest, ObjectKey, Objects};
use dlcs_text::recogniser::{Engine, Recognised};
use dlcs_text::stored::StoredText;
use std::sync::Arc;
use tracing::error;

/// Where pages are read.
pub(super) struct Desk {
    pub(super) objects: Arc<dyn Objects>,
    pub(super) worker: Arc<dyn RecognitionWorker>,
    pub(super) limits: DecodeLimits,
}

/// A page that was read.
pub(super) struct Read {
    pub(super) recognition: RecognitionSummary,
    pub(super) text: TextBlobs,
}

impl Desk {
    /// Recognises the image and keeps its text.
    pub(super) async fn read(
        &self,
        image: &ImageRef,
        languages: &Languages,
    ) -> Result<Read, Refusal> {
        let damaged = || Refusal::internal("the original is not there");
        let digest = Digest::parse(&image.original.sha256).ok_or_else(damaged)?;
        let original = self.objects.local_file(&ObjectKey::original(&digest)).await?;
        let recognised =
            self.worker.recognise(original.path(), languages.as_slice(), &self.limits).await;
        let Recognised { layout, engine, confidence } = recognised.map_err(refused)?;
        // Tens of thousands of words take a while.
        let stored = tokio::task::spawn_blocking(move || StoredText::of(&layout)).await;
        let stored = stored.map_err(|error| failed(&error))?.map_err(|error| failed(&error))?;
        fail::fail_point!("recognition.before-keep");
        let layout = self.keep(ObjectKey::text, stored.layout).await?;
        fail::fail_point!("recognition.between-keeps");
        let record = self.keep(ObjectKey::record, stored.record).await?;
        let words = stored.words;
        let recognition = summary(engine, languages.clone(), confidence, words);
        Ok(Read { recognition, text: TextBlobs { layout, record } })
    }

    async fn keep(
        &self,
        key: fn(&Digest) -> ObjectKey,
        bytes: Vec<u8>,
    ) -> Result<BlobRef, Refusal> {
        let digest = Digest::of(&bytes);
        let length_bytes = bytes.len() as u64;
        self.objects.put(&key(&digest), bytes.into()).await?;
        Ok(BlobRef { sha256: digest.to_string(), length_bytes })
    }
}

fn summary(
    engine: Engine,
    languages: Languages,
    confidence: Option<u8>,
    words: u32,
) -> RecognitionSummary {
    let Engine { name, version, models, settings } = engine;
    RecognitionSummary {
        engine: name,
        engine_version: version,
        models,
        settings,
        languages,
        confidence,
        words,
    }
}

fn refused(error: WorkerError) -> Refusal {
    match error {
        WorkerError::Refused { code, detail } => Refusal::new(code, detail),
        WorkerError::TimedOut => Refusal::internal("the page took too long to recognise"),
        WorkerError::Died { detail } => {
            error!(detail, "a recognition worker died");
            Refusal::internal("the work on the page ended without a result")
        }
    }
}

fn failed(error: &dyn std::fmt::Display) -> Refusal {
    let detail = format!("the text cannot be kept: {error}");
    Refusal::new(IngestErrorCode::RecognitionFailed, detail)
}
