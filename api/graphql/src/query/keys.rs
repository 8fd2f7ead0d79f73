//! Questions about keys.

use crate::connection::{self, List};
use crate::context::{customer_id, principal, state};
use crate::types::key::Key;
use async_graphql::{Context, Object, Result};
use dlcs_projections::paging::Direction;

#[derive(Default)]
pub(super) struct KeyQuery;

#[Object]
impl KeyQuery {
    /// Lists the keys of a customer that are not revoked, for those who may make some.
    async fn keys(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 1)] customer: u32,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<List<Key>> {
        let request = connection::page(first, after, Direction::Ascending)?;
        let keys = &state(ctx).queries.api_keys;
        let page = keys.list(&principal(ctx), customer_id(customer)?, &request).await;
        connection::connection(page, &request, Key::from)
    }
}
