//! Webhooks: the definition in the log, its secrets and how its delivery stands beside it.

use super::definitions::DefinitionCommands;
use crate::context::CommandContext;
use crate::cqrs::{Decided, Executor};
use crate::error::{CommandError, Rule};
use crate::webhooks::{Delivery, DeliveryState, Secret, WebhookError, Webhooks, consumer};
use dlcs_domain::DefinitionId;
use dlcs_domain::definition::{Definition, SecretChange, Webhook};
use dlcs_eventlog::Position;
use uuid::Uuid;

/// Webhooks that one customer has, at most: each of them is told everything that it wants.
const OF_CUSTOMER_MAX: usize = 100;
/// How long a secret still signs beside the one that has taken its place: 24 hours.
const FORMER_SIGNS_US: i64 = 24 * 60 * 60 * 1_000_000;

/// Cheap to clone.
#[derive(Clone)]
pub struct WebhookCommands {
    definitions: DefinitionCommands,
    executor: Executor,
    webhooks: Webhooks,
}

/// What was decided, and the secret that was made, which nobody is told again.
pub struct Told {
    pub decided: Decided,
    pub secret: Option<Secret>,
}

/// How a webhook stands, for people and programs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookStatus {
    /// `delivering`, `retrying`, `paused`, `gone` or `off`.
    pub state: &'static str,
    /// Everything up to here is delivered, or was not wanted.
    pub position: Position,
    /// Events of the log behind it, by position.
    pub behind: u64,
    pub delivery: Delivery,
}

impl From<WebhookError> for CommandError {
    fn from(error: WebhookError) -> Self {
        match error {
            WebhookError::Store(text) => Self::Unavailable(text),
            WebhookError::Vault(error) => Self::Damaged(error.to_string()),
            WebhookError::Moved => Self::Busy,
        }
    }
}

impl WebhookCommands {
    /// Codes of what is refused.
    pub const TOO_MANY: &'static str = "too-many-webhooks";
    pub const POSITION_UNKNOWN: &'static str = "position-unknown";

    pub fn new(definitions: DefinitionCommands, executor: Executor, webhooks: Webhooks) -> Self {
        Self { definitions, executor, webhooks }
    }

    /// Returns what is kept beside the history.
    pub fn kept(&self) -> &Webhooks {
        &self.webhooks
    }

    /// Returns an id that nobody has.
    pub fn new_name(&self, context: &CommandContext) -> String {
        self.definitions.new_name::<Webhook>(context)
    }

    /// Defines a webhook, whose secret is made. It is told what happens behind `after`; `None`: what
    /// happens from now on.
    pub async fn define(
        &self,
        context: &CommandContext,
        id: &DefinitionId,
        webhook: Webhook,
        after: Option<Position>,
    ) -> Result<Told, CommandError> {
        let (webhook, secret) = self.prepared(context, id, webhook, after).await?;
        let made = webhook.secret_id;
        let decided = self.definitions.define(context, id, webhook).await;
        let is_present = self.tidy(id, made, &decided).await;
        Ok(Told { decided: decided?, secret: is_present.then_some(secret) })
    }

    /// Defines it, or changes what is there, which keeps its secret and its place.
    pub async fn put(
        &self,
        context: &CommandContext,
        id: &DefinitionId,
        webhook: Webhook,
        after: Option<Position>,
    ) -> Result<Told, CommandError> {
        if self.definitions.known::<Webhook>(id).await?.is_none() && context.expected_edit.is_none()
        {
            return self.define(context, id, webhook, after).await;
        }
        let webhook = Webhook { secret_change: SecretChange::Kept, ..webhook };
        let decided = self.definitions.put(context, id, webhook).await?;
        Ok(Told { decided, secret: None })
    }

    /// Makes another secret. The one that is there signs beside it for 24 hours.
    pub async fn rotate(
        &self,
        context: &CommandContext,
        id: &DefinitionId,
    ) -> Result<Told, CommandError> {
        let known = self.known(id).await?;
        let former_until_us = self.executor.clock().now_us().saturating_add(FORMER_SIGNS_US);
        let rotated =
            Webhook { secret_change: SecretChange::Rotated { former_until_us }, ..known.clone() };
        let (rotated, secret) = self.prepared(context, id, rotated, None).await?;
        let made = rotated.secret_id;
        let decided = self.definitions.put(context, id, rotated).await;
        let is_present = self.tidy(id, made, &decided).await;
        self.tidy(id, known.former_secret.map(|it| it.id), &decided).await;
        Ok(Told { decided: decided?, secret: is_present.then_some(secret) })
    }

    /// Has a webhook go on that was paused, or is to be told again what is behind a position.
    pub async fn resume(
        &self,
        id: &DefinitionId,
        after: Option<Position>,
    ) -> Result<(), CommandError> {
        self.known(id).await?;
        let at = self.checked(after).await?;
        self.webhooks.begin(id, at).await?;
        Ok(self.webhooks.resume(id, after).await?)
    }

    /// Removes a webhook. Nothing is sent any more.
    pub async fn remove(
        &self,
        context: &CommandContext,
        id: &DefinitionId,
    ) -> Result<Decided, CommandError> {
        let known = self.definitions.known::<Webhook>(id).await?;
        let decided = self.definitions.remove::<Webhook>(context, id).await?;
        let secrets = known.iter().flat_map(|it| it.secrets_at(i64::MIN));
        self.webhooks.remove(id, secrets).await?;
        Ok(decided)
    }

    /// Says how a webhook stands; `None`: nothing is known of it yet.
    pub async fn status(
        &self,
        id: &DefinitionId,
        webhook: &Webhook,
    ) -> Result<Option<WebhookStatus>, CommandError> {
        let Some(delivery) = self.webhooks.store.delivery(id).await? else { return Ok(None) };
        let position = self.webhooks.consumers.checkpoint(&consumer(id)).await;
        let position = position.map_err(WebhookError::from)?;
        let state = match delivery.state {
            _ if !webhook.active => "off",
            DeliveryState::Paused => "paused",
            DeliveryState::Gone => "gone",
            DeliveryState::Open if delivery.tries > 0 => "retrying",
            DeliveryState::Open => "delivering",
        };
        let behind = self.head().await?.0.saturating_sub(position.0);
        Ok(Some(WebhookStatus { state, position, behind, delivery }))
    }

    async fn known(&self, id: &DefinitionId) -> Result<Webhook, CommandError> {
        let known = self.definitions.known::<Webhook>(id).await?;
        known.ok_or_else(|| CommandError::NotFound(format!("there is no such {}", Webhook::NAME)))
    }

    async fn head(&self) -> Result<Position, CommandError> {
        self.executor
            .log()
            .head()
            .await
            .map_err(|error| CommandError::Unavailable(error.to_string()))
    }

    /// Returns the position itself, or that of the last event.
    async fn checked(&self, after: Option<Position>) -> Result<Position, CommandError> {
        let head = self.head().await?;
        match after {
            Some(after) if after > head => {
                let detail = format!("`after` is {after}, and the last event has position {head}");
                Err(CommandError::Refused { code: Self::POSITION_UNKNOWN, detail })
            }
            after => Ok(after.unwrap_or(head)),
        }
    }

    /// Keeps secret and place before the event that needs them. A repeated command gets the same secret
    /// again.
    async fn prepared(
        &self,
        context: &CommandContext,
        id: &DefinitionId,
        webhook: Webhook,
        after: Option<Position>,
    ) -> Result<(Webhook, Secret), CommandError> {
        let made = self.definitions.new_id::<Webhook>(context);
        let webhook = Webhook { secret_id: Some(made), ..webhook };
        // What is refused anyway leaves nothing behind.
        webhook.check(&id.name).map_err(Rule::refusal)?;
        let at = self.checked(after).await?;
        self.check_number(id).await?;
        let secret = self.webhooks.new_secret(id, made).await?;
        self.webhooks.begin(id, at).await?;
        Ok((webhook, secret))
    }

    async fn check_number(&self, id: &DefinitionId) -> Result<(), CommandError> {
        let all = self.webhooks.store.all().await?;
        let others = all.iter().filter(|(it, _)| it.customer == id.customer && it != id).count();
        if others < OF_CUSTOMER_MAX {
            return Ok(());
        }
        let detail = format!("a customer has at most {OF_CUSTOMER_MAX} webhooks: remove one");
        Err(CommandError::Refused { code: Self::TOO_MANY, detail })
    }

    /// Forgets a secret that the webhook does not have now, and a webhook that did not come about.
    /// Says whether the webhook has this secret, as far as is known.
    async fn tidy(
        &self,
        id: &DefinitionId,
        secret: Option<Uuid>,
        decided: &Result<Decided, CommandError>,
    ) -> bool {
        // Whether it happened is not known: it may name the secret yet.
        if decided.as_ref().is_err_and(CommandError::may_pass) {
            return true;
        }
        let Ok(now) = self.definitions.known::<Webhook>(id).await else { return true };
        let is_named =
            now.iter().flat_map(|it| it.secrets_at(i64::MIN)).any(|it| secret == Some(it));
        // What stays behind is named by nothing, and signs nothing.
        let _ = match (now, secret) {
            (None, secret) => self.webhooks.remove(id, secret.into_iter()).await,
            (Some(_), Some(secret)) if !is_named => self.webhooks.store.forget_secret(secret).await,
            (Some(_), _) => Ok(()),
        };
        is_named
    }
}
