//! A batch and how far it is.

use super::asset::Asset;
use crate::connection::{self, List};
use crate::context::{principal, state};
use crate::node::NodeId;
use crate::scalar::Time;
use async_graphql::{ComplexObject, Context, ID, Result, SimpleObject};
use dlcs_domain::{BatchId, CustomerId};
use dlcs_projections::assets::{AssetFilter, AssetOrder};
use dlcs_projections::batches::BatchRow;
use dlcs_projections::paging::Direction;

/// Assets registered together.
#[derive(SimpleObject, Clone)]
#[graphql(complex)]
pub(crate) struct Batch {
    batch_id: String,
    customer: u32,
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
