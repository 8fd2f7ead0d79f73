//! `/openapi.json`: OpenAPI 3.1, made from the table of routes.

mod schemas;

use crate::router::{Kind, Route, routes};
use dlcs_domain::access::Action;
use serde_json::{Map, Value, json};

/// Returns the document for a server at this address.
pub(crate) fn document(public_url: &str) -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for route in routes() {
        let path = route.path.replace("{*", "{");
        let item = paths.entry(path.clone()).or_insert_with(|| json!({}));
        item[route.method.to_ascii_lowercase()] = operation(&route, &path);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "DLCS",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Digital Library Cloud Services: images in, IIIF out, every change an \
                            event. Writes answer ETag and Dlcs-Position; If-Match, \
                            Idempotency-Key and Prefer are understood.",
        },
        "servers": [{"url": public_url}],
        "paths": paths,
        "components": {
            "schemas": schemas::all(),
            "securitySchemes": {
                "basic": {"type": "http", "scheme": "basic"},
                "bearer": {"type": "http", "scheme": "bearer"},
            },
        },
    })
}

fn operation(route: &Route, path: &str) -> Value {
    let mut operation = json!({
        "summary": route.summary,
        "operationId": operation_id(route.method, path),
        "tags": [tag(route.action)],
        "parameters": parameters(path),
        "responses": responses(route),
    });
    if let Some(content) = content(route.takes) {
        operation["requestBody"] = json!({"required": true, "content": content});
    }
    if needs_credentials(route.action) {
        operation["security"] = json!([{"basic": []}, {"bearer": []}]);
    }
    operation
}

fn needs_credentials(action: Action) -> bool {
    !matches!(action, Action::ReadService | Action::ReadContent | Action::ReadDescription)
}

fn tag(action: Action) -> &'static str {
    match action {
        Action::ReadService => "service",
        Action::ReadContent | Action::ReadDescription => "delivery",
        Action::ReadManagement
        | Action::WriteManagement
        | Action::ManageKeys
        | Action::Administer => "management",
    }
}

fn operation_id(method: &str, path: &str) -> String {
    let words = path.split(|it: char| !it.is_alphanumeric()).filter(|it| !it.is_empty());
    let mut words: Vec<&str> = words.collect();
    // With a slash at its end it is another address.
    if path.len() > 1 && path.ends_with('/') {
        words.push("contents");
    }
    format!("{}_{}", method.to_ascii_lowercase(), words.join("_"))
}

fn parameters(path: &str) -> Vec<Value> {
    let names = path.split('/').filter_map(|it| it.strip_prefix('{')?.strip_suffix('}'));
    let parameter = |name: &str| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}});
    names.map(parameter).collect()
}

fn responses(route: &Route) -> Value {
    let mut success = json!({"description": "As asked for."});
    if let Some(content) = content(route.answers) {
        success["content"] = content;
    }
    let status = match (route.method, route.path.as_ref()) {
        ("DELETE", _) => "204",
        ("POST", path) if !path.ends_with("/reingest") => "201",
        _ => "200",
    };
    let problem = json!({
        "description": "A problem (RFC 9457) that is a Hydra error too.",
        "content": {"application/problem+json": {"schema": reference("Problem")}},
    });
    let mut responses = json!({"default": problem});
    responses[status] = success;
    responses
}

/// Returns the media types of a body, or nothing where there is none.
fn content(kind: Kind) -> Option<Value> {
    match kind {
        Kind::Nothing => None,
        Kind::Schema(name) => Some(json!({"application/ld+json": {"schema": reference(name)}})),
        Kind::Media(media_type) => {
            Some(json!({media_type: {"schema": {"type": "string", "format": "binary"}}}))
        }
        Kind::PageOf(name) => {
            let page = json!({
                "allOf": [reference("Collection"), {
                    "type": "object",
                    "properties": {"member": {"type": "array", "items": reference(name)}},
                }],
            });
            Some(json!({"application/ld+json": {"schema": page}}))
        }
    }
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reference_leads_somewhere_and_ids_are_unique() {
        let document = document("http://localhost");
        let text = document.to_string();
        for name in text.split("#/components/schemas/").skip(1) {
            let name = name.split('"').next().unwrap();
            assert!(document["components"]["schemas"].get(name).is_some(), "{name}");
        }
        let mut ids: Vec<&str> = text
            .split("\"operationId\":\"")
            .skip(1)
            .map(|it| it.split('"').next().unwrap())
            .collect();
        let count = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), count);
        assert!(count > 40, "{count}");
    }
}
