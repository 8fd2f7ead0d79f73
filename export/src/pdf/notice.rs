//! A page with a sentence in place of what may not be shown.

use super::body::Body;
use super::{Frame, NOTICE};
use pdf_writer::{Content, Name, Ref, Str};

/// Of the width of the page.
const MARGIN: f32 = 0.1;
/// Of the shorter side of the page.
const LETTER: f32 = 1.0 / 24.0;
/// What a letter of Helvetica is wide on average, of its height; a little too much.
const LETTER_WIDTH: f32 = 0.55;
const LEADING: f32 = 1.4;

/// The marks of the encoding `WinAnsi` that stand elsewhere in Unicode (annex D.2).
const MARKS: [(char, u8); 9] = [
    ('€', 0x80),
    ('„', 0x84),
    ('…', 0x85),
    ('‘', 0x91),
    ('’', 0x92),
    ('“', 0x93),
    ('”', 0x94),
    ('–', 0x96),
    ('—', 0x97),
];

pub(super) fn write(content: &mut Content, sentence: &str, frame: &Frame) {
    content.set_fill_gray(0.95).rect(0.0, 0.0, frame.width, frame.height).fill_nonzero();
    let letter = frame.width.min(frame.height) * LETTER;
    let room = frame.width * (1.0 - 2.0 * MARGIN);
    let lines = wrapped(sentence, (room / (letter * LETTER_WIDTH)) as usize);
    let (left, leading) = (frame.width * MARGIN, letter * LEADING);
    let top = frame.height / 2.0 + leading * (lines.len() as f32 / 2.0 - 1.0);
    content.set_fill_gray(0.3).begin_text().set_font(NOTICE, letter);
    content.set_leading(leading).next_line(left, top);
    for line in lines {
        content.show(Str(&encoded(&line))).next_line_using_leading();
    }
    content.end_text();
}

/// Writes the font: every reader has it.
pub(super) fn write_font(body: &mut Body, id: Ref) {
    body.object(id, |chunk| {
        let mut font = chunk.type1_font(id);
        font.base_font(Name(b"Helvetica")).encoding_predefined(Name(b"WinAnsiEncoding"));
    });
}

/// Breaks between words; a word that is longer than a line stands out.
fn wrapped(sentence: &str, letters: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in sentence.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= letters => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

fn encoded(text: &str) -> Vec<u8> {
    let byte = |character: char| match u32::from(character) {
        code @ (0x20..=0x7e | 0xa0..=0xff) => code as u8,
        _ => MARKS.iter().find(|(mark, _)| *mark == character).map_or(b'?', |(_, byte)| *byte),
    };
    text.chars().map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_is_broken_between_words() {
        assert_eq!(wrapped("one two  three", 7), ["one two", "three"]);
        assert_eq!(wrapped("immeasurable x", 3), ["immeasurable", "x"]);
        assert_eq!(wrapped(" ", 3), [""; 0]);
    }

    #[test]
    fn letters_beyond_western_europe_are_question_marks() {
        assert_eq!(encoded("Größe „x“ – λ"), b"Gr\xf6\xdfe \x84x\x93 \x96 ?");
    }
}
