//! What handlers work with, put together by `server`.

use crate::access::Credentials;
use crate::auth::{Readers, Tries};
use crate::delivery::{CustomHeaders, PreparedAnswers, RenderedManifests};
use crate::error::Problem;
use crate::export::ExportTurns;
use crate::http::preferences::WAIT_DEFAULT;
use dlcs_commands::services::{AccountCommands, WebhookCommands};
use dlcs_commands::vault::Vault;
use dlcs_commands::{Clock, Commands};
use dlcs_domain::{
    AnnotationId, ApiKeyId, AssetId, BatchId, CollectionId, ContainerId, CustomerId, DefinitionId,
    ManifestId, NamedQueryId, SpaceId,
};
use dlcs_imaging::tiles::Tiles;
use dlcs_objects::Objects;
use dlcs_projections::search::Search;
use dlcs_projections::{
    Position, Queries, annotations, api_keys, assets, batches, definitions, manifests,
    named_queries, page_text, tile_metadata,
};
use moka::sync::Cache;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub use dlcs_commands::idempotency::Idempotency;

/// How long a write's position is remembered for later reads of the same resource.
const WRITTEN_KEPT: Duration = Duration::from_secs(60);
const WRITTEN_MAX: u64 = 100_000;

/// Everything that handlers need. Cheap to clone.
#[derive(Clone)]
pub struct ApiState {
    pub commands: Commands,
    pub accounts: AccountCommands,
    pub webhooks: WebhookCommands,
    pub idempotency: Idempotency,
    pub queries: Queries,
    pub search: Search,
    pub tiles: Arc<Tiles>,
    pub objects: Arc<dyn Objects>,
    pub origins: Arc<dyn OriginCheck>,
    /// Seals what clients say in confidence.
    pub vault: Arc<dyn Vault>,
    pub readiness: Arc<dyn Readiness>,
    pub audit: crate::audit::Signer,
    pub clock: Arc<dyn Clock>,
    /// Renders the metrics as Prometheus text.
    pub metrics: Arc<dyn Fn() -> String + Send + Sync>,
    pub public_url: PublicUrl,
    pub credentials: Credentials,
    pub readers: Readers,
    pub tries: Tries,
    pub limits: ApiLimits,
    pub written: Written,
    pub rendered: RenderedManifests,
    pub prepared: PreparedAnswers,
    pub custom_headers: CustomHeaders,
    pub exports: ExportTurns,
}

pub(crate) type Shared = Arc<ApiState>;

/// Judges the address of an origin before anything is registered, without asking the network.
pub trait OriginCheck: Send + Sync {
    fn check(&self, origin: &str) -> Result<(), OriginRefused>;
}

/// Why an origin may not be used. A sentence without secrets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct OriginRefused(pub String);

/// Says what this process still waits for.
pub trait Readiness: Send + Sync {
    /// Returns the names of what is not ready; none means ready.
    fn not_ready(&self) -> Vec<String>;
}

/// Scheme, host and port under which the world reaches this server; no slash at the end.
///
/// Never taken from a request: a hostile `Host` changes no address of ours.
#[derive(Debug, Clone)]
pub struct PublicUrl(Arc<str>);

impl PublicUrl {
    pub fn new(url: &str) -> Self {
        Self(url.trim_end_matches('/').into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the whole address of a path that begins with a slash.
    pub(crate) fn at(&self, path: impl fmt::Display) -> String {
        format!("{}{path}", self.0)
    }
}

/// Bounds of THREATS 4.3 that this crate enforces.
#[derive(Debug, Clone)]
pub struct ApiLimits {
    pub url_bytes_max: usize,
    pub headers_bytes_max: usize,
    pub json_bytes_max: usize,
    pub manifest_bytes_max: usize,
    pub annotation_bytes_max: usize,
    /// A file that text is imported from.
    pub text_bytes_max: usize,
    pub upload_bytes_max: u64,
    pub ndjson_line_bytes_max: usize,
    pub batch_members_max: usize,
    /// Pages of one PDF or zip.
    pub export_pages_max: usize,
    /// What image requests may ask for.
    pub image: dlcs_iiif::Limits,
}

impl Default for ApiLimits {
    fn default() -> Self {
        Self {
            url_bytes_max: 8 * 1024,
            headers_bytes_max: 32 * 1024,
            json_bytes_max: 2 * 1024 * 1024,
            manifest_bytes_max: 50 * 1024 * 1024,
            annotation_bytes_max: 256 * 1024,
            text_bytes_max: 64 * 1024 * 1024,
            upload_bytes_max: 2 * 1024 * 1024 * 1024,
            ndjson_line_bytes_max: 256 * 1024,
            batch_members_max: 100_000,
            export_pages_max: 2_000,
            image: dlcs_iiif::Limits {
                width_max: Some(20_000),
                height_max: None,
                area_max: Some(100_000_000),
                arbitrary_rotation_area_max: Some(4_000_000),
            },
        }
    }
}

/// Names a resource whose newest write is remembered.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Resource {
    Customer(CustomerId),
    Space(SpaceId),
    Asset(AssetId),
    Text(AssetId),
    Batch(BatchId),
    Manifest(ManifestId),
    Collection(CollectionId),
    Container(ContainerId),
    Annotation(AnnotationId),
    NamedQuery(NamedQueryId),
    ApiKey(ApiKeyId),
    /// A role, an access service, a custom header, an origin strategy, an account, a webhook.
    Definition(DefinitionId),
}

impl Resource {
    /// Names the projections that show it. A write waits for these and no other, so that a
    /// projection that is stuck holds up only what it shows.
    pub(crate) fn projections(&self) -> &'static [&'static str] {
        match self {
            Self::Customer(_) | Self::Space(_) => &[assets::NAME],
            Self::Asset(_) => &[assets::NAME, tile_metadata::NAME],
            Self::Text(_) => &[page_text::NAME],
            Self::Batch(_) => &[batches::NAME],
            Self::Manifest(_) | Self::Collection(_) => &[manifests::NAME],
            Self::NamedQuery(_) => &[named_queries::NAME],
            Self::ApiKey(_) => &[api_keys::NAME],
            Self::Definition(_) => &[definitions::NAME],
            Self::Container(_) | Self::Annotation(_) => &[annotations::NAME],
        }
    }
}

/// Positions of the newest writes through this process, by resource.
///
/// Later reads of a resource through this process are at least as new as its newest write.
#[derive(Debug, Clone)]
pub struct Written(Cache<Resource, Position>);

impl Default for Written {
    fn default() -> Self {
        Self(Cache::builder().max_capacity(WRITTEN_MAX).time_to_live(WRITTEN_KEPT).build())
    }
}

impl Written {
    /// Remembers the newest position, in whatever order two writers of one resource come here.
    pub(crate) fn record(&self, resource: Resource, position: Position) {
        self.0.entry(resource).and_upsert_with(|known| {
            known.map_or(position, |known| position.max(known.into_value()))
        });
    }

    fn position(&self, resource: &Resource) -> Option<Position> {
        self.0.get(resource)
    }
}

impl ApiState {
    /// Waits until the read models know this process's newest write of a resource.
    pub(crate) async fn settle(&self, resource: &Resource) {
        let Some(position) = self.written.position(resource) else { return };
        let (freshness, names) = (&self.queries.freshness, resource.projections());
        if names.iter().all(|name| freshness.position(name) >= Some(position)) {
            return;
        }
        freshness.wait_each(names, position, WAIT_DEFAULT).await;
    }

    /// Waits until every read model is at least at `position`, or answers 503.
    pub(crate) async fn at_least(&self, position: Position) -> Result<(), Problem> {
        if self.queries.freshness.wait_all(position, WAIT_DEFAULT).await {
            return Ok(());
        }
        let detail = format!("the read models have not reached position {position} yet");
        Err(Problem::unavailable("not-fresh-enough", detail))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_write_that_comes_late_does_not_hide_a_newer_one() {
        let written = Written::default();
        let resource = Resource::Customer(CustomerId(1));
        written.record(resource.clone(), Position(7));
        written.record(resource.clone(), Position(5));
        assert_eq!(written.position(&resource), Some(Position(7)));
        written.record(resource.clone(), Position(9));
        assert_eq!(written.position(&resource), Some(Position(9)));
    }
}
