//! Stored manifests as the world sees them: the client's document, its painted assets expanded.

use super::address;
use super::asset::Found;
use super::caching::{Caching, Document};
use super::canvases::{Naming, canvas, thumbnail, with_text};
use super::collections;
use super::info::{moved, see_other};
use super::manifests::negotiated;
use super::rendered::{MadeAt, Rendered, RenderedKey};
use crate::access::Caller;
use crate::annotations::Annotations;
use crate::error::{Answer, Problem};
use crate::export;
use crate::http::query::QueryParams;
use crate::http::raw_path::PathParams;
use crate::management::manifests::{self as managed, Painted, StoredDocument};
use crate::memento::{Remembered, announce};
use crate::state::{PublicUrl, Shared};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use dlcs_domain::access::Principal;
use dlcs_domain::manifest::document::CanvasNaming;
use dlcs_domain::{AssetId, CustomerId, ManifestId};
use dlcs_iiif::base::BASE_PLACEHOLDER;
use dlcs_iiif::content_search::SearchVersion;
use dlcs_iiif::negotiation::Negotiated;
use dlcs_iiif::presentation::{
    Canvas, ExternalResource, LanguageMap, Manifest, PresentationVersion, downgrade,
};
use dlcs_projections::manifests::{ManifestRow, Stored, StoredRow, path_of, resolve};
use dlcs_projections::tile_metadata::TileMetadataRow;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// `/iiif/[{v}/]{c}/{slug…}`: the manifest or collection at a path of slugs.
pub(crate) async fn public(
    State(state): State<Shared>,
    caller: Caller,
    params: PathParams,
    query: QueryParams,
    headers: HeaderMap,
) -> Answer {
    let (customer, path) = (caller.customer()?, params.get("slug"));
    let manifests = &*state.queries.manifests;
    let row = resolve(manifests, &caller.principal, customer, path).await?;
    let row =
        row.filter(|row| collections::may_see(&caller, row)).ok_or_else(Problem::not_found)?;
    if row.stored().deleted {
        return Err(Problem::gone());
    }
    if managed::wants_extras(&headers) && caller.manages(customer) {
        return see_other(&flat_address(&state, &row));
    }
    let now = path_of(manifests, &caller.principal, customer, row.stored()).await?;
    let address = public_address(&state, &caller, &row, now.as_deref());
    if now.is_none_or(|now| now.to_lowercase() != path.to_lowercase()) {
        return moved(&address);
    }
    match &row {
        StoredRow::Manifest(row) => serve(&state, &caller, &headers, row, address).await,
        StoredRow::Collection(row) => {
            collections::serve(&state, &caller, &headers, &query, row, address).await
        }
    }
}

/// `/{c}/manifests/{id}`: for its managers with extras, for everybody else the way to the public
/// address, or the manifest itself where it has none.
pub(crate) async fn flat(
    State(state): State<Shared>,
    caller: Caller,
    params: PathParams,
    headers: HeaderMap,
) -> Answer {
    let customer = caller.customer()?;
    let id = ManifestId { customer, id: params.get("manifest").to_owned() };
    let row = managed::living(&state, &caller, &id).await?;
    if managed::wants_extras(&headers) && caller.manages(customer) {
        return managed::show(&state, &headers, &row, StatusCode::OK).await;
    }
    match path(&state, customer, &row.stored).await? {
        Some(path) => see_other(&address::public_stored(&state.public_url, None, customer, &path)),
        None => {
            let address = address::flat_manifest(&state.public_url, &row.id);
            let mut response = serve(&state, &caller, &headers, &row, address).await?;
            announce(response.headers_mut(), &state.public_url, &Remembered::Manifest(id));
            Ok(response)
        }
    }
}

async fn serve(
    state: &Shared,
    caller: &Caller,
    headers: &HeaderMap,
    row: &ManifestRow,
    id: String,
) -> Answer {
    let Negotiated { version, content_type } = negotiated(caller, headers);
    let (document, edits) = (row.stored.document.sha256.clone(), row.stored.edit_revision);
    let manifest = row.id.clone();
    let key = RenderedKey { manifest, document, edits, address: id, version, content_type };
    let rendered = rendered(state, row, key).await?;
    let document = Document {
        body: rendered.body.clone(),
        content_type,
        modified_at_us: Some(rendered.modified_at_us.max(row.stored.modified_at_us)),
        caching: Caching::of(true, false),
        link: None,
    };
    Ok(document.respond_as(rendered.etag.clone(), headers))
}

/// Returns a document from memory, where it is still as it would be rendered now.
async fn rendered(state: &Shared, row: &ManifestRow, key: RenderedKey) -> Answer<Arc<Rendered>> {
    let freshness = &state.queries.freshness;
    if let Some(known) = state.rendered.get(&key, freshness) {
        return Ok(known);
    }
    let _turn = state.rendered.turn().await;
    if let Some(known) = state.rendered.get(&key, freshness) {
        return Ok(known);
    }
    let made_at = MadeAt::now(freshness);
    let stored = managed::document_of(state, row).await?;
    let made_at = stored.painted.as_ref().map(|_| made_at);
    let dated = render(state, row, stored, key.address.clone(), key.version).await?;
    let body = dated.document.to_string();
    let rendered = Rendered::new(&key, body, dated.modified_at_us, made_at);
    Ok(state.rendered.keep(key, rendered))
}

/// Returns the public path of a manifest or collection now.
pub(crate) async fn path(
    state: &Shared,
    customer: CustomerId,
    stored: &Stored,
) -> Answer<Option<String>> {
    let manifests = &*state.queries.manifests;
    Ok(path_of(manifests, &Principal::Anonymous, customer, stored).await?)
}

pub(crate) fn flat_address(state: &Shared, row: &StoredRow) -> String {
    match row {
        StoredRow::Manifest(row) => address::flat_manifest(&state.public_url, &row.id),
        StoredRow::Collection(row) => address::flat_collection(&state.public_url, &row.id),
    }
}

/// Returns the address of something with this path, in the version of the address that was asked.
fn public_address(state: &Shared, caller: &Caller, row: &StoredRow, path: Option<&str>) -> String {
    let fixed = caller.version.map(|version| version.presentation());
    match path {
        Some(path) => address::public_stored(&state.public_url, fixed, row.customer(), path),
        None => flat_address(state, row),
    }
}

/// Returns a manifest in version 3.0 under a given address.
pub(crate) async fn document(
    state: &Shared,
    row: &ManifestRow,
    stored: StoredDocument,
    id: String,
) -> Answer<Value> {
    Ok(render(state, row, stored, id, PresentationVersion::V3).await?.document)
}

/// A document and when anything in it last changed.
struct Dated {
    document: Value,
    modified_at_us: i64,
}

async fn render(
    state: &Shared,
    row: &ManifestRow,
    stored: StoredDocument,
    id: String,
    version: PresentationVersion,
) -> Answer<Dated> {
    let Some(painted) = &stored.painted else {
        let document = with_identity(stored.document, &id);
        let document = match version {
            PresentationVersion::V2 => downgrade(&document),
            PresentationVersion::V3 => document,
        };
        let modified_at_us = row.stored.modified_at_us;
        return Ok(Dated { document, modified_at_us });
    };
    let assets = facts(state, painted).await?;
    let texts = OpenTexts::of(state, painted).await?;
    let mut manifest = Manifest::new(id.clone());
    let mut modified_at_us = row.stored.modified_at_us;
    let mut names = CanvasNames::default();
    for (painted, found) in painted.iter().zip(&assets) {
        let Some(Ok(ready)) = found.as_ref().map(Found::ready) else { continue };
        modified_at_us = modified_at_us.max(ready.modified_at_us);
        let naming = names.of(state, row, painted);
        if manifest.thumbnail.is_none() {
            manifest.thumbnail = thumbnail(state, &painted.asset, &ready, version);
        }
        let mut canvas = canvas(state, &painted.asset, &ready, naming, version);
        if let Some(changed_at_us) = texts.0.get(&painted.asset) {
            canvas = with_text(state, &painted.asset, canvas, version);
            modified_at_us = modified_at_us.max(*changed_at_us);
        }
        manifest.canvases.push(canvas);
    }
    let customer = row.id.customer;
    let canvases = manifest.canvases.iter().map(|it| &*it.id);
    let annotations = Annotations::on(state, customer, canvases).await?;
    for canvas in &mut manifest.canvases {
        let changed_at_us = annotations.refer(&state.public_url, customer, canvas, version);
        modified_at_us = modified_at_us.max(changed_at_us.unwrap_or(0));
    }
    if !texts.0.is_empty() {
        offer_text(state, row, &mut manifest);
    }
    if !manifest.canvases.is_empty() {
        let tail = address::manifest_tail(&row.id);
        manifest.rendering.extend(export::offers(&state.public_url, &tail));
    }
    let document = match version {
        PresentationVersion::V2 => older(&manifest, stored.document, &id),
        PresentationVersion::V3 => merged(&manifest, stored.document, &id),
    };
    Ok(Dated { document, modified_at_us })
}

/// Texts that anybody may read, with the time of their last change. A manifest is the same for
/// everybody, so that it leads to nothing that only some may read.
struct OpenTexts(HashMap<AssetId, i64>);

impl OpenTexts {
    async fn of(state: &Shared, painted: &[Painted]) -> Answer<Self> {
        let ids: Vec<AssetId> = painted.iter().map(|painted| painted.asset.clone()).collect();
        let rows = state.queries.page_texts.of_assets(&Principal::Anonymous, &ids).await?;
        let rows = rows.into_iter().filter(|row| row.text.is_some());
        Ok(Self(rows.map(|row| (row.id, row.modified_at_us)).collect()))
    }
}

/// Offers search, and the text of the whole.
fn offer_text(state: &Shared, row: &ManifestRow, manifest: &mut Manifest) {
    let base = &state.public_url;
    let file = |format: &str, label: &str, media_type: &str| ExternalResource {
        id: address::manifest_text(base, format, &row.id),
        kind: "Text".to_owned(),
        label: LanguageMap::new("en", label),
        format: Some(media_type.to_owned()),
        profile: None,
    };
    manifest.search = Some(address::search(base, &address::manifest_tail(&row.id)));
    manifest.see_also.push(file("mets", "METS", "application/xml"));
    manifest.rendering.push(file("plain", "Text", "text/plain"));
}

/// Returns what is known of each painted asset, in order.
pub(crate) async fn facts(state: &Shared, painted: &[Painted]) -> Answer<Vec<Option<Found>>> {
    let ids: Vec<AssetId> = painted.iter().map(|painted| painted.asset.clone()).collect();
    let rows = state.queries.tile_metadata.tile_metadata_of(&ids).await?;
    let facts = ids.into_iter().zip(rows).map(|(id, row)| {
        let row = row.filter(|row| *row != TileMetadataRow::Deleted)?;
        Some(Found { id, row, tail: String::new(), is_open: false })
    });
    Ok(facts.collect())
}

/// Names canvases after their assets, and ranges, below the flat address of their manifest.
#[derive(Debug)]
pub struct PaintedNames(String);

impl PaintedNames {
    /// As they are shown.
    pub(crate) fn shown(state: &Shared, id: &ManifestId) -> Self {
        Self(address::flat_manifest(&state.public_url, id))
    }

    /// As they are kept.
    pub fn kept(id: &ManifestId) -> Self {
        Self(address::flat_manifest(&PublicUrl::new(BASE_PLACEHOLDER), id))
    }

    /// Returns the id of a range by the name that its address ends with.
    pub fn range_id(&self, name: &str) -> String {
        format!("{}/ranges/{}", self.0, dlcs_iiif::link::encode_segment(name))
    }
}

impl CanvasNaming for PaintedNames {
    fn canvas_id(&self, space: u64, asset: &str, times: usize) -> String {
        let name = dlcs_iiif::link::encode_segment(&format!("{space}/{asset}"));
        match times {
            1 => format!("{}/canvases/{name}", self.0),
            again => format!("{}/canvases/{name}/{again}", self.0),
        }
    }
}

/// Names canvases one after the other; that of an asset that is painted again gets a number.
#[derive(Default)]
pub(crate) struct CanvasNames(BTreeMap<AssetId, usize>);

impl CanvasNames {
    pub(crate) fn of(&mut self, state: &Shared, row: &ManifestRow, painted: &Painted) -> Naming {
        let times = self.0.entry(painted.asset.clone()).or_default();
        *times += 1;
        let named = || {
            let space = u64::from(painted.asset.space().space.0);
            let names = PaintedNames::shown(state, &row.id);
            names.canvas_id(space, painted.asset.name(), *times)
        };
        let id = painted.canvas_id.clone().unwrap_or_else(named);
        let label = painted.label.as_ref().map(language_map).unwrap_or_default();
        let label = if label.is_empty() { LanguageMap::none(painted.asset.name()) } else { label };
        Naming { id, label }
    }
}

/// Puts the expanded canvases into the client's own document.
fn merged(manifest: &Manifest, document: Value, id: &str) -> Value {
    let mut printed = manifest.to_json_value(PresentationVersion::V3);
    let mut document = with_identity(document, id);
    document["items"] = printed["items"].take();
    for name in ["thumbnail", "label"] {
        if document.get(name).is_none_or(Value::is_null) && !printed[name].is_null() {
            document[name] = printed[name].take();
        }
    }
    // Ours come behind what the client says.
    for name in ["seeAlso", "rendering", "service"] {
        if let Value::Array(ours) = printed[name].take() {
            append(&mut document, name, ours);
        }
    }
    if manifest.search.is_some() {
        document["@context"] = with_search_context(document["@context"].take());
    }
    document
}

/// Presentation 2.1 of the client's own document, with the expanded canvases in it.
fn older(manifest: &Manifest, document: Value, id: &str) -> Value {
    let mut printed = manifest.to_json_value(PresentationVersion::V2);
    let canvases = printed["sequences"][0]["canvases"].take();
    let mut document = with_identity(document, id);
    // Ranges lead to canvases that are there, and take over their labels.
    document["items"] = manifest.canvases.iter().map(outline).collect();
    let mut older = downgrade(&document);
    older["sequences"][0]["canvases"] = canvases;
    if older.get("thumbnail").is_none() && !printed["thumbnail"].is_null() {
        older["thumbnail"] = printed["thumbnail"].take();
    }
    for name in ["seeAlso", "rendering"] {
        if let Value::Array(ours) = printed[name].take() {
            append(&mut older, name, ours);
        }
    }
    match (older.get("service"), printed["service"].take()) {
        (_, Value::Null) => {}
        (None, ours) => older["service"] = ours,
        (Some(_), ours) => append(&mut older, "service", vec![ours]),
    }
    older
}

fn outline(canvas: &Canvas) -> Value {
    json!({"id": canvas.id, "type": "Canvas", "label": canvas.label, "width": canvas.width,
        "height": canvas.height})
}

pub(crate) fn append(document: &mut Value, name: &str, ours: Vec<Value>) {
    let theirs = match document[name].take() {
        Value::Array(theirs) => theirs,
        Value::Null => Vec::new(),
        single => vec![single],
    };
    document[name] = theirs.into_iter().chain(ours).collect();
}

/// Presentation API 3.0, section 4.6: the context of an extension stands before our own.
pub(crate) fn with_search_context(context: Value) -> Value {
    let search = json!(SearchVersion::V2.context());
    let theirs = match context {
        Value::Array(theirs) => theirs,
        single => vec![single],
    };
    if theirs.contains(&search) {
        return Value::Array(theirs);
    }
    std::iter::once(search).chain(theirs).collect()
}

fn with_identity(mut document: Value, id: &str) -> Value {
    if document.get("@context").is_none_or(Value::is_null) {
        document["@context"] = json!(PresentationVersion::V3.context());
    }
    document["id"] = json!(id);
    document["type"] = json!("Manifest");
    document
}

/// Reads a label: a text, or a map from language to texts.
pub(crate) fn language_map(value: &Value) -> LanguageMap {
    match value {
        Value::String(text) => LanguageMap::none(text.as_str()),
        Value::Object(languages) => {
            let mut map = LanguageMap::default();
            for (language, texts) in languages {
                for text in texts.as_array().into_iter().flatten().filter_map(Value::as_str) {
                    map = map.with(language.as_str(), text);
                }
            }
            map
        }
        _ => LanguageMap::default(),
    }
}
