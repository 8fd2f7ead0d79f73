//! What parent and child say to each other. Both are always the same program.

use dlcs_imaging::DecodeLimits;
use dlcs_text::recogniser::Recognised;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Length of a task, in bytes.
pub(crate) const TASK_BYTES_MAX: usize = 64 * 1024;
/// Length of an answer, in bytes. A word takes about a hundred.
pub(crate) const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;

/// The one argument of a process, as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ProcessTask {
    pub(crate) engine: EngineTask,
    pub(crate) bounds: Bounds,
}

/// What an engine is to work with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineTask {
    /// The folder of models.
    pub models: PathBuf,
    /// Pixels of a page.
    pub pixels_max: u64,
}

/// What the kernel lets a process have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Bounds {
    /// Address space, in bytes.
    pub(crate) memory_bytes: u64,
    /// Processor time of one page, in seconds.
    pub(crate) cpu_seconds: u64,
    /// Pages in its life.
    pub(crate) pages_max: u32,
    /// 0 to 19: how much it stands back for others.
    pub(crate) niceness: u8,
}

/// One page. The source goes beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PageTask {
    pub(crate) languages: Vec<String>,
    pub(crate) limits: DecodeLimits,
}

/// What became of a page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct PageAnswer {
    pub(crate) result: PageResult,
    /// Memory of the process that is in use, in bytes.
    pub(crate) resident_bytes: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum PageResult {
    Recognised(Box<Recognised>),
    Refused {
        /// A code of CONTRACT section 4.
        code: String,
        detail: String,
    },
}
