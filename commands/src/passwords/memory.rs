//! The in-memory reference.

use super::{PasswordError, PasswordStore};
use async_trait::async_trait;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use uuid::Uuid;

/// Hashes that live as long as the process.
#[derive(Debug, Default)]
pub struct MemoryPasswords {
    hashes: Mutex<HashMap<Uuid, String>>,
}

impl MemoryPasswords {
    fn hashes(&self) -> MutexGuard<'_, HashMap<Uuid, String>> {
        self.hashes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns how many there are.
    #[cfg(test)]
    pub(crate) fn count(&self) -> usize {
        self.hashes().len()
    }
}

#[async_trait]
impl PasswordStore for MemoryPasswords {
    async fn hash(&self, id: Uuid) -> Result<Option<String>, PasswordError> {
        Ok(self.hashes().get(&id).cloned())
    }

    async fn keep(&self, id: Uuid, hash: String) -> Result<(), PasswordError> {
        self.hashes().insert(id, hash);
        Ok(())
    }

    async fn forget(&self, id: Uuid) -> Result<(), PasswordError> {
        self.hashes().remove(&id);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::MemoryPasswords;

    #[tokio::test]
    async fn it_is_a_store_of_passwords() {
        super::super::conformance(&MemoryPasswords::default()).await;
    }
}
