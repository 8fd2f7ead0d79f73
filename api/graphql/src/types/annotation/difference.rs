//! What is different between two documents, property by property.

use crate::scalar::Json;
use async_graphql::SimpleObject;
use serde_json::{Map, Value};

/// One place where two versions differ.
#[derive(SimpleObject)]
pub(crate) struct Difference {
    /// JSON pointer (RFC 6901).
    pointer: String,
    /// Null: there was nothing.
    before: Option<Json>,
    /// Null: there is nothing.
    after: Option<Json>,
}

/// Compares objects by their properties; lists and texts are compared as a whole.
pub(crate) fn between(before: &Value, after: &Value) -> Vec<Difference> {
    let mut differences = Vec::new();
    compare(String::new(), Some(before), Some(after), &mut differences);
    differences
}

fn compare(
    pointer: String,
    before: Option<&Value>,
    after: Option<&Value>,
    differences: &mut Vec<Difference>,
) {
    if before == after {
        return;
    }
    if let (Some(Value::Object(before)), Some(Value::Object(after))) = (before, after) {
        for key in keys(before, after) {
            let pointer = format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"));
            compare(pointer, before.get(key), after.get(key), differences);
        }
        return;
    }
    let json = |it: Option<&Value>| it.filter(|it| !it.is_null()).cloned().map(Json);
    differences.push(Difference { pointer, before: json(before), after: json(after) });
}

fn keys<'a>(
    before: &'a Map<String, Value>,
    after: &'a Map<String, Value>,
) -> impl Iterator<Item = &'a String> {
    let new = after.keys().filter(|it| !before.contains_key(*it));
    before.keys().chain(new)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn differences_tell_where() {
        let before = json!({"a": 1, "body": {"value": "x", "format": "p"}, "old": true});
        let after = json!({"a": 1, "body": {"value": "y", "format": "p"}, "n/w": [1]});
        let found = between(&before, &after);
        let shown: Vec<_> = found
            .iter()
            .map(|it| {
                let value = |it: &Option<Json>| it.as_ref().map(|it| it.0.clone());
                (it.pointer.as_str(), value(&it.before), value(&it.after))
            })
            .collect();
        assert_eq!(
            shown,
            [
                ("/body/value", Some(json!("x")), Some(json!("y"))),
                ("/old", Some(json!(true)), None),
                ("/n~1w", None, Some(json!([1]))),
            ]
        );
        assert!(between(&after, &after).is_empty());
    }
}
