//! The port itself.
//!
//! What every adapter promises, and the conformance suite proves:
//! - `Ok` of a write means durable (file and directory synced, or the store's own promise).
//! - A blob is there whole or not at all; nobody sees half of one.
//! - Writing a key that exists again is allowed and leaves one whole blob.

use crate::digest::Digest;
use crate::key::ObjectKey;
use async_trait::async_trait;
use bytes::Bytes;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// A local file being written, not yet a blob. Removed when dropped without being kept.
#[derive(Debug)]
pub struct Staged {
    path: PathBuf,
}

impl Staged {
    /// Takes over a file that exists.
    pub fn new(path: PathBuf) -> Self {
        Self { path }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        // A file that was kept has been renamed away; then there is nothing to remove.
        let _ = std::fs::remove_file(&self.path);
    }
}

#[derive(Debug, Clone, thiserror::Error)]
pub enum ObjectError {
    #[error("there is no blob {0}")]
    NotFound(String),
    /// May pass: a store that others run does not answer, or refuses for now.
    #[error("the object store does not serve at the moment: {0}")]
    Unavailable(String),
    #[error("the object store has no room left: {0}")]
    Full(String),
    #[error("the object store cannot be used: {0}")]
    Store(String),
    #[error("blob {key} is damaged: {detail}")]
    Damaged { key: String, detail: String },
}

/// Blobs by key.
#[async_trait]
pub trait Objects: Send + Sync + 'static {
    /// Makes an empty local file to write into, on the volume where it will be kept if that is
    /// local.
    async fn stage(&self) -> Result<Staged, ObjectError>;

    /// Makes a staged file the blob of `key`, durably.
    async fn keep(&self, staged: Staged, key: &ObjectKey) -> Result<(), ObjectError>;

    /// Writes a small blob (up to some megabytes), durably.
    async fn put(&self, key: &ObjectKey, bytes: Bytes) -> Result<(), ObjectError>;

    /// Returns the whole blob.
    async fn get(&self, key: &ObjectKey) -> Result<Bytes, ObjectError>;

    /// Returns the bytes of `range`, which may be cut at the blob's end.
    async fn get_range(&self, key: &ObjectKey, range: Range<u64>) -> Result<Bytes, ObjectError>;

    /// Returns the length in bytes, or `None`.
    async fn length(&self, key: &ObjectKey) -> Result<Option<u64>, ObjectError>;

    /// Removes a blob; one that is not there is no error.
    async fn remove(&self, key: &ObjectKey) -> Result<(), ObjectError>;

    /// Returns a local file with the blob's bytes, for a worker process to open.
    async fn local_file(&self, key: &ObjectKey) -> Result<LocalFile, ObjectError>;
}

/// A readable local file: the blob itself or a copy that goes when this is dropped.
#[derive(Debug)]
pub enum LocalFile {
    InPlace(PathBuf),
    Copy(Staged),
}

impl LocalFile {
    pub fn path(&self) -> &Path {
        match self {
            Self::InPlace(path) => path,
            Self::Copy(staged) => staged.path(),
        }
    }
}

/// Returns the digest of a blob's bytes and refuses when it is not the expected one.
pub fn verified(key: &ObjectKey, bytes: &Bytes, expected: &Digest) -> Result<(), ObjectError> {
    let actual = Digest::of(bytes);
    if actual == *expected {
        return Ok(());
    }
    let detail = format!("its digest is {actual}");
    Err(ObjectError::Damaged { key: key.to_string(), detail })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blob_with_another_digest_is_named_as_damaged() {
        let digest = Digest::of(b"right");
        let key = ObjectKey::document(&digest);
        assert!(verified(&key, &Bytes::from_static(b"right"), &digest).is_ok());
        let error = verified(&key, &Bytes::from_static(b"wrong"), &digest).unwrap_err();
        assert!(matches!(&error, ObjectError::Damaged { key: it, .. } if *it == key.to_string()));
    }
}
