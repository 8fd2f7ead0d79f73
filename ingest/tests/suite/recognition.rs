//! What becomes of pages that are to be recognised.

use crate::world::{LEASE, Process, World};
use async_trait::async_trait;
use dlcs_commands::CommandContext;
use dlcs_domain::asset::{AssetChange, AssetCommand, IngestErrorCode, Registration, Source};
use dlcs_domain::transcription::{
    AskedBy, ImageRef, RecognitionPhase, TextBlobs, TextFormat, Transcription,
    TranscriptionCommand, TranscriptionEvent as Event,
};
use dlcs_domain::{ActorId, BlobRef, DomainEvent, EventMetadata, Languages, Patch, wire};
use dlcs_eventlog::EventLog;
use dlcs_eventlog::consumers::{ConsumerName, ConsumerStore, LeaseOwner};
use dlcs_imaging::DecodeLimits;
use dlcs_ingest::{
    IngestSettings, RecognitionPorts, RecognitionProcessManager, RecognitionWorker, WorkerError,
};
use dlcs_objects::{Digest, ObjectKey, Objects};
use dlcs_text::recogniser::{Engine, Recognised};
use dlcs_text::{Block, Line, PageLayout, Rect, Word};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::Semaphore;
use uuid::Uuid;

/// Reads any text, unless the text says what goes wrong.
struct Reader {
    /// One permit for each source that says `hold`.
    gate: Semaphore,
    calls: AtomicUsize,
    at_once: AtomicUsize,
}

struct Counted<'a>(&'a Reader);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.at_once.fetch_sub(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl RecognitionWorker for Reader {
    async fn recognise(
        &self,
        source: &Path,
        languages: &[String],
        _: &DecodeLimits,
    ) -> Result<Recognised, WorkerError> {
        let call = self.calls.fetch_add(1, Ordering::SeqCst);
        self.at_once.fetch_add(1, Ordering::SeqCst);
        let _counted = Counted(self);
        let source = tokio::fs::read_to_string(source).await.expect("an original");
        if source.contains("hold") {
            self.gate.acquire().await.expect("never closed").forget();
        }
        if source.contains("unknown") {
            let (code, detail) = (IngestErrorCode::RecognitionFailed, "no model".to_owned());
            return Err(WorkerError::Refused { code, detail });
        }
        if source.contains("crash") || (source.contains("dizzy") && call == 0) {
            return Err(WorkerError::Died { detail: "signal 11".to_owned() });
        }
        if source.contains("slow") {
            return Err(WorkerError::TimedOut);
        }
        Ok(recognised(&source, languages))
    }
}

fn recognised(text: &str, languages: &[String]) -> Recognised {
    let bounds = Rect { x: 0, y: 0, width: 40, height: 30 };
    let words = [text, &languages.join("+")].map(|it| it.replace(['/', ':'], "-"));
    let words = words.map(|text| Word { bounds, text, ..Word::default() }).to_vec();
    let blocks = vec![Block { bounds, lines: vec![Line { bounds, words }] }];
    let engine = Engine {
        name: "reader".to_owned(),
        version: "1".to_owned(),
        models: languages.to_vec(),
        settings: [("mode".to_owned(), "fake".to_owned())].into(),
    };
    let layout = PageLayout { width_px: 40, height_px: 30, languages: Vec::new(), blocks };
    Recognised { layout, engine, confidence: Some(87) }
}

/// A world with images that are delivered, and recognition.
struct Library {
    world: World,
    reader: Arc<Reader>,
    _ingest: Process,
}

fn languages(text: &str) -> Languages {
    text.parse().expect("languages")
}

impl Library {
    fn new() -> Self {
        let world = World::new();
        let ingest = world.start("ingest");
        let reader = Reader {
            gate: Semaphore::new(0),
            calls: AtomicUsize::new(0),
            at_once: AtomicUsize::new(0),
        };
        Self { world, reader: Arc::new(reader), _ingest: ingest }
    }

    fn start(&self, owner: &str) -> Process {
        let ports = RecognitionPorts {
            executor: self.world.executor.clone(),
            consumers: self.world.consumers.clone(),
            objects: self.world.objects.clone(),
            worker: self.reader.clone(),
        };
        let settings = IngestSettings { at_once: 2, ..World::settings() };
        let manager = RecognitionProcessManager::new(ports, settings, LeaseOwner(owner.to_owned()));
        Process::of(|stop| async move { manager.run(stop).await })
    }

    /// Registers an image that shall be recognised in `recognise`, and waits until it is there.
    async fn register(&self, id: &str, url: &str, recognise: &str) {
        let recognise = Patch::Set(languages(recognise));
        let source = Source::Origin { url: url.to_owned() };
        let registration = Registration { recognise, ..Registration::of(source) };
        let defaults = Arc::default();
        self.world.send(id, AssetCommand::Register { registration, defaults }).await;
        self.world.until_settled(&[id]).await;
    }

    async fn request(&self, id: &str, in_languages: &str) {
        let command = TranscriptionCommand::Request {
            image: self.image(id).await,
            languages: languages(in_languages),
            asked_by: AskedBy::Client,
        };
        self.send(id, command).await;
    }

    async fn send(&self, id: &str, command: TranscriptionCommand) {
        let context = CommandContext::new(ActorId("key-test".into()), None, Uuid::from_u128(8));
        let sent = self.world.executor.execute::<Transcription>(&context, id, command).await;
        sent.expect("it is allowed");
    }

    async fn image(&self, id: &str) -> ImageRef {
        let asset = self.world.asset(id).await;
        let delivered = asset.delivered.expect("delivered");
        let original = delivered.delivered.original;
        ImageRef { generation: asset.generation, attempt: delivered.attempt, original }
    }

    async fn transcription(&self, id: &str) -> Transcription {
        self.world.executor.load::<Transcription>(id).await.expect("memory").state
    }

    /// Waits until nothing is being recognised any more; pauses between tries pass quickly.
    async fn until_settled(&self, ids: &[&str]) {
        self.world
            .until(async |world| {
                world.advance(Duration::from_secs(10));
                for id in ids {
                    let transcription = self.transcription(id).await;
                    if transcription.recognition.is_none_or(|it| it.is_open()) {
                        return false;
                    }
                }
                true
            })
            .await;
    }

    async fn until_reading(&self) {
        self.world.until(async |_| self.reader.at_once.load(Ordering::SeqCst) > 0).await;
    }

    async fn until_read(&self) {
        self.world
            .until(async |world| {
                let name = ConsumerName("recognition".to_owned());
                let head = world.log.head().await.expect("memory");
                world.consumers.checkpoint(&name).await.expect("memory") == head
            })
            .await;
    }

    /// Returns the events of the text of one asset, by the names that they have in the log.
    async fn history(&self, id: &str) -> Vec<Event> {
        let mut history = Vec::new();
        for event in self.world.events().await {
            if event.stream.category() != "transcription" || event.stream.id() != id {
                continue;
            }
            let decoded = wire::decode(&event.type_name, event.schema_version, &event.payload);
            for event in decoded.expect("ours") {
                if let DomainEvent::Transcription(event) = event {
                    history.push(event);
                }
            }
        }
        history
    }

    async fn completed(&self, id: &str) -> usize {
        let history = self.history(id).await;
        history.iter().filter(|it| matches!(it, Event::RecognitionCompleted(_))).count()
    }

    async fn phase(&self, id: &str) -> RecognitionPhase {
        self.transcription(id).await.recognition.expect("it was asked for").phase
    }
}

#[tokio::test]
async fn a_page_that_is_registered_with_a_language_is_recognised_and_kept() {
    let library = Library::new();
    let process = library.start("one");
    library.register("1/1/a", "http://example.org/a", "deu+frk").await;
    library.until_settled(&["1/1/a"]).await;
    let history = library.history("1/1/a").await;
    let [
        Event::RecognitionRequested(asked),
        Event::RecognitionStarted(_),
        Event::RecognitionCompleted(done),
    ] = &history[..]
    else {
        panic!("{history:?}");
    };
    assert_eq!(asked.asked_by, AskedBy::Registration);
    assert_eq!(done.image, library.image("1/1/a").await);
    assert_eq!((done.attempt, done.recognition.words), (1, 2));
    assert_eq!(done.recognition.languages, languages("deu+frk"));
    assert_eq!(done.recognition.engine, "reader");
    assert_eq!(done.recognition.confidence, Some(87));
    for (blob, key) in [
        (&done.text.layout, ObjectKey::text as fn(&Digest) -> ObjectKey),
        (&done.text.record, ObjectKey::record),
    ] {
        let digest = Digest::parse(&blob.sha256).expect("a digest");
        let bytes = library.world.objects.get(&key(&digest)).await.expect("it is kept");
        assert_eq!((bytes.len() as u64, Digest::of(&bytes)), (blob.length_bytes, digest));
    }
    library.until_read().await;
    process.stopped().await;
}

#[tokio::test]
async fn a_page_without_a_language_is_left_alone() {
    let library = Library::new();
    let _process = library.start("one");
    library.world.register("1/1/a", "http://example.org/a").await;
    library.world.until_settled(&["1/1/a"]).await;
    library.until_read().await;
    assert_eq!(library.history("1/1/a").await, []);
    assert_eq!(library.reader.calls.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_language_that_is_set_later_is_recognised_then() {
    let library = Library::new();
    let _process = library.start("one");
    library.world.register("1/1/a", "http://example.org/a").await;
    library.world.until_settled(&["1/1/a"]).await;
    let recognise = Patch::Set(languages("deu"));
    let change = AssetChange { recognise, ..AssetChange::default() };
    library.world.send("1/1/a", AssetCommand::Change(change)).await;
    library.until_settled(&["1/1/a"]).await;
    assert_eq!(library.completed("1/1/a").await, 1);
}

#[tokio::test]
async fn events_say_what_caused_them() {
    let library = Library::new();
    let _process = library.start("one");
    library.register("1/1/a", "http://example.org/a", "deu").await;
    library.until_settled(&["1/1/a"]).await;
    let events = library.world.events().await;
    let delivered = events.iter().find(|it| &*it.type_name == "asset.ingest_delivered");
    let delivered = delivered.expect("it is delivered").event_id.0;
    for event in events.iter().filter(|it| it.stream.category() == "transcription") {
        let metadata = EventMetadata::parse(&event.metadata).expect("metadata");
        assert_eq!(metadata.actor.0, "process-recognition");
        assert_eq!(metadata.causation_id, Some(delivered));
        assert_eq!(metadata.correlation_id, Uuid::from_u128(7));
        assert_eq!(metadata.customer.map(|it| it.0), Some(1));
    }
}

#[tokio::test]
async fn the_same_original_is_not_read_again_by_itself_but_at_a_wish() {
    let library = Library::new();
    let _process = library.start("one");
    library.register("1/1/a", "http://example.org/a", "deu").await;
    library.until_settled(&["1/1/a"]).await;
    library.world.send("1/1/a", AssetCommand::RequestReingest { batch: None }).await;
    library.world.until_settled(&["1/1/a"]).await;
    library.until_read().await;
    assert_eq!(library.completed("1/1/a").await, 1);
    library.request("1/1/a", "deu").await;
    library.until_settled(&["1/1/a"]).await;
    assert_eq!(library.completed("1/1/a").await, 2);
}

#[tokio::test]
async fn another_original_is_read_by_itself() {
    let library = Library::new();
    let _process = library.start("one");
    library.register("1/1/a", "http://example.org/a", "deu").await;
    library.until_settled(&["1/1/a"]).await;
    library.register("1/1/a", "http://example.org/b", "deu").await;
    library.world.until(async |_| library.completed("1/1/a").await == 2).await;
    let transcription = library.transcription("1/1/a").await;
    let original = library.image("1/1/a").await.original;
    assert!(transcription.text_of(1, Some(&original)).is_some(), "{transcription:?}");
}

#[tokio::test]
async fn what_cannot_be_cured_fails_at_once_and_a_crash_costs_an_attempt() {
    let library = Library::new();
    let _process = library.start("one");
    library.register("1/1/dizzy", "dizzy", "deu").await;
    library.until_settled(&["1/1/dizzy"]).await;
    assert_eq!(library.phase("1/1/dizzy").await, RecognitionPhase::Completed);
    assert_eq!(library.transcription("1/1/dizzy").await.attempt, 2);
    for (id, url, code, tries) in [
        ("1/1/unknown", "unknown", IngestErrorCode::RecognitionFailed, 1),
        ("1/1/crash", "crash", IngestErrorCode::Internal, 3),
        ("1/1/slow", "slow", IngestErrorCode::Internal, 3),
    ] {
        library.register(id, url, "deu").await;
        library.until_settled(&[id]).await;
        let RecognitionPhase::Failed(failure) = library.phase(id).await else {
            panic!("{id} has not failed");
        };
        assert_eq!((failure.code, failure.next_attempt_at_us), (code, None), "{id}");
        assert_eq!(library.transcription(id).await.attempt, tries, "{id}");
    }
}

#[tokio::test]
async fn an_import_ends_the_reading() {
    let library = Library::new();
    let _process = library.start("one");
    library.register("1/1/a", "hold", "deu").await;
    library.until_reading().await;
    let blob = BlobRef { sha256: Digest::of(b"x").to_string(), length_bytes: 1 };
    let text = TextBlobs { layout: blob.clone(), record: blob.clone() };
    let (format, source) = (TextFormat::Alto, blob);
    let import = TranscriptionCommand::Import { generation: 1, format, source, words: 0, text };
    library.send("1/1/a", import).await;
    let gone = async |_: &World| library.reader.at_once.load(Ordering::SeqCst) == 0;
    library.world.until(gone).await;
    library.reader.gate.add_permits(1);
    library.until_read().await;
    assert_eq!(library.phase("1/1/a").await, RecognitionPhase::Superseded);
    assert_eq!(library.completed("1/1/a").await, 0);
}

#[tokio::test]
async fn deleting_the_asset_ends_the_reading() {
    let library = Library::new();
    let _process = library.start("one");
    library.register("1/1/a", "hold", "deu").await;
    library.until_reading().await;
    library.world.send("1/1/a", AssetCommand::Delete).await;
    let gone = async |_: &World| library.reader.at_once.load(Ordering::SeqCst) == 0;
    library.world.until(gone).await;
    library.until_read().await;
    assert_eq!(library.completed("1/1/a").await, 0);
}

#[tokio::test]
async fn after_a_crash_at_any_moment_every_page_has_its_text_exactly_once() {
    for moment in 0..20 {
        let library = Library::new();
        let ids: Vec<String> =
            (0..6).map(|number| format!("{}/1/{number}", 1 + number % 2)).collect();
        let ids: Vec<_> = ids.iter().map(String::as_str).collect();
        for id in &ids {
            library.register(id, id, "deu").await;
        }
        let head = library.world.log.head().await.expect("memory").0;
        let first = library.start("first");
        let reached = head + moment;
        library
            .world
            .until(async |world| {
                world.log.head().await.expect("memory").0 >= reached.min(head + 18)
            })
            .await;
        drop(first);
        library.world.advance(LEASE);
        let _second = library.start("second");
        library.until_settled(&ids).await;
        for id in &ids {
            assert_eq!(library.completed(id).await, 1, "{id} after {moment}");
        }
        library.until_read().await;
    }
}

#[tokio::test]
async fn of_two_processes_one_reads_and_the_other_takes_over() {
    let library = Library::new();
    let (one, two) = (library.start("one"), library.start("two"));
    for id in ["1/1/a", "1/1/b", "2/1/c"] {
        library.register(id, id, "deu").await;
    }
    library.until_settled(&["1/1/a", "1/1/b", "2/1/c"]).await;
    assert_eq!(library.reader.calls.load(Ordering::SeqCst), 3);
    one.stopped().await;
    library.register("1/1/later", "later", "deu").await;
    library.until_settled(&["1/1/later"]).await;
    two.stopped().await;
}
