//! Content Search API 1.0: annotation lists with hits, term lists.

use super::{Match, MatchAnnotation, SearchResults, SearchVersion, TermList};
use serde_json::{Map, Value, json};

const PRESENTATION: &str = "http://iiif.io/api/presentation/2/context.json";

/// Sections 3.2 and 3.4.
pub(super) fn results(results: &SearchResults) -> Value {
    let annotations = results.matches.iter().flat_map(|it| &it.annotations);
    let mut list = Map::new();
    // Section 3.4.1: both contexts, in this order, where there are hits.
    list.insert("@context".into(), json!([PRESENTATION, SearchVersion::V1.context()]));
    list.insert("@id".into(), json!(results.id));
    list.insert("@type".into(), json!("sc:AnnotationList"));
    list.insert("within".into(), layer(results));
    for (name, value) in [("next", &results.next), ("prev", &results.previous)] {
        if let Some(value) = value {
            list.insert(name.into(), json!(value));
        }
    }
    if let Some(index) = results.start_index {
        list.insert("startIndex".into(), json!(index));
    }
    list.insert("resources".into(), annotations.map(annotation).collect());
    list.insert("hits".into(), results.matches.iter().map(hit).collect());
    Value::Object(list)
}

/// Section 3.3.
fn layer(results: &SearchResults) -> Value {
    let mut layer = Map::new();
    layer.insert("@type".into(), json!("sc:Layer"));
    layer.insert("@id".into(), json!(results.list.id));
    layer.insert("first".into(), json!(results.list.first));
    if let Some(total) = results.list.total {
        layer.insert("total".into(), json!(total));
    }
    if let Some(last) = &results.list.last {
        layer.insert("last".into(), json!(last));
    }
    if !results.ignored.is_empty() {
        layer.insert("ignored".into(), json!(results.ignored));
    }
    Value::Object(layer)
}

fn annotation(annotation: &MatchAnnotation) -> Value {
    let on = match &annotation.within {
        None => json!(annotation.target()),
        Some(manifest) => json!({
            "@id": annotation.target(),
            "within": {"@id": manifest.id, "@type": "sc:Manifest", "label": manifest.label},
        }),
    };
    json!({
        "@id": annotation.id,
        "@type": "oa:Annotation",
        "motivation": "sc:painting",
        "resource": {"@type": "cnt:ContentAsText", "format": "text/plain", "chars": annotation.text},
        "on": on,
    })
}

/// Section 3.4.1.
fn hit(found: &Match) -> Value {
    let ids: Vec<&str> = found.annotations.iter().map(|it| it.id.as_str()).collect();
    json!({
        "@type": "search:Hit",
        "annotations": ids,
        "match": found.exact,
        "before": found.before,
        "after": found.after,
    })
}

/// Section 4.2.
pub(super) fn terms(list: &TermList) -> Value {
    let term = |term: &super::Term| {
        let mut printed = json!({"match": term.value, "url": term.search});
        if let Some(total) = term.total {
            printed["count"] = json!(total);
        }
        printed
    };
    let mut printed = json!({
        "@context": SearchVersion::V1.context(),
        "@id": list.id,
        "@type": "search:TermList",
        "terms": list.terms.iter().map(term).collect::<Vec<_>>(),
    });
    if !list.ignored.is_empty() {
        printed["ignored"] = json!(list.ignored);
    }
    printed
}
