//! Webhooks, defined, changed, rotated, resumed and removed.

use super::definitions::reached;
use super::{command_error, context_for};
use crate::context::{customer_id, query_error, refused, state};
use crate::types::webhook::Webhook;
use async_graphql::{Context, InputObject, Object, Result, SimpleObject};
use dlcs_commands::services::Told;
use dlcs_domain::DefinitionId;
use dlcs_domain::definition::{self, SecretChange};
use dlcs_projections::Position;
use dlcs_projections::definitions::Kind;

/// What became of a change of a webhook.
#[derive(SimpleObject)]
pub(crate) struct ChangedWebhook {
    /// Place in the history; give it as `atLeast` to read what is at least as new.
    position: u64,
    /// Told this once, where one was made: `whsec_` and base64.
    secret: Option<String>,
    /// `null` where it is removed, or the read model has not got there within two seconds.
    webhook: Option<Webhook>,
}

/// An address at which a customer is told what happens.
#[derive(InputObject)]
pub(crate) struct WebhookInput {
    url: String,
    /// For people.
    #[graphql(default)]
    description: String,
    /// Types of events, or beginnings of types with a `*` behind; none: whatever is told at all.
    #[graphql(default)]
    events: Vec<String>,
    #[graphql(default = true)]
    is_active: bool,
}

#[derive(Default)]
pub(super) struct WebhookMutation;

#[Object]
impl WebhookMutation {
    /// Defines a webhook, a new one where no id is given, or says it anew. A new one is told what happens
    /// after a position; left out: from now on.
    async fn put_webhook(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 1)] customer: u32,
        id: Option<String>,
        webhook: WebhookInput,
        after: Option<u64>,
    ) -> Result<ChangedWebhook> {
        let customer = customer_id(customer)?;
        let context = context_for(ctx, customer)?;
        let webhooks = &state(ctx).webhooks;
        let name = id.unwrap_or_else(|| webhooks.new_name(&context));
        let id = DefinitionId { customer, name };
        let WebhookInput { url, description, events, is_active } = webhook;
        (state(ctx).check_origin)(&url).map_err(|text| refused("webhook-url-forbidden", text))?;
        let webhook = definition::Webhook {
            url,
            description,
            events,
            active: is_active,
            secret_id: None,
            former_secret: None,
            secret_change: SecretChange::Given,
        };
        let put = webhooks.put(&context, &id, webhook, after.map(Position)).await;
        changed(ctx, &id, put.map_err(command_error)?).await
    }

    /// Makes another secret; the former one signs beside it for a day.
    async fn rotate_webhook_secret(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 1)] customer: u32,
        id: String,
    ) -> Result<ChangedWebhook> {
        let id = DefinitionId { customer: customer_id(customer)?, name: id };
        let context = context_for(ctx, id.customer)?;
        let rotated = state(ctx).webhooks.rotate(&context, &id).await;
        changed(ctx, &id, rotated.map_err(command_error)?).await
    }

    /// Has a webhook go on: where it is, or again with what is after a position.
    async fn resume_webhook(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 1)] customer: u32,
        id: String,
        after: Option<u64>,
    ) -> Result<Option<Webhook>> {
        let id = DefinitionId { customer: customer_id(customer)?, name: id };
        context_for(ctx, id.customer)?;
        let resumed = state(ctx).webhooks.resume(&id, after.map(Position)).await;
        resumed.map_err(command_error)?;
        let row = state(ctx).queries.definitions.definition(&id, Kind::Webhook).await;
        Ok(row.map_err(query_error)?.and_then(Webhook::of))
    }

    /// Removes a webhook: nothing is sent any more.
    async fn remove_webhook(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 1)] customer: u32,
        id: String,
    ) -> Result<ChangedWebhook> {
        let id = DefinitionId { customer: customer_id(customer)?, name: id };
        let context = context_for(ctx, id.customer)?;
        let removed = state(ctx).webhooks.remove(&context, &id).await;
        let decided = removed.map_err(command_error)?;
        changed(ctx, &id, Told { decided, secret: None }).await
    }
}

async fn changed(ctx: &Context<'_>, id: &DefinitionId, told: Told) -> Result<ChangedWebhook> {
    let position = told.decided.position.0;
    let row = reached(ctx, id, Kind::Webhook, told.decided).await?;
    let secret = told.secret.map(|it| it.to_text());
    Ok(ChangedWebhook { position, secret, webhook: row.and_then(Webhook::of) })
}
