//! Questions about queues.

use crate::context::{customer_id, principal, query_error, state};
use crate::types::batch::{QueueLength, QueueName};
use async_graphql::{Context, Object, Result};
use dlcs_projections::queues;

#[derive(Default)]
pub(super) struct QueueQuery;

#[Object]
impl QueueQuery {
    /// Counts what waits in a queue of a customer.
    async fn queue(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 1)] customer: u32,
        #[graphql(default_with = "QueueName::Default")] which: QueueName,
    ) -> Result<QueueLength> {
        let (queries, customer) = (&state(ctx).queries, customer_id(customer)?);
        let waiting = queues::waiting(queries, &principal(ctx), customer, which.into()).await;
        Ok(QueueLength::new(which, waiting.map_err(query_error)?))
    }
}
