//! How far a reading is from the truth: errors per character, and words found.
//!
//! Strict: Unicode normal form C, runs of white space are one space. Loose besides: old letters,
//! dashes and quotes become the usual ones, and words that a line break divides are joined.

use std::collections::BTreeMap;
use unicode_normalization::UnicodeNormalization;

/// Figures of one reading.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Score {
    /// Edits per character of the truth.
    pub(crate) cer_strict: f64,
    pub(crate) cer_loose: f64,
    /// Words of the truth that were found, each as often as it stands there, 0 to 1.
    pub(crate) word_recall: f64,
}

impl Score {
    pub(crate) fn of(truth: &str, reading: &str) -> Self {
        Self {
            cer_strict: error_rate(&strict(truth), &strict(reading)),
            cer_loose: error_rate(&loose(truth), &loose(reading)),
            word_recall: recall(&loose(truth), &loose(reading)),
        }
    }
}

/// Normal form C with single spaces.
fn strict(text: &str) -> String {
    let composed: String = text.nfc().collect();
    Vec::from_iter(composed.split_whitespace()).join(" ")
}

fn loose(text: &str) -> String {
    let decomposed: String = joined(text).nfd().flat_map(usual).collect();
    strict(&decomposed)
}

/// Joins what a hyphen at the end of a line divides.
fn joined(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.lines() {
        let line = line.trim();
        match line.strip_suffix(['-', '⸗', '¬', '\u{ad}', '‐', '=']) {
            Some(first) if !first.is_empty() => out.push_str(first),
            _ => {
                out.push_str(line);
                out.push('\n');
            }
        }
    }
    out
}

/// Returns the usual letters for an unusual one. The text is decomposed.
fn usual(letter: char) -> Vec<char> {
    match letter {
        'ſ' => vec!['s'],
        // A small e over a vowel: the umlaut's two dots.
        '\u{364}' => vec!['\u{308}'],
        'ꝛ' => vec!['r'],
        '\u{ad}' => vec![],
        '–' | '—' | '‒' | '―' | '‐' | '‑' | '⸗' | '−' | '¬' => vec!['-'],
        '„' | '“' | '”' | '‟' | '»' | '«' | '″' => vec!['"'],
        '‚' | '‘' | '’' | '‛' | '›' | '‹' | '′' => vec!['\''],
        'ﬁ' => vec!['f', 'i'],
        'ﬂ' => vec!['f', 'l'],
        'ﬀ' => vec!['f', 'f'],
        '…' => vec!['.', '.', '.'],
        other => vec![other],
    }
}

fn error_rate(truth: &str, reading: &str) -> f64 {
    let (truth, reading) = (Vec::from_iter(truth.chars()), Vec::from_iter(reading.chars()));
    match truth.len() {
        0 => f64::from(u8::from(!reading.is_empty())),
        length => distance(&truth, &reading) as f64 / length as f64,
    }
}

/// Levenshtein's distance, row by row.
fn distance(from: &[char], to: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (index, letter) in from.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = index + 1;
        for (column, other) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != other);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[to.len()]
}

fn recall(truth: &str, reading: &str) -> f64 {
    let mut there: BTreeMap<String, usize> = BTreeMap::new();
    words(reading).for_each(|word| *there.entry(word).or_default() += 1);
    let (mut all, mut found) = (0u32, 0u32);
    for word in words(truth) {
        all += 1;
        if let Some(count @ 1..) = there.get_mut(&word) {
            *count -= 1;
            found += 1;
        }
    }
    if all == 0 { 1.0 } else { f64::from(found) / f64::from(all) }
}

/// Words without the marks around them.
fn words(text: &str) -> impl Iterator<Item = String> {
    let plain = |word: &str| word.trim_matches(|it: char| !it.is_alphanumeric()).to_lowercase();
    text.split(' ').map(plain).filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(truth: &str, reading: &str, strict: f64, loose: f64, recall: f64) {
        let score = Score::of(truth, reading);
        let expected = Score { cer_strict: strict, cer_loose: loose, word_recall: recall };
        let near = |a: f64, b: f64| (a - b).abs() < 1e-9;
        let is_so = near(score.cer_strict, strict)
            && near(score.cer_loose, loose)
            && near(score.word_recall, recall);
        assert!(is_so, "{truth:?} read as {reading:?}: {score:?}, not {expected:?}");
    }

    #[test]
    fn hand_made_cases() {
        // Ten letters each, so that an edit is a tenth.
        check("abcdefghij", "abcdefghij", 0.0, 0.0, 1.0);
        check("abcdefghij", "abXdefghij", 0.1, 0.1, 0.0);
        check("abcdefghij", "abdefghij", 0.1, 0.1, 0.0);
        check("abcdefghij", "abcXdefghij", 0.1, 0.1, 0.0);
        check("abcdefghij", "", 1.0, 1.0, 0.0);
        check("abcd efghi", "efghi abcd", 1.0, 1.0, 1.0);
        // More was read than is there.
        check("ab", "abcdef", 2.0, 2.0, 0.0);
        check("", "", 0.0, 0.0, 1.0);
        check("", "x", 1.0, 1.0, 1.0);
    }

    #[test]
    fn white_space_counts_once() {
        check("one\ntwo\n\n  three", "one two three\n\x0c", 0.0, 0.0, 1.0);
        check("one two", "onetwo", 1.0 / 7.0, 1.0 / 7.0, 0.0);
    }

    #[test]
    fn the_same_letter_in_two_forms_is_the_same() {
        check("Gr\u{fc}n", "Gru\u{308}n", 0.0, 0.0, 1.0);
    }

    #[test]
    fn old_letters_are_errors_in_strict_alone() {
        check("iſt", "ist", 1.0 / 3.0, 0.0, 1.0);
        check("fu\u{364}r", "für", 0.5, 0.0, 1.0);
        check("„ja“", "\"ja\"", 0.5, 0.0, 1.0);
        check("a — b", "a - b", 0.2, 0.0, 1.0);
    }

    #[test]
    fn divided_words_are_joined_in_loose_alone() {
        // Eleven letters: the line break is a space.
        check("verbun-\nden", "verbun⸗\nden", 1.0 / 11.0, 0.0, 1.0);
        check("verbun-\nden", "verbunden", 2.0 / 11.0, 0.0, 1.0);
        // A dash between words divides nothing.
        check("a -\nb", "a -\nb", 0.0, 0.0, 1.0);
    }

    #[test]
    fn each_word_is_found_as_often_as_it_stands_there() {
        check("die die die", "die die", 4.0 / 11.0, 4.0 / 11.0, 2.0 / 3.0);
        check("Ja, nein!", "ja nein", 3.0 / 9.0, 3.0 / 9.0, 1.0);
    }

    #[test]
    fn the_distance_is_symmetric() {
        let (one, two): (Vec<_>, Vec<_>) =
            ("kitten".chars().collect(), "sitting".chars().collect());
        assert_eq!((distance(&one, &two), distance(&two, &one)), (3, 3));
    }
}
