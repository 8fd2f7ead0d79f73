//! Questions about roles, access services, custom headers, origin strategies, accounts and webhooks.

use crate::context::{customer_id, principal, query_error, state};
use crate::types::account::Account;
use crate::types::definition::{AuthService, CustomHeader, Role};
use crate::types::origin_strategy::OriginStrategy;
use crate::types::webhook::Webhook;
use async_graphql::{Context, Object, Result};
use dlcs_projections::PageRequest;
use dlcs_projections::definitions::{DefinitionRow, Kind};
use dlcs_projections::paging::Direction;

/// Definitions of one kind, at most; a customer has a handful.
const DEFINITIONS_MAX: usize = 1_000;

#[derive(Default)]
pub(super) struct DefinitionQuery;

#[Object]
impl DefinitionQuery {
    /// Lists the roles of a customer, by name.
    async fn roles(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 1)] customer: u32,
    ) -> Result<Vec<Role>> {
        let rows = all(ctx, customer, Kind::Role).await?;
        Ok(rows.into_iter().filter_map(Role::of).collect())
    }

    /// Lists the access services of a customer, by name.
    async fn auth_services(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 1)] customer: u32,
    ) -> Result<Vec<AuthService>> {
        let rows = all(ctx, customer, Kind::AuthService).await?;
        Ok(rows.into_iter().filter_map(AuthService::of).collect())
    }

    /// Lists the accounts of a customer's readers, by name.
    async fn accounts(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 1)] customer: u32,
    ) -> Result<Vec<Account>> {
        let rows = all(ctx, customer, Kind::Account).await?;
        Ok(rows.into_iter().filter_map(Account::of).collect())
    }

    /// Lists how originals are fetched, by id.
    async fn origin_strategies(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 1)] customer: u32,
    ) -> Result<Vec<OriginStrategy>> {
        let rows = all(ctx, customer, Kind::OriginStrategy).await?;
        Ok(rows.into_iter().filter_map(OriginStrategy::of).collect())
    }

    /// Lists the addresses at which a customer is told what happens, by id.
    async fn webhooks(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 1)] customer: u32,
    ) -> Result<Vec<Webhook>> {
        let rows = all(ctx, customer, Kind::Webhook).await?;
        Ok(rows.into_iter().filter_map(Webhook::of).collect())
    }

    /// Lists what a customer has sent beside pixels and originals.
    async fn custom_headers(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 1)] customer: u32,
    ) -> Result<Vec<CustomHeader>> {
        let rows = all(ctx, customer, Kind::CustomHeader).await?;
        Ok(rows.into_iter().filter_map(CustomHeader::of).collect())
    }
}

async fn all(ctx: &Context<'_>, customer: u32, kind: Kind) -> Result<Vec<DefinitionRow>> {
    let (limit, direction) = (DEFINITIONS_MAX, Direction::Ascending);
    let page = PageRequest { limit, after: None, offset: 0, direction };
    let definitions = &state(ctx).queries.definitions;
    let rows = definitions.list(&principal(ctx), customer_id(customer)?, kind, &page).await;
    Ok(rows.map_err(query_error)?.items)
}
