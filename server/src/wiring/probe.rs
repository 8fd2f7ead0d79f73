//! Whether the worker process works.

use dlcs_adapter_worker::{ProcessWorker, ProcessWorkerSettings};
use dlcs_imaging::{DecodeLimits, DerivativePolicy};
use dlcs_ingest::ImageWorker;
use std::time::Duration;
use uuid::Uuid;

/// Lets a worker decode a picture of one pixel, as `doctor` asks.
pub(crate) async fn probe_worker() -> anyhow::Result<()> {
    /// A PNG of one gray pixel.
    const PIXEL: &[u8] = &[
        0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13, b'I', b'H', b'D', b'R', 0, 0,
        0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0, 0x3a, 0x7e, 0x9b, 0x55, 0, 0, 0, 10, b'I', b'D', b'A',
        b'T', 0x78, 0x9c, 0x63, 0x60, 0, 0, 0, 2, 0, 1, 0x48, 0xaf, 0xa4, 0x71, 0, 0, 0, 0, b'I',
        b'E', b'N', b'D', 0xae, 0x42, 0x60, 0x82,
    ];
    let folder = std::env::temp_dir().join(format!("dlcs-doctor-{}", Uuid::new_v4()));
    std::fs::create_dir(&folder)?;
    let (source, output) = (folder.join("source"), folder.join("output"));
    std::fs::write(&source, PIXEL)?;
    std::fs::write(&output, [])?;
    let worker = ProcessWorker::new(ProcessWorkerSettings {
        deadline: Duration::from_secs(20),
        ..ProcessWorkerSettings::of_this_program()?
    });
    let policy = DerivativePolicy::default();
    let derived = worker.derive(&source, &output, &policy, &DecodeLimits::default()).await;
    // Leftovers in the system's temporary folder harm nobody.
    let _ = std::fs::remove_dir_all(&folder);
    derived?;
    Ok(())
}
