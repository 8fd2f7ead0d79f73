//! Locks by name, within this process: what waits for the same name queues up in order.
//!
//! A name that nobody holds or waits for takes no memory.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

/// What is held or waited for.
type Table = HashMap<Arc<str>, Arc<AsyncMutex<()>>>;

#[derive(Debug, Clone, Default)]
pub(crate) struct KeyedLocks {
    locks: Arc<Mutex<Table>>,
}

/// Holds one name until dropped.
#[derive(Debug)]
pub(crate) struct KeyedGuard {
    // Dropped in this order: first the lock, then the place in the queue.
    _held: OwnedMutexGuard<()>,
    _ticket: Ticket,
}

/// A place in the queue for a name, waiting or served.
#[derive(Debug)]
struct Ticket {
    key: Arc<str>,
    lock: Arc<AsyncMutex<()>>,
    locks: KeyedLocks,
}

impl KeyedLocks {
    pub(crate) async fn lock(&self, key: &str) -> KeyedGuard {
        let ticket = self.ticket(key);
        let held = ticket.lock.clone().lock_owned().await;
        KeyedGuard { _held: held, _ticket: ticket }
    }

    /// Locks every key; in one order everywhere, so that nobody waits in a circle.
    pub(crate) async fn lock_all<'a>(
        &self,
        keys: impl IntoIterator<Item = &'a str>,
    ) -> Vec<KeyedGuard> {
        let mut keys: Vec<&str> = keys.into_iter().collect();
        keys.sort_unstable();
        keys.dedup();
        let mut guards = Vec::with_capacity(keys.len());
        for key in keys {
            guards.push(self.lock(key).await);
        }
        guards
    }

    fn ticket(&self, key: &str) -> Ticket {
        let key: Arc<str> = key.into();
        let lock = self.table().entry(Arc::clone(&key)).or_default().clone();
        Ticket { key, lock, locks: self.clone() }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.locks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut table = self.locks.table();
        // One is the table's, one is ours: nobody else holds it or waits.
        if Arc::strong_count(&self.lock) == 2 {
            table.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::KeyedLocks;
    use futures_like::poll_once;

    /// Polls a future once and drops it.
    mod futures_like {
        use std::future::Future;
        use std::pin::pin;
        use std::task::{Context, Waker};

        pub(super) fn poll_once(future: impl Future) -> bool {
            pin!(future).poll(&mut Context::from_waker(Waker::noop())).is_ready()
        }
    }

    #[tokio::test]
    async fn one_name_is_held_once() {
        let locks = KeyedLocks::default();
        let guard = locks.lock("a").await;
        assert!(!poll_once(locks.lock("a")), "somebody else holds it");
        assert!(poll_once(locks.lock("b")), "another name is free");
        drop(guard);
        assert!(poll_once(locks.lock("a")));
    }

    #[tokio::test]
    async fn names_that_nobody_waits_for_are_forgotten() {
        let locks = KeyedLocks::default();
        let guards = locks.lock_all(["b", "a", "b"]).await;
        assert_eq!(guards.len(), 2);
        assert!(!poll_once(locks.lock("a")), "a waiter that gives up");
        drop(guards);
        assert!(locks.table().is_empty());
    }
}
