//! Open files of the blobs in use, so that reading a tile is one system call.

use dlcs_objects::ObjectKey;
use lru::LruCache;
use rustix::io::{ReadWriteFlags, preadv2};
use std::fs::File;
use std::io::{self, IoSliceMut};
use std::num::NonZeroUsize;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What is copied without leaving the thread that asks: more than any tile has.
const READ_NOW_BYTES_MAX: usize = 256 * 1024;

/// A blob's file: never written to again, only replaced by another one.
pub(crate) struct Handle {
    file: File,
    pub(crate) length: u64,
}

impl Handle {
    fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        Ok(Self { file, length })
    }

    /// Reads from `start` up to `end`, cut at the blob's end.
    pub(crate) fn read(&self, start: u64, end: u64) -> io::Result<Vec<u8>> {
        let end = end.min(self.length);
        let count = usize::try_from(end.saturating_sub(start)).map_err(io::Error::other)?;
        let mut bytes = vec![0; count];
        self.file.read_exact_at(&mut bytes, start)?;
        Ok(bytes)
    }

    /// Reads the same if it is in memory and not much, so that nobody waits for the disk.
    pub(crate) fn read_now(&self, start: u64, end: u64) -> Option<Vec<u8>> {
        let count = usize::try_from(end.min(self.length).checked_sub(start)?).ok()?;
        if count > READ_NOW_BYTES_MAX {
            return None;
        }
        let mut bytes = vec![0; count];
        let buffers = &mut [IoSliceMut::new(&mut bytes)];
        let read = preadv2(&self.file, buffers, start, ReadWriteFlags::NOWAIT).ok()?;
        (read == count).then_some(bytes)
    }
}

/// The handles used last.
pub(crate) struct Handles {
    cache: Mutex<Cache>,
}

struct Cache {
    handles: LruCache<ObjectKey, Arc<Handle>>,
    /// Counts replacements, so that a file opened before one is not kept after it.
    replacements: u64,
}

impl Handles {
    pub(crate) fn new(handles_max: NonZeroUsize) -> Self {
        let handles = LruCache::new(handles_max);
        Self { cache: Mutex::new(Cache { handles, replacements: 0 }) }
    }

    /// Returns the handle of a blob that is in use.
    pub(crate) fn find(&self, key: &ObjectKey) -> Option<Arc<Handle>> {
        self.cache().handles.get(key).cloned()
    }

    /// Returns the handle of a blob; opens `path` if there is none.
    pub(crate) fn find_or_open(&self, key: &ObjectKey, path: &Path) -> io::Result<Arc<Handle>> {
        let replacements = {
            let mut cache = self.cache();
            if let Some(handle) = cache.handles.get(key) {
                return Ok(Arc::clone(handle));
            }
            cache.replacements
        };
        let handle = Arc::new(Handle::open(path)?);
        let mut cache = self.cache();
        if cache.replacements == replacements {
            cache.handles.put(key.clone(), Arc::clone(&handle));
        }
        Ok(handle)
    }

    /// Forgets a blob after its file was replaced or removed.
    pub(crate) fn forget(&self, key: &ObjectKey) {
        let mut cache = self.cache();
        cache.replacements += 1;
        cache.handles.pop(key);
    }

    fn cache(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_memory_is_read_at_once_and_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("blob");
        let bytes: Vec<u8> = (0..600_000_u32).map(|it| it as u8).collect();
        std::fs::write(&path, &bytes).unwrap();
        let handle = Handle::open(&path).unwrap();
        for (start, end) in [(0, 10), (7, 7), (599_990, 700_000), (100, 200_100)] {
            // A file system that cannot say what is in memory says nothing.
            if let Some(read) = handle.read_now(start, end) {
                assert_eq!(read, handle.read(start, end).unwrap(), "{start}..{end}");
            }
        }
        assert_eq!(handle.read_now(0, 600_000), None, "so much is not copied here");
        assert_eq!(handle.read_now(700_000, 700_001), None, "behind the end");
    }
}
