//! What resolvers work with, put together by `server`.

use async_graphql::{Context, Error, ErrorExtensions};
use async_trait::async_trait;
use axum::http::HeaderMap;
use dlcs_commands::services::{AccountCommands, WebhookCommands};
use dlcs_commands::vault::Vault;
use dlcs_commands::{Clock, Commands};
use dlcs_domain::access::Principal;
use dlcs_domain::annotation::AnnotationDocument;
use dlcs_domain::manifest::document::CanvasNaming;
use dlcs_domain::{AssetId, CustomerId, ManifestId};
use dlcs_objects::Objects;
use dlcs_projections::annotations::AnnotationRow;
use dlcs_projections::manifests::ManifestRow;
use dlcs_projections::search::{Search, SearchError};
use dlcs_projections::{Queries, QueryError};
use futures::future::BoxFuture;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, PercentEncode, utf8_percent_encode};
use std::sync::Arc;

/// Characters of a name that a segment of an address keeps.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Finds out who asks; the sentence of a refusal is for people.
pub type Authenticate =
    Arc<dyn Fn(HeaderMap) -> BoxFuture<'static, Result<Principal, String>> + Send + Sync>;

/// Refuses an origin before it is registered; the sentence is for people.
pub type CheckOrigin = Arc<dyn Fn(&str) -> Result<(), String> + Send + Sync>;

/// Returns the images that a stored manifest paints, in order; the sentence is for the log.
pub type Members =
    Arc<dyn Fn(ManifestRow) -> BoxFuture<'static, Result<Vec<AssetId>, String>> + Send + Sync>;

/// A canvas of a stored manifest.
#[derive(Debug, Clone)]
pub struct CanvasOutline {
    /// What it is known by.
    pub address: String,
    /// A language map.
    pub label: serde_json::Value,
    /// The registered image that is painted on it.
    pub asset: Option<AssetId>,
}

/// Returns the canvases of a stored manifest, in order; the sentence is for the log.
pub type Canvases = Arc<
    dyn Fn(ManifestRow) -> BoxFuture<'static, Result<Vec<CanvasOutline>, String>> + Send + Sync,
>;

/// Everything that resolvers need. Cheap to clone.
#[derive(Clone)]
pub struct GraphqlState {
    pub queries: Queries,
    pub commands: Commands,
    pub accounts: AccountCommands,
    pub webhooks: WebhookCommands,
    pub search: Search,
    pub objects: Arc<dyn Objects>,
    pub members: Members,
    pub canvases: Canvases,
    pub annotations: Arc<dyn AnnotationText>,
    pub manifest_names: Arc<dyn ManifestNames>,
    pub clock: Arc<dyn Clock>,
    /// Scheme, host and port of public addresses; no slash at the end.
    pub public_url: Arc<str>,
    pub authenticate: Authenticate,
    pub projections: Arc<dyn ProjectionControl>,
    pub audit: Arc<dyn AuditProofs>,
    pub check_origin: CheckOrigin,
    /// Seals what clients say in confidence.
    pub vault: Arc<dyn Vault>,
}

/// Knows what annotations look like.
pub trait AnnotationText: Send + Sync {
    /// Reads a Web Annotation of a client; the sentence of a refusal is for people.
    fn read(&self, json: &str) -> Result<AnnotationDocument, String>;
    /// Returns an annotation for readers; `None`: it is deleted.
    fn show(&self, row: &AnnotationRow) -> Option<serde_json::Value>;
    /// Returns a version of an annotation for readers, without its id.
    fn version(&self, document: &AnnotationDocument) -> Option<serde_json::Value>;
    /// Returns an address as read models know it.
    fn relative(&self, address: &str) -> String;
    /// Returns an address as the world knows it.
    fn absolute(&self, address: &str) -> String;
}

/// Knows how the canvases and ranges of manifests are called in what is kept.
pub trait ManifestNames: Send + Sync {
    /// Returns how canvases of painted assets are called.
    fn canvases(&self, id: &ManifestId) -> Box<dyn CanvasNaming>;
    /// Returns the id of a range by the name that its address ends with.
    fn range(&self, id: &ManifestId, name: &str) -> String;
}

/// Where a projection is.
#[derive(Debug, Clone, async_graphql::SimpleObject)]
#[graphql(name = "Projection")]
pub struct ProjectionStatus {
    pub name: String,
    pub version: u32,
    /// Position up to which events are applied.
    pub position: u64,
    /// Events of the log that are not applied yet, by position.
    pub lag: u64,
    /// Events that could not be applied, and later ones of their streams.
    pub parked: u64,
    /// A new version is being built beside the serving one.
    pub rebuilding: bool,
    /// The process that advances it now; null: the one that was asked, or none.
    pub owner: Option<String>,
}

/// What follows the log and keeps a checkpoint or a lease: ingest, projections of several processes.
#[derive(Debug, Clone, async_graphql::SimpleObject)]
#[graphql(name = "Consumer")]
pub struct ConsumerStatus {
    pub name: String,
    /// Position up to which everything is done; 0 where another store keeps it.
    pub position: u64,
    /// The process that does its work now.
    pub owner: Option<String>,
}

/// Runs the projections of this process.
#[async_trait]
pub trait ProjectionControl: Send + Sync {
    async fn status(&self) -> Result<Vec<ProjectionStatus>, String>;
    async fn consumers(&self) -> Result<Vec<ConsumerStatus>, String>;
    /// Begins a rebuild beside the serving version; answers when the new one serves.
    async fn rebuild(&self, name: &str) -> Result<(), String>;
}

/// That an event is in the history, whoever does not believe it.
#[derive(Debug, Clone, async_graphql::SimpleObject)]
pub struct AuditProof {
    pub index: u64,
    /// The entry of the event, see `docs/audit-format.md`.
    pub record: String,
    /// Hashes beside its way to the root, from below upwards, in hexadecimal: RFC 6962, section 2.1.1.
    pub proof: Vec<String>,
    /// A signed note of size and root.
    pub checkpoint: String,
}

/// Proves what is in the history; the sentence of a refusal is for people.
#[async_trait]
pub trait AuditProofs: Send + Sync {
    /// `None`: there is no such event yet.
    async fn proof(&self, index: u64) -> Result<Option<AuditProof>, String>;
}

/// Encodes a name as a segment of an address.
pub(crate) fn segment(name: &str) -> PercentEncode<'_> {
    utf8_percent_encode(name, SEGMENT)
}

pub(crate) fn state<'a>(ctx: &Context<'a>) -> &'a GraphqlState {
    ctx.data_unchecked::<GraphqlState>()
}

/// Who asks; nobody has said so: anonymous.
pub(crate) fn principal(ctx: &Context<'_>) -> Principal {
    ctx.data_opt::<Principal>().cloned().unwrap_or(Principal::Anonymous)
}

/// An error with a stable code in `extensions.code`.
pub(crate) fn refused(code: &'static str, message: impl std::fmt::Display) -> Error {
    Error::new(message.to_string()).extend_with(|_, extensions| extensions.set("code", code))
}

pub(crate) fn query_error(error: QueryError) -> Error {
    match error {
        QueryError::NotAllowed => refused("not-allowed", "credentials are needed for this"),
        QueryError::BadCursor => refused("bad-cursor", error),
        QueryError::Store(detail) => {
            tracing::error!(detail, "a read model cannot be used");
            refused("internal", "the read model cannot be used")
        }
    }
}

pub(crate) fn search_error(error: SearchError) -> Error {
    match error {
        SearchError::Query(_) => refused("bad-query", error),
        SearchError::TooFar(_) => refused("bad-page", error),
        SearchError::Index(QueryError::Store(detail)) => {
            tracing::warn!(detail, "the search index cannot be asked");
            refused("unavailable", "the search index does not answer at the moment")
        }
        SearchError::Index(error) => query_error(error),
        SearchError::Objects(error) => {
            tracing::error!(%error, "a page record cannot be read");
            refused("internal", "a text cannot be read")
        }
    }
}

pub(crate) fn asset_id(text: &str) -> Result<AssetId, Error> {
    text.parse().map_err(|error| refused("bad-id", error))
}

pub(crate) fn customer_id(number: u32) -> Result<CustomerId, Error> {
    number.to_string().parse().map_err(|error| refused("bad-id", error))
}
