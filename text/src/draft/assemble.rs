//! A draft becomes a layout: words are split at spaces, boxes are in the page, halves know the whole.

use super::places::{Area, Place, line_area, shares, word_areas};
use super::{Draft, DraftBlock, DraftLine, DraftWord, Half};
use crate::geometry::PageSize;
use crate::hyphens::joined;
use crate::layout::{Block, Hyphen, Line, PageLayout, Rect, Word};
use crate::markup::WORD_BYTES_MAX;
use crate::markup::write::is_writable;
use std::collections::HashMap;

pub(super) fn assemble(draft: Draft, page: PageSize, across: f64, down: f64) -> PageLayout {
    let whole_page = Area {
        x0: 0.0,
        y0: 0.0,
        x1: f64::from(page.width_px) / across,
        y1: f64::from(page.height_px) / down,
    };
    let sheet = Sheet { page, across, down };
    let mut halves = Vec::new();
    let blocks =
        draft.blocks.into_iter().filter_map(|block| sheet.block(block, whole_page, &mut halves));
    let mut layout = PageLayout {
        width_px: page.width_px,
        height_px: page.height_px,
        languages: Vec::new(),
        blocks: blocks.collect(),
    };
    tell_wholes(&mut layout, halves);
    settle_languages(&mut layout, draft.languages);
    layout
}

struct Sheet {
    page: PageSize,
    across: f64,
    down: f64,
}

impl Sheet {
    fn rect(&self, area: Area) -> Rect {
        let start = (area.x0 * self.across, area.y0 * self.down);
        Rect::within(self.page, start, (area.x1 * self.across, area.y1 * self.down))
    }

    fn block(
        &self,
        block: DraftBlock,
        whole_page: Area,
        halves: &mut Vec<Option<Half>>,
    ) -> Option<Block> {
        let lines = block.lines.iter().filter_map(line_area);
        let known = block.place.area().or_else(|| lines.reduce(Area::union));
        let area = known.unwrap_or(whole_page);
        let rows = block.lines.len();
        let mut lines = Vec::with_capacity(rows);
        for (n, mut line) in block.lines.into_iter().enumerate() {
            line.language = line.language.or_else(|| block.language.clone());
            lines.extend(self.line(line, area.row(n, rows), halves));
        }
        (!lines.is_empty()).then(|| Block { bounds: self.rect(area), lines })
    }

    /// `fallback` is where the line stands if nothing says where.
    fn line(
        &self,
        line: DraftLine,
        fallback: Area,
        halves: &mut Vec<Option<Half>>,
    ) -> Option<Line> {
        let area = line_area(&line).unwrap_or(fallback);
        let words = split_at_spaces(line.words);
        let areas = word_areas(area, &words);
        let last = words.len().checked_sub(1)?;
        let mut out = Vec::with_capacity(words.len());
        for (n, (word, area)) in words.into_iter().zip(areas).enumerate() {
            let ends_softly = n == last && word.text.ends_with('\u{AD}') && word.text.len() > 2;
            halves.push(match word.half {
                // That it is a second half, too, the word before says.
                None | Some(Half::Second(None)) if ends_softly => Some(Half::First(None)),
                half => half,
            });
            out.push(Word {
                bounds: self.rect(area),
                text: word.text,
                confidence: word.confidence,
                language: word.language.or_else(|| line.language.clone()),
                hyphen: None,
            });
        }
        Some(Line { bounds: self.rect(area), words: out })
    }
}

/// Makes one word of each part between spaces; the parts share the place.
fn split_at_spaces(words: Vec<DraftWord>) -> Vec<DraftWord> {
    let mut out = Vec::with_capacity(words.len());
    for mut word in words {
        word.text.retain(|it| it.is_whitespace() || is_writable(it));
        let parts: Vec<&str> = word.text.split_whitespace().collect();
        if let [one] = parts[..] {
            let text = one.to_owned();
            out.push(DraftWord { text, ..word });
            continue;
        }
        let Some(last) = parts.len().checked_sub(1) else { continue };
        let place = word.place;
        let across = place.x.zip(place.width).map(|(x, width)| shares(x, x + width, &parts));
        for (n, part) in parts.iter().enumerate() {
            let share = across.as_ref().map(|it| it[n]);
            let (x, width) = share.map(|(from, to)| (from, to - from)).unzip();
            let half = word.half.as_ref().filter(|half| match half {
                Half::First(_) => n == last,
                Half::Second(_) => n == 0,
            });
            out.push(DraftWord {
                place: Place { x, width, ..place },
                text: (*part).to_owned(),
                confidence: word.confidence,
                language: word.language.clone(),
                half: half.cloned(),
            });
        }
    }
    out
}

/// Gives both halves of a divided word the whole one: as the file tells it, else put together.
fn tell_wholes(layout: &mut PageLayout, halves: Vec<Option<Half>>) {
    let lines = layout.blocks.iter_mut().flat_map(|block| &mut block.lines);
    let mut words = lines.flat_map(|line| &mut line.words).zip(halves).peekable();
    while let Some((word, half)) = words.next() {
        match half {
            // The second half of the word before is done with it.
            _ if word.hyphen.is_some() => {}
            None => {}
            Some(Half::Second(told)) => {
                word.hyphen = told.and_then(tidy).map(|whole| Hyphen::Second { whole });
            }
            Some(Half::First(told)) => {
                let next = words
                    .peek_mut()
                    .filter(|(_, half)| !matches!(half, Some(Half::First(Some(_)))));
                let told = told.and_then(tidy);
                let Some((second, half)) = next else {
                    word.hyphen = told.map(|whole| Hyphen::First { whole });
                    continue;
                };
                let told = told.or_else(|| match half {
                    Some(Half::Second(whole)) => whole.clone().and_then(tidy),
                    _ => None,
                });
                let whole = told.unwrap_or_else(|| joined(&word.text, &second.text));
                word.hyphen = Some(Hyphen::First { whole: whole.clone() });
                second.hyphen = Some(Hyphen::Second { whole });
            }
        }
    }
}

/// Returns a whole word as a word may be: without spaces and controls, not empty, not endless.
fn tidy(mut whole: String) -> Option<String> {
    whole.retain(|it| !it.is_whitespace() && is_writable(it));
    (1..=WORD_BYTES_MAX).contains(&whole.len()).then_some(whole)
}

/// Sets the page's languages: as told, else those of its words, the most frequent first.
fn settle_languages(layout: &mut PageLayout, told: Vec<String>) {
    let mut languages = told;
    if languages.is_empty() {
        let mut counts: HashMap<&str, (usize, usize)> = HashMap::new();
        for (ordinal, language) in
            layout.words().filter_map(|it| it.language.as_deref()).enumerate()
        {
            counts.entry(language).or_insert((0, ordinal)).0 += 1;
        }
        let mut counts: Vec<_> = counts.into_iter().collect();
        counts.sort_by_key(|(_, (count, ordinal))| (std::cmp::Reverse(*count), *ordinal));
        languages = counts.into_iter().map(|(language, _)| language.to_owned()).collect();
    }
    let mut seen = std::collections::HashSet::new();
    languages.retain(|it| seen.insert(it.clone()));
    let lines = layout.blocks.iter_mut().flat_map(|block| &mut block.lines);
    for word in lines.flat_map(|line| &mut line.words) {
        if word.language.as_ref() == languages.first() {
            word.language = None;
        }
    }
    layout.languages = languages;
}
