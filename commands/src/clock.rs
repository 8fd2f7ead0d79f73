//! The time, which comes in with commands.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Tells the time, and throws the dice.
pub trait Clock: Send + Sync + 'static {
    /// Returns microseconds since 1970-01-01T00:00:00Z. May jump.
    fn now_us(&self) -> i64;

    /// Returns any number, so that pauses of two processes do not coincide. A simulation decides
    /// it, as it decides the time.
    fn random(&self) -> u64 {
        rand::random()
    }
}

/// The clock of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that everybody else uses")]
    fn now_us(&self) -> i64 {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since_1970.as_micros()).unwrap_or(i64::MAX)
    }
}

/// A clock that stands still until it is moved. Clones share the time.
#[derive(Debug, Clone, Default)]
pub struct ManualClock {
    now_us: Arc<AtomicI64>,
}

impl ManualClock {
    pub fn at(now_us: i64) -> Self {
        Self { now_us: Arc::new(AtomicI64::new(now_us)) }
    }

    pub fn advance_us(&self, duration_us: i64) {
        self.now_us.fetch_add(duration_us, Ordering::Relaxed);
    }
}

impl Clock for ManualClock {
    fn now_us(&self) -> i64 {
        self.now_us.load(Ordering::Relaxed)
    }
}
