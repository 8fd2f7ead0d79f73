//! What lies around the core: the time, blobs, origins and image workers.

use super::Flaw;
use super::chance::{Chance, Fault, Faults};
use async_trait::async_trait;
use bytes::Bytes;
use dlcs_commands::Clock;
use dlcs_domain::CustomerId;
use dlcs_domain::asset::IngestErrorCode;
use dlcs_imaging::derivative::ThumbnailSize;
use dlcs_imaging::{DecodeLimits, DerivativeFacts, DerivativePolicy, MediaType};
use dlcs_ingest::{
    Fetched, ImageWorker, OriginCredentials, OriginError, Origins, Strategies, WorkerError,
};
use dlcs_objects::{Digest, LocalFile, ObjectError, ObjectKey, Objects, Staged};
use std::collections::HashMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::Instant;

const BEGINNING_US: i64 = 1_700_000_000_000_000;

/// The clock of the machine, which somebody sets now and then. Clones are the same.
#[derive(Clone)]
pub(super) struct SimClock {
    chance: Chance,
    begun: Instant,
    hands: Arc<Mutex<Hands>>,
}

#[derive(Default)]
struct Hands {
    offset_us: i64,
    offset_max_us: i64,
    /// It stands still at this time.
    still_at_us: Option<i64>,
}

impl SimClock {
    pub(super) fn new(chance: Chance) -> Self {
        Self { chance, begun: Instant::now(), hands: Arc::default() }
    }

    pub(super) fn jump(&self, duration_us: i64) {
        let mut hands = self.hands.lock().expect("nobody panics here");
        hands.offset_us += duration_us;
        hands.offset_max_us = hands.offset_max_us.max(hands.offset_us);
    }

    pub(super) fn stall(&self) {
        let now_us = self.now_us();
        self.hands.lock().expect("nobody panics here").still_at_us = Some(now_us);
    }

    /// Lets it run again, and not behind any time that it has told.
    pub(super) fn set_right(&self) {
        let mut hands = self.hands.lock().expect("nobody panics here");
        hands.still_at_us = None;
        hands.offset_us = hands.offset_max_us;
    }

    pub(super) fn run_on(&self) {
        self.hands.lock().expect("nobody panics here").still_at_us = None;
    }
}

impl Clock for SimClock {
    fn now_us(&self) -> i64 {
        let hands = self.hands.lock().expect("nobody panics here");
        let elapsed_us = i64::try_from(self.begun.elapsed().as_micros()).expect("a short run");
        hands.still_at_us.unwrap_or(BEGINNING_US + elapsed_us + hands.offset_us)
    }

    fn random(&self) -> u64 {
        self.chance.next()
    }
}

/// Blobs in memory; staged files are real ones, for the worker writes into them.
pub(super) struct SimObjects {
    blobs: Mutex<HashMap<ObjectKey, Bytes>>,
    folder: PathBuf,
    files: AtomicU64,
    faults: Faults,
    flaw: Option<Flaw>,
}

impl SimObjects {
    pub(super) fn new(folder: &Path, faults: Faults, flaw: Option<Flaw>) -> Self {
        let (blobs, files) = (Mutex::default(), AtomicU64::new(0));
        Self { blobs, folder: folder.to_owned(), files, faults, flaw }
    }

    pub(super) fn has(&self, key: &ObjectKey) -> bool {
        self.blobs.lock().expect("nobody panics here").contains_key(key)
    }

    async fn may_fail(&self) -> Result<(), ObjectError> {
        tokio::task::yield_now().await;
        if self.faults.strikes(Fault::ObjectsRefused) {
            return Err(ObjectError::Store("as the simulation wants".into()));
        }
        if self.faults.strikes(Fault::ObjectsFull) {
            return Err(ObjectError::Full("as the simulation wants".into()));
        }
        Ok(())
    }

    fn file(&self, bytes: &[u8]) -> Staged {
        let number = self.files.fetch_add(1, Ordering::SeqCst);
        let path = self.folder.join(number.to_string());
        std::fs::write(&path, bytes).expect("the temporary folder has room");
        Staged::new(path)
    }
}

#[async_trait]
impl Objects for SimObjects {
    async fn stage(&self) -> Result<Staged, ObjectError> {
        self.may_fail().await?;
        Ok(self.file(b""))
    }

    async fn keep(&self, staged: Staged, key: &ObjectKey) -> Result<(), ObjectError> {
        let bytes = std::fs::read(staged.path()).expect("it was staged here");
        self.put(key, bytes.into()).await
    }

    async fn put(&self, key: &ObjectKey, bytes: Bytes) -> Result<(), ObjectError> {
        self.may_fail().await?;
        let is_lost = self.flaw == Some(Flaw::LosesBlobs) && self.faults.chance.one_in(10);
        if !is_lost {
            self.blobs.lock().expect("nobody panics here").insert(key.clone(), bytes);
        }
        Ok(())
    }

    async fn get(&self, key: &ObjectKey) -> Result<Bytes, ObjectError> {
        self.may_fail().await?;
        let blob = self.blobs.lock().expect("nobody panics here").get(key).cloned();
        blob.ok_or_else(|| ObjectError::NotFound(key.to_string()))
    }

    async fn get_range(&self, key: &ObjectKey, range: Range<u64>) -> Result<Bytes, ObjectError> {
        let blob = self.get(key).await?;
        let cut = |place: u64| usize::try_from(place).unwrap_or(usize::MAX).min(blob.len());
        Ok(blob.slice(cut(range.start)..cut(range.end)))
    }

    async fn length(&self, key: &ObjectKey) -> Result<Option<u64>, ObjectError> {
        let blobs = self.blobs.lock().expect("nobody panics here");
        Ok(blobs.get(key).map(|blob| blob.len() as u64))
    }

    async fn remove(&self, key: &ObjectKey) -> Result<(), ObjectError> {
        self.may_fail().await?;
        self.blobs.lock().expect("nobody panics here").remove(key);
        Ok(())
    }

    async fn local_file(&self, key: &ObjectKey) -> Result<LocalFile, ObjectError> {
        let blob = self.get(key).await?;
        Ok(LocalFile::Copy(self.file(&blob)))
    }
}

/// Serves every address its own text, unless the address says otherwise.
pub(super) struct SimOrigins(pub(super) Faults);

#[async_trait]
impl Origins for SimOrigins {
    fn check(&self, _: &str) -> Result<(), OriginError> {
        Ok(())
    }

    async fn fetch(
        &self,
        url: &str,
        _: Option<&OriginCredentials>,
        into: &Path,
    ) -> Result<Fetched, OriginError> {
        self.0.delay(Fault::OriginSlow, Duration::from_secs(60)).await;
        if url.contains("missing") {
            return Err(OriginError::NotFound("the origin has no such image"));
        }
        if self.0.strikes(Fault::OriginFails) {
            let unreachable = OriginError::Unreachable("the origin cannot be reached");
            let timeout = OriginError::Timeout("the origin took too long");
            return Err(*self.0.chance.pick(&[unreachable, timeout]));
        }
        std::fs::write(into, url).map_err(|_| OriginError::Internal)?;
        let (length_bytes, sha256) = (url.len() as u64, Digest::of(url.as_bytes()));
        Ok(Fetched { length_bytes, sha256, media_type_hint: None })
    }
}

/// Origins are asked as anybody would.
pub(super) struct SimStrategies;

#[async_trait]
impl Strategies for SimStrategies {
    async fn credentials(
        &self,
        _: CustomerId,
        _: &str,
    ) -> Result<Option<OriginCredentials>, OriginError> {
        Ok(None)
    }
}

/// Makes a derivative of any text, unless the text says otherwise.
pub(super) struct SimWorker(pub(super) Faults);

#[async_trait]
impl ImageWorker for SimWorker {
    async fn derive(
        &self,
        source: &Path,
        output: &Path,
        policy: &DerivativePolicy,
        _: &DecodeLimits,
    ) -> Result<DerivativeFacts, WorkerError> {
        self.0.delay(Fault::WorkerSlow, Duration::from_secs(30)).await;
        tokio::task::yield_now().await;
        let source = std::fs::read_to_string(source).expect("a fetched text");
        if source.contains("corrupt") {
            let (code, detail) = (IngestErrorCode::ImageCorrupt, "it is damaged".to_owned());
            return Err(WorkerError::Refused { code, detail });
        }
        if self.0.strikes(Fault::WorkerDies) {
            let died = WorkerError::Died { detail: "signal 11".to_owned() };
            return Err(self.0.chance.pick(&[died, WorkerError::TimedOut]).clone());
        }
        let derivative = format!("derivative of {source}");
        std::fs::write(output, &derivative).expect("the temporary folder has room");
        Ok(DerivativeFacts {
            width: 40,
            height: 30,
            source_media_type: MediaType::Png,
            derivative_bytes: derivative.len() as u64,
            tile_side_px: policy.tile_side_px,
            levels: 1,
            thumbnails: vec![ThumbnailSize { width: 20, height: 15 }],
            gray: false,
        })
    }
}
