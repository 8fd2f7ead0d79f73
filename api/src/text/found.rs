//! From an address to the text that it names.

use crate::access::Caller;
use crate::delivery::address::{self, Service};
use crate::delivery::asset::{Found, find};
use crate::error::{Answer, Problem};
use crate::http::raw_path::PathParams;
use crate::http::time::iso;
use crate::state::{PublicUrl, Resource, Shared};
use axum::http::{HeaderValue, StatusCode, header};
use dlcs_domain::transcription::{RecognitionSummary, TextBlobs};
use dlcs_domain::{AssetId, BlobRef};
use dlcs_objects::{Digest, ObjectKey, verified};
use dlcs_projections::page_text::{PageText, PageTextRow, TextStatus};
use dlcs_text::plain::{self, Hyphens};
use dlcs_text::recogniser::Engine;
use dlcs_text::{PageLayout, PageSize, Provenance, stored};

/// A text that the caller may read.
pub(super) struct FoundText {
    pub(super) asset: Found,
    pub(super) row: PageTextRow,
    pub(super) text: PageText,
    /// In pixels of the image that is delivered.
    pub(super) layout: PageLayout,
}

/// Reads the text of an address's asset and decides on it by the asset's own rule.
pub(super) async fn find_text(
    state: &Shared,
    caller: &Caller,
    params: &PathParams,
) -> Answer<FoundText> {
    let asset = find(state, caller, params).await?;
    state.settle(&Resource::Text(asset.id.clone())).await;
    let row = state.queries.page_texts.page_text(&caller.principal, &asset.id).await?;
    let row = row.ok_or_else(no_text)?;
    let Some(text) = row.text.clone() else { return Err(missing(&row)) };
    let layout = layout(state, &row, &text.blobs).await?;
    Ok(FoundText { asset, row, text, layout })
}

/// Reads a layout and brings it to the size of the image.
pub(crate) async fn layout(
    state: &Shared,
    row: &PageTextRow,
    blobs: &TextBlobs,
) -> Answer<PageLayout> {
    let layout = read_layout(state, &blobs.layout).await?;
    let Some(image) = &row.image else { return Ok(layout) };
    Ok(layout.scaled_to(PageSize { width_px: image.width_px, height_px: image.height_px }))
}

async fn read_layout(state: &Shared, blob: &BlobRef) -> Answer<PageLayout> {
    let digest = Digest::parse(&blob.sha256)
        .ok_or_else(|| Problem::internal("the digest of a text is malformed"))?;
    let key = ObjectKey::text(&digest);
    let bytes = state.objects.get(&key).await?;
    verified(&key, &bytes, &digest)?;
    stored::read_layout(&bytes).map_err(Problem::internal)
}

/// Returns a text as it is kept, line by line.
pub(crate) async fn plain_text_of(state: &Shared, text: &PageText) -> Answer<String> {
    let layout = read_layout(state, &text.blobs.layout).await?;
    Ok(plain::write(&layout, Hyphens::Keep))
}

/// Returns the path of the plain text of an image.
pub(crate) fn text_path(id: &AssetId) -> String {
    format!("/text/plain/{}", address::tail(id))
}

pub(super) fn no_text() -> Problem {
    let detail = "the image has no text: ask for recognition, or import one";
    Problem::new(StatusCode::NOT_FOUND, "no-text", detail)
}

/// Says why there is no text, and whether it is worth while to ask again.
fn missing(row: &PageTextRow) -> Problem {
    match &row.status {
        TextStatus::Requested | TextStatus::Started => {
            let detail = "the image is being read: ask again in a moment";
            Problem::new(StatusCode::NOT_FOUND, "text-not-ready", detail)
                .header(header::RETRY_AFTER, HeaderValue::from_static("2"))
        }
        TextStatus::Failed(failure) => {
            let detail = format!("the image could not be read: {}", failure.detail);
            Problem::new(StatusCode::NOT_FOUND, "recognition-failed", detail)
        }
        TextStatus::None | TextStatus::Ready => no_text(),
    }
}

/// What a written file says of itself, with everything that it borrows from.
pub(super) struct Origin {
    image: String,
    engine: Option<Engine>,
    made_at: String,
    is_corrected: bool,
}

impl Origin {
    pub(super) fn of(base: &PublicUrl, id: &AssetId, text: &PageText) -> Self {
        let service = address::service(base, Service::Images, None, &address::tail(id));
        Self {
            image: format!("{service}/full/max/0/default.jpg"),
            engine: text.recognition.as_ref().map(engine),
            made_at: iso(text.modified_at_us),
            is_corrected: text.source.is_corrected,
        }
    }

    pub(super) fn provenance(&self) -> Provenance<'_> {
        Provenance {
            image: Some(&self.image),
            engine: self.engine.as_ref(),
            made_at: Some(&self.made_at),
            is_corrected: self.is_corrected,
        }
    }
}

fn engine(summary: &RecognitionSummary) -> Engine {
    Engine {
        name: summary.engine.clone(),
        version: summary.engine_version.clone(),
        models: summary.models.clone(),
        settings: summary.settings.clone(),
    }
}
