//! Watches the disks of the data folder and of the blobs, and keeps a little of one in reserve.
//!
//! - Short of room, a server accepts only what makes room. It says so before the disk is full: what
//!   is under way still finishes.
//! - If the disk runs full all the same, a file that was kept for that gives its blocks up, so that
//!   deletions can be recorded. It is made again when there is room.

use rustix::fs::{FallocateFlags, fallocate, statvfs};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Name of the file in reserve.
const RESERVE: &str = "reserve";
const RESERVE_BYTES: u64 = 4 << 20;
/// Below this it is short; on a small volume below an eighth of it.
const SHORT_BYTES: u64 = 64 << 20;
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Looks at the free room of some folders.
pub struct DiskWatch {
    folders: Vec<PathBuf>,
    reserve: PathBuf,
    is_short: bool,
}

/// The room on the volume of a folder, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Volume {
    free: u64,
    total: u64,
}

impl DiskWatch {
    /// `data` holds the reserve; `others` are looked at besides. All of them exist.
    pub fn new(data: &Path, others: &[&Path]) -> Self {
        let folders = std::iter::once(data).chain(others.iter().copied());
        let folders = folders.map(Path::to_owned).collect();
        Self { folders, reserve: data.join(RESERVE), is_short: false }
    }

    /// Looks once, makes the reserve or gives it up, and says whether there is hardly any room.
    pub fn look(&mut self) -> bool {
        let volumes: Vec<Volume> = self.folders.iter().filter_map(|it| volume(it)).collect();
        let is_short = volumes.iter().any(|it| it.is_short(self.is_short));
        if is_short != self.is_short {
            self.is_short = is_short;
            report(is_short, &volumes);
        }
        // The first one is that of the data folder.
        if let Some(volume) = volumes.first()
            && let Err(error) = self.keep_reserve(volume)
        {
            tracing::warn!(%error, "no room can be kept in reserve: {error}");
        }
        is_short
    }

    /// Looks until it is stopped, and tells what it sees.
    pub async fn run(mut self, tell: impl Fn(bool), stop: CancellationToken) {
        while !stop.is_cancelled() {
            let looked = tokio::task::spawn_blocking(move || {
                let is_short = self.look();
                (self, is_short)
            });
            // It panics or ends only with the process.
            let Ok((watch, is_short)) = looked.await else { return };
            self = watch;
            tell(is_short);
            stop.run_until_cancelled(tokio::time::sleep(LOOK_EVERY)).await;
        }
    }

    fn keep_reserve(&self, volume: &Volume) -> io::Result<()> {
        let kept = std::fs::metadata(&self.reserve).map_or(0, |it| it.len());
        let wanted = volume.reserve();
        if kept > 0 && volume.free < wanted / 2 {
            std::fs::remove_file(&self.reserve)?;
            tracing::error!("the disk is full: the room kept in reserve is given up");
        } else if kept == 0 && !self.is_short && volume.free > volume.short() + wanted {
            let file = File::create(&self.reserve)?;
            fallocate(&file, FallocateFlags::empty(), 0, wanted)?;
        }
        Ok(())
    }
}

impl Volume {
    fn short(&self) -> u64 {
        SHORT_BYTES.min(self.total / 8)
    }

    fn reserve(&self) -> u64 {
        RESERVE_BYTES.min(self.total / 32)
    }

    /// Twice as much must be free before it is enough again, so that it does not flutter.
    fn is_short(&self, was_short: bool) -> bool {
        let enough = if was_short { self.short() * 2 } else { self.short() };
        self.free < enough
    }
}

fn volume(folder: &Path) -> Option<Volume> {
    // What cannot be asked (a folder that has gone) tells of itself when it is written to.
    let volume = statvfs(folder).ok()?;
    let free = volume.f_bavail.saturating_mul(volume.f_frsize);
    let total = volume.f_blocks.saturating_mul(volume.f_frsize);
    let name = folder.display().to_string();
    metrics::gauge!("dlcs_disk_free_bytes", "folder" => name).set(free as f64);
    Some(Volume { free, total })
}

fn report(is_short: bool, volumes: &[Volume]) {
    let free = volumes.iter().map(|it| it.free).min().unwrap_or_default() >> 20;
    if is_short {
        tracing::error!(
            "{free} MiB are free: only deletions are accepted until there is room again"
        );
    } else {
        tracing::info!("{free} MiB are free: everything is accepted again");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    #[test]
    fn a_large_volume_is_short_below_64_mib_and_a_small_one_below_an_eighth() {
        let large = |free| Volume { free, total: 1 << 40 };
        assert!(large(63 * MIB).is_short(false));
        assert!(!large(64 * MIB).is_short(false));
        let small = |free| Volume { free, total: 64 * MIB };
        assert!(small(7 * MIB).is_short(false));
        assert!(!small(8 * MIB).is_short(false));
    }

    #[test]
    fn it_stays_short_until_twice_as_much_is_free() {
        let volume = |free| Volume { free, total: 1 << 40 };
        assert!(volume(100 * MIB).is_short(true));
        assert!(!volume(128 * MIB).is_short(true));
    }

    #[test]
    fn the_reserve_is_made_when_there_is_room_and_given_up_when_there_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let watch = DiskWatch::new(folder.path(), &[]);
        let reserve = folder.path().join(RESERVE);
        let volume = |free| Volume { free, total: 1 << 40 };
        watch.keep_reserve(&volume(65 * MIB)).unwrap();
        assert!(!reserve.exists());
        watch.keep_reserve(&volume(69 * MIB)).unwrap();
        assert_eq!(std::fs::metadata(&reserve).unwrap().len(), RESERVE_BYTES);
        watch.keep_reserve(&volume(3 * MIB)).unwrap();
        assert!(reserve.exists());
        watch.keep_reserve(&volume(MIB)).unwrap();
        assert!(!reserve.exists());
    }
}
