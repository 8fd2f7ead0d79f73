//! The in-memory reference.

use super::{Session, SessionError, SessionStore};
use async_trait::async_trait;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Sessions that live as long as the process.
#[derive(Debug, Default)]
pub struct MemorySessions {
    sessions: Mutex<HashMap<String, Session>>,
}

impl MemorySessions {
    fn sessions(&self) -> MutexGuard<'_, HashMap<String, Session>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl SessionStore for MemorySessions {
    async fn session(&self, id: &str) -> Result<Option<Session>, SessionError> {
        Ok(self.sessions().get(id).cloned())
    }

    async fn keep(&self, session: Session) -> Result<(), SessionError> {
        self.sessions().insert(session.id.clone(), session);
        Ok(())
    }

    async fn end(&self, id: &str) -> Result<(), SessionError> {
        self.sessions().retain(|_, it| it.id != id && it.parent.as_deref() != Some(id));
        Ok(())
    }

    async fn purge_expired(&self, before_us: i64) -> Result<u64, SessionError> {
        let mut sessions = self.sessions();
        let count = sessions.len();
        sessions.retain(|_, it| it.expires_at_us >= before_us);
        Ok((count - sessions.len()) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::MemorySessions;

    #[tokio::test]
    async fn it_is_a_store_of_sessions() {
        super::super::conformance(&MemorySessions::default()).await;
    }
}
