//! What the text of a page is described with: the image, the recognition, the blobs, the edits.

use crate::ids::BlobRef;
use crate::languages::Languages;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// The image that a text was, or shall be, read from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageRef {
    /// Of the asset.
    pub generation: u32,
    /// The asset's attempt that delivered it.
    pub attempt: u32,
    /// The bytes as they came; text depends on nothing else.
    pub original: BlobRef,
}

impl ImageRef {
    /// Says whether both show the same page: the same bytes of the same asset.
    pub fn shows_the_same_as(&self, other: &Self) -> bool {
        self.generation == other.generation && self.original == other.original
    }
}

/// Who wanted a page to be recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AskedBy {
    /// An intention: overwrites whatever text there is.
    #[default]
    Client,
    /// Follows from how the asset is registered: overwrites nothing that a client wanted.
    Registration,
}

impl AskedBy {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
    pub(super) fn is_client(&self) -> bool {
        *self == Self::Client
    }
}

/// The blobs of a text, written before the event that names them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextBlobs {
    /// Canonical JSON of the layout: blocks, lines and words with their places.
    pub layout: BlobRef,
    /// What the search index is fed with.
    pub record: BlobRef,
}

/// Who read the page, and how well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecognitionSummary {
    /// For example `tesseract`.
    pub engine: String,
    pub engine_version: String,
    /// Models in the order of use, with their digest where it is known.
    #[serde(default)]
    pub models: Vec<String>,
    #[serde(default)]
    pub settings: BTreeMap<String, String>,
    pub languages: Languages,
    /// Mean over all words, 0 to 100; `None`: no word was found.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub confidence: Option<u8>,
    pub words: u32,
}

/// A form in which text is imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TextFormat {
    Alto,
    Hocr,
    /// PAGE XML.
    Page,
}

impl TextFormat {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Alto => "alto",
            Self::Hocr => "hocr",
            Self::Page => "page",
        }
    }
}

impl fmt::Display for TextFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("text is imported as `alto`, `hocr` or `page`")]
pub struct TextFormatError;

impl FromStr for TextFormat {
    type Err = TextFormatError;

    fn from_str(text: &str) -> Result<Self, TextFormatError> {
        let all = [Self::Alto, Self::Hocr, Self::Page];
        all.into_iter().find(|it| it.as_str() == text).ok_or(TextFormatError)
    }
}

/// Where a text comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextSource {
    pub origin: TextOrigin,
    /// Somebody has changed words of it since.
    pub is_corrected: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum TextOrigin {
    /// Holds for that image alone.
    Recognised { image: ImageRef },
    /// Holds for the asset, whatever image it has.
    Imported { format: TextFormat },
}

impl TextSource {
    pub fn recognised(image: ImageRef) -> Self {
        Self { origin: TextOrigin::Recognised { image }, is_corrected: false }
    }

    pub fn imported(format: TextFormat) -> Self {
        Self { origin: TextOrigin::Imported { format }, is_corrected: false }
    }

    /// Says whether the text is about an asset whose delivered original is `original`.
    pub fn is_about(&self, original: Option<&BlobRef>) -> bool {
        match &self.origin {
            TextOrigin::Imported { .. } => true,
            TextOrigin::Recognised { image } => original == Some(&image.original),
        }
    }
}

/// One change of a text.
///
/// Ordinals count from 0 in reading order: the line in the page, the word in the line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextEdit {
    pub line: u32,
    /// `None`: the text of the whole line.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub word: Option<u32>,
    pub text: String,
}

impl TextEdit {
    /// Changes in one correction.
    pub const COUNT_MAX: usize = 2000;
    /// Bytes of the texts of one correction together: they stand in the event.
    pub const BYTES_MAX: usize = 128 * 1024;

    /// Says what is wrong with a correction, or nothing.
    pub fn check(edits: &[Self]) -> Result<(), &'static str> {
        if edits.is_empty() || edits.len() > Self::COUNT_MAX {
            return Err("a correction has 1 to 2000 edits");
        }
        if edits.iter().map(|it| it.text.len()).sum::<usize>() > Self::BYTES_MAX {
            return Err("the edits of a correction have at most 131072 bytes of text");
        }
        if edits.iter().any(|it| it.text.chars().any(char::is_control)) {
            return Err("a line or word has no control characters");
        }
        let mut places: Vec<_> = edits.iter().map(|it| (it.line, it.word)).collect();
        places.sort_unstable();
        // The whole line sorts before its words.
        let meets = |pair: &[(u32, Option<u32>)]| {
            pair[0] == pair[1] || (pair[0].0 == pair[1].0 && pair[0].1.is_none())
        };
        if places.windows(2).any(meets) {
            return Err("a correction edits each place once");
        }
        Ok(())
    }
}
