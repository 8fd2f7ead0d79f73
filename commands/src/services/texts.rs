//! The text of assets: asking for recognition, importing, correcting, withdrawing. Recognition
//! reports to the executor itself.
//!
//! Not here: what a layout looks like. Whoever knows the formats hands in the bytes of both blobs,
//! and for a correction the function that makes them of the layout that is there. So this crate
//! needs no arrow to the model of a page, and keeps what needs the log: which layout a correction
//! is made on, and that a blob is durable before the event that names it.

use crate::context::CommandContext;
use crate::cqrs::{Decided, DispatchError, Executor, Loaded};
use crate::error::CommandError;
use bytes::Bytes;
use dlcs_domain::asset::{Asset, LiveAsset};
use dlcs_domain::transcription::{
    AskedBy, ImageRef, TextBlobs, TextEdit, TextFormat, Transcription, TranscriptionCommand,
    TranscriptionError,
};
use dlcs_domain::{AssetId, BlobRef, Languages};
use dlcs_objects::{Digest, ObjectKey, Objects, verified};
use futures::StreamExt;
use std::sync::Arc;

/// Assets asked for with one append.
const CHUNK_LENGTH: usize = 500;
/// Assets loaded side by side.
const LOADS_AT_ONCE: usize = 16;
/// Layouts that a correction is made on, one after the other, while others change the text.
const TRIES_MAX: u32 = 3;

#[derive(Clone)]
pub struct TextCommands {
    executor: Executor,
    objects: Arc<dyn Objects>,
}

/// A text that shall be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewText {
    /// Canonical JSON of the layout.
    pub layout: Bytes,
    /// What the search index is fed with.
    pub record: Bytes,
    pub words: u32,
}

/// A file that somebody has made elsewhere, and the text that was read from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportedFile {
    pub format: TextFormat,
    /// The bytes as they came.
    pub source: Bytes,
    pub text: NewText,
}

impl TextCommands {
    pub(super) fn new(executor: Executor, objects: Arc<dyn Objects>) -> Self {
        Self { executor, objects }
    }

    /// Asks for recognition of the image that is delivered; without a language, in those that the
    /// asset is registered with.
    pub async fn request(
        &self,
        context: &CommandContext,
        id: &AssetId,
        languages: Languages,
    ) -> Result<Decided, CommandError> {
        let command = match self.asset(id).await.and_then(|it| request(&it, languages)) {
            Ok(command) => command,
            Err(error) => return self.repeated(context, id).await?.ok_or(error),
        };
        self.execute(context, id, command).await
    }

    /// Asks for recognition of many assets and answers in their order.
    ///
    /// Each row that is answered with `Ok` is durable. `first_row` numbers the rows of a command
    /// that comes in several calls, so that it can be repeated.
    pub async fn request_many(
        &self,
        context: &CommandContext,
        first_row: u64,
        ids: &[AssetId],
        languages: &Languages,
    ) -> Vec<Result<Decided, CommandError>> {
        let mut answers = Vec::with_capacity(ids.len());
        let mut first_row = first_row;
        for chunk in ids.chunks(CHUNK_LENGTH) {
            answers.extend(self.request_chunk(context, first_row, chunk, languages).await);
            first_row = first_row.saturating_add(chunk.len() as u64);
        }
        answers
    }

    /// Takes over a text from elsewhere. The same file once more changes nothing.
    pub async fn import(
        &self,
        context: &CommandContext,
        id: &AssetId,
        file: ImportedFile,
    ) -> Result<Decided, CommandError> {
        let generation = match self.asset(id).await {
            Ok(asset) => asset.generation,
            Err(error) => return self.repeated(context, id).await?.ok_or(error),
        };
        let ImportedFile { format, source, text } = file;
        let words = text.words;
        let source = self.write(ObjectKey::imported_text, source).await?;
        let text = self.keep(text).await?;
        let command = TranscriptionCommand::Import { generation, format, source, words, text };
        self.execute(context, id, command).await
    }

    /// Corrects the text that is there.
    ///
    /// `base` names the layout that the client has read; when there is another one meanwhile, the
    /// correction is refused as a stale edit. Without it the edits are made on whatever layout is
    /// there. `apply` makes the corrected text of a layout, and says what is wrong with the edits.
    pub async fn correct(
        &self,
        context: &CommandContext,
        id: &AssetId,
        edits: Vec<TextEdit>,
        base: Option<&BlobRef>,
        apply: impl Fn(&Bytes, &[TextEdit]) -> Result<NewText, CommandError>,
    ) -> Result<Decided, CommandError> {
        match self.correct_current(context, id, edits, base, apply).await {
            // What it was made on has gone since, perhaps by this very command.
            Err(error) if !error.may_pass() => self.repeated(context, id).await?.ok_or(error),
            decided => decided,
        }
    }

    /// Takes the text away, and ends a recognition that is under way.
    pub async fn withdraw(
        &self,
        context: &CommandContext,
        id: &AssetId,
    ) -> Result<Decided, CommandError> {
        match self.asset(id).await {
            Ok(asset) => {
                let command = TranscriptionCommand::Withdraw { generation: asset.generation };
                self.execute(context, id, command).await
            }
            Err(error) => self.repeated(context, id).await?.ok_or(error),
        }
    }

    /// Writes both blobs of a text and returns what an event names them by.
    pub async fn keep(&self, text: NewText) -> Result<TextBlobs, CommandError> {
        let NewText { layout, record, .. } = text;
        let layout = self.write(ObjectKey::text, layout).await?;
        let record = self.write(ObjectKey::record, record).await?;
        Ok(TextBlobs { layout, record })
    }

    /// Loads what is known of an asset's text.
    pub async fn load(&self, id: &AssetId) -> Result<Loaded<Transcription>, CommandError> {
        Ok(self.executor.load::<Transcription>(&id.to_string()).await?)
    }

    async fn correct_current(
        &self,
        context: &CommandContext,
        id: &AssetId,
        edits: Vec<TextEdit>,
        base: Option<&BlobRef>,
        apply: impl Fn(&Bytes, &[TextEdit]) -> Result<NewText, CommandError>,
    ) -> Result<Decided, CommandError> {
        TextEdit::check(&edits).map_err(|reason| CommandError::Invalid(reason.to_owned()))?;
        for _tried in 0..TRIES_MAX {
            let asset = self.asset(id).await?;
            let transcription = self.load(id).await?.state;
            let original = asset.delivered.map(|it| it.delivered.original);
            let text = transcription.text_of(asset.generation, original.as_ref());
            let layout = text.ok_or_else(no_text)?.blobs.layout.clone();
            let stale = || CommandError::EditMismatch { actual: transcription.edits };
            if base.is_some_and(|it| *it != layout) {
                return Err(stale());
            }
            let text = apply(&self.read_layout(&layout).await?, &edits)?;
            let command = TranscriptionCommand::Correct {
                generation: asset.generation,
                original,
                edits: edits.clone(),
                base: layout,
                words: text.words,
                text: self.keep(text).await?,
            };
            let id = id.to_string();
            match self.executor.execute::<Transcription>(context, &id, command).await {
                Err(DispatchError::Rejected(TranscriptionError::BaseChanged)) => {
                    if base.is_some() {
                        return Err(stale());
                    }
                }
                decided => return Ok(decided?),
            }
        }
        Err(CommandError::Busy)
    }

    async fn request_chunk(
        &self,
        context: &CommandContext,
        first_row: u64,
        ids: &[AssetId],
        languages: &Languages,
    ) -> Vec<Result<Decided, CommandError>> {
        // Owned ids: a stream of borrowed ones would not be `Send` for every lifetime.
        let owned: Vec<AssetId> = ids.to_vec();
        let loads = owned.into_iter().map(|id| {
            let texts = self.clone();
            async move { texts.asset(&id).await }
        });
        let assets: Vec<_> = futures::stream::iter(loads).buffered(LOADS_AT_ONCE).collect().await;
        let mut answers = Vec::with_capacity(ids.len());
        let mut commands = Vec::with_capacity(ids.len());
        for ((id, asset), row) in ids.iter().zip(assets).zip(first_row..) {
            let part = context.part(&format!("row/{row}"));
            match asset.and_then(|it| request(&it, languages.clone())) {
                Err(error) => {
                    let repeated = self.repeated(&part, id).await;
                    answers.push(Some(repeated.and_then(|it| it.ok_or(error))));
                }
                Ok(command) => {
                    answers.push(None);
                    commands.push((part, id.to_string(), command));
                }
            }
        }
        let outcomes = self.executor.execute_many::<Transcription>(commands).await;
        let mut outcomes = outcomes.into_iter();
        let mut next = || {
            let outcome = outcomes.next().expect("every command has an answer");
            Ok(outcome?.decided)
        };
        answers.into_iter().map(|answer| answer.unwrap_or_else(&mut next)).collect()
    }

    /// Returns the asset that the text is about.
    async fn asset(&self, id: &AssetId) -> Result<LiveAsset, CommandError> {
        match self.executor.load::<Asset>(&id.to_string()).await?.state {
            Asset::Live(asset) => Ok(*asset),
            Asset::Absent => Err(CommandError::NotFound(format!("there is no asset `{id}`"))),
            Asset::Deleted { .. } => {
                Err(CommandError::Gone(format!("asset `{id}` has been deleted")))
            }
        }
    }

    /// Returns the answer of the first time, if the command was applied before: what it needs may
    /// have gone since.
    async fn repeated(
        &self,
        context: &CommandContext,
        id: &AssetId,
    ) -> Result<Option<Decided>, CommandError> {
        let repeated = self.executor.repeated::<Transcription>(context, &id.to_string()).await?;
        Ok(repeated.map(|it| it.decided))
    }

    async fn read_layout(&self, blob: &BlobRef) -> Result<Bytes, CommandError> {
        let damaged = || CommandError::Damaged(format!("`{}` is no SHA-256", blob.sha256));
        let digest = Digest::parse(&blob.sha256).ok_or_else(damaged)?;
        let key = ObjectKey::text(&digest);
        let bytes = self.objects.get(&key).await?;
        verified(&key, &bytes, &digest)?;
        Ok(bytes)
    }

    async fn write(
        &self,
        key: fn(&Digest) -> ObjectKey,
        bytes: Bytes,
    ) -> Result<BlobRef, CommandError> {
        let digest = Digest::of(&bytes);
        let length_bytes = bytes.len() as u64;
        self.objects.put(&key(&digest), bytes).await?;
        Ok(BlobRef { sha256: digest.to_string(), length_bytes })
    }

    async fn execute(
        &self,
        context: &CommandContext,
        id: &AssetId,
        command: TranscriptionCommand,
    ) -> Result<Decided, CommandError> {
        Ok(self.executor.execute::<Transcription>(context, &id.to_string(), command).await?)
    }
}

fn request(asset: &LiveAsset, languages: Languages) -> Result<TranscriptionCommand, CommandError> {
    let languages = if languages.is_empty() { asset.recognise.clone() } else { languages };
    let Some(it) = &asset.delivered else {
        return Err(CommandError::Conflict("the asset has no image yet".to_owned()));
    };
    let (generation, attempt) = (asset.generation, it.attempt);
    let image = ImageRef { generation, attempt, original: it.delivered.original.clone() };
    Ok(TranscriptionCommand::Request { image, languages, asked_by: AskedBy::Client })
}

fn no_text() -> CommandError {
    DispatchError::Rejected(TranscriptionError::NoText).into()
}
