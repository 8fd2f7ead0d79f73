//! What a format cannot hold, exactly; `docs/text-formats.md` tells the same to people.

use crate::round_trip::FORMATS;
use dlcs_text::recogniser::Engine;
use dlcs_text::{Block, Hyphen, Line, PageLayout, Provenance, Rect, Word};

fn word(text: &str) -> Word {
    let bounds = Rect { x: 1, y: 2, width: 30, height: 4 };
    Word { text: text.to_owned(), bounds, ..Word::default() }
}

fn page(lines: Vec<Vec<Word>>) -> PageLayout {
    let bounds = Rect { x: 0, y: 0, width: 50, height: 50 };
    let lines = lines.into_iter().map(|words| Line { bounds, words }).collect();
    let blocks = vec![Block { bounds, lines }];
    PageLayout { width_px: 100, height_px: 100, languages: vec!["de".into()], blocks }
}

/// Goes out and in again in every format; all must agree.
fn after(layout: &PageLayout) -> PageLayout {
    let [first, rest @ ..] = FORMATS.map(|(format, write, read)| {
        let written = write(layout, Provenance::default());
        (format, read(written.as_bytes(), None).expect(format))
    });
    for (format, other) in rest {
        assert_eq!(other, first.1, "{format}");
    }
    first.1
}

#[test]
fn lines_without_words_and_blocks_without_lines_are_lost() {
    let mut layout = page(vec![vec![word("a")], vec![]]);
    layout.blocks.push(Block::default());
    assert_eq!(after(&layout), page(vec![vec![word("a")]]));
}

#[test]
fn controls_in_words_are_lost() {
    let layout = page(vec![vec![word("a\u{0}b\u{1B}\u{85}c\u{FFFF}"), word("\u{7}")]]);
    assert_eq!(after(&layout), page(vec![vec![word("abc")]]));
}

#[test]
fn a_confidence_above_a_hundred_is_a_hundred() {
    let with = |confidence| Word { confidence: Some(confidence), ..word("a") };
    assert_eq!(after(&page(vec![vec![with(200)]])), page(vec![vec![with(100)]]));
}

#[test]
fn a_language_that_is_no_tag_is_lost() {
    let with = |language: &str| Word { language: Some(language.to_owned()), ..word("a") };
    let mut layout = page(vec![vec![with("Middle High German"), with("fr")]]);
    layout.languages.push("x y".to_owned());
    // PAGE XML writes it and no reader takes it for a tag.
    let expected = page(vec![vec![word("a"), with("fr")]]);
    for (format, write, read) in FORMATS {
        let read = read(write(&layout, Provenance::default()).as_bytes(), None).expect(format);
        let words: Vec<&Word> = read.words().collect();
        assert_eq!(words, expected.words().collect::<Vec<_>>(), "{format}");
        assert_eq!(read.languages[0], "de", "{format}");
    }
}

#[test]
fn halves_that_do_not_follow_each_other_are_put_in_order() {
    let whole = || "verbunden".to_owned();
    let first = Word { hyphen: Some(Hyphen::First { whole: whole() }), ..word("verbun-") };
    let second = Word { hyphen: Some(Hyphen::Second { whole: whole() }), ..word("den") };
    // The word that comes next becomes the second half.
    let layout = page(vec![vec![first.clone()], vec![word("den")]]);
    assert_eq!(after(&layout), page(vec![vec![first.clone()], vec![second]]));
    let alone = page(vec![vec![first]]);
    assert_eq!(after(&alone), alone);
}

#[test]
fn a_soft_hyphen_at_the_end_of_a_line_becomes_a_division() {
    let layout = page(vec![vec![word("verbun\u{AD}")], vec![word("den")]]);
    let hyphens: Vec<_> = after(&layout).words().map(|it| it.hyphen.is_some()).collect();
    assert_eq!(hyphens, [true, true]);
}

#[test]
fn no_file_has_a_path_of_the_machine() {
    let settings = [("psm", "3"), ("datapath", "/usr/share/tessdata"), ("x", "C:\\x")];
    let engine = Engine {
        name: "tesseract".into(),
        version: "5.3.0".into(),
        models: vec!["deu@sha256:ab".into()],
        settings: settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
    };
    let layout = page(vec![vec![word("a")]]);
    let made_at = Some("2026-11-25T23:00:00Z");
    for image in ["/srv/images/a.tif", "file:///srv/images/a.tif", "C:\\images\\a.tif"] {
        let provenance =
            Provenance { image: Some(image), engine: Some(&engine), made_at, is_corrected: true };
        for (format, write, read) in FORMATS {
            let written = write(&layout, provenance);
            assert!(!written.contains("srv") && !written.contains("C:\\"), "{format}: {written}");
            assert!(!written.contains("tessdata"), "{format}: {written}");
            assert!(written.contains("5.3.0") && written.contains("2026-11-25"), "{format}");
            assert_eq!(read(written.as_bytes(), None).expect(format), layout, "{format}");
        }
    }
    let address = "https://example.org/iiif-img/v3/1/1/a?x=1&y=\"2\"";
    let provenance = Provenance { image: Some(address), ..Provenance::default() };
    for (format, write, _) in FORMATS {
        assert!(write(&layout, provenance).contains("https://example.org/"), "{format}");
    }
}
