//! Locks by name, within this process: what waits for the same name queues up in order.
//!
//! A name that nobody holds or waits for takes no memory.

use foldhash::fast::RandomState;
use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

/// What is held, and who waits for it.
type Table = HashMap<Arc<str>, VecDeque<oneshot::Sender<KeyedGuard>>, RandomState>;

#[derive(Debug, Clone, Default)]
pub(crate) struct KeyedLocks {
    held: Arc<Mutex<Table>>,
}

/// Holds one name until dropped.
#[derive(Debug)]
pub(crate) struct KeyedGuard {
    key: Arc<str>,
    /// `None`: it holds nothing any more.
    locks: Option<KeyedLocks>,
}

impl KeyedLocks {
    pub(crate) async fn lock(&self, key: &str) -> KeyedGuard {
        match self.take(key) {
            Ok(guard) => guard,
            Err(turn) => turn.await.expect("whoever holds it hands it over"),
        }
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

    /// Takes what is free, or a place in the queue.
    fn take(&self, key: &str) -> Result<KeyedGuard, oneshot::Receiver<KeyedGuard>> {
        let key: Arc<str> = key.into();
        match self.table().entry(Arc::clone(&key)) {
            Entry::Vacant(free) => {
                free.insert(VecDeque::new());
                Ok(KeyedGuard { key, locks: Some(self.clone()) })
            }
            Entry::Occupied(mut held) => {
                let (turn, is_ours) = oneshot::channel();
                held.get_mut().push_back(turn);
                Err(is_ours)
            }
        }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for KeyedGuard {
    /// Hands the name to the next who still waits; a guard that nobody receives hands it on.
    fn drop(&mut self) {
        let Some(locks) = self.locks.take() else { return };
        let mut table = locks.table();
        let Entry::Occupied(mut held) = table.entry(Arc::clone(&self.key)) else { return };
        while let Some(next) = held.get_mut().pop_front() {
            let guard = Self { key: Arc::clone(&self.key), locks: Some(locks.clone()) };
            let Err(mut refused) = next.send(guard) else { return };
            // Within the lock: it must not take it again.
            refused.locks = None;
        }
        held.remove();
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
    async fn who_waits_gets_it_in_turn_and_who_gave_up_is_passed_over() {
        let locks = KeyedLocks::default();
        let first = locks.lock("a").await;
        let mut given_up = Box::pin(locks.lock("a"));
        let mut second = Box::pin(locks.lock("a"));
        let mut third = Box::pin(locks.lock("a"));
        for waiting in [&mut given_up, &mut second, &mut third] {
            assert!(!poll_once(waiting));
        }
        drop(given_up);
        drop(first);
        assert!(!poll_once(&mut third), "it is the second's turn");
        // Handed over and never received: it goes on to the third.
        drop(second);
        drop(third.await);
        assert!(locks.table().is_empty());
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
