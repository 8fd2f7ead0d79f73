//! Accounts of readers, made, changed and removed.

use super::definitions::reached;
use super::{command_error, context_for};
use crate::context::{customer_id, refused, state};
use crate::types::account::Account;
use async_graphql::{Context, InputObject, Object, Result, SimpleObject};
use dlcs_commands::Decided;
use dlcs_domain::DefinitionId;
use dlcs_domain::definition::{self, Password};
use dlcs_projections::definitions::Kind;

/// What became of a change of an account.
#[derive(SimpleObject)]
pub(crate) struct ChangedAccount {
    /// Place in the history; give it as `atLeast` to read what is at least as new.
    position: u64,
    /// `null` where it is removed, or the read model has not got there within two seconds.
    account: Option<Account>,
}

/// An account of a reader.
#[derive(InputObject)]
pub(crate) struct AccountInput {
    /// At least 12 characters; left out: the one that is there stays.
    password: Option<String>,
    /// Names of the access services that it opens.
    #[graphql(default)]
    auth_services: Vec<String>,
    /// For people.
    #[graphql(default)]
    label: String,
}

#[derive(Default)]
pub(super) struct AccountMutation;

#[Object]
impl AccountMutation {
    /// Makes an account of a reader, or says it anew. Another password, or a service that is not named
    /// any more, ends what it opened.
    async fn put_account(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 1)] customer: u32,
        name: String,
        account: AccountInput,
    ) -> Result<ChangedAccount> {
        let id = DefinitionId { customer: customer_id(customer)?, name };
        let context = context_for(ctx, id.customer)?;
        let AccountInput { password, auth_services, label } = account;
        let password = password.map(Password::new).transpose();
        let password = password.map_err(|detail| refused("bad-request", detail))?;
        let account = definition::Account {
            label,
            auth_services,
            password_id: None,
            keeps_password: password.is_none(),
        };
        let put = state(ctx).accounts.put(&context, &id, account, password).await;
        changed(ctx, &id, put.map_err(command_error)?).await
    }

    /// Removes an account: whoever is in with it is out.
    async fn remove_account(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 1)] customer: u32,
        name: String,
    ) -> Result<ChangedAccount> {
        let id = DefinitionId { customer: customer_id(customer)?, name };
        let context = context_for(ctx, id.customer)?;
        let removed = state(ctx).accounts.remove(&context, &id).await;
        changed(ctx, &id, removed.map_err(command_error)?).await
    }
}

async fn changed(ctx: &Context<'_>, id: &DefinitionId, decided: Decided) -> Result<ChangedAccount> {
    let row = reached(ctx, id, Kind::Account, decided).await?;
    Ok(ChangedAccount { position: decided.position.0, account: row.and_then(Account::of) })
}
