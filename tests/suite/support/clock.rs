//! A clock of the world that jumps, for processes that are started under it.

use super::disks::shim;
use std::path::Path;
use tempfile::TempDir;

pub(crate) const HOUR: i64 = 3_600;

pub(crate) struct WorldClock {
    folder: TempDir,
}

impl WorldClock {
    /// Begins with the time of the machine.
    pub(crate) fn build() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        shim("clock_shim.c", &folder.path().join("shim.so"));
        let clock = Self { folder };
        clock.set(0);
        clock
    }

    /// Sets it to so many seconds from the time of the machine, for whoever runs already too.
    pub(crate) fn set(&self, seconds: i64) {
        use std::io::Write;
        // Written over, not made anew: it is mapped.
        let path = self.folder.path().join("offset");
        let file = std::fs::OpenOptions::new().create(true).truncate(false).write(true).open(path);
        file.expect("it is ours").write_all(&seconds.to_ne_bytes()).expect("room");
    }

    /// What a process's environment must hold for it.
    pub(crate) fn environment(&self) -> [(&'static str, String); 2] {
        let text = |path: &Path| path.to_str().expect("UTF-8").to_owned();
        let library = text(&self.folder.path().join("shim.so"));
        [("LD_PRELOAD", library), ("DLCS_CLOCK", text(&self.folder.path().join("offset")))]
    }
}
