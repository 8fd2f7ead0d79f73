//! The tile path: derivatives by key, out of the blob store.
//!
//! - A stored tile or thumbnail is one ranged read; the index that says where comes from a cache.
//! - Everything else is rendered on blocking threads, admitted by number and by memory. Who would
//!   wait too long is told that the server is busy, so that a flood of regions cannot starve tiles.

use crate::derivative::index::{DamagedDerivative, DerivativeIndex, Extent, FOOTER_BYTES, Footer};
use crate::plan::{Render, RenderPlan};
use crate::render::{RenderError, render};
use bytes::Bytes;
use dlcs_objects::{ObjectError, ObjectKey, Objects};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How much of a file's end is read at once: the index of most images and the footer.
const TAIL_BYTES: u64 = 48 * 1024;

const MEBI: u64 = 1024 * 1024;

/// Bounds of the tile path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TilesSettings {
    /// Memory for indexes, in bytes. An image of 100 megapixels takes about 30 KB.
    pub index_cache_bytes: u64,
    /// Answers rendered at the same time.
    pub renders_max: usize,
    /// Memory of all answers that are being rendered, in MiB. A larger one is rendered alone.
    pub render_memory_mib: u32,
    /// How long a request waits for its turn.
    pub wait_max: Duration,
}

impl Default for TilesSettings {
    fn default() -> Self {
        Self {
            index_cache_bytes: 64 * MEBI,
            renders_max: std::thread::available_parallelism().map_or(2, usize::from),
            render_memory_mib: 1024,
            wait_max: Duration::from_secs(10),
        }
    }
}

/// Why there are no bytes.
#[derive(Debug, Clone, thiserror::Error)]
pub enum TileError {
    #[error("there is no derivative {0}")]
    NotFound(String),
    /// Too many answers are being rendered. Worth another try later.
    #[error("too many images are being rendered")]
    Busy,
    /// The store does not answer. Worth another try later.
    #[error("{0}")]
    Unavailable(String),
    #[error("derivative {key}: {source}")]
    Damaged { key: String, source: DamagedDerivative },
    #[error(transparent)]
    Render(#[from] RenderError),
    #[error("derivative {key} cannot be read: {detail}")]
    Store { key: String, detail: String },
}

/// Serves derivatives.
pub struct Tiles {
    objects: Arc<dyn Objects>,
    indexes: moka::future::Cache<ObjectKey, Arc<DerivativeIndex>>,
    renders: Arc<Semaphore>,
    memory: Arc<Semaphore>,
    settings: TilesSettings,
}

impl Tiles {
    pub fn new(objects: Arc<dyn Objects>, settings: TilesSettings) -> Self {
        let indexes = moka::future::Cache::builder()
            .max_capacity(settings.index_cache_bytes)
            .weigher(|_, index: &Arc<DerivativeIndex>| index.weight())
            .build();
        let renders = Arc::new(Semaphore::new(settings.renders_max.max(1)));
        let memory = Arc::new(Semaphore::new(settings.render_memory_mib.max(1) as usize));
        Self { objects, indexes, renders, memory, settings }
    }

    /// Returns the index of a derivative. Those who ask at the same time share one read.
    pub async fn index(&self, key: &ObjectKey) -> Result<Arc<DerivativeIndex>, TileError> {
        let read = async { self.read_index(key).await.map(Arc::new) };
        let index = self.indexes.try_get_with_by_ref(key, read).await;
        index.map_err(|error| TileError::clone(&error))
    }

    /// Returns the bytes that a plan comes to. `index` is the one that the plan was made with.
    pub async fn answer(
        &self,
        key: &ObjectKey,
        index: &Arc<DerivativeIndex>,
        plan: &RenderPlan,
    ) -> Result<Bytes, TileError> {
        match plan {
            RenderPlan::StoredTile(extent) | RenderPlan::StoredThumbnail(extent) => {
                self.stored(key, *extent).await
            }
            RenderPlan::Render(plan) => self.render(key, index, plan).await,
        }
    }

    /// Returns a tile or thumbnail as it is stored.
    pub async fn stored(&self, key: &ObjectKey, extent: Extent) -> Result<Bytes, TileError> {
        self.read(key, extent).await
    }

    async fn read_index(&self, key: &ObjectKey) -> Result<DerivativeIndex, TileError> {
        let length = self.objects.length(key).await.map_err(|error| store(key, error))?;
        let length = length.ok_or_else(|| TileError::NotFound(key.to_string()))?;
        let damaged = |source| TileError::Damaged { key: key.to_string(), source };
        if length < FOOTER_BYTES as u64 {
            return Err(damaged(DamagedDerivative("it is too short")));
        }
        let start = length.saturating_sub(TAIL_BYTES);
        let tail =
            self.read(key, Extent { offset: start, length: (length - start) as u32 }).await?;
        let split = tail.len() - FOOTER_BYTES;
        let footer = Footer::from_bytes(&tail[split..], length).map_err(damaged)?;
        let bytes = match footer.index.offset.checked_sub(start) {
            Some(at) => tail.slice(at as usize..split),
            None => self.read(key, footer.index).await?,
        };
        DerivativeIndex::from_bytes(&bytes, &footer).map_err(damaged)
    }

    async fn read(&self, key: &ObjectKey, extent: Extent) -> Result<Bytes, TileError> {
        let bytes = self.objects.get_range(key, extent.range()).await;
        let bytes = bytes.map_err(|error| store(key, error))?;
        if bytes.len() == extent.length as usize {
            return Ok(bytes);
        }
        let source = DamagedDerivative("it is shorter than it should be");
        Err(TileError::Damaged { key: key.to_string(), source })
    }

    async fn render(
        &self,
        key: &ObjectKey,
        index: &Arc<DerivativeIndex>,
        plan: &Render,
    ) -> Result<Bytes, TileError> {
        let permits = self.admitted(plan.memory_bytes(index)).await?;
        let tiles = self.read_tiles(key, index, plan).await?;
        let (plan, index) = (plan.clone(), Arc::clone(index));
        let rendered = tokio::task::spawn_blocking(move || {
            // Kept until the work is done, even when nobody waits for it any more.
            let _permits = permits;
            render(&plan, &index, &tiles)
        });
        let rendered = rendered.await;
        match rendered {
            Ok(bytes) => Ok(bytes?.into()),
            Err(error) => Err(TileError::Store { key: key.to_string(), detail: error.to_string() }),
        }
    }

    async fn admitted(&self, bytes: u64) -> Result<[OwnedSemaphorePermit; 2], TileError> {
        let all = u64::from(self.settings.render_memory_mib.max(1));
        let share = bytes.div_ceil(MEBI).clamp(1, all) as u32;
        let both = async {
            // Memory first: what is large waits for it without keeping a place from the small.
            let memory = Arc::clone(&self.memory).acquire_many_owned(share).await;
            let render = Arc::clone(&self.renders).acquire_owned().await;
            [memory, render].map(|permit| permit.expect("these semaphores are never closed"))
        };
        tokio::time::timeout(self.settings.wait_max, both).await.map_err(|_| TileError::Busy)
    }

    /// Reads the tiles of a plan, those of one row at once: they lie next to each other.
    async fn read_tiles(
        &self,
        key: &ObjectKey,
        index: &DerivativeIndex,
        plan: &Render,
    ) -> Result<Vec<Bytes>, TileError> {
        let extents = plan.tiles(index);
        let mut tiles = Vec::with_capacity(extents.len());
        for row in extents.chunks(plan.columns.len().max(1)) {
            let start = row.iter().map(|it| it.offset).min().unwrap_or(0);
            let end = row.iter().map(|it| it.range().end).max().unwrap_or(0);
            let length = u32::try_from(end - start).unwrap_or(u32::MAX);
            let bytes = self.read(key, Extent { offset: start, length }).await?;
            tiles.extend(row.iter().map(|it| {
                let at = (it.offset - start) as usize;
                bytes.slice(at..at + it.length as usize)
            }));
        }
        Ok(tiles)
    }
}

fn store(key: &ObjectKey, error: ObjectError) -> TileError {
    match error {
        ObjectError::NotFound(key) => TileError::NotFound(key),
        ObjectError::Unavailable(reason) => TileError::Unavailable(reason),
        other => TileError::Store { key: key.to_string(), detail: other.to_string() },
    }
}
