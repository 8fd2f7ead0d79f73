//! Recognition: every page that was asked for ends with its text or with the reason why not.
//!
//! - Asked for by a client, or by how the asset is registered as soon as its image is delivered.
//! - What is read is the original, upright: its boxes are those of the full image.
//! - Text and record are kept before the event that names them.

mod attempt;
mod read;
mod signal;

use crate::settings::IngestSettings;
use crate::shift::WorkManager;
use crate::worker::RecognitionWorker;
use attempt::Recognitions;
use dlcs_commands::Executor;
use dlcs_eventlog::consumers::{ConsumerStore, LeaseOwner};
use dlcs_objects::Objects;
use read::Desk;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Name of the consumer. Never changes.
pub const CONSUMER: &str = "recognition";

/// What recognition works with.
#[derive(Clone)]
pub struct RecognitionPorts {
    /// Of the write side, whose queues and clock are shared.
    pub executor: Executor,
    pub consumers: Arc<dyn ConsumerStore>,
    pub objects: Arc<dyn Objects>,
    pub worker: Arc<dyn RecognitionWorker>,
}

/// Takes pages that are to be recognised from the log and sees them through.
pub struct RecognitionProcessManager(WorkManager<Recognitions>);

impl RecognitionProcessManager {
    /// `owner` names this process and its start, and is never used again.
    pub fn new(ports: RecognitionPorts, settings: IngestSettings, owner: LeaseOwner) -> Self {
        let RecognitionPorts { executor, consumers, objects, worker } = ports;
        let desk = Desk { objects, worker, limits: settings.limits.clone() };
        let work = Recognitions { executor: executor.clone(), desk };
        Self(WorkManager::new(executor, consumers, work, settings, owner))
    }

    /// Works until it is stopped. Returns once running attempts have ended or were given up.
    pub async fn run(&self, stop: CancellationToken) {
        self.0.run(stop).await;
    }
}
