//! Services as documents of version 3.0 name them: by type, each with the keys of its own age.

use serde_json::{Value, json};

use super::super::json::{Object, each, id_of, is, list, text};

/// What a context or a profile begins with, and the type that it stands for.
const KINDS: [(&str, &str); 8] = [
    ("http://iiif.io/api/image/3/", "ImageService3"),
    ("http://iiif.io/api/image/2/", "ImageService2"),
    ("http://iiif.io/api/image/1/", "ImageService1"),
    ("http://library.stanford.edu/iiif/image-api/", "ImageService1"),
    ("http://iiif.io/api/search/", "SearchService1"),
    ("http://iiif.io/api/auth/0/", "AuthCookieService1"),
    ("http://iiif.io/api/auth/1/token", "AuthTokenService1"),
    ("http://iiif.io/api/auth/1/", "AuthCookieService1"),
];

pub(super) fn all(resource: &Value) -> Option<Value> {
    list(each(resource.get("service")).filter_map(one).collect())
}

/// Reads a service; `None`: it has no address, so that nobody can ask it.
fn one(service: &Value) -> Option<Value> {
    let id = id_of(service).filter(|_| service.is_object())?;
    let kind = kind(service);
    let mut read: Object = service.as_object().cloned().unwrap_or_default();
    read.retain(|_, value| !value.is_null());
    let profile = each(service.get("profile")).find_map(Value::as_str).map(str::to_owned);
    match profile {
        Some(profile) => drop(read.insert("profile".to_owned(), json!(profile))),
        None => drop(read.remove("profile")),
    }
    if kind == "ImageService3" {
        read.retain(|name, _| !name.starts_with('@'));
        read.insert("id".to_owned(), json!(id));
        read.insert("type".to_owned(), json!(kind));
        if let Some(level) = text(service, "profile").and_then(level) {
            read.insert("profile".to_owned(), json!(level));
        }
    } else {
        read.remove("id");
        read.remove("type");
        read.insert("@id".to_owned(), json!(id));
        read.insert("@type".to_owned(), json!(kind));
    }
    // Their context follows from their type.
    if kind.starts_with("ImageService") {
        read.remove("@context");
    }
    // Services of a service are a list in version 3.0, whatever their age.
    if let Some(nested) = read.remove("service") {
        let nested = each(Some(&nested)).map(typed).collect();
        read.insert("service".to_owned(), nested);
    }
    Some(Value::Object(read))
}

/// Says of a service within a service what it is.
fn typed(service: &Value) -> Value {
    let mut typed = service.clone();
    if let Value::Object(members) = &mut typed
        && !members.contains_key("type")
    {
        let nested = text(service, "profile").is_some_and(|it| it.ends_with("/autocomplete"));
        let kind = if nested { "AutoCompleteService1" } else { kind(service) };
        members.entry("@type").or_insert_with(|| json!(kind));
    }
    typed
}

fn kind(service: &Value) -> &str {
    let told = each(service.get("context")).chain(each(service.get("@context")));
    let told = told.chain(each(service.get("profile"))).filter_map(Value::as_str);
    for text in told {
        let is_this = |(begin, _): &&(&str, &str)| text.starts_with(begin);
        if let Some((_, kind)) = KINDS.iter().find(is_this) {
            return kind;
        }
    }
    if is(service, "ImageService3") {
        return "ImageService3";
    }
    let own = text(service, "@type").or_else(|| text(service, "type"));
    own.unwrap_or("Service")
}

/// Returns the level that an address of version 3.0 stands for.
fn level(profile: &str) -> Option<&str> {
    profile.strip_prefix("http://iiif.io/api/image/3/")?.strip_suffix(".json")
}
