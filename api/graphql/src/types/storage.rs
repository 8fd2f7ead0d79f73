//! How much is kept.

use crate::context::{principal, query_error, state};
use crate::scalar::Time;
use async_graphql::{Context, Result, SimpleObject};
use dlcs_domain::{CustomerId, SpaceNumber};

/// What is kept for images that have been delivered.
#[derive(SimpleObject)]
pub(crate) struct Storage {
    images: u64,
    /// Each original counts for itself, also where it has the same bytes as another one.
    original_bytes: u64,
    /// Of pyramids, with the ready-made sizes in them.
    derivative_bytes: u64,
    /// `null`: never.
    changed: Option<Time>,
}

impl Storage {
    pub(crate) async fn of(
        ctx: &Context<'_>,
        customer: CustomerId,
        space: Option<SpaceNumber>,
    ) -> Result<Self> {
        let spaces = &state(ctx).queries.spaces;
        let stored = spaces.stored(&principal(ctx), customer, space).await.map_err(query_error)?;
        Ok(Self {
            images: stored.images,
            original_bytes: stored.original_bytes,
            derivative_bytes: stored.derivative_bytes,
            changed: stored.changed_at_us.map(Time),
        })
    }
}
