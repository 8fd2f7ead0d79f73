//! The data folder: its lock, its files, the administrator's key.

use crate::config::{AdminKey, Settings};
use anyhow::Context;
use dlcs_adapter_objects::DataLock;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Makes the data folder if it is missing, and takes its lock.
pub(crate) fn lock(settings: &Settings) -> anyhow::Result<DataLock> {
    let folder = &settings.data;
    std::fs::create_dir_all(folder)
        .with_context(|| format!("the data folder `{}` cannot be made", folder.display()))?;
    Ok(DataLock::acquire(folder)?)
}

pub(crate) fn log_path(settings: &Settings) -> PathBuf {
    settings.data.join("events.sqlite")
}

pub(crate) fn control_path(settings: &Settings) -> PathBuf {
    settings.data.join("control.sqlite")
}

pub(crate) fn search_folder(settings: &Settings) -> PathBuf {
    settings.data.join("search")
}

pub(crate) fn read_models_folder(settings: &Settings) -> PathBuf {
    settings.data.join("read")
}

/// Returns what names the folder among those of other processes; made at the first start.
///
/// Whoever holds the folder's lock knows that every earlier process under this name has ended.
pub(crate) fn process_name(settings: &Settings) -> anyhow::Result<String> {
    let path = settings.data.join("process-name");
    let failed = || format!("`{}` cannot be used", path.display());
    match std::fs::read_to_string(&path) {
        Ok(name) if !name.trim().is_empty() => return Ok(name.trim().to_owned()),
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(error).with_context(failed);
        }
        Ok(_) | Err(_) => {}
    }
    let name = hex::encode(rand::random::<[u8; 8]>());
    std::fs::write(&path, format!("{name}\n")).with_context(failed)?;
    Ok(name)
}

/// Returns the administrator's key: of the settings, of the folder, or a new one.
///
/// A new one is written to `admin-key` (mode 0600) and named once on standard error.
pub(crate) fn admin_key(settings: &Settings) -> anyhow::Result<AdminKey> {
    let path = settings.data.join("admin-key");
    if let Some(key) = &settings.admin_key {
        write_key(&path, key)?;
        return Ok(key.clone());
    }
    match std::fs::read_to_string(&path) {
        Ok(text) => AdminKey::parse(&text)
            .with_context(|| format!("`{}` is not KEY:SECRET", path.display())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let key = new_key();
            write_key(&path, &key)?;
            eprintln!("made the administrator's key, see {}", path.display());
            Ok(key)
        }
        Err(error) => Err(error).with_context(|| format!("`{}` cannot be read", path.display())),
    }
}

fn new_key() -> AdminKey {
    let random: [u8; 24] = rand::random();
    AdminKey {
        key: format!("admin-{}", hex::encode(&random[..4])),
        secret: hex::encode(&random[4..]),
    }
}

fn write_key(path: &Path, key: &AdminKey) -> anyhow::Result<()> {
    write_secret(path, &format!("{}:{}\n", key.key, key.secret))
}

/// Writes beside and renames, so that the file is whole; only its owner may read it.
pub(crate) fn write_secret(path: &Path, line: &str) -> anyhow::Result<()> {
    // Nothing is written for nothing: the disk may be full.
    if std::fs::read_to_string(path).is_ok_and(|it| it == *line) {
        return Ok(());
    }
    let beside = path.with_extension("new");
    let _ = std::fs::remove_file(&beside);
    let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&beside)?;
    file.write_all(line.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&beside, path)
        .with_context(|| format!("`{}` cannot be written", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_key_file_is_for_its_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("admin-key");
        write_key(&path, &new_key()).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
