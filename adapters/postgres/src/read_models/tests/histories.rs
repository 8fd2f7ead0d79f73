//! Random histories: what may happen, in orders that make no sense too.

use dlcs_domain::asset::{AccessChanged, AssetEvent, MetadataPatch};
use dlcs_domain::collection::{
    CollectionCreated, CollectionDeleted, CollectionEvent, CollectionKind, CollectionPublished,
    CollectionRestored, CollectionWithdrawn,
};
use dlcs_domain::manifest::{
    ManifestCreated, ManifestDeleted, ManifestEvent, ManifestMoved, ManifestReplaced,
};
use dlcs_domain::space::{SpaceEvent, SpaceRenamed};
use dlcs_domain::{BatchId, DomainEvent, Label, Patch};
use dlcs_eventlog::memory::MemoryLog;
use dlcs_eventlog::{EventId, EventLog, NewEvent};
use dlcs_projections::conformance::given::{
    a_blob, append, append_raw, batch_id, corrected, customer_created, deleted, delivered, failed,
    imported, metadata, read, recognition_failed, recognition_requested, recognition_started,
    registration, reingest, space_created, started, submitted, withdrawn,
};
use proptest::prelude::*;
use std::sync::Arc;
use uuid::Uuid;

/// An event and its stream. `None`: an event from the future, which no program can read.
pub(super) type Happening = (String, Option<DomainEvent>);

/// Appends a history to a log of its own, a second each.
pub(super) async fn log_of(history: &[Happening]) -> Arc<dyn EventLog> {
    let seconds = std::sync::atomic::AtomicI64::new(0);
    let clock = move || 1_000_000 * seconds.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
    let log: Arc<dyn EventLog> = Arc::new(MemoryLog::new(Arc::new(clock)));
    for happening in history {
        happened(log.as_ref(), happening).await;
    }
    log
}

pub(super) async fn happened(log: &dyn EventLog, (stream, event): &Happening) {
    if let Some(event) = event {
        append(log, stream, event, "key-1").await;
        return;
    }
    let event = NewEvent {
        event_id: EventId(Uuid::now_v7()),
        type_name: "asset.teleported".into(),
        schema_version: 1,
        payload: "{}".into(),
        metadata: metadata("key-1", stream).into(),
    };
    append_raw(log, stream, event).await;
}

/// Histories of a few assets and batches that meet often.
pub(super) fn histories(length: usize) -> impl Strategy<Value = Vec<Happening>> {
    let one = prop_oneof![
        24 => asset_happening(),
        8 => text_happening(),
        2 => batch().prop_flat_map(|id| {
            let submitted = (0..5_u64).prop_map(submitted);
            submitted.prop_map(move |it| (format!("batch-1/{id}"), Some(it)))
        }),
        3 => other_happening(),
        1 => asset_stream().prop_map(|stream| (stream, None)),
    ];
    proptest::collection::vec(one, 1..=length)
}

fn asset_stream() -> impl Strategy<Value = String> {
    let name = prop_oneof![Just("a"), Just("b"), Just("ü/c"), Just("d")];
    (1..3_u32, name).prop_map(|(space, name)| format!("asset-1/{space}/{name}"))
}

fn batch() -> impl Strategy<Value = BatchId> {
    (1..4_u128).prop_map(batch_id)
}

/// Texts of clients: with zeros, very long, and in between.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-c]{0,2}",
        2 => "[\0-\u{2}é\u{10ffff}]{0,4}",
        1 => ("[\0ab]{1,2}", 0..40_usize).prop_map(|(text, times)| text.repeat(times * 100)),
    ]
}

fn texts() -> impl Strategy<Value = Vec<String>> {
    proptest::collection::vec(text(), 0..4)
}

fn registered() -> impl Strategy<Value = AssetEvent> {
    let batch = proptest::option::of(batch());
    (1..3_u32, text(), texts(), texts(), batch).prop_map(
        |(generation, string1, tags, roles, batch)| {
            let mut it = registration(generation);
            it.metadata.string1 = string1;
            it.metadata.tags = tags;
            it.roles = roles;
            it.batch = batch;
            AssetEvent::Registered(it)
        },
    )
}

fn asset_happening() -> impl Strategy<Value = Happening> {
    let attempt = || 1..4_u32;
    let event = prop_oneof![
        5 => registered(),
        3 => attempt().prop_map(started),
        3 => attempt().prop_map(delivered),
        2 => (attempt(), proptest::option::of(0..9_i64)).prop_map(|(it, next)| failed(it, next)),
        2 => (attempt(), proptest::option::of(batch())).prop_map(|(it, by)| reingest(it, by)),
        2 => (1..3_u32).prop_map(deleted),
        2 => texts().prop_map(|roles| AssetEvent::AccessChanged(AccessChanged { roles })),
        2 => (text(), texts()).prop_map(|(string1, tags)| {
            let (string1, tags) = (Patch::Set(string1), Patch::Set(tags));
            AssetEvent::MetadataChanged(MetadataPatch { string1, tags, ..MetadataPatch::default() })
        }),
    ];
    (asset_stream(), event).prop_map(|(stream, it)| (stream, Some(DomainEvent::Asset(it))))
}

fn text_happening() -> impl Strategy<Value = Happening> {
    let attempt = || 1..4_u32;
    let (original, text) = (|| 1..3_u64, || 11..14_u64);
    let event = prop_oneof![
        (attempt(), original()).prop_map(|(it, original)| recognition_requested(it, original)),
        attempt().prop_map(recognition_started),
        (attempt(), original(), text()).prop_map(|(it, original, text)| read(it, original, text)),
        (attempt(), proptest::option::of(0..9_i64))
            .prop_map(|(it, next)| recognition_failed(it, next)),
        text().prop_map(imported),
        (text(), text()).prop_map(|(base, text)| corrected(base, text)),
        Just(withdrawn()),
    ];
    (asset_stream(), event).prop_map(|(stream, it)| {
        let stream = stream.replacen("asset", "transcription", 1);
        (stream, Some(DomainEvent::Transcription(it)))
    })
}

fn other_happening() -> impl Strategy<Value = Happening> {
    let manifest = |stream: &str, event| (stream.to_owned(), Some(DomainEvent::Manifest(event)));
    let collection = |event| ("collection-1/c".to_owned(), Some(DomainEvent::Collection(event)));
    let created = |slug, number| {
        let slug = Some(slug);
        ManifestEvent::Created(ManifestCreated {
            slug,
            parent: None,
            document: a_blob(number),
            label: Label::default(),
        })
    };
    prop_oneof![
        (1..3_u32).prop_map(|it| (format!("customer-{it}"), Some(customer_created("Library")))),
        (1..3_u32).prop_map(|it| (format!("space-1/{it}"), Some(space_created("Maps")))),
        (1..3_u32, "[A-Zé]{1,3}").prop_map(|(it, name)| {
            let event = SpaceEvent::Renamed(SpaceRenamed { name });
            (format!("space-1/{it}"), Some(DomainEvent::Space(event)))
        }),
        ("[A-Z]{1,3}", 1..9_u64)
            .prop_map(move |(slug, it)| manifest("manifest-1/m", created(slug, it))),
        (1..9_u64).prop_map(move |it| {
            let (document, label) = (a_blob(it), Label::none("Replaced"));
            manifest("manifest-1/m", ManifestEvent::Replaced(ManifestReplaced { document, label }))
        }),
        prop::option::of("[A-Z]{1,3}").prop_map(move |slug| {
            let parent = slug.as_ref().map(|_| "c".to_owned());
            manifest("manifest-1/m", ManifestEvent::Moved(ManifestMoved { slug, parent }))
        }),
        ("[A-Z]{1,3}", any::<bool>(), 1..9_u64).prop_map(move |(slug, public, it)| {
            collection(CollectionEvent::Created(CollectionCreated {
                kind: CollectionKind::Storage,
                slug: Some(slug),
                parent: None,
                public,
                document: a_blob(it),
                label: Label::none("Maps"),
            }))
        }),
        any::<bool>().prop_map(move |is_shown| {
            collection(match is_shown {
                true => CollectionEvent::Published(CollectionPublished {}),
                false => CollectionEvent::Withdrawn(CollectionWithdrawn {}),
            })
        }),
        Just(collection(CollectionEvent::Deleted(CollectionDeleted {}))),
        Just(collection(CollectionEvent::Restored(CollectionRestored {}))),
        Just(manifest("manifest-1/m", ManifestEvent::Deleted(ManifestDeleted {}))),
    ]
}
