//! What is asked about collections.

use crate::connection::{self, List};
use crate::context::{customer_id, principal, query_error, refused, state};
use crate::types::collection::{Collection, Member, may_see};
use async_graphql::{Context, Object, Result};
use dlcs_domain::CollectionId;
use dlcs_projections::manifests::{StoredRow, resolve};
use dlcs_projections::paging::Direction;

#[derive(Default)]
pub(crate) struct CollectionQuery;

#[Object]
impl CollectionQuery {
    /// Returns a collection by its flat id, or by the slugs that lead to it, as in its public
    /// address: `maps/1900`. Also by those that it had.
    async fn collection(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 1)] customer: u32,
        id: Option<String>,
        slug: Option<String>,
    ) -> Result<Option<Collection>> {
        let (manifests, who) = (&state(ctx).queries.manifests, principal(ctx));
        let customer = customer_id(customer)?;
        let row = match (id, slug) {
            (Some(id), None) => manifests.collection(&who, &CollectionId { customer, id }).await,
            (None, Some(path)) => {
                resolve(&**manifests, &who, customer, &path).await.map(|row| match row {
                    Some(StoredRow::Collection(row)) => Some(row),
                    Some(StoredRow::Manifest(_)) | None => None,
                })
            }
            _ => return Err(refused("bad-request", "give either `id` or `slug`")),
        };
        Ok(row.map_err(query_error)?.filter(|it| may_see(&who, it)).map(Collection::from))
    }

    async fn collections(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 1)] customer: u32,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<List<Collection>> {
        let request = connection::page(first, after, Direction::Ascending)?;
        let manifests = &state(ctx).queries.manifests;
        let page = manifests.collections(&principal(ctx), customer_id(customer)?, &request).await;
        connection::connection(page, &request, Collection::from)
    }

    /// What is in the root collection of a customer.
    async fn root_members(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 1)] customer: u32,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<List<Member>> {
        let request = connection::page(first, after, Direction::Ascending)?;
        let manifests = &state(ctx).queries.manifests;
        let customer = customer_id(customer)?;
        let page = manifests.members(&principal(ctx), customer, None, &request).await;
        connection::connection(page, &request, Member::from)
    }
}
