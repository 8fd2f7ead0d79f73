//! Watches the disks of the data folder and of the blobs, and keeps a little of one in reserve.
//!
//! - Short of room, a server accepts only what makes room. It says so before the disk is full: what
//!   is under way still finishes.
//! - If the disk runs full all the same, a file that was kept for that gives its blocks up, so that
//!   deletions can be recorded: a part at a time, and only when somebody needs it, else whoever
//!   filled the disk would take it, too. It is made again when there is room.

use rustix::fs::{FallocateFlags, fallocate, statvfs};
use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Name of the file in reserve.
const RESERVE: &str = "reserve";
/// On a small volume a sixteenth of it.
const RESERVE_BYTES: u64 = 16 << 20;
/// In how many parts the reserve is given up.
const RESERVE_PARTS: u64 = 4;
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

    /// Gives the whole reserve up if the disk is full: opening the stores moves what was written
    /// last into the databases, and a start that fails for lack of room heals nothing.
    pub fn make_room_for_start(&self) -> io::Result<()> {
        match self.folders.first().and_then(|it| volume(it)) {
            Some(data) if data.is_full() => self.shorten_reserve(0),
            _ => Ok(()),
        }
    }

    /// Looks once, makes the reserve or gives a part of it up where it `is_wanted`, and says whether
    /// there is hardly any room.
    pub fn look(&mut self, is_wanted: bool) -> bool {
        let volumes: Vec<Volume> = self.folders.iter().filter_map(|it| volume(it)).collect();
        let is_short = volumes.iter().any(|it| it.is_short(self.is_short));
        if is_short != self.is_short {
            self.is_short = is_short;
            report(is_short, &volumes);
        }
        // The first one is that of the data folder.
        if let Some(data) = volumes.first()
            && let Err(error) = self.keep_reserve(data, is_wanted)
        {
            tracing::warn!(%error, "no room can be kept in reserve: {error}");
        }
        is_short
    }

    /// Looks until it is stopped, and tells what it sees. `is_wanted` says whether something that
    /// has to be written waits for room.
    pub async fn run(
        mut self,
        tell: impl Fn(bool),
        is_wanted: impl Fn() -> bool,
        stop: CancellationToken,
    ) {
        while !stop.is_cancelled() {
            let is_wanted = is_wanted();
            let looked = tokio::task::spawn_blocking(move || {
                let is_short = self.look(is_wanted);
                (self, is_short)
            });
            // It panics or ends only with the process.
            let Ok((watch, is_short)) = looked.await else { return };
            self = watch;
            tell(is_short);
            stop.run_until_cancelled(tokio::time::sleep(LOOK_EVERY)).await;
        }
    }

    fn keep_reserve(&self, data: &Volume, is_wanted: bool) -> io::Result<()> {
        let kept = self.kept();
        let wanted = data.reserve();
        if kept > 0 && is_wanted && data.is_full() {
            self.shorten_reserve(kept.saturating_sub(data.part()))?;
        } else if kept < wanted && !self.is_short && data.free > data.short() + wanted {
            let file = OpenOptions::new().create(true).append(true).open(&self.reserve)?;
            fallocate(&file, FallocateFlags::empty(), 0, wanted)?;
        }
        Ok(())
    }

    fn shorten_reserve(&self, bytes: u64) -> io::Result<()> {
        if self.kept() <= bytes {
            return Ok(());
        }
        File::options().write(true).open(&self.reserve)?.set_len(bytes)?;
        tracing::error!("the disk is full: of the room kept in reserve, {bytes} bytes are left");
        Ok(())
    }

    fn kept(&self) -> u64 {
        std::fs::metadata(&self.reserve).map_or(0, |it| it.len())
    }
}

impl Volume {
    fn short(&self) -> u64 {
        SHORT_BYTES.min(self.total / 8)
    }

    fn reserve(&self) -> u64 {
        RESERVE_BYTES.min(self.total / 16)
    }

    fn part(&self) -> u64 {
        self.reserve() / RESERVE_PARTS
    }

    /// Whether the next thing to be written may not find any room.
    fn is_full(&self) -> bool {
        self.free < self.part()
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
    fn the_reserve_is_made_when_there_is_room() {
        let folder = tempfile::tempdir().unwrap();
        let watch = DiskWatch::new(folder.path(), &[]);
        watch.keep_reserve(&with_free(80 * MIB), false).unwrap();
        assert_eq!(watch.kept(), 0);
        watch.keep_reserve(&with_free(81 * MIB), false).unwrap();
        assert_eq!(watch.kept(), RESERVE_BYTES);
    }

    #[test]
    fn a_part_of_the_reserve_is_given_up_when_the_disk_is_full_and_somebody_needs_it() {
        let folder = tempfile::tempdir().unwrap();
        let watch = DiskWatch::new(folder.path(), &[]);
        watch.keep_reserve(&with_free(1 << 30), false).unwrap();
        watch.keep_reserve(&with_free(MIB), false).unwrap();
        watch.keep_reserve(&with_free(4 * MIB), true).unwrap();
        assert_eq!(watch.kept(), RESERVE_BYTES);
        for left in [3, 2, 1, 0, 0] {
            watch.keep_reserve(&with_free(MIB), true).unwrap();
            assert_eq!(watch.kept(), left * RESERVE_BYTES / RESERVE_PARTS);
        }
        watch.keep_reserve(&with_free(1 << 30), false).unwrap();
        assert_eq!(watch.kept(), RESERVE_BYTES);
    }

    #[test]
    fn a_start_leaves_the_reserve_alone_where_there_is_room() {
        let folder = tempfile::tempdir().unwrap();
        let watch = DiskWatch::new(folder.path(), &[]);
        watch.keep_reserve(&with_free(1 << 30), false).unwrap();
        watch.make_room_for_start().unwrap();
        assert_eq!(watch.kept(), RESERVE_BYTES);
    }

    fn with_free(free: u64) -> Volume {
        Volume { free, total: 1 << 40 }
    }
}
