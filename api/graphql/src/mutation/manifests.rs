//! Edits of one canvas or range of a stored manifest.

use super::{ChangedManifest, changed_manifest, command_error, context_for};
use crate::context::{asset_id, customer_id, state};
use async_graphql::{Context, InputObject, Json, Object, Result};
use dlcs_commands::CommandError;
use dlcs_domain::ManifestId;
use dlcs_domain::manifest::{
    CanvasAdded, CanvasMoved, CanvasRemoved, ManifestEdit, RangeRemoved, RangeSet,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// An entry of the table of contents.
#[derive(InputObject)]
pub(crate) struct RangeInput {
    /// Id of the range, or the name that its address ends with: `chapter-1`.
    id: String,
    /// By language: `{"en": ["Chapter 1"]}`.
    label: Json<BTreeMap<String, Vec<String>>>,
    /// Ids of its canvases, in order.
    canvases: Vec<String>,
}

#[derive(Default)]
pub(crate) struct ManifestMutation;

#[Object]
impl ManifestMutation {
    /// Paints a registered image (`customer/space/asset`) on a canvas of its own: before the canvas
    /// `before`, or as the last one.
    async fn paint_asset(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 1)] customer: u32,
        id: String,
        asset: String,
        label: Option<Json<BTreeMap<String, Vec<String>>>>,
        before: Option<String>,
    ) -> Result<ChangedManifest> {
        let asset = asset_id(&asset)?;
        let mut painting = json!({});
        if let Some(Json(label)) = label {
            painting["label"] = json!(label);
        }
        let canvas = json!({
            "asset": {"id": asset.name(), "space": asset.space().space},
            "canvasPainting": painting,
        });
        let before = before.map(|it| kept(ctx, &it));
        let edit = ManifestEdit::CanvasAdded(CanvasAdded { canvas, before });
        edited(ctx, customer, id, edit).await
    }

    /// Moves a canvas before the canvas `before`, or to the end.
    async fn move_canvas(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 1)] customer: u32,
        id: String,
        canvas: String,
        before: Option<String>,
    ) -> Result<ChangedManifest> {
        let (canvas_id, before) = (kept(ctx, &canvas), before.map(|it| kept(ctx, &it)));
        let edit = ManifestEdit::CanvasMoved(CanvasMoved { canvas_id, before });
        edited(ctx, customer, id, edit).await
    }

    /// Removes a canvas, and what leads to it in the table of contents.
    async fn remove_canvas(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 1)] customer: u32,
        id: String,
        canvas: String,
    ) -> Result<ChangedManifest> {
        let edit = ManifestEdit::CanvasRemoved(CanvasRemoved { canvas_id: kept(ctx, &canvas) });
        edited(ctx, customer, id, edit).await
    }

    /// Sets an entry of the table of contents: where it stands, or behind the others.
    async fn set_range(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 1)] customer: u32,
        id: String,
        range: RangeInput,
    ) -> Result<ChangedManifest> {
        let range_id = range_id(ctx, customer, &id, &range.id)?;
        let canvases =
            range.canvases.iter().map(|it| json!({"id": kept(ctx, it), "type": "Canvas"}));
        let range = json!({
            "id": range_id,
            "type": "Range",
            "label": range.label.0,
            "items": canvases.collect::<Vec<Value>>(),
        });
        edited(ctx, customer, id, ManifestEdit::RangeSet(RangeSet { range })).await
    }

    /// Removes an entry of the table of contents with all entries within it.
    async fn remove_range(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 1)] customer: u32,
        id: String,
        #[graphql(desc = "Id of the range, or the name that its address ends with.")] range: String,
    ) -> Result<ChangedManifest> {
        let range_id = range_id(ctx, customer, &id, &range)?;
        edited(ctx, customer, id, ManifestEdit::RangeRemoved(RangeRemoved { range_id })).await
    }
}

async fn edited(
    ctx: &Context<'_>,
    customer: u32,
    id: String,
    edit: ManifestEdit,
) -> Result<ChangedManifest> {
    let id = ManifestId { customer: customer_id(customer)?, id };
    let context = context_for(ctx, id.customer)?;
    let names = state(ctx).manifest_names.canvases(&id);
    let manifests = &state(ctx).commands.manifests;
    let decided = manifests.edit(&context, &id, &[edit], &*names).await;
    let decided = decided.map_err(|error| command_error(in_our_words(ctx, error)))?;
    changed_manifest(ctx, id, decided).await
}

/// Names canvases and ranges as clients know them.
fn in_our_words(ctx: &Context<'_>, error: CommandError) -> CommandError {
    let base = &*state(ctx).public_url;
    let kept = kept(ctx, &format!("{base}/"));
    let shown = |text: String| text.replace(kept.trim_end_matches('/'), base);
    match error {
        CommandError::NotFound(text) => CommandError::NotFound(shown(text)),
        CommandError::Conflict(text) => CommandError::Conflict(shown(text)),
        CommandError::Invalid(text) => CommandError::Invalid(shown(text)),
        error => error,
    }
}

/// Returns the whole id of a range, as it is kept.
fn range_id(ctx: &Context<'_>, customer: u32, manifest: &str, named: &str) -> Result<String> {
    if named.contains("://") || named.starts_with("urn:") {
        return Ok(kept(ctx, named));
    }
    let manifest = ManifestId { customer: customer_id(customer)?, id: manifest.to_owned() };
    Ok(state(ctx).manifest_names.range(&manifest, named))
}

/// Returns an id as it is kept, without our base.
fn kept(ctx: &Context<'_>, id: &str) -> String {
    state(ctx).annotations.relative(id)
}
