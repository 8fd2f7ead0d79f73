//! The in-memory reference.

use crate::key::ObjectKey;
use crate::store::{LocalFile, ObjectError, Objects, Staged};
use async_trait::async_trait;
use bytes::Bytes;
use std::collections::HashMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Blobs that live as long as the process. Staged files and local copies are real files.
///
/// ```
/// use dlcs_objects::{Digest, ObjectKey, Objects, memory::MemoryObjects};
///
/// # futures::executor::block_on(async {
/// let objects = MemoryObjects::new(std::env::temp_dir());
/// let key = ObjectKey::document(&Digest::of(b"{}"));
/// objects.put(&key, "{}".into()).await.expect("memory");
/// assert_eq!(objects.get_range(&key, 1..100).await.expect("is there"), "}");
/// # });
/// ```
pub struct MemoryObjects {
    blobs: Mutex<HashMap<ObjectKey, Bytes>>,
    /// Where staged files and local copies are made.
    folder: PathBuf,
}

impl MemoryObjects {
    /// Makes an empty store whose staged files are made in `folder`, which exists.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { blobs: Mutex::default(), folder: folder.into() }
    }

    fn blobs(&self) -> MutexGuard<'_, HashMap<ObjectKey, Bytes>> {
        self.blobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, key: &ObjectKey) -> Result<Bytes, ObjectError> {
        let blob = self.blobs().get(key).cloned();
        blob.ok_or_else(|| ObjectError::NotFound(key.to_string()))
    }

    /// Makes a file of its own name with these bytes.
    async fn file(&self, bytes: &[u8]) -> Result<Staged, ObjectError> {
        static COUNTER: AtomicU64 = AtomicU64::new(0);
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let path = self.folder.join(format!("dlcs-{}-{number}", std::process::id()));
        let written = tokio::fs::write(&path, bytes).await;
        written.map_err(|error| store_error(&path, &error))?;
        Ok(Staged::new(path))
    }
}

#[async_trait]
impl Objects for MemoryObjects {
    async fn stage(&self) -> Result<Staged, ObjectError> {
        self.file(b"").await
    }

    async fn keep(&self, staged: Staged, key: &ObjectKey) -> Result<(), ObjectError> {
        let read = tokio::fs::read(staged.path()).await;
        let bytes = read.map_err(|error| store_error(staged.path(), &error))?;
        self.put(key, bytes.into()).await
    }

    async fn put(&self, key: &ObjectKey, bytes: Bytes) -> Result<(), ObjectError> {
        self.blobs().insert(key.clone(), bytes);
        Ok(())
    }

    async fn get(&self, key: &ObjectKey) -> Result<Bytes, ObjectError> {
        self.find(key)
    }

    async fn get_range(&self, key: &ObjectKey, range: Range<u64>) -> Result<Bytes, ObjectError> {
        let blob = self.find(key)?;
        let cut = |place: u64| usize::try_from(place).unwrap_or(usize::MAX).min(blob.len());
        let (start, end) = (cut(range.start), cut(range.end));
        Ok(blob.slice(start..end.max(start)))
    }

    async fn length(&self, key: &ObjectKey) -> Result<Option<u64>, ObjectError> {
        Ok(self.blobs().get(key).map(|blob| blob.len() as u64))
    }

    async fn remove(&self, key: &ObjectKey) -> Result<(), ObjectError> {
        self.blobs().remove(key);
        Ok(())
    }

    async fn local_file(&self, key: &ObjectKey) -> Result<LocalFile, ObjectError> {
        let blob = self.find(key)?;
        Ok(LocalFile::Copy(self.file(&blob).await?))
    }
}

fn store_error(path: &Path, error: &std::io::Error) -> ObjectError {
    ObjectError::Store(format!("{}: {error}", path.display()))
}
