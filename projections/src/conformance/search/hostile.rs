//! Questions from people who want something else: none of them means anything but its words.

use super::SearchEngine;
use super::given::{Library, customer};
use crate::search::{HITS_FROM_MAX, HitsWanted, SearchError};
use dlcs_domain::access::Principal;
use dlcs_text::query::QueryError;

const ANYBODY: Principal = Principal::Anonymous;

/// Texts that are a query, a script or a path elsewhere. None finds a page, or all of them.
const FOREIGN: [&str; 26] = [
    "*",
    "**",
    "?",
    "* OR geheime",
    "/(.+)+$/",
    "/.*geheim.*/",
    "_exists_:text",
    "text:*",
    "customer:2 AND *",
    "roles:staff geheime",
    "NOT zebra",
    "-zebra +geheime",
    "zebra^1e30 geheime",
    "geheime~9",
    "\"geheime aufklärung\"~1000000000",
    "geh?ime",
    "[a TO z]",
    "{\"query\":{\"match_all\":{}}}",
    "{\"script\":{\"source\":\"Runtime.getRuntime()\"}}",
    "'; DROP TABLE pages; --",
    "%00%ff\\u0000\\",
    "${jndi:ldap://127.0.0.1/a}",
    "<em>geheime</em>",
    "\u{202e}emieheg",
    "__proto__ constructor",
    "\0\u{1}\u{7f}",
];

pub(super) async fn nothing_is_an_operator_that_should_not_be<E: SearchEngine>(
    library: &Library<E>,
) {
    for text in FOREIGN {
        let found = library.find(&ANYBODY, &customer(1), text).await;
        assert_eq!((found.total_pages, found.hits.len()), (0, 0), "{text}");
        let suggestions = library.search().autocomplete(&ANYBODY, &customer(1), text, 10).await;
        let suggestions = suggestions.expect("any text can be completed");
        assert!(suggestions.iter().all(|it| !it.value.contains("geheim")), "{text}");
    }
    let stars = format!("a{}", "*b".repeat(15));
    assert_eq!(library.find(&ANYBODY, &customer(1), &stars).await.total_pages, 0);
}

pub(super) async fn limits_are_told<E: SearchEngine>(library: &Library<E>) {
    let wanted = HitsWanted { from: 0, limit: 10 };
    let many = "a ".repeat(100_000);
    let found = library.try_find(&ANYBODY, &customer(1), &many, wanted).await;
    assert!(matches!(found, Err(SearchError::Query(QueryError::TooLong(200_000)))));
    let terms: String = (0..100).map(|it| format!("{it} ")).collect();
    let found = library.try_find(&ANYBODY, &customer(1), &terms, wanted).await;
    assert!(matches!(found, Err(SearchError::Query(QueryError::TooManyTerms(100)))));
    // As many as are allowed, each of them expensive.
    let beginnings: String =
        (0..32).map(|it| format!("{}* ", char::from(b'a' + it % 26))).collect();
    let found = library.try_find(&ANYBODY, &customer(1), &beginnings, wanted).await;
    assert_eq!(found.expect("it is a query").total_pages, 0);
    let marks = "\u{301}".repeat(10_000);
    let suggestions = library.search().autocomplete(&ANYBODY, &customer(1), &marks, 10).await;
    assert!(matches!(suggestions, Err(SearchError::Query(QueryError::TooLong(_)))));
    let marks = "\u{301}".repeat(200);
    let suggestions = library.search().autocomplete(&ANYBODY, &customer(1), &marks, 10).await;
    assert_eq!(suggestions.expect("it has no letters"), []);
}

pub(super) async fn deep_parts_are_refused<E: SearchEngine>(library: &Library<E>) {
    for from in [HITS_FROM_MAX + 1, 1_000_000_000, usize::MAX] {
        let wanted = HitsWanted { from, limit: usize::MAX };
        let found = library.try_find(&ANYBODY, &customer(1), "zebra", wanted).await;
        assert!(matches!(found, Err(SearchError::TooFar(_))), "{from}");
    }
    let wanted = HitsWanted { from: HITS_FROM_MAX, limit: usize::MAX };
    let found = library.try_find(&ANYBODY, &customer(1), "zebra", wanted).await;
    assert_eq!(found.expect("it is a part").total_hits, Some(5));
}
