//! What the write side asks of many streams at once.

use super::table::StoredRow;
use super::values::{Columns, Value, space_key};
use super::{PostgresReadModels, annotations, assets, manifests};
use async_trait::async_trait;
use dlcs_commands::lookups::{LookupError, Lookups};
use dlcs_domain::{CollectionId, ContainerId, CustomerId, SpaceId};
use dlcs_eventlog::Position;
use dlcs_projections::annotations::ContainerRecord;
use std::time::Duration;

/// How long to wait for the read model.
const WAIT: Duration = Duration::from_secs(2);

const HAS_ASSETS: &str = "SELECT EXISTS (
    SELECT 1 FROM {schema}.space_counts WHERE customer = $1 AND space = $2 AND living > 0)";
const HAS_SPACES: &str = "SELECT EXISTS (
    SELECT 1 FROM {schema}.spaces WHERE customer = $1 AND NOT deleted)";

const HAS_ANNOTATIONS: &str = "SELECT EXISTS (
    SELECT 1 FROM {schema}.containers WHERE customer = $1 AND id = $2 AND total > 0)";

const HAS_MEMBERS: &str = "SELECT EXISTS (
    SELECT 1 FROM {schema}.stored WHERE customer = $1 AND parent = $2 AND NOT deleted)";

#[async_trait]
impl Lookups for PostgresReadModels {
    async fn space_is_empty(
        &self,
        space: SpaceId,
        at_least: Position,
    ) -> Result<bool, LookupError> {
        Ok(!self.has_some(assets::DEFINITION.name, HAS_ASSETS, &space_key(space), at_least).await?)
    }

    async fn customer_is_empty(
        &self,
        customer: CustomerId,
        at_least: Position,
    ) -> Result<bool, LookupError> {
        Ok(!self
            .has_some(assets::DEFINITION.name, HAS_SPACES, &[customer.into()], at_least)
            .await?)
    }

    async fn container_is_empty(
        &self,
        container: &ContainerId,
        at_least: Position,
    ) -> Result<bool, LookupError> {
        let (name, key) = (annotations::DEFINITION.name, ContainerRecord::key_values(container));
        Ok(!self.has_some(name, HAS_ANNOTATIONS, &key, at_least).await?)
    }

    async fn collection_is_empty(
        &self,
        collection: &CollectionId,
        at_least: Position,
    ) -> Result<bool, LookupError> {
        let key = [collection.customer.into(), (&collection.id).into()];
        Ok(!self.has_some(manifests::DEFINITION.name, HAS_MEMBERS, &key, at_least).await?)
    }
}

impl PostgresReadModels {
    /// Asks a read model that is at `at_least` by its own word: after a crash of the server it may
    /// have fallen back behind what this process was told, and another process may have rebuilt it.
    async fn has_some(
        &self,
        name: &'static str,
        sql: &str,
        values: &[Value],
        at_least: Position,
    ) -> Result<bool, LookupError> {
        if !self.freshness.wait(name, at_least, WAIT).await {
            return Err(LookupError::Behind);
        }
        let served = self.served(name);
        let asked = async {
            let (build, position) = served.refreshed().await?;
            if position < at_least {
                return Ok(None);
            }
            let rows = build.look_up(sql, values).await?;
            rows.first().map(|row| Columns::new(row).take()).transpose()
        };
        let answer: Result<Option<bool>, super::errors::SqlError> = asked.await;
        answer.map_err(|error| LookupError::Store(error.to_string()))?.ok_or(LookupError::Behind)
    }
}
