//! What a reader types into a search box.
//!
//! - Bare words must all be on the page; `"several words"` must stand together; `word*` begins with
//!   `word`; `word~` is `word` or one typing mistake away. Everything else is plain text.
//! - Any text is a query. The limits are the only errors.
//! - A query prints in one canonical form, which parses to the same query.

mod distance;

pub use distance::is_one_mistake_away;

use crate::analysis::Analyser;
use std::fmt;

/// Longest query.
pub const QUERY_BYTES_MAX: usize = 512;
/// Most terms of a query, those of phrases counted one by one.
pub const TERMS_MAX: usize = 32;
/// A shorter `word*` is a plain word: it would find nearly every page.
pub const PREFIX_CHARS_MIN: usize = 2;
/// A shorter `word~` is a plain word: everything is one mistake away from `it`.
pub const FUZZY_CHARS_MIN: usize = 4;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    #[error("a query has at most {QUERY_BYTES_MAX} bytes, this one has {0}")]
    TooLong(usize),
    #[error("a query has at most {TERMS_MAX} words, this one has {0}")]
    TooManyTerms(usize),
}

/// What must be on a page: all of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Query {
    clauses: Vec<Clause>,
}

/// One thing that must be on a page. Words are folded as those of pages are.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Clause {
    /// Words at positions that follow each other; at least one.
    Words(Vec<String>),
    /// A word that begins so.
    Prefix(String),
    /// A word, or one that is one typing mistake away from it.
    Fuzzy(String),
}

impl Query {
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        if text.len() > QUERY_BYTES_MAX {
            return Err(QueryError::TooLong(text.len()));
        }
        let query = Self::parse_unlimited(text);
        match query.term_count() {
            terms if terms > TERMS_MAX => Err(QueryError::TooManyTerms(terms)),
            _ => Ok(query),
        }
    }

    /// Returns every clause once, in the order of the text; without any, no page is found.
    pub fn clauses(&self) -> &[Clause] {
        &self.clauses
    }

    pub fn is_empty(&self) -> bool {
        self.clauses.is_empty()
    }

    fn term_count(&self) -> usize {
        let terms = |it: &Clause| if let Clause::Words(words) = it { words.len() } else { 1 };
        self.clauses.iter().map(terms).sum()
    }

    fn parse_unlimited(text: &str) -> Self {
        let mut query = Self::default();
        let mut analyser = Analyser::default();
        let pieces: Vec<&str> = text.split(is_quote).collect();
        for (number, piece) in pieces.iter().enumerate() {
            // Every second piece stands between quotes; the last one only if they are closed.
            let is_phrase = number % 2 == 1 && number + 1 < pieces.len();
            if is_phrase {
                query.push_words(words(&mut analyser, piece));
            } else {
                piece.split_whitespace().for_each(|it| query.push_bare(&mut analyser, it));
            }
        }
        query
    }

    /// Takes a bare word in. It can be several words where nobody puts spaces; its operator is for
    /// the last.
    fn push_bare(&mut self, analyser: &mut Analyser, text: &str) {
        let (plain, operator) = match text.as_bytes() {
            [.., b'*'] => (&text[..text.len() - 1], Some('*')),
            [.., b'~'] => (&text[..text.len() - 1], Some('~')),
            _ => (text, None),
        };
        let mut words = words(analyser, plain);
        let last = words.last().map_or(0, |it| it.chars().count());
        let clause = match operator {
            Some('*') if last >= PREFIX_CHARS_MIN => words.pop().map(Clause::Prefix),
            Some('~') if last >= FUZZY_CHARS_MIN => words.pop().map(Clause::Fuzzy),
            _ => None,
        };
        self.push_words(words);
        self.push(clause);
    }

    fn push_words(&mut self, words: Vec<String>) {
        self.push((!words.is_empty()).then_some(Clause::Words(words)));
    }

    fn push(&mut self, clause: Option<Clause>) {
        self.clauses.extend(clause.filter(|it| !self.clauses.contains(it)));
    }
}

/// Returns the words of a text, folded.
fn words(analyser: &mut Analyser, text: &str) -> Vec<String> {
    let mut words = Vec::new();
    for word in text.split_whitespace() {
        analyser.segments(word, |segment| words.push(segment.joined.to_owned()));
    }
    words
}

fn is_quote(character: char) -> bool {
    matches!(character, '"' | '“' | '”' | '„' | '«' | '»')
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, clause) in self.clauses.iter().enumerate() {
            if number > 0 {
                f.write_str(" ")?;
            }
            clause.fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for Clause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Words(words) if words.len() == 1 => f.write_str(&words[0]),
            Self::Words(words) => write!(f, "\"{}\"", words.join(" ")),
            Self::Prefix(prefix) => write!(f, "{prefix}*"),
            Self::Fuzzy(word) => write!(f, "{word}~"),
        }
    }
}

#[cfg(test)]
mod tests;
