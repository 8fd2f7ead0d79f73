//! Events on the wire: type names, schema versions, bytes, and upcasters.
//!
//! Names and versions are a public contract: they never change once released. Every form keeps a
//! golden file in `testdata/events/`.

#[cfg(test)]
mod tests;
mod upcast;

pub use upcast::{Stored, Upcaster};

use crate::annotation::AnnotationEvent;
use crate::api_key::ApiKeyEvent;
use crate::asset::AssetEvent;
use crate::batch::BatchEvent;
use crate::collection::CollectionEvent;
use crate::container::ContainerEvent;
use crate::customer::CustomerEvent;
use crate::definition::{
    Account, AuthService, CustomHeader, DefinitionEvent, OriginStrategy, Role, Webhook,
};
use crate::directory::DirectoryEvent;
use crate::manifest::ManifestEvent;
use crate::name::NameEvent;
use crate::named_query::NamedQueryEvent;
use crate::space::SpaceEvent;
use crate::transcription::TranscriptionEvent;
use serde::Serialize;

/// Events of roles.
pub type RoleEvent = DefinitionEvent<Role>;
/// Events of access services.
pub type AuthServiceEvent = DefinitionEvent<AuthService>;
/// Events of custom headers.
pub type CustomHeaderEvent = DefinitionEvent<CustomHeader>;
/// Events of origin strategies.
pub type OriginStrategyEvent = DefinitionEvent<OriginStrategy>;
/// Events of readers' accounts.
pub type AccountEvent = DefinitionEvent<Account>;
/// Events of webhooks.
pub type WebhookEvent = DefinitionEvent<Webhook>;

/// Any event of ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum DomainEvent {
    Directory(DirectoryEvent),
    Customer(CustomerEvent),
    ApiKey(ApiKeyEvent),
    Space(SpaceEvent),
    Asset(AssetEvent),
    Transcription(TranscriptionEvent),
    Batch(BatchEvent),
    Manifest(ManifestEvent),
    Collection(CollectionEvent),
    Container(ContainerEvent),
    Annotation(AnnotationEvent),
    NamedQuery(NamedQueryEvent),
    Role(RoleEvent),
    AuthService(AuthServiceEvent),
    CustomHeader(CustomHeaderEvent),
    OriginStrategy(OriginStrategyEvent),
    Account(AccountEvent),
    Webhook(WebhookEvent),
    Name(NameEvent),
}

/// An event as it goes into the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    pub type_name: &'static str,
    pub schema_version: u32,
    /// JSON text.
    pub payload: Vec<u8>,
}

#[derive(Debug, thiserror::Error)]
pub enum WireError {
    #[error("event type `{type_name}` version {schema_version} is not known to this program")]
    Unknown { type_name: String, schema_version: u32 },
    #[error("event type `{type_name}` version {schema_version} cannot be read: {source}")]
    Malformed {
        type_name: String,
        schema_version: u32,
        #[source]
        source: serde_json::Error,
    },
    #[error(
        "event type `{type_name}` version {schema_version} cannot be brought up to date: {reason}"
    )]
    Upcast { type_name: String, schema_version: u32, reason: String },
}

/// An event belongs to another aggregate than the one that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an event `{0}` does not belong into this stream")]
pub struct ForeignEvent(pub &'static str);

/// Makes the one table of type names and current versions, and both directions from it.
macro_rules! event_types {
    ($($name:literal $version:literal $aggregate:ident($event:ident::$variant:ident)),+ $(,)?) => {
        /// Every type of event with its current schema version.
        pub const EVENT_TYPES: &[(&str, u32)] = &[$(($name, $version)),+];

        impl DomainEvent {
            /// Returns the type name and the current schema version.
            pub fn event_type(&self) -> (&'static str, u32) {
                match self {
                    $(Self::$aggregate($event::$variant(_)) => ($name, $version),)+
                }
            }
        }

        /// Reads the current form of a type; `None`: there is no such type and version.
        fn read_current(
            type_name: &str,
            schema_version: u32,
            payload: &[u8],
        ) -> Option<serde_json::Result<DomainEvent>> {
            Some(match (type_name, schema_version) {
                $(($name, $version) => serde_json::from_slice(payload)
                    .map(|it| DomainEvent::$aggregate($event::$variant(it))),)+
                _ => return None,
            })
        }
    };
}

event_types! {
    "directory.customer_number_allocated" 1 Directory(DirectoryEvent::CustomerNumberAllocated),
    "customer.created" 1 Customer(CustomerEvent::Created),
    "customer.display_name_changed" 1 Customer(CustomerEvent::DisplayNameChanged),
    "customer.space_number_allocated" 1 Customer(CustomerEvent::SpaceNumberAllocated),
    "customer.deleted" 1 Customer(CustomerEvent::Deleted),
    "key.issued" 1 ApiKey(ApiKeyEvent::Issued),
    "key.revoked" 1 ApiKey(ApiKeyEvent::Revoked),
    "space.created" 1 Space(SpaceEvent::Created),
    "space.renamed" 1 Space(SpaceEvent::Renamed),
    "space.defaults_changed" 1 Space(SpaceEvent::DefaultsChanged),
    "space.deleted" 1 Space(SpaceEvent::Deleted),
    "asset.registered" 1 Asset(AssetEvent::Registered),
    "asset.origin_changed" 1 Asset(AssetEvent::OriginChanged),
    "asset.metadata_changed" 1 Asset(AssetEvent::MetadataChanged),
    "asset.access_changed" 1 Asset(AssetEvent::AccessChanged),
    "asset.recognition_changed" 1 Asset(AssetEvent::RecognitionChanged),
    "asset.limits_changed" 1 Asset(AssetEvent::LimitsChanged),
    "asset.delivery_changed" 1 Asset(AssetEvent::DeliveryChanged),
    "asset.reingest_requested" 1 Asset(AssetEvent::ReingestRequested),
    "asset.ingest_started" 1 Asset(AssetEvent::IngestStarted),
    "asset.ingest_delivered" 1 Asset(AssetEvent::IngestDelivered),
    "asset.ingest_failed" 1 Asset(AssetEvent::IngestFailed),
    "asset.deleted" 1 Asset(AssetEvent::Deleted),
    "transcription.recognition_requested" 1
        Transcription(TranscriptionEvent::RecognitionRequested),
    "transcription.recognition_started" 1 Transcription(TranscriptionEvent::RecognitionStarted),
    "transcription.recognition_completed" 1
        Transcription(TranscriptionEvent::RecognitionCompleted),
    "transcription.recognition_failed" 1 Transcription(TranscriptionEvent::RecognitionFailed),
    "transcription.text_imported" 1 Transcription(TranscriptionEvent::TextImported),
    "transcription.corrected" 1 Transcription(TranscriptionEvent::Corrected),
    "transcription.withdrawn" 1 Transcription(TranscriptionEvent::Withdrawn),
    "batch.submitted" 1 Batch(BatchEvent::Submitted),
    "manifest.created" 1 Manifest(ManifestEvent::Created),
    "manifest.replaced" 1 Manifest(ManifestEvent::Replaced),
    "manifest.moved" 1 Manifest(ManifestEvent::Moved),
    "manifest.canvas_added" 1 Manifest(ManifestEvent::CanvasAdded),
    "manifest.canvas_changed" 1 Manifest(ManifestEvent::CanvasChanged),
    "manifest.canvas_moved" 1 Manifest(ManifestEvent::CanvasMoved),
    "manifest.canvas_removed" 1 Manifest(ManifestEvent::CanvasRemoved),
    "manifest.range_set" 1 Manifest(ManifestEvent::RangeSet),
    "manifest.range_removed" 1 Manifest(ManifestEvent::RangeRemoved),
    "manifest.consolidated" 1 Manifest(ManifestEvent::Consolidated),
    "manifest.deleted" 1 Manifest(ManifestEvent::Deleted),
    "collection.created" 1 Collection(CollectionEvent::Created),
    "collection.replaced" 1 Collection(CollectionEvent::Replaced),
    "collection.moved" 1 Collection(CollectionEvent::Moved),
    "collection.published" 1 Collection(CollectionEvent::Published),
    "collection.withdrawn" 1 Collection(CollectionEvent::Withdrawn),
    "collection.deleted" 1 Collection(CollectionEvent::Deleted),
    "collection.restored" 1 Collection(CollectionEvent::Restored),
    "named_query.defined" 1 NamedQuery(NamedQueryEvent::Defined),
    "named_query.changed" 1 NamedQuery(NamedQueryEvent::Changed),
    "named_query.removed" 1 NamedQuery(NamedQueryEvent::Removed),
    "role.defined" 1 Role(RoleEvent::Defined),
    "role.changed" 1 Role(RoleEvent::Changed),
    "role.removed" 1 Role(RoleEvent::Removed),
    "auth_service.defined" 1 AuthService(AuthServiceEvent::Defined),
    "auth_service.changed" 1 AuthService(AuthServiceEvent::Changed),
    "auth_service.removed" 1 AuthService(AuthServiceEvent::Removed),
    "custom_header.defined" 1 CustomHeader(CustomHeaderEvent::Defined),
    "custom_header.changed" 1 CustomHeader(CustomHeaderEvent::Changed),
    "custom_header.removed" 1 CustomHeader(CustomHeaderEvent::Removed),
    "origin_strategy.defined" 1 OriginStrategy(OriginStrategyEvent::Defined),
    "origin_strategy.changed" 1 OriginStrategy(OriginStrategyEvent::Changed),
    "origin_strategy.removed" 1 OriginStrategy(OriginStrategyEvent::Removed),
    "account.defined" 1 Account(AccountEvent::Defined),
    "account.changed" 1 Account(AccountEvent::Changed),
    "account.removed" 1 Account(AccountEvent::Removed),
    "webhook.defined" 1 Webhook(WebhookEvent::Defined),
    "webhook.changed" 1 Webhook(WebhookEvent::Changed),
    "webhook.removed" 1 Webhook(WebhookEvent::Removed),
    "container.created" 1 Container(ContainerEvent::Created),
    "container.changed" 1 Container(ContainerEvent::Changed),
    "container.deleted" 1 Container(ContainerEvent::Deleted),
    "container.restored" 1 Container(ContainerEvent::Restored),
    "annotation.created" 1 Annotation(AnnotationEvent::Created),
    "annotation.replaced" 1 Annotation(AnnotationEvent::Replaced),
    "annotation.restored" 1 Annotation(AnnotationEvent::Restored),
    "annotation.deleted" 1 Annotation(AnnotationEvent::Deleted),
    "name.reserved" 1 Name(NameEvent::Reserved),
    "name.released" 1 Name(NameEvent::Released),
}

/// From older forms to newer ones. Nothing has been released yet, so there is none.
const UPCASTERS: &[Upcaster] = &[];

impl DomainEvent {
    pub fn type_name(&self) -> &'static str {
        self.event_type().0
    }
}

/// Room for most payloads, so that they need not be moved while they are written.
const PAYLOAD_BYTES: usize = 512;

/// Writes an event in its current form.
pub fn encode(event: &DomainEvent) -> Encoded {
    let (type_name, schema_version) = event.event_type();
    let mut payload = Vec::with_capacity(PAYLOAD_BYTES);
    serde_json::to_writer(&mut payload, event).expect("an event is plain data with text keys");
    Encoded { type_name, schema_version, payload }
}

/// Reads a stored event, bringing an old form up to date: that may give none or several.
pub fn decode(
    type_name: &str,
    schema_version: u32,
    payload: &[u8],
) -> Result<Vec<DomainEvent>, WireError> {
    decode_with(UPCASTERS, type_name, schema_version, payload)
}

fn decode_with(
    upcasters: &[Upcaster],
    type_name: &str,
    schema_version: u32,
    payload: &[u8],
) -> Result<Vec<DomainEvent>, WireError> {
    let malformed =
        |source| WireError::Malformed { type_name: type_name.to_owned(), schema_version, source };
    if let Some(event) = read_current(type_name, schema_version, payload) {
        return Ok(vec![event.map_err(malformed)?]);
    }
    let payload = serde_json::from_slice(payload).map_err(malformed)?;
    let stored = Stored { type_name: type_name.to_owned(), schema_version, payload };
    upcast::upcast(upcasters, stored)?.into_iter().map(read_upcast).collect()
}

fn read_upcast(stored: Stored) -> Result<DomainEvent, WireError> {
    let Stored { type_name, schema_version, payload } = stored;
    let payload = payload.to_string();
    match read_current(&type_name, schema_version, payload.as_bytes()) {
        Some(Ok(event)) => Ok(event),
        Some(Err(source)) => Err(WireError::Malformed { type_name, schema_version, source }),
        None => Err(WireError::Unknown { type_name, schema_version }),
    }
}

macro_rules! aggregate_events {
    ($($aggregate:ident($event:ident)),+ $(,)?) => {$(
        impl From<$event> for DomainEvent {
            fn from(event: $event) -> Self {
                Self::$aggregate(event)
            }
        }

        impl TryFrom<DomainEvent> for $event {
            type Error = ForeignEvent;

            fn try_from(event: DomainEvent) -> Result<Self, ForeignEvent> {
                match event {
                    DomainEvent::$aggregate(event) => Ok(event),
                    other => Err(ForeignEvent(other.type_name())),
                }
            }
        }
    )+};
}

aggregate_events! {
    Directory(DirectoryEvent),
    Customer(CustomerEvent),
    ApiKey(ApiKeyEvent),
    Space(SpaceEvent),
    Asset(AssetEvent),
    Transcription(TranscriptionEvent),
    Batch(BatchEvent),
    Manifest(ManifestEvent),
    Collection(CollectionEvent),
    Container(ContainerEvent),
    Annotation(AnnotationEvent),
    NamedQuery(NamedQueryEvent),
    Role(RoleEvent),
    AuthService(AuthServiceEvent),
    CustomHeader(CustomHeaderEvent),
    OriginStrategy(OriginStrategyEvent),
    Account(AccountEvent),
    Webhook(WebhookEvent),
    Name(NameEvent),
}
