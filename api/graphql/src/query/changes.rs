//! What changed among public documents.

use crate::connection::{self, List};
use crate::context::{customer_id, query_error, state};
use crate::types::change::Change;
use async_graphql::{Context, Object, Result};
use dlcs_projections::paging::Direction;

#[derive(Default)]
pub(super) struct ChangeQuery;

#[Object]
impl ChangeQuery {
    /// Lists what happened to the public documents of a customer, oldest first: what
    /// `/activity/{customer}/all-changes` tells. Open to everybody, as that is.
    async fn changes(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 1)] customer: u32,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<Option<List<Change>>> {
        let request = connection::page(first, after, Direction::Ascending)?;
        let (activities, customer) = (&state(ctx).queries.activities, customer_id(customer)?);
        let stream = activities.stream(customer).await.map_err(query_error)?;
        if stream.is_none_or(|it| it.deleted) {
            return Ok(None);
        }
        let page = activities.list(customer, &request).await;
        connection::connection(page, &request, Change::from).map(Some)
    }
}
