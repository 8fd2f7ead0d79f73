//! The in-memory reference of what followers keep.

use crate::consumers::{ConsumerError, ConsumerName, ConsumerStore, LeaseOwner, Parked};
use crate::event::{Position, StreamId};
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Checkpoints, leases and parked events that live as long as the process.
#[derive(Default)]
pub struct MemoryConsumers {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    checkpoints: BTreeMap<ConsumerName, Position>,
    leases: BTreeMap<ConsumerName, Lease>,
    /// By consumer, stream and position.
    parked: BTreeMap<(ConsumerName, StreamId, Position), Parked>,
}

struct Lease {
    owner: LeaseOwner,
    expires_us: i64,
}

impl MemoryConsumers {
    pub fn new() -> Self {
        Self::default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl ConsumerStore for MemoryConsumers {
    async fn checkpoint(&self, consumer: &ConsumerName) -> Result<Position, ConsumerError> {
        Ok(self.state().checkpoints.get(consumer).copied().unwrap_or_default())
    }

    async fn advance(
        &self,
        consumer: &ConsumerName,
        from: Position,
        to: Position,
    ) -> Result<(), ConsumerError> {
        let mut state = self.state();
        let actual = state.checkpoints.get(consumer).copied();
        if actual.unwrap_or_default() != from {
            let consumer = consumer.0.clone();
            return Err(ConsumerError::CheckpointMoved { consumer, expected: from, actual });
        }
        state.checkpoints.insert(consumer.clone(), to);
        Ok(())
    }

    async fn forget(&self, consumer: &ConsumerName) -> Result<(), ConsumerError> {
        let mut state = self.state();
        state.checkpoints.remove(consumer);
        state.parked.retain(|(name, ..), _| name != consumer);
        Ok(())
    }

    async fn acquire(
        &self,
        consumer: &ConsumerName,
        owner: &LeaseOwner,
        now_us: i64,
        duration: Duration,
    ) -> Result<bool, ConsumerError> {
        let mut state = self.state();
        let is_held = |lease: &Lease| lease.owner != *owner && lease.expires_us > now_us;
        if state.leases.get(consumer).is_some_and(is_held) {
            return Ok(false);
        }
        let duration_us = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        let expires_us = now_us.saturating_add(duration_us);
        state.leases.insert(consumer.clone(), Lease { owner: owner.clone(), expires_us });
        Ok(true)
    }

    async fn release(
        &self,
        consumer: &ConsumerName,
        owner: &LeaseOwner,
    ) -> Result<(), ConsumerError> {
        let mut state = self.state();
        if state.leases.get(consumer).is_some_and(|lease| lease.owner == *owner) {
            state.leases.remove(consumer);
        }
        Ok(())
    }

    async fn release_all(&self, owner_prefix: &str) -> Result<(), ConsumerError> {
        self.state().leases.retain(|_, lease| !lease.owner.0.starts_with(owner_prefix));
        Ok(())
    }

    async fn park(&self, parked: Parked) -> Result<(), ConsumerError> {
        let key = (parked.consumer.clone(), parked.stream.clone(), parked.position);
        self.state().parked.insert(key, parked);
        Ok(())
    }

    async fn parked(&self, consumer: &ConsumerName) -> Result<Vec<Parked>, ConsumerError> {
        let state = self.state();
        let mut parked: Vec<_> =
            state.parked.values().filter(|it| it.consumer == *consumer).cloned().collect();
        parked.sort_by_key(|it| it.position);
        Ok(parked)
    }

    async fn unpark(
        &self,
        consumer: &ConsumerName,
        stream: &StreamId,
    ) -> Result<(), ConsumerError> {
        self.state().parked.retain(|_, it| it.consumer != *consumer || it.stream != *stream);
        Ok(())
    }

    async fn consumers(
        &self,
    ) -> Result<Vec<(ConsumerName, Position, Option<LeaseOwner>)>, ConsumerError> {
        let state = self.state();
        let mut names: Vec<_> = state.checkpoints.keys().chain(state.leases.keys()).collect();
        names.sort();
        names.dedup();
        let consumers = names.into_iter().map(|name| {
            let checkpoint = state.checkpoints.get(name).copied().unwrap_or_default();
            let owner = state.leases.get(name).map(|lease| lease.owner.clone());
            (name.clone(), checkpoint, owner)
        });
        Ok(consumers.collect())
    }
}
