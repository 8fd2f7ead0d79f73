//! What a file says of a page before it is a layout: places may be missing, in any unit, or absurd.

use crate::geometry::PageSize;
use crate::layout::PageLayout;
use crate::markup::{SIDE_PX_MAX, WORD_BYTES_MAX, WORDS_MAX};
use crate::read_error::Fault;

mod assemble;
mod places;

pub(crate) use places::{Area, Place};

#[derive(Default)]
pub(crate) struct Draft {
    pub(crate) width: Option<f64>,
    pub(crate) height: Option<f64>,
    /// Tags that the file names for the page, the first one first.
    pub(crate) languages: Vec<String>,
    pub(crate) blocks: Vec<DraftBlock>,
    words: usize,
}

#[derive(Default)]
pub(crate) struct DraftBlock {
    pub(crate) id: Option<String>,
    pub(crate) place: Place,
    pub(crate) language: Option<String>,
    pub(crate) lines: Vec<DraftLine>,
}

#[derive(Default)]
pub(crate) struct DraftLine {
    pub(crate) place: Place,
    pub(crate) language: Option<String>,
    pub(crate) words: Vec<DraftWord>,
}

#[derive(Default)]
pub(crate) struct DraftWord {
    pub(crate) place: Place,
    pub(crate) text: String,
    pub(crate) confidence: Option<u8>,
    pub(crate) language: Option<String>,
    pub(crate) half: Option<Half>,
}

/// Of a divided word, with the whole word where the file tells it.
#[derive(Debug, Clone)]
pub(crate) enum Half {
    First(Option<String>),
    Second(Option<String>),
}

/// How the file's lengths become pixels.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Measure {
    Pixels,
    /// Units of an inch, of which there are so many, and the resolution where the file tells it.
    Inches {
        units: f64,
        dpi: Option<f64>,
    },
}

impl Draft {
    /// Counts a word's text before it is kept.
    pub(crate) fn admit(&mut self, text: &str) -> Result<(), Fault> {
        if text.len() > WORD_BYTES_MAX
            && text.split_whitespace().any(|it| it.len() > WORD_BYTES_MAX)
        {
            return Err(Fault::TooMany { what: "bytes in a word", count_max: WORD_BYTES_MAX });
        }
        let room = WORDS_MAX - self.words;
        let words = text.split_whitespace().take(room + 1).count();
        if words > room {
            return Err(Fault::TooMany { what: "words", count_max: WORDS_MAX });
        }
        self.words += words;
        Ok(())
    }

    /// Checks a text that is put to a word.
    pub(crate) fn admit_more(&self, word: &str, more: &str) -> Result<(), Fault> {
        if word.len() + more.len() > WORD_BYTES_MAX {
            return Err(Fault::TooMany { what: "bytes in a word", count_max: WORD_BYTES_MAX });
        }
        Ok(())
    }

    /// Adds a block, if there is anything in it.
    pub(crate) fn push(&mut self, mut block: DraftBlock) {
        block.lines.retain(|line| line.words.iter().any(|word| !word.text.trim().is_empty()));
        if !block.lines.is_empty() {
            self.blocks.push(block);
        }
    }

    /// Puts blocks into an order of their identifiers; those that it does not name come last.
    pub(crate) fn order(&mut self, ids: &[String]) {
        let mut ranks = std::collections::HashMap::new();
        for (rank, id) in ids.iter().enumerate() {
            ranks.entry(id.as_str()).or_insert(rank);
        }
        let rank = |block: &DraftBlock| {
            let id = block.id.as_deref()?;
            ranks.get(id).copied()
        };
        self.blocks.sort_by_key(|block| rank(block).unwrap_or(usize::MAX));
    }

    /// Returns the layout in pixels, of the image where its size is given.
    pub(crate) fn finish(
        self,
        measure: Measure,
        image: Option<PageSize>,
    ) -> Result<PageLayout, Fault> {
        let (page, across, down) = self.scale(measure, image)?;
        Ok(assemble::assemble(self, page, across, down))
    }

    /// Returns the page's size in pixels and the factors of both directions.
    fn scale(
        &self,
        measure: Measure,
        image: Option<PageSize>,
    ) -> Result<(PageSize, f64, f64), Fault> {
        let resolution = match measure {
            Measure::Pixels => Some(1.0),
            Measure::Inches { units, dpi } => dpi.map(|it| it / units),
        };
        let width = self.width.filter(|it| *it >= 1.0);
        let height = self.height.filter(|it| *it >= 1.0);
        let (Some(width), Some(height)) = (width, height) else {
            let (Some(image), Some(factor)) = (image, resolution) else {
                return Err(Fault::NoSize);
            };
            return Ok((image, factor, factor));
        };
        if let Some(page) = image {
            let across = f64::from(page.width_px) / width;
            let down = f64::from(page.height_px) / height;
            return Ok((page, across, down));
        }
        let factor = resolution.ok_or(Fault::NoSize)?;
        let page = PageSize { width_px: side(width * factor)?, height_px: side(height * factor)? };
        Ok((page, factor, factor))
    }
}

fn side(length: f64) -> Result<u32, Fault> {
    let length = length.round().max(1.0);
    if length > f64::from(SIDE_PX_MAX) {
        return Err(Fault::PageTooLarge(length.to_string()));
    }
    // A whole number between 1 and the limit.
    Ok(length as u32)
}

/// Longer than any page, in any unit; sums and products of such lengths stay finite.
const LENGTH_MAX: f64 = 1e9;

/// Reads a number; an absent or empty one is `None`.
pub(crate) fn number(name: &'static str, value: Option<String>) -> Result<Option<f64>, Fault> {
    let Some(value) = value else { return Ok(None) };
    let number = value.trim().parse::<f64>().ok().filter(|it| it.is_finite());
    let fault = || Fault::Number { name, value: crate::read_error::excerpt(&value) };
    number.map(|it| Some(it.clamp(-LENGTH_MAX, LENGTH_MAX))).ok_or_else(fault)
}

/// Returns percents from a confidence between 0 and 1; some engines write percents right away.
pub(crate) fn percent(confidence: f64) -> u8 {
    let percent = if confidence > 1.0 { confidence } else { confidence * 100.0 };
    // Between 0 and 100.
    percent.round().clamp(0.0, 100.0) as u8
}
