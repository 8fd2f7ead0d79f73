//! Files that survive power loss: the order of writing, syncing and renaming.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::Path;

/// Writes a new file and syncs it.
pub(crate) fn write_durably(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create_new(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Moves a synced file to its place and syncs the directory, which is made if it is missing.
pub(crate) fn rename_durably(from: &Path, to: &Path) -> io::Result<()> {
    let parent = parent(to)?;
    if let Err(error) = fs::rename(from, to) {
        let is_first_of_its_directory = error.kind() == ErrorKind::NotFound && from.exists();
        if !is_first_of_its_directory {
            return Err(error);
        }
        create_dir_durably(parent)?;
        fs::rename(from, to)?;
    }
    sync_dir(parent)
}

/// Makes a directory and what is missing above it; each new name is synced.
pub(crate) fn create_dir_durably(path: &Path) -> io::Result<()> {
    match fs::create_dir(path) {
        Ok(()) => {}
        // Whoever made it may not have synced its name yet.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        Err(error) if error.kind() == ErrorKind::NotFound => {
            create_dir_durably(parent(path)?)?;
            match fs::create_dir(path) {
                Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
                _ => {}
            }
        }
        Err(error) => return Err(error),
    }
    sync_dir(parent(path)?)
}

pub(crate) fn sync_dir(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

fn parent(path: &Path) -> io::Result<&Path> {
    match path.parent() {
        // The parent of a bare relative name.
        Some(parent) if parent.as_os_str().is_empty() => Ok(Path::new(".")),
        Some(parent) => Ok(parent),
        None => Err(io::Error::new(ErrorKind::InvalidInput, "a root has no parent")),
    }
}
