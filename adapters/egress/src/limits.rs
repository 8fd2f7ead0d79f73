//! How much and how long an origin may keep us busy.

use std::time::Duration;

/// Limits of one fetch, and of one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchLimits {
    /// Length of the body, in bytes.
    pub body_bytes_max: u64,
    /// Time to look a name up, connect and agree on encryption.
    pub connect: Duration,
    /// Time until an answer's headers are there.
    pub first_byte: Duration,
    /// Bytes that must come in each `rate_window`.
    pub window_bytes_min: u64,
    pub rate_window: Duration,
    /// Time of everything together, redirects included.
    pub total: Duration,
    pub redirects_max: u32,
    /// Time of a message and its answer.
    pub message: Duration,
}

impl Default for FetchLimits {
    fn default() -> Self {
        let rate_window = Duration::from_secs(30);
        Self {
            body_bytes_max: 2 * 1024 * 1024 * 1024,
            connect: Duration::from_secs(5),
            first_byte: Duration::from_secs(15),
            window_bytes_min: 10 * 1024 * rate_window.as_secs(),
            rate_window,
            total: Duration::from_secs(600),
            redirects_max: 3,
            message: Duration::from_secs(15),
        }
    }
}
