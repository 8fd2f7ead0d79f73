//! A file goes up, in one piece or in parts.

use bytes::Bytes;
use futures::stream::{FuturesUnordered, TryStreamExt};
use object_store::aws::AmazonS3;
use object_store::path::Path;
use object_store::{Error, MultipartUpload, ObjectStoreExt};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

/// What is sent at once. Some stores want parts of equal length, all want 5 MiB or more.
pub(crate) const PART_BYTES: u64 = 8 * 1024 * 1024;
/// A store takes so many parts of one object.
const PARTS_MAX: u64 = 10_000;
/// Parts on their way at the same time; each is in memory.
const PARTS_AT_ONCE: usize = 3;

/// Why a file did not go up.
#[derive(Debug)]
pub(crate) enum UploadError {
    /// The local file cannot be read.
    File(io::Error),
    Store(Error),
    /// All parts are there, and it is not known whether they have become an object.
    Completion(Error),
}

impl From<Error> for UploadError {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

/// Writes the file under a name. It is there whole or not at all.
pub(crate) async fn upload(store: &AmazonS3, path: &Path, file: File) -> Result<(), UploadError> {
    let length = file.metadata().map_err(UploadError::File)?.len();
    let file = Arc::new(file);
    if length <= PART_BYTES {
        let bytes = read(&file, 0, length).await?;
        store.put(path, bytes.into()).await?;
        return Ok(());
    }
    let mut upload = store.put_multipart(path).await?;
    let sent = match send(&mut *upload, &file, length).await {
        Ok(()) => upload.complete().await.map(drop).map_err(UploadError::Completion),
        Err(error) => Err(error),
    };
    if sent.is_err() {
        // Parts cost room until somebody removes them. What this does not reach, a rule of the
        // bucket does, as docs/scale.md says.
        let _ = upload.abort().await;
    }
    sent
}

async fn send(
    upload: &mut dyn MultipartUpload,
    file: &Arc<File>,
    length: u64,
) -> Result<(), UploadError> {
    let part_bytes = part_bytes(length);
    let mut on_their_way = FuturesUnordered::new();
    let mut start = 0;
    while start < length {
        let bytes = read(file, start, part_bytes.min(length - start)).await?;
        on_their_way.push(upload.put_part(bytes.into()));
        if on_their_way.len() >= PARTS_AT_ONCE {
            on_their_way.try_next().await?;
        }
        start += part_bytes;
    }
    while on_their_way.try_next().await?.is_some() {}
    Ok(())
}

fn part_bytes(length: u64) -> u64 {
    PART_BYTES.max(length.div_ceil(PARTS_MAX))
}

async fn read(file: &Arc<File>, start: u64, length: u64) -> Result<Bytes, UploadError> {
    let file = Arc::clone(file);
    let read = tokio::task::spawn_blocking(move || {
        let length = usize::try_from(length).map_err(io::Error::other)?;
        let mut bytes = vec![0; length];
        file.read_exact_at(&mut bytes, start)?;
        Ok::<_, io::Error>(Bytes::from(bytes))
    });
    let read = read.await.map_err(io::Error::other).map_err(UploadError::File)?;
    read.map_err(UploadError::File)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_never_more_parts_than_a_store_takes() {
        assert_eq!(part_bytes(PART_BYTES + 1), PART_BYTES);
        let tebi = 1_u64 << 40;
        assert!(tebi.div_ceil(part_bytes(tebi)) <= PARTS_MAX);
    }
}
