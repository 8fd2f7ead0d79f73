//! Words that a line break divides: how they are told from words that end in a hyphen.

use crate::analysis::fold;
use crate::layout::{Hyphen, Line, PageLayout, Word};
use crate::record::Join;

/// After these a hyphen stands for what is left out: `Stadt- und Landrecht`.
const CONJUNCTIONS: [&str; 3] = ["und", "oder", "vnd"];

/// Returns a word without the hyphens at its end.
pub fn stem(word: &str) -> &str {
    word.trim_end_matches(is_hyphen)
}

/// Returns the two halves of a divided word together.
pub fn joined(first: &str, second: &str) -> String {
    format!("{}{second}", stem(first))
}

/// Finds the words of a page that go on at the beginning of the next line.
pub(crate) fn joins(layout: &PageLayout) -> Vec<Join> {
    let mut joins = Vec::new();
    let mut before: Option<(u32, &Word)> = None;
    let mut ordinal = 0_u32;
    for Line { words, .. } in layout.lines() {
        if let (Some((first_word, first)), Some(second)) = (before, words.first())
            && let Some(whole) = division(first, second)
        {
            joins.push(Join { first_word, whole: whole.differing(first, second) });
        }
        ordinal += u32::try_from(words.len()).unwrap_or(u32::MAX);
        if let Some(last) = words.last() {
            before = Some((ordinal - 1, last));
        }
    }
    joins
}

enum Division<'a> {
    Told(&'a str),
    Seen,
}

impl Division<'_> {
    /// Returns the whole word where it is not just the halves together.
    fn differing(&self, first: &Word, second: &Word) -> Option<String> {
        let Self::Told(whole) = self else { return None };
        let letters = |text: &str| fold(text).replace(|it: char| !it.is_alphanumeric(), "");
        let differs = letters(whole) != letters(&joined(&first.text, &second.text));
        (differs && !letters(whole).is_empty()).then(|| (*whole).to_owned())
    }
}

fn division<'a>(first: &'a Word, second: &Word) -> Option<Division<'a>> {
    match (&first.hyphen, &second.hyphen) {
        (Some(Hyphen::First { whole }), _) => Some(Division::Told(whole)),
        _ if is_divided(&first.text, &second.text) => Some(Division::Seen),
        _ => None,
    }
}

fn is_divided(first: &str, second: &str) -> bool {
    let stem = stem(first);
    let Some(hyphen) = first[stem.len()..].chars().next() else { return false };
    let goes_on = second.chars().next().is_some_and(|it| {
        // An ordinary hyphen may belong to a name: `Baden-` `Württemberg`.
        if matches!(hyphen, '-' | '‐' | '=') { it.is_lowercase() } else { it.is_alphabetic() }
    });
    let is_conjunction = CONJUNCTIONS.contains(&fold(second).as_str());
    stem.ends_with(char::is_alphabetic) && goes_on && !is_conjunction
}

fn is_hyphen(character: char) -> bool {
    matches!(character, '-' | '‐' | '‑' | '⸗' | '¬' | '\u{ad}' | '=')
}
