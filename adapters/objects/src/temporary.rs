//! Where files are written before they are kept.
//!
//! Each opened store has a directory of its own under `tmp`, locked as long as it is open. So a
//! start removes what a dead process left, and never what a living one is writing.

use crate::files;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use uuid::Uuid;

pub(crate) struct Temporary {
    path: PathBuf,
    /// Holds the lock on the directory.
    _directory: File,
}

impl Temporary {
    /// Makes the directory of this process in `parent` and removes those of dead ones.
    pub(crate) fn open(parent: &Path) -> io::Result<Self> {
        files::create_dir_durably(parent)?;
        remove_leftovers(parent)?;
        loop {
            let path = parent.join(Uuid::new_v4().to_string());
            fs::create_dir(&path)?;
            // Between these lines another start may take it for a leftover: then once more.
            match lock(&path)? {
                Some(directory) if path.exists() => {
                    return Ok(Self { path, _directory: directory });
                }
                _ => {}
            }
        }
    }

    /// Returns a new name; nothing is made yet.
    pub(crate) fn file(&self) -> PathBuf {
        self.path.join(Uuid::new_v4().to_string())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // What a caller still has staged stays, and goes with the caller or the next start.
        let _ = fs::remove_dir(&self.path);
    }
}

fn remove_leftovers(parent: &Path) -> io::Result<()> {
    for entry in fs::read_dir(parent)? {
        let entry = entry?;
        if !entry.file_type()?.is_dir() {
            fs::remove_file(entry.path())?;
        } else if let Some(directory) = lock(&entry.path())? {
            tracing::info!("removing unfinished files of an earlier run");
            match fs::remove_dir_all(entry.path()) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => drop(directory),
            }
        }
    }
    Ok(())
}

/// Locks a directory; `None` if a living process has it, or it is gone.
fn lock(path: &Path) -> io::Result<Option<File>> {
    let directory = match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    match directory.try_lock() {
        Ok(()) => Ok(Some(directory)),
        Err(fs::TryLockError::WouldBlock) => Ok(None),
        Err(fs::TryLockError::Error(error)) => Err(error),
    }
}
