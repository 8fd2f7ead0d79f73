//! `PUT /text/alto|hocr|page/…` imports, `PATCH /text/page/…` corrects, `DELETE /text/page/…`
//! withdraws; `GET …/images/{a}/text` says where a text stands.

use super::resource;
use crate::delivery::asset::id_of;
use crate::error::{Answer, Problem};
use crate::http::body;
use crate::http::fields::Fields;
use crate::management::write::{Done, Incoming, read_moving};
use crate::state::Resource;
use axum::body::Body;
use axum::http::StatusCode;
use bytes::Bytes;
use dlcs_commands::services::{ImportedFile, NewText};
use dlcs_commands::{CommandError, Decided};
use dlcs_domain::AssetId;
use dlcs_domain::transcription::{TextEdit, TextFormat};
use dlcs_projections::page_text::PageTextRow;
use dlcs_text::edit::Edit;
use dlcs_text::record::RecordError;
use dlcs_text::stored::{self, CorrectError, StoredText};
use dlcs_text::{PageLayout, PageSize, ReadError, alto, hocr, page_xml, resolve_hyphens};
use serde_json::Value;

/// Where the text of an image stands.
pub(crate) async fn read(request: Incoming) -> Answer {
    let id = id(&request).await?;
    let row = find(&request, &id).await?.ok_or_else(Problem::not_found)?;
    Ok(read_moving(&resource::text(&request.state.public_url, &row), row.edit_revision))
}

/// Imports a file: 201 where there was no text, else 200.
pub(crate) async fn import(request: Incoming, body: Body) -> Answer {
    let format = format(&request)?;
    let id = id(&request).await?;
    let row = find(&request, &id).await?.ok_or_else(Problem::not_found)?;
    let bytes_max = request.state.limits.text_bytes_max;
    let source = body::collect(&request.headers, body, bytes_max).await?;
    let size = row.image.as_ref();
    let size = size.map(|it| PageSize { width_px: it.width_px, height_px: it.height_px });
    let text = imported(format, source.clone(), size).await?;
    let (request, id) = (&request, &id);
    let is_new = row.text.is_none();
    request
        .once(&source, |context| {
            let source = source.clone();
            async move {
                let file = ImportedFile { format, source, text };
                let decided = request.state.commands.texts.import(&context, id, file).await?;
                let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
                answer(request, id, decided, status).await
            }
        })
        .await
}

/// Corrects words and lines: `{"base"?, "edits": [{"line", "word"?, "text"}]}`.
pub(crate) async fn correct(request: Incoming, body: Body) -> Answer {
    only_page(&request)?;
    let id = id(&request).await?;
    let json = body::json(&request.headers, body, request.state.limits.json_bytes_max).await?;
    let fields = Fields::of(&json.value)?;
    let edits = read_edits(&fields)?;
    let row = find(&request, &id).await?.ok_or_else(Problem::not_found)?;
    let current = row.text.as_ref().map(|it| &it.blobs.layout);
    let base = match fields.text("base")? {
        None => None,
        Some(base) if current.is_some_and(|it| it.sha256 == base) => current.cloned(),
        Some(_) => return Err(Problem::precondition_failed()),
    };
    let (request, id) = (&request, &id);
    request
        .once(&json.bytes, |context| async move {
            let texts = &request.state.commands.texts;
            let decided = texts.correct(&context, id, edits, base.as_ref(), corrected).await?;
            answer(request, id, decided, StatusCode::OK).await
        })
        .await
}

/// Takes the text away.
pub(crate) async fn withdraw(request: Incoming) -> Answer {
    only_page(&request)?;
    let id = id(&request).await?;
    let (request, id) = (&request, &id);
    request
        .once(&[], |context| async move {
            let decided = request.state.commands.texts.withdraw(&context, id).await?;
            answer(request, id, decided, StatusCode::NO_CONTENT).await
        })
        .await
}

pub(super) async fn id(request: &Incoming) -> Answer<AssetId> {
    id_of(&request.state, request.caller.customer()?, &request.params).await
}

async fn find(request: &Incoming, id: &AssetId) -> Answer<Option<PageTextRow>> {
    let state = &request.state;
    state.settle(&Resource::Asset(id.clone())).await;
    state.settle(&Resource::Text(id.clone())).await;
    let row = state.queries.page_texts.page_text(&request.caller.principal, id).await?;
    match row {
        Some(row) if row.is_deleted => Err(Problem::gone()),
        row => Ok(row),
    }
}

/// Answers the resource once its read model knows the write.
pub(super) async fn answer(
    request: &Incoming,
    id: &AssetId,
    decided: Decided,
    status: StatusCode,
) -> Answer {
    let resource = Resource::Text(id.clone());
    let done = Done { status, resource, decided, path: resource::path(id) };
    let row = if request.settled(&done).await { find(request, id).await? } else { None };
    let document = row.map(|row| resource::text(&request.state.public_url, &row));
    request.answer(&done, document.as_ref())
}

fn format(request: &Incoming) -> Answer<TextFormat> {
    request.params.get("format").parse().map_err(|_| Problem::not_found())
}

fn only_page(request: &Incoming) -> Answer<()> {
    if request.params.get("format") == "page" {
        return Ok(());
    }
    let detail = "a text is corrected and withdrawn at /text/page/…";
    Err(Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", detail))
}

/// Reads a file apart from the requests that are served meanwhile: it may be large.
async fn imported(format: TextFormat, source: Bytes, size: Option<PageSize>) -> Answer<NewText> {
    let read = tokio::task::spawn_blocking(move || {
        let mut layout = read_format(format, &source, size)
            .map_err(|error| Problem::bad_request("text-unreadable", error.to_string()))?;
        resolve_hyphens(&mut layout);
        let text = StoredText::of(&layout);
        let too_large = |error: RecordError| Problem::field("text", error.to_string());
        text.map(new_text).map_err(too_large)
    });
    read.await.map_err(Problem::internal)?
}

fn read_format(
    format: TextFormat,
    source: &[u8],
    size: Option<PageSize>,
) -> Result<PageLayout, ReadError> {
    match format {
        TextFormat::Alto => alto::read(source, size),
        TextFormat::Hocr => hocr::read(source, size),
        TextFormat::Page => page_xml::read(source, size),
    }
}

fn new_text(text: StoredText) -> NewText {
    let StoredText { layout, record, words } = text;
    NewText { layout: layout.into(), record: record.into(), words }
}

/// Makes the corrected text of a layout.
fn corrected(layout: &Bytes, edits: &[TextEdit]) -> Result<NewText, CommandError> {
    let edits: Vec<Edit<'_>> =
        edits.iter().map(|it| Edit { line: it.line, word: it.word, text: &it.text }).collect();
    let corrected = stored::corrected(layout, &edits).map_err(|error| match error {
        CorrectError::Damaged(_) => CommandError::Damaged(error.to_string()),
        CorrectError::Edit(_) | CorrectError::Record(_) => CommandError::Invalid(error.to_string()),
    });
    corrected.map(new_text)
}

fn read_edits(fields: &Fields<'_>) -> Answer<Vec<TextEdit>> {
    let wrong = |detail: &str| Problem::field("edits", detail);
    let Some(Value::Array(edits)) = fields.get("edits") else {
        return Err(wrong("`edits` has to be a list"));
    };
    let edit = |edit: &Value| {
        let fields = Fields::of(edit)?;
        let number = |name: &str| match fields.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => value
                .as_u64()
                .and_then(|it| u32::try_from(it).ok())
                .map(Some)
                .ok_or_else(|| Problem::field(name, format!("`{name}` counts from 0"))),
        };
        let line = number("line")?.ok_or_else(|| Problem::field("line", "`line` is missing"))?;
        let text =
            fields.text("text")?.ok_or_else(|| Problem::field("text", "`text` is missing"))?;
        Ok(TextEdit { line, word: number("word")?, text: text.to_owned() })
    };
    let edits = edits.iter().map(edit).collect::<Answer<Vec<TextEdit>>>()?;
    TextEdit::check(&edits).map_err(wrong)?;
    Ok(edits)
}
