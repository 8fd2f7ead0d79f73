//! Words that a line break divides, where neither the engine nor the file says so.
//!
//! `whole` has the marks that stand at the word: `verbun-` + `den,` is `verbunden,`.

use crate::layout::{Hyphen, PageLayout};

/// After these a hyphen stands for a part that comes later: `Haupt- und Nebensache`.
const SUSPENDING: [&str; 8] = ["und", "vnd", "oder", "sowie", "bzw.", "and", "et", "ou"];

/// Finds divided words: a hyphen at the end of a line, a small letter at the beginning of the next.
///
/// A word that is known as a half already stays as it is. A hyphen that belongs to the word
/// (`well-` + `known`) cannot be told from one that does not, and is taken away too.
///
/// ```
/// use dlcs_text::hyphens::resolve_hyphens;
/// use dlcs_text::{Block, Hyphen, Line, PageLayout, Word};
///
/// let line = |text: &str| Line {
///     words: vec![Word { text: text.into(), ..Word::default() }],
///     ..Line::default()
/// };
/// let block = Block { lines: vec![line("verbun-"), line("den,")], ..Block::default() };
/// let mut layout = PageLayout { blocks: vec![block], ..PageLayout::default() };
/// resolve_hyphens(&mut layout);
/// let first = layout.words().next().and_then(|it| it.hyphen.clone());
/// assert_eq!(first, Some(Hyphen::First { whole: "verbunden,".into() }));
/// ```
pub fn resolve_hyphens(layout: &mut PageLayout) {
    attach_lone_hyphens(layout);
    let lines = layout.blocks.iter_mut().flat_map(|block| &mut block.lines);
    let mut lines = lines.filter(|it| !it.words.is_empty()).peekable();
    while let Some(line) = lines.next() {
        let Some(first) = line.words.last_mut() else { continue };
        let Some(second) = lines.peek_mut().and_then(|it| it.words.first_mut()) else { continue };
        let is_open = first.hyphen.is_none() && second.hyphen.is_none();
        if is_open && is_divided(&first.text, &second.text) {
            let whole = joined(&first.text, &second.text);
            first.hyphen = Some(Hyphen::First { whole: whole.clone() });
            second.hyphen = Some(Hyphen::Second { whole });
        }
    }
}

/// Puts a hyphen that stands alone at the end of a line to the word before it: there are files that
/// take every mark for a word.
fn attach_lone_hyphens(layout: &mut PageLayout) {
    for line in layout.blocks.iter_mut().flat_map(|block| &mut block.lines) {
        let [.., word, hyphen] = line.words.as_mut_slice() else { continue };
        // Two of them are a dash.
        let is_one = hyphen.text.chars().count() == 1 && hyphen.text.chars().all(is_hyphen);
        let is_lone = is_one && hyphen.hyphen.is_none();
        if is_lone && word.hyphen.is_none() && word.text.ends_with(char::is_alphabetic) {
            word.text.push_str(&hyphen.text);
            word.bounds = word.bounds.union(hyphen.bounds);
            line.words.pop();
        }
    }
}

/// Says whether the last word of a line goes on with the first of the next.
pub(crate) fn is_divided(first: &str, second: &str) -> bool {
    let stem = stem(first);
    let Some(hyphen) = first[stem.len()..].chars().next() else { return false };
    // These do nothing but divide. Any other may belong to a name: `Baden-` `Württemberg`.
    let divides_only = matches!(hyphen, '¬' | '\u{AD}');
    let goes_on =
        second.starts_with(if divides_only { char::is_alphabetic } else { char::is_lowercase });
    stem.ends_with(char::is_alphabetic) && goes_on && !SUSPENDING.contains(&second)
}

/// Returns the two halves of a divided word together.
pub fn joined(first: &str, second: &str) -> String {
    format!("{}{second}", stem(first))
}

/// Returns a word without the hyphens at its end.
pub fn stem(word: &str) -> &str {
    word.trim_end_matches(is_hyphen)
}

/// Hyphens as printers and engines write them; `=` stands for the slanted double one of Fraktur.
fn is_hyphen(character: char) -> bool {
    matches!(character, '-' | '\u{2010}' | '\u{2011}' | '⸗' | '¬' | '\u{AD}' | '=')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::{Block, Line, Word};

    #[test]
    fn a_hyphen_that_is_a_word_of_its_own_belongs_to_the_word_before_it() {
        let mut layout = page(&["der Den -", "kungsart zu", "- und -"]);
        resolve_hyphens(&mut layout);
        let texts: Vec<&str> = layout.words().map(|it| it.text.as_str()).collect();
        assert_eq!(texts, ["der", "Den-", "kungsart", "zu", "-", "und-"]);
        let whole = layout.words().nth(1).and_then(|it| it.hyphen.clone());
        assert_eq!(whole, Some(Hyphen::First { whole: "Denkungsart".into() }));
    }

    #[test]
    fn a_dash_belongs_to_no_word() {
        let mut layout = page(&["wenn er kommt --", "so geht er"]);
        let before = layout.clone();
        resolve_hyphens(&mut layout);
        assert_eq!(layout, before);
    }

    fn page(lines: &[&str]) -> PageLayout {
        let word = |text: &str| Word { text: text.to_owned(), ..Word::default() };
        let line = |text: &&str| Line {
            words: text.split_whitespace().map(word).collect(),
            ..Line::default()
        };
        let block = Block { lines: lines.iter().map(line).collect(), ..Block::default() };
        PageLayout { blocks: vec![block], ..PageLayout::default() }
    }

    fn wholes(lines: &[&str]) -> Vec<String> {
        let mut layout = page(lines);
        resolve_hyphens(&mut layout);
        let firsts = layout.words().filter_map(|it| match &it.hyphen {
            Some(Hyphen::First { whole }) => Some(whole.clone()),
            _ => None,
        });
        firsts.collect()
    }

    #[test]
    fn every_hyphen_of_the_trade_divides() {
        for hyphen in ["-", "‐", "⸗", "¬", "\u{AD}", "="] {
            let first = format!("ist verbun{hyphen}");
            assert_eq!(wholes(&[&first, "den, und"]), ["verbunden,"], "{hyphen}");
        }
    }

    #[test]
    fn what_is_no_division_stays() {
        for lines in [
            ["die Haupt-", "und Nebensache"],
            ["Baden-", "Württemberg"],
            ["1784-", "acht"],
            ["ein -", "oder zwei"],
            ["verbun", "den"],
            ["verbun-", "3"],
            ["Ober⸗", "Italien"],
        ] {
            assert_eq!(wholes(&lines), [""; 0], "{lines:?}");
        }
        assert_eq!(wholes(&["am Ende-"]), [""; 0]);
        assert_eq!(wholes(&["Ober\u{AD}", "Italien"]), ["OberItalien"]);
    }

    #[test]
    fn a_half_that_is_known_stays_and_an_empty_line_does_not_part() {
        assert_eq!(wholes(&["un-", "", "ter"]), ["unter"]);
        let mut layout = page(&["Zuk-", "ker ist wei-", "ßer"]);
        let told = "Zucker".to_owned();
        layout.blocks[0].lines[0].words[0].hyphen = Some(Hyphen::First { whole: told.clone() });
        layout.blocks[0].lines[1].words[0].hyphen = Some(Hyphen::Second { whole: told.clone() });
        resolve_hyphens(&mut layout);
        let whole = |it: &Word| match it.hyphen.clone() {
            Some(Hyphen::First { whole } | Hyphen::Second { whole }) => Some(whole),
            None => None,
        };
        let known: Vec<String> = layout.words().filter_map(whole).collect();
        assert_eq!(known, ["Zucker", "Zucker", "weißer", "weißer"]);
    }

    #[test]
    fn a_word_over_three_lines_is_joined_once() {
        assert_eq!(wholes(&["Do-", "nau-", "dampf"]), ["Donau-"]);
    }
}
