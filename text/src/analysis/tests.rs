//! Tokens of real words.

use super::*;
use crate::layout::{Block, Hyphen, Line, PageLayout, Rect, Word};
use proptest::prelude::*;

/// A page of lines; words stand between spaces.
pub(crate) fn page(lines: &[&str]) -> PageLayout {
    let line = |(number, text): (usize, &&str)| {
        let y = 100 + 50 * number as u32;
        let words = text.split(' ').filter(|it| !it.is_empty()).enumerate();
        let words = words.map(|(at, text)| Word {
            bounds: Rect { x: 100 + 100 * at as u32, y, width: 90, height: 40 },
            text: text.to_owned(),
            ..Word::default()
        });
        let bounds = Rect { x: 100, y, width: 800, height: 40 };
        Line { bounds, words: words.collect() }
    };
    let lines = lines.iter().enumerate().map(line).collect();
    let bounds = Rect { x: 100, y: 100, width: 800, height: 1000 };
    let blocks = vec![Block { bounds, lines }];
    PageLayout { width_px: 1000, height_px: 1500, blocks, ..PageLayout::default() }
}

/// Prints tokens: those of a position beside each other, with the words they stand on.
fn printed(layout: &PageLayout) -> String {
    let record = PageRecord::of(layout).unwrap();
    let mut positions: Vec<Vec<String>> = Vec::new();
    tokens(&record, |token| {
        positions.resize(positions.len().max(token.position as usize + 1), Vec::new());
        let words = match (token.first_word, token.last_word) {
            (first, last) if first == last => format!("{first}"),
            (first, last) => format!("{first}-{last}"),
        };
        positions[token.position as usize].push(format!("{}@{words}", token.text));
    });
    positions.iter().map(|it| it.join("|")).collect::<Vec<_>>().join(" ")
}

#[track_caller]
fn check(lines: &[&str], expected: &str) {
    assert_eq!(printed(&page(lines)), expected);
}

#[track_caller]
fn check_fold(text: &str, expected: &str) {
    assert_eq!(fold(text), expected);
}

#[test]
fn spellings_of_one_word_become_the_same() {
    check_fold("Aufklärung", "aufklarung");
    check_fold("Aufklaͤrung", "aufklarung");
    check_fold("Reichsſtadt", "reichsstadt");
    check_fold("Straße STRASSE ẞ", "strasse strasse ss");
    check_fold("ﬁn ﬂug ﬅ Œuvre Ægypten", "fin flug st oeuvre aegypten");
    check_fold("çà École naïve", "ca ecole naive");
    check_fold("ΌΜΗΡΟΣ Ὅμηρος", "ομηροσ ομηροσ");
    check_fold("Ёлка Йод", "елка иод");
    check_fold("ＡＢＣ１２", "abc12");
    check_fold("İstanbul ıslık", "istanbul islik");
    check_fold("łódź Øre þing", "lodz ore thing");
    check_fold("בְּרֵאשִׁית", "בראשית");
    check_fold("が ｶﾞ 한국", "が ガ 한국");
    check_fold("हिन्दी", "हिन्दी");
}

#[test]
fn a_word_has_a_position_and_punctuation_has_none() {
    check(
        &["Was ist „Aufklärung“ ? —", "» Sapere aude! «"],
        "was@0 ist@1 aufklarung@2 sapere@6 aude@7",
    );
}

#[test]
fn parts_and_whole_stand_at_one_position() {
    check(&["l’homme libre"], "lhomme@0|l@0|homme@0 libre@1");
    check(&["a well-known fact"], "a@0 wellknown@1|well@1|known@1 fact@2");
    check(&["rock'n'roll"], "rocknroll@0|rock@0|n@0|roll@0");
    check(&["'tis the boys' -"], "tis@0 the@1 boys@2");
}

#[test]
fn dashes_and_other_marks_divide_words() {
    check(&["Geist—der end.The"], "geist@0 der@0 end@1 the@1");
    check(&["this--that"], "this@0 that@0");
    check(&["1784/85 a_b"], "1784@0 85@0 a@1 b@1");
}

#[test]
fn numbers_stay_whole() {
    check(&["1,234.50 § 12. 1784."], "123450@0|1@0|234@0|50@0 12@2 1784@3");
    check(&["Anm.² Wort³"], "anm@0 wort@1");
}

#[test]
fn a_divided_word_counts_once() {
    check(
        &["die Zusam⸗", "menarbeit, aller"],
        "die@0 zusammenarbeit@1-2|zusam@1|menarbeit@2 aller@3",
    );
    check(&["a well-", "known fact"], "a@0 wellknown@1-2|well@1|known@2 fact@3");
    check(&["Donau-", "dampf-", "schiff"], "donaudampfschiff@0-2|donau@0|dampf@1|schiff@2");
    check(&["eins—zusam-", "men—zwei"], "eins@0 zusammen@0-1|zusam@0|men@1 zwei@1");
}

#[test]
fn a_hyphen_at_the_end_of_a_line_may_divide_nothing() {
    check(&["Stadt-", "und Landrecht"], "stadt@0 und@1 landrecht@2");
    check(&["Baden-", "Württemberg"], "baden@0 wurttemberg@1");
    check(&["1784-", "1785 -", "wort"], "1784@0 1785@1 wort@3");
    check(&["ende-"], "ende@0");
}

#[test]
fn what_the_format_tells_of_a_divided_word_counts() {
    let mut layout = page(&["der Zuk-", "ker."]);
    let whole = "Zucker".to_owned();
    let words = &mut layout.blocks[0].lines;
    words[0].words[1].hyphen = Some(Hyphen::First { whole: whole.clone() });
    words[1].words[0].hyphen = Some(Hyphen::Second { whole });
    assert_eq!(printed(&layout), "der@0 zucker@1-2|zuk@1|ker@2");
}

#[test]
fn an_ideograph_has_a_position() {
    check(&["中国 第3章 カガ", "한국 사람"], "中@0 国@0 第@1 3@1 章@1 カ@2 ガ@2 한국@3 사람@4");
}

#[test]
fn a_long_token_is_cut_alike_everywhere() {
    let word = "x".repeat(10_000);
    check(&[&word], &format!("{}@0", "x".repeat(TOKEN_CHARS_MAX)));
    let parts = vec!["ab"; 5_000].join("-");
    let record = PageRecord::of(&page(&[&parts])).unwrap();
    let mut count = 0;
    tokens(&record, |_| count += 1);
    assert!(count <= 20, "{count}");
}

proptest! {
    #[test]
    fn folding_twice_is_folding_once(text in "\\PC{0,40}") {
        let once = fold(&text);
        prop_assert_eq!(fold(&once), once);
    }

    #[test]
    // Marks that compose across an apostrophe between them are left out: `joined` is not composed anew.
    fn a_segment_analyses_to_itself(text in "[\\PC&&\\PM]{0,40}") {
        let (mut words, mut again) = (Vec::new(), Vec::new());
        Analyser::default().segments(&text, |it| words.push(it.joined.to_owned()));
        for word in &words {
            Analyser::default().segments(word, |it| again.push(it.joined.to_owned()));
        }
        prop_assert_eq!(again, words);
    }

    #[test]
    fn positions_grow_by_one_and_words_exist(lines in prop::collection::vec("[ a-cA-C⸗¬'—.äſ中-]{0,16}", 0..5)) {
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let record = PageRecord::of(&page(&lines)).unwrap();
        let mut expected = 0;
        tokens(&record, |token| {
            assert!(token.position == expected || token.position + 1 == expected, "{token:?}");
            expected = token.position + 1;
            assert!(token.first_word <= token.last_word && token.last_word < record.word_count());
            assert!(!token.text.is_empty());
        });
    }
}
