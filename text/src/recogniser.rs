//! The port of a recognition engine: pixels in, layout out.
//!
//! Synchronous and not shared: one engine belongs to one worker process and keeps its models loaded.

use crate::layout::PageLayout;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// An upright picture, 8 bits a channel, rows from top to bottom without padding.
#[derive(Debug, Clone, Copy)]
pub struct Picture<'a> {
    pub width_px: u32,
    pub height_px: u32,
    /// 1 (gray) or 3 (RGB).
    pub channels: u8,
    pub pixels: &'a [u8],
    /// Dots per inch, where the source says it.
    pub resolution_dpi: Option<u32>,
}

/// What an engine says of a page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recognised {
    pub layout: PageLayout,
    pub engine: Engine,
    /// Mean confidence over all words, 0 to 100; `None`: no word was found.
    pub confidence: Option<u8>,
}

/// Who read, and how: what a history needs to explain a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Engine {
    /// For example `tesseract`.
    pub name: String,
    /// For example `5.3.0`.
    pub version: String,
    /// Models in the order of use, with their digest where it is known: `deu@sha256:…`.
    pub models: Vec<String>,
    pub settings: BTreeMap<String, String>,
}

#[derive(Debug, thiserror::Error)]
pub enum RecogniseError {
    /// The operator can mend it: install the model.
    #[error("there is no model for the language `{0}`")]
    LanguageMissing(String),
    #[error("the picture has {pixels} pixels, more than the {pixels_max} that are recognised")]
    TooLarge { pixels: u64, pixels_max: u64 },
    #[error("the engine failed: {0}")]
    Engine(String),
}

/// Reads pages.
pub trait Recogniser {
    /// Reads one page. `languages` are names of models as the engine has them, for example `deu`;
    /// at least one.
    fn recognise(
        &mut self,
        picture: Picture<'_>,
        languages: &[String],
    ) -> Result<Recognised, RecogniseError>;
}
