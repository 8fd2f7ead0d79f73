//! A lease is given up before somebody else may begin, whatever the store answers or does not.

use async_trait::async_trait;
use dlcs_eventlog::consumers::{ConsumerError, ConsumerName, ConsumerStore, LeaseOwner, Parked};
use dlcs_eventlog::lease::{LEASE_DURATION, LeaseHolder};
use dlcs_eventlog::memory::MemoryConsumers;
use dlcs_eventlog::{Position, StreamId};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// A store that stops answering when it is told to, as behind a line that swallows everything.
#[derive(Default)]
struct Silent {
    store: MemoryConsumers,
    is_silent: AtomicBool,
}

#[async_trait]
impl ConsumerStore for Silent {
    async fn checkpoint(&self, consumer: &ConsumerName) -> Result<Position, ConsumerError> {
        self.store.checkpoint(consumer).await
    }

    async fn advance(
        &self,
        consumer: &ConsumerName,
        from: Position,
        to: Position,
    ) -> Result<(), ConsumerError> {
        self.store.advance(consumer, from, to).await
    }

    async fn forget(&self, consumer: &ConsumerName) -> Result<(), ConsumerError> {
        self.store.forget(consumer).await
    }

    async fn acquire(
        &self,
        consumer: &ConsumerName,
        owner: &LeaseOwner,
        now_us: i64,
        duration: Duration,
    ) -> Result<bool, ConsumerError> {
        if self.is_silent.load(Ordering::SeqCst) {
            return std::future::pending().await;
        }
        self.store.acquire(consumer, owner, now_us, duration).await
    }

    async fn release(
        &self,
        consumer: &ConsumerName,
        owner: &LeaseOwner,
    ) -> Result<(), ConsumerError> {
        self.store.release(consumer, owner).await
    }

    async fn release_all(&self, owner_prefix: &str) -> Result<(), ConsumerError> {
        self.store.release_all(owner_prefix).await
    }

    async fn park(&self, parked: Parked) -> Result<(), ConsumerError> {
        self.store.park(parked).await
    }

    async fn parked(&self, consumer: &ConsumerName) -> Result<Vec<Parked>, ConsumerError> {
        self.store.parked(consumer).await
    }

    async fn unpark(
        &self,
        consumer: &ConsumerName,
        stream: &StreamId,
    ) -> Result<(), ConsumerError> {
        self.store.unpark(consumer, stream).await
    }

    async fn consumers(
        &self,
    ) -> Result<Vec<(ConsumerName, Position, Option<LeaseOwner>)>, ConsumerError> {
        self.store.consumers().await
    }
}

fn holder(store: &Arc<Silent>) -> LeaseHolder {
    let begun = Instant::now();
    LeaseHolder {
        consumers: store.clone(),
        consumer: ConsumerName("ingest".into()),
        owner: LeaseOwner("folder/1".into()),
        duration: LEASE_DURATION,
        clock: Arc::new(move || i64::try_from(begun.elapsed().as_micros()).expect("short")),
    }
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_is_not_answered_loses_the_lease_in_time() {
    let store = Arc::new(Silent::default());
    let lease = holder(&store).acquire(&CancellationToken::new()).await.expect("it is free");
    tokio::time::sleep(LEASE_DURATION * 3).await;
    assert!(!lease.lost().is_cancelled(), "it is renewed");
    store.is_silent.store(true, Ordering::SeqCst);
    let silent = Instant::now();
    lease.lost().cancelled().await;
    assert!(silent.elapsed() < LEASE_DURATION, "{:?}", silent.elapsed());
}
