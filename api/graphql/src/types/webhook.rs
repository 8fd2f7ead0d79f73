//! Webhooks.

use super::event::{self, Event};
use crate::connection::List;
use crate::context::state;
use crate::mutation::command_error;
use crate::scalar::Time;
use async_graphql::{ComplexObject, Context, Result, SimpleObject};
use dlcs_commands::services::WebhookStatus;
use dlcs_domain::{DefinitionId, definition};
use dlcs_projections::definitions::DefinitionRow;

/// An address at which a customer is told what happens.
#[derive(SimpleObject)]
#[graphql(complex)]
pub(crate) struct Webhook {
    customer: u32,
    id: String,
    url: String,
    description: String,
    /// Types of events, or beginnings of types with a `*` behind; none: whatever is told at all.
    events: Vec<String>,
    /// Otherwise it waits, and goes on where it was.
    is_active: bool,
    /// Until then the former secret signs beside the new one.
    former_secret_until: Option<Time>,
    created: Time,
    modified: Time,
    /// Counts changes; the ETag.
    edit_revision: u64,
    position: u64,
    #[graphql(skip)]
    key: DefinitionId,
    #[graphql(skip)]
    said: definition::Webhook,
}

/// How the delivery of a webhook stands.
#[derive(SimpleObject)]
pub(crate) struct WebhookDelivery {
    /// `delivering`, `retrying`, `paused`, `gone` or `off`.
    state: String,
    /// Everything up to here is delivered, or was not wanted.
    position: u64,
    /// Events of the log behind it, by position.
    behind: u64,
    /// Tries of the event that is next, so far.
    tries: u32,
    next_try: Option<Time>,
    last_try: Option<Time>,
    last_status: Option<u16>,
    /// Code of what was wrong with the last try.
    last_error: Option<String>,
    last_delivered: Option<Time>,
}

impl Webhook {
    /// `None`: it is removed, or no webhook.
    pub(crate) fn of(row: DefinitionRow) -> Option<Self> {
        let said = row.webhook()?.clone();
        Some(Self {
            customer: row.id.customer.0,
            id: row.id.name.clone(),
            url: said.url.clone(),
            description: said.description.clone(),
            events: said.events.clone(),
            is_active: said.active,
            former_secret_until: said.former_secret.map(|it| Time(it.until_us)),
            created: Time(row.created_at_us),
            modified: Time(row.modified_at_us),
            edit_revision: row.edit_revision,
            position: row.position,
            key: row.id,
            said,
        })
    }
}

impl From<WebhookStatus> for WebhookDelivery {
    fn from(status: WebhookStatus) -> Self {
        let WebhookStatus { state, position, behind, delivery } = status;
        Self {
            state: state.to_owned(),
            position: position.0,
            behind,
            tries: delivery.tries,
            next_try: delivery.next_try_at_us.map(Time),
            last_try: delivery.last_try_at_us.map(Time),
            last_status: delivery.last_status,
            last_error: delivery.last_error,
            last_delivered: delivery.delivered_at_us.map(Time),
        }
    }
}

#[ComplexObject]
impl Webhook {
    /// How its delivery stands; `null`: nothing is known of it yet.
    async fn delivery(&self, ctx: &Context<'_>) -> Result<Option<WebhookDelivery>> {
        let status = state(ctx).webhooks.status(&self.key, &self.said).await;
        Ok(status.map_err(command_error)?.map(WebhookDelivery::from))
    }

    /// Everything that happened to this webhook, in order; nothing of its secrets is in it.
    async fn history(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<List<Event>> {
        event::of_stream(ctx, format!("webhook-{}", self.key), first, after).await
    }
}
