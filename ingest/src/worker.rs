//! The worker port: foreign bytes are decoded elsewhere, never in this process.

use async_trait::async_trait;
use dlcs_domain::asset::IngestErrorCode;
use dlcs_imaging::{DecodeLimits, DerivativeFacts, DerivativePolicy};
use dlcs_text::recogniser::Recognised;
use std::path::Path;

/// Why there is no derivative, or no text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WorkerError {
    /// The source was looked at and cannot be used. The text is for people.
    #[error("{detail}")]
    Refused { code: IngestErrorCode, detail: String },
    /// The worker ended without an answer. The text is for the log.
    #[error("the worker died: {detail}")]
    Died { detail: String },
    /// The worker had no answer by its deadline and was ended.
    #[error("the worker took too long")]
    TimedOut,
}

/// Makes the derivative of a source in a process of its own, within limits and a deadline.
///
/// - `Ok` means that `output` holds the whole derivative.
/// - The content decides what the source is, never its name.
/// - A worker that dies or hangs harms only its own call.
/// - Dropping the call ends the work.
#[async_trait]
pub trait ImageWorker: Send + Sync + 'static {
    /// Reads the local file `source` and writes the derivative into the existing file `output`.
    async fn derive(
        &self,
        source: &Path,
        output: &Path,
        policy: &DerivativePolicy,
        limits: &DecodeLimits,
    ) -> Result<DerivativeFacts, WorkerError>;
}

/// Recognises the text of a source in another process, within limits and a deadline.
///
/// - What is recognised is the upright picture in full size; boxes lie within it.
/// - A worker that dies or hangs harms only its own call.
/// - Dropping the call ends the work.
#[async_trait]
pub trait RecognitionWorker: Send + Sync + 'static {
    /// Reads the local file `source`. `languages` are names of models, at least one.
    async fn recognise(
        &self,
        source: &Path,
        languages: &[String],
        limits: &DecodeLimits,
    ) -> Result<Recognised, WorkerError>;
}
