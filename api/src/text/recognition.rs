//! `POST …/recognition`: asks for recognition of an image, of a space, a batch, or a manifest.
//!
//! `{"languages": ["deu"]}` or `"deu+frk"`; without, each image is read in its own languages.

use super::writing::{answer, id};
use crate::delivery::asset::space_of;
use crate::error::{Answer, Problem};
use crate::http::body;
use crate::http::fields::Fields;
use crate::management::json_ld::json_ld;
use crate::management::write::Incoming;
use crate::management::{batches, manifests as managed, spaces};
use crate::state::Resource;
use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use bytes::Bytes;
use dlcs_commands::CommandContext;
use dlcs_domain::{AssetId, Languages, ManifestId};
use dlcs_projections::assets::{AssetFilter, AssetOrder};
use dlcs_projections::paging::{Direction, PageRequest};
use serde_json::{Value, json};

const DLCS_POSITION: HeaderName = HeaderName::from_static("dlcs-position");
/// Images of one page of a list.
const PAGE_LENGTH: usize = 500;
/// Refusals that are told one by one.
const REFUSALS_MAX: usize = 100;

/// Asks for one image: 202.
pub(crate) async fn of_asset(request: Incoming, body: Body) -> Answer {
    let (languages, bytes) = languages(&request, body).await?;
    let id = id(&request).await?;
    let (request, id) = (&request, &id);
    request
        .once(&bytes, |context| async move {
            let texts = &request.state.commands.texts;
            let decided = texts.request(&context, id, languages).await?;
            answer(request, id, decided, StatusCode::ACCEPTED).await
        })
        .await
}

pub(crate) async fn of_space(request: Incoming, body: Body) -> Answer {
    let customer = request.caller.customer()?;
    let space = space_of(&request.state, customer, request.params.get("space")).await?;
    spaces::living(&request, space).await?;
    let filter =
        AssetFilter { customer: Some(customer), space: Some(space), ..AssetFilter::default() };
    of_list(&request, body, filter).await
}

pub(crate) async fn of_batch(request: Incoming, body: Body) -> Answer {
    let row = batches::find(&request).await?;
    let (customer, batch) = (row.customer, row.id);
    let filter =
        AssetFilter { customer: Some(customer), batch: Some(batch), ..AssetFilter::default() };
    of_list(&request, body, filter).await
}

pub(crate) async fn of_manifest(request: Incoming, body: Body) -> Answer {
    let (languages, bytes) = languages(&request, body).await?;
    let id = request.params.get("manifest").to_owned();
    let id = ManifestId { customer: request.caller.customer()?, id };
    let state = &request.state;
    let row = managed::living(state, &request.caller, &id).await?;
    let stored = managed::document_of(state, &row).await?;
    let painted = stored.painted.unwrap_or_default();
    let mut assets: Vec<AssetId> = painted.into_iter().map(|it| it.asset).collect();
    assets.sort_unstable();
    assets.dedup();
    let (request, languages) = (&request, &languages);
    request
        .once(&bytes, |context| async move {
            let mut tally = Tally::default();
            tally.request(request, &context, &assets, languages).await;
            tally.answer()
        })
        .await
}

async fn of_list(request: &Incoming, body: Body, filter: AssetFilter) -> Answer {
    let (languages, bytes) = languages(request, body).await?;
    let (filter, languages) = (&filter, &languages);
    request
        .once(&bytes, |context| async move {
            let mut tally = Tally::default();
            let direction = Direction::Ascending;
            let mut wanted = PageRequest { limit: PAGE_LENGTH, after: None, offset: 0, direction };
            loop {
                let (queries, principal) = (&request.state.queries, &request.caller.principal);
                let order = AssetOrder::Id;
                let page = queries.assets.list(principal, filter, order, &wanted, false).await?;
                let ids: Vec<AssetId> = page.items.iter().map(|row| row.id.clone()).collect();
                tally.request(request, &context, &ids, languages).await;
                match page.next() {
                    Some(cursor) => wanted.after = Some(cursor.clone()),
                    None => return tally.answer(),
                }
            }
        })
        .await
}

/// What came of many requests.
#[derive(Default)]
struct Tally {
    asked: u64,
    requested: u64,
    unchanged: u64,
    refused: u64,
    refusals: Vec<Value>,
    position: u64,
}

impl Tally {
    async fn request(
        &mut self,
        request: &Incoming,
        context: &CommandContext,
        ids: &[AssetId],
        languages: &Languages,
    ) {
        let texts = &request.state.commands.texts;
        let outcomes = texts.request_many(context, self.asked, ids, languages).await;
        self.asked += ids.len() as u64;
        for (id, outcome) in ids.iter().zip(outcomes) {
            match outcome {
                Ok(decided) => {
                    let counter =
                        if decided.changed { &mut self.requested } else { &mut self.unchanged };
                    *counter += 1;
                    self.position = self.position.max(decided.position.0);
                    let resource = Resource::Text(id.clone());
                    request.state.written.record(resource, decided.position);
                }
                Err(error) => {
                    self.refused += 1;
                    if self.refusals.len() < REFUSALS_MAX {
                        let problem = Problem::from(error);
                        self.refusals.push(json!({
                            "id": id.to_string(), "code": problem.code, "detail": problem.detail,
                        }));
                    }
                }
            }
        }
    }

    fn answer(self) -> Answer {
        let document = json!({
            "requested": self.requested,
            "unchanged": self.unchanged,
            "refused": self.refused,
            "refusals": self.refusals,
        });
        let mut response = json_ld(StatusCode::ACCEPTED, &document);
        response.headers_mut().insert(DLCS_POSITION, HeaderValue::from(self.position));
        Ok(response)
    }
}

/// Reads the body; none at all asks for each image's own languages.
async fn languages(request: &Incoming, body: Body) -> Answer<(Languages, Bytes)> {
    let bytes_max = request.state.limits.json_bytes_max;
    let bytes = body::collect(&request.headers, body, bytes_max).await?;
    if bytes.is_empty() {
        return Ok((Languages::default(), bytes));
    }
    body::check_depth(&bytes)?;
    let value: Value = serde_json::from_slice(&bytes)
        .map_err(|error| Problem::bad_request("malformed-json", error.to_string()))?;
    let languages = Fields::of(&value)?.languages("languages")?;
    Ok((languages.unwrap_or_default(), bytes))
}
