//! The text of assets: requests, imports, corrections.

use super::{asset, page, with_space};
use crate::context::CommandContext;
use crate::cqrs::Decided;
use crate::error::CommandError;
use crate::services::{ImportedFile, NewText};
use crate::testing::{World, context, repeatable};
use bytes::Bytes;
use dlcs_domain::asset::{Asset, AssetChange, AssetCommand, Delivered};
use dlcs_domain::transcription::{
    RecognitionSummary, TextEdit, TextFormat, TextImported, Transcription, TranscriptionCommand,
    TranscriptionEvent,
};
use dlcs_domain::{Aggregate, AssetId, BlobRef, Languages, Patch, wire};
use dlcs_eventlog::{Append, EventId, Expected, NewEvent, StreamId};
use dlcs_objects::{Digest, ObjectKey, Objects};
use uuid::Uuid;

fn languages(text: &str) -> Languages {
    text.parse().expect("languages")
}

fn text(layout: &str) -> NewText {
    NewText { layout: layout.to_owned().into(), record: format!("r{layout}").into(), words: 2 }
}

fn file(layout: &str) -> ImportedFile {
    let source = format!("<alto>{layout}</alto>").into();
    ImportedFile { format: TextFormat::Alto, source, text: text(layout) }
}

fn edits(text: &str) -> Vec<TextEdit> {
    vec![TextEdit { line: 0, word: Some(0), text: text.to_owned() }]
}

/// Makes the corrected layout in the simplest way: by writing the edit behind it.
fn apply(layout: &Bytes, edits: &[TextEdit]) -> Result<NewText, CommandError> {
    let layout = String::from_utf8_lossy(layout);
    Ok(text(&format!("{layout}+{}", edits[0].text)))
}

fn blob(bytes: &str) -> BlobRef {
    let sha256 = Digest::of(bytes.as_bytes()).to_string();
    BlobRef { sha256, length_bytes: bytes.len() as u64 }
}

async fn execute<A: Aggregate>(world: &World, id: &AssetId, command: A::Command) {
    let executor = world.commands.executor();
    executor.execute::<A>(&context(), &id.to_string(), command).await.expect("it is accepted");
}

async fn deliver(world: &World, id: &AssetId, attempt: u32, original: &str) {
    let delivered = Delivered {
        width_px: 40,
        height_px: 30,
        media_type: "image/png".to_owned(),
        original: blob(original),
        derivative_bytes: 7,
        thumbnails: vec![],
        tile_side_px: 512,
        levels: 1,
        gray: true,
    };
    let start = AssetCommand::StartIngest { generation: 1, now_us: 0 };
    execute::<Asset>(world, id, start).await;
    let report = AssetCommand::ReportDelivered { generation: 1, attempt, delivered };
    execute::<Asset>(world, id, report).await;
}

/// Space 1 with a delivered asset.
async fn with_page() -> (World, AssetId) {
    let world = with_space().await;
    let id = asset("page-7");
    world.commands.assets.register(&context(), &id, page("page-7")).await.expect("it is new");
    deliver(&world, &id, 1, "one").await;
    (world, id)
}

/// The same, and its text is recognised.
async fn with_text() -> (World, AssetId) {
    let (world, id) = with_page().await;
    let texts = &world.commands.texts;
    texts.request(&context(), &id, languages("deu")).await.expect("there is an image");
    let start = TranscriptionCommand::StartRecognition { generation: 1, now_us: 0 };
    execute::<Transcription>(&world, &id, start).await;
    let recognition = RecognitionSummary {
        engine: "tesseract".to_owned(),
        engine_version: "5".to_owned(),
        models: vec![],
        settings: [].into(),
        languages: languages("deu"),
        confidence: Some(90),
        words: 2,
    };
    let text = texts.keep(text("read")).await.expect("there is room");
    let report =
        TranscriptionCommand::ReportRecognised { generation: 1, attempt: 1, recognition, text };
    execute::<Transcription>(&world, &id, report).await;
    (world, id)
}

async fn layout(world: &World, id: &AssetId) -> Option<String> {
    let text = world.commands.texts.load(id).await.expect("memory can be read").state.text?;
    let digest = Digest::parse(&text.blobs.layout.sha256).expect("a digest");
    let bytes = world.objects.get(&ObjectKey::text(&digest)).await.expect("it was written before");
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

async fn correct(
    world: &World,
    context: &CommandContext,
    text: &str,
    base: Option<&BlobRef>,
) -> Result<Decided, CommandError> {
    let id = asset("page-7");
    world.commands.texts.correct(context, &id, edits(text), base, apply).await
}

#[tokio::test]
async fn a_request_needs_an_image_and_a_language() {
    let world = with_space().await;
    let id = asset("page-7");
    let request = async |text| {
        world.commands.texts.request(&context(), &id, languages(text)).await.map(|it| it.changed)
    };
    assert!(matches!(request("deu").await, Err(CommandError::NotFound(_))));
    world.commands.assets.register(&context(), &id, page("page-7")).await.expect("it is new");
    assert!(matches!(request("deu").await, Err(CommandError::Conflict(_))));
    deliver(&world, &id, 1, "one").await;
    assert!(matches!(request("").await, Err(CommandError::Invalid(_))));
    assert_eq!(request("deu").await, Ok(true));
    assert_eq!(request("deu").await, Ok(false), "it waits already");
    world.commands.assets.delete(&context(), &id).await.expect("it is there");
    assert!(matches!(request("deu").await, Err(CommandError::Gone(_))));
}

#[tokio::test]
async fn without_a_language_those_of_the_asset_hold() {
    let (world, id) = with_page().await;
    let recognise = Patch::Set(languages("deu+frk"));
    let change = AssetChange { recognise, ..AssetChange::default() };
    world.commands.assets.change(&context(), &id, change).await.expect("it is there");
    let texts = &world.commands.texts;
    texts.request(&context(), &id, Languages::default()).await.expect("there is an image");
    let loaded = texts.load(&id).await.expect("memory can be read").state;
    assert_eq!(loaded.recognition.map(|it| it.languages), Some(languages("deu+frk")));
}

#[tokio::test]
async fn many_requests_cost_one_append_and_a_repetition_none() {
    let (world, id) = with_page().await;
    let other = asset("page-8");
    world.commands.assets.register(&context(), &other, page("page-8")).await.expect("it is new");
    deliver(&world, &other, 1, "two").await;
    let ids = [id.clone(), asset("none"), other];
    let texts = &world.commands.texts;
    let calls = world.log.append_calls();
    let ask = async || texts.request_many(&repeatable(1), 0, &ids, &languages("deu")).await;
    let answers = ask().await;
    assert_eq!(world.log.append_calls() - calls, 1);
    let changed = answers.iter().map(|it| it.as_ref().map(|it| it.changed).ok());
    assert_eq!(changed.collect::<Vec<_>>(), [Some(true), None, Some(true)]);
    world.commands.assets.delete(&context(), &id).await.expect("it is there");
    let count = world.events().await.len();
    assert_eq!(ask().await, answers, "also when the asset has gone since");
    assert_eq!(world.events().await.len(), count);
}

#[tokio::test]
async fn an_imported_file_and_its_text_are_kept() {
    let (world, id) = with_page().await;
    let texts = &world.commands.texts;
    let imported = texts.import(&context(), &id, file("a")).await.expect("the asset is there");
    assert!(imported.created && imported.changed);
    let again = texts.import(&context(), &id, file("a")).await.expect("the asset is there");
    assert!(!again.changed);
    assert_eq!(layout(&world, &id).await.as_deref(), Some("a"));
    let source = ObjectKey::imported_text(&Digest::of(b"<alto>a</alto>"));
    assert_eq!(world.objects.get(&source).await.expect("it is kept"), "<alto>a</alto>");
    let stale = CommandContext { expected_edit: Some(7), ..context() };
    let refused = texts.import(&stale, &id, file("b")).await;
    assert_eq!(refused.err(), Some(CommandError::EditMismatch { actual: 1 }));
}

#[tokio::test]
async fn a_correction_is_made_on_the_text_that_was_read() {
    let (world, id) = with_text().await;
    let stale = correct(&world, &context(), "x", Some(&blob("older"))).await;
    assert_eq!(stale.err(), Some(CommandError::EditMismatch { actual: 1 }));
    let base = blob("read");
    assert!(correct(&world, &context(), "x", Some(&base)).await.expect("it is current").changed);
    assert_eq!(layout(&world, &id).await.as_deref(), Some("read+x"));
    let again = correct(&world, &context(), "y", Some(&base)).await;
    assert_eq!(again.err(), Some(CommandError::EditMismatch { actual: 2 }));
    correct(&world, &context(), "y", None).await.expect("whatever is there");
    assert_eq!(layout(&world, &id).await.as_deref(), Some("read+x+y"));
}

#[tokio::test]
async fn a_repeated_correction_is_applied_once() {
    let (world, id) = with_text().await;
    let first = correct(&world, &repeatable(1), "x", None).await.expect("there is a text");
    correct(&world, &context(), "y", None).await.expect("there is a text");
    assert_eq!(correct(&world, &repeatable(1), "x", None).await, Ok(first));
    assert_eq!(layout(&world, &id).await.as_deref(), Some("read+x+y"));
    world.commands.texts.withdraw(&context(), &id).await.expect("there is a text");
    assert_eq!(correct(&world, &repeatable(1), "x", None).await, Ok(first));
}

#[tokio::test]
async fn a_correction_that_is_overtaken_is_made_again_on_the_newer_text() {
    let (world, id) = with_text().await;
    let rival = world.another_process();
    // Another process imports after the layout was read and before the correction is appended.
    let blobs = rival.commands.texts.keep(text("rival")).await.expect("there is room");
    let imported = TextImported {
        generation: 1,
        format: TextFormat::Page,
        source: blob("source"),
        words: 1,
        text: blobs,
    };
    let encoded = wire::encode(&TranscriptionEvent::TextImported(imported).into());
    let event = NewEvent {
        event_id: EventId(Uuid::new_v4()),
        type_name: encoded.type_name.into(),
        schema_version: encoded.schema_version,
        payload: encoded.payload.into(),
        metadata: "{}".into(),
    };
    let loaded = world.commands.texts.load(&id).await.expect("memory can be read");
    let expected = Expected::Revision(loaded.revision.expect("there is a text"));
    let stream = StreamId::new(Transcription::CATEGORY, &id.to_string());
    world.log.race(vec![Append { stream, expected, events: vec![event] }]);
    correct(&world, &context(), "x", None).await.expect("it is made again");
    assert_eq!(layout(&world, &id).await.as_deref(), Some("rival+x"));
}

#[tokio::test]
async fn recognised_text_of_another_original_cannot_be_corrected() {
    let (world, id) = with_text().await;
    world.commands.assets.request_reingest(&context(), &id, None).await.expect("it is there");
    deliver(&world, &id, 2, "another").await;
    let refused = correct(&world, &context(), "x", None).await;
    assert!(matches!(refused, Err(CommandError::NotFound(_))));
}

#[tokio::test]
async fn what_cannot_be_applied_changes_nothing() {
    let (world, id) = with_text().await;
    let count = world.events().await.len();
    let refuse =
        |_: &Bytes, _: &[TextEdit]| Err(CommandError::Invalid("there is no line 7".to_owned()));
    let refused = world.commands.texts.correct(&context(), &id, edits("x"), None, refuse).await;
    assert!(matches!(refused, Err(CommandError::Invalid(_))));
    let none = world.commands.texts.correct(&context(), &id, vec![], None, apply).await;
    assert!(matches!(none, Err(CommandError::Invalid(_))));
    assert_eq!(world.events().await.len(), count);
}

#[tokio::test]
async fn a_text_is_withdrawn_once() {
    let (world, id) = with_text().await;
    let texts = &world.commands.texts;
    assert!(texts.withdraw(&context(), &id).await.expect("there is a text").changed);
    assert_eq!(layout(&world, &id).await, None);
    assert!(matches!(texts.withdraw(&context(), &id).await, Err(CommandError::NotFound(_))));
}
