//! The one door for outbound requests: addresses checked, limits kept.
//!
//! - A connection is made only to an address that passed: public, or on the operator's allow-list.
//! - Names are resolved and checked in one place, the resolver of the HTTP client itself.
//! - Redirects are followed by hand, each checked like the first address.
//! - A message goes to the address that it is for: no redirect is followed.
//! - Credentials go to the origin that they are for, and nowhere else.
//! - No proxy, no referrer, no cookies, no decompression; HTTP/1.1 alone.
//! - Nothing that an origin says gets into an error's text.

mod address;
mod allow;
mod check;
mod folder;
mod limits;
mod post;
mod resolver;
mod sink;
mod web;

pub use allow::{AllowError, AllowList};
pub use limits::FetchLimits;
pub use resolver::{Lookup, system_lookup};

use async_trait::async_trait;
use bytes::Bytes;
use check::{Target, check};
use dlcs_ingest::webhooks::{Answered, Receivers};
use dlcs_ingest::{Fetched, OriginCredentials, OriginError, Origins};
use sink::Sink;
use std::path::Path;
use std::sync::Arc;
use web::Web;

/// Fetches originals from the web and from allowed folders, and sends messages.
pub struct Egress {
    allow: Arc<AllowList>,
    limits: FetchLimits,
    web: Web,
}

#[derive(Debug, thiserror::Error)]
#[error("the client for outbound requests cannot be set up: {0}")]
pub struct EgressError(#[from] reqwest::Error);

impl Egress {
    /// Resolves names as the operating system does.
    pub fn new(allow: AllowList, limits: FetchLimits) -> Result<Self, EgressError> {
        Self::with_lookup(allow, limits, &system_lookup())
    }

    /// Resolves names by `lookup`.
    pub fn with_lookup(
        allow: AllowList,
        limits: FetchLimits,
        lookup: &Lookup,
    ) -> Result<Self, EgressError> {
        let allow = Arc::new(allow);
        let web = Web::new(&allow, &limits, lookup)?;
        Ok(Self { allow, limits, web })
    }
}

#[async_trait]
impl Origins for Egress {
    fn check(&self, url: &str) -> Result<(), OriginError> {
        check(url, &self.allow).map(|_| ())
    }

    async fn fetch(
        &self,
        url: &str,
        credentials: Option<&OriginCredentials>,
        into: &Path,
    ) -> Result<Fetched, OriginError> {
        let target = check(url, &self.allow)?;
        let sink = Sink::open(into, self.limits.body_bytes_max)?;
        match target {
            Target::Web { url, reach } => self.web.fetch(url, reach, credentials, sink).await,
            Target::File { folder, rest } => {
                let copied =
                    tokio::task::spawn_blocking(move || folder::copy(&folder, &rest, sink));
                copied.await.unwrap_or(Err(OriginError::Internal))
            }
        }
    }
}

#[async_trait]
impl Receivers for Egress {
    async fn post(
        &self,
        url: &str,
        headers: &[(&'static str, String)],
        body: Bytes,
    ) -> Result<Answered, OriginError> {
        match check(url, &self.allow)? {
            Target::Web { url, reach } => self.web.post(url, reach, headers, body).await,
            Target::File { .. } => Err(OriginError::Forbidden("a receiver is no folder")),
        }
    }
}
