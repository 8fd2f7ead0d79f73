//! The in-memory reference.

use super::{IdempotencyError, IdempotencyKey, IdempotencyStore, StoredAnswer};
use async_trait::async_trait;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Answers that live as long as the process.
#[derive(Debug, Default)]
pub struct MemoryAnswers {
    answers: Mutex<HashMap<IdempotencyKey, StoredAnswer>>,
}

impl MemoryAnswers {
    fn answers(&self) -> MutexGuard<'_, HashMap<IdempotencyKey, StoredAnswer>> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl IdempotencyStore for MemoryAnswers {
    async fn get(&self, key: &IdempotencyKey) -> Result<Option<StoredAnswer>, IdempotencyError> {
        Ok(self.answers().get(key).cloned())
    }

    async fn put(&self, answer: StoredAnswer) -> Result<(), IdempotencyError> {
        self.answers().insert(answer.key.clone(), answer);
        Ok(())
    }

    async fn purge(&self, before_us: i64) -> Result<u64, IdempotencyError> {
        let mut answers = self.answers();
        let count = answers.len();
        answers.retain(|_, answer| answer.answered_at_us >= before_us);
        Ok((count - answers.len()) as u64)
    }
}
