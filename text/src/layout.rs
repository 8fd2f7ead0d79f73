//! The text of one page with its places: page, block, line, word.
//!
//! - Lengths are pixels of the image, the origin is its top left corner.
//! - Blocks, lines and words stand in reading order.
//! - A word is what stands between spaces; its text holds no white space and is never empty.
//! - Boxes may touch and overlap, and lie within the page.

use serde::{Deserialize, Serialize};

/// One page.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PageLayout {
    pub width_px: u32,
    pub height_px: u32,
    /// BCP 47 tags, the most likely first; empty: not known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub languages: Vec<String>,
    pub blocks: Vec<Block>,
}

/// Lines that belong together: a paragraph, a column, a caption.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Block {
    #[serde(rename = "box")]
    pub bounds: Rect,
    pub lines: Vec<Line>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Line {
    #[serde(rename = "box")]
    pub bounds: Rect,
    pub words: Vec<Word>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Word {
    #[serde(rename = "box")]
    pub bounds: Rect,
    /// As it stands on the page, a hyphen at the end of the line included.
    pub text: String,
    /// How sure the engine is, 0 to 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<u8>,
    /// BCP 47 tag, where it differs from the page's first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hyphen: Option<Hyphen>,
}

/// A half of a word that a line break divides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hyphen {
    /// The last word of a line; `whole` is the undivided word.
    First { whole: String },
    /// The first word of the next line.
    Second { whole: String },
}

/// A box.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, Serialize, Deserialize)]
pub struct Rect {
    pub x: u32,
    pub y: u32,
    #[serde(rename = "w")]
    pub width: u32,
    #[serde(rename = "h")]
    pub height: u32,
}

impl PageLayout {
    /// Returns every line in reading order.
    pub fn lines(&self) -> impl Iterator<Item = &Line> {
        self.blocks.iter().flat_map(|block| &block.lines)
    }

    /// Returns every word in reading order.
    pub fn words(&self) -> impl Iterator<Item = &Word> {
        self.lines().flat_map(|line| &line.words)
    }
}

impl Rect {
    /// Returns the smallest box around both.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        let right = |it: Self| it.x.saturating_add(it.width);
        let bottom = |it: Self| it.y.saturating_add(it.height);
        let (x, y) = (self.x.min(other.x), self.y.min(other.y));
        let width = right(self).max(right(other)) - x;
        let height = bottom(self).max(bottom(other)) - y;
        Self { x, y, width, height }
    }
}
