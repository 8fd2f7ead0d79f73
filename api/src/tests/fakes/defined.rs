//! What customers define, spaces included: there is nothing.

use super::{Fakes, Found, Listed, nothing};
use crate::{AuditRefused, AuditSigner};
use async_trait::async_trait;
use dlcs_commands::vault::{Vault, VaultError};
use dlcs_domain::access::Principal;
use dlcs_domain::definition::Sealed;
use dlcs_domain::{CustomerId, DefinitionId, NamedQueryId, SpaceId, SpaceNumber};
use dlcs_projections::api_keys::{ApiKeyRow, ApiKeys};
use dlcs_projections::audit_tree::{AuditTree, EntryRow, TileId, TileRow, TreeRow};
use dlcs_projections::definitions::{DefinitionRow, Definitions, Kind};
use dlcs_projections::named_queries::{NamedQueries, NamedQueryRow};
use dlcs_projections::spaces::{SpaceRow, Spaces, Stored};
use dlcs_projections::{PageRequest, QueryError};

#[async_trait]
impl Spaces for Fakes {
    async fn space(&self, _: &Principal, _: SpaceId) -> Found<SpaceRow> {
        Ok(None)
    }

    async fn number_by_name(&self, _: CustomerId, _: &str) -> Found<SpaceNumber> {
        Ok(None)
    }

    async fn list(&self, _: &Principal, _: CustomerId, _: &PageRequest) -> Listed<SpaceRow> {
        nothing()
    }

    async fn stored(
        &self,
        _: &Principal,
        _: CustomerId,
        _: Option<SpaceNumber>,
    ) -> Result<Stored, QueryError> {
        Ok(Stored::default())
    }
}

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

#[async_trait]
impl AuditSigner for Fakes {
    async fn key(&self) -> Result<String, AuditRefused> {
        Ok("dlcs.test+00000000+AQ==".to_owned())
    }

    async fn checkpoint(&self) -> Result<String, AuditRefused> {
        Err(AuditRefused::Forked("another history".to_owned()))
    }
}

/// One event has happened.
#[async_trait]
impl AuditTree for Fakes {
    async fn tree(&self) -> Result<TreeRow, QueryError> {
        Ok(TreeRow { size: 1, position: 1 })
    }

    async fn tile(&self, id: TileId) -> Found<TileRow> {
        let tile = || TileRow { level: 0, index: 0, hashes: vec![[7; 32]] };
        Ok((id == TileId { level: 0, index: 0 }).then(tile))
    }

    async fn entries(&self, _: u64, _: u64) -> Result<Vec<EntryRow>, QueryError> {
        Ok(vec![EntryRow { index: 0, record: "record".to_owned() }])
    }
}

/// There is no key.
impl Vault for Fakes {
    fn seal(&self, _: &str, _: &str) -> Result<Sealed, VaultError> {
        Err(VaultError("there is no key".to_owned()))
    }

    fn open(&self, _: &str, _: &Sealed) -> Result<String, VaultError> {
        Err(VaultError("there is no key".to_owned()))
    }

    fn digest(&self, _: &[u8]) -> Result<[u8; 32], VaultError> {
        Err(VaultError("there is no key".to_owned()))
    }
}
