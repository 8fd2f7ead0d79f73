//! Many images at once: read by id, changed, deleted.

use super::write::{Done, Incoming, insert_position};
use super::{image_body, json_ld, queue};
use crate::delivery::address;
use crate::delivery::asset::space_of;
use crate::error::{Answer, Problem};
use crate::http::body;
use crate::http::fields::Fields;
use crate::state::Resource;
use axum::body::Body;
use axum::http::StatusCode;
use dlcs_commands::{CommandError, Decided};
use dlcs_domain::asset::{AssetList, ListOperation};
use dlcs_domain::{AssetId, SpaceId};
use dlcs_projections::Position;
use dlcs_projections::assets::{AssetRow, AssetState};
use serde_json::{Value, json};
use std::borrow::Cow;

/// Images that are answered in full, at most.
const SHOWN_MAX: usize = 1_000;

/// Returns the images of a list of ids, in its order; those that are not there are left out.
pub(crate) async fn read(request: Incoming, body: Body) -> Answer {
    let (ids, _) = ids(&request, body, SHOWN_MAX).await?;
    let rows = shown(&request, &ids).await?;
    Ok(json_ld::json_ld(StatusCode::OK, &collection(rows, Vec::new())))
}

/// Changes the images of a space: each member has an `id` and what is to be changed.
pub(crate) async fn change_of_space(request: Incoming, body: Body) -> Answer {
    let customer = request.caller.customer()?;
    let space = space_of(&request.state, customer, request.params.get("space")).await?;
    super::spaces::living(&request, space).await?;
    change(request, Some(space), body).await
}

/// Changes images of a customer: each member has an `id`, and either what is to be changed, or the
/// body names a `field`, an `operation` and a `value` for all of them.
pub(crate) async fn change_of_customer(request: Incoming, body: Body) -> Answer {
    change(request, None, body).await
}

async fn change(request: Incoming, space: Option<SpaceId>, body: Body) -> Answer {
    let json = body::json(&request.headers, body, request.state.limits.json_bytes_max).await?;
    let fields = Fields::of(&json.value)?;
    let members = members(&fields, SHOWN_MAX)?;
    let operation = operation(&fields)?;
    let mut ids = Vec::with_capacity(members.len());
    let mut changes = Vec::with_capacity(members.len());
    for (row, member) in members.iter().enumerate() {
        let numbered = |problem: Problem| problem.with("member", json!(row));
        let member = as_object(member);
        let fields = Fields::of(&member).map_err(numbered)?;
        let id = member_id(&request, space, &fields).await.map_err(numbered)?;
        if operation.is_none() {
            let change = image_body::change(&request.state, &fields).map_err(numbered)?;
            changes.push((id.clone(), change));
        }
        ids.push(id);
    }
    let (request, ids) = (&request, &ids);
    let write = |context| async move {
        let assets = &request.state.commands.assets;
        let done = match operation {
            Some((list, operation)) => {
                assets.change_lists(&context, ids.clone(), list, operation).await
            }
            None => assets.change_many(&context, changes).await,
        };
        answer(request, ids, done, collection).await
    };
    request.once(&json.bytes, write).await
}

/// Deletes the images of a list of ids.
pub(crate) async fn delete(request: Incoming, body: Body) -> Answer {
    let (ids, bytes) = ids(&request, body, request.state.limits.batch_members_max).await?;
    let (request, ids) = (&request, &ids);
    let write = |context| async move {
        let done = request.state.commands.assets.delete_many(&context, ids.clone()).await;
        let deleted = done.iter().filter(|it| it.is_ok()).count();
        answer(request, ids, done, |_, refused| {
            json!({
                "@context": json_ld::context(),
                "@type": "vocab:DeletedImages",
                "deleted": deleted,
                "refused": refused,
            })
        })
        .await
    };
    request.once(&bytes, write).await
}

/// Reads `field`, `operation` and `value`, which are for all members; `None`: the body names no field.
fn operation(fields: &Fields<'_>) -> Answer<Option<(AssetList, ListOperation)>> {
    let list = match fields.text("field")? {
        None => return Ok(None),
        Some("tags") => AssetList::Tags,
        Some("roles") => AssetList::Roles,
        Some(_) => {
            let detail = "`field` is `tags` or `roles`; other fields stand in each member";
            return Err(Problem::field("field", detail));
        }
    };
    let values = fields.texts("value")?;
    let values =
        values.ok_or_else(|| Problem::field("value", "`value` has to be a list of texts"))?;
    let operation = match fields.needed_text("operation")? {
        "add" => ListOperation::Add(values),
        "remove" => ListOperation::Remove(values),
        "replace" => ListOperation::Replace(values),
        _ => {
            let detail = "`operation` is `add`, `remove` or `replace`";
            return Err(Problem::field("operation", detail));
        }
    };
    Ok(Some((list, operation)))
}

fn members<'a>(fields: &Fields<'a>, most: usize) -> Answer<&'a [Value]> {
    let members = fields.get("member").and_then(Value::as_array);
    let members =
        members.ok_or_else(|| Problem::field("member", "`member` has to be a list of images"))?;
    if members.is_empty() || members.len() > most {
        return Err(Problem::field("member", format!("there are 1 to {most} members")));
    }
    Ok(members)
}

/// A member is an object with an `id`, or the id itself.
fn as_object(member: &Value) -> Cow<'_, Value> {
    match member {
        Value::String(id) => Cow::Owned(json!({ "id": id })),
        other => Cow::Borrowed(other),
    }
}

/// Reads a list of ids: objects with an `id`, or the ids themselves.
async fn ids(request: &Incoming, body: Body, most: usize) -> Answer<(Vec<AssetId>, bytes::Bytes)> {
    let json = body::json(&request.headers, body, request.state.limits.json_bytes_max).await?;
    let mut ids = Vec::new();
    for (row, member) in members(&Fields::of(&json.value)?, most)?.iter().enumerate() {
        let numbered = |problem: Problem| problem.with("member", json!(row));
        let member = as_object(member);
        let fields = Fields::of(&member).map_err(numbered)?;
        ids.push(member_id(request, None, &fields).await.map_err(numbered)?);
    }
    Ok((ids, json.bytes))
}

/// Reads which image a member is: by `id`, within a space that it names or the address does, or by
/// `@id`.
async fn member_id(
    request: &Incoming,
    space: Option<SpaceId>,
    fields: &Fields<'_>,
) -> Answer<AssetId> {
    let customer = request.caller.customer()?;
    let Some(space) = space else { return queue::row_id(request, customer, fields).await };
    let name = fields.needed_text("id")?;
    let id = match name.parse::<AssetId>().ok().filter(|id| id.space() == space) {
        Some(id) => id,
        None => {
            AssetId::new(space, name).map_err(|error| Problem::field("id", error.to_string()))?
        }
    };
    image_body::check_identity(fields, &id)?;
    Ok(id)
}

async fn rows(request: &Incoming, ids: &[AssetId]) -> Answer<Vec<AssetRow>> {
    for id in ids {
        request.state.settle(&Resource::Asset(id.clone())).await;
    }
    Ok(request.state.queries.assets.assets_by_id(&request.caller.principal, ids).await?)
}

async fn shown(request: &Incoming, ids: &[AssetId]) -> Answer<Vec<Value>> {
    let rows = rows(request, ids).await?;
    let living = rows.iter().filter(|row| row.state != AssetState::Deleted);
    Ok(living.map(|row| json_ld::image(&request.state.public_url, row)).collect())
}

fn collection(members: Vec<Value>, refused: Vec<Value>) -> Value {
    let mut document = json!({
        "@context": json_ld::context(),
        "@type": "Collection",
        "totalItems": members.len(),
        "member": members,
    });
    if !refused.is_empty() {
        document["refused"] = Value::from(refused);
    }
    document
}

/// Answers what became of each image, once the read models know it. What may pass fails the whole:
/// it can be repeated.
async fn answer(
    request: &Incoming,
    ids: &[AssetId],
    done: Vec<Result<Decided, CommandError>>,
    document: impl FnOnce(Vec<Value>, Vec<Value>) -> Value,
) -> Answer {
    if let Some(error) = done.iter().filter_map(|it| it.as_ref().err()).find(|it| it.may_pass()) {
        return Err(error.clone().into());
    }
    let last = ids.iter().zip(&done).filter_map(|(id, done)| Some((id, done.as_ref().ok()?)));
    let last = last.max_by_key(|(_, decided)| decided.position);
    let position = last.map_or(Position(0), |(_, decided)| decided.position);
    if let Some((id, decided)) = last {
        let path = address::managed_asset_path(id);
        let resource = Resource::Asset(id.clone());
        request.settled(&Done { status: StatusCode::OK, resource, decided: *decided, path }).await;
    }
    let refused = ids.iter().zip(done).enumerate().filter_map(|(row, (id, done))| {
        let problem = Problem::from(done.err()?);
        let error = json!({ "code": problem.code, "detail": problem.detail });
        Some(json!({ "row": row, "id": id, "error": error }))
    });
    let refused: Vec<Value> = refused.collect();
    let rows = if ids.len() <= SHOWN_MAX { shown(request, ids).await? } else { Vec::new() };
    let mut response = json_ld::json_ld(StatusCode::OK, &document(rows, refused));
    insert_position(response.headers_mut(), position);
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &Value) -> Answer<Option<(AssetList, ListOperation)>> {
        operation(&Fields::of(body).expect("an object"))
    }

    #[test]
    fn an_operation_is_for_all_members() {
        let body = json!({"field": "tags", "operation": "add", "value": ["x"]});
        let expected = (AssetList::Tags, ListOperation::Add(vec!["x".to_owned()]));
        assert_eq!(read(&body).expect("well-formed"), Some(expected));
        assert_eq!(read(&json!({"member": []})).expect("well-formed"), None);
    }

    #[test]
    fn what_is_no_operation_is_named() {
        for body in [
            json!({"field": "origin", "operation": "replace", "value": ["x"]}),
            json!({"field": "tags", "operation": "double", "value": ["x"]}),
            json!({"field": "tags", "value": ["x"]}),
            json!({"field": "tags", "operation": "add", "value": "x"}),
            json!({"field": "tags", "operation": "add"}),
        ] {
            assert!(read(&body).is_err(), "{body}");
        }
    }
}
