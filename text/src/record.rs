//! The page record: words and boxes of a page in a few bytes a word, for search and its boxes.
//!
//! - Ordinals of lines and words are those of the layout that it was made from.
//! - Division of words at line ends is decided when the record is made, not when it is read.
//! - A record that cannot be read is refused; reading never panics, and never takes more memory
//!   than the bound that stands below.
//!
//! Not here: confidence and blocks, which the layout has.

mod codec;

use crate::hyphenation;
use crate::layout::{PageLayout, Rect};
use std::ops::Range;

/// Largest record before compression.
pub const BODY_BYTES_MAX: usize = 32 << 20;
/// Most words of a page.
pub const WORDS_MAX: u32 = 1_000_000;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    #[error("a page record begins with `DPR1`, this does not")]
    Foreign,
    #[error("the page record is damaged: {0}")]
    Damaged(&'static str),
    #[error("the page is too large for a record: it has {words} words in {bytes} bytes")]
    TooLarge { words: usize, bytes: usize },
}

/// Words and boxes of one page.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PageRecord {
    width_px: u32,
    height_px: u32,
    languages: Vec<String>,
    lines: Vec<LineEntry>,
    words: Vec<WordEntry>,
    joins: Vec<Join>,
    /// Words with a space between them, lines with a line feed.
    text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct LineEntry {
    bounds: Rect,
    first_word: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct WordEntry {
    bounds: Rect,
    start: u32,
    end: u32,
}

/// A word that goes on in the one after it, across a line break.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Join {
    pub first_word: u32,
    /// The whole word, where it is not just the halves together.
    pub whole: Option<String>,
}

impl PageRecord {
    /// Makes the record of a page. White space within a word becomes a no-break space.
    pub fn of(layout: &PageLayout) -> Result<Self, RecordError> {
        let words = layout.words().count();
        let bytes: usize = layout.words().map(|it| it.text.len() + 1).sum();
        if words > WORDS_MAX as usize || bytes > BODY_BYTES_MAX / 2 {
            return Err(RecordError::TooLarge { words, bytes });
        }
        let mut record = Self {
            width_px: layout.width_px,
            height_px: layout.height_px,
            languages: layout.languages.clone(),
            joins: hyphenation::joins(layout),
            ..Self::default()
        };
        for line in layout.lines() {
            let texts = line.words.iter().map(|it| (it.text.as_str(), it.bounds));
            record.push_line(line.bounds, texts);
        }
        Ok(record)
    }

    fn push_line<'a>(&mut self, bounds: Rect, words: impl Iterator<Item = (&'a str, Rect)>) {
        if !self.lines.is_empty() {
            self.text.push('\n');
        }
        self.lines.push(LineEntry { bounds, first_word: self.word_count() });
        for (number, (text, bounds)) in words.enumerate() {
            if number > 0 {
                self.text.push(' ');
            }
            let start = offset(self.text.len());
            let is_blank = |it: char| it.is_whitespace();
            self.text.extend(text.chars().map(|it| if is_blank(it) { '\u{a0}' } else { it }));
            self.words.push(WordEntry { bounds, start, end: offset(self.text.len()) });
        }
    }

    pub fn encode(&self) -> Result<Vec<u8>, RecordError> {
        codec::encode(self)
    }

    pub fn decode(bytes: &[u8]) -> Result<Self, RecordError> {
        codec::decode(bytes)
    }

    pub fn width_px(&self) -> u32 {
        self.width_px
    }

    pub fn height_px(&self) -> u32 {
        self.height_px
    }

    pub fn languages(&self) -> &[String] {
        &self.languages
    }

    /// Returns all words as they stand on the page, lines divided by line feeds.
    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn word_count(&self) -> u32 {
        offset(self.words.len())
    }

    pub fn line_count(&self) -> u32 {
        offset(self.lines.len())
    }

    /// Returns a word as it stands on the page; empty where there is none.
    pub fn word(&self, ordinal: u32) -> &str {
        let entry = self.words.get(ordinal as usize).copied().unwrap_or_default();
        &self.text[entry.start as usize..entry.end as usize]
    }

    pub fn word_box(&self, ordinal: u32) -> Rect {
        self.words.get(ordinal as usize).copied().unwrap_or_default().bounds
    }

    pub fn line_box(&self, ordinal: u32) -> Rect {
        self.lines.get(ordinal as usize).copied().unwrap_or_default().bounds
    }

    /// Returns the ordinals of the words of a line.
    pub fn words_of_line(&self, line: u32) -> Range<u32> {
        let first = |line: u32| self.lines.get(line as usize).map(|it| it.first_word);
        let Some(start) = first(line) else { return 0..0 };
        start..first(line + 1).unwrap_or(self.word_count())
    }

    /// Returns the line that a word stands on.
    pub fn line_of_word(&self, word: u32) -> u32 {
        // The last of those that begin at or before it: the others are empty.
        offset(self.lines.partition_point(|it| it.first_word <= word)).saturating_sub(1)
    }

    /// Returns the words that go on in the next one, in order.
    pub fn joins(&self) -> &[Join] {
        &self.joins
    }

    pub fn is_joined_to_next(&self, word: u32) -> bool {
        self.joins.binary_search_by_key(&word, |it| it.first_word).is_ok()
    }

    pub(crate) fn joins_from(&self, word: u32, length: usize) -> &[Join] {
        let start = self.joins.partition_point(|it| it.first_word < word);
        &self.joins[start..start + length]
    }
}

fn offset(length: usize) -> u32 {
    u32::try_from(length).expect("the size of a page is bounded")
}

#[cfg(test)]
mod tests;
