//! Signed notes and checkpoints: C2SP signed-note and tlog-checkpoint, with Ed25519.

use crate::tree::Hash;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, Signer, VerifyingKey};
use sha2::{Digest, Sha256};
use std::fmt;
use std::str::FromStr;

/// Says that a key is Ed25519.
const ALGORITHM: u8 = 1;
const PRIVATE: &str = "PRIVATE+KEY+";

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    #[error("this is no key as C2SP writes it")]
    Key,
    #[error("this is no checkpoint as C2SP writes it")]
    Checkpoint,
    #[error("the checkpoint is of `{found}`, and not of `{wanted}`")]
    Origin { found: String, wanted: String },
    #[error("the checkpoint is not signed by this key")]
    Unsigned,
}

/// Signs checkpoints of one log, which it names.
#[derive(Clone)]
pub struct SigningKey {
    name: String,
    key: ed25519_dalek::SigningKey,
}

impl fmt::Debug for SigningKey {
    /// Shows the name only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({}, …)", self.name)
    }
}

/// Verifies checkpoints of one log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    key: VerifyingKey,
}

/// How large a log is, and the root of its tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Name of the log.
    pub origin: String,
    pub size: u64,
    pub root: Hash,
}

impl SigningKey {
    /// Makes a key of 32 random bytes. A name has no blank and no `+`.
    pub fn new(name: &str, seed: [u8; 32]) -> Result<Self, NoteError> {
        if !is_name(name) {
            return Err(NoteError::Key);
        }
        let key = ed25519_dalek::SigningKey::from_bytes(&seed);
        Ok(Self { name: name.to_owned(), key })
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn verifier(&self) -> VerifierKey {
        VerifierKey { name: self.name.clone(), key: self.key.verifying_key() }
    }

    /// Returns the signed note of a checkpoint. Its origin is the name of this key.
    pub fn sign(&self, size: u64, root: Hash) -> String {
        self.sign_text(&Checkpoint { origin: self.name.clone(), size, root }.to_string())
    }

    /// Returns the signed note of a text, which ends with a line feed and has no empty line.
    pub fn sign_text(&self, text: &str) -> String {
        let mut signature = self.verifier().id().to_vec();
        signature.extend(self.key.sign(text.as_bytes()).to_bytes());
        format!("{text}\n— {} {}\n", self.name, STANDARD.encode(signature))
    }

    /// Returns the key as it is kept. A secret.
    pub fn to_secret(&self) -> String {
        let mut bytes = vec![ALGORITHM];
        bytes.extend(self.key.to_bytes());
        let id = hex::encode(self.verifier().id());
        format!("{PRIVATE}{}+{id}+{}", self.name, STANDARD.encode(bytes))
    }

    /// Reads a key that was kept.
    pub fn from_secret(text: &str) -> Result<Self, NoteError> {
        let rest = text.trim().strip_prefix(PRIVATE).ok_or(NoteError::Key)?;
        let (name, id, seed) = parts(rest)?;
        let key = Self::new(name, seed)?;
        if key.verifier().id() != id {
            return Err(NoteError::Key);
        }
        Ok(key)
    }
}

impl VerifierKey {
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The first four bytes of SHA-256 over name, line feed, algorithm and key.
    fn id(&self) -> [u8; 4] {
        let digest = Sha256::new()
            .chain_update(&self.name)
            .chain_update([b'\n', ALGORITHM])
            .chain_update(self.key.as_bytes())
            .finalize();
        [digest[0], digest[1], digest[2], digest[3]]
    }

    /// Reads a checkpoint, if this key has signed it. Signatures of others are no harm.
    pub fn verify(&self, note: &str) -> Result<Checkpoint, NoteError> {
        let text = note.split_once("\n\n").ok_or(NoteError::Checkpoint)?.0;
        let checkpoint: Checkpoint = text.parse()?;
        if checkpoint.origin != self.name {
            let (found, wanted) = (checkpoint.origin, self.name.clone());
            return Err(NoteError::Origin { found, wanted });
        }
        self.verify_text(note)?;
        Ok(checkpoint)
    }

    /// Returns the text of a note with its last line feed, if this key has signed it.
    pub fn verify_text(&self, note: &str) -> Result<String, NoteError> {
        let (text, signatures) = note.split_once("\n\n").ok_or(NoteError::Checkpoint)?;
        let text = format!("{text}\n");
        let is_signed = |line: &str| {
            let rest = line.strip_prefix("— ")?.strip_prefix(&*self.name)?.strip_prefix(' ')?;
            let bytes = STANDARD.decode(rest).ok()?;
            let (id, signature) = bytes.split_first_chunk::<4>()?;
            let signature = Signature::from_slice(signature).ok()?;
            (*id == self.id()).then_some(())?;
            self.key.verify_strict(text.as_bytes(), &signature).ok()
        };
        match signatures.lines().any(|line| is_signed(line).is_some()) {
            true => Ok(text),
            false => Err(NoteError::Unsigned),
        }
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = vec![ALGORITHM];
        bytes.extend(self.key.as_bytes());
        write!(f, "{}+{}+{}", self.name, hex::encode(self.id()), STANDARD.encode(bytes))
    }
}

impl FromStr for VerifierKey {
    type Err = NoteError;

    fn from_str(text: &str) -> Result<Self, NoteError> {
        let (name, id, key) = parts(text.trim())?;
        let key = VerifyingKey::from_bytes(&key).map_err(|_| NoteError::Key)?;
        let key = Self { name: name.to_owned(), key };
        if !is_name(name) || key.id() != id {
            return Err(NoteError::Key);
        }
        Ok(key)
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}\n{}\n", self.origin, self.size, STANDARD.encode(self.root))
    }
}

impl FromStr for Checkpoint {
    type Err = NoteError;

    /// Reads the text of a note. Lines behind the third are allowed, and say nothing here.
    fn from_str(text: &str) -> Result<Self, NoteError> {
        let mut lines = text.lines();
        let mut next = || lines.next().filter(|it| !it.is_empty()).ok_or(NoteError::Checkpoint);
        let (origin, size, root) = (next()?, next()?, next()?);
        let number: u64 = size.parse().map_err(|_| NoteError::Checkpoint)?;
        let root = STANDARD.decode(root).ok().and_then(|it| it.try_into().ok());
        let root = root.ok_or(NoteError::Checkpoint)?;
        // One spelling of a number.
        if number.to_string() != size {
            return Err(NoteError::Checkpoint);
        }
        Ok(Self { origin: origin.to_owned(), size: number, root })
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(|it: char| it.is_whitespace() || it == '+')
}

/// Reads `name+id+base64`, of which the last part is the algorithm and 32 bytes.
fn parts(text: &str) -> Result<(&str, [u8; 4], [u8; 32]), NoteError> {
    let mut parts = text.splitn(3, '+');
    let mut next = || parts.next().ok_or(NoteError::Key);
    let (name, id, key) = (next()?, next()?, next()?);
    let id = hex::decode(id).ok().and_then(|it| it.try_into().ok()).ok_or(NoteError::Key)?;
    let key = STANDARD.decode(key).map_err(|_| NoteError::Key)?;
    match key.split_first() {
        Some((&ALGORITHM, key)) => Ok((name, id, key.try_into().map_err(|_| NoteError::Key)?)),
        _ => Err(NoteError::Key),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> SigningKey {
        SigningKey::new("dlcs.example/audit", [7; 32]).expect("a name")
    }

    #[test]
    fn a_checkpoint_is_signed_and_verified() {
        let note = key().sign(3, [1; 32]);
        let lines: Vec<&str> = note.lines().collect();
        assert_eq!(lines[..3], ["dlcs.example/audit", "3", &STANDARD.encode([1; 32])]);
        assert!(lines[3].is_empty() && lines[4].starts_with("— dlcs.example/audit "), "{note}");
        let verifier: VerifierKey = key().verifier().to_string().parse().expect("its own spelling");
        let origin = "dlcs.example/audit".to_owned();
        assert_eq!(verifier.verify(&note), Ok(Checkpoint { origin, size: 3, root: [1; 32] }));
        let kept = SigningKey::from_secret(&key().to_secret()).expect("its own spelling");
        assert_eq!(kept.verifier(), verifier);
    }

    /// Each change of a note is found, wherever it is.
    #[test]
    fn a_note_that_was_changed_is_not_signed() {
        let (note, verifier) = (key().sign(3, [1; 32]), key().verifier());
        for at in 0..note.len() {
            let mut bytes = note.clone().into_bytes();
            bytes[at] ^= 1;
            if let Ok(changed) = String::from_utf8(bytes) {
                assert!(verifier.verify(&changed).is_err(), "byte {at}: {changed}");
            }
        }
        let other = SigningKey::new("dlcs.example/audit", [8; 32]).expect("a name");
        assert_eq!(other.verifier().verify(&note), Err(NoteError::Unsigned));
        let elsewhere = SigningKey::new("elsewhere", [7; 32]).expect("a name").sign(3, [1; 32]);
        assert!(matches!(verifier.verify(&elsewhere), Err(NoteError::Origin { .. })));
    }

    /// Key and note of the tests of Go's `golang.org/x/mod/sumdb/note`.
    #[test]
    fn notes_of_others_are_read() {
        let key = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
        let key: VerifierKey = key.parse().expect("a key");
        assert_eq!(
            key.to_string(),
            "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
        );
        for wrong in
            ["", "a", "a+b", "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"]
        {
            assert!(wrong.parse::<VerifierKey>().is_err(), "{wrong}");
        }
    }
}
