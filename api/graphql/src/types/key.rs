//! Keys of the API.

use super::event::{self, Event};
use crate::connection::List;
use crate::scalar::Time;
use async_graphql::{ComplexObject, Context, Enum, Result, SimpleObject};
use dlcs_domain::ApiKeyId;
use dlcs_domain::access::Right;
use dlcs_projections::api_keys::ApiKeyRow;

/// What a key may do; each right holds those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "Right")]
pub(crate) enum KeyAccess {
    Read,
    Write,
    /// Also make and revoke keys.
    Manage,
}

/// Half of the credentials for the API; the other half, its secret, was told when it was made.
#[derive(SimpleObject)]
#[graphql(complex)]
pub(crate) struct Key {
    customer: u32,
    key: String,
    /// For people.
    label: String,
    access: KeyAccess,
    /// `null`: until it is revoked.
    expires: Option<Time>,
    created: Time,
    position: u64,
    #[graphql(skip)]
    id: ApiKeyId,
}

impl From<ApiKeyRow> for Key {
    fn from(row: ApiKeyRow) -> Self {
        Self {
            customer: row.id.customer.0,
            key: row.id.id.clone(),
            label: row.label,
            access: row.right.into(),
            expires: row.until_us.map(Time),
            created: Time(row.created_at_us),
            position: row.position,
            id: row.id,
        }
    }
}

#[ComplexObject]
impl Key {
    /// Everything that happened to this key, in order; not what was done with it.
    async fn history(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<List<Event>> {
        event::of_stream(ctx, format!("key-{}", self.id), first, after).await
    }
}
