//! What is typed, and what is asked.

use super::*;
use proptest::prelude::*;

#[track_caller]
fn check(text: &str, printed: &str) {
    let query = Query::parse(text).unwrap();
    assert_eq!(query.to_string(), printed);
    assert_eq!(Query::parse(printed).unwrap(), query);
}

#[test]
fn words_phrases_prefixes_and_mistakes() {
    check("Was ist Aufklärung?", "was ist aufklarung");
    check("\"Was ist\" Aufklärung", "\"was ist\" aufklarung");
    check("„Was ist“ «Aufklärung»", "\"was ist\" aufklarung");
    check("Aufkl* Vernunfft~", "aufkl* vernunfft~");
    check("l'homme WELL-known", "lhomme wellknown");
    check("Geist—der 中国", "\"geist der\" \"中 国\"");
    check("wort wort \"wort\" wort*", "wort wort*");
}

#[test]
fn everything_else_is_plain_text() {
    check("*", "");
    check("a* ab* die~ b~", "a ab* die b");
    check("\"unbalanced quote", "unbalanced quote");
    check("\"haus*\" \"haus~\"", "haus");
    check("field:secret _exists_:x", "\"field secret\" \"exists x\"");
    check("tenant:2 OR *", "\"tenant 2\" or");
    check("/(.+)+$/ a\\b ^1e30", "\"a b\" 1e30");
    check("fuzzy~9 \"a b\"~1000000000", "\"fuzzy 9\" \"a b\" 1000000000");
    check("{\"script\":{\"source\":\"x\"}} ../_search", "script source x search");
    check("a*b*c*", "\"a b c\"");
    check("\u{301}\u{301}", "");
}

#[test]
fn the_limits_are_the_only_errors() {
    let words = |count: u32| (0..count).map(|it| it.to_string()).collect::<Vec<_>>().join(" ");
    assert!(Query::parse(&words(32)).is_ok());
    assert_eq!(Query::parse(&words(33)), Err(QueryError::TooManyTerms(33)));
    assert_eq!(Query::parse(&format!("\"{}\"", words(33))), Err(QueryError::TooManyTerms(33)));
    assert!(Query::parse(&"x".repeat(512)).is_ok());
    assert_eq!(Query::parse(&"x".repeat(513)), Err(QueryError::TooLong(513)));
}

#[test]
fn one_mistake_is_one_letter_or_two_neighbours() {
    for (left, right, is_near) in [
        ("haus", "haus", true),
        ("haus", "hauss", true),
        ("haus", "aus", true),
        ("haus", "hals", true),
        ("haus", "ahus", true),
        ("haus", "husa", false),
        ("haus", "hasu", true),
        ("haus", "hut", false),
        ("haus", "hauses", false),
        ("aabb", "abab", true),
        ("aaa", "aa", true),
        ("ждать", "ждат", true),
        ("", "a", true),
        ("ab", "", false),
    ] {
        assert_eq!(is_one_mistake_away(left, right), is_near, "{left} {right}");
        assert_eq!(is_one_mistake_away(right, left), is_near, "{right} {left}");
    }
}

/// Optimal string alignment, as books write it.
fn distance(left: &[char], right: &[char]) -> usize {
    let mut table = vec![vec![0; right.len() + 1]; left.len() + 1];
    for i in 0..=left.len() {
        for j in 0..=right.len() {
            table[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let change = usize::from(left[i - 1] != right[j - 1]);
                let mut best = (table[i - 1][j] + 1).min(table[i][j - 1] + 1);
                best = best.min(table[i - 1][j - 1] + change);
                let swap =
                    i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1];
                if swap { best.min(table[i - 2][j - 2] + 1) } else { best }
            };
        }
    }
    table[left.len()][right.len()]
}

proptest! {
    #[test]
    fn one_mistake_is_what_the_books_say(left in "[abcä]{0,7}", right in "[abcä]{0,7}") {
        let chars = |it: &str| it.chars().collect::<Vec<_>>();
        let expected = distance(&chars(&left), &chars(&right)) <= 1;
        prop_assert_eq!(is_one_mistake_away(&left, &right), expected);
    }

    #[test]
    // Without marks that compose across an apostrophe: see the analysis.
    fn a_query_prints_to_itself(text in "[\\PC&&\\PM]{0,40}|[\"a-c*~ '中ß-]{0,40}") {
        let query = Query::parse_unlimited(&text);
        prop_assert_eq!(Query::parse_unlimited(&query.to_string()), query);
    }

    #[test]
    fn any_text_is_a_query(text in "\\PC{0,80}") {
        match Query::parse(&text) {
            Ok(_) | Err(QueryError::TooLong(_) | QueryError::TooManyTerms(_)) => {}
        }
    }
}
