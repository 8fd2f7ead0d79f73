//! Layouts as engines and files make them: words in lines in blocks, halves that follow each other.

use dlcs_text::{Block, Hyphen, Line, PageLayout, Rect, Word};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};

const LANGUAGES: [&str; 5] = ["de", "de-Latf", "fr", "grc", "la"];
const HYPHENS: [&str; 8] = ["", "-", "‐", "‑", "⸗", "¬", "\u{AD}", "="];

/// Letters of many scripts and all that markup escapes.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zäöüßſ]{1,12}",
        "[^\\s\\p{C}]{1,8}",
        "[<>&\"';:{}\\\\,.#x=-]{1,6}",
        "[\u{5D0}-\u{5EA}]{1,6}",
    ]
}

fn rect(width: u32, height: u32) -> impl Strategy<Value = Rect> {
    (0..width, 0..height).prop_flat_map(move |(x, y)| {
        (1..=width - x, 1..=height - y).prop_map(move |(width, height)| Rect {
            x,
            y,
            width,
            height,
        })
    })
}

fn word(width: u32, height: u32) -> impl Strategy<Value = Word> {
    (rect(width, height), text(), option::of(0_u8..=100))
        .prop_map(|(bounds, text, confidence)| Word { bounds, text, confidence, ..Word::default() })
}

fn block(width: u32, height: u32) -> impl Strategy<Value = Block> {
    let line = (rect(width, height), vec(word(width, height), 1..5))
        .prop_map(|(bounds, words)| Line { bounds, words });
    (rect(width, height), vec(line, 1..5)).prop_map(|(bounds, lines)| Block { bounds, lines })
}

/// A half: at which line break, the hyphen, the whole word.
type Division = (Index, &'static str, String);

pub(crate) fn layout() -> impl Strategy<Value = PageLayout> {
    let languages = subsequence(LANGUAGES.to_vec(), 0..=3);
    (1_u32..5_000, 1_u32..5_000, languages.prop_shuffle()).prop_flat_map(
        |(width, height, languages)| {
            let divisions = vec((any::<Index>(), select(HYPHENS.to_vec()), text()), 0..4);
            let others = vec((any::<Index>(), any::<Index>()), 0..4);
            (vec(block(width, height), 0..4), divisions, others).prop_map(
                move |(blocks, divisions, others)| {
                    let languages: Vec<String> =
                        languages.iter().map(|it| (*it).to_owned()).collect();
                    let mut layout =
                        PageLayout { width_px: width, height_px: height, languages, blocks };
                    divide(&mut layout, divisions);
                    speak(&mut layout, others);
                    layout
                },
            )
        },
    )
}

fn divide(layout: &mut PageLayout, divisions: Vec<Division>) {
    for (at, hyphen, whole) in divisions {
        let lines = layout.blocks.iter_mut().flat_map(|block| &mut block.lines);
        let mut lines: Vec<&mut Line> = lines.collect();
        if lines.len() < 2 {
            return;
        }
        let at = at.index(lines.len() - 1);
        let (before, after) = lines.split_at_mut(at + 1);
        let first = before[at].words.last_mut().expect("not empty");
        let second = after[0].words.first_mut().expect("not empty");
        if first.hyphen.is_none() && second.hyphen.is_none() {
            first.text.push_str(hyphen);
            first.hyphen = Some(Hyphen::First { whole: whole.clone() });
            second.hyphen = Some(Hyphen::Second { whole });
        }
    }
}

/// Gives some words another language than the page's first.
fn speak(layout: &mut PageLayout, others: Vec<(Index, Index)>) {
    let Some(first) = layout.languages.first().cloned() else { return };
    let lines = layout.blocks.iter_mut().flat_map(|block| &mut block.lines);
    let mut words: Vec<&mut Word> = lines.flat_map(|line| &mut line.words).collect();
    if words.is_empty() {
        return;
    }
    for (word, language) in others {
        let language = LANGUAGES[language.index(LANGUAGES.len())];
        let word = word.index(words.len());
        words[word].language = (language != first).then(|| language.to_owned());
    }
}
