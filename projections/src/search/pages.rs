//! Page records out of the blob store, the ones used last kept in memory.
//!
//! A record is named by its digest and never changes, so what is kept is never stale.

use dlcs_domain::BlobRef;
use dlcs_objects::{Digest, ObjectError, ObjectKey, Objects, verified};
use dlcs_text::PageRecord;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

/// Memory for records that are kept, as far as it can be told from their text.
const KEPT_BYTES_MAX: usize = 32 << 20;

/// Reads page records. Clones share what is kept.
#[derive(Clone)]
pub struct PageRecords {
    objects: Arc<dyn Objects>,
    kept: Arc<Mutex<Kept>>,
}

#[derive(Default)]
struct Kept {
    records: HashMap<String, (u64, Arc<PageRecord>)>,
    /// By the time of the last use.
    order: BTreeMap<u64, String>,
    uses: u64,
    bytes: usize,
}

impl PageRecords {
    pub fn new(objects: Arc<dyn Objects>) -> Self {
        Self { objects, kept: Arc::default() }
    }

    /// Returns a record; `None`: the blob is not there, or no record. That is told in the log: a
    /// page that cannot be read must not make the others unfindable.
    pub async fn record(&self, blob: &BlobRef) -> Result<Option<Arc<PageRecord>>, ObjectError> {
        if let Some(record) = self.kept().get(&blob.sha256) {
            return Ok(Some(record));
        }
        let Some(record) = self.read(blob).await? else { return Ok(None) };
        let record = Arc::new(record);
        self.kept().put(&blob.sha256, &record);
        Ok(Some(record))
    }

    /// The same for who reads it once: nothing is kept.
    pub async fn read(&self, blob: &BlobRef) -> Result<Option<PageRecord>, ObjectError> {
        let Some(digest) = Digest::parse(&blob.sha256) else {
            tracing::error!("`{}` is not a digest: the page is not searched", blob.sha256);
            return Ok(None);
        };
        let key = ObjectKey::record(&digest);
        let bytes = match self.objects.get(&key).await {
            Ok(bytes) => bytes,
            Err(ObjectError::NotFound(_)) => {
                tracing::error!("page record {key} is not there: the page is not searched");
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let is_whole = verified(&key, &bytes, &digest).map_err(|it| it.to_string());
        let record =
            is_whole.and_then(|()| PageRecord::decode(&bytes).map_err(|it| it.to_string()));
        if let Err(error) = &record {
            tracing::error!("page record {key} cannot be used, the page is not searched: {error}");
        }
        Ok(record.ok())
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn get(&mut self, digest: &str) -> Option<Arc<PageRecord>> {
        let (used, record) = self.records.get_mut(digest)?;
        self.uses += 1;
        let name = self.order.remove(used)?;
        self.order.insert(self.uses, name);
        *used = self.uses;
        Some(Arc::clone(record))
    }

    fn put(&mut self, digest: &str, record: &Arc<PageRecord>) {
        if self.records.contains_key(digest) {
            return;
        }
        self.uses += 1;
        self.bytes += size(record);
        self.records.insert(digest.to_owned(), (self.uses, Arc::clone(record)));
        self.order.insert(self.uses, digest.to_owned());
        while self.bytes > KEPT_BYTES_MAX
            && let Some((_, oldest)) = self.order.pop_first()
        {
            if let Some((_, record)) = self.records.remove(&oldest) {
                self.bytes -= size(&record);
            }
        }
    }
}

fn size(record: &PageRecord) -> usize {
    record.text().len() + 24 * (record.word_count() + record.line_count()) as usize + 256
}
