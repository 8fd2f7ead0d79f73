//! Ground truth cuts words from the marks that stand at them: `worden` `;`. The line's own text says
//! where the spaces are.

use crate::draft::{DraftWord, Place};

/// Puts together what the line's text does not part; where the two differ, nothing is done.
pub(super) fn attach(words: Vec<DraftWord>, line: &str) -> Vec<DraftWord> {
    let Some(sizes) = sizes(&words, line).filter(|it| it.len() < words.len()) else {
        return words;
    };
    let mut words = words.into_iter();
    let group = |size| words.by_ref().take(size).reduce(together);
    sizes.into_iter().filter_map(group).collect()
}

/// Returns how many words make up each part between spaces.
fn sizes(words: &[DraftWord], line: &str) -> Option<Vec<usize>> {
    let mut words = words.iter();
    let mut sizes = Vec::new();
    for mut part in line.split_whitespace() {
        let mut size = 0;
        while !part.is_empty() {
            let word = words.next()?.text.trim();
            part = part.strip_prefix(word).filter(|_| !word.is_empty())?;
            size += 1;
        }
        sizes.push(size);
    }
    words.next().is_none().then_some(sizes)
}

fn together(first: DraftWord, second: DraftWord) -> DraftWord {
    let areas = first.place.area().zip(second.place.area());
    DraftWord {
        place: areas.map_or(first.place, |(first, second)| Place::of(first.union(second))),
        text: format!("{}{}", first.text.trim(), second.text.trim()),
        // A word is as sure as its least sure part.
        confidence: first.confidence.zip(second.confidence).map(|(a, b)| a.min(b)),
        language: first.language,
        half: second.half.or(first.half),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attached(words: &[&str], line: &str) -> Vec<String> {
        let word = |text: &&str| DraftWord { text: (*text).to_owned(), ..DraftWord::default() };
        let words = attach(words.iter().map(word).collect(), line);
        words.into_iter().map(|it| it.text).collect()
    }

    #[test]
    fn marks_go_to_their_words_where_the_line_says_so() {
        let words = ["(", "worden", ";", "ſo", "Be", "-"];
        assert_eq!(attached(&words, "(worden; ſo Be-"), ["(worden;", "ſo", "Be-"]);
    }

    #[test]
    fn a_line_that_says_something_else_changes_nothing() {
        let words = ["worden", ";", "ſo"];
        for line in ["", "worden;", "worden; so", "worden; ſo ſehr", "worden ; ſo", "w orden; ſo"]
        {
            assert_eq!(attached(&words, line), words, "{line}");
        }
        assert_eq!(attached(&["", "a"], "a"), ["", "a"]);
    }
}
