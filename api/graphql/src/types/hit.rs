//! What a search found.

use super::asset::Asset;
use super::text::Bounds;
use crate::connection::{PAGE_DEFAULT, PAGE_MAX, Total};
use crate::context::{asset_id, principal, query_error, refused, search_error, state};
use async_graphql::connection::{Connection, Edge, EmptyFields};
use async_graphql::{ComplexObject, Context, Result, SimpleObject};
use dlcs_domain::{AssetId, CustomerId, ManifestId, SpaceNumber};
use dlcs_projections::search::{FoundHit, HitsWanted, Scope, Within};

/// A Relay connection of hits; a cursor is a place in the list.
pub(crate) type Hits = Connection<usize, SearchHit, Total, EmptyFields>;

/// One occurrence of what was looked for.
#[derive(SimpleObject)]
#[graphql(complex)]
pub(crate) struct SearchHit {
    /// `customer/space/asset`.
    asset_id: String,
    before: String,
    /// As it stands on the page.
    matched: String,
    after: String,
    /// One for each line, in pixels of the page that was read.
    boxes: Vec<Bounds>,
    page_width: u32,
    page_height: u32,
    language: Option<String>,
    #[graphql(skip)]
    key: AssetId,
}

#[ComplexObject]
impl SearchHit {
    async fn asset(&self, ctx: &Context<'_>) -> Result<Option<Asset>> {
        let row = state(ctx).queries.assets.asset(&principal(ctx), &self.key).await;
        Ok(row.map_err(query_error)?.map(Asset::from))
    }
}

impl From<FoundHit> for SearchHit {
    fn from(found: FoundHit) -> Self {
        Self {
            asset_id: found.id.to_string(),
            before: found.hit.before,
            matched: found.hit.matched,
            after: found.hit.after,
            boxes: found.hit.boxes.into_iter().map(Bounds::from).collect(),
            page_width: found.page_width_px,
            page_height: found.page_height_px,
            language: found.language,
            key: found.id,
        }
    }
}

/// Where a search looks: at most one of them.
pub(crate) struct WithinInput {
    pub(crate) manifest: Option<String>,
    pub(crate) space: Option<u32>,
    pub(crate) asset: Option<String>,
}

pub(crate) async fn search(
    ctx: &Context<'_>,
    q: &str,
    customer: CustomerId,
    within: WithinInput,
    first: Option<i32>,
    after: Option<String>,
) -> Result<Hits> {
    let first = first.unwrap_or(PAGE_DEFAULT);
    if !(1..=PAGE_MAX).contains(&first) {
        return Err(refused("bad-page", format!("`first` is 1 to {PAGE_MAX}, not {first}")));
    }
    let limit = usize::try_from(first).expect("first is positive");
    let from = match after {
        None => 0,
        Some(cursor) => {
            let place: usize = cursor
                .parse()
                .map_err(|_| refused("bad-cursor", "the cursor is not one of ours"))?;
            place.saturating_add(1)
        }
    };
    let scope = scope(ctx, customer, within).await?;
    let wanted = HitsWanted { from, limit };
    let found = state(ctx).search.search_within(&principal(ctx), &scope, q, wanted).await;
    let found = found.map_err(search_error)?;
    let total = Total { total_count: found.total_hits };
    let mut list = Connection::with_additional_fields(from > 0, found.has_more, total);
    for (place, hit) in (from..).zip(found.hits) {
        list.edges.push(Edge::new(place, hit.into()));
    }
    Ok(list)
}

async fn scope(ctx: &Context<'_>, customer: CustomerId, within: WithinInput) -> Result<Scope> {
    let within = match within {
        WithinInput { manifest: None, space: None, asset: None } => Within::Customer,
        WithinInput { manifest: None, space: Some(number), asset: None } => {
            Within::Space(SpaceNumber(number))
        }
        WithinInput { manifest: None, space: None, asset: Some(asset) } => {
            Within::Assets(vec![asset_id(&asset)?])
        }
        WithinInput { manifest: Some(id), space: None, asset: None } => {
            Within::Assets(members(ctx, ManifestId { customer, id }).await?)
        }
        _ => return Err(refused("bad-request", "give one of `manifest`, `space`, `asset`")),
    };
    Ok(Scope { customer, within })
}

/// Returns the images that a stored manifest paints, in order.
async fn members(ctx: &Context<'_>, id: ManifestId) -> Result<Vec<AssetId>> {
    let state = state(ctx);
    let row = state.queries.manifests.manifest(&principal(ctx), &id).await.map_err(query_error)?;
    let row = row
        .filter(|it| !it.stored.deleted)
        .ok_or_else(|| refused("not-found", format!("there is no manifest `{}`", id.id)))?;
    let members = (state.members)(row).await;
    members.map_err(|error| {
        tracing::error!(error, "a manifest cannot be read");
        refused("internal", "the manifest cannot be read")
    })
}
