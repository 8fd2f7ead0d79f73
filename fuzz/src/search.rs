//! Search: whatever somebody types, a query or an error; whatever a record holds, hits that are
//! on the page.

use dlcs_text::{PageRecord, Query, locate};

/// Parses a query and looks for it on a page that has it.
///
/// # Panics
///
/// A query prints to another one, or a hit is not on the page.
pub fn check_query(text: &str) {
    let Ok(query) = Query::parse(text) else { return };
    match Query::parse(&query.to_string()) {
        Ok(again) => assert_eq!(again, query, "{text:?}"),
        // Folding can make a text longer than a query may be.
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    let words = text.split_whitespace().map(|text| dlcs_text::Word {
        bounds: dlcs_text::Rect { x: 1, y: 1, width: 1, height: 1 },
        text: text.to_owned(),
        ..dlcs_text::Word::default()
    });
    let line = dlcs_text::Line { words: words.collect(), ..dlcs_text::Line::default() };
    let block = dlcs_text::Block { lines: vec![line], ..dlcs_text::Block::default() };
    let layout = dlcs_text::PageLayout { blocks: vec![block], ..dlcs_text::PageLayout::default() };
    let record = PageRecord::of(&layout).expect("a query is short");
    check_hits(&record, &query);
}

/// Reads a page record from anywhere and looks for something on it.
///
/// # Panics
///
/// The record comes back otherwise than it went, or a hit is not on the page.
pub fn check_record(bytes: &[u8]) {
    let Ok(record) = PageRecord::decode(bytes) else { return };
    let encoded = record.encode().expect("what was read can be written");
    assert_eq!(PageRecord::decode(&encoded).as_ref(), Ok(&record));
    for text in ["a", "\"a b\"", "ab*", "abcd~"] {
        check_hits(&record, &Query::parse(text).expect("it is a query"));
    }
}

fn check_hits(record: &PageRecord, query: &Query) {
    let hits = locate(record, query);
    assert_eq!(hits.len(), locate::count(record, query));
    for hit in hits {
        assert!(hit.clause < query.clauses().len() && !hit.boxes.is_empty());
        assert!(hit.words.start < hit.words.end && hit.words.end <= record.word_count());
    }
}
