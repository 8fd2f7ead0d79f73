//! Blocks of derivatives on the local disk, so that a tile near one that was shown is no request.
//!
//! Those who want the same block at the same time share one request. A derivative never changes
//! (its key names the attempt that made it), so what was read once is right.

use crate::slab::{Piece, Slab};
use bytes::{Bytes, BytesMut};
use dlcs_objects::{ObjectError, ObjectKey};
use futures::future::try_join_all;
use std::fs::File;
use std::ops::Range;
use std::sync::Arc;

/// Several tiles of most images, one request.
pub(crate) const BLOCK_BYTES: u64 = 512 * 1024;
/// What spans more of them is read past the cache.
const BLOCKS_AT_ONCE: u64 = 8;

/// A bounded number of blocks.
pub(crate) struct Blocks {
    cache: moka::future::Cache<(ObjectKey, u64), Arc<Block>>,
    slab: Arc<Slab>,
}

enum Block {
    Kept(Piece),
    /// The disk did not take it.
    Loose(Bytes),
}

impl Blocks {
    /// Keeps up to `bytes` in a file that nobody else uses. `None`: that is less than one block.
    pub(crate) fn new(file: File, bytes: u64) -> Option<Self> {
        let blocks_max = bytes / BLOCK_BYTES;
        if blocks_max == 0 {
            return None;
        }
        let cache = moka::future::Cache::new(blocks_max);
        Some(Self { cache, slab: Slab::new(file, BLOCK_BYTES) })
    }

    /// Says whether such a range is read through here.
    pub(crate) fn takes(key: &ObjectKey, range: &Range<u64>) -> bool {
        key.is_derivative() && range.end - range.start <= BLOCKS_AT_ONCE * BLOCK_BYTES
    }

    /// Reads a range, which is not empty; `fetch` asks the store for a block, which may be cut at
    /// the end.
    pub(crate) async fn read<F>(
        &self,
        key: &ObjectKey,
        range: Range<u64>,
        fetch: impl Fn(Range<u64>) -> F,
    ) -> Result<Bytes, ObjectError>
    where
        F: Future<Output = Result<Bytes, ObjectError>>,
    {
        let blocks = range.start / BLOCK_BYTES..=(range.end - 1) / BLOCK_BYTES;
        let parts = blocks.map(|index| {
            let start = index * BLOCK_BYTES;
            let within = range.start.saturating_sub(start)..(range.end - start).min(BLOCK_BYTES);
            self.part(key, index, within, fetch(start..start + BLOCK_BYTES))
        });
        let mut parts = try_join_all(parts).await?;
        if parts.len() == 1 {
            return Ok(parts.swap_remove(0));
        }
        let mut bytes = BytesMut::with_capacity((range.end - range.start) as usize);
        parts.iter().for_each(|part| bytes.extend_from_slice(part));
        Ok(bytes.freeze())
    }

    async fn part(
        &self,
        key: &ObjectKey,
        index: u64,
        within: Range<u64>,
        fetch: impl Future<Output = Result<Bytes, ObjectError>>,
    ) -> Result<Bytes, ObjectError> {
        let id = (key.clone(), index);
        let mut outcome = "hit";
        let kept = self.cache.try_get_with_by_ref(&id, async {
            outcome = "miss";
            Ok(Arc::new(self.keep(fetch.await?).await))
        });
        let block = kept.await.map_err(|error: Arc<ObjectError>| ObjectError::clone(&error))?;
        metrics::counter!("dlcs_s3_blocks_total", "outcome" => outcome).increment(1);
        let cut = |place: u64, length: usize| (place as usize).min(length);
        match &*block {
            Block::Loose(bytes) => {
                // It would take memory in place of disk.
                self.cache.invalidate(&id).await;
                let (start, end) = (cut(within.start, bytes.len()), cut(within.end, bytes.len()));
                Ok(bytes.slice(start..end))
            }
            Block::Kept(piece) => {
                let (start, end) = (cut(within.start, piece.length), cut(within.end, piece.length));
                let shared = Arc::clone(&block);
                let read = tokio::task::spawn_blocking(move || match &*shared {
                    Block::Kept(piece) => piece.read(start, end - start).map(Bytes::from),
                    Block::Loose(bytes) => Ok(bytes.slice(start..end)),
                });
                let failed = |error: std::io::Error| {
                    ObjectError::Store(format!("the cache of {key} cannot be read: {error}"))
                };
                read.await.map_err(std::io::Error::other).and_then(|it| it).map_err(failed)
            }
        }
    }

    async fn keep(&self, bytes: Bytes) -> Block {
        let slab = Arc::clone(&self.slab);
        let copy = bytes.clone();
        let kept = tokio::task::spawn_blocking(move || slab.write(&copy)).await;
        match kept.map_err(std::io::Error::other).and_then(|it| it) {
            Ok(piece) => Block::Kept(piece),
            Err(error) => {
                tracing::warn!(%error, "a block is not kept on the local disk: {error}");
                Block::Loose(bytes)
            }
        }
    }

    /// Forgets the blocks of an object that was written or removed here.
    pub(crate) async fn forget(&self, key: &ObjectKey) {
        for (id, _) in self.cache.iter() {
            if id.0 == *key {
                self.cache.invalidate(&*id).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn blocks(bytes: u64) -> Blocks {
        Blocks::new(tempfile::tempfile().unwrap(), bytes).unwrap()
    }

    /// A derivative of a block and a half, and how often it was asked for.
    struct Source {
        bytes: Vec<u8>,
        fetched: AtomicUsize,
    }

    impl Source {
        fn new() -> Self {
            let bytes = (0..BLOCK_BYTES * 3 / 2).map(|it| (it % 251) as u8).collect();
            Self { bytes, fetched: AtomicUsize::new(0) }
        }

        async fn fetch(&self, range: Range<u64>) -> Result<Bytes, ObjectError> {
            self.fetched.fetch_add(1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            let cut = |place: u64| (place as usize).min(self.bytes.len());
            Ok(Bytes::copy_from_slice(&self.bytes[cut(range.start)..cut(range.end)]))
        }

        async fn check(&self, blocks: &Blocks, range: Range<u64>) {
            let key = ObjectKey::derivative("1/1/a", 1, 1);
            let read = blocks.read(&key, range.clone(), |it| self.fetch(it)).await.unwrap();
            let cut = |place: u64| (place as usize).min(self.bytes.len());
            assert!(read == self.bytes[cut(range.start)..cut(range.end)], "{range:?}");
        }
    }

    #[tokio::test]
    async fn each_block_is_fetched_once_however_many_ask() {
        let (blocks, source) = (blocks(4 * BLOCK_BYTES), Source::new());
        let many = (0..20).map(|it| source.check(&blocks, it * 1_000..it * 1_000 + 700));
        futures::future::join_all(many).await;
        assert_eq!(source.fetched.load(Ordering::SeqCst), 1);
        source.check(&blocks, BLOCK_BYTES - 10..BLOCK_BYTES + 10).await;
        source.check(&blocks, BLOCK_BYTES..2 * BLOCK_BYTES + 5).await;
        source.check(&blocks, 2 * BLOCK_BYTES - 1..2 * BLOCK_BYTES).await;
        assert_eq!(source.fetched.load(Ordering::SeqCst), 3, "the end is a block, too");
    }

    #[tokio::test]
    async fn what_was_written_anew_is_fetched_anew() {
        let (blocks, source) = (blocks(4 * BLOCK_BYTES), Source::new());
        source.check(&blocks, 0..10).await;
        blocks.forget(&ObjectKey::derivative("1/1/b", 1, 1)).await;
        source.check(&blocks, 0..10).await;
        assert_eq!(source.fetched.load(Ordering::SeqCst), 1);
        blocks.forget(&ObjectKey::derivative("1/1/a", 1, 1)).await;
        source.check(&blocks, 0..10).await;
        assert_eq!(source.fetched.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn a_disk_that_takes_nothing_costs_requests_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("read-only");
        std::fs::write(&path, b"").unwrap();
        let blocks = Blocks::new(File::open(path).unwrap(), 4 * BLOCK_BYTES).unwrap();
        let source = Source::new();
        source.check(&blocks, 0..10).await;
        source.check(&blocks, 5..10).await;
        assert_eq!(source.fetched.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn an_error_is_told_and_not_kept() {
        let blocks = blocks(BLOCK_BYTES);
        let key = ObjectKey::derivative("1/1/a", 1, 1);
        let missing = async |_| Err(ObjectError::NotFound("x".to_owned()));
        let read = blocks.read(&key, 0..10, missing).await;
        assert!(matches!(read, Err(ObjectError::NotFound(_))), "{read:?}");
        Source::new().check(&blocks, 0..10).await;
    }
}
