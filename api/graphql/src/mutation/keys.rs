//! Keys made and revoked.

use super::{FRESHNESS_WAIT, command_error, context_to};
use crate::context::{customer_id, principal, query_error, refused, state};
use crate::scalar::Time;
use crate::types::key::{Key, KeyAccess};
use async_graphql::{Context, Object, Result, SimpleObject};
use dlcs_commands::services::NewApiKey;
use dlcs_domain::ApiKeyId;
use dlcs_domain::access::{Action, Principal};

/// A key that was made.
#[derive(SimpleObject)]
pub(crate) struct IssuedKey {
    /// Place in the history; give it as `atLeast` to read what is at least as new.
    position: u64,
    id: String,
    /// Told this once.
    secret: String,
    /// `null` where the read model has not got there within two seconds.
    key: Option<Key>,
}

/// A key that was revoked.
#[derive(SimpleObject)]
pub(crate) struct RevokedKey {
    /// Place in the history; give it as `atLeast` to read what is at least as new.
    position: u64,
}

#[derive(Default)]
pub(super) struct KeyMutation;

#[Object]
impl KeyMutation {
    /// Issues a key that may do no more than that of whoever asks, and lasts no longer.
    async fn issue_key(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 1)] customer: u32,
        #[graphql(default)] label: String,
        #[graphql(default_with = "KeyAccess::Manage")] access: KeyAccess,
        expires: Option<Time>,
    ) -> Result<IssuedKey> {
        let customer = customer_id(customer)?;
        let context = context_to(ctx, customer, Action::ManageKeys)?;
        let Principal::Key { scope: issuer, .. } = principal(ctx) else {
            return Err(refused("not-allowed", "a key is needed to make one"));
        };
        let until_us = expires.map(|it| it.0).or(issuer.until_us);
        let new = NewApiKey { customer, right: access.into(), until_us, label };
        let issued = state(ctx).commands.api_keys.issue(&context, issuer, new).await;
        let issued = issued.map_err(command_error)?;
        let secret = issued.secret.ok_or_else(|| refused("conflict", "the key exists already"))?;
        let queries = &state(ctx).queries;
        let (name, position) = (dlcs_projections::api_keys::NAME, issued.decided.position);
        let row = match queries.freshness.wait(name, position, FRESHNESS_WAIT).await {
            true => queries.api_keys.credentials(&issued.id.id).await.map_err(query_error)?,
            false => None,
        };
        let key = row.map(Key::from);
        Ok(IssuedKey { position: position.0, id: issued.id.id, secret, key })
    }

    async fn revoke_key(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 1)] customer: u32,
        key: String,
    ) -> Result<RevokedKey> {
        let id = ApiKeyId { customer: customer_id(customer)?, id: key };
        let context = context_to(ctx, id.customer, Action::ManageKeys)?;
        let revoked = state(ctx).commands.api_keys.revoke(&context, &id).await;
        let position = revoked.map_err(command_error)?.position;
        let name = dlcs_projections::api_keys::NAME;
        // What it opens is looked up there.
        state(ctx).queries.freshness.wait(name, position, FRESHNESS_WAIT).await;
        Ok(RevokedKey { position: position.0 })
    }
}
