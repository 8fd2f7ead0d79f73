//! The in-memory reference.

use super::{Delivery, WebhookError, WebhookStore};
use async_trait::async_trait;
use dlcs_domain::DefinitionId;
use dlcs_domain::definition::Sealed;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use uuid::Uuid;

/// What is kept as long as the process lives.
#[derive(Debug, Default)]
pub struct MemoryWebhooks {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    secrets: HashMap<Uuid, Sealed>,
    deliveries: HashMap<DefinitionId, Delivery>,
}

impl MemoryWebhooks {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns how many secrets there are.
    #[cfg(test)]
    pub(crate) fn secrets(&self) -> usize {
        self.kept().secrets.len()
    }
}

#[async_trait]
impl WebhookStore for MemoryWebhooks {
    async fn keep_secret(&self, id: Uuid, sealed: Sealed) -> Result<(), WebhookError> {
        self.kept().secrets.entry(id).or_insert(sealed);
        Ok(())
    }

    async fn secret(&self, id: Uuid) -> Result<Option<Sealed>, WebhookError> {
        Ok(self.kept().secrets.get(&id).cloned())
    }

    async fn forget_secret(&self, id: Uuid) -> Result<(), WebhookError> {
        self.kept().secrets.remove(&id);
        Ok(())
    }

    async fn add(&self, id: &DefinitionId) -> Result<(), WebhookError> {
        self.kept().deliveries.entry(id.clone()).or_default();
        Ok(())
    }

    async fn delivery(&self, id: &DefinitionId) -> Result<Option<Delivery>, WebhookError> {
        Ok(self.kept().deliveries.get(id).cloned())
    }

    async fn all(&self) -> Result<Vec<(DefinitionId, Delivery)>, WebhookError> {
        Ok(self.kept().deliveries.iter().map(|(id, it)| (id.clone(), it.clone())).collect())
    }

    async fn record(
        &self,
        id: &DefinitionId,
        spell: u64,
        delivery: &Delivery,
    ) -> Result<bool, WebhookError> {
        let mut kept = self.kept();
        let known = kept.deliveries.get_mut(id).filter(|it| it.spell == spell);
        Ok(known.map(|known| known.clone_from(delivery)).is_some())
    }

    async fn remove(&self, id: &DefinitionId) -> Result<(), WebhookError> {
        self.kept().deliveries.remove(id);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::MemoryWebhooks;

    #[tokio::test]
    async fn it_is_a_store_of_webhooks() {
        super::super::conformance(&MemoryWebhooks::default()).await;
    }
}
