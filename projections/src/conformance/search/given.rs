//! A library: a log, blobs, and an index that has seen them.

use super::SearchEngine;
use super::pages::{PAGES, PageText};
use crate::conformance::given::{self, a_blob, append, id};
use crate::projection::{OnPoison, ReadModel};
use crate::replay::{Target, replay};
use crate::search::{Found, HitsWanted, PageRecords, Scope, Search, SearchError, Within};
use dlcs_domain::access::Principal;
use dlcs_domain::asset::{AssetEvent, Delivered, IngestDelivered, Registered};
use dlcs_domain::transcription::{
    Corrected, TextBlobs, TextEdit, TextFormat, TextImported, TranscriptionEvent,
};
use dlcs_domain::{AssetId, BlobRef, CustomerId, DomainEvent};
use dlcs_eventlog::memory::MemoryLog;
use dlcs_eventlog::{EventLog, Position};
use dlcs_objects::memory::MemoryObjects;
use dlcs_objects::{Digest, ObjectKey, Objects};
use dlcs_text::{Block, Hyphen, Line, PageLayout, PageRecord, Rect, Word};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

pub struct Library<E> {
    pub log: Arc<dyn EventLog>,
    pub objects: Arc<dyn Objects>,
    pub engine: E,
}

impl<E: SearchEngine> Library<E> {
    pub async fn new(make: impl AsyncFn(Arc<dyn Objects>) -> E) -> Self {
        let seconds = AtomicI64::new(0);
        let clock = move || given::BEGINNING_US + seconds.fetch_add(1_000_000, Ordering::SeqCst);
        let log: Arc<dyn EventLog> = Arc::new(MemoryLog::new(Arc::new(clock)));
        let objects: Arc<dyn Objects> = Arc::new(MemoryObjects::new(std::env::temp_dir()));
        let engine = make(Arc::clone(&objects)).await;
        Self { log, objects, engine }
    }

    /// Makes a library with every page of [`PAGES`].
    pub async fn with_all_pages(make: impl AsyncFn(Arc<dyn Objects>) -> E) -> Self {
        let library = Self::new(make).await;
        for page in PAGES {
            library.page(page).await;
        }
        library.catch_up().await;
        library
    }

    /// Lets a page be registered, delivered, and its text imported.
    pub async fn page(&self, page: &PageText<'_>) {
        let id = id(page.id);
        self.registered(&id, page.roles).await;
        if !page.lines.is_empty() {
            self.imported(&id, &layout(page)).await;
        }
    }

    /// The same for a page that is open, given by its lines.
    pub async fn open_page(&self, id: &str, lines: &[&str]) {
        self.page(&PageText { id, roles: &[], language: "de", lines, whole: None }).await;
    }

    pub async fn registered(&self, id: &AssetId, roles: &[&str]) {
        let roles = roles.iter().map(|&it| it.to_owned()).collect();
        let registered = Registered { roles, ..given::registration(1) };
        self.asset(id, AssetEvent::Registered(registered)).await;
        self.asset(id, given::started(1)).await;
        self.delivered(id, 1, 1).await;
    }

    /// Lets an attempt deliver the original with this number.
    pub async fn delivered(&self, id: &AssetId, attempt: u32, original: u64) {
        let delivered = Delivered { original: a_blob(original), ..given::an_image() };
        self.asset(id, AssetEvent::IngestDelivered(IngestDelivered { attempt, delivered })).await;
    }

    pub async fn imported(&self, id: &AssetId, layout: &PageLayout) {
        let text = self.blobs(layout).await;
        let imported = TextImported {
            generation: 1,
            format: TextFormat::Alto,
            source: a_blob(2),
            words: 1,
            text,
        };
        self.text(id, TranscriptionEvent::TextImported(imported)).await;
    }

    pub async fn corrected(&self, id: &AssetId, lines: &[&str]) {
        let text = self.blobs(&layout(&PageText::of(lines))).await;
        let edits = vec![TextEdit { line: 0, word: Some(0), text: "other".into() }];
        let corrected = Corrected { generation: 1, edits, base: a_blob(3), words: 1, text };
        self.text(id, TranscriptionEvent::Corrected(corrected)).await;
    }

    /// Writes the record of a page; the layout is a name only.
    pub async fn blobs(&self, layout: &PageLayout) -> TextBlobs {
        let record = PageRecord::of(layout).expect("the page is small");
        let bytes = record.encode().expect("the page is small");
        let digest = Digest::of(&bytes);
        let blob = BlobRef { sha256: digest.to_string(), length_bytes: bytes.len() as u64 };
        let put = self.objects.put(&ObjectKey::record(&digest), bytes.into()).await;
        put.expect("the store takes it");
        TextBlobs { layout: a_blob(4), record: blob }
    }

    pub async fn asset(&self, id: &AssetId, event: AssetEvent) -> Position {
        self.happened(&format!("asset-{id}"), DomainEvent::Asset(event)).await
    }

    pub async fn text(&self, id: &AssetId, event: TranscriptionEvent) -> Position {
        self.happened(&format!("transcription-{id}"), DomainEvent::Transcription(event)).await
    }

    async fn happened(&self, stream: &str, event: DomainEvent) -> Position {
        append(self.log.as_ref(), stream, &event, "key-1").await
    }

    /// Lets the index see everything.
    pub async fn catch_up(&self) {
        self.feed(&self.engine.model()).await;
        self.engine.settle().await;
    }

    /// Lets any read model see everything.
    pub async fn feed(&self, model: &Arc<dyn ReadModel>) {
        let to = self.log.head().await.expect("the log tells its head");
        let target = Target { model: Arc::clone(model), to };
        let replayed = replay(self.log.as_ref(), &[target], OnPoison::Park).await;
        replayed.expect("the log can be replayed");
    }

    pub fn search(&self) -> Search {
        let records = PageRecords::new(Arc::clone(&self.objects));
        Search { index: self.engine.index(), records }
    }

    pub async fn try_find(
        &self,
        principal: &Principal,
        scope: &Scope,
        text: &str,
        wanted: HitsWanted,
    ) -> Result<Found, SearchError> {
        self.search().search_within(principal, scope, text, wanted).await
    }

    pub async fn find(&self, principal: &Principal, scope: &Scope, text: &str) -> Found {
        let all = HitsWanted { from: 0, limit: 1_000 };
        let found = self.try_find(principal, scope, text, all).await;
        found.unwrap_or_else(|error| panic!("`{text}` can be searched: {error}"))
    }

    /// Returns the pages of customer 1 that anybody finds, by their names, in order.
    pub async fn found_by_all(&self, text: &str) -> Vec<String> {
        let found = self.find(&Principal::Anonymous, &customer(1), text).await;
        let mut names: Vec<_> = found.hits.iter().map(|it| it.id.name().to_owned()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

pub fn customer(number: u32) -> Scope {
    Scope { customer: CustomerId(number), within: Within::Customer }
}

/// Lays lines out on a grid: word `i` of line `l` has a box that everybody can calculate.
pub fn layout(page: &PageText) -> PageLayout {
    let line = |(number, text): (usize, &&str)| {
        let words = text.split(' ').filter(|it| !it.is_empty()).enumerate();
        let words = words.map(|(word, text)| Word {
            bounds: cell(number, word, word),
            text: text.to_owned(),
            ..Word::default()
        });
        let words: Vec<_> = words.collect();
        Line { bounds: cell(number, 0, words.len().max(1) - 1), words }
    };
    let mut lines: Vec<Line> = page.lines.iter().enumerate().map(line).collect();
    if let Some((first, whole)) = page.whole {
        let whole = whole.to_owned();
        if let Some(word) = lines[first].words.last_mut() {
            word.hyphen = Some(Hyphen::First { whole: whole.clone() });
        }
        if let Some(word) = lines[first + 1].words.first_mut() {
            word.hyphen = Some(Hyphen::Second { whole });
        }
    }
    let bounds = Rect { x: 0, y: 0, width: 2_000, height: 2_000 };
    PageLayout {
        width_px: 2_000,
        height_px: 2_000,
        languages: vec![page.language.to_owned()],
        blocks: vec![Block { bounds, lines }],
    }
}

/// Returns the box around words of a line.
pub(super) fn cell(line: usize, first: usize, last: usize) -> Rect {
    let pixels = |it: usize| u32::try_from(it).expect("the grid is small");
    Rect {
        x: 100 + 100 * pixels(first),
        y: 100 + 50 * pixels(line),
        width: 100 * pixels(last - first) + 90,
        height: 40,
    }
}
