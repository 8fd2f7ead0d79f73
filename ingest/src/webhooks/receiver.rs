//! The port of receivers: a message to an address that a client named.

use crate::origin::OriginError;
use async_trait::async_trait;
use bytes::Bytes;

/// What a receiver answered. What else it says is of no interest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    pub status: u16,
    /// When to come again, as it says.
    pub retry_after: Option<String>,
}

/// Takes messages.
#[async_trait]
pub trait Receivers: Send + Sync + 'static {
    /// Sends a message by POST. The address is checked like that of an origin, and a folder is none.
    /// Redirects are not followed.
    async fn post(
        &self,
        url: &str,
        headers: &[(&'static str, String)],
        body: Bytes,
    ) -> Result<Answered, OriginError>;
}
