//! What is asked about collections.

use super::no_slug_of_the_past;
use crate::connection::{self, List};
use crate::context::{customer_id, principal, query_error, refused, state};
use crate::scalar::Moment;
use crate::types::collection::{Collection, Member, may_see};
use async_graphql::{Context, Object, Result};
use dlcs_domain::CollectionId;
use dlcs_projections::as_of;
use dlcs_projections::manifests::{StoredRow, resolve};
use dlcs_projections::paging::Direction;

#[derive(Default)]
pub(crate) struct CollectionQuery;

#[Object]
impl CollectionQuery {
    /// Returns a collection by its flat id, or by the slugs that lead to it, as in its public
    /// address: `maps/1900`. Also by those that it had. `asOf` gives it as it was then, with the
    /// members that it has now.
    async fn collection(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 1)] customer: u32,
        id: Option<String>,
        slug: Option<String>,
        as_of: Option<Moment>,
    ) -> Result<Option<Collection>> {
        let (queries, who) = (&state(ctx).queries, principal(ctx));
        let manifests = &queries.manifests;
        let customer = customer_id(customer)?;
        let row = match (id, slug, as_of) {
            (Some(id), None, None) => {
                manifests.collection(&who, &CollectionId { customer, id }).await
            }
            (Some(id), None, Some(Moment(moment))) => {
                let id = CollectionId { customer, id };
                as_of::collection(&*queries.history, &who, &id, moment).await
            }
            (None, Some(_), Some(_)) => return Err(no_slug_of_the_past()),
            (None, Some(path), None) => {
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
