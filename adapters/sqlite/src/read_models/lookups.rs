//! What the write side asks of many streams at once.

use super::{ReadModels, annotations, assets, manifests};
use async_trait::async_trait;
use dlcs_commands::lookups::{LookupError, Lookups};
use dlcs_domain::{CollectionId, ContainerId, CustomerId, SpaceId};
use dlcs_eventlog::Position;
use rusqlite::Connection;
use std::time::Duration;

/// How long to wait for the read model.
const WAIT: Duration = Duration::from_secs(2);

#[async_trait]
impl Lookups for ReadModels {
    async fn space_is_empty(
        &self,
        space: SpaceId,
        at_least: Position,
    ) -> Result<bool, LookupError> {
        let sql = "SELECT NOT EXISTS (SELECT 1 FROM space_counts
                                      WHERE customer = ?1 AND space = ?2 AND living > 0)";
        let key = (space.customer.0, space.space.0);
        self.lookup(assets::DEFINITION.name, at_least, move |it| {
            it.prepare_cached(sql)?.query_row(key, |row| row.get(0))
        })
        .await
    }

    async fn customer_is_empty(
        &self,
        customer: CustomerId,
        at_least: Position,
    ) -> Result<bool, LookupError> {
        let sql = "SELECT NOT EXISTS (SELECT 1 FROM spaces WHERE customer = ?1 AND deleted = 0)";
        let key = [customer.0];
        self.lookup(assets::DEFINITION.name, at_least, move |it| {
            it.prepare_cached(sql)?.query_row(key, |row| row.get(0))
        })
        .await
    }

    async fn container_is_empty(
        &self,
        container: &ContainerId,
        at_least: Position,
    ) -> Result<bool, LookupError> {
        let sql = "SELECT NOT EXISTS (SELECT 1 FROM containers
                                      WHERE customer = ?1 AND id = ?2 AND total > 0)";
        let (name, key) =
            (annotations::DEFINITION.name, (container.customer.0, container.id.clone()));
        self.lookup(name, at_least, move |it| {
            it.prepare_cached(sql)?.query_row(key, |row| row.get(0))
        })
        .await
    }

    async fn collection_is_empty(
        &self,
        collection: &CollectionId,
        at_least: Position,
    ) -> Result<bool, LookupError> {
        let sql = "SELECT NOT EXISTS (SELECT 1 FROM stored
                                      WHERE customer = ?1 AND parent = ?2 AND deleted = 0)";
        let key = (collection.customer.0, collection.id.clone());
        self.lookup(manifests::DEFINITION.name, at_least, move |it| {
            it.prepare_cached(sql)?.query_row(key, |row| row.get(0))
        })
        .await
    }
}

impl ReadModels {
    async fn lookup<F>(
        &self,
        name: &'static str,
        at_least: Position,
        work: F,
    ) -> Result<bool, LookupError>
    where
        F: FnOnce(&Connection) -> rusqlite::Result<bool> + Send + 'static,
    {
        if !self.freshness.wait(name, at_least, WAIT).await {
            return Err(LookupError::Behind);
        }
        let answer = self.query(name).run(work).await;
        answer.map_err(|error| LookupError::Store(error.to_string()))
    }
}
