//! Ingest: every asset that was asked for ends delivered or failed.

use crate::attempt::Attempts;
use crate::make::Workshop;
use crate::origin::{Origins, Strategies};
use crate::settings::IngestSettings;
use crate::shift::WorkManager;
use crate::worker::ImageWorker;
use dlcs_commands::Executor;
use dlcs_eventlog::consumers::{ConsumerStore, LeaseOwner};
use dlcs_objects::Objects;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Name of the consumer. Never changes.
pub const CONSUMER: &str = "ingest";

/// What ingest works with.
#[derive(Clone)]
pub struct IngestPorts {
    /// Of the write side, whose queues and clock are shared.
    pub executor: Executor,
    pub consumers: Arc<dyn ConsumerStore>,
    pub objects: Arc<dyn Objects>,
    pub origins: Arc<dyn Origins>,
    pub strategies: Arc<dyn Strategies>,
    pub worker: Arc<dyn ImageWorker>,
}

/// Takes registrations from the log and sees them through.
pub struct IngestProcessManager(WorkManager<Attempts>);

impl IngestProcessManager {
    /// `owner` names this process and its start, and is never used again.
    pub fn new(ports: IngestPorts, settings: IngestSettings, owner: LeaseOwner) -> Self {
        let IngestPorts { executor, consumers, objects, origins, strategies, worker } = ports;
        let limits = settings.limits.clone();
        let workshop = Workshop { objects, origins, strategies, worker, limits };
        let attempts = Attempts { executor: executor.clone(), workshop };
        Self(WorkManager::new(executor, consumers, attempts, settings, owner))
    }

    /// Works until it is stopped. Returns once running attempts have ended or were given up.
    pub async fn run(&self, stop: CancellationToken) {
        self.0.run(stop).await;
    }
}
