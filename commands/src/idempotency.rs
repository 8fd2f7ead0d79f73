//! Makes a client's command safe to repeat.
//!
//! - The same key with the same body gets the answer of the first time; with another body it is
//!   refused.
//! - Two at once queue up: the second gets the answer of the first.
//! - The store is a cache. If an answer is lost, the command id that follows from the key makes
//!   the log recognise its own events, and nothing happens twice.

mod memory;
#[cfg(test)]
mod tests;

pub use memory::MemoryAnswers;

use crate::clock::Clock;
use crate::context::CommandContext;
use crate::keyed::{KeyedGuard, KeyedLocks};
use async_trait::async_trait;
use bytes::Bytes;
use dlcs_eventlog::Position;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use uuid::Uuid;

/// Namespace of the command ids that follow from keys of clients. Never changes.
const NAMESPACE: Uuid = Uuid::from_u128(0x6f8a_2f7e_51c4_4d0b_9a33_d0c5_1b6e_7a21);
const KEY_BYTES_MAX: usize = 255;

/// A key of a client. Keys of different actors never meet.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IdempotencyKey {
    /// Actor and customer.
    pub scope: String,
    pub key: String,
}

/// An answer that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredAnswer {
    pub key: IdempotencyKey,
    /// Of the request, in hexadecimal.
    pub body_sha256: String,
    pub command_id: Uuid,
    /// HTTP status, for example 201.
    pub status: u16,
    /// Path of the resource, without scheme and host.
    pub location: Option<String>,
    pub content_type: Option<String>,
    pub body: Bytes,
    pub position: Position,
    pub answered_at_us: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdempotencyError {
    #[error("an idempotency key has 1 to 255 visible ASCII characters")]
    InvalidKey,
    #[error("the idempotency key has been used with another body")]
    OtherBody,
    #[error("the control store cannot be used: {0}")]
    Store(String),
}

/// Keeps answers for a while. Losing one is no harm.
#[async_trait]
pub trait IdempotencyStore: Send + Sync + 'static {
    async fn get(&self, key: &IdempotencyKey) -> Result<Option<StoredAnswer>, IdempotencyError>;

    /// Keeps an answer, in place of an older one.
    async fn put(&self, answer: StoredAnswer) -> Result<(), IdempotencyError>;

    /// Forgets answers given before a time and returns how many.
    async fn purge(&self, before_us: i64) -> Result<u64, IdempotencyError>;
}

/// Recognises repeated commands. Cheap to clone; clones share the queues.
#[derive(Clone)]
pub struct Idempotency {
    store: Arc<dyn IdempotencyStore>,
    clock: Arc<dyn Clock>,
    queues: KeyedLocks,
}

/// What to do with a request that carries a key.
#[expect(clippy::large_enum_variant, reason = "one per request, and matched at once")]
pub enum Begin {
    /// It has been answered: answer the same.
    Answered(Box<StoredAnswer>),
    /// It is new, or its answer was lost: execute it with this context, then [`InFlight::finish`].
    Execute { context: CommandContext, in_flight: InFlight },
}

/// A request that is being executed; until this is dropped, its repetitions wait.
pub struct InFlight {
    idempotency: Idempotency,
    key: IdempotencyKey,
    body_sha256: String,
    command_id: Uuid,
    _queued: KeyedGuard,
}

/// A request that is executed row by row; until this is dropped, its repetitions wait.
pub struct RowsInFlight {
    _queued: KeyedGuard,
}

/// What shall be answered again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub location: Option<String>,
    pub content_type: Option<String>,
    pub body: Bytes,
    pub position: Position,
}

impl Idempotency {
    pub fn new(store: Arc<dyn IdempotencyStore>, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock, queues: KeyedLocks::default() }
    }

    /// Begins a request with a key, or finds its answer.
    ///
    /// `request` names method and path, so that one key cannot mean two things; `body` is what was
    /// sent.
    pub async fn begin(
        &self,
        context: &CommandContext,
        key: &str,
        request: &str,
        body: &[u8],
    ) -> Result<Begin, IdempotencyError> {
        let (key, name) = scoped(context, key)?;
        let queued = self.queues.lock(&name).await;
        let body_sha256 = digest(request, body);
        if let Some(answer) = self.store.get(&key).await? {
            if answer.body_sha256 != body_sha256 {
                return Err(IdempotencyError::OtherBody);
            }
            return Ok(Begin::Answered(Box::new(answer)));
        }
        let command_id = command_id(&name);
        let context = CommandContext {
            command_id: Some(command_id),
            body_sha256: Some(body_sha256.clone()),
            ..context.clone()
        };
        let idempotency = self.clone();
        let in_flight = InFlight { idempotency, key, body_sha256, command_id, _queued: queued };
        Ok(Begin::Execute { context, in_flight })
    }

    /// Begins a request with a key whose body is executed as it comes: no digest seals the whole,
    /// but [`CommandContext::row`] seals each row, and no answer is kept.
    pub async fn begin_rows(
        &self,
        context: &CommandContext,
        key: &str,
    ) -> Result<(CommandContext, RowsInFlight), IdempotencyError> {
        let (_, name) = scoped(context, key)?;
        let queued = self.queues.lock(&name).await;
        let context = CommandContext { command_id: Some(command_id(&name)), ..context.clone() };
        Ok((context, RowsInFlight { _queued: queued }))
    }

    /// Forgets answers older than `age_us` microseconds.
    pub async fn purge_older_than(&self, age_us: i64) -> Result<u64, IdempotencyError> {
        self.store.purge(self.clock.now_us().saturating_sub(age_us)).await
    }
}

impl InFlight {
    /// Keeps the answer for whoever asks again. Only for answers that are final: not for 5xx.
    pub async fn finish(self, answer: Answer) -> Result<(), IdempotencyError> {
        let Answer { status, location, content_type, body, position } = answer;
        let stored = StoredAnswer {
            key: self.key,
            body_sha256: self.body_sha256,
            command_id: self.command_id,
            status,
            location,
            content_type,
            body,
            position,
            answered_at_us: self.idempotency.clock.now_us(),
        };
        fail::fail_point!("idempotency.before-keep");
        self.idempotency.store.put(stored).await?;
        fail::fail_point!("idempotency.after-keep");
        Ok(())
    }
}

/// Returns a client's key within its scope, and both in one text.
fn scoped(
    context: &CommandContext,
    key: &str,
) -> Result<(IdempotencyKey, String), IdempotencyError> {
    let is_visible = key.bytes().all(|it| it.is_ascii_graphic() || it == b' ');
    if key.is_empty() || key.len() > KEY_BYTES_MAX || !is_visible {
        return Err(IdempotencyError::InvalidKey);
    }
    let customer = context.customer.map_or_else(|| "all".to_owned(), |it| it.to_string());
    let scope = format!("{}/{customer}", context.actor.0);
    let name = format!("{scope}/{key}");
    Ok((IdempotencyKey { scope, key: key.to_owned() }, name))
}

fn command_id(name: &str) -> Uuid {
    Uuid::new_v5(&NAMESPACE, name.as_bytes())
}

fn digest(request: &str, body: &[u8]) -> String {
    let mut sha256 = Sha256::new();
    sha256.update(request.as_bytes());
    sha256.update([0]);
    sha256.update(body);
    hex::encode(sha256.finalize())
}
