//! The words of annotations' bodies, and what is looked for among them: analysed here, so that every
//! store answers alike whatever its full-text index is.
//!
//! - Words are those of [`dlcs_text::analysis`], with one space between them: a store takes what
//!   stands between spaces for a word, and analyses nothing.
//! - `l'homme` is found whole and in parts: the text stands there once with each.
//! - No phrase runs from one body into the next.

use dlcs_text::analysis::Analyser;
use dlcs_text::query::{Clause, Query, QueryError};

/// Words beyond are not found. A document of 256 KiB comes that far only if it wants to.
const BYTES_MAX: usize = 512 << 10;
/// Divides bodies. No query has it.
const BOUNDARY: &str = "¶";

/// Returns the words of texts, with one space between them; empty if there are none.
pub(super) fn of(texts: &[String]) -> String {
    let mut words = Words::default();
    let mut analyser = Analyser::default();
    for text in texts {
        let mut has_parts = false;
        words.push(BOUNDARY);
        each_word(&mut analyser, text, |whole, parts| {
            has_parts |= !parts.is_empty();
            words.push(whole);
        });
        if has_parts {
            words.push(BOUNDARY);
            each_word(&mut analyser, text, |whole, parts| match parts {
                [] => words.push(whole),
                parts => parts.iter().for_each(|it| words.push(it)),
            });
        }
    }
    words.joined
}

fn each_word(analyser: &mut Analyser, text: &str, mut take: impl FnMut(&str, &[&str])) {
    for word in text.split_whitespace() {
        analyser.segments(word, |it| take(it.joined, &it.parts().collect::<Vec<_>>()));
    }
}

#[derive(Default)]
struct Words {
    joined: String,
    /// Nothing more is taken: what is left out must not bring others together.
    is_full: bool,
}

impl Words {
    fn push(&mut self, word: &str) {
        self.is_full |= self.joined.len() + 1 + word.len() > BYTES_MAX;
        if self.is_full {
            return;
        }
        if !self.joined.is_empty() {
            self.joined.push(' ');
        }
        self.joined.push_str(word);
    }
}

/// What must be among the words of an annotation: all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WordsQuery(Vec<Sought>);

/// One thing that must be there. Words consist of letters and digits alone, signs that belong to
/// letters included: none means anything to an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sought {
    /// Words that follow each other; at least one.
    Words(Vec<String>),
    /// A word that begins so.
    Prefix(String),
}

impl WordsQuery {
    /// Reads what somebody typed, as a search of pages reads it; `word~` is the word itself.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        let query = Query::parse(text)?;
        let sought = query.clauses().iter().map(|it| match it {
            Clause::Words(words) => Sought::Words(words.clone()),
            Clause::Prefix(prefix) => Sought::Prefix(prefix.clone()),
            Clause::Fuzzy(word) => Sought::Words(vec![word.clone()]),
        });
        Ok(Self(sought.collect()))
    }

    /// Returns everything that must be there; without any, no annotation is found.
    pub fn sought(&self) -> &[Sought] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(texts: &[&str], words: &str) {
        let texts: Vec<_> = texts.iter().map(|it| (*it).to_owned()).collect();
        assert_eq!(of(&texts), words);
    }

    #[test]
    fn words_are_those_of_pages() {
        check(&[], "");
        check(&["Was ist Aufklärung?"], "¶ was ist aufklarung");
        check(&["A wood", "tree"], "¶ a wood ¶ tree");
        check(&["l'homme est"], "¶ lhomme est ¶ l homme est");
        check(&["中国 ¶ NOT \"x* -- ' OR"], "¶ 中 国 not x or");
    }

    #[test]
    fn what_is_too_long_ends_at_a_word() {
        let text = "ﷺ ".repeat(64 << 10);
        let words = of(&[text]);
        assert!(words.len() <= BYTES_MAX && words.len() > BYTES_MAX - 64, "{}", words.len());
    }

    #[test]
    fn a_mistake_is_not_looked_for() {
        let query = WordsQuery::parse("\"a wood\" fores* tree~").unwrap();
        let words = |words: &[&str]| Sought::Words(words.iter().map(|it| (*it).into()).collect());
        let prefix = Sought::Prefix("fores".to_owned());
        assert_eq!(query.sought(), [words(&["a", "wood"]), prefix, words(&["tree"])]);
        assert_eq!(WordsQuery::parse(" -- !").unwrap().sought(), []);
        assert!(WordsQuery::parse(&"x".repeat(513)).is_err());
    }

    // Stores put words into questions of their own making.
    #[test]
    fn no_word_means_anything_to_an_index() {
        for sign in ('\0'..'\u{3000}').filter(|it| !it.is_alphanumeric()) {
            for text in [format!("a{sign}b"), format!("\"a {sign} b{sign}\" {sign}cd*")] {
                for it in WordsQuery::parse(&text).unwrap().sought() {
                    let words = match it {
                        Sought::Words(words) => words.as_slice(),
                        Sought::Prefix(prefix) => std::slice::from_ref(prefix),
                    };
                    for word in words {
                        assert!(!word.is_empty() && !word.contains(BOUNDARY), "{text:?}");
                        let is_bare = |it: char| !it.is_whitespace() && !it.is_control();
                        assert!(word.chars().all(is_bare), "{text:?}");
                        let is_plain = |it: char| !it.is_ascii() || it.is_alphanumeric();
                        assert!(word.chars().all(is_plain), "{text:?}");
                    }
                }
            }
        }
    }
}
