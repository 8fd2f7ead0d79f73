//! What parent and child say to each other. Both are always the same program.

use dlcs_imaging::{DecodeLimits, DerivativeFacts, DerivativePolicy};
use serde::{Deserialize, Serialize};

/// The one argument of a worker, as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ImageTask {
    pub(crate) policy: DerivativePolicy,
    pub(crate) limits: DecodeLimits,
    pub(crate) bounds: Bounds,
    pub(crate) threads: usize,
}

/// What the kernel lets a worker have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Bounds {
    /// Address space, in bytes.
    pub(crate) memory_bytes: u64,
    /// Processor time of all threads, in seconds.
    pub(crate) cpu_seconds: u64,
    /// Length of the derivative, in bytes.
    pub(crate) output_bytes: u64,
}

/// The last line of a worker's standard error, as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Answer {
    Derived(DerivativeFacts),
    Refused {
        /// A code of CONTRACT section 4.
        code: String,
        detail: String,
    },
}
