//! What a document is called: texts by language, as Presentation API 3.0, section 4.4 has them.
//!
//! Lists show it without opening the documents.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Texts of a label, at most; what is longer is cut.
const TEXTS_MAX: usize = 32;
const TEXT_CHARS_MAX: usize = 500;

/// A language map: language, or `none`, to texts.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Label(BTreeMap<String, Vec<String>>);

impl Label {
    /// A label in no language.
    pub fn none(text: &str) -> Self {
        Self::of([("none", text)])
    }

    /// Takes over texts with their languages, in order and within bounds: events are small.
    pub fn of<'a>(texts: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut label = BTreeMap::<String, Vec<String>>::new();
        for (language, text) in texts.into_iter().take(TEXTS_MAX) {
            let language = language.chars().take(TEXT_CHARS_MAX).collect();
            label.entry(language).or_default().push(text.chars().take(TEXT_CHARS_MAX).collect());
        }
        Self(label)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Yields each text with its language.
    pub fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        let texts = self.0.iter();
        texts.flat_map(|(language, texts)| texts.iter().map(|it| (language.as_str(), it.as_str())))
    }
}

#[cfg(test)]
mod tests {
    use super::{Label, TEXT_CHARS_MAX, TEXTS_MAX};

    #[test]
    fn a_label_is_kept_within_bounds() {
        let long = "é".repeat(10_000);
        let label = Label::of(std::iter::repeat_n(("fr", long.as_str()), 1_000));
        assert_eq!(label.texts().count(), TEXTS_MAX);
        assert!(label.texts().all(|(_, text)| text.chars().count() == TEXT_CHARS_MAX));
    }
}
