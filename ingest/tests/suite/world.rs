//! A world without a network, a disk to fill, or images.

use async_trait::async_trait;
use dlcs_commands::clock::ManualClock;
use dlcs_commands::{Clock, CommandContext, Executor, Position};
use dlcs_domain::asset::{
    Asset, AssetCommand, AssetEvent, IngestErrorCode, LiveAsset, Registration, Source,
};
use dlcs_domain::{ActorId, BlobRef, CustomerId, DomainEvent, wire};
use dlcs_eventlog::consumers::{ConsumerName, ConsumerStore, LeaseOwner};
use dlcs_eventlog::memory::{MemoryConsumers, MemoryLog};
use dlcs_eventlog::{EventLog, RecordedEvent};
use dlcs_imaging::derivative::ThumbnailSize;
use dlcs_imaging::{DecodeLimits, DerivativeFacts, DerivativePolicy, MediaType};
use dlcs_ingest::{
    Fetched, ImageWorker, IngestPorts, IngestProcessManager, IngestSettings, OriginCredentials,
    OriginError, Origins, Strategies, WorkerError,
};
use dlcs_objects::memory::MemoryObjects;
use dlcs_objects::{Digest, ObjectKey, Objects};
use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use uuid::Uuid;

pub(crate) const LEASE: Duration = Duration::from_secs(10);
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct World {
    pub(crate) clock: ManualClock,
    pub(crate) log: Arc<MemoryLog>,
    pub(crate) consumers: Arc<MemoryConsumers>,
    pub(crate) objects: Arc<MemoryObjects>,
    pub(crate) executor: Executor,
    pub(crate) origins: Arc<FakeOrigins>,
    pub(crate) worker: Arc<FakeWorker>,
    _folder: tempfile::TempDir,
}

/// Serves each address its own text; `fails` are answered first.
#[derive(Default)]
pub(crate) struct FakeOrigins {
    pub(crate) fails: Mutex<HashMap<String, Vec<OriginError>>>,
    pub(crate) fetches: AtomicUsize,
}

/// Makes a derivative of any text, unless the text says what goes wrong.
pub(crate) struct FakeWorker {
    /// One permit for each source that says `gate`.
    pub(crate) gate: Semaphore,
    pub(crate) calls: AtomicUsize,
    pub(crate) at_once: AtomicUsize,
    pub(crate) at_once_max: AtomicUsize,
}

/// A process manager in a task of its own, killed when dropped.
pub(crate) struct Process {
    pub(crate) stop: CancellationToken,
    task: AbortOnDropHandle<()>,
}

impl Process {
    pub(crate) fn of<F>(run: impl FnOnce(CancellationToken) -> F) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let stop = CancellationToken::new();
        let task = tokio::spawn(run(stop.clone()));
        Self { stop, task: AbortOnDropHandle::new(task) }
    }

    /// Asks it to stop and waits until it has.
    pub(crate) async fn stopped(self) {
        self.stop.cancel();
        self.task.await.expect("it does not panic");
    }
}

impl World {
    pub(crate) fn new() -> Self {
        let clock = ManualClock::at(1_700_000_000_000_000);
        let told = clock.clone();
        let log = Arc::new(MemoryLog::new(Arc::new(move || told.now_us())));
        let executor = Executor::new(log.clone(), Arc::new(clock.clone()), "test");
        let folder = tempfile::tempdir().expect("there is room for a folder");
        let worker = FakeWorker {
            gate: Semaphore::new(0),
            calls: AtomicUsize::new(0),
            at_once: AtomicUsize::new(0),
            at_once_max: AtomicUsize::new(0),
        };
        Self {
            clock,
            log,
            consumers: Arc::default(),
            objects: Arc::new(MemoryObjects::new(folder.path())),
            executor,
            origins: Arc::default(),
            worker: Arc::new(worker),
            _folder: folder,
        }
    }

    pub(crate) fn settings() -> IngestSettings {
        IngestSettings {
            at_once: 4,
            lease: LEASE,
            poll_every: Duration::from_millis(5),
            save_every: Duration::ZERO,
            stop_grace: Duration::from_millis(50),
            ..IngestSettings::default()
        }
    }

    pub(crate) fn ports(&self) -> IngestPorts {
        IngestPorts {
            executor: self.executor.clone(),
            consumers: self.consumers.clone(),
            objects: self.objects.clone(),
            origins: self.origins.clone(),
            strategies: Arc::new(NoStrategies),
            worker: self.worker.clone(),
        }
    }

    pub(crate) fn start(&self, owner: &str) -> Process {
        self.start_with(owner, self.ports(), Self::settings())
    }

    pub(crate) fn start_with(
        &self,
        owner: &str,
        ports: IngestPorts,
        settings: IngestSettings,
    ) -> Process {
        let owner = LeaseOwner(owner.to_owned());
        let manager = IngestProcessManager::new(ports, settings, owner);
        Process::of(|stop| async move { manager.run(stop).await })
    }

    pub(crate) async fn send(&self, id: &str, command: AssetCommand) {
        let actor = ActorId("key-test".to_owned());
        let context = CommandContext::new(actor, None, Uuid::from_u128(7));
        self.executor.execute::<Asset>(&context, id, command).await.expect("it is allowed");
    }

    pub(crate) async fn register(&self, id: &str, url: &str) {
        self.register_source(id, Source::Origin { url: url.to_owned() }).await;
    }

    pub(crate) async fn register_source(&self, id: &str, source: Source) {
        let registration = Registration::of(source);
        let defaults = Arc::default();
        self.send(id, AssetCommand::Register { registration, defaults }).await;
    }

    pub(crate) async fn upload(&self, bytes: &'static [u8]) -> BlobRef {
        let digest = Digest::of(bytes);
        let key = ObjectKey::original(&digest);
        self.objects.put(&key, bytes.into()).await.expect("memory");
        BlobRef { sha256: digest.to_string(), length_bytes: bytes.len() as u64 }
    }

    pub(crate) async fn asset(&self, id: &str) -> LiveAsset {
        let loaded = self.executor.load::<Asset>(id).await.expect("memory");
        loaded.state.live().expect("it lives").clone()
    }

    pub(crate) async fn events(&self) -> Vec<RecordedEvent> {
        self.log.read_all(Position::START, usize::MAX).await.expect("memory")
    }

    /// Returns the events of one asset.
    pub(crate) async fn history(&self, id: &str) -> Vec<AssetEvent> {
        let recorded = self.events().await.into_iter().filter(|event| event.stream.id() == id);
        let decode = |event: RecordedEvent| {
            wire::decode(&event.type_name, event.schema_version, &event.payload).expect("ours")
        };
        let events = recorded.flat_map(decode).filter_map(|event| match event {
            DomainEvent::Asset(event) => Some(event),
            _ => None,
        });
        events.collect()
    }

    /// Waits until the log says so.
    pub(crate) async fn until(&self, is_so: impl AsyncFn(&Self) -> bool) {
        let mut hints = self.log.head_hints();
        let waited = tokio::time::timeout(PATIENCE, async {
            while !is_so(self).await {
                // Not everything that is waited for is in the log.
                let hint = tokio::time::timeout(Duration::from_millis(5), hints.changed());
                let _ = hint.await;
            }
        });
        waited.await.expect("it comes to that");
    }

    /// Waits until nothing is being ingested any more.
    pub(crate) async fn until_settled(&self, ids: &[&str]) {
        self.until(async |world| {
            for id in ids {
                if world.asset(id).await.is_ingesting() {
                    return false;
                }
            }
            true
        })
        .await;
    }

    pub(crate) async fn until_read(&self) {
        self.until(async |world| {
            let head = world.log.head().await.expect("memory");
            let name = ConsumerName("ingest".to_owned());
            world.consumers.checkpoint(&name).await.expect("memory") == head
        })
        .await;
    }

    pub(crate) fn advance(&self, duration: Duration) {
        self.clock.advance_us(i64::try_from(duration.as_micros()).expect("a short time"));
    }
}

#[async_trait]
impl Origins for FakeOrigins {
    fn check(&self, _: &str) -> Result<(), OriginError> {
        Ok(())
    }

    async fn fetch(
        &self,
        url: &str,
        _: Option<&OriginCredentials>,
        into: &Path,
    ) -> Result<Fetched, OriginError> {
        self.fetches.fetch_add(1, Ordering::SeqCst);
        let failure = self.fails.lock().expect("no panics").get_mut(url).and_then(Vec::pop);
        if let Some(failure) = failure {
            return Err(failure);
        }
        tokio::fs::write(into, url).await.map_err(|_| OriginError::Internal)?;
        let (length_bytes, sha256) = (url.len() as u64, Digest::of(url.as_bytes()));
        Ok(Fetched { length_bytes, sha256, media_type_hint: None })
    }
}

/// Origins are asked as anybody would.
struct NoStrategies;

#[async_trait]
impl Strategies for NoStrategies {
    async fn credentials(
        &self,
        _: CustomerId,
        _: &str,
    ) -> Result<Option<OriginCredentials>, OriginError> {
        Ok(None)
    }
}

struct Counted<'a>(&'a FakeWorker);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.at_once.fetch_sub(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl ImageWorker for FakeWorker {
    async fn derive(
        &self,
        source: &Path,
        output: &Path,
        policy: &DerivativePolicy,
        _: &DecodeLimits,
    ) -> Result<DerivativeFacts, WorkerError> {
        let call = self.calls.fetch_add(1, Ordering::SeqCst);
        let at_once = self.at_once.fetch_add(1, Ordering::SeqCst) + 1;
        self.at_once_max.fetch_max(at_once, Ordering::SeqCst);
        let _counted = Counted(self);
        let source = tokio::fs::read_to_string(source).await.expect("a fetched text");
        if source.contains("gate") {
            self.gate.acquire().await.expect("never closed").forget();
        }
        if source.contains("corrupt") {
            let (code, detail) = (IngestErrorCode::ImageCorrupt, "it is damaged".to_owned());
            return Err(WorkerError::Refused { code, detail });
        }
        if source.contains("poison") || (source.contains("sick") && call == 0) {
            return Err(WorkerError::Died { detail: "signal 11".to_owned() });
        }
        assert!(!source.contains("panic"), "as the test wants");
        if source.contains("endless") {
            return Err(WorkerError::TimedOut);
        }
        let derivative = format!("derivative of {source}");
        tokio::fs::write(output, &derivative).await.expect("there is room");
        let is_short = source.contains("lie");
        Ok(DerivativeFacts {
            width: 40,
            height: 30,
            source_media_type: MediaType::Png,
            derivative_bytes: derivative.len() as u64 + u64::from(is_short),
            tile_side_px: policy.tile_side_px,
            levels: 1,
            thumbnails: vec![ThumbnailSize { width: 20, height: 15 }],
            gray: false,
        })
    }
}
