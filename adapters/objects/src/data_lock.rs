//! One process at a time writes into a data folder.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

const NAME: &str = "lock";

/// The lock of a data folder, given back when dropped and when the process ends, however it does.
#[derive(Debug)]
pub struct DataLock {
    _file: File,
}

#[derive(Debug, thiserror::Error)]
pub enum LockError {
    #[error("the data folder {} is in use by {holder}", folder.display())]
    Held {
        folder: PathBuf,
        /// For example `process 1234`.
        holder: String,
    },
    #[error("cannot lock the data folder {}: {source}", folder.display())]
    Io { folder: PathBuf, source: std::io::Error },
}

impl DataLock {
    /// Takes the lock of `folder`, which exists, or says at once who holds it.
    pub fn acquire(folder: &Path) -> Result<Self, LockError> {
        let failed = |source| LockError::Io { folder: folder.to_owned(), source };
        let path = folder.join(NAME);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(LockError::Held { folder: folder.to_owned(), holder: holder(file) });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        // On a full disk the number is missing; the lock holds all the same.
        let _ = write_holder(&mut file);
        Ok(Self { _file: file })
    }
}

/// The number is for people: what counts is the lock, which ends with its process.
fn write_holder(file: &mut File) -> std::io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())
}

fn holder(mut file: File) -> String {
    let mut text = String::new();
    match file.read_to_string(&mut text).ok().and_then(|_| text.trim().parse::<u32>().ok()) {
        Some(process) => format!("process {process}"),
        None => "another process".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_one_is_refused_and_told_who_holds_it() {
        let folder = tempfile::tempdir().unwrap();
        let lock = DataLock::acquire(folder.path()).unwrap();
        let error = DataLock::acquire(folder.path()).unwrap_err().to_string();
        assert!(
            error.ends_with(&format!("is in use by process {}", std::process::id())),
            "{error}"
        );
        drop(lock);
        DataLock::acquire(folder.path()).unwrap();
    }

    #[test]
    fn a_lock_file_left_behind_holds_nobody() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(NAME), "1\n").unwrap();
        DataLock::acquire(folder.path()).unwrap();
    }

    #[test]
    fn a_folder_that_is_missing_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let error = DataLock::acquire(&folder.path().join("none")).unwrap_err().to_string();
        assert!(error.contains("none"), "{error}");
    }
}
