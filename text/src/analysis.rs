//! From words to tokens: what is indexed, and what a query is compared with.
//!
//! - A token's position is a logical one: it counts words as a reader does. A word that a line break
//!   divides counts once, and marks without a letter or digit count not at all, so a phrase runs
//!   over both.
//! - `l'homme` and `well-known` stand at one position under several forms: their parts, and all of
//!   it together. A divided word stands there whole and in halves.
//! - Chinese and Japanese characters have a position each.
//! - Nothing is dropped for being frequent, and nothing is stemmed.

mod fold;
mod segments;

pub use fold::fold;
pub use segments::{Analyser, Segment};

use crate::hyphens;
use crate::record::{Join, PageRecord};
use std::ops::Range;

/// Longest token; what is longer is cut, in texts and queries alike.
pub const TOKEN_CHARS_MAX: usize = 64;

/// One form under which a word of a page can be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token<'a> {
    pub text: &'a str,
    /// Logical position on the page.
    pub position: u32,
    pub form: Form,
    /// First and last word of the page (ordinals in reading order) that it stands on.
    pub first_word: u32,
    pub last_word: u32,
}

impl<'a> Token<'a> {
    fn on(text: &'a str, form: Form, position: u32, on: &Range<u32>) -> Self {
        Self { text, position, form, first_word: on.start, last_word: on.end - 1 }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// All of what stands at the position.
    Whole,
    /// What stands between apostrophes or hyphens, or beside a line break.
    Part,
}

/// Hands every token of a page to `take`, by position.
///
/// One position can have the same text twice, on different words: `ha-ha` has two parts that are
/// equal.
pub fn tokens(record: &PageRecord, mut take: impl FnMut(Token<'_>)) {
    let mut analyser = Analyser::default();
    let mut joins = record.joins().iter().peekable();
    let (mut position, mut word) = (0_u32, 0_u32);
    while word < record.word_count() {
        let mut last = word;
        let mut group: &[Join] = &[];
        if joins.peek().is_some_and(|it| it.first_word == word) {
            let rest = joins.clone();
            let length = rest.zip(word..).take_while(|(it, word)| it.first_word == *word).count();
            group = record.joins_from(word, length);
            joins.nth(length - 1);
            last = word + u32::try_from(length).unwrap_or(0);
        }
        position = if group.is_empty() {
            simple(&mut analyser, record.word(word), word, position, &mut take)
        } else {
            divided(&mut analyser, record, group, word..last + 1, position, &mut take)
        };
        word = last + 1;
    }
}

/// A token as an index keeps it: without its places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexedToken {
    pub text: String,
    pub position: u32,
    pub form: Form,
}

/// Returns the tokens of a page for an index: by position, each text of a position once.
pub fn indexed(record: &PageRecord) -> Vec<IndexedToken> {
    let mut indexed: Vec<IndexedToken> = Vec::with_capacity(record.word_count() as usize);
    tokens(record, |Token { text, position, form, .. }| {
        let here = indexed.iter().rev().take_while(|it| it.position == position);
        // The whole comes first, so a part that is equal to it adds nothing.
        if !here.map(|it| it.text.as_str()).any(|it| it == text) {
            indexed.push(IndexedToken { text: text.to_owned(), position, form });
        }
    });
    indexed
}

/// Emits a word that stands on one line; returns the next position.
fn simple(
    analyser: &mut Analyser,
    text: &str,
    word: u32,
    mut position: u32,
    take: &mut impl FnMut(Token<'_>),
) -> u32 {
    analyser.segments(text, |segment| {
        emit(&segment, position, word..word + 1, take);
        position += 1;
    });
    position
}

/// Emits a word that line breaks divide; returns the next position.
fn divided(
    analyser: &mut Analyser,
    record: &PageRecord,
    group: &[Join],
    words: Range<u32>,
    mut position: u32,
    take: &mut impl FnMut(Token<'_>),
) -> u32 {
    let pieces = Pieces::of(record, words);
    let mut places = Vec::new();
    analyser.folded_segments(&pieces.folded, |segment| places.push(segment.range.clone()));
    // The format told the whole word, and it is not just the halves together.
    let told = group.iter().find_map(|it| it.whole.as_deref()).map(fold);
    let mut wholes = Vec::new();
    let source = told.as_deref().unwrap_or(&pieces.folded);
    analyser.folded_segments(source, |segment| {
        wholes.push((segment.joined.to_owned(), segment.parts().map(str::to_owned).collect()));
    });
    let wholes: Vec<(String, Vec<String>)> = wholes;
    let is_aligned = wholes.len() == places.len();
    for (number, (whole, parts)) in wholes.iter().enumerate() {
        let place = if is_aligned { places[number].clone() } else { 0..pieces.folded.len() };
        let on = pieces.words_at(&place);
        take(Token::on(whole, Form::Whole, position, &on));
        parts.iter().for_each(|part| take(Token::on(part, Form::Part, position, &on)));
        if on.len() > 1 {
            for (half, word) in pieces.halves(&place) {
                analyser.folded_segments(half, |segment| {
                    take(Token::on(segment.joined, Form::Part, position, &(word..word + 1)));
                });
            }
        }
        position += 1;
    }
    position
}

fn emit(segment: &Segment<'_>, position: u32, on: Range<u32>, take: &mut impl FnMut(Token<'_>)) {
    take(Token::on(segment.joined, Form::Whole, position, &on));
    segment.parts().for_each(|part| take(Token::on(part, Form::Part, position, &on)));
}

/// The pieces of a divided word, folded, one after the other.
struct Pieces {
    folded: String,
    /// Where each piece ends, and on which word it stands.
    ends: Vec<(usize, u32)>,
}

impl Pieces {
    fn of(record: &PageRecord, words: Range<u32>) -> Self {
        let (mut folded, mut ends) = (String::new(), Vec::new());
        let last = words.end - 1;
        for word in words {
            let text = record.word(word);
            let piece = if word == last { text } else { hyphens::stem(text) };
            folded.push_str(&fold(piece));
            ends.push((folded.len(), word));
        }
        Self { folded, ends }
    }

    /// Returns what of `place` stands on each word.
    fn halves<'a>(&'a self, place: &'a Range<usize>) -> impl Iterator<Item = (&'a str, u32)> {
        let starts = std::iter::once(0).chain(self.ends.iter().map(|it| it.0));
        starts.zip(&self.ends).filter_map(|(start, (end, word))| {
            let (start, end) = (start.max(place.start), (*end).min(place.end));
            (start < end).then(|| (&self.folded[start..end], *word))
        })
    }

    fn words_at(&self, place: &Range<usize>) -> Range<u32> {
        let mut words = self.halves(place).map(|(_, word)| word);
        let first = words.next().unwrap_or(self.ends[0].1);
        first..words.last().unwrap_or(first) + 1
    }
}

#[cfg(test)]
pub(crate) mod tests;
