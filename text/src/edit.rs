//! Corrections: words and lines of a layout get another text, and keep their places.
//!
//! Lines and words are counted from 0 in reading order, words within their line.

use crate::hyphens::resolve_hyphens;
use crate::layout::{Hyphen, Line, PageLayout, Rect, Word};

/// One change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edit<'a> {
    pub line: u32,
    /// `None`: the whole line.
    pub word: Option<u32>,
    /// Empty takes the word or the line's text away. White space parts words.
    pub text: &'a str,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    #[error("there is no line {line}: the page has {lines}, counted from 0")]
    NoLine { line: u32, lines: usize },
    #[error("there is no word {word} in line {line}: it has {words}, counted from 0")]
    NoWord { line: u32, word: u32, words: usize },
}

/// Makes the changes; all of them or none.
///
/// Places are those of the layout as it came, whatever the other changes do. A line that keeps its
/// number of words keeps their boxes; else the new words share the box of what they replace, by
/// their length.
///
/// ```
/// use dlcs_text::edit::{Edit, edited};
/// use dlcs_text::{Block, Line, PageLayout, Word};
///
/// let words = ["Was", "ist", "Auftlärung"].map(|it| Word { text: it.into(), ..Word::default() });
/// let line = Line { words: words.to_vec(), ..Line::default() };
/// let layout = PageLayout {
///     blocks: vec![Block { lines: vec![line], ..Block::default() }],
///     ..PageLayout::default()
/// };
/// let edit = Edit { line: 0, word: Some(2), text: "Aufklärung" };
/// assert_eq!(edited(layout, &[edit]).unwrap().words().last().unwrap().text, "Aufklärung");
/// ```
pub fn edited(mut layout: PageLayout, edits: &[Edit<'_>]) -> Result<PageLayout, EditError> {
    let mut lines: Vec<&mut Line> = layout.blocks.iter_mut().flat_map(|it| &mut it.lines).collect();
    for edit in edits {
        check(&lines, edit)?;
    }
    // From the last word to the first, so that no change moves the place of another.
    let mut ordered: Vec<&Edit<'_>> = edits.iter().collect();
    ordered.sort_by_key(|edit| std::cmp::Reverse((edit.line, edit.word)));
    for edit in ordered {
        let line = &mut lines[edit.line as usize];
        match edit.word {
            None => replace_line(line, edit.text),
            Some(word) => replace_word(line, word as usize, edit.text),
        }
    }
    forget_lone_halves(&mut layout);
    resolve_hyphens(&mut layout);
    Ok(layout)
}

fn check(lines: &[&mut Line], edit: &Edit<'_>) -> Result<(), EditError> {
    let no_line = || EditError::NoLine { line: edit.line, lines: lines.len() };
    let line = lines.get(edit.line as usize).ok_or_else(no_line)?;
    match edit.word {
        Some(word) if word as usize >= line.words.len() => {
            Err(EditError::NoWord { line: edit.line, word, words: line.words.len() })
        }
        _ => Ok(()),
    }
}

fn replace_line(line: &mut Line, text: &str) {
    let texts: Vec<&str> = text.split_whitespace().collect();
    if texts.len() != line.words.len() {
        line.words = shared(line.bounds, &texts);
        return;
    }
    for (word, text) in line.words.iter_mut().zip(texts) {
        if word.text != text {
            *word = corrected(word.bounds, text, word.language.take());
        }
    }
}

fn replace_word(line: &mut Line, ordinal: usize, text: &str) {
    let texts: Vec<&str> = text.split_whitespace().collect();
    let old = &line.words[ordinal];
    if texts == [old.text.as_str()] {
        return;
    }
    let language = old.language.clone();
    let new = shared(old.bounds, &texts).into_iter();
    let new = new.map(|word| Word { language: language.clone(), ..word });
    line.words.splice(ordinal..=ordinal, new);
}

/// What people write is sure, and no half of anything until it is looked at again.
fn corrected(bounds: Rect, text: &str, language: Option<String>) -> Word {
    Word { bounds, text: text.to_owned(), confidence: Some(100), language, hyphen: None }
}

/// Parts a box between words by the number of their characters and the spaces between them.
fn shared(bounds: Rect, texts: &[&str]) -> Vec<Word> {
    let lengths: Vec<u64> = texts.iter().map(|it| it.chars().count() as u64).collect();
    let all = lengths.iter().sum::<u64>() + texts.len().saturating_sub(1) as u64;
    let at = |place: u64| (place * u64::from(bounds.width) / all.max(1)) as u32;
    let mut place = 0;
    let mut words = Vec::with_capacity(texts.len());
    for (text, length) in texts.iter().zip(lengths) {
        let (left, right) = (at(place), at(place + length));
        let x = bounds.x.saturating_add(left);
        words.push(corrected(Rect { x, width: right - left, ..bounds }, text, None));
        place += length + 1;
    }
    words
}

/// A half whose other half was corrected is a word like any other.
fn forget_lone_halves(layout: &mut PageLayout) {
    let is_first = |word: &Word| matches!(word.hyphen, Some(Hyphen::First { .. }));
    let is_second = |word: &Word| matches!(word.hyphen, Some(Hyphen::Second { .. }));
    let words: Vec<(bool, bool)> = layout.words().map(|it| (is_first(it), is_second(it))).collect();
    let lines = layout.blocks.iter_mut().flat_map(|it| &mut it.lines);
    for (ordinal, word) in lines.flat_map(|it| &mut it.words).enumerate() {
        let (is_first, is_second) = words[ordinal];
        let has_second = words.get(ordinal + 1).is_some_and(|it| it.1);
        let has_first = ordinal > 0 && words[ordinal - 1].0;
        if (is_first && !has_second) || (is_second && !has_first) {
            word.hyphen = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::Block;
    use proptest::prelude::*;

    fn page(lines: &[&str]) -> PageLayout {
        let line = |(ordinal, text): (usize, &&str)| {
            let bounds = Rect { x: 10, y: 20 * ordinal as u32, width: 100, height: 18 };
            let texts: Vec<&str> = text.split_whitespace().collect();
            Line { bounds, words: shared(bounds, &texts) }
        };
        let lines = lines.iter().enumerate().map(line).collect();
        let mut layout = PageLayout {
            blocks: vec![Block { lines, ..Block::default() }],
            ..PageLayout::default()
        };
        resolve_hyphens(&mut layout);
        layout
    }

    fn texts(layout: &PageLayout) -> Vec<String> {
        let line = |line: &Line| {
            line.words.iter().map(|it| it.text.as_str()).collect::<Vec<_>>().join(" ")
        };
        layout.lines().map(line).collect()
    }

    fn check_edits(lines: &[&str], edits: &[(u32, Option<u32>, &str)], expected: &[&str]) {
        let edits: Vec<Edit<'_>> =
            edits.iter().map(|&(line, word, text)| Edit { line, word, text }).collect();
        assert_eq!(texts(&edited(page(lines), &edits).unwrap()), expected);
    }

    #[test]
    fn words_and_lines_get_another_text() {
        check_edits(&["a b", "c"], &[(0, Some(1), "B")], &["a B", "c"]);
        check_edits(&["a b", "c"], &[(1, None, "x y z")], &["a b", "x y z"]);
        check_edits(&["a b", "c"], &[(0, Some(0), "")], &["b", "c"]);
        check_edits(&["a b", "c"], &[(0, None, "")], &["", "c"]);
    }

    #[test]
    fn places_are_those_before_the_correction() {
        check_edits(&["a b c"], &[(0, Some(0), "x y"), (0, Some(2), "z")], &["x y b z"]);
        check_edits(&["a b c"], &[(0, Some(1), ""), (0, Some(2), "z")], &["a z"]);
    }

    #[test]
    fn a_line_with_as_many_words_keeps_their_boxes() {
        let before = page(&["eins zwei drei"]);
        let edit = Edit { line: 0, word: None, text: "Eins zwei dreihundert" };
        let after = edited(before.clone(), &[edit]).unwrap();
        let boxes = |layout: &PageLayout| layout.words().map(|it| it.bounds).collect::<Vec<_>>();
        assert_eq!(boxes(&after), boxes(&before));
        assert_eq!(after.words().next().unwrap().confidence, Some(100));
    }

    #[test]
    fn what_is_not_there_cannot_be_corrected_and_nothing_changes() {
        let no_line = edited(page(&["a"]), &[Edit { line: 1, word: None, text: "" }]);
        assert_eq!(no_line, Err(EditError::NoLine { line: 1, lines: 1 }));
        let no_word = edited(page(&["a"]), &[Edit { line: 0, word: Some(1), text: "" }]);
        assert_eq!(no_word, Err(EditError::NoWord { line: 0, word: 1, words: 1 }));
    }

    #[test]
    fn divided_words_are_looked_at_anew() {
        let halves = |layout: &PageLayout| layout.words().filter(|it| it.hyphen.is_some()).count();
        let before = page(&["ver-", "bunden"]);
        assert_eq!(halves(&before), 2);
        let whole = Edit { line: 0, word: Some(0), text: "Ende." };
        assert_eq!(halves(&edited(before.clone(), &[whole]).unwrap()), 0);
        let other = Edit { line: 1, word: Some(0), text: "lassen" };
        let after = edited(before, &[other]).unwrap();
        let first = after.words().next().unwrap().hyphen.clone();
        assert_eq!(first, Some(Hyphen::First { whole: "verlassen".into() }));
    }

    proptest! {
        #[test]
        fn new_words_lie_within_what_they_replace(
            text in "[a-zé ]{0,60}", x in 0..5000_u32, width in 0..3000_u32,
        ) {
            let texts: Vec<&str> = text.split_whitespace().collect();
            let bounds = Rect { x, y: 3, width, height: 9 };
            for word in shared(bounds, &texts) {
                prop_assert!(word.bounds.x >= x);
                prop_assert!(word.bounds.x + word.bounds.width <= x + width);
            }
        }
    }
}
