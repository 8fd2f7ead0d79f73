//! Origin strategies.

use super::event::{self, Event};
use crate::connection::List;
use crate::scalar::Time;
use async_graphql::{ComplexObject, Context, Result, SimpleObject};
use dlcs_domain::DefinitionId;
use dlcs_projections::definitions::DefinitionRow;

/// How originals are fetched from the addresses that a pattern matches.
#[derive(SimpleObject)]
#[graphql(complex)]
pub(crate) struct OriginStrategy {
    customer: u32,
    id: String,
    regex: String,
    /// `default` or `basic-http-authentication`.
    strategy: String,
    /// Those with a smaller number are looked at first.
    order: u32,
    /// There are some. Nobody is told them.
    has_credentials: bool,
    created: Time,
    modified: Time,
    /// Counts changes; the ETag.
    edit_revision: u64,
    position: u64,
    #[graphql(skip)]
    key: DefinitionId,
}

impl OriginStrategy {
    /// `None`: it is removed, or no origin strategy.
    pub(crate) fn of(row: DefinitionRow) -> Option<Self> {
        let strategy = row.origin_strategy()?.clone();
        Some(Self {
            customer: row.id.customer.0,
            id: row.id.name.clone(),
            regex: strategy.regex,
            strategy: strategy.strategy.as_str().to_owned(),
            order: strategy.order,
            has_credentials: strategy.credentials.is_some(),
            created: Time(row.created_at_us),
            modified: Time(row.modified_at_us),
            edit_revision: row.edit_revision,
            position: row.position,
            key: row.id,
        })
    }
}

#[ComplexObject]
impl OriginStrategy {
    /// Everything that happened to this origin strategy, in order; credentials stay sealed.
    async fn history(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<List<Event>> {
        event::of_stream(ctx, format!("origin_strategy-{}", self.key), first, after).await
    }
}
