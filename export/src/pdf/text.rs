//! The words of a page, invisible: each as wide as its box, those of a line on one line.

use super::direction::from_left_to_right;
use super::font::{ASCENT, Font, WIDTH};
use super::{Frame, WORDS};
use dlcs_text::{Line, PageLayout, Rect};
use pdf_writer::types::TextRenderingMode;
use pdf_writer::{Content, Str};

/// A line whose words together are this much higher than the highest of them is not level.
const LEVEL_MAX: f32 = 1.6;
/// Words are at least this high, in points.
const HEIGHT_MIN: f32 = 0.5;

pub(super) fn write(content: &mut Content, layout: &PageLayout, frame: &Frame, font: &mut Font) {
    if layout.words().all(|word| word.text.is_empty()) {
        return;
    }
    let scale = Scale {
        across: frame.width / layout.width_px.max(1) as f32,
        down: frame.height / layout.height_px.max(1) as f32,
        height: frame.height,
    };
    content.begin_text().set_text_rendering_mode(TextRenderingMode::Invisible);
    let mut height = 0.0;
    for line in layout.lines() {
        let level = level(line);
        for word in &line.words {
            let place = scale.place(word.bounds, level.unwrap_or(word.bounds));
            if place.height != height {
                height = place.height;
                content.set_font(WORDS, height);
            }
            show(content, &word.text, &place, font);
        }
    }
    content.end_text();
}

/// Pixels of the layout to points of the page.
struct Scale {
    across: f32,
    down: f32,
    /// Of the page, in points.
    height: f32,
}

/// Where a word stands, in points.
struct Place {
    left: f32,
    baseline: f32,
    width: f32,
    height: f32,
}

impl Scale {
    /// `vertical` says how high it is, and where.
    fn place(&self, word: Rect, vertical: Rect) -> Place {
        let height = (vertical.height as f32 * self.down).max(HEIGHT_MIN);
        let bottom = self.height - vertical.bottom() as f32 * self.down;
        Place {
            left: word.x as f32 * self.across,
            baseline: bottom + height * (1.0 - ASCENT),
            width: word.width.max(1) as f32 * self.across,
            height,
        }
    }
}

/// Returns the box around the words of a level line, so that they are marked as one; `None`: the line
/// is slanted, or runs downwards.
fn level(line: &Line) -> Option<Rect> {
    let around = Rect::around(line.words.iter().map(|it| it.bounds))?;
    let highest = line.words.iter().map(|it| it.bounds.height).max()?;
    (around.height as f32 <= highest as f32 * LEVEL_MAX).then_some(around)
}

/// Draws a word, and a space behind it: where one word ends and the next begins need not be guessed.
fn show(content: &mut Content, word: &str, place: &Place, font: &mut Font) {
    let characters = from_left_to_right(word);
    if characters.is_empty() {
        return;
    }
    let natural = characters.len() as f32 * WIDTH * place.height;
    content.set_horizontal_scaling(100.0 * place.width / natural);
    content.set_text_matrix([1.0, 0.0, 0.0, 1.0, place.left, place.baseline]);
    let numbers = characters.into_iter().chain([' ']).map(|it| font.number(it));
    let bytes: Vec<u8> = numbers.flat_map(u16::to_be_bytes).collect();
    content.show(Str(&bytes));
}

#[cfg(test)]
mod tests {
    use super::*;
    use dlcs_text::Word;

    fn line(boxes: &[(u32, u32)]) -> Line {
        let word = |(y, height): &(u32, u32)| Word {
            bounds: Rect { x: 0, y: *y, width: 10, height: *height },
            text: "w".to_owned(),
            ..Word::default()
        };
        Line { words: boxes.iter().map(word).collect(), ..Line::default() }
    }

    #[test]
    fn words_of_a_level_line_stand_on_one_line_and_those_of_a_slanted_one_do_not() {
        let span = |boxes| level(&line(boxes)).map(|it| (it.y, it.height));
        assert_eq!(span(&[(100, 20), (98, 24), (104, 12)]), Some((98, 24)));
        assert_eq!(span(&[(100, 20), (130, 20), (160, 20)]), None, "slanted");
        assert_eq!(span(&[(100, 90)]), Some((100, 90)), "a word alone");
        assert_eq!(span(&[]), None);
    }
}
