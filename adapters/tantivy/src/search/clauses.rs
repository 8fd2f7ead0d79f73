//! The clauses of a query over one segment: which documents have them, and how often.

use super::mistakes::OneMistake;
use super::seek;
use crate::build::{Build, Failure};
use dlcs_text::{Query, query};
use std::collections::HashMap;
use tantivy::index::InvertedIndexReader;
use tantivy::postings::{Postings, SegmentPostings, TermInfo};
use tantivy::schema::IndexRecordOption;
use tantivy::{DocId, DocSet, Searcher, SegmentReader, TERMINATED, Term};

const FREQS: IndexRecordOption = IndexRecordOption::WithFreqs;
const POSITIONS: IndexRecordOption = IndexRecordOption::WithFreqsAndPositions;

/// Documents whose places are in memory at the same time, for clauses that stand for many words.
const DOCS_AT_ONCE: u32 = 1 << 16;

/// Okapi BM25, with the usual settings.
const K1: f32 = 1.2;
const B: f32 = 0.75;

/// One clause on its way through the documents of a segment.
pub(super) struct Clause {
    docs: Docs,
    /// What it is worth that a page has it: rare words say more.
    weight: f32,
}

enum Docs {
    Word(Box<SegmentPostings>),
    Phrase(Phrase),
    /// Any of several words: documents and how often, in order.
    Counted {
        docs: Vec<(DocId, u32)>,
        at: usize,
    },
}

impl Clause {
    /// Moves to `doc` or to the first one behind it that may have the clause.
    pub(super) fn seek(&mut self, doc: DocId) -> DocId {
        match &mut self.docs {
            Docs::Word(postings) => seek(postings.as_mut(), doc),
            Docs::Phrase(phrase) => phrase.seek(doc),
            Docs::Counted { docs, at } => {
                *at += docs[*at..].partition_point(|it| it.0 < doc);
                docs.get(*at).map_or(TERMINATED, |it| it.0)
            }
        }
    }

    /// Counts how often the document that it is at has the clause.
    pub(super) fn count(&mut self) -> u32 {
        match &mut self.docs {
            Docs::Word(postings) => postings.term_freq(),
            Docs::Phrase(phrase) => phrase.count(),
            Docs::Counted { docs, at } => docs.get(*at).map_or(0, |it| it.1),
        }
    }

    pub(super) fn cost(&self) -> usize {
        match &self.docs {
            Docs::Word(postings) => postings.doc_freq() as usize,
            Docs::Phrase(phrase) => phrase.cost(),
            Docs::Counted { docs, .. } => docs.len(),
        }
    }

    pub(super) fn score(&self, count: u32, norm: f32) -> f32 {
        let count = count as f32;
        self.weight * (count * (K1 + 1.0)) / (count + norm)
    }
}

/// What is known of all segments together, to weigh clauses alike in each.
pub(super) struct Statistics {
    weights: HashMap<String, f32>,
    words_per_page: f32,
}

impl Statistics {
    pub(super) fn of(build: &Build, searcher: &Searcher, query: &Query) -> Result<Self, Failure> {
        let field = build.fields.text;
        let mut words = 0_u64;
        for reader in searcher.segment_readers() {
            words += reader.inverted_index(field)?.total_num_tokens();
        }
        let pages = searcher.num_docs().max(1) as f32;
        let mut weights = HashMap::new();
        for clause in query.clauses() {
            let query::Clause::Words(words) = clause else { continue };
            for word in words {
                let have = searcher.doc_freq(&Term::from_field_text(field, word))? as f32;
                // Deleted documents still count: never below nothing.
                let rare = (pages - have).max(0.0);
                weights.insert(word.clone(), (1.0 + (rare + 0.5) / (have + 0.5)).ln());
            }
        }
        Ok(Self { weights, words_per_page: (words as f32 / pages).max(1.0) })
    }

    /// Returns what the length of a page takes away.
    pub(super) fn norm(&self, words: u32) -> f32 {
        K1 * (1.0 - B + B * words as f32 / self.words_per_page)
    }

    fn weight(&self, words: &[String]) -> f32 {
        words.iter().filter_map(|it| self.weights.get(it)).sum()
    }
}

/// Returns every clause at its beginning; `None`: one of them is nowhere in the segment.
pub(super) fn clauses(
    build: &Build,
    reader: &SegmentReader,
    query: &Query,
    statistics: &Statistics,
) -> Result<Option<Vec<Clause>>, Failure> {
    let index = reader.inverted_index(build.fields.text)?;
    let mut clauses = Vec::new();
    for clause in query.clauses() {
        let docs = match clause {
            query::Clause::Words(words) => of_words(build, &index, words)?,
            query::Clause::Prefix(prefix) => of_any(&index, beginning(&index, prefix)?)?,
            query::Clause::Fuzzy(word) => of_any(&index, near(&index, word)?)?,
        };
        let Some(docs) = docs else { return Ok(None) };
        let weight = match clause {
            query::Clause::Words(words) => statistics.weight(words),
            query::Clause::Prefix(_) | query::Clause::Fuzzy(_) => 1.0,
        };
        clauses.push(Clause { docs, weight });
    }
    Ok(Some(clauses))
}

fn of_words(
    build: &Build,
    index: &InvertedIndexReader,
    words: &[String],
) -> Result<Option<Docs>, Failure> {
    let option = if words.len() == 1 { FREQS } else { POSITIONS };
    let mut all = Vec::new();
    for (offset, word) in (0_u32..).zip(words) {
        let term = Term::from_field_text(build.fields.text, word);
        let Some(postings) = index.read_postings(&term, option)? else { return Ok(None) };
        all.push((offset, postings));
    }
    if words.len() > 1 {
        return Ok(Some(Docs::Phrase(Phrase::new(all))));
    }
    Ok(all.pop().map(|(_, postings)| Docs::Word(Box::new(postings))))
}

/// Returns the terms that begin so.
fn beginning(index: &InvertedIndexReader, prefix: &str) -> Result<Vec<TermInfo>, Failure> {
    let mut infos = Vec::new();
    let mut terms = index.terms().range().ge(prefix).into_stream()?;
    while let Some((term, info)) = terms.next() {
        if !term.starts_with(prefix.as_bytes()) {
            break;
        }
        infos.push(info.clone());
    }
    Ok(infos)
}

/// Returns the terms that are at most one mistake away.
fn near(index: &InvertedIndexReader, word: &str) -> Result<Vec<TermInfo>, Failure> {
    let mut infos = Vec::new();
    let mut terms = index.terms().search(OneMistake::new(word)).into_stream()?;
    while let Some((_, info)) = terms.next() {
        infos.push(info.clone());
    }
    Ok(infos)
}

/// Counts where any of several terms is: a position counts once, whatever stands there.
fn of_any(index: &InvertedIndexReader, terms: Vec<TermInfo>) -> Result<Option<Docs>, Failure> {
    if let [only] = terms.as_slice() {
        let postings = index.read_postings_from_terminfo(only, FREQS)?;
        return Ok(Some(Docs::Word(Box::new(postings))));
    }
    let mut all = Vec::with_capacity(terms.len());
    for term in terms {
        all.push(index.read_postings_from_terminfo(&term, POSITIONS)?);
    }
    let mut docs = Vec::new();
    let mut end = 0;
    while let Some(next) = all.iter().map(DocSet::doc).min().filter(|it| *it != TERMINATED) {
        // A piece at a time: a beginning of two letters has more places than memory should hold.
        end = next.max(end).saturating_add(DOCS_AT_ONCE);
        count_up_to(end, &mut all, &mut docs);
    }
    Ok((!docs.is_empty()).then_some(Docs::Counted { docs, at: 0 }))
}

/// Counts in the documents before `end`, and moves all postings there.
fn count_up_to(end: DocId, all: &mut [SegmentPostings], docs: &mut Vec<(DocId, u32)>) {
    let (mut places, mut positions) = (Vec::new(), Vec::new());
    for postings in all {
        while postings.doc() < end.min(TERMINATED) {
            let doc = postings.doc();
            postings.positions(&mut positions);
            places.extend(positions.iter().map(|it| (doc, *it)));
            postings.advance();
        }
    }
    places.sort_unstable();
    places.dedup();
    for (doc, _) in places {
        match docs.last_mut().filter(|it| it.0 == doc) {
            Some((_, count)) => *count += 1,
            None => docs.push((doc, 1)),
        }
    }
}

/// Words at positions that follow each other.
struct Phrase {
    /// The rarest word first, each with its place in the phrase.
    words: Vec<(u32, SegmentPostings)>,
    /// Where the phrase may begin, as far as the words have been looked at.
    starts: Vec<u32>,
    positions: Vec<u32>,
}

impl Phrase {
    fn new(mut words: Vec<(u32, SegmentPostings)>) -> Self {
        words.sort_by_key(|it| it.1.doc_freq());
        Self { words, starts: Vec::new(), positions: Vec::new() }
    }

    fn cost(&self) -> usize {
        self.words[0].1.doc_freq() as usize
    }

    /// Moves to a document that has every word, whether together or not.
    fn seek(&mut self, mut doc: DocId) -> DocId {
        'again: loop {
            for (_, postings) in &mut self.words {
                let next = seek(postings, doc);
                if next == TERMINATED {
                    return TERMINATED;
                }
                if next > doc {
                    doc = next;
                    continue 'again;
                }
            }
            return doc;
        }
    }

    fn count(&mut self) -> u32 {
        let Self { words, starts, positions } = self;
        starts.clear();
        for (number, (offset, postings)) in words.iter_mut().enumerate() {
            postings.positions(positions);
            let begins = positions.iter().filter_map(|it| it.checked_sub(*offset));
            if number == 0 {
                starts.extend(begins);
            } else {
                keep_common(starts, begins);
            }
            if starts.is_empty() {
                return 0;
            }
        }
        u32::try_from(starts.len()).unwrap_or(u32::MAX)
    }
}

/// Keeps of one ascending list what another one has too.
fn keep_common(kept: &mut Vec<u32>, others: impl Iterator<Item = u32>) {
    let mut others = others.peekable();
    kept.retain(|it| {
        while others.next_if(|other| other < it).is_some() {}
        others.peek() == Some(it)
    });
}

#[cfg(test)]
mod tests {
    use super::keep_common;

    #[test]
    fn what_is_in_both_lists_is_kept() {
        for (mut kept, others, common) in [
            (vec![1, 3, 5], vec![1, 2, 5, 9], vec![1, 5]),
            (vec![], vec![1], vec![]),
            (vec![7], vec![], vec![]),
        ] {
            keep_common(&mut kept, others.into_iter());
            assert_eq!(kept, common);
        }
    }
}
