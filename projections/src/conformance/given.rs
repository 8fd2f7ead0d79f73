//! Histories for tests: events, and a store that has seen them.

mod texts;

pub use texts::{
    blobs, corrected, image_of, imported, read, recognition_failed, recognition_requested,
    recognition_started, withdrawn,
};

use super::Store;
use crate::Queries;
use crate::paging::{Direction, PageRequest};
use crate::projection::{OnPoison, ReadModel};
use crate::replay::{Target, replay};
use dlcs_domain::access::{Principal, Right, Scope};
use dlcs_domain::annotation::{
    AnnotationCreated, AnnotationDeleted, AnnotationDocument, AnnotationEvent, AnnotationReplaced,
};
use dlcs_domain::api_key::{ApiKeyEvent, ApiKeyIssued};
use dlcs_domain::asset::{
    AssetEvent, AssetMetadata, Deleted, Delivered, Delivery, Failure, IngestDelivered,
    IngestErrorCode, IngestFailed, IngestStarted, Registered, ReingestRequested, SizeLimits,
    Source,
};
use dlcs_domain::batch::{BatchEvent, BatchSubmitted, Queue};
use dlcs_domain::container::{ContainerCreated, ContainerEvent};
use dlcs_domain::customer::{CustomerCreated, CustomerEvent};
use dlcs_domain::definition::{DefinitionEvent, Role};
use dlcs_domain::manifest::{ManifestCreated, ManifestDeleted, ManifestEvent, ManifestMoved};
use dlcs_domain::metadata::EventMetadata;
use dlcs_domain::named_query::{NamedQueryDefined, NamedQueryEvent};
use dlcs_domain::space::{SpaceCreated, SpaceEvent};
use dlcs_domain::transcription::TranscriptionEvent;
use dlcs_domain::{
    ActorId, AssetId, BatchId, BlobRef, CustomerId, DomainEvent, Label, Languages, SpaceId,
    SpaceNumber, wire,
};
use dlcs_eventlog::memory::MemoryLog;
use dlcs_eventlog::{Append, EventId, EventLog, Expected, NewEvent, Position, StreamId};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use uuid::Uuid;

/// Time of the first event, in microseconds since 1970; each later one is a second later.
pub const BEGINNING_US: i64 = 1_700_000_000_000_000;

/// A log and a store that is fed from it.
pub struct Given<S> {
    pub log: Arc<dyn EventLog>,
    pub store: S,
}

impl<S: Store> Given<S> {
    pub async fn new(make: impl AsyncFn(Arc<dyn EventLog>) -> S) -> Self {
        let seconds = AtomicI64::new(0);
        let clock = move || BEGINNING_US + 1_000_000 * seconds.fetch_add(1, Ordering::SeqCst);
        let log: Arc<dyn EventLog> = Arc::new(MemoryLog::new(Arc::new(clock)));
        let store = make(Arc::clone(&log)).await;
        Self { log, store }
    }

    /// Lets something happen; the store has not seen it yet.
    pub async fn happened(&self, stream: &str, event: DomainEvent) -> Position {
        append(self.log.as_ref(), stream, &event, "key-1").await
    }

    pub async fn asset(&self, id: &AssetId, event: AssetEvent) -> Position {
        self.happened(&format!("asset-{id}"), DomainEvent::Asset(event)).await
    }

    pub async fn text(&self, id: &AssetId, event: TranscriptionEvent) -> Position {
        self.happened(&format!("transcription-{id}"), DomainEvent::Transcription(event)).await
    }

    /// Lets every read model of the store see everything.
    pub async fn catch_up(&self) -> Position {
        let head = self.log.head().await.expect("the log tells its head");
        fill(self.log.as_ref(), &self.store.models(), head).await;
        head
    }

    pub fn queries(&self) -> Queries {
        self.store.queries()
    }

    pub fn model(&self, name: &str) -> Arc<dyn ReadModel> {
        let model = self.store.models().into_iter().find(|it| it.name() == name);
        model.expect("the store has every projection")
    }
}

async fn fill(log: &dyn EventLog, models: &[Arc<dyn ReadModel>], to: Position) {
    let targets: Vec<_> =
        models.iter().map(|model| Target { model: Arc::clone(model), to }).collect();
    replay(log, &targets, OnPoison::Park).await.expect("the log can be replayed");
}

/// Appends one event in the name of `actor`.
pub async fn append(
    log: &dyn EventLog,
    stream: &str,
    event: &DomainEvent,
    actor: &str,
) -> Position {
    let encoded = wire::encode(event);
    let event = NewEvent {
        event_id: EventId(Uuid::now_v7()),
        type_name: encoded.type_name.into(),
        schema_version: encoded.schema_version,
        payload: encoded.payload.into(),
        metadata: metadata(actor, stream).into(),
    };
    append_raw(log, stream, event).await
}

/// Appends an event as it is, also one that nobody can read.
pub async fn append_raw(log: &dyn EventLog, stream: &str, event: NewEvent) -> Position {
    let stream = StreamId::from_stored(stream);
    let append = Append { stream, expected: Expected::Any, events: vec![event] };
    let appended = log.append(vec![append]).await.remove(0);
    appended.expect("the event is appended").position
}

pub fn metadata(actor: &str, stream: &str) -> Vec<u8> {
    let metadata = EventMetadata {
        actor: ActorId(actor.into()),
        customer: crate::streams::customer_of(&StreamId::from_stored(stream)),
        correlation_id: Uuid::from_u128(7),
        causation_id: None,
        program: "test".into(),
        traceparent: None,
        command_id: None,
        body_sha256: None,
    };
    metadata.to_json()
}

pub fn admin() -> Principal {
    Principal::Key { actor: ActorId("key-admin".into()), scope: Scope::ADMIN }
}

pub fn key_of(customer: u32) -> Principal {
    let scope = Scope::of_customer(CustomerId(customer));
    Principal::Key { actor: ActorId("key-1".into()), scope }
}

pub fn space_id(customer: u32, space: u32) -> SpaceId {
    SpaceId { customer: CustomerId(customer), space: SpaceNumber(space) }
}

pub fn id(text: &str) -> AssetId {
    text.parse().expect("the id is well-formed")
}

pub fn batch_id(number: u128) -> BatchId {
    BatchId(Uuid::from_u128(number))
}

pub fn page(limit: usize) -> PageRequest {
    PageRequest { limit, after: None, offset: 0, direction: Direction::Ascending }
}

pub fn registration(generation: u32) -> Registered {
    Registered {
        generation,
        attempt: 1,
        source: Source::Origin { url: "https://origin.example/page.jpg".into() },
        media_type: Some("image/jpeg".into()),
        metadata: AssetMetadata::default(),
        roles: vec![],
        delivery: Delivery {
            channels: vec!["iiif-img".into(), "thumbs".into()],
            thumbnail_sides_px: vec![1024, 400, 200, 100],
            tile_side_px: 256,
            jpeg_quality: 85,
        },
        recognise: Languages::default(),
        limits: SizeLimits::default(),
        batch: None,
        queue: Queue::Default,
    }
}

pub fn registered(generation: u32) -> AssetEvent {
    AssetEvent::Registered(registration(generation))
}

pub fn registered_by(batch: BatchId) -> AssetEvent {
    AssetEvent::Registered(Registered { batch: Some(batch), ..registration(1) })
}

pub fn reingest(attempt: u32, batch: Option<BatchId>) -> AssetEvent {
    let queue = Queue::Default;
    AssetEvent::ReingestRequested(ReingestRequested { attempt, batch, queue })
}

pub fn started(attempt: u32) -> AssetEvent {
    AssetEvent::IngestStarted(IngestStarted { attempt })
}

pub fn delivered(attempt: u32) -> AssetEvent {
    AssetEvent::IngestDelivered(IngestDelivered { attempt, delivered: an_image() })
}

pub fn failed(attempt: u32, next_attempt_at_us: Option<i64>) -> AssetEvent {
    let (code, detail) = (IngestErrorCode::ImageCorrupt, "the image ends early".to_owned());
    let failure = Failure { code, detail, next_attempt_at_us };
    AssetEvent::IngestFailed(IngestFailed { attempt, failure })
}

pub fn deleted(generation: u32) -> AssetEvent {
    AssetEvent::Deleted(Deleted { generation })
}

pub fn an_image() -> Delivered {
    Delivered {
        width_px: 2400,
        height_px: 3600,
        media_type: "image/png".into(),
        original: a_blob(1),
        derivative_bytes: 1_234_567,
        thumbnails: vec![(683, 1024), (267, 400), (133, 200), (67, 100)],
        tile_side_px: 256,
        levels: 5,
        gray: false,
    }
}

pub fn a_blob(number: u64) -> BlobRef {
    BlobRef { sha256: format!("{number:064x}"), length_bytes: number }
}

pub fn customer_created(name: &str) -> DomainEvent {
    let (name, display_name) = (name.to_owned(), format!("The {name}"));
    DomainEvent::Customer(CustomerEvent::Created(CustomerCreated { name, display_name }))
}

pub fn space_created(name: &str) -> DomainEvent {
    let created = SpaceCreated {
        name: name.to_owned(),
        default_tags: vec!["new".into()],
        default_roles: vec![],
        default_recognise: Languages::default(),
    };
    DomainEvent::Space(SpaceEvent::Created(created))
}

/// Annotates some canvases, changes some of what was written, and takes some away.
async fn annotated(log: &dyn EventLog, count: u32) {
    let created = ContainerCreated { label: "Notes".to_owned(), roles: vec![] };
    let created = DomainEvent::Container(ContainerEvent::Created(created));
    append(log, "container-1/notes", &created, "key-1").await;
    for number in 0..count {
        let document = |text: &str| {
            let context = "http://www.w3.org/ns/anno.jsonld";
            let document = format!(
                r#"{{"@context":"{context}","type":"Annotation","bodyValue":"{text}",
                     "motivation":"commenting",
                     "target":"https://origin.example/canvas-{}#xywh={number},0,10,10"}}"#,
                number % 7
            );
            AnnotationDocument::new(document).expect("JSON")
        };
        let mut events =
            vec![AnnotationEvent::Created(AnnotationCreated { document: document("a wood") })];
        let replaced = AnnotationReplaced { document: document("a forest") };
        match number % 3 {
            0 => events.push(AnnotationEvent::Replaced(replaced)),
            1 => events.push(AnnotationEvent::Deleted(AnnotationDeleted {})),
            _ => {}
        }
        for event in events {
            let stream = format!("annotation-1/notes/{number}");
            append(log, &stream, &DomainEvent::Annotation(event), "key-1").await;
        }
    }
}

/// Stores some manifests, moves some of them, and takes some away.
async fn stored(log: &dyn EventLog, count: u32) {
    for number in 0..count {
        let slug = number.is_multiple_of(2).then(|| format!("book-{number}"));
        let document = a_blob(number.into());
        let mut events = vec![ManifestEvent::Created(ManifestCreated {
            slug,
            parent: None,
            document,
            label: Label::default(),
        })];
        let slug = Some(format!("moved-{number}"));
        match number % 3 {
            0 => events.push(ManifestEvent::Moved(ManifestMoved { slug, parent: None })),
            1 => events.push(ManifestEvent::Deleted(ManifestDeleted {})),
            _ => {}
        }
        for event in events {
            let stream = format!("manifest-1/{number}");
            append(log, &stream, &DomainEvent::Manifest(event), "key-1").await;
        }
    }
}

pub fn submitted(count: u64) -> DomainEvent {
    let queue = "default".to_owned();
    DomainEvent::Batch(BatchEvent::Submitted(BatchSubmitted { count, queue }))
}

/// Appends a history of about `assets * 4` events with something of everything in it.
pub async fn sample_history(log: &dyn EventLog, assets: u32) {
    append(log, "customer-1", &customer_created("Library"), "key-admin").await;
    append(log, "space-1/1", &space_created("Maps"), "key-1").await;
    append(log, "space-1/2", &space_created("Books"), "key-1").await;
    let batch = batch_id(9);
    for number in 0..assets {
        let stream = format!("asset-1/{}/page-{number}", 1 + number % 2);
        let mut it = registration(1);
        it.metadata.string1 = format!("book-{}", number % 10);
        it.metadata.number1 = i64::from(number % 7);
        it.metadata.tags = vec![format!("tag-{}", number % 3)];
        it.roles = if number % 5 == 0 { vec!["staff".into()] } else { vec![] };
        it.batch = (number % 4 == 0).then_some(batch);
        let result = match number % 6 {
            0 => failed(1, None),
            1 => deleted(1),
            _ => delivered(1),
        };
        for event in [AssetEvent::Registered(it), started(1), result] {
            append(log, &stream, &DomainEvent::Asset(event), "process-ingest").await;
        }
        let text = format!("transcription-1/{}/page-{number}", 1 + number % 2);
        let events = match number % 6 {
            2 => vec![recognition_requested(1, 1), recognition_started(1), read(1, 1, 11)],
            3 => vec![imported(u64::from(number)), corrected(u64::from(number), 12)],
            4 => vec![recognition_requested(1, 1), recognition_failed(1, Some(7))],
            _ => vec![],
        };
        for event in events {
            append(log, &text, &DomainEvent::Transcription(event), "key-1").await;
        }
    }
    annotated(log, assets).await;
    stored(log, assets.div_ceil(4)).await;
    let defined = NamedQueryDefined { template: "s1=p1&canvas=n1".parse().expect("a template") };
    let defined = DomainEvent::NamedQuery(NamedQueryEvent::Defined(defined));
    append(log, "named_query-1/pages", &defined, "key-1").await;
    let issued = ApiKeyIssued {
        right: Right::Write,
        until_us: Some(1),
        label: "scanner".to_owned(),
        secret_sha256: "ab".repeat(32),
    };
    append(log, "key-1/aa", &DomainEvent::ApiKey(ApiKeyEvent::Issued(issued)), "key-1").await;
    let staff = Role { label: "Staff".to_owned(), auth_service: None };
    let staff = DomainEvent::Role(DefinitionEvent::Defined(staff));
    append(log, "role-1/staff", &staff, "key-1").await;
    let members = u64::from(assets.div_ceil(4));
    append(log, &format!("batch-1/{batch}"), &submitted(members), "key-1").await;
}
