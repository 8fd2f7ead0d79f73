//! Webhooks: each is told, in order and signed, what its customer's events are.
//!
//! - One process at a time delivers, under a lease; the checkpoint of a webhook is how far it has come.
//! - Each webhook has a task of its own and one message on its way: who is slow or dead holds up nobody
//!   else. Between two tries of a message there is no task: when it is due stands in the control store.
//! - A message goes out at least once. Its id is that of the event, also when it comes again.

mod follower;
mod patience;
mod receiver;

pub use patience::TRIES_DEFAULT;
pub use receiver::{Answered, Receivers};

use crate::measures;
use crate::shift::lease_clock;
use dlcs_commands::Executor;
use dlcs_commands::webhooks::{CONSUMER_PREFIX, Delivery, DeliveryState, WebhookError, Webhooks};
use dlcs_domain::DefinitionId;
use dlcs_eventlog::consumers::{ConsumerName, LeaseOwner};
use dlcs_eventlog::lease::{LEASE_DURATION, Lease, LeaseHolder};
use dlcs_eventlog::{EventLog, LogError};
use dlcs_projections::QueryError;
use dlcs_projections::definitions::Definitions;
use dlcs_projections::feed::Feed;
use follower::Follower;
use futures::future::join_all;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use tracing::{info, warn};

/// Name of the lease. Never changes.
pub const LEASE: &str = "webhooks";
/// Events read at once.
const PAGE_LENGTH: usize = 512;
/// How often it is measured how far webhooks are behind.
const MEASURE_EVERY: Duration = Duration::from_secs(5);

/// What webhooks are told with.
#[derive(Clone)]
pub struct WebhookPorts {
    /// Of the write side, whose clock is shared.
    pub executor: Executor,
    pub log: Arc<dyn EventLog>,
    pub definitions: Arc<dyn Definitions>,
    pub webhooks: Webhooks,
    pub receivers: Arc<dyn Receivers>,
    /// Address of the service, which messages come from.
    pub source: Arc<str>,
}

/// How patiently webhooks are told.
#[derive(Debug, Clone)]
pub struct WebhookSettings {
    /// Tries of one message; after the last one the webhook is paused.
    pub tries: u32,
    /// Messages that are on their way at once, one for each webhook.
    pub at_once: usize,
    pub lease: Duration,
    /// How often it is looked which webhooks there are and what is due.
    pub look_every: Duration,
    /// How often the log is looked at when nothing hints at news.
    pub poll_every: Duration,
    /// How often progress is saved.
    pub save_every: Duration,
    /// How long a message may still be on its way when the process stops.
    pub stop_grace: Duration,
}

impl Default for WebhookSettings {
    fn default() -> Self {
        Self {
            tries: TRIES_DEFAULT,
            at_once: 1_000,
            lease: LEASE_DURATION,
            look_every: Duration::from_millis(500),
            poll_every: Duration::from_millis(500),
            save_every: Duration::from_secs(1),
            stop_grace: Duration::from_secs(5),
        }
    }
}

/// Tells webhooks.
pub struct WebhookSender {
    desk: Arc<Desk>,
    holder: LeaseHolder,
}

/// What all tasks share.
struct Desk {
    ports: WebhookPorts,
    settings: WebhookSettings,
    feed: Feed,
    slots: Semaphore,
}

/// Why a task ended before its time. It begins again at the next look.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(transparent)]
    Query(#[from] QueryError),
    #[error(transparent)]
    Kept(#[from] WebhookError),
}

/// The task of one webhook.
struct Running {
    spell: u64,
    task: AbortOnDropHandle<()>,
}

impl WebhookSender {
    /// `owner` names this process and its start, and is never used again.
    pub fn new(ports: WebhookPorts, settings: WebhookSettings, owner: LeaseOwner) -> Self {
        let holder = LeaseHolder {
            consumers: ports.webhooks.consumers.clone(),
            consumer: ConsumerName(LEASE.to_owned()),
            owner,
            duration: settings.lease,
            clock: lease_clock(&ports.executor),
        };
        let feed = Feed::new(Arc::clone(&ports.log), PAGE_LENGTH);
        let slots = Semaphore::new(settings.at_once);
        Self { desk: Arc::new(Desk { ports, settings, feed, slots }), holder }
    }

    /// Works until it is stopped. Returns once messages on their way have arrived or were given up.
    pub async fn run(&self, stop: CancellationToken) {
        while let Some(lease) = self.holder.acquire(&stop).await {
            self.shift(&lease, &stop).await;
            lease.release().await;
        }
        info!("webhooks rest");
    }

    async fn shift(&self, lease: &Lease, stop: &CancellationToken) {
        let (mut running, ending) = (HashMap::new(), CancellationToken::new());
        let mut measured = Instant::now();
        while !stop.is_cancelled() && !lease.lost().is_cancelled() {
            match self.desk.ports.webhooks.store.all().await {
                Ok(all) => {
                    if measured.elapsed() >= MEASURE_EVERY {
                        measured = Instant::now();
                        self.measure(&all).await;
                    }
                    self.tend(&mut running, all, &ending);
                }
                Err(error) => warn!(%error, "it cannot be looked which webhooks there are"),
            }
            tokio::select! {
                biased;
                () = stop.cancelled() => {}
                () = lease.lost().cancelled() => {}
                () = sleep(self.desk.settings.look_every) => {}
            }
        }
        if lease.lost().is_cancelled() {
            return;
        }
        ending.cancel();
        let tasks = running.into_values().map(|it: Running| it.task);
        // A moment more than the messages have: what they came to is written down.
        let _ = timeout(self.desk.settings.stop_grace + LEASE_DURATION / 3, join_all(tasks)).await;
    }

    /// Ends the tasks of webhooks that are not there or were told to go on, and begins those that are
    /// due.
    fn tend(
        &self,
        running: &mut HashMap<DefinitionId, Running>,
        all: Vec<(DefinitionId, Delivery)>,
        ending: &CancellationToken,
    ) {
        let now_us = self.desk.ports.executor.clock().now_us();
        let spells: HashMap<_, _> = all.iter().map(|(id, it)| (id, it.spell)).collect();
        running.retain(|id, it| spells.get(id) == Some(&it.spell) && !it.task.is_finished());
        for (id, delivery) in all {
            let is_due = delivery.state == DeliveryState::Open
                && delivery.next_try_at_us.is_none_or(|at_us| at_us <= now_us);
            if !is_due || running.contains_key(&id) {
                continue;
            }
            let spell = delivery.spell;
            let follower = Follower::new(Arc::clone(&self.desk), id.clone(), delivery);
            let task = tokio::spawn(follower.run(ending.clone()));
            running.insert(id, Running { spell, task: AbortOnDropHandle::new(task) });
        }
    }

    /// Measures how far the last one is behind, among those that are to be told.
    async fn measure(&self, all: &[(DefinitionId, Delivery)]) {
        let WebhookPorts { log, webhooks, .. } = &self.desk.ports;
        let (Ok(head), Ok(consumers)) = (log.head().await, webhooks.consumers.consumers().await)
        else {
            return;
        };
        let is_open = |(_, it): &&(DefinitionId, Delivery)| it.state == DeliveryState::Open;
        let open = all.iter().filter(is_open).count();
        let behind = consumers.iter().filter(|(name, ..)| name.0.starts_with(CONSUMER_PREFIX));
        let behind = behind.map(|(_, position, _)| head.0.saturating_sub(position.0)).max();
        measures::webhooks(open, all.len() - open, behind.unwrap_or(0));
    }
}
