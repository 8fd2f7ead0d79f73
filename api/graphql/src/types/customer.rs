//! A customer.

use super::space::Space;
use super::storage::Storage;
use crate::connection::{self, List};
use crate::context::{principal, state};
use crate::node::NodeId;
use crate::scalar::Time;
use async_graphql::{ComplexObject, Context, ID, Result, SimpleObject};
use dlcs_domain::CustomerId;
use dlcs_projections::customers::CustomerRow;
use dlcs_projections::paging::Direction;

/// Somebody who owns spaces and assets.
#[derive(SimpleObject)]
#[graphql(complex)]
pub(crate) struct Customer {
    number: u32,
    name: String,
    display_name: String,
    created: Time,
}

impl From<CustomerRow> for Customer {
    fn from(row: CustomerRow) -> Self {
        Self {
            number: row.id.0,
            name: row.name,
            display_name: row.display_name,
            created: Time(row.created_at_us),
        }
    }
}

#[ComplexObject]
impl Customer {
    /// Relay's id of this node.
    async fn id(&self) -> ID {
        NodeId::Customer(CustomerId(self.number)).into()
    }

    /// How much is kept in all of its spaces.
    async fn storage(&self, ctx: &Context<'_>) -> Result<Storage> {
        Storage::of(ctx, CustomerId(self.number), None).await
    }

    async fn spaces(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<List<Space>> {
        let request = connection::page(first, after, Direction::Ascending)?;
        let spaces = &state(ctx).queries.spaces;
        let page = spaces.list(&principal(ctx), CustomerId(self.number), &request).await;
        connection::connection(page, &request, Space::from)
    }
}
