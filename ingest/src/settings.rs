//! How much background work is done at once, and how patiently.

use dlcs_eventlog::lease::LEASE_DURATION;
use dlcs_imaging::DecodeLimits;
use std::time::Duration;

/// Settings of ingest, and of recognition.
#[derive(Debug, Clone)]
pub struct IngestSettings {
    /// Attempts that run at once.
    pub at_once: usize,
    /// Assets whose work is known and due; more are not read from the log until there is room.
    pub pending_max: usize,
    /// Assets that wait for a later attempt.
    pub waiting_max: usize,
    /// How long a dead process keeps others from its work.
    pub lease: Duration,
    /// How often the log and the clock are looked at when nothing hints at news.
    pub poll_every: Duration,
    /// How often progress is saved.
    pub save_every: Duration,
    /// How long running attempts may go on when the process stops.
    pub stop_grace: Duration,
    /// How long the derivative of a superseded attempt is kept for those who still read it. Of
    /// ingest alone.
    pub sweep_after: Duration,
    pub limits: DecodeLimits,
}

impl Default for IngestSettings {
    fn default() -> Self {
        Self {
            at_once: std::thread::available_parallelism().map_or(1, usize::from),
            pending_max: 10_000,
            waiting_max: 200_000,
            lease: LEASE_DURATION,
            poll_every: Duration::from_millis(250),
            save_every: Duration::from_secs(1),
            stop_grace: Duration::from_secs(5),
            sweep_after: Duration::from_secs(600),
            limits: DecodeLimits::default(),
        }
    }
}
