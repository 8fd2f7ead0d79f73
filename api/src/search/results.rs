//! `/search/v2|v1/{c}/…?q=`: what was found, page by page.

use super::canvases::Canvases;
use super::request::{PAGE_LENGTH, SearchRequest};
use crate::delivery::caching::{Caching, digest};
use crate::error::Answer;
use crate::http::conditional::{Validators, into_not_modified};
use crate::state::PublicUrl;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use dlcs_domain::AssetId;
use dlcs_iiif::content_search::{Match, MatchAnnotation, ResultList, SearchResults};
use dlcs_projections::search::{Found, FoundHit, HITS_FROM_MAX, HitsWanted};
use dlcs_projections::tile_metadata::TileMetadataRow;
use std::collections::{HashMap, HashSet};

pub(crate) async fn search(request: SearchRequest) -> Answer {
    let page = request.page()?;
    let (scope, canvases) = request.scope().await?;
    let from = (page - 1).saturating_mul(PAGE_LENGTH);
    let wanted = HitsWanted { from, limit: PAGE_LENGTH };
    let principal = &request.caller.principal;
    let found = if request.wants_text() {
        request.state.search.search_within(principal, &scope, request.q(), wanted).await?
    } else {
        Found::default()
    };
    let sizes = sizes(&request, &found).await?;
    let results = results(&request, page, &found, &canvases, &sizes);
    let body = results.to_json(request.version);
    Ok(respond(body, request.version.content_type(), request.is_public(), &request.headers))
}

fn results(
    request: &SearchRequest,
    page: usize,
    found: &Found,
    canvases: &Canvases,
    sizes: &HashMap<AssetId, (u32, u32)>,
) -> SearchResults {
    let base = &request.state.public_url;
    let last = found.total_hits.map(|total| (total as usize).div_ceil(PAGE_LENGTH).max(1));
    let is_reachable = page * PAGE_LENGTH <= HITS_FROM_MAX;
    // Clients look an answer up under the address that they asked.
    let address = |page: usize| request.address((page > 1).then_some(page));
    SearchResults {
        id: address(page),
        list: ResultList {
            id: format!("{}#all", address(1)),
            total: found.total_hits,
            first: address(1),
            last: last.map(address),
        },
        next: (found.has_more && is_reachable).then(|| address(page + 1)),
        previous: (page > 1).then(|| address(page - 1)),
        start_index: Some(((page - 1) * PAGE_LENGTH) as u64),
        ignored: request.ignored(&[]),
        matches: found.hits.iter().map(|hit| matched(base, hit, canvases, sizes)).collect(),
    }
}

/// Returns the size of every page's canvas, which is that of its image.
async fn sizes(request: &SearchRequest, found: &Found) -> Answer<HashMap<AssetId, (u32, u32)>> {
    let ids: HashSet<&AssetId> = found.hits.iter().map(|hit| &hit.id).collect();
    let ids: Vec<AssetId> = ids.into_iter().cloned().collect();
    let rows = request.state.queries.tile_metadata.tile_metadata_of(&ids).await?;
    let sizes = ids.into_iter().zip(rows).filter_map(|(id, row)| match row? {
        TileMetadataRow::Ready { delivered, .. } => {
            Some((id, (delivered.width_px, delivered.height_px)))
        }
        _ => None,
    });
    Ok(sizes.collect())
}

fn matched(
    base: &PublicUrl,
    found: &FoundHit,
    canvases: &Canvases,
    sizes: &HashMap<AssetId, (u32, u32)>,
) -> Match {
    let page = (found.page_width_px, found.page_height_px);
    let size = sizes.get(&found.id).copied().unwrap_or(page);
    let (canvas, hit) = (canvases.canvas(base, &found.id), &found.hit);
    let annotation = |(part, bounds): (usize, &dlcs_text::Rect)| {
        let [x, width] = [bounds.x, bounds.width].map(|it| scaled(it, size.0, page.0));
        let [y, height] = [bounds.y, bounds.height].map(|it| scaled(it, size.1, page.1));
        MatchAnnotation {
            id: format!("{canvas}/match/{}-{}/{part}", hit.words.start, hit.words.end),
            text: hit.matched.clone(),
            canvas: canvas.clone(),
            xywh: [x, y, width.max(1), height.max(1)],
            within: canvases.container(base, &found.id),
        }
    };
    Match {
        annotations: hit.boxes.iter().enumerate().map(annotation).collect(),
        before: hit.before.clone(),
        exact: hit.matched.clone(),
        after: hit.after.clone(),
    }
}

/// Brings a length from the page that was read to the canvas.
fn scaled(length: u32, canvas: u32, page: u32) -> u32 {
    if canvas == page || page == 0 {
        return length;
    }
    let scaled = u64::from(length) * u64::from(canvas) / u64::from(page);
    u32::try_from(scaled).unwrap_or(u32::MAX)
}

/// Answers a document that depends on who asks.
pub(super) fn respond(
    body: String,
    content_type: &'static str,
    is_public: bool,
    request: &HeaderMap,
) -> Response {
    let validators = Validators { etag: digest(&[content_type, &body]), modified_at_us: None };
    let is_known = validators.not_modified(request);
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    Caching::of(is_public, false).write(headers);
    validators.write(headers);
    if is_known { into_not_modified(response) } else { response }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_follow_the_canvas() {
        assert_eq!(scaled(100, 2000, 1000), 200);
        assert_eq!(scaled(100, 1000, 1000), 100);
        assert_eq!(scaled(7, 1, 0), 7);
    }
}
