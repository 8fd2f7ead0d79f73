//! Read models that fail now and then, and one that is wrong.

use super::Flaw;
use super::chance::{Fault, Faults};
use async_trait::async_trait;
use dlcs_commands::lookups::{LookupError, Lookups};
use dlcs_domain::{CollectionId, ContainerId, CustomerId, SpaceId};
use dlcs_eventlog::Position;
use dlcs_projections::dump::{Dump, DumpWriter};
use dlcs_projections::freshness::Freshness;
use dlcs_projections::manifests::StoredRecord;
use dlcs_projections::memory::{
    AnnotationsMemory, AssetsMemory, ManifestsMemory, MemoryReadModels, MemoryTables,
};
use dlcs_projections::projection::{
    ApplyError, EventBatch, OnPoison, ParkedEvent, ReadModel, StoreError,
};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::Instant;

/// How long somebody who asks waits for a read model.
const WAIT: Duration = Duration::from_secs(2);

/// The read models of one process, or of several.
#[derive(Clone, Default)]
pub(super) struct SimStore {
    pub(super) models: MemoryReadModels,
    /// Stands in for the read model of assets.
    pub(super) flawed: Option<Arc<FlawedModel>>,
}

impl SimStore {
    pub(super) fn new(flaw: Option<Flaw>) -> Self {
        let flaw = flaw.filter(|it| matches!(it, Flaw::ComparesNoCheckpoint | Flaw::SavesApart));
        let flawed = flaw.map(|flaw| Arc::new(FlawedModel { flaw, state: Mutex::default() }));
        Self { models: MemoryReadModels::default(), flawed }
    }

    pub(super) fn models(&self) -> Vec<Arc<dyn ReadModel>> {
        let mut models = self.models.models();
        if let Some(flawed) = &self.flawed {
            models[0] = flawed.clone();
        }
        models
    }
}

/// A read model behind a wire.
pub(super) struct SimModel {
    pub(super) inner: Arc<dyn ReadModel>,
    pub(super) faults: Faults,
}

impl SimModel {
    async fn before(&self) -> Result<(), StoreError> {
        self.faults.delay(Fault::ModelSlow, Duration::from_secs(3)).await;
        tokio::task::yield_now().await;
        self.refused(Fault::ModelRefused)
    }

    fn refused(&self, fault: Fault) -> Result<(), StoreError> {
        if self.faults.strikes(fault) {
            return Err(StoreError::Unavailable("as the simulation wants".into()));
        }
        Ok(())
    }
}

#[async_trait]
impl ReadModel for SimModel {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    fn version(&self) -> u32 {
        self.inner.version()
    }

    async fn checkpoint(&self) -> Result<Position, StoreError> {
        self.before().await?;
        self.inner.checkpoint().await
    }

    async fn apply(
        &self,
        from: Position,
        to: Position,
        events: EventBatch,
        on_poison: OnPoison,
    ) -> Result<Vec<ParkedEvent>, ApplyError> {
        self.before().await?;
        let applied = self.inner.apply(from, to, events, on_poison).await?;
        self.refused(Fault::ModelAnswerLost)?;
        Ok(applied)
    }

    async fn parked(&self) -> Result<Vec<ParkedEvent>, StoreError> {
        self.inner.parked().await
    }

    async fn dump(&self) -> Result<Dump, StoreError> {
        self.inner.dump().await
    }
}

/// A read model of assets that breaks its contract.
pub(super) struct FlawedModel {
    flaw: Flaw,
    state: Mutex<(Position, AssetsMemory)>,
}

#[async_trait]
impl ReadModel for FlawedModel {
    fn name(&self) -> &'static str {
        AssetsMemory::NAME
    }

    fn version(&self) -> u32 {
        AssetsMemory::VERSION
    }

    async fn checkpoint(&self) -> Result<Position, StoreError> {
        Ok(self.state.lock().expect("nobody panics here").0)
    }

    async fn apply(
        &self,
        from: Position,
        to: Position,
        events: EventBatch,
        _: OnPoison,
    ) -> Result<Vec<ParkedEvent>, ApplyError> {
        let actual = self.checkpoint().await?;
        if actual != from && self.flaw != Flaw::ComparesNoCheckpoint {
            return Err(ApplyError::CheckpointMoved { expected: from, actual });
        }
        {
            let (_, tables) = &mut *self.state.lock().expect("nobody panics here");
            let is_new = |at: Position| from < at && at <= to;
            for event in events.iter().filter(|it| is_new(it.recorded.position)) {
                // What cannot be folded twice is passed over.
                let _ = tables.fold(event);
            }
            tables.commit();
        }
        if self.flaw == Flaw::SavesApart {
            // Here the process may die.
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.state.lock().expect("nobody panics here").0 = to;
        Ok(vec![])
    }

    async fn parked(&self) -> Result<Vec<ParkedEvent>, StoreError> {
        Ok(vec![])
    }

    async fn dump(&self) -> Result<Dump, StoreError> {
        let state = self.state.lock().expect("nobody panics here");
        let mut writer = DumpWriter::default();
        state.1.dump(&mut writer);
        writer.end_table("parked");
        Ok(writer.finish(AssetsMemory::NAME, AssetsMemory::VERSION, state.0))
    }
}

/// Waits a moment for projections. It looks again and again, because those who are woken by one
/// channel wake in any order.
pub(super) async fn wait_each(freshness: &Freshness, names: &[&str], position: Position) -> bool {
    let deadline = Instant::now() + WAIT;
    let is_there = || names.iter().all(|name| freshness.position(name) >= Some(position));
    while !is_there() && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    is_there()
}

/// What the write side asks, answered as a store answers it.
pub(super) struct SimLookups {
    pub(super) store: SimStore,
    pub(super) freshness: Freshness,
}

impl SimLookups {
    async fn at(&self, position: Position) -> Result<(), LookupError> {
        let reached = wait_each(&self.freshness, &[AssetsMemory::NAME], position).await;
        reached.then_some(()).ok_or(LookupError::Behind)
    }

    fn ask(&self, question: impl FnOnce(&AssetsMemory) -> bool) -> bool {
        match &self.store.flawed {
            Some(flawed) => question(&flawed.state.lock().expect("nobody panics here").1),
            None => self.store.models.assets.read(question),
        }
    }
}

#[async_trait]
impl Lookups for SimLookups {
    async fn space_is_empty(&self, space: SpaceId, at: Position) -> Result<bool, LookupError> {
        self.at(at).await?;
        Ok(self.ask(|it| it.space_is_empty(space)))
    }

    async fn customer_is_empty(&self, id: CustomerId, at: Position) -> Result<bool, LookupError> {
        self.at(at).await?;
        Ok(self.ask(|it| it.customer_is_empty(id)))
    }

    async fn collection_is_empty(
        &self,
        id: &CollectionId,
        at: Position,
    ) -> Result<bool, LookupError> {
        let reached = wait_each(&self.freshness, &[ManifestsMemory::NAME], at).await;
        let is_in_it = |it: &StoredRecord| {
            let place = &it.stored.place;
            it.key.customer == id.customer && place.parent.as_deref() == Some(&id.id)
        };
        let is_empty =
            |it: &ManifestsMemory| !it.stored.rows().any(|it| is_in_it(it) && !it.stored.deleted);
        let is_empty = self.store.models.manifests.read(is_empty);
        reached.then_some(is_empty).ok_or(LookupError::Behind)
    }

    async fn container_is_empty(
        &self,
        id: &ContainerId,
        at: Position,
    ) -> Result<bool, LookupError> {
        let reached = wait_each(&self.freshness, &[AnnotationsMemory::NAME], at).await;
        let total = |it: &AnnotationsMemory| it.containers.row(id).map_or(0, |it| it.row.total);
        let total = self.store.models.annotations.read(total);
        reached.then_some(total == 0).ok_or(LookupError::Behind)
    }
}
