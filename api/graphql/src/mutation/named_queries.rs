//! Changes of named queries.

use super::{FRESHNESS_WAIT, command_error, context_for};
use crate::context::{customer_id, query_error, state};
use crate::types::named_query::NamedQuery;
use async_graphql::{Context, Object, Result, SimpleObject};
use dlcs_commands::Decided;
use dlcs_domain::NamedQueryId;

/// What became of a change of a named query.
#[derive(SimpleObject)]
pub(crate) struct ChangedNamedQuery {
    /// Place in the history; give it as `atLeast` to read what is at least as new.
    position: u64,
    /// `null` where it is removed, or the read model has not got there within two seconds.
    named_query: Option<NamedQuery>,
}

#[derive(Default)]
pub(super) struct NamedQueryMutation;

#[Object]
impl NamedQueryMutation {
    /// Defines a named query, or changes the one of this name.
    async fn define_named_query(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 1)] customer: u32,
        name: String,
        template: String,
    ) -> Result<ChangedNamedQuery> {
        let id = NamedQueryId { customer: customer_id(customer)?, name };
        let context = context_for(ctx, id.customer)?;
        let put = state(ctx).commands.named_queries.put(&context, &id, template).await;
        changed(ctx, &id, put.map_err(command_error)?).await
    }

    async fn remove_named_query(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 1)] customer: u32,
        name: String,
    ) -> Result<ChangedNamedQuery> {
        let id = NamedQueryId { customer: customer_id(customer)?, name };
        let context = context_for(ctx, id.customer)?;
        let removed = state(ctx).commands.named_queries.remove(&context, &id).await;
        changed(ctx, &id, removed.map_err(command_error)?).await
    }
}

async fn changed(
    ctx: &Context<'_>,
    id: &NamedQueryId,
    decided: Decided,
) -> Result<ChangedNamedQuery> {
    let queries = &state(ctx).queries;
    let name = dlcs_projections::named_queries::NAME;
    let row = match queries.freshness.wait(name, decided.position, FRESHNESS_WAIT).await {
        true => queries.named_queries.named_query(id).await.map_err(query_error)?,
        false => None,
    };
    let named_query = row.filter(|it| !it.removed).map(NamedQuery::from);
    Ok(ChangedNamedQuery { position: decided.position.0, named_query })
}
