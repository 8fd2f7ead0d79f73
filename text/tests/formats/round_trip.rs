//! Every format to a layout to every format: words, order, boxes, confidence, languages, halves.

use crate::generate::layout;
use dlcs_text::plain::Hyphens;
use dlcs_text::{PageLayout, PageSize, Provenance, ReadError, alto, hocr, page_xml, plain};
use proptest::prelude::*;

type Write = fn(&PageLayout, Provenance<'_>) -> String;
type Read = fn(&[u8], Option<PageSize>) -> Result<PageLayout, ReadError>;

pub(crate) const FORMATS: [(&str, Write, Read); 3] = [
    ("alto", alto::write, alto::read),
    ("hocr", hocr::write, hocr::read),
    ("page", page_xml::write, page_xml::read),
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn every_format_keeps_everything_on_the_way_to_every_other(layout in layout()) {
        for (from, write_from, read_from) in FORMATS {
            for (to, write_to, read_to) in FORMATS {
                let written = write_from(&layout, Provenance::default());
                let between = read_from(written.as_bytes(), None).expect("its own form");
                prop_assert_eq!(&between, &layout, "{}", from);
                let written = write_to(&between, Provenance::default());
                let after = read_to(written.as_bytes(), Some(layout.size())).expect("its own form");
                prop_assert_eq!(&after, &layout, "{} to {}", from, to);
            }
        }
    }

    /// What an import of a scaled image does, and what a viewer of a scaled image asks for.
    #[test]
    fn a_file_read_at_another_size_is_the_layout_at_that_size(
        layout in layout(), width_px in 1_u32..9_000, height_px in 1_u32..9_000,
    ) {
        let image = PageSize { width_px, height_px };
        for (name, write, read) in FORMATS {
            let written = write(&layout, Provenance::default());
            let read = read(written.as_bytes(), Some(image)).expect("its own form");
            prop_assert_eq!(read.size(), image);
            let words = |it: &PageLayout| it.words().map(|it| it.text.clone()).collect::<Vec<_>>();
            prop_assert_eq!(words(&read), words(&layout), "{}", name);
            // ALTO keeps a hyphen's box apart, so that its word may be rounded by a pixel less.
            for (word, expected) in read.words().zip(layout.clone().scaled_to(image).words()) {
                let (found, expected) = (word.bounds, expected.bounds);
                prop_assert!(found.x == expected.x && found.y == expected.y, "{}", name);
                prop_assert!(found.width.abs_diff(expected.width) <= 1, "{}", name);
                prop_assert!(found.right() <= width_px && found.bottom() <= height_px, "{}", name);
            }
        }
    }

    #[test]
    fn plain_text_keeps_words_lines_and_blocks(layout in layout()) {
        let text = plain::write(&layout, Hyphens::Keep);
        let blocks: Vec<&str> = text.split("\n\n").filter(|it| !it.is_empty()).collect();
        prop_assert_eq!(blocks.len(), layout.blocks.len());
        for (written, block) in blocks.iter().zip(&layout.blocks) {
            prop_assert_eq!(written.lines().count(), block.lines.len());
            for (written, line) in written.lines().zip(&block.lines) {
                let words: Vec<&str> = line.words.iter().map(|it| it.text.as_str()).collect();
                prop_assert_eq!(written.split(' ').collect::<Vec<_>>(), words);
            }
        }
        let halves = layout.words().filter(|it| it.hyphen.is_some()).count();
        let joined = plain::write(&layout, Hyphens::Join).split_whitespace().count();
        prop_assert_eq!(joined, layout.words().count() - halves / 2);
    }

    #[test]
    fn the_blob_form_keeps_everything(layout in layout()) {
        let json = serde_json::to_vec(&layout).expect("serialises");
        prop_assert_eq!(serde_json::from_slice::<PageLayout>(&json).expect("parses"), layout);
    }

    /// Bytes of a file may be lost or changed anywhere: an error, never a panic or a box outside.
    #[test]
    fn a_damaged_file_is_read_or_refused(
        layout in layout(), at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>(),
    ) {
        for (_, write, read) in FORMATS {
            let mut bytes = write(&layout, Provenance::default()).into_bytes();
            let at = at.index(bytes.len());
            if cut { bytes.truncate(at) } else { bytes[at] = byte }
            if let Ok(layout) = read(&bytes, None) {
                for word in layout.words() {
                    prop_assert!(!word.text.is_empty() && !word.text.contains(char::is_whitespace));
                    prop_assert!(word.bounds.width > 0 && word.bounds.right() <= layout.width_px);
                    prop_assert!(word.bounds.height > 0 && word.bounds.bottom() <= layout.height_px);
                }
            }
        }
    }
}
