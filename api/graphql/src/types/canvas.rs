//! A canvas of a stored manifest, and what leads on from it.
//!
//! Canvases of one page share what they are asked for: the first that needs its image, or its
//! annotations, has those of all of them looked up with one query.

use super::annotation::Annotation;
use super::asset::Asset;
use crate::connection::{self, List};
use crate::context::{CanvasOutline, principal, query_error, refused, state};
use crate::scalar::Json;
use async_graphql::{Context, Error, Object, Result};
use dlcs_domain::{AssetId, CustomerId};
use dlcs_projections::annotations::{AnnotationRow, reads_all};
use dlcs_projections::assets::AssetRow;
use dlcs_projections::manifests::ManifestRow;
use dlcs_projections::paging::Direction;
use dlcs_projections::{Cursor, Page};
use futures::lock::Mutex;
use std::collections::HashMap;
use std::sync::Arc;

const LIST: &str = "canvases";

/// A canvas of a stored manifest.
pub(crate) struct Canvas {
    outline: CanvasOutline,
    page: Arc<CanvasPage>,
}

/// What the canvases of one page share.
struct CanvasPage {
    customer: CustomerId,
    assets: Vec<AssetId>,
    /// As read models know them.
    sources: Vec<String>,
    found_assets: Mutex<Option<Arc<Assets>>>,
    /// By how many are wanted of each canvas.
    found_annotations: Mutex<HashMap<usize, Arc<Annotations>>>,
}

type Assets = HashMap<AssetId, AssetRow>;
type Annotations = HashMap<String, Vec<AnnotationRow>>;

/// Returns some of the canvases of a manifest.
pub(crate) async fn of_manifest(
    ctx: &Context<'_>,
    row: ManifestRow,
    first: Option<i32>,
    after: Option<String>,
) -> Result<List<Canvas>> {
    let request = connection::page(first, after, Direction::Ascending)?;
    let start = match &request.after {
        Some(after) => after.key::<usize>(LIST).map_err(query_error)?.saturating_add(1),
        None => 0,
    };
    let customer = row.id.customer;
    let canvases = (state(ctx).canvases)(row).await.map_err(unreadable)?;
    let total = canvases.len();
    let outlines: Vec<CanvasOutline> =
        canvases.into_iter().skip(start).take(request.bounded_limit()).collect();
    let end = start.saturating_add(outlines.len());
    let page = Arc::new(CanvasPage::of(ctx, customer, &outlines));
    let canvas = |outline| Canvas { outline, page: Arc::clone(&page) };
    let page = Page {
        items: outlines.into_iter().map(canvas).collect(),
        cursors: (start..end).map(|index| Cursor::after(LIST, &index)).collect(),
        has_more: end < total,
        total: Some(total as u64),
    };
    connection::connection(Ok(page), &request, |canvas| canvas)
}

fn unreadable(detail: String) -> Error {
    tracing::error!(detail, "a stored manifest cannot be read");
    refused("internal", "the manifest cannot be read")
}

/// A canvas of a stored manifest.
#[Object]
impl Canvas {
    /// What it is known by in the IIIF document.
    async fn address(&self) -> &str {
        &self.outline.address
    }

    /// What it is called, by language.
    async fn label(&self) -> Json {
        Json(self.outline.label.clone())
    }

    /// The registered image that is painted on it; null: none, or not for who asks.
    async fn asset(&self, ctx: &Context<'_>) -> Result<Option<Asset>> {
        let Some(id) = &self.outline.asset else { return Ok(None) };
        let assets = self.page.assets(ctx).await?;
        Ok(assets.get(id).cloned().map(Asset::from))
    }

    /// Annotations about it or a part of it, in the order in which they were first written.
    async fn annotations(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 25)] first: i32,
    ) -> Result<Vec<Annotation>> {
        let first = connection::page(Some(first), None, Direction::Ascending)?.limit;
        let annotations = self.page.annotations(ctx, first).await?;
        let source = state(ctx).annotations.relative(&self.outline.address);
        let rows = annotations.get(&source).into_iter().flatten();
        Ok(rows.cloned().map(Annotation::from).collect())
    }
}

impl CanvasPage {
    fn of(ctx: &Context<'_>, customer: CustomerId, outlines: &[CanvasOutline]) -> Self {
        let relative = |it: &CanvasOutline| state(ctx).annotations.relative(&it.address);
        Self {
            customer,
            assets: outlines.iter().filter_map(|it| it.asset.clone()).collect(),
            sources: outlines.iter().map(relative).collect(),
            found_assets: Mutex::default(),
            found_annotations: Mutex::default(),
        }
    }

    async fn assets(&self, ctx: &Context<'_>) -> Result<Arc<Assets>> {
        let mut found = self.found_assets.lock().await;
        if let Some(found) = &*found {
            return Ok(Arc::clone(found));
        }
        let who = principal(ctx);
        let rows = match reads_all(&who, self.customer) {
            true => state(ctx).queries.assets.assets_by_id(&who, &self.assets).await,
            false => Ok(Vec::new()),
        };
        let rows = rows.map_err(query_error)?;
        let assets = Arc::new(rows.into_iter().map(|it| (it.id.clone(), it)).collect());
        *found = Some(Arc::clone(&assets));
        Ok(assets)
    }

    async fn annotations(&self, ctx: &Context<'_>, first: usize) -> Result<Arc<Annotations>> {
        let mut found = self.found_annotations.lock().await;
        if let Some(found) = found.get(&first) {
            return Ok(Arc::clone(found));
        }
        let annotations = &state(ctx).queries.annotations;
        let rows =
            annotations.on_sources(&principal(ctx), self.customer, &self.sources, first).await;
        let rows = Arc::new(rows.map_err(query_error)?);
        found.insert(first, Arc::clone(&rows));
        Ok(rows)
    }
}
