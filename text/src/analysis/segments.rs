//! Cuts a word of a page, or of a query, into what gets a position of its own.

use super::TOKEN_CHARS_MAX;
use super::fold::{JOINER, fold_into};
use std::ops::Range;
use unicode_normalization::char::is_combining_mark;

/// Most parts of one segment that are tokens of their own.
const PARTS_MAX: usize = 16;

/// What stands at one position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment<'a> {
    /// Folded, without apostrophes and hyphens.
    pub joined: &'a str,
    /// Where in `joined` a part begins, the first one left out.
    breaks: &'a [usize],
    /// Bytes of the folded text that it covers.
    pub(super) range: Range<usize>,
}

impl<'a> Segment<'a> {
    /// Returns what apostrophes and hyphens divide; nothing if there are none.
    pub fn parts(&self) -> impl Iterator<Item = &'a str> {
        let (joined, breaks) = (self.joined, self.breaks);
        let ends = breaks.iter().copied().chain([joined.len()]);
        let starts = std::iter::once(0).chain(breaks.iter().copied());
        let parts = starts.zip(ends).map(move |(start, end)| &joined[start..end]);
        parts.take(if breaks.is_empty() { 0 } else { PARTS_MAX })
    }
}

/// Cuts words; keeps its buffers from one to the next.
#[derive(Debug, Default)]
pub struct Analyser {
    folded: String,
    cutter: Cutter,
}

impl Analyser {
    /// Hands every segment of a word to `take`, in order.
    pub fn segments(&mut self, text: &str, take: impl FnMut(Segment<'_>)) {
        self.folded.clear();
        fold_into(text, &mut self.folded);
        self.cutter.cut(&self.folded, take);
    }

    /// The same for text that is folded.
    pub(super) fn folded_segments(&mut self, folded: &str, take: impl FnMut(Segment<'_>)) {
        self.cutter.cut(folded, take);
    }
}

#[derive(Debug, Default)]
struct Cutter {
    joined: String,
    breaks: Vec<usize>,
    chars: usize,
    start: usize,
    /// Joiners since the last letter.
    joiners: usize,
}

impl Cutter {
    fn cut(&mut self, folded: &str, mut take: impl FnMut(Segment<'_>)) {
        let mut end = 0;
        let mut characters = folded.char_indices().peekable();
        while let Some((at, character)) = characters.next() {
            let next = characters.peek().map(|it| it.1);
            if is_ideograph(character) {
                self.flush(end, &mut take);
                self.push(at, character);
                // A mark of voicing that has no composed form goes with its sign.
                self.flush(at + character.len_utf8(), &mut take);
            } else if is_letter(character) {
                self.push(at, character);
                end = at + character.len_utf8();
            } else if character == JOINER || is_within_number(&self.joined, character, next) {
                self.joiners += 1;
                // Two hyphens are a dash.
                if self.joiners > 1 {
                    self.flush(end, &mut take);
                }
            } else {
                self.flush(end, &mut take);
            }
        }
        self.flush(end, &mut take);
    }

    fn push(&mut self, at: usize, character: char) {
        if self.joined.is_empty() {
            self.start = at;
        } else if self.joiners > 0 && self.chars < TOKEN_CHARS_MAX {
            self.breaks.push(self.joined.len());
        }
        self.joiners = 0;
        if self.chars < TOKEN_CHARS_MAX {
            self.joined.push(character);
            self.chars += 1;
        }
    }

    fn flush(&mut self, end: usize, take: &mut impl FnMut(Segment<'_>)) {
        if !self.joined.is_empty() {
            let range = self.start..end;
            take(Segment { joined: &self.joined, breaks: &self.breaks, range });
        }
        self.joined.clear();
        self.breaks.clear();
        self.chars = 0;
        self.joiners = 0;
    }
}

fn is_letter(character: char) -> bool {
    character.is_ascii_alphanumeric()
        || (!character.is_ascii() && (character.is_alphanumeric() || is_combining_mark(character)))
}

/// Says whether a mark divides the digits of one number: `1,234.50`.
fn is_within_number(before: &str, character: char, next: Option<char>) -> bool {
    matches!(character, '.' | ',')
        && before.ends_with(|it: char| it.is_ascii_digit())
        && next.is_some_and(|it| it.is_ascii_digit())
}

/// Scripts that are written without spaces, and where one character means something by itself.
fn is_ideograph(character: char) -> bool {
    matches!(u32::from(character),
        0x3005..=0x3007 | 0x3041..=0x3096 | 0x309d..=0x309f | 0x30a1..=0x30fa | 0x30fc..=0x31ff
        | 0x3400..=0x4dbf | 0x4e00..=0x9fff | 0xf900..=0xfaff // Han.
        | 0x2_0000..=0x3_ffff)
}
