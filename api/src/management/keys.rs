//! `/customers/{c}/keys` and `/customers/{c}/keys/{key}`.

use super::json_ld::{self, context as json_ld_context};
use super::write::{Done, Incoming, read_steady};
use crate::error::{Answer, Problem};
use crate::http::body;
use crate::http::fields::Fields;
use crate::http::paging::PageNumber;
use crate::http::time::{iso, parse_iso};
use crate::state::{PublicUrl, Resource};
use axum::body::Body;
use axum::http::{HeaderMap, StatusCode};
use bytes::Bytes;
use dlcs_commands::Decided;
use dlcs_commands::services::{IssuedApiKey, NewApiKey};
use dlcs_domain::access::{Principal, Right, Scope};
use dlcs_domain::{ApiKeyId, CustomerId};
use dlcs_projections::api_keys::ApiKeyRow;
use dlcs_projections::paging::Direction;
use serde_json::{Value, json};

pub(crate) async fn list(request: Incoming) -> Answer {
    let customer = request.caller.customer()?;
    super::customers::check_exists(&request, customer).await?;
    let page = PageNumber::read(&request.query)?;
    let (state, principal) = (&request.state, &request.caller.principal);
    let wanted = page.request(Direction::Ascending);
    let rows = state.queries.api_keys.list(principal, customer, &wanted).await?;
    let members = rows.items.iter().map(|row| shown(&state.public_url, row)).collect();
    let address = state.public_url.at(format_args!("/customers/{customer}/keys"));
    let list = page.collection(&address, &request.query, members, rows.has_more, rows.total);
    Ok(json_ld::json_ld(StatusCode::OK, &list))
}

/// Issues a key. No body is needed: without one it may do all that whoever asks may, as long.
pub(crate) async fn issue(request: Incoming, body: Body) -> Answer {
    let customer = request.caller.customer()?;
    let (body, bytes) =
        read_body(&request.headers, body, request.state.limits.json_bytes_max).await?;
    let issuer = scope_of(&request.caller.principal);
    let new = wished(customer, issuer, &Fields::of(&body)?)?;
    let request = &request;
    let issued = |context| async move {
        let issued = request.state.commands.api_keys.issue(&context, issuer, new).await?;
        let IssuedApiKey { id, secret, decided } = issued;
        answer(request, id, secret, decided, StatusCode::CREATED).await
    };
    request.once_without(&["secret"], &bytes, issued).await
}

pub(crate) async fn read(request: Incoming) -> Answer {
    let id = id(&request)?;
    request.state.settle(&Resource::ApiKey(id.clone())).await;
    let row = find(&request, &id).await?.ok_or_else(Problem::not_found)?;
    if row.revoked {
        return Err(Problem::gone());
    }
    let document = shown(&request.state.public_url, &row);
    Ok(read_steady(&request.headers, &document, row.edit_revision()))
}

pub(crate) async fn revoke(request: Incoming) -> Answer {
    let id = id(&request)?;
    let request = &request;
    request
        .once(&[], |context| async move {
            let decided = request.state.commands.api_keys.revoke(&context, &id).await?;
            answer(request, id, None, decided, StatusCode::NO_CONTENT).await
        })
        .await
}

/// Reads a body of JSON; no body is an empty object.
pub(crate) async fn read_body(
    headers: &HeaderMap,
    body: Body,
    bytes_max: usize,
) -> Answer<(Value, Bytes)> {
    if body::media_type(headers).is_some() {
        let json = body::json(headers, body, bytes_max).await?;
        return Ok((json.value, json.bytes));
    }
    let bytes = body::collect(headers, body, bytes_max).await?;
    if bytes.is_empty() {
        return Ok((json!({}), bytes));
    }
    let json = body::json(headers, Body::from(bytes), bytes_max).await?;
    Ok((json.value, json.bytes))
}

fn wished(customer: CustomerId, issuer: Scope, fields: &Fields<'_>) -> Answer<NewApiKey> {
    let right = match fields.text("access")? {
        None => Right::Manage,
        Some(text) => text.parse().map_err(|error| Problem::field("access", format!("{error}")))?,
    };
    let until_us = match fields.text("expires")? {
        None => issuer.until_us,
        Some(text) => {
            let time = parse_iso(text);
            Some(time.ok_or_else(|| Problem::field("expires", "`expires` is a time of RFC 3339"))?)
        }
    };
    let label = fields.text("label")?.unwrap_or_default().to_owned();
    Ok(NewApiKey { customer, right, until_us, label })
}

/// How far whoever asks reaches: a process of ours makes no keys.
fn scope_of(principal: &Principal) -> Scope {
    match principal {
        Principal::Key { scope, .. } => *scope,
        Principal::Anonymous | Principal::Reader { .. } | Principal::Process { .. } => {
            Scope { right: Right::Read, ..Scope::ADMIN }
        }
    }
}

fn id(request: &Incoming) -> Answer<ApiKeyId> {
    let id = request.params.get("key").to_owned();
    Ok(ApiKeyId { customer: request.caller.customer()?, id })
}

/// A key of another customer is not there.
async fn find(request: &Incoming, id: &ApiKeyId) -> Answer<Option<ApiKeyRow>> {
    let row = request.state.queries.api_keys.credentials(&id.id).await?;
    Ok(row.filter(|row| row.id == *id))
}

async fn answer(
    request: &Incoming,
    id: ApiKeyId,
    secret: Option<String>,
    decided: Decided,
    status: StatusCode,
) -> Answer {
    let path = path(&id);
    let done = Done { status, resource: Resource::ApiKey(id.clone()), decided, path };
    let row = if request.settled(&done).await { find(request, &id).await? } else { None };
    let mut document = row.map(|row| shown(&request.state.public_url, &row));
    if let Some(secret) = secret {
        // It cannot be asked for later, whether the key is shown yet or not.
        let base = &request.state.public_url;
        let document = document.get_or_insert_with(|| named(base, &id));
        document["secret"] = json!(secret);
    }
    request.answer(&done, document.as_ref())
}

fn path(id: &ApiKeyId) -> String {
    format!("/customers/{}/keys/{}", id.customer, dlcs_iiif::link::encode_segment(&id.id))
}

fn named(base: &PublicUrl, id: &ApiKeyId) -> Value {
    json!({
        "@context": json_ld_context(),
        "@id": base.at(path(id)),
        "@type": "vocab:Key",
        "key": id.id,
        "customer": id.customer,
    })
}

fn shown(base: &PublicUrl, row: &ApiKeyRow) -> Value {
    let mut document = named(base, &row.id);
    document["label"] = json!(row.label);
    document["access"] = json!(row.right.as_str());
    document["expires"] = json!(row.until_us.map(iso));
    document["created"] = json!(iso(row.created_at_us));
    document
}
