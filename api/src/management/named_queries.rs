//! `/customers/{c}/namedQueries` and `/customers/{c}/namedQueries/{name}`.

use super::json_ld::{self, context as json_ld_context};
use super::write::{Done, Incoming, read_steady};
use crate::error::{Answer, Problem};
use crate::http::body;
use crate::http::conditional::IfMatch;
use crate::http::fields::Fields;
use crate::http::paging::PageNumber;
use crate::http::time::iso;
use crate::state::{PublicUrl, Resource};
use axum::body::Body;
use axum::http::StatusCode;
use dlcs_commands::Decided;
use dlcs_domain::NamedQueryId;
use dlcs_iiif::link::encode_segment;
use dlcs_projections::named_queries::NamedQueryRow;
use dlcs_projections::paging::Direction;
use serde_json::{Value, json};

pub(crate) async fn list(request: Incoming) -> Answer {
    let customer = request.caller.customer()?;
    super::customers::check_exists(&request, customer).await?;
    let page = PageNumber::read(&request.query)?;
    let (state, principal) = (&request.state, &request.caller.principal);
    let wanted = page.request(Direction::Ascending);
    let rows = state.queries.named_queries.list(principal, customer, &wanted).await?;
    let members = rows.items.iter().map(|row| shown(&state.public_url, row)).collect();
    let address = state.public_url.at(format_args!("/customers/{customer}/namedQueries"));
    let list = page.collection(&address, &request.query, members, rows.has_more, rows.total);
    Ok(json_ld::json_ld(StatusCode::OK, &list))
}

pub(crate) async fn create(request: Incoming, body: Body) -> Answer {
    let customer = request.caller.customer()?;
    let json = body::json(&request.headers, body, request.state.limits.json_bytes_max).await?;
    let fields = Fields::of(&json.value)?;
    let id = NamedQueryId { customer, name: fields.needed_text("name")?.to_owned() };
    let template = fields.needed_text("template")?.to_owned();
    let request = &request;
    request
        .once(&json.bytes, |context| async move {
            let queries = &request.state.commands.named_queries;
            let decided = queries.define(&context, &id, template).await?;
            answer(request, id, decided, StatusCode::CREATED).await
        })
        .await
}

pub(crate) async fn read(request: Incoming) -> Answer {
    let id = id(&request)?;
    request.state.settle(&Resource::NamedQuery(id.clone())).await;
    let row = find(&request, &id).await?.ok_or_else(Problem::not_found)?;
    let document = shown(&request.state.public_url, &row);
    Ok(read_steady(&request.headers, &document, row.edit_revision))
}

/// Defines a named query under the name of the address (201), or changes it (200).
pub(crate) async fn put(request: Incoming, body: Body) -> Answer {
    let id = id(&request)?;
    let json = body::json(&request.headers, body, request.state.limits.json_bytes_max).await?;
    let fields = Fields::of(&json.value)?;
    if fields.text("name")?.is_some_and(|name| name != id.name) {
        return Err(Problem::field("name", "a named query keeps its name: define another one"));
    }
    let template = fields.needed_text("template")?.to_owned();
    if IfMatch::read(&request.headers)? == IfMatch::Any && find(&request, &id).await?.is_none() {
        return Err(Problem::precondition_failed());
    }
    let request = &request;
    request
        .once(&json.bytes, |context| async move {
            let decided = request.state.commands.named_queries.put(&context, &id, template).await?;
            let status = if decided.created { StatusCode::CREATED } else { StatusCode::OK };
            answer(request, id, decided, status).await
        })
        .await
}

pub(crate) async fn delete(request: Incoming) -> Answer {
    let id = id(&request)?;
    let request = &request;
    request
        .once(&[], |context| async move {
            let decided = request.state.commands.named_queries.remove(&context, &id).await?;
            answer(request, id, decided, StatusCode::NO_CONTENT).await
        })
        .await
}

fn id(request: &Incoming) -> Answer<NamedQueryId> {
    let name = request.params.get("query").to_owned();
    Ok(NamedQueryId { customer: request.caller.customer()?, name })
}

async fn find(request: &Incoming, id: &NamedQueryId) -> Answer<Option<NamedQueryRow>> {
    let row = request.state.queries.named_queries.named_query(id).await?;
    Ok(row.filter(|row| !row.removed))
}

async fn answer(
    request: &Incoming,
    id: NamedQueryId,
    decided: Decided,
    status: StatusCode,
) -> Answer {
    let path = path(&id);
    let done = Done { status, resource: Resource::NamedQuery(id.clone()), decided, path };
    let row = if request.settled(&done).await { find(request, &id).await? } else { None };
    let document = row.map(|row| shown(&request.state.public_url, &row));
    request.answer(&done, document.as_ref())
}

fn path(id: &NamedQueryId) -> String {
    format!("/customers/{}/namedQueries/{}", id.customer, encode_segment(&id.name))
}

fn shown(base: &PublicUrl, row: &NamedQueryRow) -> Value {
    json!({
        "@context": json_ld_context(),
        "@id": base.at(path(&row.id)),
        "@type": "vocab:NamedQuery",
        "id": row.id.name,
        "name": row.id.name,
        "customer": row.id.customer,
        "global": false,
        "template": row.template,
        "created": iso(row.created_at_us),
        "modified": iso(row.modified_at_us),
    })
}
