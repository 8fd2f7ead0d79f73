//! Tests of both printed forms on one page of results.

use super::*;
use serde_json::{Value, json};

fn over_two_lines() -> SearchResults {
    let part = |line: u32, text: &str, xywh| MatchAnnotation {
        id: format!("https://example.org/hit/4/{line}"),
        text: text.into(),
        canvas: "https://example.org/canvas/1".into(),
        xywh,
        within: None,
    };
    SearchResults {
        id: "https://example.org/search?q=zwei+Worte".into(),
        list: ResultList {
            id: "https://example.org/search/list?q=zwei+Worte".into(),
            total: Some(7),
            first: "https://example.org/search?q=zwei+Worte".into(),
            last: None,
        },
        next: Some("https://example.org/search?q=zwei+Worte&page=2".into()),
        start_index: Some(0),
        ignored: vec!["user"],
        matches: vec![Match {
            annotations: vec![part(0, "zwei", [90, 10, 20, 8]), part(1, "Worte", [5, 20, 30, 8])],
            before: "sind".into(),
            exact: "zwei Worte".into(),
            after: "da".into(),
        }],
        ..SearchResults::default()
    }
}

fn printed(version: SearchVersion) -> Value {
    serde_json::from_str(&over_two_lines().to_json(version)).unwrap()
}

/// Content Search API 1.0, sections 3.3 and 3.4.
#[test]
fn version_1_lists_annotations_and_hits() {
    let list = printed(SearchVersion::V1);
    let contexts = json!([
        "http://iiif.io/api/presentation/2/context.json",
        "http://iiif.io/api/search/1/context.json"
    ]);
    assert_eq!(list["@context"], contexts);
    assert_eq!(list["@type"], "sc:AnnotationList");
    assert_eq!(list["next"], "https://example.org/search?q=zwei+Worte&page=2");
    assert_eq!(list["within"]["total"], 7);
    assert_eq!(list["within"]["ignored"], json!(["user"]));
    assert_eq!(list["resources"][1]["on"], "https://example.org/canvas/1#xywh=5,20,30,8");
    assert_eq!(list["resources"][1]["resource"]["chars"], "Worte");
    let hit = json!({
        "@type": "search:Hit",
        "annotations": ["https://example.org/hit/4/0", "https://example.org/hit/4/1"],
        "match": "zwei Worte", "before": "sind", "after": "da",
    });
    assert_eq!(list["hits"], json!([hit]));
}

/// Content Search API 2.0, sections 3.3 and 3.4.2.
#[test]
fn version_2_puts_the_context_beside_the_annotations() {
    let page = printed(SearchVersion::V2);
    assert_eq!(page["@context"], "http://iiif.io/api/search/2/context.json");
    assert_eq!(page["partOf"]["total"], 7);
    let next = json!({
        "id": "https://example.org/search?q=zwei+Worte&page=2", "type": "AnnotationPage",
    });
    assert_eq!(page["next"], next);
    assert_eq!(page["ignored"], json!(["user"]));
    assert_eq!(page["items"][0]["target"], "https://example.org/canvas/1#xywh=90,10,20,8");
    let context = &page["annotations"][0]["items"][0];
    assert_eq!(context["motivation"], "contextualizing");
    assert_eq!(context["target"][1]["source"], "https://example.org/hit/4/1");
    assert_eq!(context["target"][1]["selector"][0]["prefix"], "sind");
}

/// Content Search API 2.0, section 3.2: as Clover 3 needs it, which takes `partOf` for a list.
#[test]
fn version_2_of_all_results_on_one_page_is_part_of_nothing() {
    let results = SearchResults { next: None, ..over_two_lines() };
    let page: Value = serde_json::from_str(&results.to_json(SearchVersion::V2)).unwrap();
    assert_eq!(page.get("partOf"), None);
    assert_eq!(page["items"].as_array().map(Vec::len), Some(2));
}

#[test]
fn over_many_resources_a_match_names_its_manifest() {
    let mut results = over_two_lines();
    let within = Container { id: "https://example.org/manifest".into(), label: "Buch".into() };
    results.matches[0].annotations[0].within = Some(within);
    let v1: Value = serde_json::from_str(&results.to_json(SearchVersion::V1)).unwrap();
    assert_eq!(v1["resources"][0]["on"]["within"]["label"], "Buch");
    let v2: Value = serde_json::from_str(&results.to_json(SearchVersion::V2)).unwrap();
    assert_eq!(v2["items"][0]["target"]["partOf"]["label"], json!({"none": ["Buch"]}));
}

/// Both: nothing found is an answer, not an error.
#[test]
fn nothing_found_is_an_empty_list() {
    let nothing = SearchResults::default();
    let v1: Value = serde_json::from_str(&nothing.to_json(SearchVersion::V1)).unwrap();
    assert_eq!((&v1["resources"], &v1["hits"]), (&json!([]), &json!([])));
    let v2: Value = serde_json::from_str(&nothing.to_json(SearchVersion::V2)).unwrap();
    assert_eq!(v2["items"], json!([]));
    assert_eq!(v2.get("annotations"), None);
}

/// Content Search API 1.0, section 4.2; 2.0, section 4.2.
#[test]
fn terms_lead_to_their_searches() {
    let search = "https://example.org/search?q=wort".to_owned();
    let term = Term { value: "wort".into(), total: Some(3), search };
    let list = TermList { id: "https://example.org/t".into(), ignored: vec![], terms: vec![term] };
    let v1: Value = serde_json::from_str(&list.to_json(SearchVersion::V1)).unwrap();
    let term = json!({"match": "wort", "count": 3, "url": "https://example.org/search?q=wort"});
    assert_eq!(v1["terms"], json!([term]));
    let v2: Value = serde_json::from_str(&list.to_json(SearchVersion::V2)).unwrap();
    assert_eq!(v2["items"][0]["value"], "wort");
    assert_eq!(v2["items"][0]["service"][0]["type"], "SearchService2");
}
