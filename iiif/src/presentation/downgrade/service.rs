//! Services as documents of version 2.1 name them: by context and profile.

use serde_json::{Value, json};

use super::super::json::{Object, each, id_of, is, one_or_list, put, text};
use super::words;

/// Contexts of services by type. Newer ones have no place in a document of this age.
const CONTEXTS: [(&str, &str); 8] = [
    ("ImageService1", "http://library.stanford.edu/iiif/image-api/1.1/context.json"),
    ("ImageService2", "http://iiif.io/api/image/2/context.json"),
    ("ImageService3", "http://iiif.io/api/image/3/context.json"),
    ("SearchService1", "http://iiif.io/api/search/1/context.json"),
    ("AuthCookieService1", "http://iiif.io/api/auth/1/context.json"),
    ("AuthTokenService1", "http://iiif.io/api/auth/1/context.json"),
    ("AuthLogoutService1", "http://iiif.io/api/auth/1/context.json"),
    ("AutoCompleteService1", "http://iiif.io/api/search/1/context.json"),
];

/// Prints the services of a resource.
pub(super) fn all(resource: &Value) -> Option<Value> {
    one_or_list(each(resource.get("service")).filter_map(one).collect())
}

/// Prints the service of an image, of the most widely understood version: clients take the
/// property for a single object.
pub(super) fn of_image(image: &Value) -> Option<Value> {
    let known = ["ImageService2", "ImageService3", "ImageService1"];
    let services = || each(image.get("service"));
    let best = known.iter().find_map(|kind| services().find(|it| is_kind(it, kind)));
    best.or_else(|| services().next()).and_then(one)
}

fn is_kind(service: &Value, kind: &str) -> bool {
    let context = CONTEXTS.iter().find(|(it, _)| *it == kind).map(|(_, context)| *context);
    is(service, kind) || context.is_some_and(|it| text(service, "@context") == Some(it))
}

fn one(service: &Value) -> Option<Value> {
    let id = id_of(service).filter(|_| service.is_object())?;
    let known = CONTEXTS.iter().find(|(kind, _)| is_kind(service, kind));
    let context = text(service, "@context").or(known.map(|(_, context)| *context))?;
    let mut printed: Object = service.as_object().cloned().unwrap_or_default();
    printed.retain(|name, value| !value.is_null() && !["id", "type"].contains(&name.as_str()));
    printed.insert("@context".to_owned(), json!(context));
    printed.insert("@id".to_owned(), json!(id));
    if let Some((kind, _)) = known {
        printed.remove("@type");
        if *kind == "ImageService3" {
            printed.insert("@type".to_owned(), json!(kind));
        }
        put(&mut printed, "profile", profile(kind, service));
    }
    put(&mut printed, "label", words(service.get("label")));
    Some(Value::Object(printed))
}

/// Returns the address that stands for a level, or what was given.
fn profile(kind: &str, service: &Value) -> Option<Value> {
    let given = service.get("profile").filter(|it| !it.is_null());
    let level = given.and_then(Value::as_str).filter(|it| it.starts_with("level"));
    match (kind, level) {
        ("ImageService2", Some(level)) => {
            Some(json!(format!("http://iiif.io/api/image/2/{level}.json")))
        }
        ("ImageService3", Some(level)) => {
            Some(json!(format!("http://iiif.io/api/image/3/{level}.json")))
        }
        ("SearchService1", _) => Some(json!("http://iiif.io/api/search/1/search")),
        _ => given.cloned(),
    }
}
