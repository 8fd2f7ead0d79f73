//! What is not kept in a document of a client: it would run in a reader's browser, or never end.

use serde_json::Value;

use crate::web_annotation::is_active;

/// How deep a document may be nested: THREATS, section 4.3.
const DEPTH_MAX: usize = 64;
/// More contexts than any document has; a reader may fetch them all.
const CONTEXTS_MAX: usize = 16;
/// Properties whose text is an address, wherever they stand.
const ADDRESSES: [&str; 12] = [
    "id",
    "@id",
    "source",
    "full",
    "target",
    "on",
    "rights",
    "license",
    "within",
    "related",
    "logo",
    "startCanvas",
];

/// What is wrong with a document, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{at}`: {reason}")]
pub struct Danger {
    /// A JSON pointer (RFC 6901).
    pub at: String,
    pub reason: &'static str,
}

/// Refuses addresses that run, contexts without number, and what is nested too deep.
///
/// ```
/// use dlcs_iiif::presentation::check;
/// use serde_json::json;
///
/// let canvas = json!({"id": "javascript:alert(1)", "type": "Canvas"});
/// let danger = check(&json!({"type": "Manifest", "items": [canvas]})).unwrap_err();
/// assert_eq!(danger.at, "/items/0/id");
/// ```
pub fn check(document: &Value) -> Result<(), Danger> {
    walk(document, 0)
}

fn walk(value: &Value, depth: usize) -> Result<(), Danger> {
    if depth > DEPTH_MAX {
        return Err(danger("it is nested too deep"));
    }
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                walk(item, depth + 1).map_err(|it| it.below(&index.to_string()))?;
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                let found = check_member(name, member).and_then(|()| walk(member, depth + 1));
                found.map_err(|it| it.below(name))?;
            }
        }
        _ => {}
    }
    Ok(())
}

fn check_member(name: &str, member: &Value) -> Result<(), Danger> {
    let is_address = ADDRESSES.contains(&name);
    if is_address && member.as_str().is_some_and(is_active) {
        return Err(danger("it is an address that runs or carries its own content"));
    }
    if name == "@context" && member.as_array().is_some_and(|it| it.len() > CONTEXTS_MAX) {
        return Err(danger("it has too many contexts"));
    }
    Ok(())
}

fn danger(reason: &'static str) -> Danger {
    Danger { at: String::new(), reason }
}

impl Danger {
    fn below(self, name: &str) -> Self {
        // A name may be as long as the document.
        let name: String = name.chars().take(64).collect();
        let name = name.replace('~', "~0").replace('/', "~1");
        Self { at: format!("/{name}{}", self.at), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn at(document: &Value) -> String {
        check(document).unwrap_err().at
    }

    #[test]
    fn addresses_that_run_are_refused_wherever_they_stand() {
        let body = json!({"id": " JAVA\tscript:alert(1)", "type": "Image"});
        let page = json!({"items": [{"body": body}]});
        assert_eq!(at(&json!({"items": [{"items": [page]}]})), "/items/0/items/0/items/0/body/id");
        assert_eq!(at(&json!({"@id": "data:text/html,x"})), "/@id");
        assert_eq!(at(&json!({"a/b": {"source": "vbscript:x"}})), "/a~1b/source");
    }

    /// A language has the tag `id`.
    #[test]
    fn text_is_no_address() {
        let label = json!({"id": ["javascript: sebuah pengantar"], "\"><script>": ["x"]});
        assert_eq!(check(&json!({"label": label, "value": "javascript:x"})), Ok(()));
    }

    #[test]
    fn contexts_are_counted() {
        let contexts: Vec<String> = (0..10_000).map(|n| format!("https://x.test/{n}")).collect();
        assert_eq!(at(&json!({"@context": contexts})), "/@context");
        assert_eq!(check(&json!({"@context": contexts[..3]})), Ok(()));
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |depth| (0..depth).fold(json!(1), |it, _| json!([it]));
        assert_eq!(check(&nested(64)), Ok(()));
        assert!(check(&nested(65)).is_err());
    }
}
