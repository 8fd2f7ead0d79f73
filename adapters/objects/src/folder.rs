//! Blobs as files below one folder, by the names of their keys.

use crate::files;
use crate::handles::{Handle, Handles};
use crate::temporary::Temporary;
use async_trait::async_trait;
use bytes::Bytes;
use dlcs_objects::{LocalFile, ObjectError, ObjectKey, Objects, Staged};
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::num::NonZeroUsize;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Files kept open for reading. Well below the 1,024 that a process may have by default.
const HANDLES_MAX: NonZeroUsize = NonZeroUsize::new(512).expect("is not zero");

/// Blobs in a folder. Several processes may have the same folder open.
#[derive(Clone)]
pub struct FolderObjects {
    inner: Arc<Inner>,
}

struct Inner {
    root: PathBuf,
    temporary: Temporary,
    handles: Handles,
}

impl FolderObjects {
    /// Opens the folder, makes it if it is missing, and removes what dead processes left in `tmp`.
    pub fn open(root: &Path) -> Result<Self, ObjectError> {
        let opened = || {
            files::create_dir_durably(root)?;
            // Absolute, so that a path handed to a worker process means the same there.
            let root = root.canonicalize()?;
            let temporary = Temporary::open(&root.join("tmp"))?;
            Ok(Inner { root, temporary, handles: Handles::new(HANDLES_MAX) })
        };
        let inner = opened().map_err(|error: io::Error| write_error(root, &error))?;
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Does work with the disk on a thread that may block.
    async fn blocking<T, F>(&self, work: F) -> Result<T, ObjectError>
    where
        T: Send + 'static,
        F: FnOnce(&Inner) -> Result<T, ObjectError> + Send + 'static,
    {
        let inner = Arc::clone(&self.inner);
        match tokio::task::spawn_blocking(move || work(&inner)).await {
            Ok(result) => result,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(error) => Err(ObjectError::Store(error.to_string())),
            },
        }
    }
}

#[async_trait]
impl Objects for FolderObjects {
    async fn stage(&self) -> Result<Staged, ObjectError> {
        self.blocking(Inner::stage).await
    }

    async fn keep(&self, staged: Staged, key: &ObjectKey) -> Result<(), ObjectError> {
        let key = key.clone();
        self.blocking(move |inner| inner.keep(&staged, &key)).await
    }

    async fn put(&self, key: &ObjectKey, bytes: Bytes) -> Result<(), ObjectError> {
        let key = key.clone();
        self.blocking(move |inner| inner.put(&key, &bytes)).await
    }

    async fn get(&self, key: &ObjectKey) -> Result<Bytes, ObjectError> {
        self.get_range(key, 0..u64::MAX).await
    }

    async fn get_range(&self, key: &ObjectKey, range: Range<u64>) -> Result<Bytes, ObjectError> {
        let handle = self.inner.handles.find(key);
        if let Some(bytes) = handle.and_then(|it| it.read_now(range.start, range.end)) {
            return Ok(bytes.into());
        }
        let key = key.clone();
        self.blocking(move |inner| inner.read(&key, range)).await
    }

    async fn length(&self, key: &ObjectKey) -> Result<Option<u64>, ObjectError> {
        if let Some(handle) = self.inner.handles.find(key) {
            return Ok(Some(handle.length));
        }
        let key = key.clone();
        self.blocking(move |inner| inner.length(&key)).await
    }

    async fn remove(&self, key: &ObjectKey) -> Result<(), ObjectError> {
        let key = key.clone();
        self.blocking(move |inner| inner.remove(&key)).await
    }

    async fn local_file(&self, key: &ObjectKey) -> Result<LocalFile, ObjectError> {
        let key = key.clone();
        let is_there = self.blocking(move |inner| {
            let path = inner.path(&key);
            let metadata = fs::metadata(&path).map_err(|error| read_error(&key, &error))?;
            debug_assert!(metadata.is_file(), "a key is never a directory");
            Ok(path)
        });
        is_there.await.map(LocalFile::InPlace)
    }
}

impl Inner {
    /// Keys hold nothing that leads out of the folder; see [`ObjectKey`].
    fn path(&self, key: &ObjectKey) -> PathBuf {
        self.root.join(key.as_str())
    }

    fn stage(&self) -> Result<Staged, ObjectError> {
        let path = self.temporary.file();
        File::create_new(&path).map_err(|error| write_error(&path, &error))?;
        Ok(Staged::new(path))
    }

    fn put(&self, key: &ObjectKey, bytes: &[u8]) -> Result<(), ObjectError> {
        // Staged first, so that a failure leaves nothing behind.
        let staged = Staged::new(self.temporary.file());
        let written = files::write_durably(staged.path(), bytes);
        written.map_err(|error| write_error(staged.path(), &error))?;
        self.place(&staged, key)
    }

    fn keep(&self, staged: &Staged, key: &ObjectKey) -> Result<(), ObjectError> {
        fail::fail_point!("objects.before-sync");
        let synced = File::open(staged.path()).and_then(|file| file.sync_all());
        synced.map_err(|error| write_error(staged.path(), &error))?;
        self.place(staged, key)
    }

    fn place(&self, staged: &Staged, key: &ObjectKey) -> Result<(), ObjectError> {
        let path = self.path(key);
        fail::fail_point!("objects.after-temp-write");
        let placed = files::rename_durably(staged.path(), &path);
        fail::fail_point!("objects.after-rename");
        self.handles.forget(key);
        placed.map_err(|error| write_error(&path, &error))
    }

    fn read(&self, key: &ObjectKey, range: Range<u64>) -> Result<Bytes, ObjectError> {
        let bytes = self.handle(key)?.read(range.start, range.end);
        bytes.map(Bytes::from).map_err(|error| read_error(key, &error))
    }

    fn handle(&self, key: &ObjectKey) -> Result<Arc<Handle>, ObjectError> {
        let handle = self.handles.find_or_open(key, &self.path(key));
        handle.map_err(|error| read_error(key, &error))
    }

    fn length(&self, key: &ObjectKey) -> Result<Option<u64>, ObjectError> {
        match fs::metadata(self.path(key)) {
            Ok(metadata) => Ok(Some(metadata.len())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(read_error(key, &error)),
        }
    }

    fn remove(&self, key: &ObjectKey) -> Result<(), ObjectError> {
        let path = self.path(key);
        let removed = fs::remove_file(&path);
        self.handles.forget(key);
        match removed {
            Ok(()) => {
                let parent = path.parent().unwrap_or(&self.root);
                files::sync_dir(parent).map_err(|error| write_error(&path, &error))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(write_error(&path, &error)),
        }
    }
}

fn read_error(key: &ObjectKey, error: &io::Error) -> ObjectError {
    match error.kind() {
        ErrorKind::NotFound => ObjectError::NotFound(key.to_string()),
        ErrorKind::UnexpectedEof => {
            let detail = "it is shorter than when it was opened".to_owned();
            ObjectError::Damaged { key: key.to_string(), detail }
        }
        _ => ObjectError::Store(format!("{key}: {error}")),
    }
}

fn write_error(path: &Path, error: &io::Error) -> ObjectError {
    let text = format!("{}: {error}", path.display());
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => ObjectError::Full(text),
        _ => ObjectError::Store(text),
    }
}

#[cfg(test)]
mod tests;
