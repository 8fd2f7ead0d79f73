//! Records made, written and read.

use super::*;
use crate::analysis::tests::page;
use crate::layout::{Block, Line, Word};
use proptest::prelude::*;

fn rect() -> impl Strategy<Value = Rect> {
    let small = (0..5000_u32, 0..5000_u32, 0..900_u32, 0..90_u32);
    let any = (any::<u32>(), any::<u32>(), any::<u32>(), any::<u32>());
    let rect = |(x, y, width, height)| Rect { x, y, width, height };
    prop_oneof![9 => small.prop_map(rect), 1 => any.prop_map(rect)]
}

prop_compose! {
    fn word()(bounds in rect(), text in "[a-zäſ -]{0,6}|\\PC{0,6}|[a-z]{1,3}[⸗-]") -> Word {
        Word { bounds, text, ..Word::default() }
    }
}

fn layout() -> impl Strategy<Value = PageLayout> {
    let words = prop::collection::vec(word(), 0..6);
    let line = (rect(), words).prop_map(|(bounds, words)| Line { bounds, words });
    let lines = prop::collection::vec(line, 0..5);
    let block = (rect(), lines).prop_map(|(bounds, lines)| Block { bounds, lines });
    let languages = prop::collection::vec("[a-z]{2}", 0..3);
    (prop::collection::vec(block, 0..4), languages, any::<[u32; 2]>()).prop_map(
        |(blocks, languages, [width_px, height_px])| PageLayout {
            width_px,
            height_px,
            languages,
            blocks,
        },
    )
}

proptest! {
    #[test]
    fn what_is_encoded_is_decoded(layout in layout()) {
        let record = PageRecord::of(&layout).unwrap();
        let decoded = PageRecord::decode(&record.encode().unwrap()).unwrap();
        prop_assert_eq!(&decoded, &record);
    }

    #[test]
    fn ordinals_are_those_of_the_layout(layout in layout()) {
        let record = PageRecord::of(&layout).unwrap();
        prop_assert_eq!(record.word_count() as usize, layout.words().count());
        for (ordinal, word) in (0..).zip(layout.words()) {
            let expected = word.text.replace(char::is_whitespace, "\u{a0}");
            prop_assert_eq!(record.word(ordinal), expected);
            prop_assert_eq!(record.word_box(ordinal), word.bounds);
        }
        for (number, line) in (0..).zip(layout.lines()) {
            prop_assert_eq!(record.words_of_line(number).len(), line.words.len());
            prop_assert_eq!(record.line_box(number), line.bounds);
            for word in record.words_of_line(number) {
                prop_assert_eq!(record.line_of_word(word), number);
            }
        }
    }

    #[test]
    fn damage_is_refused_without_a_panic(
        layout in layout(),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in any::<prop::sample::Index>(),
    ) {
        let bytes = PageRecord::of(&layout).unwrap().encode().unwrap();
        let _ = PageRecord::decode(&bytes[..cut.index(bytes.len())]);
        // Under the compression too, where damage gets further.
        let length = 4 + usize::from(bytes[4] >= 0x80) + 1;
        let mut body = zstd::bulk::decompress(&bytes[length..], BODY_BYTES_MAX).unwrap();
        for (index, value) in flips {
            let at = index.index(body.len());
            body[at] = value;
        }
        let mut damaged = bytes[..length].to_vec();
        damaged.extend(zstd::bulk::compress(&body, 1).unwrap());
        if let Ok(record) = PageRecord::decode(&damaged) {
            crate::analysis::tokens(&record, |_| ());
            record.encode().unwrap();
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = PageRecord::decode(&bytes);
        let _ = PageRecord::decode(&[b"DPR1".as_slice(), &bytes].concat());
    }
}

#[test]
fn a_length_that_lies_takes_no_memory() {
    let body = [1, 1, 0, 0xff, 0xff, 0xff, 0x7f];
    let mut bytes = b"DPR1".to_vec();
    bytes.push(body.len() as u8);
    bytes.extend(zstd::bulk::compress(&body, 1).unwrap());
    assert_eq!(PageRecord::decode(&bytes), Err(RecordError::Damaged("a count is too high")));
    let huge = [b"DPR1".as_slice(), &[0xff, 0xff, 0xff, 0xff, 0x7f]].concat();
    assert_eq!(PageRecord::decode(&huge), Err(RecordError::Damaged("a count is too high")));
    assert_eq!(PageRecord::decode(b"DPR2xxxx"), Err(RecordError::Foreign));
}

#[test]
fn lines_without_words_keep_their_places() {
    let record = PageRecord::of(&page(&["", "a b", "", "c", ""])).unwrap();
    let decoded = PageRecord::decode(&record.encode().unwrap()).unwrap();
    assert_eq!(decoded.text(), "\na b\n\nc\n");
    let lines: Vec<_> = (0..3).map(|word| decoded.line_of_word(word)).collect();
    assert_eq!(lines, [1, 1, 3]);
}

/// The bytes of a record of this version never change: records outlive programs.
#[test]
fn the_format_is_frozen() {
    let record = PageRecord::of(&page(&["die Zusam⸗", "menarbeit"])).unwrap();
    let golden: Vec<u8> = include_bytes!("../../testdata/record-v1.bin").to_vec();
    assert_eq!(PageRecord::decode(&golden).unwrap(), record);
}
