//! `/{c}/manifests/{id}/canvases/…` and `…/ranges/…`: edits of one canvas or range.
//!
//! - A canvas is named by its id, percent-encoded, or by what follows `canvases/` in an id of ours;
//!   a range likewise.
//! - `?before=` puts a canvas before another one; empty: it becomes the last one.
//! - Two clients who edit different canvases do not get in one another's way; with `If-Match` they
//!   do.

mod part;

use super::json_ld::json_ld;
use super::manifest_body::{self, dangerous};
use super::manifests::{document_of, living, merge, needs_extras, until_unchanged, wants_extras};
use super::write::{Done, Incoming, insert_edit_tag};
use crate::delivery::address;
use crate::delivery::caching::{Caching, Document};
use crate::delivery::stored::{self, PaintedNames};
use crate::error::{Answer, Problem};
use crate::http::body;
use crate::state::{Resource, Shared};
use axum::body::Body;
use axum::http::{StatusCode, header};
use dlcs_commands::{CommandContext, CommandError, Decided};
use dlcs_domain::ManifestId;
use dlcs_domain::manifest::{
    CanvasAdded, CanvasChanged, CanvasMoved, CanvasRemoved, ManifestEdit, RangeRemoved, RangeSet,
};
use dlcs_iiif::base::BASE_PLACEHOLDER;
use dlcs_iiif::link::encode_segment;
use dlcs_iiif::negotiation::negotiate_presentation;
use dlcs_iiif::presentation::{PresentationVersion, check};
use part::{Part, PartKind, is_whole, kept, kept_id, whole_id};
use serde_json::{Map, Value, json};

/// Edits lie in their events, so that they are small.
const EDIT_BYTES_MAX: usize = 256 * 1024;

/// Which canvas comes next. `None`: nothing is said of it.
fn before(request: &Incoming, manifest: &ManifestId) -> Answer<Option<Option<String>>> {
    let Some(named) = request.query.get("before") else { return Ok(None) };
    if named.is_empty() {
        return Ok(Some(None));
    }
    let (state, kind) = (&request.state, PartKind::Canvas);
    let id = match is_whole(named) {
        true => named.to_owned(),
        false => whole_id(state, manifest, kind, &encode_segment(named))?,
    };
    Ok(Some(Some(kept_id(state, &id)?)))
}

/// `GET` of one canvas: as the manifest shows it, or as it is kept, for its managers with extras.
pub(crate) async fn read_canvas(request: Incoming) -> Answer {
    read(request, PartKind::Canvas).await
}

/// `GET` of one range.
pub(crate) async fn read_range(request: Incoming) -> Answer {
    read(request, PartKind::Range).await
}

async fn read(request: Incoming, kind: PartKind) -> Answer {
    let part = Part::of(&request, kind)?;
    let (state, caller) = (&request.state, &request.caller);
    let row = living(state, caller, &part.manifest).await?;
    let kept = document_of(state, &row).await?;
    if wants_extras(&request.headers) && caller.manages(part.manifest.customer) {
        let shown = part.within(state, &kept.whole()).ok_or_else(Problem::not_found)?;
        let mut response = json_ld(StatusCode::OK, &shown);
        insert_edit_tag(response.headers_mut(), row.stored.edit_revision);
        return Ok(response);
    }
    let flat = address::flat_manifest(&state.public_url, &part.manifest);
    let modified_at_us = Some(row.stored.modified_at_us);
    let document = stored::document(state, &row, kept, flat).await?;
    let mut shown = part.within(state, &document).ok_or_else(Problem::not_found)?;
    shown["@context"] = json!(PresentationVersion::V3.context());
    let accept = request.headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    let negotiated = negotiate_presentation(accept, Some(PresentationVersion::V3));
    let document = Document {
        body: shown.to_string(),
        content_type: negotiated.content_type,
        modified_at_us,
        caching: Caching::of(true, false),
        link: None,
    };
    Ok(document.respond(&request.headers))
}

/// `POST …/canvases`: adds a canvas, or paints a registered asset on one.
pub(crate) async fn add_canvas(request: Incoming, body: Body) -> Answer {
    needs_extras(&request.headers)?;
    let part = Part::of(&request, PartKind::Canvas)?;
    let json = body::json(&request.headers, body, EDIT_BYTES_MAX).await?;
    let canvas = canvas(&request, &json.value, None).await?;
    let before = before(&request, &part.manifest)?.flatten();
    // Only what is named after its asset has to be looked for where it was put.
    let chosen = canvas["id"].as_str().or_else(|| canvas["canvasPainting"]["canvasId"].as_str());
    let (part, what) = match chosen {
        Some(id) => {
            let id = id.replace(BASE_PLACEHOLDER, request.state.public_url.as_str());
            (Part { id, ..part }, Shown::Named)
        }
        None => (part, Shown::Placed(before.clone())),
    };
    let (request, part) = (&request, &part);
    request
        .once(&json.bytes, |context| async move {
            let edit = ManifestEdit::CanvasAdded(CanvasAdded { canvas, before });
            let decided = edit_with(request, &context, part, &[edit]).await?;
            answer(request, part, what, decided, StatusCode::CREATED).await
        })
        .await
}

/// `PUT …/canvases/{id}`: replaces a canvas, or adds it (201).
pub(crate) async fn put_canvas(request: Incoming, body: Body) -> Answer {
    needs_extras(&request.headers)?;
    let part = Part::of(&request, PartKind::Canvas)?;
    let json = body::json(&request.headers, body, EDIT_BYTES_MAX).await?;
    let canvas = canvas(&request, &json.value, Some(&part.id)).await?;
    let before = before(&request, &part.manifest)?;
    let canvas_id = kept_id(&request.state, &part.id)?;
    let (request, part) = (&request, &part);
    request
        .once(&json.bytes, |context| async move {
            let changed = CanvasChanged { canvas_id: canvas_id.clone(), canvas: canvas.clone() };
            let mut edits = vec![ManifestEdit::CanvasChanged(changed)];
            edits.extend(before.clone().map(|before| {
                ManifestEdit::CanvasMoved(CanvasMoved { canvas_id: canvas_id.clone(), before })
            }));
            let done = edit(request, &context, part, &edits).await;
            let (decided, status) = match done {
                Err(CommandError::NotFound(_)) if exists(request, part).await? => {
                    let canvas = named(canvas, &canvas_id);
                    let before = before.flatten();
                    let edit = ManifestEdit::CanvasAdded(CanvasAdded { canvas, before });
                    let decided = edit_with(request, &context, part, &[edit]).await?;
                    (decided, StatusCode::CREATED)
                }
                Err(error) => return Err(refusal(&request.state, error)),
                Ok(decided) => (decided, StatusCode::OK),
            };
            answer(request, part, Shown::Named, decided, status).await
        })
        .await
}

/// `PATCH …/canvases/{id}`: changes what a JSON merge patch names, moves it before another, or both.
pub(crate) async fn patch_canvas(request: Incoming, body: Body) -> Answer {
    needs_extras(&request.headers)?;
    let part = Part::of(&request, PartKind::Canvas)?;
    let json = body::json(&request.headers, body, EDIT_BYTES_MAX).await?;
    let before = before(&request, &part.manifest)?;
    let (request, part, patch) = (&request, &part, &json.value);
    request
        .once(&json.bytes, |context| async move {
            let once = || patch_once(request, &context, part, patch, before.clone());
            let decided = until_unchanged(&context, once).await?;
            answer(request, part, Shown::Named, decided, StatusCode::OK).await
        })
        .await
}

/// Patches the canvas as it is now, if the manifest stays like that until then.
async fn patch_once(
    request: &Incoming,
    context: &CommandContext,
    part: &Part,
    patch: &Value,
    before: Option<Option<String>>,
) -> Answer<Decided> {
    let state = &request.state;
    let row = living(state, &request.caller, &part.manifest).await?;
    let document = document_of(state, &row).await?.whole();
    let mut merged = part.within(state, &document).ok_or_else(Problem::not_found)?;
    merge(&mut merged, patch);
    let (canvas, canvas_id) =
        (canvas(request, &merged, Some(&part.id)).await?, kept_id(state, &part.id)?);
    let moved = before
        .map(|before| CanvasMoved { canvas_id: canvas_id.clone(), before })
        .map(ManifestEdit::CanvasMoved);
    let changed = ManifestEdit::CanvasChanged(CanvasChanged { canvas_id, canvas });
    let edits: Vec<ManifestEdit> = std::iter::once(changed).chain(moved).collect();
    let expected_edit = context.expected_edit.or(Some(row.stored.edit_revision));
    let context = CommandContext { expected_edit, ..context.clone() };
    edit_with(request, &context, part, &edits).await
}

/// `DELETE …/canvases/{id}`: what leads to it in the table of contents goes with it.
pub(crate) async fn remove_canvas(request: Incoming) -> Answer {
    let part = Part::of(&request, PartKind::Canvas)?;
    let canvas_id = kept_id(&request.state, &part.id)?;
    remove(request, part, ManifestEdit::CanvasRemoved(CanvasRemoved { canvas_id })).await
}

/// `PUT …/ranges/{id}`: sets a range where it stands, or adds it behind the others (201).
pub(crate) async fn put_range(request: Incoming, body: Body) -> Answer {
    needs_extras(&request.headers)?;
    let part = Part::of(&request, PartKind::Range)?;
    let json = body::json(&request.headers, body, EDIT_BYTES_MAX).await?;
    let range = own(&request.state, &json.value, PartKind::Range, Some(&part.id))?;
    let (request, part) = (&request, &part);
    request
        .once(&json.bytes, |context| async move {
            let is_new = !exists_already(request, part).await?;
            let edit = ManifestEdit::RangeSet(RangeSet { range });
            let decided = edit_with(request, &context, part, &[edit]).await?;
            let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
            answer(request, part, Shown::Named, decided, status).await
        })
        .await
}

/// `DELETE …/ranges/{id}`: with all ranges within it.
pub(crate) async fn remove_range(request: Incoming) -> Answer {
    let part = Part::of(&request, PartKind::Range)?;
    let range_id = kept_id(&request.state, &part.id)?;
    remove(request, part, ManifestEdit::RangeRemoved(RangeRemoved { range_id })).await
}

async fn remove(request: Incoming, part: Part, edit: ManifestEdit) -> Answer {
    needs_extras(&request.headers)?;
    let (request, part) = (&request, &part);
    request
        .once(&[], |context| async move {
            let decided = edit_with(request, &context, part, &[edit]).await?;
            answer(request, part, Shown::Named, decided, StatusCode::NO_CONTENT).await
        })
        .await
}

async fn edit(
    request: &Incoming,
    context: &CommandContext,
    part: &Part,
    edits: &[ManifestEdit],
) -> Result<Decided, CommandError> {
    let names = PaintedNames::kept(&part.manifest);
    request.state.commands.manifests.edit(context, &part.manifest, edits, &names).await
}

async fn edit_with(
    request: &Incoming,
    context: &CommandContext,
    part: &Part,
    edits: &[ManifestEdit],
) -> Answer<Decided> {
    edit(request, context, part, edits).await.map_err(|error| refusal(&request.state, error))
}

/// Names canvases as clients know them.
fn refusal(state: &Shared, error: CommandError) -> Problem {
    let shown = |text: String| text.replace(BASE_PLACEHOLDER, state.public_url.as_str());
    let error = match error {
        CommandError::NotFound(text) => CommandError::NotFound(shown(text)),
        CommandError::Conflict(text) => CommandError::Conflict(shown(text)),
        CommandError::Invalid(text) => CommandError::Invalid(shown(text)),
        error => error,
    };
    error.into()
}

/// Whether the manifest itself is there.
async fn exists(request: &Incoming, part: &Part) -> Answer<bool> {
    let manifest = request.state.commands.manifests.load(&part.manifest).await?;
    Ok(manifest.live().is_some())
}

async fn exists_already(request: &Incoming, part: &Part) -> Answer<bool> {
    let row = living(&request.state, &request.caller, &part.manifest).await?;
    let document = document_of(&request.state, &row).await?.whole();
    Ok(part.within(&request.state, &document).is_some())
}

/// Reads a canvas of the client's own, or an asset to paint.
async fn canvas(request: &Incoming, body: &Value, id: Option<&str>) -> Answer<Value> {
    if body.get("asset").is_none() {
        return own(&request.state, body, PartKind::Canvas, id);
    }
    check(body).map_err(dangerous)?;
    let customer = request.caller.customer()?;
    let mut painted = manifest_body::painted_one(&request.state, customer, body).await?;
    if let Some(painting) = painted["canvasPainting"].as_object_mut() {
        painting.remove("canvasOrder");
    }
    kept(&request.state, &painted)
}

/// Gives a canvas that is added under an address its id.
fn named(mut canvas: Value, id: &str) -> Value {
    if canvas.get("asset").is_some() {
        canvas["canvasPainting"]["canvasId"] = json!(id);
    }
    canvas
}

/// Reads a canvas or range of the client's own.
fn own(state: &Shared, body: &Value, kind: PartKind, id: Option<&str>) -> Answer<Value> {
    check(body).map_err(dangerous)?;
    let Value::Object(members) = body else {
        return Err(Problem::bad_request("malformed-body", "the body has to be a JSON object"));
    };
    let mut members: Map<String, Value> = members.clone();
    members.remove("@context");
    let name = kind.type_name();
    if members.get("type").is_none_or(|it| it != name) {
        return Err(Problem::field("type", format!("`type` has to be {name}")));
    }
    match (members.get("id").and_then(Value::as_str), id) {
        (None, Some(id)) => drop(members.insert("id".to_owned(), json!(id))),
        (Some(own), Some(id)) if own != id => {
            return Err(Problem::field("id", "`id` is not that of the address"));
        }
        (None, None) => return Err(Problem::field("id", "`id` is missing")),
        (Some(_), _) => {}
    }
    kept(state, &Value::Object(members))
}

/// What an answer shows.
enum Shown {
    /// What the address names.
    Named,
    /// The canvas before this one; `None`: the last one.
    Placed(Option<String>),
}

/// Answers the part as it is kept now.
async fn answer(
    request: &Incoming,
    part: &Part,
    what: Shown,
    decided: Decided,
    status: StatusCode,
) -> Answer {
    let state = &request.state;
    let resource = Resource::Manifest(part.manifest.clone());
    let path = part.path(state);
    let mut done = Done { status, resource, decided, path };
    if !request.settled(&done).await || status == StatusCode::NO_CONTENT {
        return request.answer(&done, None);
    }
    let row = living(state, &request.caller, &part.manifest).await?;
    let document = document_of(state, &row).await?.whole();
    let part = match what {
        Shown::Named => Some(part.clone()),
        Shown::Placed(before) => part.before(state, &document, before),
    };
    let shown = part.as_ref().and_then(|part| part.within(state, &document));
    if let Some(part) = &part {
        done.path = part.path(state);
    }
    request.answer(&done, shown.as_ref())
}
