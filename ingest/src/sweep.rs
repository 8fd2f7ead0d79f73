//! Derivatives that nothing refers to any more are removed, a while after they were superseded.
//!
//! It follows the log at a distance, so what is still to be removed survives a restart. Originals
//! stay: events name them.

use crate::process_manager::IngestPorts;
use crate::settings::IngestSettings;
use crate::shift::lease_clock;
use dlcs_commands::{Executor, Position};
use dlcs_domain::asset::AssetEvent;
use dlcs_domain::{DomainEvent, wire};
use dlcs_eventlog::consumers::{ConsumerError, ConsumerName, ConsumerStore, LeaseOwner};
use dlcs_eventlog::lease::{Lease, LeaseHolder};
use dlcs_eventlog::{LogError, RecordedEvent, StreamRevision};
use dlcs_objects::{ObjectError, ObjectKey, Objects};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::{debug, error};

/// Name of the consumer. Never changes.
pub const CONSUMER: &str = "ingest-sweep";

/// Events read at once.
const PAGE_LENGTH: usize = 512;

/// Removes superseded derivatives.
pub struct Sweeper {
    executor: Executor,
    consumers: Arc<dyn ConsumerStore>,
    consumer: ConsumerName,
    objects: Arc<dyn Objects>,
    sweep_after: Duration,
    poll_every: Duration,
    holder: LeaseHolder,
}

#[derive(Debug, thiserror::Error)]
enum SweepError {
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(transparent)]
    Consumers(#[from] ConsumerError),
    #[error(transparent)]
    Objects(#[from] ObjectError),
}

impl Sweeper {
    /// `owner` names this process and its start, and is never used again.
    pub fn new(ports: &IngestPorts, settings: &IngestSettings, owner: LeaseOwner) -> Self {
        let consumer = ConsumerName(CONSUMER.to_owned());
        let holder = LeaseHolder {
            consumers: ports.consumers.clone(),
            consumer: consumer.clone(),
            owner,
            duration: settings.lease,
            clock: lease_clock(&ports.executor),
        };
        Self {
            executor: ports.executor.clone(),
            consumers: ports.consumers.clone(),
            consumer,
            objects: ports.objects.clone(),
            sweep_after: settings.sweep_after,
            poll_every: settings.poll_every,
            holder,
        }
    }

    /// Works until it is stopped.
    pub async fn run(&self, stop: CancellationToken) {
        while let Some(lease) = self.holder.acquire(&stop).await {
            let interrupted = self.shift(&lease, &stop).await;
            lease.release().await;
            let pause = match interrupted {
                Ok(()) => self.poll_every,
                Err(interruption) => {
                    error!(error = %interruption, "sweeping was interrupted");
                    self.holder.duration
                }
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = sleep(pause) => {}
            }
        }
    }

    async fn shift(&self, lease: &Lease, stop: &CancellationToken) -> Result<(), SweepError> {
        let mut reached = self.consumers.checkpoint(&self.consumer).await?;
        let mut due_us = None;
        while !stop.is_cancelled() && !lease.lost().is_cancelled() {
            // Nothing is read while the next event is known and too young.
            if due_us.is_none_or(|it| it <= self.executor.clock().now_us()) {
                let (swept, next_due_us) = self.sweep(reached).await?;
                due_us = next_due_us;
                if swept > reached {
                    self.consumers.advance(&self.consumer, reached, swept).await?;
                    reached = swept;
                    continue;
                }
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = lease.lost().cancelled() => {}
                () = sleep(self.poll_every) => {}
            }
        }
        Ok(())
    }

    /// Handles one page of events that are old enough. Returns how far it got, and when the event
    /// after that is old enough, if there is one.
    async fn sweep(&self, after: Position) -> Result<(Position, Option<i64>), SweepError> {
        let sweep_after_us = i64::try_from(self.sweep_after.as_micros()).unwrap_or(i64::MAX);
        let recorded_by_us = self.executor.clock().now_us().saturating_sub(sweep_after_us);
        let mut reached = after;
        for event in self.executor.log().read_all(after, PAGE_LENGTH).await? {
            if event.recorded_at_us > recorded_by_us {
                return Ok((reached, Some(event.recorded_at_us.saturating_add(sweep_after_us))));
            }
            for key in self.superseded_by(&event).await? {
                debug!(%key, "a superseded derivative is removed");
                self.objects.remove(&key).await?;
            }
            reached = event.position;
        }
        Ok((reached, None))
    }

    /// Returns the derivatives that nothing needs since this event.
    async fn superseded_by(&self, event: &RecordedEvent) -> Result<Vec<ObjectKey>, SweepError> {
        let ends_something =
            matches!(&*event.type_name, "asset.ingest_delivered" | "asset.deleted");
        if event.stream.category() != "asset" || !ends_something {
            return Ok(Vec::new());
        }
        let mut leftovers = Leftovers::default();
        let mut next = StreamRevision(0);
        while next <= event.revision {
            let page = self.executor.log().read_stream(&event.stream, next, PAGE_LENGTH).await?;
            let Some(last) = page.last() else { break };
            next = StreamRevision(last.revision.0 + 1);
            for earlier in page.iter().filter(|earlier| earlier.revision <= event.revision) {
                leftovers.take(earlier);
            }
        }
        let id = event.stream.id();
        let key = |(generation, attempt)| ObjectKey::derivative(id, generation, attempt);
        Ok(leftovers.superseded.into_iter().map(key).collect())
    }
}

/// Folds the history of one asset to what its last event has superseded.
#[derive(Debug, Default)]
struct Leftovers {
    generation: u32,
    /// Attempts of this generation that may have left a derivative.
    attempts: BTreeSet<u32>,
    /// Generation and attempt, by the last event alone.
    superseded: Vec<(u32, u32)>,
}

impl Leftovers {
    fn take(&mut self, event: &RecordedEvent) {
        self.superseded.clear();
        let decoded = wire::decode(&event.type_name, event.schema_version, &event.payload);
        // What cannot be read names nothing that could be removed.
        for event in decoded.unwrap_or_default() {
            if let DomainEvent::Asset(event) = event {
                self.apply(&event);
            }
        }
    }

    fn apply(&mut self, event: &AssetEvent) {
        match event {
            AssetEvent::Registered(it) => self.generation = it.generation,
            AssetEvent::IngestStarted(it) => {
                self.attempts.insert(it.attempt);
            }
            AssetEvent::IngestDelivered(it) => {
                self.attempts.remove(&it.attempt);
                self.supersede();
                self.attempts.insert(it.attempt);
            }
            AssetEvent::Deleted(_) => self.supersede(),
            _ => {}
        }
    }

    fn supersede(&mut self) {
        let generation = self.generation;
        self.superseded.extend(self.attempts.iter().map(|attempt| (generation, *attempt)));
        self.attempts.clear();
    }
}
