//! Looking into documents of other people's making: whatever is not as it should be is absent.

use serde_json::{Map, Value};

pub(super) type Object = Map<String, Value>;

/// Returns the values of a property that has none, one, or a list of them.
pub(super) fn each(value: Option<&Value>) -> std::slice::Iter<'_, Value> {
    match value {
        Some(Value::Array(items)) => items.as_slice(),
        Some(Value::Null) | None => &[],
        Some(one) => std::slice::from_ref(one),
    }
    .iter()
}

/// Returns the address of a resource: its `id`, `@id`, or the text that stands for it.
pub(super) fn id_of(resource: &Value) -> Option<&str> {
    let id = match resource {
        Value::String(id) => Some(id.as_str()),
        _ => text(resource, "id").or_else(|| text(resource, "@id")),
    };
    id.filter(|it| !it.is_empty())
}

/// Returns whether one of the resource's types is this.
pub(super) fn is(resource: &Value, kind: &str) -> bool {
    let mut types = each(resource.get("type")).chain(each(resource.get("@type")));
    types.any(|it| it.as_str() == Some(kind))
}

pub(super) fn text<'a>(resource: &'a Value, name: &str) -> Option<&'a str> {
    resource.get(name).and_then(Value::as_str)
}

/// Puts a property in, unless there is nothing to say.
pub(super) fn put(object: &mut Object, name: &str, value: Option<Value>) {
    if let Some(value) = value {
        object.insert(name.to_owned(), value);
    }
}

/// Returns a list; `None`: it is empty.
pub(super) fn list(values: Vec<Value>) -> Option<Value> {
    (!values.is_empty()).then_some(Value::Array(values))
}

/// Returns a single value as it is and several as a list; `None`: there is none.
pub(super) fn one_or_list(mut values: Vec<Value>) -> Option<Value> {
    if values.len() > 1 { Some(Value::Array(values)) } else { values.pop() }
}

/// Copies properties that both versions spell alike.
pub(super) fn copy(from: &Value, names: &[&str], to: &mut Object) {
    for name in names {
        put(to, name, from.get(*name).filter(|it| !it.is_null()).cloned());
    }
}

/// Returns the box of a fragment, `xywh=…`, from what stands behind the `#` of an address.
pub(super) fn xywh(address: &str) -> Option<&str> {
    let (_, fragment) = address.split_once('#')?;
    fragment.split('&').find(|it| it.starts_with("xywh="))
}

/// Returns an address without its fragment.
pub(super) fn without_fragment(address: &str) -> &str {
    address.split_once('#').map_or(address, |(source, _)| source)
}
