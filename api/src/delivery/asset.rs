//! From an address to the asset that it names, and to what may be shown of it.

use crate::access::Caller;
use crate::error::{Answer, Problem};
use crate::http::raw_path::PathParams;
use crate::state::{Resource, Shared};
use axum::http::{HeaderValue, StatusCode, header};
use dlcs_domain::access::AccessRule;
use dlcs_domain::asset::{Delivered, SizeLimits};
use dlcs_domain::{AssetId, CustomerId, SpaceId};
use dlcs_iiif::Dimensions;
use dlcs_iiif::image_request::{ImageRequest, Limits, Region, Resolved};
use dlcs_iiif::link::encode_segment;
use dlcs_projections::assets;
use dlcs_projections::tile_metadata::{self, TileMetadataRow};
use std::time::Duration;

/// How long a read model is waited for that is behind another one.
const CATCH_UP: Duration = Duration::from_secs(2);

/// An asset that exists and of which the caller may know.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub id: AssetId,
    pub row: TileMetadataRow,
    /// The last three segments of the address as the client wrote them, encoded again.
    pub tail: String,
    pub is_open: bool,
}

/// What has been ingested.
#[derive(Debug)]
pub(crate) struct Ready<'a> {
    pub delivered: &'a Delivered,
    pub generation: u32,
    pub attempt: u32,
    pub channels: &'a [String],
    pub limits: SizeLimits,
    pub modified_at_us: i64,
}

/// Reads the asset of an address and decides on it by its own rule.
pub(crate) async fn find(state: &Shared, caller: &Caller, params: &PathParams) -> Answer<Found> {
    let found = look_up(state, caller, params).await?;
    caller.check(&found.row.rule(&found.id))?;
    Ok(found)
}

/// The same for pixels: where the whole image is open while it is small, [`Found::check_pixels`] decides
/// once it is known what of it is asked for.
pub(crate) async fn find_pixels(
    state: &Shared,
    caller: &Caller,
    params: &PathParams,
) -> Answer<Found> {
    let found = look_up(state, caller, params).await?;
    if found.row.limits().open_full_max_px == 0 {
        caller.check(&found.row.rule(&found.id))?;
    }
    Ok(found)
}

async fn look_up(state: &Shared, caller: &Caller, params: &PathParams) -> Answer<Found> {
    let id = id_of(state, caller.customer()?, params).await?;
    state.settle(&Resource::Asset(id.clone())).await;
    let row = tile_metadata(state, &id).await?.ok_or_else(Problem::not_found)?;
    if row == TileMetadataRow::Deleted {
        return Err(Problem::gone());
    }
    let rule = row.rule(&id);
    let segments = ["customer", "space", "asset"].map(|name| encode_segment(params.get(name)));
    Ok(Found { is_open: rule == AccessRule::Open, tail: segments.join("/"), id, row })
}

/// Reads what is served of an asset. Whoever was told that it is delivered was told by the read model
/// of assets: as far as that one is, this one has to be.
async fn tile_metadata(state: &Shared, id: &AssetId) -> Answer<Option<TileMetadataRow>> {
    let queries = &state.queries;
    let row = queries.tile_metadata.tile_metadata(id).await?;
    let is_waited_for =
        matches!(row, Some(TileMetadataRow::Pending { .. } | TileMetadataRow::Failed { .. }));
    if !is_waited_for {
        return Ok(row);
    }
    let freshness = &queries.freshness;
    freshness.catch_up(tile_metadata::NAME, assets::NAME, CATCH_UP).await;
    Ok(queries.tile_metadata.tile_metadata(id).await?)
}

/// Returns the id that an address names; a malformed one names nothing.
pub(crate) async fn id_of(
    state: &Shared,
    customer: CustomerId,
    params: &PathParams,
) -> Answer<AssetId> {
    let space = space_of(state, customer, params.get("space")).await?;
    AssetId::new(space, params.get("asset")).map_err(|_| Problem::not_found())
}

/// Returns the space of an address: a number or a name.
pub(crate) async fn space_of(state: &Shared, customer: CustomerId, text: &str) -> Answer<SpaceId> {
    if let Ok(space) = text.parse() {
        return Ok(SpaceId { customer, space });
    }
    let space = state.queries.spaces.number_by_name(customer, text).await?;
    space.map(|space| SpaceId { customer, space }).ok_or_else(Problem::not_found)
}

impl Found {
    /// Decides on pixels by what of the image they show.
    pub(crate) fn check_pixels(
        &self,
        caller: &Caller,
        request: &ImageRequest,
        resolved: &Resolved,
    ) -> Answer<()> {
        let rule = match request.region {
            Region::Full => {
                let longest_side_px = resolved.size.width.max(resolved.size.height);
                self.row.rule_of_whole(&self.id, longest_side_px)
            }
            _ => self.row.rule(&self.id),
        };
        caller.check(&rule)
    }

    /// Returns what was ingested, or says why there is nothing to show.
    pub(crate) fn ready(&self) -> Answer<Ready<'_>> {
        match &self.row {
            TileMetadataRow::Ready {
                delivered,
                generation,
                attempt,
                channels,
                limits,
                modified_at_us,
                ..
            } => Ok(Ready {
                delivered,
                generation: *generation,
                attempt: *attempt,
                channels,
                limits: *limits,
                modified_at_us: *modified_at_us,
            }),
            TileMetadataRow::Pending { .. } => {
                let detail = "the image is registered and not ingested yet";
                let problem = Problem::new(StatusCode::NOT_FOUND, "not-ready", detail);
                Err(problem.header(header::RETRY_AFTER, HeaderValue::from_static("2")))
            }
            TileMetadataRow::Failed { .. } => {
                let detail = "the image could not be ingested; its resource says why";
                Err(Problem::new(StatusCode::NOT_FOUND, "ingest-failed", detail))
            }
            TileMetadataRow::Deleted => Err(Problem::gone()),
        }
    }
}

impl Ready<'_> {
    pub(crate) fn dimensions(&self) -> Dimensions {
        Dimensions { width: self.delivered.width_px, height: self.delivered.height_px }
    }

    pub(crate) fn thumbnails(&self) -> Vec<Dimensions> {
        let sizes = self.delivered.thumbnails.iter();
        let sizes = sizes.map(|(width, height)| Dimensions { width: *width, height: *height });
        let own = self.limits_within(&Limits::default());
        sizes.filter(|size| own.allow(*size)).collect()
    }

    /// Returns what holds for answers: the image's own limits, and those of the server.
    pub(crate) fn limits_within(&self, server: &Limits) -> Limits {
        let own = self.limits.max_width_px;
        if own == 0 {
            return *server;
        }
        let width_max = Some(server.width_max.map_or(own, |it| it.min(own)));
        // Of a square box: what has no height of its own takes the width.
        let height_max = server.height_max.map(|it| it.min(own));
        Limits { width_max, height_max, ..*server }
    }

    /// Returns the image version: what `?v=` names.
    pub(crate) fn version(&self) -> String {
        format!("{}-{}", self.generation, self.attempt)
    }

    pub(crate) fn has_channel(&self, channel: &str) -> bool {
        self.channels.iter().any(|it| it == channel)
    }

    /// Refuses with 404 what the asset's delivery channels do not offer.
    pub(crate) fn needs_channel(&self, channel: &str) -> Answer<()> {
        if self.has_channel(channel) { Ok(()) } else { Err(Problem::not_found()) }
    }
}
