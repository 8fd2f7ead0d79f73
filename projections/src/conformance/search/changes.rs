//! Pages change, and the index with them.

use super::SearchEngine;
use super::given::{Library, customer, layout};
use super::pages::{PAGES, PageText};
use crate::conformance::given::{
    a_blob, append_raw, deleted, id, key_of, metadata, registered, reingest, started,
};
use crate::projection::{ApplyError, OnPoison};
use crate::replay::{ReplayError, Target, replay};
use dlcs_domain::asset::{AccessChanged, AssetEvent};
use dlcs_domain::transcription::{
    AskedBy, ImageRef, RecognitionCompleted, RecognitionRequested, RecognitionStarted,
    RecognitionSummary, TextBlobs, TextFormat, TextImported, TranscriptionEvent, Withdrawn,
};
use dlcs_domain::{AssetId, BlobRef, Languages};
use dlcs_eventlog::{EventId, NewEvent, Position};
use dlcs_objects::Objects;
use std::sync::Arc;
use uuid::Uuid;

pub(super) async fn a_correction_replaces_the_text<E: SearchEngine>(library: &Library<E>) {
    library.open_page("1/1/a", &["Uer Ausgang", "des Menſchen"]).await;
    library.open_page("1/1/b", &["Der Eingang"]).await;
    library.catch_up().await;
    assert_eq!(library.found_by_all("der").await, ["b"]);
    library.corrected(&id("1/1/a"), &["Der Ausgang", "des Menſchen"]).await;
    library.catch_up().await;
    assert_eq!(library.found_by_all("\"der Ausgang des\"").await, ["a"]);
    assert_eq!(library.found_by_all("Uer").await, [""; 0]);
    let words = library.search().autocomplete(&key_of(1), &customer(1), "ue", 10).await;
    assert_eq!(words.expect("words can be suggested"), [], "the old word is gone");
}

pub(super) async fn a_withdrawn_text_is_not_found<E: SearchEngine>(library: &Library<E>) {
    library.open_page("1/1/a", &["Ausgang"]).await;
    library.catch_up().await;
    assert_eq!(library.found_by_all("Ausgang").await, ["a"]);
    let withdrawn = TranscriptionEvent::Withdrawn(Withdrawn { generation: 1 });
    library.text(&id("1/1/a"), withdrawn).await;
    library.catch_up().await;
    assert_eq!(library.found_by_all("Ausgang").await, [""; 0]);
}

pub(super) async fn a_deleted_asset_is_not_found<E: SearchEngine>(library: &Library<E>) {
    library.open_page("1/1/a", &["Ausgang"]).await;
    library.open_page("1/1/b", &["Ausgang"]).await;
    library.asset(&id("1/1/a"), deleted(1)).await;
    library.catch_up().await;
    assert_eq!(library.found_by_all("Ausgang").await, ["b"]);
    let found = library.find(&key_of(1), &customer(1), "Ausgang").await;
    assert_eq!(found.total_pages, 1, "its owner does not find it either");
}

pub(super) async fn an_asset_that_is_registered_again_begins_without_text<E: SearchEngine>(
    library: &Library<E>,
) {
    let a = id("1/1/a");
    library.open_page("1/1/a", &["Ausgang"]).await;
    library.asset(&a, deleted(1)).await;
    library.asset(&a, registered(2)).await;
    library.catch_up().await;
    assert_eq!(library.found_by_all("Ausgang").await, [""; 0]);
    let text = library.blobs(&layout(&PageText::of(&["Eingang"]))).await;
    let imported =
        TextImported { generation: 2, format: TextFormat::Page, source: a_blob(2), words: 1, text };
    library.text(&a, TranscriptionEvent::TextImported(imported)).await;
    library.catch_up().await;
    assert_eq!(library.found_by_all("Eingang").await, ["a"]);
    assert_eq!(library.found_by_all("Ausgang").await, [""; 0]);
    let found = library.find(&key_of(1), &customer(1), "Eingang").await;
    assert_eq!(found.hits[0].generation, 2);
}

pub(super) async fn access_opens_and_closes_what_is_found<E: SearchEngine>(library: &Library<E>) {
    let a = id("1/1/a");
    library.open_page("1/1/a", &["Ausgang"]).await;
    for (roles, sees) in [(vec!["staff".to_owned()], false), (vec![], true)] {
        library.asset(&a, AssetEvent::AccessChanged(AccessChanged { roles })).await;
        library.catch_up().await;
        let anybody = library.found_by_all("Ausgang").await;
        assert_eq!(!anybody.is_empty(), sees);
        let owner = library.find(&key_of(1), &customer(1), "Ausgang").await;
        assert_eq!(owner.total_hits, Some(1));
    }
}

/// Lets a page be recognised from the original with this number.
async fn recognised<E: SearchEngine>(
    library: &Library<E>,
    id: &AssetId,
    attempt: u32,
    original: u64,
    lines: &[&str],
) {
    let languages: Languages = "deu".parse().expect("it is a language");
    let image = ImageRef { generation: 1, attempt: 1, original: a_blob(original) };
    let requested = RecognitionRequested {
        attempt,
        image: image.clone(),
        languages: languages.clone(),
        asked_by: AskedBy::Client,
    };
    let recognition = RecognitionSummary {
        engine: "test".into(),
        engine_version: "1".into(),
        models: vec![],
        settings: Default::default(),
        languages,
        confidence: Some(90),
        words: 1,
    };
    let text = library.blobs(&layout(&PageText::of(lines))).await;
    let completed = RecognitionCompleted { attempt, image, recognition, text };
    library.text(id, TranscriptionEvent::RecognitionRequested(requested)).await;
    let started = TranscriptionEvent::RecognitionStarted(RecognitionStarted { attempt });
    library.text(id, started).await;
    library.text(id, TranscriptionEvent::RecognitionCompleted(completed)).await;
}

pub(super) async fn another_original_takes_recognised_text_away<E: SearchEngine>(
    library: &Library<E>,
) {
    let a = id("1/1/a");
    library.registered(&a, &[]).await;
    recognised(library, &a, 1, 1, &["Ausgang"]).await;
    library.catch_up().await;
    assert_eq!(library.found_by_all("Ausgang").await, ["a"]);
    library.asset(&a, reingest(2, None)).await;
    library.catch_up().await;
    assert_eq!(library.found_by_all("Ausgang").await, ["a"], "shown until there is another");
    library.delivered(&a, 2, 7).await;
    library.catch_up().await;
    assert_eq!(library.found_by_all("Ausgang").await, [""; 0]);
    recognised(library, &a, 2, 7, &["Eingang"]).await;
    library.catch_up().await;
    assert_eq!(library.found_by_all("Eingang").await, ["a"]);
}

pub(super) async fn imported_text_stays_with_another_original<E: SearchEngine>(
    library: &Library<E>,
) {
    library.open_page("1/1/a", &["Ausgang"]).await;
    library.corrected(&id("1/1/a"), &["Eingang"]).await;
    library.asset(&id("1/1/a"), reingest(2, None)).await;
    library.delivered(&id("1/1/a"), 2, 7).await;
    library.catch_up().await;
    assert_eq!(library.found_by_all("Eingang").await, ["a"]);
}

pub(super) async fn the_late_result_of_an_old_attempt_changes_nothing<E: SearchEngine>(
    library: &Library<E>,
) {
    let a = id("1/1/a");
    library.registered(&a, &[]).await;
    recognised(library, &a, 1, 1, &["Ausgang"]).await;
    library.asset(&a, reingest(2, None)).await;
    library.asset(&a, started(2)).await;
    library.delivered(&a, 1, 9).await;
    library.catch_up().await;
    assert_eq!(library.found_by_all("Ausgang").await, ["a"]);
}

pub(super) async fn a_page_without_its_record_hides_no_other<E: SearchEngine>(
    library: &Library<E>,
) {
    library.open_page("1/1/a", &["Ausgang"]).await;
    let gone = TextImported {
        generation: 1,
        format: TextFormat::Hocr,
        source: a_blob(2),
        words: 1,
        text: TextBlobs { layout: a_blob(4), record: a_blob(99) },
    };
    library.registered(&id("1/1/gone"), &[]).await;
    library.text(&id("1/1/gone"), TranscriptionEvent::TextImported(gone)).await;
    // Bytes that are no record, under their right name.
    let bytes = b"DPR1 and nonsense".as_slice();
    let digest = dlcs_objects::Digest::of(bytes);
    let key = dlcs_objects::ObjectKey::record(&digest);
    library.objects.put(&key, bytes.into()).await.expect("the store takes it");
    let damaged = TextImported {
        generation: 1,
        format: TextFormat::Hocr,
        source: a_blob(2),
        words: 1,
        text: TextBlobs {
            layout: a_blob(4),
            record: BlobRef { sha256: digest.to_string(), length_bytes: 17 },
        },
    };
    library.registered(&id("1/1/damaged"), &[]).await;
    library.text(&id("1/1/damaged"), TranscriptionEvent::TextImported(damaged)).await;
    library.catch_up().await;
    assert_eq!(library.found_by_all("Ausgang").await, ["a"]);
}

/// Appends an event that nobody can read.
async fn poison<E: SearchEngine>(library: &Library<E>, stream: &str) -> Position {
    let event = NewEvent {
        event_id: EventId(Uuid::now_v7()),
        type_name: "transcription.text_imported".into(),
        schema_version: 99,
        payload: b"{}".to_vec().into(),
        metadata: metadata("key-1", stream).into(),
    };
    append_raw(library.log.as_ref(), stream, event).await
}

pub(super) async fn a_poison_event_parks_its_stream_and_no_other<E: SearchEngine>(
    library: &Library<E>,
) {
    library.open_page("1/1/a", &["Ausgang"]).await;
    let first = poison(library, "transcription-1/1/a").await;
    library.corrected(&id("1/1/a"), &["Eingang"]).await;
    library.open_page("1/1/b", &["Ausgang"]).await;
    library.catch_up().await;
    assert_eq!(library.found_by_all("Ausgang").await, ["a", "b"]);
    assert_eq!(library.found_by_all("Eingang").await, [""; 0]);
    let parked = library.engine.model().parked().await.expect("parked events can be read");
    let positions: Vec<_> = parked.iter().map(|it| it.position).collect();
    assert_eq!(positions, [first, Position(first.0 + 1)]);
}

pub(super) async fn a_rebuild_stops_at_poison<E: SearchEngine>(library: &Library<E>) {
    library.open_page("1/1/a", &["Ausgang"]).await;
    let position = poison(library, "transcription-1/1/a").await;
    let target = Target { model: library.engine.model(), to: position };
    let replayed = replay(library.log.as_ref(), &[target], OnPoison::Stop).await;
    let stopped = matches!(&replayed,
        Err(ReplayError::Apply(ApplyError::Poisoned { position: at, .. })) if *at == position);
    assert!(stopped, "{replayed:?}");
    let checkpoint = library.engine.model().checkpoint().await.expect("it can be read");
    assert_eq!(checkpoint, Position::START);
    assert_eq!(library.found_by_all("Ausgang").await, [""; 0], "nothing of the batch is applied");
}

pub(super) async fn a_checkpoint_that_moved_is_told<E: SearchEngine>(library: &Library<E>) {
    library.open_page("1/1/a", &["Ausgang"]).await;
    library.catch_up().await;
    let model = library.engine.model();
    let checkpoint = model.checkpoint().await.expect("it can be read");
    let nothing = Arc::from(Vec::new());
    let applied = model.apply(Position::START, Position(99), nothing, OnPoison::Park).await;
    assert!(
        matches!(applied, Err(ApplyError::CheckpointMoved { actual, .. }) if actual == checkpoint)
    );
    assert_eq!(model.checkpoint().await.expect("it can be read"), checkpoint);
}

/// However the events are cut into pieces, the index is the same; so it is for one that was built
/// anew.
pub(super) async fn pieces_of_any_size_give_equal_dumps<E: SearchEngine>(
    make: impl AsyncFn(Arc<dyn Objects>) -> E,
) {
    let mut digests = Vec::new();
    for size in [1, 7, 1_000] {
        let library = Library::new(&make).await;
        for page in &PAGES[..6] {
            library.page(page).await;
        }
        library.corrected(&id("1/1/kant"), &["Eingang"]).await;
        library.asset(&id("1/1/laube"), deleted(1)).await;
        let model = library.engine.model();
        let head = library.log.head().await.expect("the log tells its head");
        for to in (1..=head.0).filter(|it| it % size == 0).chain([head.0]) {
            let target = Target { model: Arc::clone(&model), to: Position(to) };
            let replayed = replay(library.log.as_ref(), &[target], OnPoison::Stop).await;
            replayed.expect("the log can be replayed");
        }
        library.engine.settle().await;
        digests.push(model.dump().await.expect("the index can be summed up").tables);
    }
    assert_eq!(digests[0], digests[1]);
    assert_eq!(digests[0], digests[2]);
}
