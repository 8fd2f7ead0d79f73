//! `/{c}/manifests` and `/{c}/manifests/{id}`: stored manifests for those who manage them.

pub(crate) use super::manifest_body::{Painted, StoredDocument};

use super::json_ld;
use super::manifest_body::{self, NewManifest};
use super::place;
use super::write::{Done, Incoming, insert_edit_tag, insert_modified};
use crate::access::Caller;
use crate::delivery::canvases::Naming;
use crate::delivery::{address, stored};
use crate::error::{Answer, Problem};
use crate::http::body;
use crate::http::conditional::{IfMatch, Validators, into_not_modified};
use crate::http::fields::Fields;
use crate::http::paging::PageNumber;
use crate::memento::{Remembered, announce};
use crate::state::{Resource, Shared};
use axum::body::Body;
use axum::http::{HeaderMap, StatusCode};
use dlcs_commands::{CommandContext, Decided};
use dlcs_domain::{AssetId, ManifestId, Place, PlacePatch};
use dlcs_objects::{Digest, ObjectKey};
use dlcs_projections::manifests::{ManifestRow, Stored};
use dlcs_projections::paging::Direction;
use dlcs_projections::tile_metadata::TileMetadataRow;
use serde_json::{Value, json};
use std::time::Duration;

/// Patches of a manifest that others change at the same time, at most.
const PATCH_TRIES_MAX: u32 = 6;
const PATCH_PAUSE: Duration = Duration::from_millis(50);
/// Members of a manifest to which we add something when it is shown.
const MERGED: [&str; 6] = ["@context", "label", "thumbnail", "seeAlso", "rendering", "service"];

/// Returns the images that a stored manifest paints, in order.
pub async fn members(state: Shared, row: ManifestRow) -> Answer<Vec<AssetId>> {
    let painted = document_of(&state, &row).await?.painted.unwrap_or_default();
    Ok(painted.into_iter().map(|it| it.asset).collect())
}

/// A canvas of a stored manifest, in a word.
#[derive(Debug, Clone, PartialEq)]
pub struct CanvasOutline {
    /// What it is known by in the document.
    pub address: String,
    /// A language map, or what the client wrote there.
    pub label: Value,
    /// The registered image that is painted on it.
    pub asset: Option<AssetId>,
}

/// Returns the canvases of a stored manifest, in order; of registered images those too that are not
/// ingested yet.
pub async fn canvases(state: Shared, row: ManifestRow) -> Answer<Vec<CanvasOutline>> {
    let StoredDocument { mut document, painted } = document_of(&state, &row).await?;
    if let Some(painted) = painted {
        let mut names = stored::CanvasNames::default();
        let outlines = painted.iter().map(|painted| {
            let Naming { id, label } = names.of(&state, &row, painted);
            let label = serde_json::to_value(&label).unwrap_or_default();
            CanvasOutline { address: id, label, asset: Some(painted.asset.clone()) }
        });
        return Ok(outlines.collect());
    }
    let Value::Array(items) = document["items"].take() else { return Ok(Vec::new()) };
    let outlines = items.into_iter().map(|mut item| CanvasOutline {
        address: item["id"].as_str().unwrap_or_default().to_owned(),
        label: item.get_mut("label").map(Value::take).unwrap_or_default(),
        asset: None,
    });
    Ok(outlines.collect())
}

/// Whether the client asks for the view of managers.
pub(crate) fn wants_extras(headers: &HeaderMap) -> bool {
    headers.get("x-iiif-cs-show-extras").is_some_and(|value| value.as_bytes() == b"All")
}

pub(crate) async fn list(request: Incoming) -> Answer {
    let customer = request.caller.customer()?;
    super::customers::check_exists(&request, customer).await?;
    let page = PageNumber::read(&request.query)?;
    let (state, principal) = (&request.state, &request.caller.principal);
    let wanted = page.request(Direction::Ascending);
    let rows = state.queries.manifests.list(principal, customer, &wanted).await?;
    let mut members = Vec::with_capacity(rows.items.len());
    for row in &rows.items {
        members.push(summary(state, row).await?);
    }
    let address = state.public_url.at(format_args!("/{customer}/manifests"));
    let list = page.collection(&address, &request.query, members, rows.has_more, rows.total);
    Ok(json_ld::json_ld(StatusCode::OK, &list))
}

pub(crate) async fn create(request: Incoming, body: Body) -> Answer {
    let customer = request.caller.customer()?;
    needs_extras(&request.headers)?;
    let max = request.state.limits.manifest_bytes_max;
    let json = body::json(&request.headers, body, max).await?;
    let NewManifest { id, place, document } =
        manifest_body::read(&request.state, customer, &json.value).await?;
    let request = &request;
    request
        .once(&json.bytes, |context| async move {
            let manifests = &request.state.commands.manifests;
            let place = place.from(&Place::default());
            let (id, decided) = manifests.create(&context, customer, id, place, document).await?;
            answer(request, id, decided, StatusCode::CREATED).await
        })
        .await
}

/// Stores a manifest under the id of the address (201), or replaces it (200).
pub(crate) async fn put(request: Incoming, body: Body) -> Answer {
    let customer = request.caller.customer()?;
    needs_extras(&request.headers)?;
    let id = ManifestId { customer, id: request.params.get("manifest").to_owned() };
    let max = request.state.limits.manifest_bytes_max;
    let mut json = body::json(&request.headers, body, max).await?;
    let known = find(&request, &id).await?;
    if IfMatch::read(&request.headers)? == IfMatch::Any && known.is_none() {
        return Err(Problem::precondition_failed());
    }
    if let Some(row) = &known {
        forget_ours(&request.state, row, &mut json.value).await?;
    }
    let NewManifest { place, document, .. } =
        manifest_body::read(&request.state, customer, &json.value).await?;
    let request = &request;
    request
        .once(&json.bytes, |context| async move {
            let manifests = &request.state.commands.manifests;
            let decided = manifests.put(&context, &id, place, document).await?;
            let status = if decided.created { StatusCode::CREATED } else { StatusCode::OK };
            answer(request, id, decided, status).await
        })
        .await
}

/// Takes from a manifest that was read what we had put into it, so that writing it back changes
/// nothing.
async fn forget_ours(state: &Shared, row: &ManifestRow, body: &mut Value) -> Answer<()> {
    let text = kept(state, &row.stored).await?;
    // Most have canvases of their own, and those that are large take long to read.
    if !text.contains("paintedResources") {
        return Ok(());
    }
    let kept = manifest_body::stored(state, row, &text)?;
    let Some(members) = body.as_object_mut().filter(|_| kept.painted.is_some()) else {
        return Ok(());
    };
    let shown = view(state, row).await?;
    for name in MERGED {
        if members.get(name).is_none() || members.get(name) != shown.get(name) {
            continue;
        }
        match kept.document.get(name) {
            Some(own) => drop(members.insert(name.to_owned(), own.clone())),
            None => drop(members.remove(name)),
        }
    }
    Ok(())
}

/// Changes what a JSON merge patch (RFC 7396) names: `null` takes away, what is left out stays.
pub(crate) async fn change(request: Incoming, body: Body) -> Answer {
    let customer = request.caller.customer()?;
    needs_extras(&request.headers)?;
    let id = ManifestId { customer, id: request.params.get("manifest").to_owned() };
    let max = request.state.limits.manifest_bytes_max;
    let json = body::json(&request.headers, body, max).await?;
    let place = place::patch(&request.state, &Fields::of(&json.value)?)?;
    let (request, patch, place) = (&request, &json.value, &place);
    request
        .once(&json.bytes, |context| async move {
            let decided =
                until_unchanged(&context, || change_once(request, &context, &id, patch, place))
                    .await?;
            answer(request, id, decided, StatusCode::OK).await
        })
        .await
}

/// Patches something that others may change at the same time: anew where somebody has changed it
/// since it was read, unless the client wants to know.
pub(crate) async fn until_unchanged<Fut>(
    context: &CommandContext,
    patch: impl Fn() -> Fut,
) -> Answer<Decided>
where
    Fut: Future<Output = Answer<Decided>>,
{
    let mut tries = 0;
    loop {
        let patched = patch().await;
        tries += 1;
        match patched {
            Err(problem)
                if problem.status == StatusCode::PRECONDITION_FAILED
                    && context.expected_edit.is_none()
                    && tries < PATCH_TRIES_MAX =>
            {
                tokio::time::sleep(PATCH_PAUSE).await;
            }
            done => return done,
        }
    }
}

/// Patches the manifest as it is now, if it stays like that until then.
async fn change_once(
    request: &Incoming,
    context: &CommandContext,
    id: &ManifestId,
    patch: &Value,
    place: &PlacePatch,
) -> Answer<Decided> {
    let state = &request.state;
    let row = living(state, &request.caller, id).await?;
    let mut document = document_of(state, &row).await?.whole();
    merge(&mut document, patch);
    let new = manifest_body::read(state, id.customer, &document).await?;
    let expected_edit = context.expected_edit.or(Some(row.stored.edit_revision));
    let context = CommandContext { expected_edit, ..context.clone() };
    let (place, document) = (place.clone(), Some(new.document));
    Ok(state.commands.manifests.change(&context, id, place, document).await?)
}

/// RFC 7396, section 2.
pub(crate) fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    for (name, value) in patch {
        match value {
            Value::Null => drop(target.as_object_mut().and_then(|it| it.remove(name))),
            value => merge(&mut target[name.as_str()], value),
        }
    }
}

/// Deletes a manifest: its addresses answer 410, until another is stored there.
pub(crate) async fn delete(request: Incoming) -> Answer {
    let customer = request.caller.customer()?;
    needs_extras(&request.headers)?;
    let id = ManifestId { customer, id: request.params.get("manifest").to_owned() };
    let request = &request;
    request
        .once(&[], |context| async move {
            let decided = request.state.commands.manifests.delete(&context, &id).await?;
            answer(request, id, decided, StatusCode::NO_CONTENT).await
        })
        .await
}

/// Returns a manifest that is there.
pub(crate) async fn living(
    state: &Shared,
    caller: &Caller,
    id: &ManifestId,
) -> Answer<ManifestRow> {
    state.settle(&Resource::Manifest(id.clone())).await;
    let row = state.queries.manifests.manifest(&caller.principal, id).await?;
    match row {
        None => Err(Problem::not_found()),
        Some(row) if row.stored.deleted => Err(Problem::gone()),
        Some(row) => Ok(row),
    }
}

/// Answers the view of managers: the manifest and what the API knows beside it.
pub(crate) async fn show(
    state: &Shared,
    headers: &HeaderMap,
    row: &ManifestRow,
    status: StatusCode,
) -> Answer {
    let document = view(state, row).await?;
    let mut response = json_ld::json_ld(status, &document);
    insert_edit_tag(response.headers_mut(), row.stored.edit_revision);
    insert_modified(response.headers_mut(), row.stored.modified_at_us);
    let resource = Remembered::Manifest(row.id.clone());
    announce(response.headers_mut(), &state.public_url, &resource);
    let validators =
        Validators { etag: row.stored.edit_revision.to_string(), modified_at_us: None };
    let is_settled = document["ingesting"]["isSettled"] != json!(false);
    let is_known = is_settled && validators.not_modified(headers);
    Ok(if is_known { into_not_modified(response) } else { response })
}

/// Returns the document that a row names.
pub(crate) async fn document_of(state: &Shared, row: &ManifestRow) -> Answer<StoredDocument> {
    let kept = kept(state, &row.stored).await?;
    manifest_body::stored(state, row, &kept)
}

/// Returns a document as it is kept, without our base.
pub(crate) async fn kept(state: &Shared, stored: &Stored) -> Answer<String> {
    let digest = Digest::parse(&stored.document.sha256)
        .ok_or_else(|| Problem::internal("the digest of a document is malformed"))?;
    let bytes = state.objects.get(&ObjectKey::document(&digest)).await?;
    String::from_utf8(bytes.into()).map_err(Problem::internal)
}

async fn view(state: &Shared, row: &ManifestRow) -> Answer<Value> {
    let flat = address::flat_manifest(&state.public_url, &row.id);
    let kept = document_of(state, row).await?;
    let painted = kept.painted.clone();
    let mut document = stored::document(state, row, kept, flat.clone()).await?;
    let extras = summary(state, row).await?;
    for name in ["slug", "parent", "publicId", "flatId", "created", "modified"] {
        document[name] = extras[name].clone();
    }
    if let Some(painted) = painted {
        let resources: Vec<Value> = painted.iter().map(Painted::to_json).collect();
        document["paintedResources"] = Value::from(resources);
        document["ingesting"] = progress(state, &painted).await?;
    }
    Ok(document)
}

/// Counts how many painted assets are done with.
async fn progress(state: &Shared, painted: &[Painted]) -> Answer<Value> {
    let (mut finished, mut errors) = (0, 0);
    for found in stored::facts(state, painted).await? {
        match found.map(|found| found.row) {
            Some(TileMetadataRow::Ready { .. }) => finished += 1,
            Some(TileMetadataRow::Failed { .. }) | None => errors += 1,
            Some(TileMetadataRow::Pending { .. } | TileMetadataRow::Deleted) => {}
        }
    }
    let (total, is_settled) = (painted.len(), finished + errors >= painted.len());
    Ok(json!({"total": total, "finished": finished, "errors": errors, "isSettled": is_settled}))
}

async fn summary(state: &Shared, row: &ManifestRow) -> Answer<Value> {
    let flat = address::flat_manifest(&state.public_url, &row.id);
    let mut summary = place::shown(state, row.id.customer, &row.stored, flat).await?;
    summary["type"] = json!("Manifest");
    summary["flatId"] = json!(row.id.id);
    Ok(summary)
}

async fn answer(
    request: &Incoming,
    id: ManifestId,
    decided: Decided,
    status: StatusCode,
) -> Answer {
    let path = format!("/{}/manifests/{}", id.customer, dlcs_iiif::link::encode_segment(&id.id));
    let done = Done { status, resource: Resource::Manifest(id.clone()), decided, path };
    let row = if request.settled(&done).await { find(request, &id).await? } else { None };
    let document = match row {
        Some(row) => Some(view(&request.state, &row).await?),
        None => None,
    };
    request.answer(&done, document.as_ref())
}

async fn find(request: &Incoming, id: &ManifestId) -> Answer<Option<ManifestRow>> {
    let row = request.state.queries.manifests.manifest(&request.caller.principal, id).await?;
    Ok(row.filter(|row| !row.stored.deleted))
}

pub(crate) fn needs_extras(headers: &HeaderMap) -> Answer<()> {
    if wants_extras(headers) {
        return Ok(());
    }
    let detail = "what is stored is written with the header X-IIIF-CS-Show-Extras: All";
    Err(Problem::new(StatusCode::FORBIDDEN, "extras-needed", detail))
}
