//! `/iiif-resource/[{v}/]{c}/{query}/{args…}` and `/raw-resource/{c}/{query}/{args…}`: the images that a
//! named query chooses, as a manifest and as a list of ids. The same question gives the same answer.

use super::address;
use super::asset::Ready;
use super::caching::{Caching, Document, digest};
use super::canvases::{Naming, canvas, thumbnail, with_text};
use super::manifests::negotiated;
use crate::access::Caller;
use crate::annotations::Annotations;
use crate::error::{Answer, Problem};
use crate::export;
use crate::http::conditional::{Validators, into_not_modified};
use crate::http::raw_path::PathParams;
use crate::management::manifests as stored;
use crate::state::Shared;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Uri, header};
use axum::response::IntoResponse;
use dlcs_domain::access::Principal;
use dlcs_domain::named_query::{Order, OrderField, Selection, TemplateError};
use dlcs_domain::{ActorId, AssetId, BatchId, CustomerId, ManifestId, NamedQueryId, SpaceId};
use dlcs_iiif::presentation::{LanguageMap, Manifest, PresentationVersion};
use dlcs_projections::PageRequest;
use dlcs_projections::assets::{AssetFilter, AssetOrder, AssetRow, AssetState};
use dlcs_projections::named_queries::NamedQueryRow;
use dlcs_projections::paging::{Direction, LIMIT_MAX};
use percent_encoding::percent_decode_str;
use serde_json::Value;
use std::cmp::Ordering;
use std::collections::HashMap;

/// Images of one answer (THREATS 4.3: canvases of a manifest).
const IMAGES_MAX: usize = 20_000;

pub(crate) async fn manifest(
    State(state): State<Shared>,
    caller: Caller,
    params: PathParams,
    uri: Uri,
    headers: HeaderMap,
) -> Answer {
    let asked = Asked::read(&caller, &params, &uri)?;
    let rows = asked.images(&state).await?;
    let negotiated = negotiated(&caller, &headers);
    let rendered = asked.render(&state, &caller, &rows, negotiated.version).await?;
    let document = Document {
        body: rendered.manifest.to_json(negotiated.version),
        content_type: negotiated.content_type,
        modified_at_us: Some(rendered.modified_at_us),
        caching: Caching::of(true, false),
        link: None,
    };
    Ok(document.respond(&headers))
}

pub(crate) async fn ids(
    State(state): State<Shared>,
    caller: Caller,
    params: PathParams,
    uri: Uri,
    headers: HeaderMap,
) -> Answer {
    let rows = Asked::read(&caller, &params, &uri)?.images(&state).await?;
    let ids: Vec<Value> = rows.iter().map(|row| Value::from(row.id.to_string())).collect();
    let body = Value::from(ids).to_string();
    let validators = Validators { etag: digest(&[&body]), modified_at_us: None };
    let is_known = validators.not_modified(&headers);
    let media_type = (header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let mut response = ([media_type], body).into_response();
    Caching::of(true, false).write(response.headers_mut());
    validators.write(response.headers_mut());
    Ok(if is_known { into_not_modified(response) } else { response })
}

/// A named query with arguments.
pub(crate) struct Asked {
    pub id: NamedQueryId,
    pub arguments: Vec<String>,
    /// What follows the name in the address, as it came.
    tail: String,
}

/// What a named query chooses.
pub(crate) struct Chosen {
    pub query: NamedQueryRow,
    pub selection: Selection,
    /// In the order of the query; never empty.
    pub images: Vec<AssetRow>,
}

/// A manifest and when anything in it last changed.
struct Rendered {
    manifest: Manifest,
    modified_at_us: i64,
}

impl Asked {
    /// Arguments are taken apart while they are encoded, so that one of them may hold a slash.
    pub(crate) fn read(caller: &Caller, params: &PathParams, uri: &Uri) -> Answer<Self> {
        let id =
            NamedQueryId { customer: caller.customer()?, name: params.get("query").to_owned() };
        // Behind the prefix, the version if there is one, the customer, and the name.
        let before = 3 + usize::from(caller.version.is_some());
        let segments = uri.path().split('/').skip(1 + before);
        let segments: Vec<&str> = segments.filter(|it| !it.is_empty()).collect();
        let decode = |it: &&str| Some(percent_decode_str(it).decode_utf8().ok()?.into_owned());
        let arguments = segments.iter().map(decode).collect::<Option<Vec<_>>>();
        let wrong = || Problem::bad_request("bad-address", "the address is not UTF-8");
        let tail = segments.iter().map(|it| format!("/{it}")).collect();
        Ok(Self { id, arguments: arguments.ok_or_else(wrong)?, tail })
    }

    async fn images(&self, state: &Shared) -> Answer<Vec<AssetRow>> {
        Ok(self.choose(state).await?.images)
    }

    /// Returns the words that the name and the arguments are.
    pub(crate) fn words(&self) -> String {
        let words = std::iter::once(&self.id.name).chain(&self.arguments);
        words.map(String::as_str).collect::<Vec<_>>().join(" ")
    }

    pub(crate) async fn choose(&self, state: &Shared) -> Answer<Chosen> {
        let query = state.queries.named_queries.named_query(&self.id).await?;
        let query = query.filter(|it| !it.removed).ok_or_else(Problem::not_found)?;
        let selection = query.template.select(&self.arguments).map_err(|error| match error {
            TemplateError::Empty => Problem::bad_request("invalid-field", error.to_string()),
            error => Problem::field("arguments", error.to_string()),
        })?;
        let mut images = chosen(state, self.id.customer, &selection).await?;
        if images.is_empty() {
            return Err(Problem::not_found());
        }
        images.sort_by(|left, right| compare(left, right, &selection.order));
        Ok(Chosen { query, selection, images })
    }

    async fn render(
        &self,
        state: &Shared,
        caller: &Caller,
        rows: &[AssetRow],
        version: PresentationVersion,
    ) -> Answer<Rendered> {
        let (base, customer) = (&state.public_url, self.id.customer);
        let ids: Vec<AssetId> = rows.iter().map(|row| row.id.clone()).collect();
        let texts = state.queries.page_texts.of_assets(&Principal::Anonymous, &ids).await?;
        let texts: HashMap<&AssetId, i64> = texts
            .iter()
            .filter(|it| it.text.is_some())
            .map(|it| (&it.id, it.modified_at_us))
            .collect();
        let fixed = caller.version.map(|version| version.presentation());
        let mut manifest = Manifest::new(address::named_query(base, fixed, &self.id, &self.tail));
        manifest.label = LanguageMap::none(self.words());
        let mut modified_at_us = 0;
        for row in rows {
            modified_at_us = modified_at_us.max(row.modified_at_us);
            let Some(ready) = ready(row) else { continue };
            if manifest.thumbnail.is_none() {
                manifest.thumbnail = thumbnail(state, &row.id, &ready, version);
            }
            let naming = Naming {
                id: address::canvas(base, &row.id),
                label: LanguageMap::none(row.id.name()),
            };
            let mut canvas = canvas(state, &row.id, &ready, naming, version);
            if let Some(changed_at_us) = texts.get(&row.id) {
                canvas = with_text(state, &row.id, canvas, version);
                modified_at_us = modified_at_us.max(*changed_at_us);
            }
            manifest.canvases.push(canvas);
        }
        let canvases = manifest.canvases.iter().map(|it| &*it.id);
        let annotations = Annotations::on(state, customer, canvases).await?;
        for canvas in &mut manifest.canvases {
            let changed_at_us = annotations.refer(base, customer, canvas, version);
            modified_at_us = modified_at_us.max(changed_at_us.unwrap_or(0));
        }
        if !manifest.canvases.is_empty() {
            manifest.rendering =
                export::offers(base, &address::named_query_tail(&self.id, &self.tail));
        }
        Ok(Rendered { manifest, modified_at_us })
    }
}

/// Returns what is served of an image; `None`: it is not ingested.
pub(crate) fn ready(row: &AssetRow) -> Option<Ready<'_>> {
    let delivered = row.delivered.as_ref()?;
    Some(Ready {
        delivered,
        generation: row.generation,
        attempt: row.delivered_attempt?,
        channels: &row.delivery.channels,
        limits: row.limits,
        modified_at_us: row.modified_at_us,
    })
}

/// Finds images in the name of the service: which there are may be known to everybody, as in any
/// manifest; what they show is decided image by image.
fn service() -> Principal {
    Principal::Process { actor: ActorId("process-delivery".to_owned()) }
}

async fn chosen(
    state: &Shared,
    customer: CustomerId,
    selection: &Selection,
) -> Answer<Vec<AssetRow>> {
    let Some(filter) = filter(state, customer, selection).await? else { return Ok(Vec::new()) };
    if !selection.manifests.is_empty() {
        return of_manifests(state, customer, selection, &filter).await;
    }
    if selection.batches.is_empty() {
        return listed(state, &filter).await;
    }
    let mut rows = Vec::new();
    for batch in batches(selection)? {
        rows.extend(listed(state, &AssetFilter { batch: Some(batch), ..filter.clone() }).await?);
        check_count(rows.len())?;
    }
    Ok(rows)
}

/// `None`: there is no space of this name.
async fn filter(
    state: &Shared,
    customer: CustomerId,
    selection: &Selection,
) -> Answer<Option<AssetFilter>> {
    let Selection { space, space_name, strings, numbers, .. } = selection;
    let number = match (space, space_name) {
        (Some(number), _) => Some(dlcs_domain::SpaceNumber(*number)),
        (None, None) => None,
        (None, Some(name)) => match state.queries.spaces.number_by_name(customer, name).await? {
            Some(number) => Some(number),
            None => return Ok(None),
        },
    };
    let [string1, string2, string3] = strings.clone();
    let [number1, number2, number3] = *numbers;
    Ok(Some(AssetFilter {
        customer: Some(customer),
        space: number.map(|space| SpaceId { customer, space }),
        string1,
        string2,
        string3,
        number1,
        number2,
        number3,
        ..AssetFilter::default()
    }))
}

fn batches(selection: &Selection) -> Answer<Vec<BatchId>> {
    let wrong = |text: &String| Problem::field("batch", format!("`{text}` is no batch"));
    let ids = selection.batches.iter().map(|it| it.parse().map(BatchId).map_err(|_| wrong(it)));
    ids.collect()
}

async fn listed(state: &Shared, filter: &AssetFilter) -> Answer<Vec<AssetRow>> {
    let (principal, order) = (service(), AssetOrder::Created);
    let mut request =
        PageRequest { limit: LIMIT_MAX, after: None, offset: 0, direction: Direction::Ascending };
    let mut rows = Vec::new();
    loop {
        let page = state.queries.assets.list(&principal, filter, order, &request, false).await?;
        request.after = page.next().cloned();
        rows.extend(page.items);
        check_count(rows.len())?;
        if request.after.is_none() {
            return Ok(rows);
        }
    }
}

async fn of_manifests(
    state: &Shared,
    customer: CustomerId,
    selection: &Selection,
    filter: &AssetFilter,
) -> Answer<Vec<AssetRow>> {
    let (principal, batches) = (service(), batches(selection)?);
    let mut ids: Vec<AssetId> = Vec::new();
    for manifest in &selection.manifests {
        let id = ManifestId { customer, id: manifest.clone() };
        let row = state.queries.manifests.manifest(&principal, &id).await?;
        let Some(row) = row.filter(|it| !it.stored.deleted) else { continue };
        ids.extend(stored::members(state.clone(), row).await?);
        check_count(ids.len())?;
    }
    ids.sort_unstable();
    ids.dedup();
    let mut rows = Vec::new();
    for ids in ids.chunks(LIMIT_MAX) {
        let found = state.queries.assets.assets_by_id(&principal, ids).await?;
        rows.extend(found.into_iter().filter(|it| matches(it, filter, &batches)));
    }
    Ok(rows)
}

fn matches(row: &AssetRow, filter: &AssetFilter, batches: &[BatchId]) -> bool {
    let it = &row.metadata;
    let text = |own: &String, wanted: &Option<String>| wanted.as_ref().is_none_or(|it| it == own);
    let number = |own: i64, wanted: Option<i64>| wanted.is_none_or(|it| it == own);
    row.state != AssetState::Deleted
        && filter.space.is_none_or(|space| space == row.id.space())
        && text(&it.string1, &filter.string1)
        && text(&it.string2, &filter.string2)
        && text(&it.string3, &filter.string3)
        && number(it.number1, filter.number1)
        && number(it.number2, filter.number2)
        && number(it.number3, filter.number3)
        && (batches.is_empty() || row.batch.is_some_and(|it| batches.contains(&it)))
}

fn check_count(count: usize) -> Answer<()> {
    if count <= IMAGES_MAX {
        return Ok(());
    }
    let detail = format!("the query chooses more than {IMAGES_MAX} images: narrow it");
    Err(Problem::bad_request("query-too-wide", detail))
}

/// By what the query says, and then by the ids, so that the order has no ties.
fn compare(left: &AssetRow, right: &AssetRow, order: &[Order]) -> Ordering {
    let strings = |row: &AssetRow| {
        let it = &row.metadata;
        [it.string1.clone(), it.string2.clone(), it.string3.clone()]
    };
    let numbers = |row: &AssetRow| {
        let it = &row.metadata;
        [it.number1, it.number2, it.number3]
    };
    for Order { field, is_descending } in order {
        let compared = match field {
            OrderField::String(index) => strings(left)[*index].cmp(&strings(right)[*index]),
            OrderField::Number(index) => numbers(left)[*index].cmp(&numbers(right)[*index]),
        };
        let compared = if *is_descending { compared.reverse() } else { compared };
        if compared != Ordering::Equal {
            return compared;
        }
    }
    left.id.cmp(&right.id)
}
