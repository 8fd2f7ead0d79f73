//! The right to be the one process that does a consumer's work.

use crate::consumers::{ConsumerName, ConsumerStore, LeaseOwner};
use crate::log::Clock;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use tracing::{info, warn};

/// Longest time between two tries to get a lease that somebody else holds.
const KNOCK_EVERY_MAX: Duration = Duration::from_secs(1);

/// How long a dead process keeps others from its work, unless somebody sets another time: with the
/// time between two tries it is taken over within 5 seconds.
pub const LEASE_DURATION: Duration = Duration::from_secs(3);

/// Whose lease it is, and where it is written down.
#[derive(Clone)]
pub struct LeaseHolder {
    pub consumers: Arc<dyn ConsumerStore>,
    pub consumer: ConsumerName,
    pub owner: LeaseOwner,
    pub duration: Duration,
    pub clock: Clock,
}

/// A lease that is renewed for as long as this lives.
pub struct Lease {
    holder: LeaseHolder,
    lost: CancellationToken,
    renewing: AbortOnDropHandle<()>,
}

impl LeaseHolder {
    /// Waits until the lease is ours; `None`: it was stopped first.
    pub async fn acquire(&self, stop: &CancellationToken) -> Option<Lease> {
        let pause = (self.duration / 3).min(KNOCK_EVERY_MAX);
        while !stop.is_cancelled() {
            match self.renew().await {
                Ok(true) => return Some(self.clone().held()),
                Ok(false) => {}
                Err(error) => warn!(consumer = self.consumer.0, error, "a lease cannot be taken"),
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = sleep(pause) => {}
            }
        }
        None
    }

    fn held(self) -> Lease {
        info!(
            consumer = self.consumer.0,
            owner = self.owner.0,
            "{} works here now",
            self.consumer.0
        );
        let lost = CancellationToken::new();
        let renewing = tokio::spawn(self.clone().keep_renewing(lost.clone()));
        Lease { holder: self, lost, renewing: AbortOnDropHandle::new(renewing) }
    }

    /// Renews in time, and gives up before somebody else could begin.
    async fn keep_renewing(self, lost: CancellationToken) {
        let mut renewed = Instant::now();
        loop {
            sleep(self.duration / 3).await;
            let asked = Instant::now();
            // An answer that comes after the end of the lease is none.
            let in_time = renewed + self.duration * 5 / 6;
            let answer = timeout_at(in_time.max(asked), self.renew()).await;
            match answer.unwrap_or_else(|_| Err("the store does not answer".to_owned())) {
                Ok(true) => renewed = asked,
                Ok(false) => break,
                Err(error) => {
                    warn!(consumer = self.consumer.0, error, "a lease cannot be renewed");
                    if renewed.elapsed() >= self.duration * 2 / 3 {
                        break;
                    }
                }
            }
        }
        warn!(consumer = self.consumer.0, "the lease of {} is lost", self.consumer.0);
        lost.cancel();
    }

    async fn renew(&self) -> Result<bool, String> {
        let now_us = (self.clock)();
        let acquired = self.consumers.acquire(&self.consumer, &self.owner, now_us, self.duration);
        acquired.await.map_err(|error| error.to_string())
    }
}

impl Lease {
    /// Is cancelled when somebody else may do the work.
    pub fn lost(&self) -> &CancellationToken {
        &self.lost
    }

    /// Gives the lease back, so that the next one need not wait.
    pub async fn release(self) {
        let Self { holder, renewing, .. } = self;
        drop(renewing);
        if let Err(error) = holder.consumers.release(&holder.consumer, &holder.owner).await {
            warn!(%error, "a lease cannot be given back");
        }
    }
}
