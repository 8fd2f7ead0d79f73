//! The text of an image: where it stands, how it came to be, its lines and words.

use crate::context::{principal, query_error, refused, state};
use crate::scalar::Time;
use async_graphql::{ComplexObject, Context, Enum, Result, SimpleObject};
use dlcs_commands::CommandError;
use dlcs_commands::services::NewText;
use dlcs_domain::transcription::{TextEdit, TextOrigin};
use dlcs_domain::{AssetId, BlobRef};
use dlcs_objects::{Digest, ObjectKey, verified};
use dlcs_projections::page_text::{PageImage, PageTextRow, TextStatus as Status};
use dlcs_text::edit::Edit;
use dlcs_text::plain::{self, Hyphens};
use dlcs_text::stored::{self, CorrectError, StoredText};
use dlcs_text::{PageLayout, PageSize, Rect};

/// Where the text of an image stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum TextStatus {
    None,
    Requested,
    Started,
    Failed,
    Ready,
}

/// The text of one image.
#[derive(SimpleObject)]
#[graphql(complex)]
pub(crate) struct Text {
    status: TextStatus,
    /// Why the newest attempt failed.
    error: Option<String>,
    /// Of the newest request, or of the text that is there.
    languages: Vec<String>,
    /// `recognised`, or the format that it was imported from; null: there is no text.
    source: Option<String>,
    corrected: bool,
    words: Option<u32>,
    /// Mean over all words, 0 to 100.
    confidence: Option<u8>,
    engine: Option<String>,
    engine_version: Option<String>,
    models: Vec<String>,
    modified: Time,
    /// Counts what clients changed.
    edit_revision: u64,
    /// Names this text for a correction.
    base: Option<String>,
    #[graphql(skip)]
    layout: Option<BlobRef>,
    #[graphql(skip)]
    image: Option<PageImage>,
}

/// A box, in pixels of the image.
#[derive(SimpleObject)]
#[graphql(name = "Box")]
pub(crate) struct Bounds {
    x: u32,
    y: u32,
    width: u32,
    height: u32,
}

#[derive(SimpleObject)]
pub(crate) struct TextLine {
    text: String,
    #[graphql(name = "box")]
    bounds: Bounds,
    words: Vec<TextWord>,
}

#[derive(SimpleObject)]
pub(crate) struct TextWord {
    text: String,
    #[graphql(name = "box")]
    bounds: Bounds,
    /// 0 to 100; null: not known.
    confidence: Option<u8>,
}

impl From<PageTextRow> for Text {
    fn from(row: PageTextRow) -> Self {
        let text = row.text.as_ref();
        let recognition = text.and_then(|it| it.recognition.as_ref());
        let languages = recognition.map(|it| &it.languages);
        let languages = languages.or(row.asked.as_ref().map(|it| &it.languages));
        Self {
            status: status(&row.status),
            error: match &row.status {
                Status::Failed(failure) => Some(failure.detail.clone()),
                _ => None,
            },
            languages: languages.map(|it| it.as_slice().to_vec()).unwrap_or_default(),
            source: text.map(|it| source(&it.source.origin).to_owned()),
            corrected: text.is_some_and(|it| it.source.is_corrected),
            words: text.map(|it| it.words),
            confidence: recognition.and_then(|it| it.confidence),
            engine: recognition.map(|it| it.engine.clone()),
            engine_version: recognition.map(|it| it.engine_version.clone()),
            models: recognition.map(|it| it.models.clone()).unwrap_or_default(),
            modified: Time(row.modified_at_us),
            edit_revision: row.edit_revision,
            base: text.map(|it| it.blobs.layout.sha256.clone()),
            layout: text.map(|it| it.blobs.layout.clone()),
            image: row.image,
        }
    }
}

fn status(status: &Status) -> TextStatus {
    match status {
        Status::None => TextStatus::None,
        Status::Requested => TextStatus::Requested,
        Status::Started => TextStatus::Started,
        Status::Failed(_) => TextStatus::Failed,
        Status::Ready => TextStatus::Ready,
    }
}

fn source(origin: &TextOrigin) -> &'static str {
    match origin {
        TextOrigin::Recognised { .. } => "recognised",
        TextOrigin::Imported { format } => format.as_str(),
    }
}

#[ComplexObject]
impl Text {
    /// The plain text, a line for a line; null: there is none.
    async fn plain(
        &self,
        ctx: &Context<'_>,
        #[graphql(default)] join_hyphens: bool,
    ) -> Result<Option<String>> {
        let hyphens = if join_hyphens { Hyphens::Join } else { Hyphens::Keep };
        Ok(self.layout(ctx).await?.map(|layout| plain::write(&layout, hyphens)))
    }

    /// Every line with its words, in reading order.
    async fn lines(&self, ctx: &Context<'_>) -> Result<Vec<TextLine>> {
        let layout = self.layout(ctx).await?.unwrap_or_default();
        Ok(layout.lines().map(TextLine::from).collect())
    }
}

impl Text {
    async fn layout(&self, ctx: &Context<'_>) -> Result<Option<PageLayout>> {
        let Some(blob) = &self.layout else { return Ok(None) };
        let layout = read_layout(ctx, blob).await.map_err(|error| {
            tracing::error!(error, "a text cannot be read");
            refused("internal", "the text cannot be read")
        })?;
        let Some(image) = &self.image else { return Ok(Some(layout)) };
        let size = PageSize { width_px: image.width_px, height_px: image.height_px };
        Ok(Some(layout.scaled_to(size)))
    }
}

async fn read_layout(ctx: &Context<'_>, blob: &BlobRef) -> Result<PageLayout, String> {
    let digest = Digest::parse(&blob.sha256).ok_or("the digest of a text is malformed")?;
    let key = ObjectKey::text(&digest);
    let bytes = state(ctx).objects.get(&key).await.map_err(|error| error.to_string())?;
    verified(&key, &bytes, &digest).map_err(|error| error.to_string())?;
    stored::read_layout(&bytes).map_err(|error| error.to_string())
}

impl From<&dlcs_text::Line> for TextLine {
    fn from(line: &dlcs_text::Line) -> Self {
        let words: Vec<&str> = line.words.iter().map(|word| word.text.as_str()).collect();
        let word = |word: &dlcs_text::Word| TextWord {
            text: word.text.clone(),
            bounds: word.bounds.into(),
            confidence: word.confidence,
        };
        Self {
            text: words.join(" "),
            bounds: line.bounds.into(),
            words: line.words.iter().map(word).collect(),
        }
    }
}

impl From<Rect> for Bounds {
    fn from(rect: Rect) -> Self {
        Self { x: rect.x, y: rect.y, width: rect.width, height: rect.height }
    }
}

/// Returns the layout that a client has read, if it is still the one that is there.
pub(crate) async fn base(
    ctx: &Context<'_>,
    id: &AssetId,
    base: Option<String>,
) -> Result<Option<BlobRef>> {
    let Some(base) = base else { return Ok(None) };
    let row = state(ctx).queries.page_texts.page_text(&principal(ctx), id).await;
    let text = row.map_err(query_error)?.and_then(|row| row.text);
    let layout = text.map(|text| text.blobs.layout).filter(|layout| layout.sha256 == base);
    let changed = || refused("precondition-failed", "the text has changed since it was read");
    layout.map(Some).ok_or_else(changed)
}

/// Makes the corrected text of a layout.
pub(crate) fn corrected(layout: &[u8], edits: &[TextEdit]) -> Result<NewText, CommandError> {
    let edits: Vec<Edit<'_>> =
        edits.iter().map(|it| Edit { line: it.line, word: it.word, text: &it.text }).collect();
    let text = stored::corrected(layout, &edits).map_err(|error| match error {
        CorrectError::Damaged(_) => CommandError::Damaged(error.to_string()),
        CorrectError::Edit(_) | CorrectError::Record(_) => CommandError::Invalid(error.to_string()),
    })?;
    let StoredText { layout, record, words } = text;
    Ok(NewText { layout: layout.into(), record: record.into(), words })
}
