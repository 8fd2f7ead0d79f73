//! The font of the words: every character half as wide as it is high, and nothing to be seen.
//!
//! A character gets a number when it comes first; the numbers are what stands on the pages, and a map
//! at the end says which characters they are. So every script is the same, and no font has to have it.

use super::body::Body;
use pdf_writer::types::{CidFontType, FontFlags, SystemInfo, UnicodeCmap};
use pdf_writer::{Finish, Name, Rect, Ref, Str};
use std::collections::HashMap;

/// Of the height; the rest hangs below the line.
pub(super) const ASCENT: f32 = 0.8;
/// Of the height.
pub(super) const WIDTH: f32 = 0.5;

const UNITS: u16 = 1000;
const NAME: Name<'static> = Name(b"DLCSWords");
const MAP_NAME: Name<'static> = Name(b"DLCSWordsToUnicode");
/// Numbers of characters: two bytes, 0 being no character.
const NUMBERS: usize = 65_536;
/// Stands for every character of a document that uses more than there are numbers.
const REPLACEMENT: char = char::REPLACEMENT_CHARACTER;

/// The characters that were used.
#[derive(Debug, Default)]
pub(super) struct Font {
    id: Option<Ref>,
    numbers: HashMap<char, u16>,
    /// In the order of their numbers, from 1.
    characters: Vec<char>,
}

impl Font {
    /// Returns the number under which a character is drawn.
    pub(super) fn number(&mut self, character: char) -> u16 {
        if self.characters.is_empty() {
            self.add(REPLACEMENT);
        }
        match self.numbers.get(&character) {
            Some(number) => *number,
            None if self.characters.len() + 1 < NUMBERS => self.add(character),
            None => self.numbers[&REPLACEMENT],
        }
    }

    fn add(&mut self, character: char) -> u16 {
        self.characters.push(character);
        let number = u16::try_from(self.characters.len()).expect("there are numbers left");
        self.numbers.insert(character, number);
        number
    }

    /// Returns the font's object, if any character was used.
    pub(super) fn reserved(&mut self, body: &mut Body) -> Option<Ref> {
        if self.characters.is_empty() {
            return None;
        }
        Some(*self.id.get_or_insert_with(|| body.reserve()))
    }

    /// Writes the font and all that belongs to it, if it was used.
    pub(super) fn write(&self, body: &mut Body) {
        let Some(id) = self.id else { return };
        let [descendant, descriptor, file, glyphs, map] = [(); 5].map(|()| body.reserve());
        body.object(id, |chunk| {
            let mut font = chunk.type0_font(id);
            font.base_font(NAME).encoding_predefined(Name(b"Identity-H"));
            font.descendant_font(descendant).to_unicode(map);
        });
        body.object(descendant, |chunk| {
            let mut font = chunk.cid_font(descendant);
            font.subtype(CidFontType::Type2).base_font(NAME).system_info(identity());
            font.font_descriptor(descriptor).default_width(f32::from(UNITS) * WIDTH);
            font.cid_to_gid_map_stream(glyphs);
        });
        body.object(descriptor, |chunk| {
            let units = f32::from(UNITS);
            let mut descriptor = chunk.font_descriptor(descriptor);
            descriptor.name(NAME).flags(FontFlags::FIXED_PITCH | FontFlags::SYMBOLIC);
            let (ascent, descent) = (units * ASCENT, units * (ASCENT - 1.0));
            descriptor.bbox(Rect::new(0.0, descent, units * WIDTH, ascent)).italic_angle(0.0);
            descriptor.ascent(ascent).descent(descent).cap_height(ascent).stem_v(80.0);
            descriptor.font_file2(file).finish();
        });
        let program = program();
        body.compressed(file, &program, |stream| {
            stream.pair(Name(b"Length1"), program.len() as i32);
        });
        // Every character is the one glyph.
        body.compressed(glyphs, &[0, 1].repeat(NUMBERS), |_| {});
        body.compressed(map, &self.map(), |_| {});
    }

    fn map(&self) -> Vec<u8> {
        let mut map = UnicodeCmap::<u16>::new(MAP_NAME, identity());
        for (number, character) in (1..).zip(&self.characters) {
            map.pair(number, *character);
        }
        map.finish().into_vec()
    }
}

fn identity() -> SystemInfo<'static> {
    SystemInfo { registry: Str(b"Adobe"), ordering: Str(b"Identity"), supplement: 0 }
}

/// Makes a TrueType program of two empty glyphs: the one for what is missing, and ours.
fn program() -> Vec<u8> {
    let (ascent, descent) = (800_i16, -200_i16);
    let advance = UNITS / 2;
    let mut head = Table::default();
    head.longs(&[0x0001_0000, 0x0001_0000, 0, 0x5F0F_3CF5]).words(&[0b11, UNITS]);
    // When it was made and changed: never.
    head.longs(&[0; 4]).words(&[0, descent.cast_unsigned(), advance, ascent.cast_unsigned()]);
    head.words(&[0, 8, 2, 0, 0]);
    let mut horizontal = Table::default();
    horizontal.longs(&[0x0001_0000]);
    horizontal.words(&[ascent.cast_unsigned(), descent.cast_unsigned(), 0, advance, 0, 0, 0, 1]);
    horizontal.words(&[0; 7]).words(&[2]);
    let mut profile = Table::default();
    profile.longs(&[0x0001_0000]).words(&[2, 0, 0, 0, 0, 2]).words(&[0; 8]);
    let mut metrics = Table::default();
    metrics.words(&[advance, 0, advance, 0]);
    let mut places = Table::default();
    places.words(&[0; 3]);
    let tables = [
        // Never read, for both glyphs are empty; some programs want a table that has bytes.
        (b"glyf", vec![0; 4]),
        (b"head", head.0),
        (b"hhea", horizontal.0),
        (b"hmtx", metrics.0),
        (b"loca", places.0),
        (b"maxp", profile.0),
    ];
    assembled(&tables)
}

/// Numbers of a table, in the byte order of TrueType.
#[derive(Default)]
struct Table(Vec<u8>);

impl Table {
    fn words(&mut self, words: &[u16]) -> &mut Self {
        self.0.extend(words.iter().flat_map(|it| it.to_be_bytes()));
        self
    }

    fn longs(&mut self, longs: &[u32]) -> &mut Self {
        self.0.extend(longs.iter().flat_map(|it| it.to_be_bytes()));
        self
    }
}

/// Puts tables, which are sorted by name, behind a directory of them.
fn assembled(tables: &[(&[u8; 4], Vec<u8>); 6]) -> Vec<u8> {
    let mut directory = Table::default();
    // Searched in halves: the largest power of two within six is four.
    directory.longs(&[0x0001_0000]).words(&[6, 4 * 16, 2, (6 - 4) * 16]);
    let mut contents = Vec::new();
    let mut head = 0;
    for (name, table) in tables {
        let offset = 12 + 16 * tables.len() + contents.len();
        if *name == b"head" {
            head = offset;
        }
        directory.0.extend_from_slice(*name);
        directory.longs(&[sum(table), offset as u32, table.len() as u32]);
        contents.extend_from_slice(table);
        contents.resize(contents.len().next_multiple_of(4), 0);
    }
    let mut program = [directory.0, contents].concat();
    // The sum of the whole comes to this.
    let adjustment = 0xB1B0_AFBA_u32.wrapping_sub(sum(&program));
    program[head + 8..head + 12].copy_from_slice(&adjustment.to_be_bytes());
    program
}

fn sum(bytes: &[u8]) -> u32 {
    let longs = bytes.chunks(4).map(|chunk| {
        let mut long = [0; 4];
        long[..chunk.len()].copy_from_slice(chunk);
        u32::from_be_bytes(long)
    });
    longs.fold(0, u32::wrapping_add)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_keeps_the_number_that_it_got_first() {
        let mut font = Font::default();
        let numbers: Vec<u16> = "aba\u{12000}b".chars().map(|it| font.number(it)).collect();
        assert_eq!(numbers, [2, 3, 2, 4, 3]);
        let map = String::from_utf8(font.map()).expect("ASCII");
        assert!(map.contains("<0004> <D808DC00>"), "{map}");
    }

    #[test]
    fn more_characters_than_numbers_are_replaced() {
        let mut font = Font::default();
        let all: Vec<char> = (0x2_0000..0x3_1000).filter_map(char::from_u32).collect();
        let numbers: Vec<u16> = all.iter().map(|it| font.number(*it)).collect();
        assert_eq!(numbers[..3], [2, 3, 4]);
        assert_eq!(numbers.last(), Some(&1));
        assert_eq!(font.characters.len(), NUMBERS - 1);
    }

    #[test]
    fn the_program_adds_up_and_its_tables_have_their_lengths() {
        let program = program();
        assert_eq!(sum(&program), 0xB1B0_AFBA);
        let lengths: Vec<(String, u8)> = (0..6)
            .map(|at| &program[12 + 16 * at..28 + 16 * at])
            .map(|it| (String::from_utf8_lossy(&it[..4]).into_owned(), it[15]))
            .collect();
        let expected =
            [("glyf", 4), ("head", 54), ("hhea", 36), ("hmtx", 8), ("loca", 6), ("maxp", 32)];
        assert_eq!(lengths, expected.map(|(name, length)| (name.to_owned(), length)));
    }
}
