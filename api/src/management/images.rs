//! `/customers/{c}/spaces/{s}/images/{a}`: register, read, change, delete, make again.

use super::image_body;
use super::json_ld;
use super::write::{Done, Incoming, insert_modified, read_moving};
use crate::delivery::{address, asset};
use crate::error::{Answer, Problem};
use crate::http::body;
use crate::http::conditional::IfMatch;
use crate::http::fields::Fields;
use crate::memento::{Remembered, announce};
use crate::state::Resource;
use axum::body::Body;
use axum::http::StatusCode;
use dlcs_commands::Decided;
use dlcs_domain::{AssetId, Patch};
use dlcs_projections::assets::{AssetRow, AssetState};

pub(crate) async fn read(request: Incoming) -> Answer {
    let row = living(&request).await?;
    let document = json_ld::image(&request.state.public_url, &row);
    let mut response = read_moving(&document, row.edit_revision);
    insert_modified(response.headers_mut(), row.modified_at_us);
    announce(response.headers_mut(), &request.state.public_url, &Remembered::Asset(row.id));
    Ok(response)
}

/// 201 for what was not there, 200 for what was.
pub(crate) async fn put(request: Incoming, body: Body) -> Answer {
    let id = id(&request).await?;
    let json = body::json(&request.headers, body, request.state.limits.json_bytes_max).await?;
    let fields = Fields::of(&json.value)?;
    image_body::check_identity(&fields, &id)?;
    let has_origin = matches!(fields.patch_text("origin")?, Patch::Set(_));
    let has_condition = IfMatch::read(&request.headers)? == IfMatch::Any;
    let known = if has_origin && !has_condition { None } else { settled(&request, &id).await? };
    let known = known.filter(|row| row.state != AssetState::Deleted);
    if has_condition && known.is_none() {
        return Err(Problem::precondition_failed());
    }
    let source = known.map(|row| row.source);
    let registration = image_body::registration(&request.state, &fields, source)?;
    let (request, id) = (&request, &id);
    request
        .once(&json.bytes, |context| async move {
            let assets = &request.state.commands.assets;
            let decided = assets.register(&context, id, registration).await?;
            answer(request, id, decided).await
        })
        .await
}

pub(crate) async fn change(request: Incoming, body: Body) -> Answer {
    let id = id(&request).await?;
    let json = body::json(&request.headers, body, request.state.limits.json_bytes_max).await?;
    let fields = Fields::of(&json.value)?;
    image_body::check_identity(&fields, &id)?;
    let change = image_body::change(&request.state, &fields)?;
    let (request, id) = (&request, &id);
    request
        .once(&json.bytes, |context| async move {
            let decided = request.state.commands.assets.change(&context, id, change).await?;
            answer(request, id, decided).await
        })
        .await
}

pub(crate) async fn delete(request: Incoming) -> Answer {
    let id = id(&request).await?;
    let (request, id) = (&request, &id);
    request
        .once(&[], |context| async move {
            let decided = request.state.commands.assets.delete(&context, id).await?;
            let done = done(id, decided, StatusCode::NO_CONTENT);
            request.settled(&done).await;
            request.answer(&done, None)
        })
        .await
}

/// Fetches and makes it again: a new attempt.
pub(crate) async fn reingest(request: Incoming) -> Answer {
    let id = id(&request).await?;
    let (request, id) = (&request, &id);
    request
        .once(&[], |context| async move {
            let assets = &request.state.commands.assets;
            let decided = assets.request_reingest(&context, id, None).await?;
            answer(request, id, decided).await
        })
        .await
}

/// Returns the id that the address names.
pub(crate) async fn id(request: &Incoming) -> Answer<AssetId> {
    let customer = request.caller.customer()?;
    let space = asset::space_of(&request.state, customer, request.params.get("space")).await?;
    let id = AssetId::new(space, request.params.get("asset"));
    id.map_err(|error| Problem::bad_request("invalid-id", error.to_string()))
}

/// Answers the resource once its read model knows the write.
pub(crate) async fn answer(request: &Incoming, id: &AssetId, decided: Decided) -> Answer {
    let status = if decided.created { StatusCode::CREATED } else { StatusCode::OK };
    let done = done(id, decided, status);
    let row = if request.settled(&done).await { find(request, id).await? } else { None };
    let document = row.map(|row| json_ld::image(&request.state.public_url, &row));
    request.answer(&done, document.as_ref())
}

fn done(id: &AssetId, decided: Decided, status: StatusCode) -> Done {
    let path = address::managed_asset_path(id);
    Done { status, resource: Resource::Asset(id.clone()), decided, path }
}

/// Returns the row of an asset, deleted ones too.
pub(crate) async fn find(request: &Incoming, id: &AssetId) -> Answer<Option<AssetRow>> {
    Ok(request.state.queries.assets.asset(&request.caller.principal, id).await?)
}

/// Returns the row as new as this process's newest write of it.
pub(crate) async fn settled(request: &Incoming, id: &AssetId) -> Answer<Option<AssetRow>> {
    request.state.settle(&Resource::Asset(id.clone())).await;
    find(request, id).await
}

/// Returns the row of the asset that the address names; 410 where it was deleted.
pub(crate) async fn living(request: &Incoming) -> Answer<AssetRow> {
    let id = id(request).await?;
    let row = settled(request, &id).await?.ok_or_else(Problem::not_found)?;
    if row.state == AssetState::Deleted { Err(Problem::gone()) } else { Ok(row) }
}
