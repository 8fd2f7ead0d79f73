//! A batch and how far it is.

use super::asset::Asset;
use crate::connection::{self, List};
use crate::context::{principal, state};
use crate::node::NodeId;
use crate::scalar::Time;
use async_graphql::{ComplexObject, Context, Enum, ID, Result, SimpleObject};
use dlcs_domain::{BatchId, CustomerId, batch};
use dlcs_projections::assets::{AssetFilter, AssetOrder};
use dlcs_projections::batches::{BatchRow, Waiting};
use dlcs_projections::paging::Direction;

/// Where batches and their members wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(name = "Queue", remote = "batch::Queue")]
pub(crate) enum QueueName {
    Default,
    /// Passes the others.
    Priority,
}

/// How much waits in a queue.
#[derive(SimpleObject)]
pub(crate) struct QueueLength {
    queue: QueueName,
    images: u64,
    batches: u64,
}

impl QueueLength {
    pub(crate) fn new(queue: QueueName, waiting: Waiting) -> Self {
        Self { queue, images: waiting.images, batches: waiting.batches }
    }
}

/// Assets registered together.
#[derive(SimpleObject, Clone)]
#[graphql(complex)]
pub(crate) struct Batch {
    batch_id: String,
    customer: u32,
    queue: QueueName,
    /// Members that it was submitted with.
    count: u64,
    completed: u64,
    errors: u64,
    /// Members that belong to a newer batch by now, or were deleted.
    superseded_members: u64,
    superseded: bool,
    submitted: Time,
    finished: Option<Time>,
    position: u64,
    #[graphql(skip)]
    key: BatchId,
}

impl From<BatchRow> for Batch {
    fn from(row: BatchRow) -> Self {
        Self {
            batch_id: row.id.to_string(),
            customer: row.customer.0,
            queue: row.queue.into(),
            count: row.count,
            completed: row.completed,
            errors: row.errors,
            superseded_members: row.superseded_members,
            superseded: row.superseded,
            submitted: Time(row.submitted_at_us),
            finished: row.finished_at_us.map(Time),
            position: row.position,
            key: row.id,
        }
    }
}

#[ComplexObject]
impl Batch {
    /// Relay's id of this node.
    async fn id(&self) -> ID {
        NodeId::Batch(CustomerId(self.customer), self.key).into()
    }

    /// Assets whose current batch this is.
    async fn assets(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<List<Asset>> {
        let request = connection::page(first, after, Direction::Ascending)?;
        let filter = AssetFilter {
            customer: Some(CustomerId(self.customer)),
            batch: Some(self.key),
            ..AssetFilter::default()
        };
        let order = AssetOrder::Created;
        let assets = &state(ctx).queries.assets;
        let page = assets.list(&principal(ctx), &filter, order, &request, true).await;
        connection::connection(page, &request, Asset::from)
    }
}
