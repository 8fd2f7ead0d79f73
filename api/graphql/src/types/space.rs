//! A space and its assets.

use super::asset::Asset;
use super::storage::Storage;
use crate::connection::{self, List};
use crate::context::{principal, state};
use crate::node::NodeId;
use crate::scalar::Time;
use async_graphql::{ComplexObject, Context, ID, Result, SimpleObject};
use dlcs_domain::SpaceId;
use dlcs_projections::assets::{AssetFilter, AssetOrder};
use dlcs_projections::paging::Direction;
use dlcs_projections::spaces::SpaceRow;

/// Where a customer keeps assets.
#[derive(SimpleObject)]
#[graphql(complex)]
pub(crate) struct Space {
    customer: u32,
    number: u32,
    name: String,
    default_tags: Vec<String>,
    default_roles: Vec<String>,
    /// Living assets.
    asset_count: u64,
    created: Time,
    #[graphql(skip)]
    key: SpaceId,
}

impl From<SpaceRow> for Space {
    fn from(row: SpaceRow) -> Self {
        Self {
            customer: row.id.customer.0,
            number: row.id.space.0,
            name: row.name,
            default_tags: row.default_tags,
            default_roles: row.default_roles,
            asset_count: row.asset_count,
            created: Time(row.created_at_us),
            key: row.id,
        }
    }
}

#[ComplexObject]
impl Space {
    /// Relay's id of this node.
    async fn id(&self) -> ID {
        NodeId::Space(self.key).into()
    }

    /// How much is kept in it.
    async fn storage(&self, ctx: &Context<'_>) -> Result<Storage> {
        Storage::of(ctx, self.key.customer, Some(self.key.space)).await
    }

    async fn assets(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<List<Asset>> {
        let request = connection::page(first, after, Direction::Ascending)?;
        let filter = AssetFilter {
            customer: Some(self.key.customer),
            space: Some(self.key),
            ..AssetFilter::default()
        };
        let order = AssetOrder::Created;
        let assets = &state(ctx).queries.assets;
        let page = assets.list(&principal(ctx), &filter, order, &request, true).await;
        connection::connection(page, &request, Asset::from)
    }
}
