//! The bytes of a record: `DPR1`, the length of the body, the body under zstd.
//!
//! The body holds columns of variable-length numbers (what is alike stands together) and the text.
//! Boxes of words are relative to the line and to the word before.

use super::{
    BODY_BYTES_MAX, Join, LineEntry, PageRecord, RecordError, WORDS_MAX, WordEntry, offset,
};
use crate::layout::Rect;
use std::cell::RefCell;
use zstd::bulk::Decompressor;

const MAGIC: &[u8; 4] = b"DPR1";
const LEVEL: i32 = 9;
const LANGUAGES_MAX: usize = 64;

thread_local! {
    /// Its tables take longer to make than a page to unpack.
    static UNPACKING: RefCell<Option<Decompressor<'static>>> = RefCell::new(Decompressor::new().ok());
}

pub(super) fn encode(record: &PageRecord) -> Result<Vec<u8>, RecordError> {
    let body = body(record);
    let too_large = || RecordError::TooLarge { words: record.words.len(), bytes: body.len() };
    if body.len() > BODY_BYTES_MAX {
        return Err(too_large());
    }
    let packed = zstd::bulk::compress(&body, LEVEL).map_err(|_| too_large())?;
    let mut out = Vec::with_capacity(packed.len() + 10);
    out.extend_from_slice(MAGIC);
    number(&mut out, body.len() as u64);
    out.extend_from_slice(&packed);
    Ok(out)
}

fn body(record: &PageRecord) -> Vec<u8> {
    let mut out = Vec::with_capacity(record.text.len() + 5 * record.words.len() + 64);
    number(&mut out, record.width_px.into());
    number(&mut out, record.height_px.into());
    let languages = record.languages.iter().take(LANGUAGES_MAX);
    number(&mut out, languages.len() as u64);
    languages.for_each(|it| text(&mut out, it));
    lines(&mut out, record);
    number(&mut out, record.joins.len() as u64);
    let mut before = 0;
    for Join { first_word, whole } in &record.joins {
        number(&mut out, u64::from(first_word - before));
        before = *first_word;
        // Empty: just the halves together.
        text(&mut out, whole.as_deref().unwrap_or_default());
    }
    words(&mut out, record);
    text(&mut out, &record.text);
    out
}

fn lines(out: &mut Vec<u8>, record: &PageRecord) {
    let count = record.line_count();
    number(out, count.into());
    let boxes = || record.lines.iter().map(|it| it.bounds);
    let before = || std::iter::once(Rect::default()).chain(boxes());
    (0..count).for_each(|line| number(out, record.words_of_line(line).len() as u64));
    boxes().zip(before()).for_each(|(it, before)| difference(out, it.x, before.x));
    boxes().zip(before()).for_each(|(it, before)| difference(out, it.y, before.y));
    boxes().zip(before()).for_each(|(it, before)| difference(out, it.width, before.width));
    boxes().zip(before()).for_each(|(it, before)| difference(out, it.height, before.height));
}

fn words(out: &mut Vec<u8>, record: &PageRecord) {
    let places = || {
        (0..record.line_count()).flat_map(|line| {
            let line_box = record.line_box(line);
            let words = record.words_of_line(line).map(|it| record.word_box(it));
            words.scan(u64::from(line_box.x), move |end, word| {
                let expected = std::mem::replace(end, u64::from(word.x) + u64::from(word.width));
                Some((line_box, expected, word))
            })
        })
    };
    places().for_each(|(_, expected, it)| signed(out, i64::from(it.x) - expected as i64));
    places().for_each(|(line, _, it)| difference(out, it.y, line.y));
    places().for_each(|(_, _, it)| number(out, it.width.into()));
    places().for_each(|(line, _, it)| difference(out, it.height, line.height));
}

pub(super) fn decode(bytes: &[u8]) -> Result<PageRecord, RecordError> {
    let packed = bytes.strip_prefix(MAGIC).ok_or(RecordError::Foreign)?;
    let mut header = Reader(packed);
    let length = header.length(BODY_BYTES_MAX)?;
    let unpacked = UNPACKING.with_borrow_mut(|it| match it {
        Some(unpacking) => unpacking.decompress(header.0, length),
        None => zstd::bulk::decompress(header.0, length),
    });
    let body = unpacked.map_err(|_| RecordError::Damaged("it does not unpack"))?;
    if body.len() != length {
        return Err(RecordError::Damaged("its length is not what it says"));
    }
    let mut reader = Reader(&body);
    let (width_px, height_px) = (reader.pixels()?, reader.pixels()?);
    let mut record = PageRecord { width_px, height_px, ..PageRecord::default() };
    for _ in 0..reader.length(LANGUAGES_MAX)? {
        record.languages.push(reader.text()?.to_owned());
    }
    let lines = reader.lines()?;
    let count = lines.iter().map(|it| it.0).sum();
    reader.joins(count, &mut record.joins)?;
    let boxes = reader.words(&lines, count)?;
    let text = reader.text()?;
    if !reader.0.is_empty() {
        return Err(RecordError::Damaged("something stands after its end"));
    }
    place(&mut record, &lines, &boxes, text)?;
    Ok(record)
}

/// Puts text and boxes together.
fn place(
    record: &mut PageRecord,
    lines: &[(usize, Rect)],
    boxes: &[Rect],
    text: &str,
) -> Result<(), RecordError> {
    const UNEQUAL: RecordError = RecordError::Damaged("text and boxes are not of one page");
    record.lines.reserve_exact(lines.len());
    record.words.reserve_exact(boxes.len());
    let mut texts = text.split('\n');
    let mut boxes = boxes.iter();
    let mut start = 0;
    for (count, bounds) in lines {
        let line = texts.next().ok_or(UNEQUAL)?;
        let first_word = offset(record.words.len());
        record.lines.push(LineEntry { bounds: *bounds, first_word });
        let words = line.split(' ').take(if *count == 0 { 0 } else { usize::MAX });
        let mut end = start;
        for (word, bounds) in words.zip(boxes.by_ref().take(*count)) {
            let from = if record.words.len() == first_word as usize { start } else { end + 1 };
            end = from + word.len();
            record.words.push(WordEntry { bounds: *bounds, start: offset(from), end: offset(end) });
        }
        let words = record.words.len() - first_word as usize;
        if words != *count || end != start + line.len() {
            return Err(UNEQUAL);
        }
        start = end + 1;
    }
    // Without lines, splitting gives one that is empty.
    if texts.next().is_some_and(|it| !lines.is_empty() || !it.is_empty()) {
        return Err(UNEQUAL);
    }
    text.clone_into(&mut record.text);
    Ok(())
}

fn number(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn signed(out: &mut Vec<u8>, value: i64) {
    number(out, (value.wrapping_shl(1) ^ (value >> 63)) as u64);
}

fn difference(out: &mut Vec<u8>, value: u32, from: u32) {
    signed(out, i64::from(value) - i64::from(from));
}

fn text(out: &mut Vec<u8>, text: &str) {
    number(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn number(&mut self) -> Result<u64, RecordError> {
        let mut value = 0_u64;
        for shift in (0..63).step_by(7) {
            let (byte, rest) = self.0.split_first().ok_or(RecordError::Damaged("it ends early"))?;
            self.0 = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(RecordError::Damaged("a number is too long"))
    }

    fn signed(&mut self) -> Result<i64, RecordError> {
        let value = self.number()?;
        Ok((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    fn pixels(&mut self) -> Result<u32, RecordError> {
        u32::try_from(self.number()?).map_err(|_| RecordError::Damaged("a length is too long"))
    }

    fn pixels_from(&mut self, base: u64) -> Result<u32, RecordError> {
        let base = i64::try_from(base).ok();
        let sum = base.and_then(|it| it.checked_add(self.signed().ok()?));
        let value = sum.and_then(|it| u32::try_from(it).ok());
        value.ok_or(RecordError::Damaged("a box does not exist"))
    }

    fn length(&mut self, max: usize) -> Result<usize, RecordError> {
        let length = usize::try_from(self.number()?).ok().filter(|it| *it <= max);
        length.ok_or(RecordError::Damaged("a count is too high"))
    }

    /// Returns a count of things of which each takes at least `bytes`.
    fn count(&mut self, bytes: usize) -> Result<usize, RecordError> {
        let length = self.length(usize::MAX)?;
        // What is left behind the count itself.
        let is_possible = length <= self.0.len() / bytes;
        is_possible.then_some(length).ok_or(RecordError::Damaged("a count is too high"))
    }

    fn text(&mut self) -> Result<&'a str, RecordError> {
        let length = self.count(1)?;
        let (text, rest) = self.0.split_at(length);
        self.0 = rest;
        std::str::from_utf8(text).map_err(|_| RecordError::Damaged("text is not UTF-8"))
    }

    /// Reads how many words each line has, and its box.
    fn lines(&mut self) -> Result<Vec<(usize, Rect)>, RecordError> {
        let mut lines = vec![(0, Rect::default()); self.count(5)?];
        let mut words = 0_usize;
        for line in &mut lines {
            line.0 = self.length(WORDS_MAX as usize - words)?;
            words += line.0;
        }
        let columns: [fn(&mut Rect) -> &mut u32; 4] =
            [|it| &mut it.x, |it| &mut it.y, |it| &mut it.width, |it| &mut it.height];
        for column in columns {
            let mut before = 0;
            for (_, bounds) in &mut lines {
                before = self.pixels_from(before.into())?;
                *column(bounds) = before;
            }
        }
        Ok(lines)
    }

    fn joins(&mut self, words: usize, joins: &mut Vec<Join>) -> Result<(), RecordError> {
        const WRONG: RecordError = RecordError::Damaged("a divided word is not on the page");
        let mut before: u64 = 0;
        for number in 0..self.count(2)? {
            let difference = self.number()?;
            before = before.checked_add(difference).ok_or(WRONG)?;
            let is_later = number == 0 || difference > 0;
            if !is_later || before >= words.saturating_sub(1) as u64 {
                return Err(WRONG);
            }
            let whole = self.text()?;
            let whole = (!whole.is_empty()).then(|| whole.to_owned());
            joins.push(Join { first_word: offset(before as usize), whole });
        }
        Ok(())
    }

    fn words(&mut self, lines: &[(usize, Rect)], count: usize) -> Result<Vec<Rect>, RecordError> {
        // Four numbers for each word: a count without them takes no memory.
        if count > self.0.len() / 4 {
            return Err(RecordError::Damaged("it ends early"));
        }
        let line_boxes = || lines.iter().flat_map(|it| std::iter::repeat_n(it.1, it.0));
        let mut boxes = vec![Rect::default(); count];
        // Where a word begins depends on how wide the one before is, which comes later.
        let mut gaps = Vec::with_capacity(count);
        for _ in 0..count {
            gaps.push(self.signed()?);
        }
        for (it, line) in boxes.iter_mut().zip(line_boxes()) {
            it.y = self.pixels_from(line.y.into())?;
        }
        for it in &mut boxes {
            it.width = self.pixels()?;
        }
        for (it, line) in boxes.iter_mut().zip(line_boxes()) {
            it.height = self.pixels_from(line.height.into())?;
        }
        let mut words = boxes.iter_mut().zip(gaps);
        for (count, line) in lines {
            let mut end = i64::from(line.x);
            for (word, gap) in words.by_ref().take(*count) {
                let x = end.checked_add(gap).and_then(|it| u32::try_from(it).ok());
                word.x = x.ok_or(RecordError::Damaged("a box does not exist"))?;
                end = i64::from(word.x) + i64::from(word.width);
            }
        }
        Ok(boxes)
    }
}
