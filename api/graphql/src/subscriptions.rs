//! How many subscriptions a caller has open.

use dlcs_domain::access::Principal;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Subscriptions that a key may have open, over all its connections; a connection without a key
/// may have as many.
pub(crate) const SUBSCRIPTIONS_MAX: usize = 100;

/// Subscriptions of all connections without a key together.
pub(crate) const ANONYMOUS_MAX: usize = 10_000;

/// Counts the open subscriptions of every key. Cheap to clone; clones count together.
#[derive(Clone, Default)]
pub(crate) struct Subscriptions(Arc<Mutex<HashMap<String, usize>>>);

/// Counts one until it is dropped.
pub(crate) struct Subscribed {
    all: Subscriptions,
    caller: String,
}

impl Subscriptions {
    /// Counts one more of a caller; `None`: there would be more than `most`.
    pub(crate) fn open(&self, caller: &str, most: usize) -> Option<Subscribed> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(caller.to_owned()).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(Subscribed { all: self.clone(), caller: caller.to_owned() })
    }
}

impl Drop for Subscribed {
    fn drop(&mut self) {
        let mut counts = self.all.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.caller) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.caller);
            }
        }
    }
}

/// Names whose subscriptions are counted together; `None`: those of the connection.
pub(crate) fn key_of(principal: &Principal) -> Option<&str> {
    match principal {
        Principal::Anonymous | Principal::Reader { .. } => None,
        Principal::Key { actor, .. } | Principal::Process { actor } => Some(&actor.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_so_many_and_gets_another_one_when_it_gives_one_up() {
        let all = Subscriptions::default();
        let mut open: Vec<_> = (0..3).map(|_| all.open("key", 3).expect("not too many")).collect();
        assert!(all.open("key", 3).is_none());
        assert!(all.clone().open("another", 3).is_some());
        open.pop();
        assert!(all.open("key", 3).is_some());
    }

    #[test]
    fn nothing_is_kept_of_whoever_has_gone() {
        let all = Subscriptions::default();
        drop(all.open("key", 1));
        assert!(all.0.lock().unwrap().is_empty());
    }
}
