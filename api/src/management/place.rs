//! Where a stored manifest or collection is, as clients write it and see it: `slug` and `parent`.

use crate::delivery::{address, stored};
use crate::error::{Answer, Problem};
use crate::http::fields::Fields;
use crate::http::time::iso;
use crate::state::Shared;
use dlcs_domain::collection::ROOT;
use dlcs_domain::{CollectionId, CustomerId, Label, Patch, PlacePatch};
use dlcs_projections::manifests::Stored;
use serde_json::{Value, json};

/// Reads what a body says: what is left out stays, `null` clears.
///
/// A parent is named by its address, or by the last part of it.
pub(crate) fn patch(state: &Shared, fields: &Fields<'_>) -> Answer<PlacePatch> {
    let parent = match fields.patch_text("parent")? {
        Patch::Set(parent) => match flat_parent(state, &parent)? {
            root if root.eq_ignore_ascii_case(ROOT) => Patch::Clear,
            id => Patch::Set(id.to_owned()),
        },
        kept => kept,
    };
    Ok(PlacePatch { parent, slug: fields.patch_text("slug")? })
}

fn flat_parent<'a>(state: &Shared, parent: &'a str) -> Answer<&'a str> {
    let ours = state.public_url.at("/");
    let id = match parent.strip_prefix(&ours) {
        Some(path) => path.split_once("/collections/").map(|(_, id)| id),
        None => Some(parent).filter(|it| !it.contains(['/', ':'])),
    };
    let unknown = || Problem::field("parent", "`parent` is the address or id of a collection");
    id.filter(|it| !it.is_empty()).ok_or_else(unknown)
}

/// Shows what the API knows of something beside its document.
pub(crate) async fn shown(
    state: &Shared,
    customer: CustomerId,
    stored: &Stored,
    flat: String,
) -> Answer<Value> {
    let base = &state.public_url;
    let path = stored::path(state, customer, stored).await?;
    let public = path.map(|path| address::public_stored(base, None, customer, &path));
    let parent = stored.place.parent.clone().unwrap_or_else(|| ROOT.to_owned());
    let parent = CollectionId { customer, id: parent };
    Ok(json!({
        "id": flat,
        "slug": stored.place.slug,
        "label": stored.label,
        "publicId": public.unwrap_or(flat),
        "parent": address::flat_collection(base, &parent),
        "created": iso(stored.created_at_us),
        "modified": iso(stored.modified_at_us),
    }))
}

/// Reads what a document says that it is called: a text, or a language map.
pub(crate) fn label(document: &Value) -> Label {
    Label::of(stored::language_map(&document["label"]).texts())
}
