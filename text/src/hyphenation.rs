//! Words that a line break divides, as a page record keeps them.

use crate::analysis::fold;
use crate::hyphens::{is_divided, joined};
use crate::layout::{Hyphen, Line, PageLayout, Word};
use crate::record::Join;

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
