//! Hits and their boxes.

use super::*;
use crate::analysis::tests::page;
use proptest::prelude::*;

/// Prints hits: `before[matched]after`, and how many boxes.
#[track_caller]
fn check(lines: &[&str], query: &str, expected: &[&str]) {
    let record = PageRecord::of(&page(lines)).unwrap();
    let query = Query::parse(query).unwrap();
    let hits = locate(&record, &query);
    let printed: Vec<_> = hits
        .iter()
        .map(|it| format!("{}[{}]{} {}", it.before, it.matched, it.after, it.boxes.len()))
        .collect();
    assert_eq!(printed, expected);
    assert_eq!(count(&record, &query), expected.len());
}

const KANT: [&str; 3] = [
    "Aufklärung iſt der Ausgang des",
    "Menſchen aus ſeiner ſelbſt ver⸗",
    "ſchuldeten Unmuͤndigkeit.",
];

#[test]
fn a_phrase_runs_over_a_line_break() {
    check(
        &KANT,
        "\"des Menschen aus\"",
        &[
            "Aufklärung iſt der Ausgang[des Menſchen aus]ſeiner ſelbſt verſchuldeten Unmuͤndigkeit. 2",
        ],
    );
}

#[test]
fn a_phrase_runs_over_a_divided_word() {
    let after = "[ſelbſt verſchuldeten Unmuͤndigkeit.]";
    let before = "iſt der Ausgang des Menſchen aus ſeiner";
    let before = format!("Aufklärung {before}");
    check(&KANT, "\"selbst verschuldeten Unmündigkeit\"", &[&format!("{before}{after} 2")]);
}

#[test]
fn a_half_has_its_own_box() {
    let record = PageRecord::of(&page(&KANT)).unwrap();
    let [first, second] = ["ver", "schuldeten"].map(|it| {
        let hits = locate(&record, &Query::parse(it).unwrap());
        assert_eq!(hits.len(), 1);
        hits[0].boxes.clone()
    });
    let whole = locate(&record, &Query::parse("verschuldeten").unwrap());
    assert_eq!(whole[0].boxes, [first, second].concat());
    assert_eq!(whole[0].words, 9..11);
    assert_eq!(whole[0].boxes[0], Rect { x: 500, y: 150, width: 90, height: 40 });
}

#[test]
fn all_clauses_must_be_on_the_page() {
    check(&["a b", "c a"], "a c", &["[a]b c a 1", "a b[c]a 1", "a b c[a] 1"]);
    check(&["a b", "c a"], "a x", &[]);
    check(&["a b", "c a"], "", &[]);
}

#[test]
fn one_box_lies_around_the_words_of_a_line() {
    let record = PageRecord::of(&page(&["x a b c", "d e"])).unwrap();
    let hits = locate(&record, &Query::parse("\"a b c d\"").unwrap());
    let box_of = |x, y, width| Rect { x, y, width, height: 40 };
    assert_eq!(hits[0].boxes, [box_of(200, 100, 290), box_of(100, 150, 90)]);
}

#[test]
fn prefixes_and_mistakes_are_one_hit_for_each_position() {
    check(&["well-wellness welle"], "well*", &["[well-wellness]welle 1", "well-wellness[welle] 1"]);
    check(
        &["Vernunft Vernunfft Vernunst Verkunfft"],
        "vernunft~",
        &[
            "[Vernunft]Vernunfft Vernunst Verkunfft 1",
            "Vernunft[Vernunfft]Vernunst Verkunfft 1",
            "Vernunft Vernunfft[Vernunst]Verkunfft 1",
        ],
    );
}

proptest! {
    /// The same found the slow way: every term of every position, looked at by itself.
    #[test]
    fn what_is_located_is_what_a_scan_finds(
        lines in prop::collection::vec("([ab]{1,2}[ -]?){0,5}", 1..4),
        query in "([ab]{1,2}|\"[ab] [ab]{1,2}\"|[ab]{2}\\*) ?[ab]?",
    ) {
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let record = PageRecord::of(&page(&lines)).unwrap();
        let query = Query::parse(&query).unwrap();
        let mut positions: Vec<Vec<String>> = Vec::new();
        analysis::tokens(&record, |it| {
            positions.resize(it.position as usize + 1, Vec::new());
            positions[it.position as usize].push(it.text.to_owned());
        });
        let starts = |clause: &Clause| (0..positions.len()).filter(|start| match clause {
            Clause::Words(words) => words.iter().enumerate().all(|(at, word)| {
                positions.get(start + at).is_some_and(|it| it.contains(word))
            }),
            Clause::Prefix(prefix) => positions[*start].iter().any(|it| it.starts_with(prefix)),
            Clause::Fuzzy(_) => unreachable!("no such clause is made"),
        }).count();
        let counts: Vec<_> = query.clauses().iter().map(starts).collect();
        let expected = if counts.contains(&0) { 0 } else { counts.iter().sum() };
        prop_assert_eq!(locate(&record, &query).len(), expected);
    }
}
