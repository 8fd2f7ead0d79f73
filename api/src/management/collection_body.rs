//! A collection as clients write it and as it is kept.
//!
//! Kept is the client's own document without what only this API knows. `behavior` says what it is:
//! `storage-collection` holds what is put into it, `public-iiif` may be seen by anybody; both are
//! words of DLCS, and not shown to the world.

use super::manifest_body::{dangerous, flat_id};
use super::place;
use crate::error::{Answer, Problem};
use crate::http::fields::Fields;
use crate::state::Shared;
use dlcs_commands::NewDocument;
use dlcs_commands::services::CollectionChange;
use dlcs_domain::collection::CollectionKind;
use dlcs_iiif::base::strip_base;
use dlcs_iiif::presentation::{check, is_version_2, upgrade};
use dlcs_projections::manifests::CollectionRow;
use serde_json::{Value, json};

const STORAGE: &str = "storage-collection";
const PUBLIC: &str = "public-iiif";
/// What the API adds when it shows a collection, and takes away when it gets it back.
const EXTRAS: [&str; 10] = [
    "id",
    "slug",
    "parent",
    "publicId",
    "flatId",
    "created",
    "modified",
    "totalItems",
    "view",
    "type",
];
/// THREATS 4.3.
const ITEMS_MAX: usize = 20_000;

/// What a client asks for.
#[derive(Debug)]
pub(crate) struct NewCollection {
    pub id: Option<String>,
    pub change: CollectionChange,
}

/// Reads a body; one of Presentation 2.1 is kept as 3.0. `known`: the collection that it is to change.
pub(crate) fn read(
    state: &Shared,
    body: &Value,
    known: Option<&CollectionRow>,
) -> Answer<NewCollection> {
    check(body).map_err(dangerous)?;
    let upgraded = is_version_2(body).then(|| upgrade(body));
    let body = upgraded.as_ref().unwrap_or(body);
    // Addresses that were plain text are ids now.
    check(body).map_err(dangerous)?;
    let fields = Fields::of(body)?;
    if fields.text("type")?.is_some_and(|kind| kind != "Collection") {
        return Err(Problem::field("type", "`type` has to be Collection"));
    }
    let place = place::patch(state, &fields)?;
    let behavior = fields.texts("behavior")?;
    let says = |word: &str| behavior.as_ref().map(|it| it.iter().any(|it| it == word));
    let kind = match (known, says(STORAGE), fields.get("items")) {
        (_, Some(true), _) => CollectionKind::Storage,
        (Some(known), None, _) => known.kind,
        (_, _, Some(Value::Array(_))) => CollectionKind::Iiif,
        (_, None, _) => CollectionKind::Storage,
        (_, Some(false), _) => {
            let detail = "a IIIF collection needs `items`, a storage collection the behavior \
                          `storage-collection`";
            return Err(Problem::field("items", detail));
        }
    };
    let mut document = body.clone();
    let members = document.as_object_mut().ok_or_else(Problem::not_found)?;
    members.retain(|name, _| !EXTRAS.contains(&name.as_str()));
    match kind {
        CollectionKind::Storage => drop(members.remove("items")),
        CollectionKind::Iiif => check_items(&fields)?,
    }
    let theirs = behavior.iter().flatten().filter(|it| ![STORAGE, PUBLIC].contains(&it.as_str()));
    let theirs: Vec<&String> = theirs.collect();
    members.remove("behavior");
    if !theirs.is_empty() {
        members.insert("behavior".to_owned(), json!(theirs));
    }
    let label = place::label(&document);
    if label.is_empty() {
        return Err(Problem::field(
            "label",
            "a collection needs a `label`: a language map or a text",
        ));
    }
    if document["label"].is_string() {
        document["label"] = json!(label);
    }
    let bytes = strip_base(&document.to_string(), state.public_url.as_str()).into();
    let document = NewDocument { bytes, label };
    let change = CollectionChange { kind, place, is_public: says(PUBLIC), document };
    Ok(NewCollection { id: flat_id(state, "collections", fields.text("id")?), change })
}

/// Returns the words of `behavior` that say what a collection is.
pub(crate) fn behavior(row: &CollectionRow) -> Vec<Value> {
    let storage = (row.kind == CollectionKind::Storage).then(|| json!(STORAGE));
    let public = row.is_public.then(|| json!(PUBLIC));
    storage.into_iter().chain(public).collect()
}

/// Presentation API 3.0, section 3.2: what a collection may list.
fn check_items(fields: &Fields<'_>) -> Answer<()> {
    let Some(Value::Array(items)) = fields.get("items") else {
        return Err(Problem::field("items", "a IIIF collection needs `items`"));
    };
    if items.len() > ITEMS_MAX {
        let detail = format!("a collection lists at most {ITEMS_MAX} items");
        return Err(Problem::field("items", detail));
    }
    for (index, item) in items.iter().enumerate() {
        let is_listed = matches!(item["type"].as_str(), Some("Manifest" | "Collection"));
        let address = item["id"].as_str().unwrap_or_default();
        let is_address = address.starts_with("https://") || address.starts_with("http://");
        if !is_listed || !is_address {
            let detail = "each item is a Manifest or a Collection with an http(s) `id`";
            return Err(Problem::field("items", detail).with("index", json!(index)));
        }
    }
    Ok(())
}
