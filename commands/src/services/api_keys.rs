//! Keys of the API: issued with a secret that is told once, and revoked.

use super::customers::check_customer;
use crate::clock::Clock;
use crate::context::CommandContext;
use crate::cqrs::{Decided, Executor};
use crate::error::CommandError;
use crate::metadata::new_uuid;
use dlcs_domain::access::{Right, Scope};
use dlcs_domain::api_key::{ApiKey, ApiKeyCommand};
use dlcs_domain::{ApiKeyId, CustomerId};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use uuid::Uuid;

#[derive(Clone)]
pub struct ApiKeyCommands {
    executor: Executor,
    clock: Arc<dyn Clock>,
}

/// What a key is wished to be.
#[derive(Debug, Clone)]
pub struct NewApiKey {
    pub customer: CustomerId,
    pub right: Right,
    /// Microseconds since 1970; `None`: until it is revoked.
    pub until_us: Option<i64>,
    /// For people.
    pub label: String,
}

/// A key that was made.
pub struct IssuedApiKey {
    pub id: ApiKeyId,
    /// 256 random bits in hexadecimal, told this once. `None`: an earlier command made the key, and
    /// this is its repetition.
    pub secret: Option<String>,
    pub decided: Decided,
}

impl ApiKeyCommands {
    pub(super) fn new(executor: Executor, clock: Arc<dyn Clock>) -> Self {
        Self { executor, clock }
    }

    /// Makes a key that may do no more than `issuer`.
    pub async fn issue(
        &self,
        context: &CommandContext,
        issuer: Scope,
        new: NewApiKey,
    ) -> Result<IssuedApiKey, CommandError> {
        check_customer(&self.executor, new.customer).await?;
        let now_us = self.clock.now_us();
        let repeatable = context.command_id.map(|it| Uuid::new_v5(&it, b"key"));
        let name = repeatable.unwrap_or_else(|| new_uuid(now_us)).simple().to_string();
        let id = ApiKeyId { customer: new.customer, id: name };
        let secret = hex::encode(rand::random::<[u8; 32]>());
        let secret_sha256 = secret_digest(&secret);
        let command = ApiKeyCommand::Issue {
            issuer,
            customer: new.customer,
            right: new.right,
            until_us: new.until_us,
            label: new.label,
            secret_sha256: secret_sha256.clone(),
            now_us,
        };
        let decided = self.executor.execute::<ApiKey>(context, &id.to_string(), command).await?;
        let is_ours = match self.executor.load::<ApiKey>(&id.to_string()).await?.state {
            ApiKey::Live(key) => key.secret_sha256 == secret_sha256,
            ApiKey::Absent | ApiKey::Revoked => false,
        };
        Ok(IssuedApiKey { id, secret: is_ours.then_some(secret), decided })
    }

    /// Ends a key: what it opened it opens no more.
    pub async fn revoke(
        &self,
        context: &CommandContext,
        id: &ApiKeyId,
    ) -> Result<Decided, CommandError> {
        let command = ApiKeyCommand::Revoke;
        Ok(self.executor.execute::<ApiKey>(context, &id.to_string(), command).await?)
    }
}

/// Returns the SHA-256 of a secret in hexadecimal, as events hold it.
pub fn secret_digest(secret: &str) -> String {
    hex::encode(Sha256::digest(secret.as_bytes()))
}
