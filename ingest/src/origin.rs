//! The origin port: bytes from an address that a client named.

use async_trait::async_trait;
use dlcs_domain::CustomerId;
use dlcs_domain::asset::IngestErrorCode;
use dlcs_objects::Digest;
use std::path::Path;

pub use dlcs_commands::vault::OriginCredentials;

/// What was fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    pub length_bytes: u64,
    pub sha256: Digest,
    /// As the origin said; the bytes decide.
    pub media_type_hint: Option<String>,
}

/// Why there are no bytes.
///
/// Every text is a constant sentence for people: nothing that an origin answers and no address of
/// the inside can get into it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OriginError {
    /// The address may not be fetched from. Trying again does not help.
    #[error("{0}")]
    Forbidden(&'static str),
    #[error("{0}")]
    NotFound(&'static str),
    #[error("{0}")]
    Unreachable(&'static str),
    #[error("{0}")]
    TooLarge(&'static str),
    #[error("{0}")]
    Timeout(&'static str),
    /// What the origin wants to be told cannot be found out.
    #[error("the credentials for the origin cannot be read")]
    Credentials,
    #[error("there is no room left to store the image")]
    StorageFull,
    /// The fault is ours.
    #[error("the image could not be stored")]
    Internal,
}

impl OriginError {
    /// Returns the error code of an asset.
    pub fn code(&self) -> IngestErrorCode {
        match self {
            Self::Forbidden(_) => IngestErrorCode::OriginForbidden,
            Self::NotFound(_) => IngestErrorCode::OriginNotFound,
            Self::Unreachable(_) => IngestErrorCode::OriginUnreachable,
            Self::TooLarge(_) => IngestErrorCode::OriginTooLarge,
            Self::Timeout(_) => IngestErrorCode::OriginTimeout,
            Self::StorageFull => IngestErrorCode::StorageFull,
            Self::Credentials | Self::Internal => IngestErrorCode::Internal,
        }
    }
}

/// Fetches originals.
#[async_trait]
pub trait Origins: Send + Sync + 'static {
    /// Checks what the address alone shows: scheme, host if it is an address, port, no user name.
    ///
    /// For registration. It asks no name server, so a name that passes may still be refused later.
    fn check(&self, url: &str) -> Result<(), OriginError>;

    /// Fetches `url` into the existing file `into`. Keeping it makes it durable.
    ///
    /// `credentials` are for the origin that the address names. Whoever it redirects to elsewhere gets
    /// none of them.
    async fn fetch(
        &self,
        url: &str,
        credentials: Option<&OriginCredentials>,
        into: &Path,
    ) -> Result<Fetched, OriginError>;
}

/// Knows what origins want to be told.
#[async_trait]
pub trait Strategies: Send + Sync + 'static {
    async fn credentials(
        &self,
        customer: CustomerId,
        url: &str,
    ) -> Result<Option<OriginCredentials>, OriginError>;
}
