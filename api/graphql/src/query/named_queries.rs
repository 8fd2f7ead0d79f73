//! Questions about named queries.

use crate::connection::{self, List};
use crate::context::{customer_id, principal, state};
use crate::types::named_query::NamedQuery;
use async_graphql::{Context, Object, Result};
use dlcs_projections::paging::Direction;

#[derive(Default)]
pub(super) struct NamedQueryQuery;

#[Object]
impl NamedQueryQuery {
    async fn named_queries(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 1)] customer: u32,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<List<NamedQuery>> {
        let request = connection::page(first, after, Direction::Ascending)?;
        let queries = &state(ctx).queries.named_queries;
        let page = queries.list(&principal(ctx), customer_id(customer)?, &request).await;
        connection::connection(page, &request, NamedQuery::from)
    }
}
