//! Figures of search with boxes beside Elasticsearch's own queries with its highlighter, on the same
//! node and the same pages, in turns, as JSON.
//!
//! `search_beside_highlighter FIXTURES PAGES QUERIES`: pages are made of lines of the fixtures'
//! texts under a fixed seed.

use dlcs_adapter_elasticsearch::testing::{Compiler, Highlighter, Plain, TestIndex, TestNode};
use dlcs_domain::CustomerId;
use dlcs_domain::access::Principal;
use dlcs_projections::conformance::search::Library;
use dlcs_projections::search::{HitsWanted, Scope, Search, Within};
use dlcs_text::analysis::Analyser;
use dlcs_text::{Line, PageSize, alto};
use std::collections::HashMap;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Hits of one answer, and pages of the node's own.
const ANSWER: usize = 25;
/// Where a file measures in millimetres; the boxes are of no interest here.
const SIZE: PageSize = PageSize { width_px: 2_400, height_px: 3_600 };
/// Pages of one request to the node.
const PAGES: usize = 256;

/// A question, as a reader asks us and as one asks the node.
struct Question {
    ours: String,
    plain: String,
}

/// The two sides.
struct Sides {
    ours: Search,
    plain: Highlighter,
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [fixtures, pages, queries] = arguments.as_slice() else {
        return Err("usage: search_beside_highlighter FIXTURES PAGES QUERIES".into());
    };
    let (pages, queries): (usize, usize) = (pages.parse()?, queries.parse()?);
    let lines = lines(Path::new(fixtures))?;
    let node = tokio::task::spawn_blocking(|| TestNode::start_own(Compiler::Full)).await?;
    let (sides, mut figures) = fill(&node, &lines, pages).await?;
    let mut cases = Vec::new();
    for (name, how, questions) in questions(&lines, queries) {
        cases.push(measure(&node, &sides, name, how, &questions).await?);
    }
    figures["lines"] = lines.len().into();
    figures["queries"] = cases.into();
    let text = serde_json::to_string_pretty(&figures)?;
    std::io::Write::write_all(&mut std::io::stdout(), text.as_bytes())?;
    Ok(())
}

/// Reads every line of real text with its words.
fn lines(fixtures: &Path) -> Result<Vec<Vec<String>>> {
    let texts = |folder: &str, suffix: &str| -> Result<Vec<PathBuf>> {
        let entries = std::fs::read_dir(fixtures.join(folder))?;
        let mut files: Vec<_> = entries.filter_map(|it| Some(it.ok()?.path())).collect();
        files.retain(|it| it.to_string_lossy().ends_with(suffix));
        files.sort();
        Ok(files)
    };
    let mut lines: Vec<Vec<String>> = Vec::new();
    for file in texts("pages", ".txt")? {
        let text = String::from_utf8_lossy(&std::fs::read(file)?).into_owned();
        lines.extend(text.lines().map(|it| it.split_whitespace().map(str::to_owned).collect()));
    }
    for file in texts("alto", ".xml")? {
        let Ok(layout) = alto::read(&std::fs::read(file)?, Some(SIZE)) else { continue };
        let words = |line: &Line| line.words.iter().map(|it| it.text.clone()).collect();
        lines.extend(layout.lines().map(words));
    }
    lines.retain(|it| it.len() > 2);
    Ok(lines)
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

/// Lets all sides have the same pages; returns what that took.
async fn fill(
    node: &TestNode,
    lines: &[Vec<String>],
    pages: usize,
) -> Result<(Sides, serde_json::Value)> {
    let library = Library::new(async |objects| TestIndex::on(node, objects)).await;
    let plain = Highlighter::new(node).await;
    let lines: Vec<String> = lines.iter().map(|it| it.join(" ")).collect();
    let mut chance = Chance(0x9e37_79b9_7f4a_7c15);
    let (mut some, mut plain_time) = (Vec::new(), Duration::ZERO);
    for number in 0..pages {
        let count = 30 + chance.below(20);
        let page: Vec<&str> = (0..count).map(|_| &*lines[chance.below(lines.len())]).collect();
        let id = format!("1/{}/page-{number}", 1 + number % 3);
        library.open_page(&id, &page).await;
        some.push((id, page.join("\n")));
        if some.len() == PAGES || number + 1 == pages {
            let begun = Instant::now();
            plain.add(&some).await;
            plain_time += begun.elapsed();
            some.clear();
            eprintln!("{} of {pages} pages", number + 1);
        }
    }
    plain.settle().await;
    let begun = Instant::now();
    library.catch_up().await;
    let own_time = begun.elapsed();
    let bytes = |bytes: u64| bytes as f64 / pages as f64;
    let rate = |time: Duration| pages as f64 / time.as_secs_f64();
    let figures = serde_json::json!({
        "pages": pages,
        "index_bytes_per_page": bytes(library.engine.size_bytes().await),
        "pages_per_second": rate(own_time),
        "plain_index_bytes_per_page": bytes(plain.size_bytes().await),
        "plain_pages_per_second": rate(plain_time),
    });
    Ok((Sides { ours: library.search(), plain }, figures))
}

/// Makes questions of each kind.
fn questions(lines: &[Vec<String>], queries: usize) -> Vec<(&'static str, Plain, Vec<Question>)> {
    let frequent = frequent_pairs(lines);
    let mut chance = Chance(42);
    let (mut words, mut phrases) = (Vec::new(), Vec::new());
    let (mut pairs, mut prefixes) = (Vec::new(), Vec::new());
    while words.len() < queries {
        let line = &lines[chance.below(lines.len())];
        let at = chance.below(line.len() - 2);
        let three = &line[at..at + 3];
        // Without marks, so that both sides have the same words.
        if !three.iter().all(|it| it.chars().all(char::is_alphabetic)) || three[0].len() < 4 {
            continue;
        }
        let quoted = |text: String| Question { ours: format!("\"{text}\""), plain: text };
        words.push(Question { ours: three[0].clone(), plain: three[0].clone() });
        phrases.push(quoted(three.join(" ")));
        pairs.push(quoted(frequent[chance.below(frequent.len())].clone()));
        let prefix: String = three[0].to_lowercase().chars().take(4).collect();
        prefixes.push(Question { ours: format!("{prefix}*"), plain: prefix });
    }
    vec![
        ("word", Plain::Word, words),
        ("phrase", Plain::Phrase, phrases),
        ("frequent phrase", Plain::Phrase, pairs),
        ("prefix", Plain::Prefix, prefixes),
    ]
}

/// Returns the 20 most frequent pairs of words.
fn frequent_pairs(lines: &[Vec<String>]) -> Vec<String> {
    let mut counts: HashMap<String, usize> = HashMap::new();
    let mut analyser = Analyser::default();
    for pair in lines.iter().flat_map(|it| it.windows(2)) {
        let mut words = 0;
        pair.iter().for_each(|it| analyser.segments(it, |_| words += 1));
        if words == 2 {
            *counts.entry(pair.join(" ")).or_default() += 1;
        }
    }
    let mut pairs: Vec<_> = counts.into_iter().collect();
    pairs.sort_by(|left, right| right.1.cmp(&left.1).then_with(|| left.0.cmp(&right.0)));
    pairs.into_iter().take(20).map(|it| it.0).collect()
}

/// Asks both sides in turns.
async fn measure(
    node: &TestNode,
    sides: &Sides,
    name: &str,
    how: Plain,
    questions: &[Question],
) -> Result<serde_json::Value> {
    let (mut ours, mut plain) = (Vec::new(), Vec::new());
    let (mut own_pages, mut plain_pages, mut fragments) = (0, 0, 0);
    for (number, question) in questions.iter().enumerate() {
        // Turn by turn, so that neither always finds a warm cache.
        for is_plain in [number % 2 == 0, number % 2 == 1] {
            let begun = Instant::now();
            if is_plain {
                let found = sides.plain.find(how, &question.plain, ANSWER).await;
                plain.push(begun.elapsed());
                plain_pages += found.total_pages;
                fragments += found.fragments;
            } else {
                own_pages += ask(&sides.ours, &question.ours).await?;
                ours.push(begun.elapsed());
            }
        }
    }
    let count = questions.len() as f64;
    // Beside other work of the machine, processor time says more than time does.
    let before = processor_time(node)?;
    for question in questions {
        ask(&sides.ours, &question.ours).await?;
    }
    let between = processor_time(node)?;
    for question in questions {
        sides.plain.find(how, &question.plain, ANSWER).await;
    }
    let after = processor_time(node)?;
    let each = |time: Duration| time.as_secs_f64() * 1e3 / count;
    Ok(serde_json::json!({
        "case": name,
        "queries": questions.len(),
        "pages_mean": own_pages as f64 / count,
        "plain_pages_mean": plain_pages as f64 / count,
        "plain_fragments_mean": fragments as f64 / count,
        "with_boxes_ms": percentiles(&mut ours),
        "highlighter_ms": percentiles(&mut plain),
        "with_boxes_processor_ms": each(between - before),
        "highlighter_processor_ms": each(after - between),
    }))
}

/// Returns the processor time of the node and of this process.
fn processor_time(node: &TestNode) -> Result<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split(' ').collect();
    let ticks: u64 = fields[12].parse::<u64>()? + fields[13].parse::<u64>()?;
    Ok(node.processor_time().ok_or("the node is ours")? + Duration::from_millis(10 * ticks))
}

/// Asks as a reader does, and returns how many pages were found.
async fn ask(search: &Search, question: &str) -> Result<u64> {
    let scope = Scope { customer: CustomerId(1), within: Within::Customer };
    let wanted = HitsWanted { from: 0, limit: ANSWER };
    let found = search.search_within(&Principal::Anonymous, &scope, question, wanted).await?;
    if found.hits.is_empty() {
        return Err(format!("`{question}` is not found").into());
    }
    Ok(found.total_pages)
}

fn percentiles(times: &mut [Duration]) -> serde_json::Value {
    times.sort_unstable();
    let at = |share: f64| {
        let place = ((times.len() as f64 * share) as usize).min(times.len().saturating_sub(1));
        times.get(place).map(|it| (it.as_secs_f64() * 1e6).round() / 1e3)
    };
    serde_json::json!({ "p50": at(0.5), "p99": at(0.99) })
}
