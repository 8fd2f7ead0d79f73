//! Changes of collections.

use super::{FRESHNESS_WAIT, command_error, context_for, place};
use crate::context::{customer_id, principal, query_error, state};
use crate::types::collection::{Collection, may_see};
use async_graphql::{Context, Object, Result, SimpleObject};
use dlcs_commands::Decided;
use dlcs_domain::CollectionId;

/// What became of a change of a collection.
#[derive(SimpleObject)]
pub(crate) struct ChangedCollection {
    /// Place in the history; give it as `atLeast` to read what is at least as new.
    position: u64,
    /// `null` where it is deleted, or the read model has not got there within two seconds.
    collection: Option<Collection>,
}

#[derive(Default)]
pub(crate) struct CollectionMutation;

#[Object]
impl CollectionMutation {
    /// Moves a collection and all that is in it to another public address. The former addresses
    /// lead there.
    async fn move_collection(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 1)] customer: u32,
        id: String,
        slug: Option<String>,
        #[graphql(
            desc = "Flat id of a storage collection, `root`: the root collection; left out, it stays."
        )]
        parent: Option<String>,
    ) -> Result<ChangedCollection> {
        let id = CollectionId { customer: customer_id(customer)?, id };
        let context = context_for(ctx, id.customer)?;
        let place = place(parent, slug);
        let moved = state(ctx).commands.collections.move_to(&context, &id, place).await;
        changed(ctx, id, moved.map_err(command_error)?).await
    }

    /// Deletes a collection that nothing is in: its addresses answer 410.
    async fn delete_collection(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 1)] customer: u32,
        id: String,
    ) -> Result<ChangedCollection> {
        let id = CollectionId { customer: customer_id(customer)?, id };
        let context = context_for(ctx, id.customer)?;
        let deleted = state(ctx).commands.collections.delete(&context, &id).await;
        changed(ctx, id, deleted.map_err(command_error)?).await
    }
}

async fn changed(
    ctx: &Context<'_>,
    id: CollectionId,
    decided: Decided,
) -> Result<ChangedCollection> {
    let (queries, who) = (&state(ctx).queries, principal(ctx));
    let name = dlcs_projections::manifests::NAME;
    let row = match queries.freshness.wait(name, decided.position, FRESHNESS_WAIT).await {
        true => queries.manifests.collection(&who, &id).await.map_err(query_error)?,
        false => None,
    };
    let collection = row.filter(|it| may_see(&who, it)).map(Collection::from);
    Ok(ChangedCollection { position: decided.position.0, collection })
}
