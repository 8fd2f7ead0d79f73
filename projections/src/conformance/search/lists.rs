//! Order, parts, totals, suggestions.

use super::SearchEngine;
use super::given::{Library, customer};
use super::scenarios::{Where, Who, printed};
use crate::conformance::given::{id, key_of};
use crate::search::{ASSETS_MAX, HitsWanted, Scope, Within};
use dlcs_domain::access::Principal;

const ANYBODY: Principal = Principal::Anonymous;

/// Every query here finds several hits, on one page and on several.
const QUERIES: [&str; 4] = ["ist", "un*", "zebra", "der"];

pub(super) async fn every_part_of_the_hits_is_the_same_list<E: SearchEngine>(library: &Library<E>) {
    for query in QUERIES {
        let all = library.find(&ANYBODY, &customer(1), query).await;
        let total = all.hits.len();
        assert!(total > 1, "{query}");
        assert_eq!(all.total_hits, Some(total as u64));
        for limit in 1..=total + 1 {
            let mut pieced = Vec::new();
            loop {
                let wanted = HitsWanted { from: pieced.len(), limit };
                let part = library.try_find(&ANYBODY, &customer(1), query, wanted).await;
                let part = part.expect("the part can be found");
                assert_eq!(part.total_hits, Some(total as u64), "{query} {wanted:?}");
                assert_eq!(part.total_pages, all.total_pages, "{query} {wanted:?}");
                pieced.extend(part.hits);
                assert_eq!(part.has_more, pieced.len() < total, "{query} {wanted:?}");
                if !part.has_more {
                    break;
                }
            }
            assert_eq!(pieced, all.hits, "{query} in parts of {limit}");
        }
        let behind = HitsWanted { from: total, limit: 10 };
        let part = library.try_find(&ANYBODY, &customer(1), query, behind).await;
        let part = part.expect("the part can be found");
        assert_eq!((part.hits.len(), part.has_more), (0, false));
    }
}

pub(super) async fn pages_come_in_the_order_of_the_manifest<E: SearchEngine>(library: &Library<E>) {
    let orders: [&'static [&'static str]; 2] =
        [&["1/1/kant", "1/1/laube", "1/3/few"], &["1/3/few", "1/1/laube", "1/1/kant", "1/1/laube"]];
    for order in orders {
        let scope = Where::Pages(order).scope();
        let found = library.find(&ANYBODY, &scope, "an*").await;
        let mut pages: Vec<_> = found.hits.iter().map(|it| it.id.to_string()).collect();
        pages.dedup();
        assert_eq!(pages, order[..3], "{:?}", printed(&found));
        assert_eq!(found.total_pages, 3);
    }
}

pub(super) async fn the_best_page_comes_first<E: SearchEngine>(library: &Library<E>) {
    let found = library.find(&ANYBODY, &customer(1), "zebra").await;
    let pages: Vec<_> = found.hits.iter().map(|it| it.id.name()).collect();
    assert_eq!(pages, ["many", "many", "many", "many", "few"]);
    let found = library.find(&ANYBODY, &customer(1), "okapi").await;
    let pages: Vec<_> = found.hits.iter().map(|it| it.id.name()).collect();
    assert_eq!(pages, ["same-a", "same-b"], "equals come by their id");
}

pub(super) async fn twenty_thousand_pages_are_one_scope<E: SearchEngine>(library: &Library<E>) {
    let mut assets: Vec<_> = (0..ASSETS_MAX - 2).map(|it| id(&format!("1/9/{it}"))).collect();
    assets.insert(10_000, id("1/1/laube"));
    assets.insert(0, id("1/1/kant"));
    // Behind the last one that is looked at.
    assets.push(id("1/3/many"));
    let scope = Scope { within: Within::Assets(assets), ..customer(1) };
    let found = library.find(&ANYBODY, &scope, "der").await;
    let pages: Vec<_> = found.hits.iter().map(|it| it.id.name()).collect();
    assert_eq!(pages, ["kant", "laube"]);
    assert_eq!(library.find(&ANYBODY, &scope, "zebra").await.total_pages, 0);
}

async fn suggested<E: SearchEngine>(
    library: &Library<E>,
    principal: &Principal,
    scope: &Scope,
    text: &str,
    limit: usize,
) -> String {
    let suggestions = library.search().autocomplete(principal, scope, text, limit).await;
    let suggestions = suggestions.expect("words can be suggested");
    let printed = suggestions.iter().map(|it| format!("{} {}", it.value, it.count));
    printed.collect::<Vec<_>>().join(", ")
}

pub(super) async fn words_are_suggested_with_their_pages<E: SearchEngine>(library: &Library<E>) {
    let anybody = async |text, limit| suggested(library, &ANYBODY, &customer(1), text, limit).await;
    assert_eq!(anybody("ok", 10).await, "okapi 2");
    assert_eq!(anybody("zeb", 10).await, "zebra 2");
    // Whole words, by pages and then by letters; neither halves nor parts.
    assert_eq!(anybody("wel", 10).await, "well 1, wellknown 1");
    assert_eq!(anybody("unm", 10).await, "unmundigkeit 1");
    assert_eq!(anybody("the", 10).await, "the 4, they 1");
    assert_eq!(anybody("the", 1).await, "the 4");
    assert_eq!(anybody("the", 0).await, "");
    assert_eq!(anybody("Unmü", 10).await, "unmundigkeit 1");
    // The last word of a text.
    assert_eq!(anybody("Selbst unm", 10).await, "Selbst unmundigkeit 1");
    assert_eq!(anybody("Selbst ", 10).await, "");
    assert_eq!(anybody("", 10).await, "");
    assert_eq!(anybody("— *", 10).await, "");
    // Of what may be read.
    let staff = Who::Staff.principal();
    assert_eq!(anybody("geheim", 10).await, "");
    let words = suggested(library, &staff, &customer(1), "geheim", 10).await;
    assert_eq!(words, "geheime 1, geheimste 1");
    assert_eq!(suggested(library, &staff, &customer(1), "zeb", 10).await, "zebra 2");
    // Within.
    let space = Where::Space(3).scope();
    assert_eq!(suggested(library, &ANYBODY, &space, "the", 10).await, "the 3, they 1");
    let pages = Where::Pages(&["1/3/few", "1/1/kant"]).scope();
    assert_eq!(suggested(library, &ANYBODY, &pages, "the", 10).await, "the 1, they 1");
}

pub(super) async fn suggestions_keep_secrets<E: SearchEngine>(library: &Library<E>) {
    let all = customer(1);
    assert_eq!(suggested(library, &ANYBODY, &all, "geh", 10).await, "");
    assert_eq!(suggested(library, &key_of(2), &all, "geh", 10).await, "");
    assert_eq!(suggested(library, &key_of(1), &all, "geh", 10).await, "geheime 1, geheimste 1");
    assert_eq!(suggested(library, &ANYBODY, &all, "aufkl", 10).await, "aufklarung 1");
    assert_eq!(
        suggested(library, &key_of(1), &all, "aufkl", 10).await,
        "aufklarung 2, aufklarerei 1"
    );
    assert_eq!(suggested(library, &key_of(1), &customer(2), "wel", 10).await, "wellknown 1");
}
