//! What is kept of webhooks beside the history, in the control store only: secrets, sealed, and how
//! their delivery stands. How far it has come is the checkpoint of a consumer.
//!
//! Neither event nor fold: a secret that is removed there is gone. A definition names its secrets by ids
//! out of which nothing follows.

mod memory;
mod secret;

pub use memory::MemoryWebhooks;
pub use secret::Secret;

use crate::vault::{Vault, VaultError};
use async_trait::async_trait;
use dlcs_domain::DefinitionId;
use dlcs_domain::definition::{Definition, Sealed, Webhook};
use dlcs_eventlog::Position;
use dlcs_eventlog::consumers::{ConsumerError, ConsumerName, ConsumerStore};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use uuid::Uuid;

/// Whether events go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeliveryState {
    #[default]
    Open,
    /// Nobody took an event after the last try: until somebody has it go on.
    Paused,
    /// The receiver said that it is gone for good (410).
    Gone,
}

/// How the delivery of a webhook stands. What failed is the event behind its checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Delivery {
    /// Another one each time somebody has it go on: what is still to be said of an older one is void.
    #[serde(skip)]
    pub spell: u64,
    pub state: DeliveryState,
    /// Tries of the event that is next, so far.
    pub tries: u32,
    /// Microseconds since 1970, as all times here.
    pub next_try_at_us: Option<i64>,
    pub last_try_at_us: Option<i64>,
    /// What the receiver answered last, if it answered.
    pub last_status: Option<u16>,
    /// Code of what was wrong with the last try.
    pub last_error: Option<String>,
    pub delivered_at_us: Option<i64>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WebhookError {
    #[error("the control store cannot be used: {0}")]
    Store(String),
    #[error("a secret cannot be used: {0}")]
    Vault(#[from] VaultError),
    /// Somebody has moved it meanwhile.
    #[error("the place of the webhook in the history has changed")]
    Moved,
}

impl From<ConsumerError> for WebhookError {
    fn from(error: ConsumerError) -> Self {
        match error {
            ConsumerError::CheckpointMoved { .. } => Self::Moved,
            ConsumerError::Store(text) => Self::Store(text),
        }
    }
}

#[async_trait]
pub trait WebhookStore: Send + Sync + 'static {
    /// Keeps a sealed secret, unless there is one under this id already. It is durable then.
    async fn keep_secret(&self, id: Uuid, sealed: Sealed) -> Result<(), WebhookError>;

    async fn secret(&self, id: Uuid) -> Result<Option<Sealed>, WebhookError>;

    /// Forgets a secret. It is no harm if there is none.
    async fn forget_secret(&self, id: Uuid) -> Result<(), WebhookError>;

    /// Adds a webhook whose delivery has not begun, unless it is there.
    async fn add(&self, id: &DefinitionId) -> Result<(), WebhookError>;

    /// Returns how the delivery of a webhook stands; `None`: it is not there.
    async fn delivery(&self, id: &DefinitionId) -> Result<Option<Delivery>, WebhookError>;

    /// Returns every webhook, in any order.
    async fn all(&self) -> Result<Vec<(DefinitionId, Delivery)>, WebhookError>;

    /// Records how it stands, if the spell is still this one. `false`: it is not.
    async fn record(
        &self,
        id: &DefinitionId,
        spell: u64,
        delivery: &Delivery,
    ) -> Result<bool, WebhookError>;

    /// Removes a webhook. It is no harm if there is none.
    async fn remove(&self, id: &DefinitionId) -> Result<(), WebhookError>;
}

/// All that is kept of webhooks. Cheap to clone.
#[derive(Clone)]
pub struct Webhooks {
    pub store: Arc<dyn WebhookStore>,
    pub consumers: Arc<dyn ConsumerStore>,
    pub vault: Arc<dyn Vault>,
}

impl Webhooks {
    /// Makes a secret under an id; if there is one already, that is it.
    pub async fn new_secret(
        &self,
        webhook: &DefinitionId,
        id: Uuid,
    ) -> Result<Secret, WebhookError> {
        let sealed = self.vault.seal(&place(webhook, id), &Secret::new().to_text())?;
        self.store.keep_secret(id, sealed).await?;
        let kept = self.secret(webhook, id).await?;
        kept.ok_or_else(|| WebhookError::Store("what was kept is not there".to_owned()))
    }

    async fn secret(
        &self,
        webhook: &DefinitionId,
        id: Uuid,
    ) -> Result<Option<Secret>, WebhookError> {
        let Some(sealed) = self.store.secret(id).await? else { return Ok(None) };
        let text = self.vault.open(&place(webhook, id), &sealed)?;
        let secret = Secret::parse(&text);
        Ok(Some(secret.ok_or_else(|| VaultError("what is sealed is no secret".to_owned()))?))
    }

    /// Returns the secrets that sign at a time, the present one first.
    pub async fn secrets(
        &self,
        id: &DefinitionId,
        webhook: &Webhook,
        now_us: i64,
    ) -> Result<Vec<Secret>, WebhookError> {
        let mut secrets = Vec::new();
        for secret in webhook.secrets_at(now_us) {
            secrets.extend(self.secret(id, secret).await?);
        }
        Ok(secrets)
    }

    /// Lets the delivery begin behind a position, unless it has begun.
    pub async fn begin(&self, id: &DefinitionId, at: Position) -> Result<(), WebhookError> {
        let begun = self.consumers.advance(&consumer(id), Position::START, at).await;
        match begun {
            Err(ConsumerError::CheckpointMoved { .. }) | Ok(()) => self.store.add(id).await,
            Err(error) => Err(error.into()),
        }
    }

    /// Has a webhook go on, if it is there: where it is, or behind a position. An event that is on its
    /// way just now may come again.
    pub async fn resume(
        &self,
        id: &DefinitionId,
        after: Option<Position>,
    ) -> Result<(), WebhookError> {
        let consumer = consumer(id);
        // Whoever delivers moves it, too.
        while let Some(after) = after {
            let from = self.consumers.checkpoint(&consumer).await?;
            match self.consumers.advance(&consumer, from, after).await {
                Err(ConsumerError::CheckpointMoved { .. }) => {}
                moved => {
                    moved?;
                    break;
                }
            }
        }
        while let Some(known) = self.store.delivery(id).await? {
            let Delivery { spell, delivered_at_us, .. } = known;
            let fresh = Delivery { spell: spell + 1, delivered_at_us, ..Delivery::default() };
            if self.store.record(id, spell, &fresh).await? {
                break;
            }
        }
        Ok(())
    }

    /// Forgets a webhook, and secrets of it.
    pub async fn remove(
        &self,
        id: &DefinitionId,
        secrets: impl Iterator<Item = Uuid>,
    ) -> Result<(), WebhookError> {
        self.store.remove(id).await?;
        for secret in secrets {
            self.store.forget_secret(secret).await?;
        }
        Ok(self.consumers.forget(&consumer(id)).await?)
    }
}

/// Begins the names of the consumers that webhooks are. Never changes.
pub const CONSUMER_PREFIX: &str = "webhook/";

/// Returns the consumer whose checkpoint says how far a webhook has come.
pub fn consumer(id: &DefinitionId) -> ConsumerName {
    ConsumerName(format!("{CONSUMER_PREFIX}{id}"))
}

fn place(webhook: &DefinitionId, secret: Uuid) -> String {
    format!("{}-{webhook}#{secret}", Webhook::CATEGORY)
}

/// What every store of webhooks must pass. Panics with what was wrong.
#[cfg(any(test, feature = "conformance"))]
pub async fn conformance(store: &dyn WebhookStore) {
    use dlcs_domain::CustomerId;
    const WORKS: &str = "the store works";
    let sealed = |text: &str| Sealed { key: "k".to_owned(), text: text.to_owned() };
    let [one, other] = [Uuid::from_u128(1), Uuid::from_u128(u128::MAX)];
    assert_eq!(store.secret(one).await.expect(WORKS), None);
    store.keep_secret(one, sealed("a")).await.expect(WORKS);
    store.keep_secret(one, sealed("b")).await.expect(WORKS);
    store.keep_secret(other, sealed("c")).await.expect(WORKS);
    assert_eq!(store.secret(one).await.expect(WORKS), Some(sealed("a")), "the first one stays");
    store.forget_secret(one).await.expect(WORKS);
    store.forget_secret(one).await.expect("forgetting it again is no harm");
    assert_eq!(store.secret(one).await.expect(WORKS), None);
    assert_eq!(store.secret(other).await.expect(WORKS), Some(sealed("c")), "another one stays");

    let id =
        |customer| DefinitionId { customer: CustomerId(customer), name: "a„b“".to_owned() };
    let found = async |customer| store.delivery(&id(customer)).await.expect(WORKS);
    assert_eq!((found(1).await, store.all().await.expect(WORKS).len()), (None, 0));
    let failed = Delivery {
        spell: 0,
        state: DeliveryState::Paused,
        tries: 7,
        next_try_at_us: Some(i64::MAX),
        last_try_at_us: Some(1),
        last_status: Some(500),
        last_error: Some("receiver-refused".to_owned()),
        delivered_at_us: Some(i64::MIN),
    };
    let record = async |spell, delivery: &Delivery| store.record(&id(1), spell, delivery).await;
    assert!(!record(0, &failed).await.expect(WORKS), "it is not there");
    for customer in [1, u32::MAX] {
        store.add(&id(customer)).await.expect(WORKS);
    }
    assert_eq!(found(1).await, Some(Delivery::default()));
    assert!(record(0, &failed).await.expect(WORKS));
    store.add(&id(1)).await.expect("adding it again changes nothing");
    assert_eq!(found(1).await, Some(failed.clone()));
    let resumed = Delivery { spell: 1, ..Delivery::default() };
    assert!(record(0, &resumed).await.expect(WORKS));
    assert!(!record(0, &failed).await.expect(WORKS), "that was another spell");
    assert!(record(1, &resumed).await.expect(WORKS));
    let mut all = store.all().await.expect(WORKS);
    all.sort_by_key(|(id, _)| id.customer.0);
    assert_eq!(all, [(id(1), resumed), (id(u32::MAX), Delivery::default())]);
    store.remove(&id(1)).await.expect(WORKS);
    store.remove(&id(1)).await.expect("removing it again is no harm");
    assert_eq!((found(1).await, store.all().await.expect(WORKS).len()), (None, 1));
}
