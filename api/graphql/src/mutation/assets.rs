//! Many images at once, changed and deleted.

use super::{FRESHNESS_WAIT, command_error, context_for};
use crate::context::{asset_id, refused, state};
use async_graphql::{Context, Enum, Object, Result, SimpleObject};
use dlcs_commands::{CommandContext, CommandError, Decided};
use dlcs_domain::AssetId;
use dlcs_domain::asset::{AssetList, ListOperation};

/// Images of one mutation, at most.
const ASSETS_MAX: usize = 1_000;

/// Lists of texts that an image has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(name = "AssetList", remote = "AssetList")]
pub(crate) enum ListInput {
    Tags,
    Roles,
}

/// What is done to a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(name = "ListOperation")]
pub(crate) enum OperationInput {
    /// Behind what is there; what is in it already stays where it is.
    Add,
    Remove,
    Replace,
}

/// What became of a change of many images.
#[derive(SimpleObject)]
pub(crate) struct ChangedAssets {
    /// Place in the history; give it as `atLeast` to read what is at least as new. 0: nothing was done.
    position: u64,
    /// Images that are now as was wished.
    done: u32,
    refused: Vec<RefusedAsset>,
}

/// An image with which it could not be done.
#[derive(SimpleObject)]
pub(crate) struct RefusedAsset {
    id: String,
    /// A sentence for people.
    reason: String,
}

#[derive(Default)]
pub(super) struct AssetMutation;

#[Object]
impl AssetMutation {
    /// Changes one list of many images of a customer, whatever it holds by then.
    async fn change_asset_lists(
        &self,
        ctx: &Context<'_>,
        ids: Vec<String>,
        list: ListInput,
        operation: OperationInput,
        values: Vec<String>,
    ) -> Result<ChangedAssets> {
        let (context, ids) = of_one_customer(ctx, &ids)?;
        let operation = match operation {
            OperationInput::Add => ListOperation::Add(values),
            OperationInput::Remove => ListOperation::Remove(values),
            OperationInput::Replace => ListOperation::Replace(values),
        };
        let assets = &state(ctx).commands.assets;
        let done = assets.change_lists(&context, ids.clone(), list.into(), operation).await;
        changed(ctx, &ids, done).await
    }

    /// Deletes many images of a customer: their addresses answer 410.
    async fn delete_assets(&self, ctx: &Context<'_>, ids: Vec<String>) -> Result<ChangedAssets> {
        let (context, ids) = of_one_customer(ctx, &ids)?;
        let done = state(ctx).commands.assets.delete_many(&context, ids.clone()).await;
        changed(ctx, &ids, done).await
    }
}

fn of_one_customer(ctx: &Context<'_>, ids: &[String]) -> Result<(CommandContext, Vec<AssetId>)> {
    let ids = ids.iter().map(|id| asset_id(id)).collect::<Result<Vec<_>, _>>()?;
    let first = ids.first().filter(|_| ids.len() <= ASSETS_MAX);
    let first = first
        .ok_or_else(|| refused("bad-request", format!("there are 1 to {ASSETS_MAX} images")))?;
    if ids.iter().any(|id| id.customer() != first.customer()) {
        return Err(refused("bad-request", "all images belong to one customer"));
    }
    Ok((context_for(ctx, first.customer())?, ids))
}

/// What may pass fails the whole: it can be repeated.
async fn changed(
    ctx: &Context<'_>,
    ids: &[AssetId],
    done: Vec<Result<Decided, CommandError>>,
) -> Result<ChangedAssets> {
    let (mut position, mut count, mut left) = (0, 0, Vec::new());
    for (id, done) in ids.iter().zip(done) {
        match done {
            Ok(decided) => {
                position = position.max(decided.position.0);
                count += 1;
            }
            Err(error @ (CommandError::NotFound(_) | CommandError::Gone(_))) => {
                left.push(RefusedAsset { id: id.to_string(), reason: error.to_string() });
            }
            Err(error) => return Err(command_error(error)),
        }
    }
    let name = dlcs_projections::assets::NAME;
    let reached = dlcs_projections::Position(position);
    state(ctx).queries.freshness.wait(name, reached, FRESHNESS_WAIT).await;
    Ok(ChangedAssets { position, done: count, refused: left })
}
