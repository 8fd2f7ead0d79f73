//! The port on S3.

use crate::blocks::Blocks;
use crate::errors::{explain, is_behind_the_end};
use crate::read::{self, SMALL_BYTES};
use crate::settings::{S3Settings, Size};
use crate::upload::{UploadError, upload};
use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use dlcs_objects::{LocalFile, ObjectError, ObjectKey, Objects, Staged};
use futures::StreamExt;
use object_store::aws::AmazonS3;
use object_store::path::Path;
use object_store::{Error, ObjectStore, ObjectStoreExt};
use std::fs::{File, OpenOptions};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use uuid::Uuid;

/// How often it is looked whether the store answers.
const LOOK_EVERY: Duration = Duration::from_secs(5);
const LOOK_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Blobs in a bucket. Many processes may use the same one.
#[derive(Clone)]
pub struct S3Objects {
    inner: Arc<Inner>,
}

struct Inner {
    /// Bucket and endpoint, for people.
    place: String,
    prefix: String,
    small: AmazonS3,
    large: AmazonS3,
    /// Makes local files: those that go up, and copies for workers.
    staging: Arc<dyn Objects>,
    blocks: Option<Blocks>,
    is_away: AtomicBool,
}

impl S3Objects {
    /// Asks the store nothing yet. Local files are made where `staging` makes its own.
    pub async fn open(
        settings: &S3Settings,
        staging: Arc<dyn Objects>,
    ) -> Result<Self, ObjectError> {
        let place = settings.place();
        let client = |size| {
            let client = settings.client(size);
            client.map_err(|error| ObjectError::Store(format!("{place}: {error}")))
        };
        let (small, large) = (client(Size::Small)?, client(Size::Large)?);
        let blocks = Blocks::new(nameless_file(&*staging).await?, settings.cache_bytes);
        let prefix = settings.prefix.clone();
        let is_away = AtomicBool::new(false);
        let inner = Inner { place, prefix, small, large, staging, blocks, is_away };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Looks that the bucket is there and may be read.
    pub async fn check(&self) -> Result<(), ObjectError> {
        let inner = &self.inner;
        let nothing = inner.path("check");
        let first = inner.small.list(Some(&nothing)).next().await;
        first.transpose().map(drop).map_err(|error| inner.error("the bucket", error))
    }

    /// Writes a small object, reads it and removes it again.
    pub async fn probe(&self) -> Result<(), ObjectError> {
        self.check().await?;
        let inner = &self.inner;
        let path = inner.path(&format!("check/{}", Uuid::new_v4()));
        let tried = async {
            inner.small.put(&path, Bytes::from_static(b"dlcs").into()).await?;
            let bytes = inner.small.get(&path).await?.bytes().await?;
            inner.small.delete(&path).await?;
            Ok(bytes)
        };
        let bytes = tried.await.map_err(|error| inner.error("a probe", error))?;
        match &*bytes {
            b"dlcs" => Ok(()),
            _ => Err(ObjectError::Store(format!("{}: it gives back other bytes", inner.place))),
        }
    }

    /// Says where it is, for people.
    pub fn place(&self) -> &str {
        &self.inner.place
    }

    /// Says whether the store did not answer when it was looked after last.
    pub fn is_away(&self) -> bool {
        self.inner.is_away.load(Ordering::Relaxed)
    }

    /// Looks now and then whether the store answers. Never ends by itself.
    pub async fn watch(&self) {
        let inner = &self.inner;
        loop {
            let pause = match inner.small.head(&inner.path("check")).await {
                Ok(_) | Err(Error::NotFound { .. }) => {
                    if inner.is_away.swap(false, Ordering::Relaxed) {
                        tracing::info!("{} answers again", inner.place);
                    }
                    LOOK_EVERY
                }
                Err(error) => {
                    if !inner.is_away.swap(true, Ordering::Relaxed) {
                        let error = inner.error("the bucket", error);
                        tracing::error!(%error, "blobs cannot be read or kept: {error}");
                    }
                    LOOK_AGAIN_AFTER
                }
            };
            tokio::time::sleep(pause).await;
        }
    }
}

/// Opens a file that has lost its name: it goes with the process, however that ends.
async fn nameless_file(staging: &dyn Objects) -> Result<File, ObjectError> {
    let staged = staging.stage().await?;
    let opened = OpenOptions::new().read(true).write(true).open(staged.path());
    opened.map_err(|error| local(&staged, &error))
}

fn local(staged: &Staged, error: &std::io::Error) -> ObjectError {
    let text = format!("{}: {error}", staged.path().display());
    match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
            ObjectError::Full(text)
        }
        _ => ObjectError::Store(text),
    }
}

impl Inner {
    fn path(&self, key: &str) -> Path {
        Path::from(format!("{}/{key}", self.prefix))
    }

    fn at(&self, key: &ObjectKey) -> Path {
        self.path(key.as_str())
    }

    fn client(&self, bytes: u64) -> &AmazonS3 {
        if bytes <= SMALL_BYTES { &self.small } else { &self.large }
    }

    fn error(&self, key: &str, error: Error) -> ObjectError {
        explain(&self.place, key, error)
    }

    /// Counts what came of a request, and says it in the words of the port.
    fn ended<T>(
        &self,
        operation: &'static str,
        key: &ObjectKey,
        result: Result<T, Error>,
    ) -> Result<T, ObjectError> {
        let result = result.map_err(|error| self.error(key.as_str(), error));
        count(operation, result.as_ref().err());
        result
    }

    async fn fetch(&self, key: &ObjectKey, range: Range<u64>) -> Result<Bytes, ObjectError> {
        let client = self.client(range.end - range.start);
        let read = match read::range(client, &self.at(key), range, None).await {
            Err(error) if is_behind_the_end(&error) => Ok(Bytes::new()),
            read => read.map(|(bytes, _)| bytes),
        };
        self.ended("get", key, read)
    }

    async fn whole(&self, path: &Path) -> Result<Bytes, Error> {
        let (first, known) = read::beginning(&self.small, path).await?;
        if first.len() as u64 == known.length {
            return Ok(first);
        }
        let mut bytes = BytesMut::with_capacity(usize::try_from(known.length).unwrap_or(0));
        bytes.extend_from_slice(&first);
        let mut rest = std::pin::pin!(read::rest(&self.large, path, &known));
        while let Some(piece) = rest.next().await {
            bytes.extend_from_slice(&piece?);
        }
        Ok(bytes.freeze())
    }

    /// Copies a blob into a local file.
    async fn copy(&self, key: &ObjectKey, into: &Staged) -> Result<(), ObjectError> {
        let path = self.at(key);
        let begun = read::beginning(&self.small, &path).await;
        let (first, known) = self.ended("get", key, begun)?;
        let failed = |error: std::io::Error| local(into, &error);
        let mut file = tokio::fs::File::create(into.path()).await.map_err(failed)?;
        file.write_all(&first).await.map_err(failed)?;
        let mut rest = std::pin::pin!(read::rest(&self.large, &path, &known));
        while let Some(piece) = rest.next().await {
            let piece = self.ended("get", key, piece)?;
            file.write_all(&piece).await.map_err(failed)?;
        }
        file.flush().await.map_err(failed)
    }

    async fn send(&self, staged: &Staged, key: &ObjectKey) -> Result<(), UploadError> {
        let file = File::open(staged.path()).map_err(UploadError::File)?;
        upload(&self.large, &self.at(key), file).await
    }

    async fn forget(&self, key: &ObjectKey) {
        if let Some(blocks) = &self.blocks
            && key.is_derivative()
        {
            blocks.forget(key).await;
        }
    }
}

fn count(operation: &'static str, error: Option<&ObjectError>) {
    let outcome = match error {
        None => "ok",
        Some(ObjectError::NotFound(_)) => "missing",
        Some(_) => "failed",
    };
    metrics::counter!("dlcs_s3_requests_total", "operation" => operation, "outcome" => outcome)
        .increment(1);
}

#[async_trait]
impl Objects for S3Objects {
    async fn stage(&self) -> Result<Staged, ObjectError> {
        self.inner.staging.stage().await
    }

    async fn keep(&self, staged: Staged, key: &ObjectKey) -> Result<(), ObjectError> {
        let inner = &self.inner;
        let mut sent = inner.send(&staged, key).await;
        if let Err(UploadError::Completion(error)) = &sent {
            // An answer that was lost, perhaps: the parts have gone then, and asking for them again
            // says nothing of the object.
            tracing::info!(%key, "a blob goes up once more: {error}");
            sent = inner.send(&staged, key).await;
        }
        inner.forget(key).await;
        let sent = match sent {
            Err(UploadError::File(error)) => return Err(local(&staged, &error)),
            Err(UploadError::Store(error) | UploadError::Completion(error)) => Err(error),
            Ok(()) => Ok(()),
        };
        inner.ended("put", key, sent)
    }

    async fn put(&self, key: &ObjectKey, bytes: Bytes) -> Result<(), ObjectError> {
        let inner = &self.inner;
        let client = inner.client(bytes.len() as u64);
        let sent = client.put(&inner.at(key), bytes.into()).await;
        inner.forget(key).await;
        inner.ended("put", key, sent.map(drop))
    }

    async fn get(&self, key: &ObjectKey) -> Result<Bytes, ObjectError> {
        let read = self.inner.whole(&self.inner.at(key)).await;
        self.inner.ended("get", key, read)
    }

    async fn get_range(&self, key: &ObjectKey, range: Range<u64>) -> Result<Bytes, ObjectError> {
        let inner = &self.inner;
        // No blob goes so far, and not every server can count so far.
        if range.is_empty() || i64::try_from(range.start).is_err() {
            let length = self.length(key).await?;
            return length.map(|_| Bytes::new()).ok_or(ObjectError::NotFound(key.to_string()));
        }
        match &inner.blocks {
            Some(blocks) if Blocks::takes(key, &range) => {
                blocks.read(key, range, |block| inner.fetch(key, block)).await
            }
            _ => inner.fetch(key, range).await,
        }
    }

    async fn length(&self, key: &ObjectKey) -> Result<Option<u64>, ObjectError> {
        let asked = self.inner.small.head(&self.inner.at(key)).await;
        match self.inner.ended("head", key, asked) {
            Ok(meta) => Ok(Some(meta.size)),
            Err(ObjectError::NotFound(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn remove(&self, key: &ObjectKey) -> Result<(), ObjectError> {
        let path = self.inner.at(key);
        let removed = match self.inner.small.delete(&path).await {
            // The client does not know that this may be said twice.
            Err(error) if !matches!(error, Error::NotFound { .. }) => {
                self.inner.small.delete(&path).await
            }
            removed => removed,
        };
        self.inner.forget(key).await;
        match self.inner.ended("delete", key, removed) {
            Err(ObjectError::NotFound(_)) => Ok(()),
            removed => removed,
        }
    }

    async fn local_file(&self, key: &ObjectKey) -> Result<LocalFile, ObjectError> {
        let staged = self.inner.staging.stage().await?;
        self.inner.copy(key, &staged).await?;
        Ok(LocalFile::Copy(staged))
    }
}

#[cfg(test)]
mod tests;
