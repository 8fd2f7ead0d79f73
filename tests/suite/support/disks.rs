//! Disks that fail: one whose sync does not succeed, and one that is too small.

use super::workspace_root;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// Builds what stands before the C library, with the compiler that Rust needs anyhow.
pub(super) fn shim(source: &str, library: &Path) {
    let built = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-o"])
        .arg(library)
        .arg(workspace_root().join("tests/suite/support").join(source))
        .arg("-ldl")
        .status();
    assert!(built.expect("there is a C compiler").success(), "{source} is not built");
}

/// Lets a sync of the server fail, once, when it is told to.
pub(crate) struct SyncShim {
    folder: TempDir,
}

impl SyncShim {
    pub(crate) fn build() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        shim("sync_shim.c", &folder.path().join("shim.so"));
        Self { folder }
    }

    /// What a server's environment must hold for it.
    pub(crate) fn environment(&self) -> [(&'static str, String); 2] {
        let text = |path: &Path| path.to_str().expect("UTF-8").to_owned();
        let library = text(&self.folder.path().join("shim.so"));
        [("LD_PRELOAD", library), ("DLCS_SHIM", text(self.folder.path()))]
    }

    /// Lets the next sync of a file fail whose path fits a pattern of the shell.
    pub(crate) fn arm(&self, pattern: &str) {
        for name in ["failed", "again"] {
            // Mostly there is none.
            let _ = std::fs::remove_file(self.folder.path().join(name));
        }
        // Renamed into its place, so that it is there whole.
        let written = self.folder.path().join("pattern");
        std::fs::write(&written, pattern).expect("room");
        std::fs::rename(&written, self.folder.path().join("armed")).expect("the same folder");
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.folder.path().join("failed").exists()
    }

    /// Says whether a file was synced again after its sync had failed.
    pub(crate) fn was_tried_again(&self) -> bool {
        self.folder.path().join("again").exists()
    }
}

/// A volume of a few MiB, which goes with this.
pub(crate) struct SmallDisk {
    folder: TempDir,
}

impl SmallDisk {
    /// `None`, and loudly: only root may mount one. In CI that is a failure.
    pub(crate) fn mount(size_mib: u32) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let size = format!("size={size_mib}m");
        let mut command = Command::new("mount");
        command.args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(folder.path());
        let output = command.output().expect("there is a mount command");
        if output.status.success() {
            return Some(Self { folder });
        }
        let reason = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(std::env::var_os("CI").is_none(), "a small disk cannot be mounted: {reason}");
        eprintln!("SKIPPED: a small disk cannot be mounted: {reason}");
        None
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes into a file until nothing more fits; returns it.
    pub(crate) fn fill(&self) -> PathBuf {
        use std::io::Write;
        let path = self.path().join("filler");
        let mut file = std::fs::File::create(&path).expect("a name fits");
        for length in [1 << 20, 1 << 12, 1] {
            let block = vec![b'x'; length];
            while file.write(&block).is_ok_and(|written| written > 0) {}
        }
        path
    }

    /// Somebody makes room.
    pub(crate) fn grow(&self, size_mib: u32) {
        let options = format!("remount,size={size_mib}m");
        let mut command = Command::new("mount");
        command.args(["-o", &options]).arg(self.path());
        assert!(command.status().expect("it ran before").success());
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: what is still open must not keep it in the tree.
        let _ = Command::new("umount").arg("--lazy").arg(self.path()).status();
    }
}
