//! Figures of search, as JSON: size of the index, rate of building, latency with boxes beside
//! tantivy's own queries without them.
//!
//! `search_figures FIXTURES FOLDER PAGES QUERIES`: pages are made of lines of the fixtures' ground
//! truth and newspapers, recombined under a fixed seed; `FOLDER` is on the disk that is measured.

use anyhow::{Context, Result, ensure};
use async_trait::async_trait;
use bytes::Bytes;
use dlcs_adapter_tantivy::TantivySearch;
use dlcs_domain::access::Principal;
use dlcs_domain::asset::{AssetEvent, Registered};
use dlcs_domain::transcription::{TextBlobs, TextFormat, TextImported, TranscriptionEvent};
use dlcs_domain::{AssetId, BlobRef, CustomerId, DomainEvent, wire};
use dlcs_eventlog::{EventId, Position, RecordedEvent, StreamId, StreamRevision};
use dlcs_objects::{Digest, LocalFile, ObjectError, ObjectKey, Objects, Staged};
use dlcs_projections::conformance::given::{a_blob, metadata, registration};
use dlcs_projections::projection::{DecodedEvent, OnPoison, ReadModel};
use dlcs_projections::search::{HitsWanted, PageRecords, Scope, Search, Within};
use dlcs_text::analysis::Analyser;
use dlcs_text::{Block, Line, PageLayout, PageRecord, PageSize, Rect, Word, alto};
use std::collections::HashMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tantivy::collector::{Count, TopDocs};
use tantivy::query::{PhraseQuery, Query, TermQuery};
use tantivy::schema::IndexRecordOption;
use tantivy::{Index, IndexReader, TantivyDocument, Term};

/// Hits of one answer.
const HITS: usize = 25;
/// Events of one commit.
const EVENTS: usize = 8_192;

#[tokio::main]
async fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [fixtures, folder, pages, queries] = args.as_slice() else {
        anyhow::bail!("usage: search_figures FIXTURES FOLDER PAGES QUERIES");
    };
    let (pages, queries): (u64, usize) = (pages.parse()?, queries.parse()?);
    let folder = PathBuf::from(folder);
    let lines = lines(Path::new(fixtures))?;
    let objects: Arc<dyn Objects> = Arc::new(Blobs(folder.join("blobs")));
    let records = PageRecords::new(Arc::clone(&objects));
    let index = folder.join("index");
    let search = TantivySearch::open(&index, records.clone())?;
    let made = fill(&search, &folder, &lines, pages).await?;
    let search = Search { index: Arc::new(search), records };
    let build = std::fs::read_dir(&index)?.filter_map(|it| Some(it.ok()?.path()));
    let build = build.into_iter().find(|it| it.is_dir()).context("there is a build")?;
    let raw = Raw::open(&build)?;
    let mut cases = Vec::new();
    for (name, texts) in questions(&lines, queries) {
        cases.push(measure(name, &search, &raw, &texts).await?);
    }
    let figures = serde_json::json!({
        "pages": pages,
        "lines": lines.len(),
        "words_per_page": made.words as f64 / pages as f64,
        "index_bytes_per_page": size(&build)? as f64 / pages as f64,
        "record_bytes_per_page": made.record_bytes as f64 / pages as f64,
        "record_bytes_per_word": made.record_bytes as f64 / made.words as f64,
        "pages_per_cpu_second": pages as f64 / made.indexing_cpu.as_secs_f64(),
        "real_record_bytes_per_word": real_record_bytes_per_word(Path::new(fixtures))?,
        "pages_per_second": pages as f64 / made.indexing.as_secs_f64(),
        "queries": cases,
    });
    let json = serde_json::to_string_pretty(&figures)?;
    std::io::Write::write_all(&mut std::io::stdout(), json.as_bytes())?;
    Ok(())
}

/// Reads every line of real text with its words.
fn lines(fixtures: &Path) -> Result<Vec<Vec<String>>> {
    let mut lines: Vec<Vec<String>> = Vec::new();
    let texts = |folder: &str, suffix: &str| -> Result<Vec<PathBuf>> {
        let files =
            std::fs::read_dir(fixtures.join(folder))?.filter_map(|it| Some(it.ok()?.path()));
        let mut files: Vec<_> = files.filter(|it| it.to_string_lossy().ends_with(suffix)).collect();
        files.sort();
        Ok(files)
    };
    for file in texts("pages", ".txt")? {
        let text = String::from_utf8_lossy(&std::fs::read(file)?).into_owned();
        lines.extend(text.lines().map(|it| it.split_whitespace().map(str::to_owned).collect()));
    }
    for file in texts("alto", ".xml")? {
        let size = PageSize { width_px: 4_000, height_px: 6_000 };
        let Ok(layout) = alto::read(&std::fs::read(file)?, Some(size)) else { continue };
        let words = |line: &Line| line.words.iter().map(|it| it.text.clone()).collect();
        lines.extend(layout.lines().map(words));
    }
    lines.retain(|it| it.len() > 2);
    ensure!(lines.len() > 100, "the fixtures are not there");
    Ok(lines)
}

/// Returns what the records of real newspaper pages take, whose boxes are not of chance.
fn real_record_bytes_per_word(fixtures: &Path) -> Result<f64> {
    let (mut bytes, mut words) = (0, 0);
    for entry in std::fs::read_dir(fixtures.join("alto"))? {
        let size = PageSize { width_px: 4_000, height_px: 6_000 };
        let Ok(layout) = alto::read(&std::fs::read(entry?.path())?, Some(size)) else { continue };
        let record = PageRecord::of(&layout)?;
        bytes += record.encode()?.len();
        words += record.word_count();
    }
    Ok(bytes as f64 / f64::from(words))
}

/// A sequence that looks like chance and is the same every time.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 16).unwrap_or(0) % bound
    }
}

/// Makes a page of 30 to 49 lines with plausible boxes.
fn page(lines: &[Vec<String>], chance: &mut Chance) -> PageLayout {
    let mut page = Vec::new();
    for number in 0..30 + chance.below(20) {
        let y = 200 + 60 * number as u32;
        let mut x = 150 + chance.below(20) as u32;
        let mut words = Vec::new();
        for text in &lines[chance.below(lines.len())] {
            let width = 18 * text.chars().count() as u32 + chance.below(9) as u32;
            let (top, height) = (y + chance.below(8) as u32, 34 + chance.below(12) as u32);
            let bounds = Rect { x, y: top, width, height };
            words.push(Word { bounds, text: text.clone(), ..Word::default() });
            x += width + 14 + chance.below(8) as u32;
        }
        let bounds = Rect { x: 150, y, width: x - 150, height: 50 };
        page.push(Line { bounds, words });
    }
    let bounds = Rect { x: 150, y: 200, width: 2_000, height: 3_000 };
    let blocks = vec![Block { bounds, lines: page }];
    PageLayout { width_px: 2_400, height_px: 3_600, languages: vec!["de".into()], blocks }
}

#[derive(Default)]
struct Made {
    words: u64,
    record_bytes: u64,
    indexing: Duration,
    indexing_cpu: Duration,
}

/// Writes pages and indexes them; only the indexing is timed.
async fn fill(
    search: &TantivySearch,
    folder: &Path,
    lines: &[Vec<String>],
    pages: u64,
) -> Result<Made> {
    let mut made = Made::default();
    let mut chance = Chance(0x9e37_79b9_7f4a_7c15);
    let mut events = Vec::new();
    let mut position = 0;
    for number in 0..pages {
        let record = PageRecord::of(&page(lines, &mut chance))?;
        let bytes = record.encode()?;
        made.words += u64::from(record.word_count());
        made.record_bytes += bytes.len() as u64;
        let digest = Digest::of(&bytes);
        let path = folder.join("blobs").join(ObjectKey::record(&digest).as_str());
        std::fs::create_dir_all(path.parent().context("a key has folders")?)?;
        let length_bytes = bytes.len() as u64;
        std::fs::write(path, bytes)?;
        let id: AssetId = format!("1/{}/page-{number}", 1 + number % 3).parse()?;
        let registered = Registered { ..registration(1) };
        let text = TextBlobs {
            layout: a_blob(number),
            record: BlobRef { sha256: digest.to_string(), length_bytes },
        };
        let (generation, format) = (1, TextFormat::Alto);
        let imported = TextImported { generation, format, source: a_blob(1), words: 1, text };
        let all = [
            ("asset", DomainEvent::Asset(AssetEvent::Registered(registered))),
            (
                "transcription",
                DomainEvent::Transcription(TranscriptionEvent::TextImported(imported)),
            ),
        ];
        for (category, event) in all {
            position += 1;
            events.push(recorded(&format!("{category}-{id}"), &event, position));
        }
        if events.len() >= EVENTS || number + 1 == pages {
            let batch = Arc::from(std::mem::take(&mut events));
            let (begun, cpu) = (Instant::now(), cpu()?);
            let from = search.checkpoint().await?;
            search.apply(from, Position(position), batch, OnPoison::Stop).await?;
            made.indexing += begun.elapsed();
            made.indexing_cpu += self::cpu()?.saturating_sub(cpu);
            eprintln!("{} of {pages} pages", number + 1);
        }
    }
    Ok(made)
}

fn recorded(stream: &str, event: &DomainEvent, position: u64) -> DecodedEvent {
    let encoded = wire::encode(event);
    DecodedEvent::new(RecordedEvent {
        position: Position(position),
        stream: StreamId::from_stored(stream),
        revision: StreamRevision(1),
        event_id: EventId(uuid::Uuid::from_u128(position.into())),
        type_name: encoded.type_name.into(),
        schema_version: encoded.schema_version,
        payload: encoded.payload.into(),
        metadata: metadata("bench", stream).into(),
        recorded_at_us: 0,
    })
}

/// Makes queries of each kind: as text, and as folded words.
fn questions(lines: &[Vec<String>], queries: usize) -> Vec<(&'static str, Vec<String>)> {
    let mut counts: HashMap<[&str; 2], usize> = HashMap::new();
    for line in lines {
        for pair in line.windows(2) {
            *counts.entry([&pair[0], &pair[1]]).or_default() += 1;
        }
    }
    let mut pairs: Vec<_> =
        counts.into_iter().filter(|it| folded(&it.0.join(" ")).len() == 2).collect();
    pairs.sort_by(|left, right| right.1.cmp(&left.1).then(left.0.cmp(&right.0)));
    let mut chance = Chance(42);
    let mut made: Vec<(&str, Vec<String>)> =
        ["word", "phrase", "frequent phrase", "prefix"].map(|it| (it, Vec::new())).into();
    while made[0].1.len() < queries {
        let line = &lines[chance.below(lines.len())];
        let at = chance.below(line.len() - 2);
        let words = folded(&line[at..at + 3].join(" "));
        let [first, ..] = words.as_slice() else { continue };
        if words.len() != 3
            || first.chars().count() < 4
            || line[at..at + 3].iter().any(|it| it.ends_with(['-', '⸗', '¬']))
        {
            continue;
        }
        made[0].1.push(first.clone());
        made[1].1.push(format!("\"{}\"", words.join(" ")));
        let frequent = &pairs[chance.below(20.min(pairs.len()))];
        made[2].1.push(format!("\"{}\"", folded(&frequent.0.join(" ")).join(" ")));
        made[3].1.push(format!("{}*", first.chars().take(4).collect::<String>()));
    }
    made
}

fn folded(text: &str) -> Vec<String> {
    let (mut words, mut analyser) = (Vec::new(), Analyser::default());
    for word in text.split_whitespace() {
        analyser.segments(word, |it| words.push(it.joined.to_owned()));
    }
    words
}

async fn measure(
    name: &str,
    search: &Search,
    raw: &Raw,
    texts: &[String],
) -> Result<serde_json::Value> {
    let scope = Scope { customer: CustomerId(1), within: Within::Customer };
    let wanted = HitsWanted { from: 0, limit: HITS };
    let (mut ours, mut theirs, mut hits, mut pages) = (Vec::new(), Vec::new(), 0, 0);
    let (mut our_cpu, mut their_cpu) = (Duration::ZERO, Duration::ZERO);
    for (number, text) in texts.iter().enumerate() {
        // Turn by turn, so that neither always finds a warm cache.
        for is_raw in [number % 2 == 0, number % 2 == 1] {
            let (begun, cpu) = (Instant::now(), cpu()?);
            if is_raw {
                pages += raw.search(text)?;
                theirs.push(begun.elapsed());
                their_cpu += self::cpu()?.saturating_sub(cpu);
            } else {
                let found =
                    search.search_within(&Principal::Anonymous, &scope, text, wanted).await?;
                ours.push(begun.elapsed());
                our_cpu += self::cpu()?.saturating_sub(cpu);
                ensure!(!found.hits.is_empty(), "`{text}` is found");
                ensure!(found.hits.iter().all(|it| !it.hit.boxes.is_empty()), "with boxes");
                hits += found.total_hits.unwrap_or(0);
            }
        }
    }
    Ok(serde_json::json!({
        "case": name,
        "queries": texts.len(),
        "hits_mean": hits / texts.len() as u64,
        "pages_mean": pages / texts.len(),
        "with_boxes_ms": percentiles(&mut ours),
        "raw_tantivy_ms": percentiles(&mut theirs),
        "with_boxes_cpu_ms_mean": our_cpu.as_secs_f64() * 1e3 / texts.len() as f64,
        "raw_tantivy_cpu_ms_mean": their_cpu.as_secs_f64() * 1e3 / texts.len() as f64,
    }))
}

fn percentiles(times: &mut [Duration]) -> serde_json::Value {
    times.sort_unstable();
    let at = |share: f64| {
        let place = ((times.len() as f64 * share) as usize).min(times.len().saturating_sub(1));
        times.get(place).map(|it| (it.as_secs_f64() * 1e6).round() / 1e3)
    };
    serde_json::json!({ "p50": at(0.5), "p99": at(0.99) })
}

/// The same index, asked as tantivy's users ask: best documents, their number, what they store.
struct Raw {
    index: Index,
    reader: IndexReader,
}

impl Raw {
    fn open(build: &Path) -> Result<Self> {
        let index = Index::open_in_dir(build)?;
        let reader = index.reader()?;
        Ok(Self { index, reader })
    }

    /// Returns how many documents there are.
    fn search(&self, text: &str) -> Result<usize> {
        let field = self.index.schema().get_field("text")?;
        let terms: Vec<_> =
            folded(text).iter().map(|it| Term::from_field_text(field, it)).collect();
        let query: Box<dyn Query> = if text.ends_with('*') {
            let prefix = text.trim_end_matches('*');
            Box::new(tantivy::query::RegexQuery::from_pattern(&format!("{prefix}.*"), field)?)
        } else if let [term] = terms.as_slice() {
            Box::new(TermQuery::new(term.clone(), IndexRecordOption::WithFreqs))
        } else {
            Box::new(PhraseQuery::new(terms))
        };
        let searcher = self.reader.searcher();
        let best = TopDocs::with_limit(HITS).order_by_score();
        let (best, count) = searcher.search(&query, &(best, Count))?;
        for (_, address) in best {
            let document: TantivyDocument = searcher.doc(address)?;
            std::hint::black_box(document);
        }
        Ok(count)
    }
}

/// Returns the time that this process has computed, on all threads: what a busy machine does not
/// change.
fn cpu() -> Result<Duration> {
    let mut nanoseconds = 0;
    for thread in std::fs::read_dir("/proc/self/task")? {
        let Ok(text) = std::fs::read_to_string(thread?.path().join("schedstat")) else { continue };
        let first = text.split(' ').next().unwrap_or_default();
        nanoseconds += first.parse::<u64>().unwrap_or(0);
    }
    Ok(Duration::from_nanos(nanoseconds))
}

fn size(folder: &Path) -> Result<u64> {
    let mut size = 0;
    for entry in std::fs::read_dir(folder)? {
        size += entry?.metadata()?.len();
    }
    Ok(size)
}

/// Blobs in a folder, for reading.
struct Blobs(PathBuf);

fn read_only<T>() -> Result<T, ObjectError> {
    Err(ObjectError::Store("for reading only".into()))
}

#[async_trait]
impl Objects for Blobs {
    async fn stage(&self) -> Result<Staged, ObjectError> {
        read_only()
    }

    async fn keep(&self, _: Staged, _: &ObjectKey) -> Result<(), ObjectError> {
        read_only()
    }

    async fn put(&self, _: &ObjectKey, _: Bytes) -> Result<(), ObjectError> {
        read_only()
    }

    async fn get(&self, key: &ObjectKey) -> Result<Bytes, ObjectError> {
        let read = tokio::fs::read(self.0.join(key.as_str())).await;
        read.map(Bytes::from).map_err(|_| ObjectError::NotFound(key.to_string()))
    }

    async fn get_range(&self, _: &ObjectKey, _: Range<u64>) -> Result<Bytes, ObjectError> {
        read_only()
    }

    async fn length(&self, _: &ObjectKey) -> Result<Option<u64>, ObjectError> {
        read_only()
    }

    async fn remove(&self, _: &ObjectKey) -> Result<(), ObjectError> {
        read_only()
    }

    async fn local_file(&self, _: &ObjectKey) -> Result<LocalFile, ObjectError> {
        read_only()
    }
}
