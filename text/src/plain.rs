//! Plain text out: a line for a line, an empty line between two blocks.

use crate::layout::{Hyphen, PageLayout, Word};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hyphens {
    /// As they stand on the page.
    Keep,
    /// A divided word stands whole where it begins; the next line begins after it.
    Join,
}

/// Returns the text of a page, with a line break at its end unless it is empty.
///
/// ```
/// use dlcs_text::plain::{self, Hyphens};
/// use dlcs_text::{Block, Hyphen, Line, PageLayout, Word};
///
/// let word = |text: &str, hyphen| Word { text: text.into(), hyphen, ..Word::default() };
/// let whole = || "verbunden,".to_owned();
/// let first = word("verbun-", Some(Hyphen::First { whole: whole() }));
/// let second = word("den,", Some(Hyphen::Second { whole: whole() }));
/// let lines = [vec![word("ist", None), first], vec![second, word("und", None)]];
/// let lines = lines.map(|words| Line { words, ..Line::default() }).to_vec();
/// let blocks = vec![Block { lines, ..Block::default() }];
/// let layout = PageLayout { blocks, ..PageLayout::default() };
/// assert_eq!(plain::write(&layout, Hyphens::Keep), "ist verbun-\nden, und\n");
/// assert_eq!(plain::write(&layout, Hyphens::Join), "ist verbunden,\nund\n");
/// ```
pub fn write(layout: &PageLayout, hyphens: Hyphens) -> String {
    let mut words = layout.words().peekable();
    let mut out = String::new();
    // Set: the word that comes next was written with the one before.
    let mut is_written = false;
    for block in &layout.blocks {
        let mut is_first = true;
        for line in &block.lines {
            let mut texts: Vec<String> = Vec::with_capacity(line.words.len());
            for word in &line.words {
                words.next();
                let next = words.peek().copied();
                let skips = std::mem::take(&mut is_written);
                match whole(word, next).filter(|_| hyphens == Hyphens::Join) {
                    Some(whole) => {
                        texts.push(whole);
                        is_written = true;
                    }
                    None if skips => {}
                    None => texts.push(word.text.clone()),
                }
            }
            if texts.is_empty() {
                continue;
            }
            if is_first && !out.is_empty() {
                out.push('\n');
            }
            is_first = false;
            out.push_str(&texts.join(" "));
            out.push('\n');
        }
    }
    out
}

/// Returns the whole word, if this is its first half and the second follows.
///
/// Marks that stand at the halves and not at the whole are put to it: `verbunden` + `,`.
fn whole(word: &Word, next: Option<&Word>) -> Option<String> {
    let Some(Hyphen::First { whole }) = &word.hyphen else { return None };
    let second = next.filter(|it| matches!(it.hyphen, Some(Hyphen::Second { .. })))?;
    let is_mark = |it: char| !it.is_alphanumeric();
    let text = &second.text;
    let after = &text[text.trim_end_matches(is_mark).len()..];
    let before = &word.text[..word.text.len() - word.text.trim_start_matches(is_mark).len()];
    let mut out = if whole.starts_with(before) { String::new() } else { before.to_owned() };
    out.push_str(whole);
    if !whole.ends_with(after) {
        out.push_str(after);
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::{Block, Line};

    fn word(text: &str, hyphen: Option<Hyphen>) -> Word {
        Word { text: text.to_owned(), hyphen, ..Word::default() }
    }

    fn first(text: &str, whole: &str) -> Word {
        word(text, Some(Hyphen::First { whole: whole.to_owned() }))
    }

    fn second(text: &str, whole: &str) -> Word {
        word(text, Some(Hyphen::Second { whole: whole.to_owned() }))
    }

    fn check(blocks: Vec<Vec<Vec<Word>>>, kept: &str, joined: &str) {
        let line = |words| Line { words, ..Line::default() };
        let block = |lines: Vec<Vec<Word>>| Block {
            lines: lines.into_iter().map(line).collect(),
            ..Block::default()
        };
        let blocks = blocks.into_iter().map(block).collect();
        let layout = PageLayout { blocks, ..PageLayout::default() };
        assert_eq!(write(&layout, Hyphens::Keep), kept);
        assert_eq!(write(&layout, Hyphens::Join), joined);
    }

    #[test]
    fn blocks_are_parted_and_empty_ones_leave_nothing() {
        check(vec![], "", "");
        let lone = |text: &str| vec![vec![word(text, None)]];
        check(vec![lone("a"), vec![], vec![vec![]], lone("b")], "a\n\nb\n", "a\n\nb\n");
    }

    #[test]
    fn marks_of_the_halves_stay_and_those_of_the_whole_are_not_doubled() {
        let lines = |whole: &str| {
            vec![vec![
                vec![first("„verbun⸗", whole)],
                vec![second("den,“", whole), word("x", None)],
            ]]
        };
        let kept = "„verbun⸗\nden,“ x\n";
        check(lines("verbunden"), kept, "„verbunden,“\nx\n");
        check(lines("„verbunden,“"), kept, "„verbunden,“\nx\n");
    }

    #[test]
    fn a_half_alone_stays_as_it_is_and_a_word_may_go_over_to_the_next_block() {
        check(vec![vec![vec![first("En-", "Ende")]]], "En-\n", "En-\n");
        check(vec![vec![vec![second("de", "Ende")]]], "de\n", "de\n");
        let over = vec![vec![vec![first("En-", "Ende")]], vec![vec![second("de", "Ende")]]];
        check(over, "En-\n\nde\n", "Ende\n");
    }
}
