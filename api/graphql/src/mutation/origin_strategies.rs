//! Origin strategies, defined and removed.

use super::definitions::reached;
use super::{command_error, context_for};
use crate::context::{customer_id, refused, state};
use crate::types::origin_strategy::OriginStrategy;
use async_graphql::{Context, InputObject, Object, Result, SimpleObject};
use dlcs_commands::Decided;
use dlcs_commands::vault::OriginCredentials;
use dlcs_domain::definition::Sealed;
use dlcs_domain::{DefinitionId, definition};
use dlcs_projections::definitions::Kind;

/// What became of a change of an origin strategy.
#[derive(SimpleObject)]
pub(crate) struct ChangedOriginStrategy {
    /// Place in the history; give it as `atLeast` to read what is at least as new.
    position: u64,
    /// `null` where it is removed, or the read model has not got there within two seconds.
    origin_strategy: Option<OriginStrategy>,
}

/// What an origin wants to be told.
#[derive(InputObject)]
pub(crate) struct CredentialsInput {
    user: String,
    password: String,
}

#[derive(Default)]
pub(super) struct OriginStrategyMutation;

#[Object]
impl OriginStrategyMutation {
    /// Says how originals are fetched from addresses that a pattern matches. Credentials that are left
    /// out stay.
    async fn put_origin_strategy(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 1)] customer: u32,
        regex: String,
        #[graphql(default_with = "String::from(\"basic-http-authentication\")")] strategy: String,
        #[graphql(default)] order: u32,
        credentials: Option<CredentialsInput>,
    ) -> Result<ChangedOriginStrategy> {
        let name = definition::OriginStrategy::id_of(&regex);
        let id = DefinitionId { customer: customer_id(customer)?, name };
        let context = context_for(ctx, id.customer)?;
        let unsupported = definition::OriginStrategy::UNSUPPORTED;
        let strategy = strategy
            .parse::<definition::Strategy>()
            .map_err(|error| refused(unsupported, error))?;
        let credentials = credentials.map(|said| sealed(ctx, &id, &said)).transpose()?;
        let keeps_credentials = credentials.is_none();
        let strategy =
            definition::OriginStrategy { regex, strategy, order, credentials, keeps_credentials };
        let put = state(ctx).commands.definitions.put(&context, &id, strategy).await;
        changed(ctx, &id, put.map_err(command_error)?).await
    }

    /// Removes an origin strategy.
    async fn remove_origin_strategy(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 1)] customer: u32,
        id: String,
    ) -> Result<ChangedOriginStrategy> {
        let id = DefinitionId { customer: customer_id(customer)?, name: id };
        let context = context_for(ctx, id.customer)?;
        let definitions = &state(ctx).commands.definitions;
        let removed = definitions.remove::<definition::OriginStrategy>(&context, &id).await;
        changed(ctx, &id, removed.map_err(command_error)?).await
    }
}

fn sealed(ctx: &Context<'_>, id: &DefinitionId, said: &CredentialsInput) -> Result<Sealed> {
    let credentials = OriginCredentials::new(&said.user, &said.password);
    let credentials = credentials.map_err(|detail| refused("bad-request", detail))?;
    credentials.sealed(&*state(ctx).vault, id).map_err(|error| {
        tracing::error!(%error, "credentials cannot be sealed: {error}");
        refused("internal", "the credentials could not be sealed")
    })
}

async fn changed(
    ctx: &Context<'_>,
    id: &DefinitionId,
    decided: Decided,
) -> Result<ChangedOriginStrategy> {
    let row = reached(ctx, id, Kind::OriginStrategy, decided).await?;
    let origin_strategy = row.and_then(OriginStrategy::of);
    Ok(ChangedOriginStrategy { position: decided.position.0, origin_strategy })
}
