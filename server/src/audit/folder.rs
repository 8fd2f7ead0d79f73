//! What is kept apart from the database: the key, and the last checkpoint that was signed.
//!
//! A checkpoint is signed by whoever holds the turn: a server, or a command beside it. What is kept
//! last is therefore always the largest one.

use crate::config::Settings;
use crate::data_folder::write_secret;
use anyhow::{Context, bail};
use dlcs_audit::{Checkpoint, Hash, SigningKey};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

const KEY: &str = "audit-key";
const CHECKPOINT: &str = "audit-checkpoint";
const LOCK: &str = "audit-lock";

/// Where key and checkpoint lie.
#[derive(Clone)]
pub(crate) struct AuditFolder {
    data: PathBuf,
    /// Key of the settings.
    given: Option<SigningKey>,
}

/// A checkpoint and the note that says it.
#[derive(Debug, Clone)]
pub(crate) struct Signed {
    pub(crate) note: String,
    pub(crate) checkpoint: Checkpoint,
}

/// Nobody else signs in this folder meanwhile.
pub(crate) struct Turn {
    path: PathBuf,
    key: SigningKey,
    last: Option<Signed>,
    _lock: File,
}

impl AuditFolder {
    pub(crate) fn of(settings: &Settings) -> Self {
        Self { data: settings.data.clone(), given: settings.audit_key.clone() }
    }

    /// Returns the key: of the settings, of the folder, or a new one.
    pub(crate) fn key(&self) -> anyhow::Result<SigningKey> {
        let path = self.data.join(KEY);
        match (kept_key(&path)?, &self.given) {
            (Some(kept), None) => Ok(kept),
            (Some(kept), Some(given)) if kept.verifier() == given.verifier() => Ok(kept),
            (Some(_), Some(_)) => bail!(
                "`{}` is another key than that of the settings: move it away, and `{CHECKPOINT}` with it",
                path.display()
            ),
            (None, _) => self.turn().map(|turn| turn.key),
        }
    }

    /// Waits until nobody else signs.
    pub(crate) fn turn(&self) -> anyhow::Result<Turn> {
        let lock = self.lock()?;
        lock.lock().with_context(|| format!("`{LOCK}` in `{}`", self.data.display()))?;
        self.begin(lock)
    }

    /// `None`: somebody else signs.
    pub(crate) fn try_turn(&self) -> anyhow::Result<Option<Turn>> {
        let lock = self.lock()?;
        match lock.try_lock() {
            Ok(()) => self.begin(lock).map(Some),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error.into()),
        }
    }

    /// Returns the last checkpoint that was signed.
    pub(crate) fn last(&self) -> anyhow::Result<Option<Signed>> {
        kept_checkpoint(&self.data.join(CHECKPOINT), &self.key()?)
    }

    fn lock(&self) -> anyhow::Result<File> {
        if !self.data.is_dir() {
            bail!("there is no data folder `{}`", self.data.display());
        }
        let path = self.data.join(LOCK);
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(&path);
        file.with_context(|| format!("`{}` cannot be used", path.display()))
    }

    fn begin(&self, lock: File) -> anyhow::Result<Turn> {
        let path = self.data.join(KEY);
        let key = match kept_key(&path)? {
            Some(_) => self.key()?,
            None => {
                let key = self.given.clone().map_or_else(new_key, Ok)?;
                write_secret(&path, &format!("{}\n", key.to_secret()))?;
                eprintln!("made the key of the audit log, see {}", path.display());
                key
            }
        };
        let path = self.data.join(CHECKPOINT);
        let last = kept_checkpoint(&path, &key)?;
        Ok(Turn { path, key, last, _lock: lock })
    }
}

impl Turn {
    pub(crate) fn key(&self) -> &SigningKey {
        &self.key
    }

    /// Returns the last checkpoint that was signed.
    pub(crate) fn last(&self) -> Option<&Signed> {
        self.last.as_ref()
    }

    /// Signs what the caller knows to have grown from the last checkpoint, and remembers it.
    pub(crate) fn sign(&self, size: u64, root: Hash) -> anyhow::Result<Signed> {
        let origin = self.key.name().to_owned();
        let checkpoint = Checkpoint { origin, size, root };
        let note = self.key.sign(size, root);
        fail::fail_point!("audit.before-keep");
        write_secret(&self.path, &note)?;
        fail::fail_point!("audit.after-keep");
        Ok(Signed { note, checkpoint })
    }
}

fn new_key() -> anyhow::Result<SigningKey> {
    let name = format!("dlcs.io/audit/{}", hex::encode(rand::random::<[u8; 8]>()));
    Ok(SigningKey::new(&name, rand::random())?)
}

fn kept_key(path: &Path) -> anyhow::Result<Option<SigningKey>> {
    let Some(text) = read(path)? else { return Ok(None) };
    let key = SigningKey::from_secret(&text);
    key.map(Some).with_context(|| format!("`{}` is no key", path.display()))
}

fn kept_checkpoint(path: &Path, key: &SigningKey) -> anyhow::Result<Option<Signed>> {
    let Some(note) = read(path)? else { return Ok(None) };
    let checkpoint = key.verifier().verify(&note);
    let checkpoint =
        checkpoint.with_context(|| format!("`{}` cannot be believed", path.display()))?;
    Ok(Some(Signed { note, checkpoint }))
}

fn read(path: &Path) -> anyhow::Result<Option<String>> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("`{}` cannot be read", path.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(data: &Path, given: Option<SigningKey>) -> AuditFolder {
        AuditFolder { data: data.to_owned(), given }
    }

    #[test]
    fn one_at_a_time_signs_and_finds_what_was_signed_before() {
        let data = tempfile::tempdir().unwrap();
        let folder = folder(data.path(), None);
        let turn = folder.turn().unwrap();
        assert!(turn.last().is_none() && folder.try_turn().unwrap().is_none());
        let signed = turn.sign(3, [1; 32]).unwrap();
        drop(turn);
        let turn = folder.try_turn().unwrap().expect("nobody signs");
        assert_eq!(turn.last().map(|it| &it.note), Some(&signed.note));
        assert_eq!(turn.key().verifier(), folder.key().unwrap().verifier());
        assert_eq!(folder.last().unwrap().map(|it| it.checkpoint), Some(signed.checkpoint));
    }

    #[test]
    fn the_key_of_the_settings_is_kept_and_takes_no_other_ones_place() {
        let data = tempfile::tempdir().unwrap();
        let key = |seed| SigningKey::new("dlcs.io/audit/test", [seed; 32]).unwrap();
        let given = folder(data.path(), Some(key(1)));
        assert_eq!(given.key().unwrap().verifier(), key(1).verifier());
        assert_eq!(folder(data.path(), None).key().unwrap().verifier(), key(1).verifier());
        assert!(folder(data.path(), Some(key(2))).key().is_err());
        assert!(folder(data.path(), Some(key(2))).turn().is_err());
        assert!(folder(&data.path().join("none"), None).key().is_err());
    }
}
