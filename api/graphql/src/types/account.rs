//! Accounts of readers.

use super::event::{self, Event};
use crate::connection::List;
use crate::scalar::Time;
use async_graphql::{ComplexObject, Context, Result, SimpleObject};
use dlcs_domain::DefinitionId;
use dlcs_projections::definitions::DefinitionRow;

/// Whoever knows its password is let in by the access services that it names.
#[derive(SimpleObject)]
#[graphql(complex)]
pub(crate) struct Account {
    customer: u32,
    name: String,
    label: String,
    /// Names of access services.
    auth_services: Vec<String>,
    created: Time,
    modified: Time,
    /// Counts changes; the ETag.
    edit_revision: u64,
    position: u64,
    #[graphql(skip)]
    key: DefinitionId,
}

impl Account {
    /// `None`: it is removed, or no account.
    pub(crate) fn of(row: DefinitionRow) -> Option<Self> {
        let account = row.account()?.clone();
        Some(Self {
            customer: row.id.customer.0,
            name: row.id.name.clone(),
            label: account.label,
            auth_services: account.auth_services,
            created: Time(row.created_at_us),
            modified: Time(row.modified_at_us),
            edit_revision: row.edit_revision,
            position: row.position,
            key: row.id,
        })
    }
}

#[ComplexObject]
impl Account {
    /// Everything that happened to this account, in order; nothing of its password is in it.
    async fn history(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<List<Event>> {
        event::of_stream(ctx, format!("account-{}", self.key), first, after).await
    }
}
