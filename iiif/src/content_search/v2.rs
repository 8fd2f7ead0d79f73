//! Content Search API 2.0: annotation pages with extended annotations, term pages.

use super::{Match, MatchAnnotation, SearchResults, SearchVersion, TermList};
use serde_json::{Map, Value, json};

/// Sections 3.2 to 3.4.
pub(super) fn results(results: &SearchResults) -> Value {
    let annotations = results.matches.iter().flat_map(|it| &it.annotations);
    let mut page = Map::new();
    page.insert("@context".into(), json!(SearchVersion::V2.context()));
    page.insert("id".into(), json!(results.id));
    page.insert("type".into(), json!("AnnotationPage"));
    // Section 3.2: a list that is not paged is no part of anything.
    if results.is_paged() {
        page.insert("partOf".into(), collection(results));
    }
    for (name, value) in [("next", &results.next), ("prev", &results.previous)] {
        if let Some(value) = value {
            page.insert(name.into(), json!({"id": value, "type": "AnnotationPage"}));
        }
    }
    if let Some(index) = results.start_index {
        page.insert("startIndex".into(), json!(index));
    }
    if !results.ignored.is_empty() {
        page.insert("ignored".into(), json!(results.ignored));
    }
    page.insert("items".into(), annotations.map(annotation).collect());
    if !results.matches.is_empty() {
        let contexts: Vec<Value> = results.matches.iter().flat_map(context).collect();
        page.insert("annotations".into(), json!([{"type": "AnnotationPage", "items": contexts}]));
    }
    Value::Object(page)
}

/// Section 3.3.
fn collection(results: &SearchResults) -> Value {
    let reference = |id: &String| json!({"id": id, "type": "AnnotationPage"});
    let mut collection = Map::new();
    collection.insert("id".into(), json!(results.list.id));
    collection.insert("type".into(), json!("AnnotationCollection"));
    collection.insert("first".into(), reference(&results.list.first));
    if let Some(total) = results.list.total {
        collection.insert("total".into(), json!(total));
    }
    if let Some(last) = &results.list.last {
        collection.insert("last".into(), reference(last));
    }
    Value::Object(collection)
}

fn annotation(annotation: &MatchAnnotation) -> Value {
    let target = match &annotation.within {
        None => json!(annotation.target()),
        Some(manifest) => json!({
            "id": annotation.target(),
            "type": "Canvas",
            "partOf": {
                "id": manifest.id,
                "type": "Manifest",
                "label": {"none": [manifest.label]},
            },
        }),
    };
    json!({
        "id": annotation.id,
        "type": "Annotation",
        "motivation": "supplementing",
        "body": {"type": "TextualBody", "value": annotation.text, "format": "text/plain"},
        "target": target,
    })
}

/// Section 3.4.2: what stands around a match. One that runs over several lines has several targets.
fn context(found: &Match) -> Option<Value> {
    let target = |it: &MatchAnnotation| {
        json!({
            "type": "SpecificResource",
            "source": it.id,
            "selector": [{
                "type": "TextQuoteSelector",
                "prefix": found.before,
                "exact": found.exact,
                "suffix": found.after,
            }],
        })
    };
    let mut targets: Vec<Value> = found.annotations.iter().map(target).collect();
    let first = found.annotations.first()?;
    let target = if targets.len() == 1 { targets.remove(0) } else { Value::Array(targets) };
    Some(json!({
        "id": format!("{}/context", first.id),
        "type": "Annotation",
        "motivation": "contextualizing",
        "target": target,
    }))
}

/// Section 4.2.
pub(super) fn terms(list: &TermList) -> Value {
    let term = |term: &super::Term| {
        let mut printed = json!({
            "value": term.value,
            "service": [{"id": term.search, "type": "SearchService2"}],
        });
        if let Some(total) = term.total {
            printed["total"] = json!(total);
        }
        printed
    };
    let mut printed = json!({
        "@context": SearchVersion::V2.context(),
        "id": list.id,
        "type": "TermPage",
        "items": list.terms.iter().map(term).collect::<Vec<_>>(),
    });
    if !list.ignored.is_empty() {
        printed["ignored"] = json!(list.ignored);
    }
    printed
}
