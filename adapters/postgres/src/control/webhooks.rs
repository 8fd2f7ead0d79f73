//! Webhooks: their secrets, and how their delivery stands.

use super::{ControlError, PostgresControl};
use async_trait::async_trait;
use dlcs_commands::webhooks::{Delivery, WebhookError, WebhookStore};
use dlcs_domain::definition::Sealed;
use dlcs_domain::{CustomerId, DefinitionId};
use tokio_postgres::Row;
use uuid::Uuid;

impl From<ControlError> for WebhookError {
    fn from(error: ControlError) -> Self {
        Self::Store(error.0)
    }
}

#[async_trait]
impl WebhookStore for PostgresControl {
    async fn keep_secret(&self, id: Uuid, sealed: Sealed) -> Result<(), WebhookError> {
        const KEEP: &str = "INSERT INTO dlcs_control.webhook_secrets (id, key_name, sealed)
            VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING";
        self.execute(KEEP, &[&id, &sealed.key, &sealed.text]).await?;
        Ok(())
    }

    async fn secret(&self, id: Uuid) -> Result<Option<Sealed>, WebhookError> {
        const GET: &str = "SELECT key_name, sealed FROM dlcs_control.webhook_secrets WHERE id = $1";
        let rows = self.query(GET, &[&id]).await?;
        Ok(rows.first().map(|row| Sealed { key: row.get(0), text: row.get(1) }))
    }

    async fn forget_secret(&self, id: Uuid) -> Result<(), WebhookError> {
        const FORGET: &str = "DELETE FROM dlcs_control.webhook_secrets WHERE id = $1";
        self.execute(FORGET, &[&id]).await?;
        Ok(())
    }

    async fn add(&self, id: &DefinitionId) -> Result<(), WebhookError> {
        const ADD: &str = "INSERT INTO dlcs_control.webhooks (customer, name, spell, delivery_json)
            VALUES ($1, $2, 0, '{}') ON CONFLICT (customer, name) DO NOTHING";
        self.execute(ADD, &[&i64::from(id.customer.0), &id.name]).await?;
        Ok(())
    }

    async fn delivery(&self, id: &DefinitionId) -> Result<Option<Delivery>, WebhookError> {
        const GET: &str = "SELECT customer, name, spell, delivery_json FROM dlcs_control.webhooks
            WHERE customer = $1 AND name = $2";
        let rows = self.query(GET, &[&i64::from(id.customer.0), &id.name]).await?;
        rows.first().map(|row| into_webhook(row).map(|(_, delivery)| delivery)).transpose()
    }

    async fn all(&self) -> Result<Vec<(DefinitionId, Delivery)>, WebhookError> {
        const ALL: &str = "SELECT customer, name, spell, delivery_json FROM dlcs_control.webhooks";
        self.query(ALL, &[]).await?.iter().map(into_webhook).collect()
    }

    async fn record(
        &self,
        id: &DefinitionId,
        spell: u64,
        delivery: &Delivery,
    ) -> Result<bool, WebhookError> {
        const RECORD: &str = "UPDATE dlcs_control.webhooks SET spell = $4, delivery_json = $5
            WHERE customer = $1 AND name = $2 AND spell = $3";
        let json = serde_json::to_string(delivery).map_err(broken)?;
        let (customer, spells) = (i64::from(id.customer.0), [spell, delivery.spell]);
        let [from, to] = spells.map(u64::cast_signed);
        // Once only: a spell that has ended is not found a second time.
        let changed = self.execute_once(RECORD, &[&customer, &id.name, &from, &to, &json]).await?;
        Ok(changed == 1)
    }

    async fn remove(&self, id: &DefinitionId) -> Result<(), WebhookError> {
        const REMOVE: &str = "DELETE FROM dlcs_control.webhooks WHERE customer = $1 AND name = $2";
        self.execute(REMOVE, &[&i64::from(id.customer.0), &id.name]).await?;
        Ok(())
    }
}

fn into_webhook(row: &Row) -> Result<(DefinitionId, Delivery), WebhookError> {
    let customer = u32::try_from(row.get::<_, i64>(0)).map_err(broken)?;
    let id = DefinitionId { customer: CustomerId(customer), name: row.get(1) };
    let delivery: Delivery = serde_json::from_str(row.get(3)).map_err(broken)?;
    Ok((id, Delivery { spell: row.get::<_, i64>(2).cast_unsigned(), ..delivery }))
}

fn broken(error: impl std::fmt::Display) -> WebhookError {
    WebhookError::Store(error.to_string())
}
