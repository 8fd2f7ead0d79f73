//! `/customers/{c}/spaces` and `/customers/{c}/spaces/{s}`.

use super::json_ld;
use super::write::{Done, Incoming, read_moving};
use crate::delivery::asset::space_of;
use crate::error::{Answer, Problem};
use crate::http::body;
use crate::http::conditional::IfMatch;
use crate::http::fields::Fields;
use crate::http::paging::PageNumber;
use crate::state::Resource;
use axum::body::Body;
use axum::http::StatusCode;
use dlcs_commands::Decided;
use dlcs_commands::services::NewSpace;
use dlcs_domain::SpaceId;
use dlcs_domain::space::SpaceChange;
use dlcs_projections::paging::Direction;
use dlcs_projections::spaces::SpaceRow;
use serde_json::Value;

pub(crate) async fn list(request: Incoming) -> Answer {
    let customer = request.caller.customer()?;
    super::customers::check_exists(&request, customer).await?;
    let page = PageNumber::read(&request.query)?;
    let (state, principal) = (&request.state, &request.caller.principal);
    let wanted = page.request(Direction::Ascending);
    let rows = state.queries.spaces.list(principal, customer, &wanted).await?;
    let members = rows.items.iter().map(|row| json_ld::space(&state.public_url, row)).collect();
    let address = state.public_url.at(format_args!("/customers/{customer}/spaces"));
    let list = page.collection(&address, &request.query, members, rows.has_more, rows.total);
    Ok(json_ld::json_ld(StatusCode::OK, &list))
}

/// Creates a space under the customer's next number.
pub(crate) async fn create(request: Incoming, body: Body) -> Answer {
    let customer = request.caller.customer()?;
    let json = body::json(&request.headers, body, request.state.limits.json_bytes_max).await?;
    let fields = Fields::of(&json.value)?;
    let space = NewSpace {
        name: fields.needed_text("name")?.to_owned(),
        default_tags: fields.texts("defaultTags")?.unwrap_or_default(),
        default_roles: fields.texts("defaultRoles")?.unwrap_or_default(),
        default_recognise: fields.languages("defaultOcr")?.unwrap_or_default(),
    };
    let request = &request;
    request
        .once(&json.bytes, |context| async move {
            let spaces = &request.state.commands.spaces;
            let (id, decided) = spaces.create(&context, customer, space).await?;
            answer(request, id, decided, StatusCode::CREATED).await
        })
        .await
}

pub(crate) async fn read(request: Incoming) -> Answer {
    let id = id(&request).await?;
    let row = living(&request, id).await?;
    let document = json_ld::space(&request.state.public_url, &row);
    Ok(read_moving(&document, row.edit_revision))
}

/// Creates a space under the number of the address (201), or changes it (200).
pub(crate) async fn put(request: Incoming, body: Body) -> Answer {
    let id = id(&request).await?;
    let json = body::json(&request.headers, body, request.state.limits.json_bytes_max).await?;
    let change = change_of(&json.value, id)?;
    if IfMatch::read(&request.headers)? == IfMatch::Any {
        let living = living(&request, id).await;
        living.map_err(|problem| problem.or_if_missing(Problem::precondition_failed))?;
    }
    let request = &request;
    request
        .once(&json.bytes, |context| async move {
            let decided = request.state.commands.spaces.put(&context, id, change).await?;
            let status = if decided.created { StatusCode::CREATED } else { StatusCode::OK };
            answer(request, id, decided, status).await
        })
        .await
}

pub(crate) async fn change(request: Incoming, body: Body) -> Answer {
    let id = id(&request).await?;
    let json = body::json(&request.headers, body, request.state.limits.json_bytes_max).await?;
    let change = change_of(&json.value, id)?;
    let request = &request;
    request
        .once(&json.bytes, |context| async move {
            let decided = request.state.commands.spaces.change(&context, id, change).await?;
            answer(request, id, decided, StatusCode::OK).await
        })
        .await
}

pub(crate) async fn delete(request: Incoming) -> Answer {
    let id = id(&request).await?;
    let request = &request;
    request
        .once(&[], |context| async move {
            let decided = request.state.commands.spaces.delete(&context, id).await?;
            answer(request, id, decided, StatusCode::NO_CONTENT).await
        })
        .await
}

fn change_of(body: &Value, id: SpaceId) -> Answer<SpaceChange> {
    let fields = Fields::of(body)?;
    let is_other = |number: &Value| number.as_u64() != Some(id.space.0.into());
    if fields.get("id").is_some_and(|number| !number.is_null() && is_other(number)) {
        return Err(Problem::field("id", "`id` conflicts with the address"));
    }
    let name = fields.text("name")?.map(str::to_owned);
    let default_tags = fields.patch_texts("defaultTags")?;
    let default_roles = fields.patch_texts("defaultRoles")?;
    let default_recognise = fields.patch_languages("defaultOcr")?;
    Ok(SpaceChange { name, default_tags, default_roles, default_recognise })
}

pub(crate) async fn id(request: &Incoming) -> Answer<SpaceId> {
    space_of(&request.state, request.caller.customer()?, request.params.get("space")).await
}

async fn answer(request: &Incoming, id: SpaceId, decided: Decided, status: StatusCode) -> Answer {
    let path = format!("/customers/{}/spaces/{}", id.customer, id.space);
    let done = Done { status, resource: Resource::Space(id), decided, path };
    let row = if request.settled(&done).await { find(request, id).await? } else { None };
    let document = row.map(|row| json_ld::space(&request.state.public_url, &row));
    request.answer(&done, document.as_ref())
}

/// Returns a space that exists.
pub(crate) async fn living(request: &Incoming, id: SpaceId) -> Answer<SpaceRow> {
    request.state.settle(&Resource::Space(id)).await;
    let row = find(request, id).await?.ok_or_else(Problem::not_found)?;
    if row.deleted { Err(Problem::gone()) } else { Ok(row) }
}

async fn find(request: &Incoming, id: SpaceId) -> Answer<Option<SpaceRow>> {
    Ok(request.state.queries.spaces.space(&request.caller.principal, id).await?)
}
