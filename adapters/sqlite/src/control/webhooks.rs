//! Webhooks: their secrets, and how their delivery stands.

use super::{ControlError, SqliteControl};
use async_trait::async_trait;
use dlcs_commands::webhooks::{Delivery, WebhookError, WebhookStore};
use dlcs_domain::definition::Sealed;
use dlcs_domain::{CustomerId, DefinitionId};
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Params, Row, params};
use uuid::Uuid;

impl From<ControlError> for WebhookError {
    fn from(error: ControlError) -> Self {
        Self::Store(error.0)
    }
}

#[async_trait]
impl WebhookStore for SqliteControl {
    async fn keep_secret(&self, id: Uuid, sealed: Sealed) -> Result<(), WebhookError> {
        const KEEP: &str =
            "INSERT OR IGNORE INTO webhook_secrets (id, key_name, sealed) VALUES (?1, ?2, ?3)";
        self.change(KEEP, (id.to_string(), sealed.key, sealed.text)).await.map(drop)
    }

    async fn secret(&self, id: Uuid) -> Result<Option<Sealed>, WebhookError> {
        const GET: &str = "SELECT key_name, sealed FROM webhook_secrets WHERE id = ?1";
        self.look(move |connection| {
            let mut statement = connection.prepare_cached(GET)?;
            let sealed = |row: &Row<'_>| Ok(Sealed { key: row.get(0)?, text: row.get(1)? });
            statement.query_row([id.to_string()], sealed).optional()
        })
        .await
    }

    async fn forget_secret(&self, id: Uuid) -> Result<(), WebhookError> {
        const FORGET: &str = "DELETE FROM webhook_secrets WHERE id = ?1";
        self.change(FORGET, (id.to_string(),)).await.map(drop)
    }

    async fn add(&self, id: &DefinitionId) -> Result<(), WebhookError> {
        const ADD: &str = "INSERT OR IGNORE INTO webhooks (customer, name, spell, delivery_json)
            VALUES (?1, ?2, 0, '{}')";
        self.change(ADD, (id.customer.0, id.name.clone())).await.map(drop)
    }

    async fn delivery(&self, id: &DefinitionId) -> Result<Option<Delivery>, WebhookError> {
        const GET: &str =
            "SELECT spell, delivery_json FROM webhooks WHERE customer = ?1 AND name = ?2";
        let id = id.clone();
        self.look(move |connection| {
            let mut statement = connection.prepare_cached(GET)?;
            let key = params![id.customer.0, id.name];
            statement.query_row(key, |row| into_delivery(row, 0)).optional()
        })
        .await
    }

    async fn all(&self) -> Result<Vec<(DefinitionId, Delivery)>, WebhookError> {
        const ALL: &str = "SELECT customer, name, spell, delivery_json FROM webhooks";
        self.look(|connection| {
            connection.prepare_cached(ALL)?.query_map([], into_webhook)?.collect()
        })
        .await
    }

    async fn record(
        &self,
        id: &DefinitionId,
        spell: u64,
        delivery: &Delivery,
    ) -> Result<bool, WebhookError> {
        const RECORD: &str = "UPDATE webhooks SET spell = ?4, delivery_json = ?5
            WHERE customer = ?1 AND name = ?2 AND spell = ?3";
        let json = serde_json::to_string(delivery);
        let json = json.map_err(|error| WebhookError::Store(error.to_string()))?;
        let spells = (spell.cast_signed(), delivery.spell.cast_signed());
        let row = (id.customer.0, id.name.clone(), spells.0, spells.1, json);
        Ok(self.change(RECORD, row).await? == 1)
    }

    async fn remove(&self, id: &DefinitionId) -> Result<(), WebhookError> {
        const REMOVE: &str = "DELETE FROM webhooks WHERE customer = ?1 AND name = ?2";
        self.change(REMOVE, (id.customer.0, id.name.clone())).await.map(drop)
    }
}

impl SqliteControl {
    /// Returns how many rows one statement changed.
    async fn change(
        &self,
        sql: &'static str,
        parameters: impl Params + Send + 'static,
    ) -> Result<usize, WebhookError> {
        let changed =
            self.writer.run(move |connection| connection.prepare_cached(sql)?.execute(parameters));
        Ok(changed.await?)
    }

    async fn look<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, WebhookError> {
        let read = self.readers.run(move |connection| read(connection));
        read.await.map_err(|error| WebhookError::Store(error.to_string()))
    }
}

fn into_webhook(row: &Row<'_>) -> rusqlite::Result<(DefinitionId, Delivery)> {
    let id = DefinitionId { customer: CustomerId(row.get(0)?), name: row.get(1)? };
    Ok((id, into_delivery(row, 2)?))
}

/// Reads two columns, of which `at` is the first.
fn into_delivery(row: &Row<'_>, at: usize) -> rusqlite::Result<Delivery> {
    let json: String = row.get(at + 1)?;
    let delivery: Delivery = serde_json::from_str(&json).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(at + 1, Type::Text, Box::new(error))
    })?;
    Ok(Delivery { spell: row.get::<_, i64>(at)?.cast_unsigned(), ..delivery })
}
