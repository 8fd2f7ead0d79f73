//! Text in languages: Presentation API 3.0, section 4.4.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Texts by language tag (BCP 47), `none` where the language is unknown.
///
/// ```
/// use dlcs_iiif::LanguageMap;
///
/// let label = LanguageMap::new("en", "Page").with("de", "Seite");
/// assert_eq!(serde_json::to_string(&label).unwrap(), r#"{"de":["Seite"],"en":["Page"]}"#);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LanguageMap(BTreeMap<String, Vec<String>>);

impl LanguageMap {
    /// The tag of text whose language is unknown.
    pub const NONE: &str = "none";

    /// Returns a text in one language.
    pub fn new(language: impl Into<String>, text: impl Into<String>) -> Self {
        Self::default().with(language, text)
    }

    /// Returns a text whose language is unknown.
    pub fn none(text: impl Into<String>) -> Self {
        Self::new(Self::NONE, text)
    }

    /// Returns the map with one more text.
    #[must_use]
    pub fn with(mut self, language: impl Into<String>, text: impl Into<String>) -> Self {
        self.0.entry(language.into()).or_default().push(text.into());
        self
    }

    /// Returns whether there is no text at all.
    pub fn is_empty(&self) -> bool {
        self.0.values().all(Vec::is_empty)
    }

    /// Returns every text with its language, by language and then in order.
    pub fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().flat_map(|(language, texts)| {
            texts.iter().map(move |text| (language.as_str(), text.as_str()))
        })
    }
}
