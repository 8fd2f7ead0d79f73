//! What origins want to be told: the read model and the vault, as ingest asks them.

use async_trait::async_trait;
use dlcs_commands::vault::Vault;
use dlcs_domain::access::Principal;
use dlcs_domain::definition::Strategy;
use dlcs_domain::{ActorId, CustomerId};
use dlcs_ingest::{OriginCredentials, OriginError, Strategies};
use dlcs_projections::PageRequest;
use dlcs_projections::definitions::{Definitions, Kind};
use dlcs_projections::paging::Direction;
use std::sync::Arc;

/// Strategies of a customer that are looked at.
const STRATEGIES_MAX: usize = 1_000;

pub(crate) struct KnownStrategies {
    pub(crate) definitions: Arc<dyn Definitions>,
    pub(crate) vault: Arc<dyn Vault>,
}

#[async_trait]
impl Strategies for KnownStrategies {
    /// The first that matches decides.
    async fn credentials(
        &self,
        customer: CustomerId,
        url: &str,
    ) -> Result<Option<OriginCredentials>, OriginError> {
        let everything = Principal::Process { actor: ActorId("process-ingest".to_owned()) };
        let (limit, direction) = (STRATEGIES_MAX, Direction::Ascending);
        let page = PageRequest { limit, after: None, offset: 0, direction };
        let rows = self.definitions.list(&everything, customer, Kind::OriginStrategy, &page).await;
        let mut rows = rows.map_err(|error| unreadable(customer, &error))?.items;
        rows.sort_by_key(|row| (row.origin_strategy().map(|it| it.order), row.created_at_us));
        for row in rows {
            let Some(strategy) = row.origin_strategy().filter(|it| it.is_for(url)) else {
                continue;
            };
            let (Strategy::BasicHttpAuthentication, Some(sealed)) =
                (strategy.strategy, &strategy.credentials)
            else {
                return Ok(None);
            };
            let opened = OriginCredentials::opened(&*self.vault, &row.id, sealed);
            return opened.map(Some).map_err(|error| unreadable(customer, &error));
        }
        Ok(None)
    }
}

fn unreadable(customer: CustomerId, error: &dyn std::fmt::Display) -> OriginError {
    tracing::error!(%error, "credentials of customer {customer} for an origin cannot be read: {error}");
    OriginError::Credentials
}
