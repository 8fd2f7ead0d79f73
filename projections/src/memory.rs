//! The in-memory reference of the read models: what a store must do, without a disk.
//!
//! - A batch of events is applied whole or not at all, and with it the checkpoint, which moves by
//!   compare and set.
//! - Dumps have the same canonical form as those of every other store: same tables, same rows, same
//!   order. So a store can be compared with this one by digest.
//!
//! Not here: the query traits. A test asks for what it needs.

mod activities;
mod annotations;
mod api_keys;
mod assets;
mod audit_trail;
mod audit_tree;
mod batches;
mod definitions;
mod manifests;
mod named_queries;
mod page_text;
mod search;
mod table;
#[cfg(all(test, feature = "conformance"))]
mod tests;
mod tile_metadata;

pub use activities::ActivitiesMemory;
pub use annotations::AnnotationsMemory;
pub use api_keys::ApiKeysMemory;
pub use assets::AssetsMemory;
pub use audit_trail::AuditTrailMemory;
pub use audit_tree::AuditTreeMemory;
pub use batches::BatchesMemory;
pub use definitions::DefinitionsMemory;
pub use manifests::ManifestsMemory;
pub use named_queries::NamedQueriesMemory;
pub use page_text::PageTextMemory;
pub use search::{MemorySearch, SearchMemory};
pub use table::MemoryTable;
pub use tile_metadata::TileMetadataMemory;

use crate::dump::{Dump, DumpWriter};
use crate::projection::{
    ApplyError, DecodedEvent, EventBatch, FoldError, OnPoison, ParkedEvent, Poison, ReadModel,
    StoreError,
};
use async_trait::async_trait;
use dlcs_eventlog::Position;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The tables of one projection, and its projector.
pub trait MemoryTables: Default + Clone + PartialEq + Send + 'static {
    const NAME: &'static str;
    const VERSION: u32;

    /// Folds one event into the rows; nothing holds before [`MemoryTables::commit`].
    fn fold(&mut self, event: &DecodedEvent) -> Result<(), FoldError>;

    fn commit(&mut self);
    fn roll_back(&mut self);

    /// Writes every table in the order of its key.
    fn dump(&self, writer: &mut DumpWriter);
}

/// One read model that lives as long as its handles.
///
/// ```
/// use dlcs_eventlog::Position;
/// use dlcs_projections::memory::{AssetsMemory, MemoryReadModel};
/// use dlcs_projections::projection::{OnPoison, ReadModel};
///
/// # futures::executor::block_on(async {
/// let model = MemoryReadModel::<AssetsMemory>::default();
/// let nothing = std::sync::Arc::from(Vec::new());
/// model.apply(Position::START, Position(3), nothing, OnPoison::Park).await.expect("memory");
/// assert_eq!(model.checkpoint().await.expect("memory"), Position(3));
/// # });
/// ```
#[derive(Default)]
pub struct MemoryReadModel<T> {
    state: Mutex<State<T>>,
}

/// What a transaction changes.
#[derive(Debug, Clone, PartialEq, Default)]
struct State<T> {
    tables: T,
    checkpoint: Position,
    parked: BTreeMap<Position, ParkedEvent>,
}

impl<T: MemoryTables> MemoryReadModel<T> {
    /// Reads the tables as they stand between two transactions.
    pub fn read<R>(&self, read: impl FnOnce(&T) -> R) -> R {
        read(&self.state().tables)
    }

    /// Says whether two read models hold the same rows, checkpoint and parked events.
    pub fn is_equal(&self, other: &Self) -> bool {
        // In one order, for two threads may compare the same pair.
        let (first, second) = match std::ptr::from_ref(self).cmp(&std::ptr::from_ref(other)) {
            Ordering::Less => (self, other),
            Ordering::Equal => return true,
            Ordering::Greater => (other, self),
        };
        *first.state() == *second.state()
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: MemoryTables> State<T> {
    /// Folds the events in; returns those that have to be parked.
    fn fold<'e>(
        &mut self,
        events: impl Iterator<Item = &'e DecodedEvent>,
        on_poison: OnPoison,
    ) -> Result<Vec<ParkedEvent>, ApplyError> {
        let mut parked: Vec<ParkedEvent> = Vec::new();
        for event in events {
            let stream = &event.recorded.stream;
            let is_parked = self.parked.values().chain(&parked).any(|it| it.stream == *stream);
            let folded = if is_parked {
                Err(Poison("an earlier event of the stream is parked".into()).into())
            } else {
                self.tables.fold(event)
            };
            let poison = match folded {
                Ok(()) => continue,
                Err(FoldError::Store(error)) => return Err(error.into()),
                Err(FoldError::Poison(poison)) => poison,
            };
            let (position, stream) = (event.recorded.position, stream.clone());
            if on_poison == OnPoison::Stop {
                return Err(ApplyError::Poisoned { position, stream, poison });
            }
            let event_id = event.recorded.event_id;
            parked.push(ParkedEvent { stream, position, event_id, error: poison.0 });
        }
        Ok(parked)
    }
}

#[async_trait]
impl<T: MemoryTables> ReadModel for MemoryReadModel<T> {
    fn name(&self) -> &'static str {
        T::NAME
    }

    fn version(&self) -> u32 {
        T::VERSION
    }

    async fn checkpoint(&self) -> Result<Position, StoreError> {
        Ok(self.state().checkpoint)
    }

    async fn apply(
        &self,
        from: Position,
        to: Position,
        events: EventBatch,
        on_poison: OnPoison,
    ) -> Result<Vec<ParkedEvent>, ApplyError> {
        let mut state = self.state();
        if state.checkpoint != from {
            let actual = state.checkpoint;
            return Err(ApplyError::CheckpointMoved { expected: from, actual });
        }
        let events =
            events.iter().filter(|it| from < it.recorded.position && it.recorded.position <= to);
        let folded = state.fold(events, on_poison);
        let Ok(parked) = folded else {
            state.tables.roll_back();
            return folded;
        };
        state.tables.commit();
        state.parked.extend(parked.iter().map(|it| (it.position, it.clone())));
        state.checkpoint = to;
        Ok(parked)
    }

    async fn parked(&self) -> Result<Vec<ParkedEvent>, StoreError> {
        Ok(self.state().parked.values().cloned().collect())
    }

    async fn dump(&self) -> Result<Dump, StoreError> {
        let state = self.state();
        let mut writer = DumpWriter::default();
        state.tables.dump(&mut writer);
        state.parked.values().for_each(|it| writer.row(it));
        writer.end_table("parked");
        Ok(writer.finish(T::NAME, T::VERSION, state.checkpoint))
    }
}

/// Every read model, in the order of reports. Clones share the rows.
#[derive(Clone, Default)]
pub struct MemoryReadModels {
    pub assets: Arc<MemoryReadModel<AssetsMemory>>,
    pub batches: Arc<MemoryReadModel<BatchesMemory>>,
    pub tile_metadata: Arc<MemoryReadModel<TileMetadataMemory>>,
    pub manifests: Arc<MemoryReadModel<ManifestsMemory>>,
    pub named_queries: Arc<MemoryReadModel<NamedQueriesMemory>>,
    pub api_keys: Arc<MemoryReadModel<ApiKeysMemory>>,
    pub definitions: Arc<MemoryReadModel<DefinitionsMemory>>,
    pub annotations: Arc<MemoryReadModel<AnnotationsMemory>>,
    pub activities: Arc<MemoryReadModel<ActivitiesMemory>>,
    pub page_texts: Arc<MemoryReadModel<PageTextMemory>>,
    pub audit_trail: Arc<MemoryReadModel<AuditTrailMemory>>,
    pub audit_tree: Arc<MemoryReadModel<AuditTreeMemory>>,
}

impl MemoryReadModels {
    /// Returns what a runner feeds.
    pub fn models(&self) -> Vec<Arc<dyn ReadModel>> {
        vec![
            self.assets.clone(),
            self.batches.clone(),
            self.tile_metadata.clone(),
            self.manifests.clone(),
            self.named_queries.clone(),
            self.api_keys.clone(),
            self.definitions.clone(),
            self.annotations.clone(),
            self.activities.clone(),
            self.page_texts.clone(),
            self.audit_trail.clone(),
            self.audit_tree.clone(),
        ]
    }
}
