//! The port that seals what must be said again word for word, and is kept by nobody in clear.

use dlcs_domain::DefinitionId;
use dlcs_domain::definition::{Definition, OriginStrategy, Sealed};
use serde::{Deserialize, Serialize};
use std::fmt;

const USER_BYTES_MAX: usize = 255;
const PASSWORD_BYTES_MAX: usize = 1024;

/// Seals and opens. What is sealed for one place cannot be opened at another one.
pub trait Vault: Send + Sync {
    fn seal(&self, place: &str, text: &str) -> Result<Sealed, VaultError>;

    fn open(&self, place: &str, sealed: &Sealed) -> Result<String, VaultError>;

    /// Digests under the key: nobody without it can try out what was digested.
    fn digest(&self, bytes: &[u8]) -> Result<[u8; 32], VaultError>;
}

/// Why something cannot be sealed or opened; for the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct VaultError(pub String);

/// What an origin wants to be told. Its `Debug` shows nothing.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OriginCredentials {
    pub user: String,
    pub password: String,
}

impl fmt::Debug for OriginCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OriginCredentials(…)")
    }
}

impl OriginCredentials {
    /// Checks that they can be sent (RFC 7617). The sentence of a refusal holds nothing of them.
    pub fn new(user: &str, password: &str) -> Result<Self, &'static str> {
        if user.is_empty() || user.len() > USER_BYTES_MAX {
            return Err("`user` has 1 to 255 bytes");
        }
        if password.len() > PASSWORD_BYTES_MAX {
            return Err("`password` has at most 1024 bytes");
        }
        if user.contains(':') || [user, password].iter().any(|it| it.chars().any(char::is_control))
        {
            return Err("`user` has no `:`, and neither has control characters");
        }
        Ok(Self { user: user.to_owned(), password: password.to_owned() })
    }

    /// Seals them for one strategy.
    pub fn sealed(&self, vault: &dyn Vault, id: &DefinitionId) -> Result<Sealed, VaultError> {
        let text = serde_json::to_string(self).map_err(|_| malformed())?;
        vault.seal(&place(id), &text)
    }

    /// Opens those of a strategy.
    pub fn opened(
        vault: &dyn Vault,
        id: &DefinitionId,
        sealed: &Sealed,
    ) -> Result<Self, VaultError> {
        let text = vault.open(&place(id), sealed)?;
        // What serde says of it may hold parts of it.
        serde_json::from_str(&text).map_err(|_| malformed())
    }
}

fn place(id: &DefinitionId) -> String {
    format!("{}-{id}", OriginStrategy::CATEGORY)
}

fn malformed() -> VaultError {
    VaultError("what is sealed are no credentials".to_owned())
}

#[cfg(test)]
mod tests {
    use super::OriginCredentials;

    #[test]
    fn credentials_can_be_sent_and_are_not_shown() {
        let told = OriginCredentials::new("reader", "open: sesame").unwrap();
        assert!(!format!("{told:?}").contains("sesame"));
        assert!(OriginCredentials::new("reader", "").is_ok());
        for (user, password) in [("", "a"), ("a:b", "c"), ("a\n", "b"), ("a", "b\r\nX: y")] {
            assert!(OriginCredentials::new(user, password).is_err());
        }
        let long = "a".repeat(1025);
        assert!(OriginCredentials::new(&long, "a").is_err());
        assert!(OriginCredentials::new("a", &long).is_err());
    }
}
