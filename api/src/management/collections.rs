//! `/{c}/collections` and `/{c}/collections/{id}`: collections for those who manage them.

use super::collection_body::{self, NewCollection};
use super::json_ld;
use super::manifests::{kept, merge, needs_extras, until_unchanged};
use super::place;
use super::write::{Done, Incoming, insert_edit_tag, insert_modified};
use crate::access::Caller;
use crate::delivery::address;
use crate::delivery::collections::{Shown, shown, shown_root};
use crate::error::{Answer, Problem};
use crate::http::body;
use crate::http::conditional::{IfMatch, Validators, into_not_modified};
use crate::http::paging::PageNumber;
use crate::http::query::QueryParams;
use crate::state::{Resource, Shared};
use axum::body::Body;
use axum::http::{HeaderMap, StatusCode};
use dlcs_commands::{CommandContext, Decided};
use dlcs_domain::access::Principal;
use dlcs_domain::collection::ROOT;
use dlcs_domain::{CollectionId, CustomerId};
use dlcs_iiif::base::fill_base;
use dlcs_iiif::content_search::SearchService;
use dlcs_projections::manifests::CollectionRow;
use dlcs_projections::paging::Direction;
use serde_json::{Map, Value, json};

pub(crate) async fn list(request: Incoming) -> Answer {
    let customer = request.caller.customer()?;
    super::customers::check_exists(&request, customer).await?;
    let page = PageNumber::read(&request.query)?;
    let (state, principal) = (&request.state, &request.caller.principal);
    let wanted = page.request(Direction::Ascending);
    let rows = state.queries.manifests.collections(principal, customer, &wanted).await?;
    let mut members = Vec::with_capacity(rows.items.len());
    for row in &rows.items {
        let mut member = summary(state, row).await?;
        member["label"] = json!(row.stored.label);
        members.push(member);
    }
    let address = state.public_url.at(format_args!("/{customer}/collections"));
    let list = page.collection(&address, &request.query, members, rows.has_more, rows.total);
    Ok(json_ld::json_ld(StatusCode::OK, &list))
}

pub(crate) async fn create(request: Incoming, body: Body) -> Answer {
    let customer = request.caller.customer()?;
    needs_extras(&request.headers)?;
    let max = request.state.limits.manifest_bytes_max;
    let json = body::json(&request.headers, body, max).await?;
    let NewCollection { id, change } = collection_body::read(&request.state, &json.value, None)?;
    let request = &request;
    request
        .once(&json.bytes, |context| async move {
            let collections = &request.state.commands.collections;
            let (id, decided) = collections.create(&context, customer, id, change).await?;
            answer(request, id, decided, StatusCode::CREATED).await
        })
        .await
}

/// Stores a collection under the id of the address (201), or changes it (200).
pub(crate) async fn put(request: Incoming, body: Body) -> Answer {
    needs_extras(&request.headers)?;
    let id = id_of(&request)?;
    let max = request.state.limits.manifest_bytes_max;
    let json = body::json(&request.headers, body, max).await?;
    let known = find(&request, &id).await?;
    if IfMatch::read(&request.headers)? == IfMatch::Any && known.is_none() {
        return Err(Problem::precondition_failed());
    }
    let mut written = json.value.clone();
    if let Some(row) = &known {
        forget_ours(&request, row, &mut written).await?;
    }
    let NewCollection { change, .. } =
        collection_body::read(&request.state, &written, known.as_ref())?;
    let request = &request;
    request
        .once(&json.bytes, |context| async move {
            let collections = &request.state.commands.collections;
            let decided = collections.put(&context, &id, change).await?;
            let status = if decided.created { StatusCode::CREATED } else { StatusCode::OK };
            answer(request, id, decided, status).await
        })
        .await
}

/// Takes from a collection that was read what we had put into it.
async fn forget_ours(request: &Incoming, row: &CollectionRow, body: &mut Value) -> Answer<()> {
    let kept = document_of(&request.state, row).await?;
    let shown = view(&request.state, &request.caller.principal, row, first_page()?).await?;
    let Some(members) = body.as_object_mut() else { return Ok(()) };
    forget_search(&request.state, row, members);
    for name in ["partOf", "@context", "service"] {
        // What we add to is a list, whatever it was.
        let is_kept = members.get(name).is_some_and(|it| *it == json!([kept[name]]));
        if members.get(name).is_none() || (!is_kept && members.get(name) != shown.get(name)) {
            continue;
        }
        match kept.get(name) {
            Some(own) => drop(members.insert(name.to_owned(), own.clone())),
            None => drop(members.remove(name)),
        }
    }
    Ok(())
}

/// Takes our search services from those that a client sends back.
fn forget_search(state: &Shared, row: &CollectionRow, members: &mut Map<String, Value>) {
    let tail = address::collection_search_tail(&row.id);
    let SearchService { search_v1, search_v2, .. } = address::search(&state.public_url, &tail);
    let is_ours = |service: &Value| {
        let id = service.get("id").or_else(|| service.get("@id")).and_then(Value::as_str);
        id.is_some_and(|id| id == search_v1 || id == search_v2)
    };
    let Some(Value::Array(services)) = members.get_mut("service") else { return };
    let before = services.len();
    services.retain(|it| !is_ours(it));
    if services.is_empty() && before > 0 {
        members.remove("service");
    }
}

/// Changes what a JSON merge patch (RFC 7396) names: `null` takes away, what is left out stays.
pub(crate) async fn change(request: Incoming, body: Body) -> Answer {
    needs_extras(&request.headers)?;
    let id = id_of(&request)?;
    let max = request.state.limits.manifest_bytes_max;
    let json = body::json(&request.headers, body, max).await?;
    let (request, patch) = (&request, &json.value);
    request
        .once(&json.bytes, |context| async move {
            let decided =
                until_unchanged(&context, || change_once(request, &context, &id, patch)).await?;
            answer(request, id, decided, StatusCode::OK).await
        })
        .await
}

/// Patches the collection as it is now, if it stays like that until then.
async fn change_once(
    request: &Incoming,
    context: &CommandContext,
    id: &CollectionId,
    patch: &Value,
) -> Answer<Decided> {
    let state = &request.state;
    let row = living(state, &request.caller, id).await?;
    let mut document = document_of(state, &row).await?;
    document["behavior"] = Value::from(behavior(&document, &row));
    merge(&mut document, patch);
    // What is cleared has to be seen as cleared.
    for name in ["slug", "parent"] {
        if let Some(value) = patch.get(name) {
            document[name] = value.clone();
        }
    }
    let NewCollection { change, .. } = collection_body::read(state, &document, Some(&row))?;
    let expected_edit = context.expected_edit.or(Some(row.stored.edit_revision));
    let context = CommandContext { expected_edit, ..context.clone() };
    Ok(state.commands.collections.change(&context, id, change).await?)
}

/// Deletes a collection that nothing is in.
pub(crate) async fn delete(request: Incoming) -> Answer {
    needs_extras(&request.headers)?;
    let id = id_of(&request)?;
    let request = &request;
    request
        .once(&[], |context| async move {
            let decided = request.state.commands.collections.delete(&context, &id).await?;
            answer(request, id, decided, StatusCode::NO_CONTENT).await
        })
        .await
}

/// Returns a collection that is there for the caller.
pub(crate) async fn living(
    state: &Shared,
    caller: &Caller,
    id: &CollectionId,
) -> Answer<CollectionRow> {
    state.settle(&Resource::Collection(id.clone())).await;
    let row = state.queries.manifests.collection(&caller.principal, id).await?;
    let row = row.filter(|row| row.is_public || caller.manages(id.customer));
    match row {
        None => Err(Problem::not_found()),
        Some(row) if row.stored.deleted => Err(Problem::gone()),
        Some(row) => Ok(row),
    }
}

/// Answers the view of managers: the collection and what the API knows beside it.
pub(crate) async fn show(
    state: &Shared,
    caller: &Caller,
    headers: &HeaderMap,
    row: &CollectionRow,
    page: PageNumber,
    status: StatusCode,
) -> Answer {
    let document = view(state, &caller.principal, row, page).await?;
    let mut response = json_ld::json_ld(status, &document);
    insert_edit_tag(response.headers_mut(), row.stored.edit_revision);
    insert_modified(response.headers_mut(), row.stored.modified_at_us);
    let validators =
        Validators { etag: row.stored.edit_revision.to_string(), modified_at_us: None };
    // What is in a storage collection changes without an edit of it.
    let is_known = document.get("totalItems").is_none() && validators.not_modified(headers);
    Ok(if is_known { into_not_modified(response) } else { response })
}

/// Answers the root collection for those who manage it.
pub(crate) async fn show_root(
    state: &Shared,
    caller: &Caller,
    customer: CustomerId,
    page: PageNumber,
) -> Answer {
    let id = CollectionId { customer, id: ROOT.to_owned() };
    let flat = address::flat_collection(&state.public_url, &id);
    let shown = shown_root(state, &caller.principal, customer, flat.clone(), page).await?;
    let mut document = paged(shown, &flat, page);
    document["flatId"] = json!(ROOT);
    document["publicId"] = json!(address::public_root(&state.public_url, None, customer));
    document["behavior"] = json!(["storage-collection", "public-iiif"]);
    Ok(json_ld::json_ld(StatusCode::OK, &document))
}

/// Returns the document that a row names, with our base filled in.
pub(crate) async fn document_of(state: &Shared, row: &CollectionRow) -> Answer<Value> {
    let kept = kept(state, &row.stored).await?;
    serde_json::from_str(&fill_base(&kept, state.public_url.as_str())).map_err(Problem::internal)
}

/// Returns what people call a customer.
pub(crate) async fn customer_name(state: &Shared, customer: CustomerId) -> Answer<String> {
    let everything = Principal::Process { actor: dlcs_domain::ActorId("process-api".to_owned()) };
    let row = state.queries.customers.customer(&everything, customer).await?;
    match row {
        None => Err(Problem::not_found()),
        Some(row) if row.deleted => Err(Problem::gone()),
        Some(row) if row.display_name.is_empty() => Ok(row.name),
        Some(row) => Ok(row.display_name),
    }
}

async fn view(
    state: &Shared,
    principal: &Principal,
    row: &CollectionRow,
    page: PageNumber,
) -> Answer<Value> {
    let flat = address::flat_collection(&state.public_url, &row.id);
    let shown = shown(state, principal, row, flat.clone(), page).await?;
    let mut document = paged(shown, &flat, page);
    document["behavior"] = Value::from(behavior(&document, row));
    let extras = summary(state, row).await?;
    for name in ["slug", "parent", "publicId", "flatId", "created", "modified"] {
        document[name] = extras[name].clone();
    }
    Ok(document)
}

/// Returns the client's `behavior` and what DLCS knows of it.
fn behavior(document: &Value, row: &CollectionRow) -> Vec<Value> {
    let theirs = document["behavior"].as_array().cloned().unwrap_or_default();
    theirs.into_iter().chain(collection_body::behavior(row)).collect()
}

/// Says how much there is, and where.
fn paged(shown: Shown, flat: &str, page: PageNumber) -> Value {
    let Shown { mut document, members } = shown;
    if let Some((total, has_more)) = members {
        let none = QueryParams::parse("");
        let list = page.collection(flat, &none, Vec::new(), has_more, Some(total));
        document["totalItems"] = json!(total);
        document["view"] = list["view"].clone();
    }
    document
}

async fn summary(state: &Shared, row: &CollectionRow) -> Answer<Value> {
    let flat = address::flat_collection(&state.public_url, &row.id);
    let mut summary = place::shown(state, row.id.customer, &row.stored, flat).await?;
    summary["type"] = json!("Collection");
    summary["flatId"] = json!(row.id.id);
    summary["behavior"] = Value::from(collection_body::behavior(row));
    Ok(summary)
}

async fn answer(
    request: &Incoming,
    id: CollectionId,
    decided: Decided,
    status: StatusCode,
) -> Answer {
    let path = format!("/{}/collections/{}", id.customer, dlcs_iiif::link::encode_segment(&id.id));
    let done = Done { status, resource: Resource::Collection(id.clone()), decided, path };
    let row = if request.settled(&done).await { find(request, &id).await? } else { None };
    let document = match row {
        Some(row) => {
            Some(view(&request.state, &request.caller.principal, &row, first_page()?).await?)
        }
        None => None,
    };
    request.answer(&done, document.as_ref())
}

fn first_page() -> Answer<PageNumber> {
    PageNumber::read(&QueryParams::parse(""))
}

fn id_of(request: &Incoming) -> Answer<CollectionId> {
    let id = request.params.get("collection").to_owned();
    Ok(CollectionId { customer: request.caller.customer()?, id })
}

async fn find(request: &Incoming, id: &CollectionId) -> Answer<Option<CollectionRow>> {
    let row = request.state.queries.manifests.collection(&request.caller.principal, id).await?;
    Ok(row.filter(|row| !row.stored.deleted))
}
