//! What customers define: there is nothing.

use super::{Fakes, Found, Listed, nothing};
use async_trait::async_trait;
use dlcs_domain::access::Principal;
use dlcs_domain::{CustomerId, DefinitionId, NamedQueryId};
use dlcs_projections::PageRequest;
use dlcs_projections::api_keys::{ApiKeyRow, ApiKeys};
use dlcs_projections::definitions::{DefinitionRow, Definitions, Kind};
use dlcs_projections::named_queries::{NamedQueries, NamedQueryRow};

#[async_trait]
impl NamedQueries for Fakes {
    async fn named_query(&self, _: &NamedQueryId) -> Found<NamedQueryRow> {
        Ok(None)
    }

    async fn list(&self, _: &Principal, _: CustomerId, _: &PageRequest) -> Listed<NamedQueryRow> {
        nothing()
    }
}

#[async_trait]
impl ApiKeys for Fakes {
    async fn credentials(&self, _: &str) -> Found<ApiKeyRow> {
        Ok(None)
    }

    async fn list(&self, _: &Principal, _: CustomerId, _: &PageRequest) -> Listed<ApiKeyRow> {
        nothing()
    }
}

#[async_trait]
impl Definitions for Fakes {
    async fn definition(&self, _: &DefinitionId, _: Kind) -> Found<DefinitionRow> {
        Ok(None)
    }

    async fn list(
        &self,
        _: &Principal,
        _: CustomerId,
        _: Kind,
        _: &PageRequest,
    ) -> Listed<DefinitionRow> {
        nothing()
    }
}
