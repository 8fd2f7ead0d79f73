//! Collections as the world sees them: what is in a storage collection, or what a client wrote.

use super::address;
use super::caching::{Caching, Document};
use super::info::see_other;
use super::manifests::negotiated;
use super::stored::{append, flat_address, path, with_search_context};
use crate::access::Caller;
use crate::error::Answer;
use crate::http::paging::PageNumber;
use crate::http::query::QueryParams;
use crate::http::raw_path::PathParams;
use crate::management::{collections as managed, manifests};
use crate::state::Shared;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use dlcs_domain::access::Principal;
use dlcs_domain::collection::{CollectionKind, ROOT};
use dlcs_domain::{CollectionId, CustomerId, Label};
use dlcs_iiif::presentation::{PresentationVersion, downgrade, search_services};
use dlcs_projections::Page;
use dlcs_projections::manifests::{CollectionRow, StoredRow};
use dlcs_projections::paging::Direction;
use serde_json::{Value, json};

/// What a collection shows, and how much there is of it.
pub(crate) struct Shown {
    pub document: Value,
    /// How many are in a storage collection, and whether there are more than on this page.
    pub members: Option<(u64, bool)>,
}

/// `/iiif/[{v}/]{c}`: the root collection.
pub(crate) async fn root(
    State(state): State<Shared>,
    caller: Caller,
    query: QueryParams,
    headers: HeaderMap,
) -> Answer {
    let customer = caller.customer()?;
    if manifests::wants_extras(&headers) && caller.manages(customer) {
        let id = CollectionId { customer, id: ROOT.to_owned() };
        return see_other(&address::flat_collection(&state.public_url, &id));
    }
    let fixed = caller.version.map(|version| version.presentation());
    let id = address::public_root(&state.public_url, fixed, customer);
    let page = PageNumber::read(&query)?;
    let shown = shown_root(&state, &Principal::Anonymous, customer, id.clone(), page).await?;
    answer(&caller, &headers, shown, &Sent { id, page, is_public: true, modified_at_us: None })
}

/// `/{c}/collections/{id}`: for its managers with extras, for everybody else the way to the public
/// address, or the collection itself where it has none.
pub(crate) async fn flat(
    State(state): State<Shared>,
    caller: Caller,
    params: PathParams,
    query: QueryParams,
    headers: HeaderMap,
) -> Answer {
    let customer = caller.customer()?;
    let id = CollectionId { customer, id: params.get("collection").to_owned() };
    let is_managed = manifests::wants_extras(&headers) && caller.manages(customer);
    let page = PageNumber::read(&query)?;
    if id.id == ROOT {
        return match is_managed {
            true => managed::show_root(&state, &caller, customer, page).await,
            false => see_other(&address::public_root(&state.public_url, None, customer)),
        };
    }
    let row = managed::living(&state, &caller, &id).await?;
    if is_managed {
        return managed::show(&state, &caller, &headers, &row, page, StatusCode::OK).await;
    }
    match path(&state, customer, &row.stored).await? {
        Some(path) => see_other(&address::public_stored(&state.public_url, None, customer, &path)),
        None => {
            let address = address::flat_collection(&state.public_url, &row.id);
            serve(&state, &caller, &headers, &query, &row, address).await
        }
    }
}

/// Answers a collection under one of its addresses.
pub(crate) async fn serve(
    state: &Shared,
    caller: &Caller,
    headers: &HeaderMap,
    query: &QueryParams,
    row: &CollectionRow,
    id: String,
) -> Answer {
    let page = PageNumber::read(query)?;
    let shown = shown(state, &Principal::Anonymous, row, id.clone(), page).await?;
    let modified_at_us = shown.members.is_none().then_some(row.stored.modified_at_us);
    let sent = Sent { id, page, is_public: row.is_public, modified_at_us };
    answer(caller, headers, shown, &sent)
}

/// Whether a caller may know of something: a private collection is there for its customer only.
pub(crate) fn may_see(caller: &Caller, row: &StoredRow) -> bool {
    match row {
        StoredRow::Manifest(_) => true,
        StoredRow::Collection(row) => row.is_public || caller.manages(row.id.customer),
    }
}

struct Sent {
    id: String,
    page: PageNumber,
    is_public: bool,
    modified_at_us: Option<i64>,
}

fn answer(caller: &Caller, headers: &HeaderMap, shown: Shown, sent: &Sent) -> Answer {
    let negotiated = negotiated(caller, headers);
    let document = match negotiated.version {
        PresentationVersion::V2 => downgrade(&shown.document),
        PresentationVersion::V3 => shown.document,
    };
    let document = Document {
        body: document.to_string(),
        content_type: negotiated.content_type,
        modified_at_us: sent.modified_at_us,
        caching: Caching::of(sent.is_public, false),
        link: shown.members.and_then(|(_, has_more)| neighbours(sent, has_more)),
    };
    Ok(document.respond(headers))
}

/// RFC 8288: Presentation API 3.0 has no pages within a collection.
fn neighbours(sent: &Sent, has_more: bool) -> Option<String> {
    let Sent { id, page: PageNumber { page, size }, .. } = sent;
    let link = |page: usize, relation: &str| {
        format!("<{id}?page={page}&pageSize={size}>; rel=\"{relation}\"")
    };
    let previous = (*page > 1).then(|| link(page - 1, "prev"));
    let next = has_more.then(|| link(page + 1, "next"));
    let links: Vec<String> = previous.into_iter().chain(next).collect();
    (!links.is_empty()).then(|| links.join(", "))
}

/// Returns a collection under an address: what `principal` may see of what is in it.
pub(crate) async fn shown(
    state: &Shared,
    principal: &Principal,
    row: &CollectionRow,
    id: String,
    page: PageNumber,
) -> Answer<Shown> {
    let mut document = managed::document_of(state, row).await?;
    document["id"] = json!(id);
    document["type"] = json!("Collection");
    if document.get("@context").is_none_or(Value::is_null) {
        document["@context"] = json!(PresentationVersion::V3.context());
    }
    if row.kind == CollectionKind::Iiif {
        if names_ours(state, &document["items"]) {
            offer_search(state, &row.id, &mut document);
        }
        return Ok(Shown { document, members: None });
    }
    let customer = row.id.customer;
    let above = path(state, customer, &row.stored).await?;
    let parent = Some(row.id.id.as_str());
    let listed = list(state, principal, customer, parent, page).await?;
    let prefix = above.map(|it| format!("{it}/"));
    document["items"] = items(state, &listed, prefix.as_deref());
    if document.get("partOf").is_none_or(Value::is_null)
        && let Some(parent) = parent_of(state, row).await?
    {
        document["partOf"] = json!([parent]);
    }
    if !listed.items.is_empty() {
        offer_search(state, &row.id, &mut document);
    }
    Ok(Shown { document, members: Some((listed.total.unwrap_or(0), listed.has_more)) })
}

/// Returns the root collection of a customer under an address.
pub(crate) async fn shown_root(
    state: &Shared,
    principal: &Principal,
    customer: CustomerId,
    id: String,
    page: PageNumber,
) -> Answer<Shown> {
    let name = managed::customer_name(state, customer).await?;
    let listed = list(state, principal, customer, None, page).await?;
    let mut document = json!({
        "@context": PresentationVersion::V3.context(),
        "id": id,
        "type": "Collection",
        "label": Label::none(&name),
        "items": items(state, &listed, Some("")),
    });
    if !listed.items.is_empty() {
        offer_search(state, &CollectionId { customer, id: ROOT.to_owned() }, &mut document);
    }
    Ok(Shown { document, members: Some((listed.total.unwrap_or(0), listed.has_more)) })
}

/// Offers the search in what a collection holds. Whether there is any text is not looked up.
fn offer_search(state: &Shared, id: &CollectionId, document: &mut Value) {
    let search = address::search(&state.public_url, &address::collection_search_tail(id));
    append(document, "service", search_services(&search));
    document["@context"] = with_search_context(document["@context"].take());
}

/// Whether a client names anything of ours.
fn names_ours(state: &Shared, items: &Value) -> bool {
    let ours = state.public_url.at("/");
    items.as_array().into_iter().flatten().any(|item| {
        item["id"].as_str().is_some_and(|id| id.starts_with(&ours))
            || names_ours(state, &item["items"])
    })
}

async fn list(
    state: &Shared,
    principal: &Principal,
    customer: CustomerId,
    parent: Option<&str>,
    page: PageNumber,
) -> Answer<Page<StoredRow>> {
    let wanted = page.request(Direction::Ascending);
    Ok(state.queries.manifests.members(principal, customer, parent, &wanted).await?)
}

/// `prefix`: of the paths of what is listed; `None`: there is no path here.
fn items(state: &Shared, listed: &Page<StoredRow>, prefix: Option<&str>) -> Value {
    listed.items.iter().map(|row| item(state, row, prefix)).collect()
}

fn item(state: &Shared, row: &StoredRow, prefix: Option<&str>) -> Value {
    let stored = row.stored();
    let (kind, id) = match row {
        StoredRow::Manifest(it) => ("Manifest", &it.id.id),
        StoredRow::Collection(it) => ("Collection", &it.id.id),
    };
    // What was stored before labels were kept has none.
    let label = match stored.label.is_empty() {
        true => Label::none(stored.place.slug.as_deref().unwrap_or(id)),
        false => stored.label.clone(),
    };
    json!({"id": member_address(state, row, prefix), "type": kind, "label": label})
}

/// Returns the address of something in a collection whose path with a slash is `prefix`.
pub(crate) fn member_address(state: &Shared, row: &StoredRow, prefix: Option<&str>) -> String {
    match prefix.zip(row.stored().place.slug.as_ref()) {
        Some((above, slug)) => {
            let path = format!("{above}{slug}");
            address::public_stored(&state.public_url, None, row.customer(), &path)
        }
        None => flat_address(state, row),
    }
}

/// Returns what leads up to the collection above, where anybody may see that.
async fn parent_of(state: &Shared, row: &CollectionRow) -> Answer<Option<Value>> {
    let (customer, base) = (row.id.customer, &state.public_url);
    let Some(parent) = &row.stored.place.parent else {
        let root = address::public_root(base, None, customer);
        return Ok(Some(json!({"id": root, "type": "Collection"})));
    };
    let id = CollectionId { customer, id: parent.clone() };
    let above = state.queries.manifests.collection(&Principal::Anonymous, &id).await?;
    let Some(above) = above.filter(|it| it.is_public && !it.stored.deleted) else {
        return Ok(None);
    };
    let address = match path(state, customer, &above.stored).await? {
        Some(path) => address::public_stored(base, None, customer, &path),
        None => address::flat_collection(base, &above.id),
    };
    let mut parent = json!({"id": address, "type": "Collection"});
    if !above.stored.label.is_empty() {
        parent["label"] = json!(above.stored.label);
    }
    Ok(Some(parent))
}
