//! Whether there is room left to write more.
//!
//! When there is hardly any, only what makes room is accepted: else a full disk could never be
//! emptied through the program that filled it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

/// How long a refusal of the log is remembered. Its disk may be another machine's, where nobody but
/// the next append finds out.
const REFUSAL_US: i64 = 10_000_000;

/// What is known of the room, by whoever watches the disks and by whoever writes. Cheap to clone;
/// clones share what is known.
#[derive(Clone)]
pub struct Room(Arc<State>);

struct State {
    is_short: AtomicBool,
    refused_at_us: AtomicI64,
}

impl Default for Room {
    fn default() -> Self {
        let (is_short, never) = (AtomicBool::new(false), AtomicI64::new(i64::MIN));
        Self(Arc::new(State { is_short, refused_at_us: never }))
    }
}

impl Room {
    /// Says that there is hardly any room, or enough again.
    pub fn set_short(&self, is_short: bool) {
        self.0.is_short.store(is_short, Ordering::SeqCst);
    }

    /// Says whether only what makes room may be written.
    pub fn is_short(&self) -> bool {
        self.0.is_short.load(Ordering::SeqCst)
    }

    /// Says whether a store is full as far as is known.
    pub fn is_full(&self, now_us: i64) -> bool {
        self.is_short() || self.has_refused(now_us)
    }

    /// Says whether something that makes room could not be written for lack of it.
    pub fn is_needed(&self, now_us: i64) -> bool {
        // Nothing else gets as far as the log.
        self.is_short() && self.has_refused(now_us)
    }

    fn has_refused(&self, now_us: i64) -> bool {
        let refused_at_us = self.0.refused_at_us.load(Ordering::SeqCst);
        now_us.saturating_sub(refused_at_us) < REFUSAL_US
    }

    /// Notes that the log had no room.
    pub(crate) fn refused(&self, now_us: i64) {
        self.0.refused_at_us.store(now_us, Ordering::SeqCst);
    }

    /// Notes that the log has written.
    pub(crate) fn written(&self) {
        self.0.refused_at_us.store(i64::MIN, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::Room;

    #[test]
    fn a_refusal_of_the_log_is_forgotten_after_a_while_or_when_it_writes() {
        let room = Room::default();
        assert!(!room.is_full(0));
        room.refused(5);
        assert!(room.is_full(9_000_000));
        assert!(!room.is_full(11_000_000));
        room.refused(20_000_000);
        room.written();
        assert!(!room.is_full(20_000_001));
    }

    #[test]
    fn what_watches_the_disks_decides_what_may_be_written() {
        let room = Room::default();
        room.clone().set_short(true);
        assert!(room.is_short() && room.is_full(0));
        room.set_short(false);
        assert!(!room.is_short());
    }

    #[test]
    fn room_is_needed_when_the_log_refuses_what_makes_room() {
        let room = Room::default();
        room.refused(0);
        assert!(!room.is_needed(1));
        room.set_short(true);
        assert!(room.is_needed(1));
        room.written();
        assert!(!room.is_needed(2));
    }
}
