//! Seals what must be said again: AES-256-GCM under a key that lies apart from the database.

use crate::config::{SealKey, Settings};
use crate::data_folder::write_secret;
use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use dlcs_commands::vault::{Vault, VaultError};
use dlcs_domain::definition::Sealed;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

const FILE: &str = "seal-key";

/// The key, of the settings or of the data folder. It is made when something is sealed first.
pub(crate) struct KeptVault {
    path: PathBuf,
    key: Mutex<Option<SealKey>>,
}

/// Whether a key is made where there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum IfMissing {
    Make,
    Fail,
}

impl KeptVault {
    pub(crate) fn of(settings: &Settings) -> Self {
        Self { path: settings.data.join(FILE), key: Mutex::new(settings.seal_key.clone()) }
    }

    fn key(&self, if_missing: IfMissing) -> Result<SealKey, VaultError> {
        let mut known = self.key.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = &*known {
            return Ok(key.clone());
        }
        let key = match (read(&self.path)?, if_missing) {
            (Some(key), _) => key,
            (None, IfMissing::Fail) => {
                let path = self.path.display();
                return Err(VaultError(format!(
                    "there is no key: put it back at `{path}`, or give it with --seal-key"
                )));
            }
            (None, IfMissing::Make) => {
                let key = SealKey(rand::random());
                let written = write_secret(&self.path, &format!("{}\n", key.to_text()));
                written.map_err(|error| VaultError(format!("{error:#}")))?;
                tracing::info!("made the key that seals credentials, see {}", self.path.display());
                key
            }
        };
        Ok(known.insert(key).clone())
    }
}

fn read(path: &Path) -> Result<Option<SealKey>, VaultError> {
    let failed = |what: &dyn std::fmt::Display| VaultError(format!("`{}`: {what}", path.display()));
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(&error)),
    };
    let mode = std::fs::metadata(path).map_err(|error| failed(&error))?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(failed(&"others may read it: `chmod 600` it"));
    }
    SealKey::parse(&text).map(Some).ok_or_else(|| failed(&"it holds no key"))
}

impl Vault for KeptVault {
    fn seal(&self, place: &str, text: &str) -> Result<Sealed, VaultError> {
        let key = self.key(IfMissing::Make)?;
        let failed = |_| VaultError("it cannot be sealed".to_owned());
        let mut bytes = text.as_bytes().to_vec();
        let cipher = RandomizedNonceKey::new(&AES_256_GCM, &key.0).map_err(failed)?;
        let nonce = cipher.seal_in_place_append_tag(Aad::from(place.as_bytes()), &mut bytes);
        let mut sealed = nonce.map_err(failed)?.as_ref().to_vec();
        sealed.extend(bytes);
        Ok(Sealed { key: name_of(&key), text: STANDARD.encode(sealed) })
    }

    fn open(&self, place: &str, sealed: &Sealed) -> Result<String, VaultError> {
        let key = self.key(IfMissing::Fail)?;
        if name_of(&key) != sealed.key {
            let detail = format!("it is sealed under another key: that called {}", sealed.key);
            return Err(VaultError(detail));
        }
        let failed = || VaultError("what is sealed is damaged, or was sealed elsewhere".to_owned());
        let mut bytes = STANDARD.decode(&sealed.text).map_err(|_| failed())?;
        let (nonce, text) = bytes.split_at_mut_checked(NONCE_LEN).ok_or_else(failed)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| failed())?;
        let cipher = RandomizedNonceKey::new(&AES_256_GCM, &key.0).map_err(|_| failed())?;
        let opened = cipher.open_in_place(nonce, Aad::from(place.as_bytes()), text);
        let opened = opened.map_err(|_| failed())?;
        String::from_utf8(opened.to_vec()).map_err(|_| failed())
    }

    fn digest(&self, bytes: &[u8]) -> Result<[u8; 32], VaultError> {
        let key = self.key(IfMissing::Make)?;
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key.0), bytes);
        tag.as_ref().try_into().map_err(|_| VaultError("a digest has 32 bytes".to_owned()))
    }
}

/// Names a key without telling it.
fn name_of(key: &SealKey) -> String {
    let name = digest(&SHA256, &[b"dlcs seal key".as_slice(), key.0.as_slice()].concat());
    hex::encode(&name.as_ref()[..4])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vault(folder: &Path) -> KeptVault {
        KeptVault { path: folder.join(FILE), key: Mutex::new(None) }
    }

    #[test]
    fn what_is_sealed_is_opened_at_its_place_alone() {
        let folder = tempfile::tempdir().unwrap();
        let sealed = vault(folder.path()).seal("a", "sesame").unwrap();
        // Another process over the same folder.
        let again = vault(folder.path());
        assert_eq!(again.open("a", &sealed).unwrap(), "sesame");
        assert!(again.open("b", &sealed).is_err());
        assert_ne!(again.seal("a", "sesame").unwrap().text, sealed.text, "no nonce comes twice");
        let mut bytes = STANDARD.decode(&sealed.text).unwrap();
        for at in 0..bytes.len() {
            bytes[at] ^= 1;
            let text = STANDARD.encode(&bytes);
            assert!(again.open("a", &Sealed { text, ..sealed.clone() }).is_err(), "byte {at}");
            bytes[at] ^= 1;
        }
        for text in [String::new(), STANDARD.encode([0; 11]), "%".to_owned()] {
            assert!(again.open("a", &Sealed { text, ..sealed.clone() }).is_err());
        }
    }

    #[test]
    fn a_key_is_for_its_owner_and_nobody_guesses_by_a_digest() {
        let folder = tempfile::tempdir().unwrap();
        let none = vault(folder.path());
        let sealed = Sealed { key: "x".to_owned(), text: String::new() };
        assert!(none.open("a", &sealed).unwrap_err().0.contains("no key"), "none is made to open");
        assert!(!folder.path().join(FILE).exists());
        let digest = none.digest(b"sesame").unwrap();
        assert_eq!(vault(folder.path()).digest(b"sesame").unwrap(), digest);
        assert_ne!(vault(tempfile::tempdir().unwrap().path()).digest(b"sesame").unwrap(), digest);
        let path = folder.path().join(FILE);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let sealed = none.seal("a", "b").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(vault(folder.path()).open("a", &sealed).unwrap_err().0.contains("chmod"));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        std::fs::write(&path, "nonsense").unwrap();
        assert!(vault(folder.path()).open("a", &sealed).is_err());
        std::fs::write(&path, SealKey([7; 32]).to_text()).unwrap();
        let other = vault(folder.path()).open("a", &sealed).unwrap_err();
        assert!(other.0.contains("another key"), "{other}");
    }
}
