//! Where on a page a query is: boxes, and the words around.

use crate::analysis::{self, Token};
use crate::hyphens;
use crate::layout::Rect;
use crate::query::{Clause, Query, is_one_mistake_away};
use crate::record::PageRecord;
use std::ops::Range;

/// Words before and after a hit that are handed out with it.
pub const CONTEXT_WORDS: u32 = 8;

/// One occurrence of one clause of a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// Which clause of the query it is.
    pub clause: usize,
    /// Ordinals of the words of the page, in reading order.
    pub words: Range<u32>,
    /// One for each line that it touches.
    pub boxes: Vec<Rect>,
    /// The text of the page; divided words are put together.
    pub matched: String,
    pub before: String,
    pub after: String,
}

/// Finds every occurrence on a page, in reading order. A page that lacks a clause has none.
pub fn locate(record: &PageRecord, query: &Query) -> Vec<Hit> {
    let occurrences = occurrences(record, query);
    occurrences.into_iter().map(|it| hit(record, it)).collect()
}

/// Counts what [`locate`] finds.
pub fn count(record: &PageRecord, query: &Query) -> usize {
    occurrences(record, query).len()
}

/// Finds the occurrences with these numbers, and says how many there are in all.
pub fn locate_some(record: &PageRecord, query: &Query, wanted: Range<usize>) -> (Vec<Hit>, usize) {
    let occurrences = occurrences(record, query);
    let total = occurrences.len();
    let some = occurrences.into_iter().skip(wanted.start).take(wanted.len());
    (some.map(|it| hit(record, it)).collect(), total)
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Occurrence {
    position: u32,
    clause: usize,
    first_word: u32,
    last_word: u32,
}

/// A position of the page that a term is at.
#[derive(Debug, Clone, Copy)]
struct Match {
    position: u32,
    first_word: u32,
    last_word: u32,
}

fn occurrences(record: &PageRecord, query: &Query) -> Vec<Occurrence> {
    let mut terms = Vec::new();
    for clause in query.clauses() {
        match clause {
            Clause::Words(words) => terms.extend(words.iter().map(|it| Term::Exact(it))),
            Clause::Prefix(prefix) => terms.push(Term::Prefix(prefix)),
            Clause::Fuzzy(word) => terms.push(Term::fuzzy(word)),
        }
    }
    let mut matches: Vec<Vec<Match>> = vec![Vec::new(); terms.len()];
    if !terms.is_empty() {
        analysis::tokens(record, |token| {
            for (term, matches) in terms.iter().zip(&mut matches) {
                if term.is(token.text) {
                    push(matches, token);
                }
            }
        });
    }
    let mut occurrences = Vec::new();
    let mut matches = matches.as_slice();
    for (clause, it) in query.clauses().iter().enumerate() {
        let length = if let Clause::Words(words) = it { words.len() } else { 1 };
        let (own, others) = matches.split_at(length);
        matches = others;
        let before = occurrences.len();
        occurrences.extend(own[0].iter().filter_map(|first| follow(clause, *first, &own[1..])));
        if occurrences.len() == before {
            return Vec::new();
        }
    }
    occurrences.sort_unstable();
    occurrences
}

/// Adds a match; one position has one, on all the words it stands on.
fn push(matches: &mut Vec<Match>, token: Token<'_>) {
    let Token { position, first_word, last_word, .. } = token;
    match matches.last_mut().filter(|it| it.position == position) {
        Some(it) => {
            it.first_word = it.first_word.min(first_word);
            it.last_word = it.last_word.max(last_word);
        }
        None => matches.push(Match { position, first_word, last_word }),
    }
}

/// Follows a phrase from its first word to its last.
fn follow(clause: usize, first: Match, rest: &[Vec<Match>]) -> Option<Occurrence> {
    let (mut first_word, mut last_word) = (first.first_word, first.last_word);
    for (matches, position) in rest.iter().zip(first.position + 1..) {
        let at = matches.binary_search_by_key(&position, |it| it.position).ok()?;
        first_word = first_word.min(matches[at].first_word);
        last_word = last_word.max(matches[at].last_word);
    }
    Some(Occurrence { position: first.position, clause, first_word, last_word })
}

enum Term<'a> {
    Exact(&'a str),
    Prefix(&'a str),
    Fuzzy { word: &'a str, chars: usize },
}

impl<'a> Term<'a> {
    fn fuzzy(word: &'a str) -> Self {
        Self::Fuzzy { word, chars: word.chars().count() }
    }

    fn is(&self, text: &str) -> bool {
        match self {
            Self::Exact(word) => *word == text,
            Self::Prefix(prefix) => text.starts_with(prefix),
            Self::Fuzzy { word, chars } => {
                // A letter has one to four bytes.
                let is_near = text.len() <= 4 * (chars + 1) && text.len() + 4 >= *chars;
                is_near && is_one_mistake_away(word, text)
            }
        }
    }
}

fn hit(record: &PageRecord, occurrence: Occurrence) -> Hit {
    let words = occurrence.first_word..occurrence.last_word + 1;
    let start = words.start.saturating_sub(CONTEXT_WORDS);
    let end = words.end.saturating_add(CONTEXT_WORDS).min(record.word_count());
    Hit {
        clause: occurrence.clause,
        boxes: boxes(record, words.clone()),
        matched: text(record, words.clone()),
        before: text(record, start..words.start),
        after: text(record, words.end..end),
        words,
    }
}

/// Returns one box for each line, around all of its words.
fn boxes(record: &PageRecord, words: Range<u32>) -> Vec<Rect> {
    let mut boxes: Vec<(u32, Rect)> = Vec::new();
    for word in words {
        let (line, bounds) = (record.line_of_word(word), record.word_box(word));
        match boxes.last_mut().filter(|it| it.0 == line) {
            Some((_, around)) => *around = around.union(bounds),
            None => boxes.push((line, bounds)),
        }
    }
    boxes.into_iter().map(|it| it.1).collect()
}

fn text(record: &PageRecord, words: Range<u32>) -> String {
    let mut text = String::new();
    for word in words.clone() {
        let it = record.word(word);
        let is_joined = word + 1 < words.end && record.is_joined_to_next(word);
        text.push_str(if is_joined { hyphens::stem(it) } else { it });
        if !is_joined && word + 1 < words.end {
            text.push(' ');
        }
    }
    text
}

#[cfg(test)]
mod tests;
