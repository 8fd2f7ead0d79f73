//! `/annotations/{w3c|oa}/{c}/{container}/{annotation}`: one annotation. Protocol, section 5.

use super::documents::Vocabulary;
use super::headers::{Kind, Sent, no_content};
use crate::access::Caller;
use crate::error::{Answer, Problem};
use crate::http::body;
use crate::http::conditional::{IfMatch, Validators};
use crate::http::raw_path::PathParams;
use crate::management::write::{Done, Incoming, insert_position};
use crate::memento::{Remembered, announce};
use crate::state::{Resource, Shared};
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use dlcs_commands::Decided;
use dlcs_domain::{AnnotationId, AssetId, ContainerId, CustomerId};
use dlcs_projections::annotations::{AnnotationRow, ContainerRow};
use serde_json::Value;

pub(crate) async fn read(
    State(state): State<Shared>,
    caller: Caller,
    params: PathParams,
    headers: HeaderMap,
) -> Answer {
    let vocabulary = Vocabulary::of(&params)?;
    let id = id(caller.customer()?, &params);
    state.settle(&Resource::Annotation(id.clone())).await;
    let container = open_container(&state, &caller, &id.container).await?;
    let row = state.queries.annotations.annotation(&id).await?.ok_or_else(Problem::not_found)?;
    if row.deleted {
        return Err(Problem::gone());
    }
    let assets: Vec<AssetId> = row.assets().collect();
    let rules = state.queries.annotations.rules_of(&assets).await?;
    for rule in &rules {
        caller.check(rule)?;
    }
    let sent = sent(&state, vocabulary, &container, &row)?;
    let sent = Sent { is_open: sent.is_open && rules.is_empty(), ..sent };
    let mut response = sent.respond(&headers)?;
    announce(response.headers_mut(), &state.public_url, &Remembered::Annotation(id));
    Ok(response)
}

/// Replaces an annotation (200), or creates one under this very address (201).
pub(crate) async fn put(request: Incoming, body: Body) -> Answer {
    let vocabulary = Vocabulary::of(&request.params)?;
    let id = id(request.caller.customer()?, &request.params);
    let json =
        body::json(&request.headers, body, request.state.limits.annotation_bytes_max).await?;
    let known = request.state.queries.annotations.annotation(&id).await?;
    if IfMatch::read(&request.headers)? == IfMatch::Any && known.is_none() {
        return Err(Problem::precondition_failed());
    }
    let base = &request.state.public_url;
    let document = vocabulary.read(base, &json.bytes, Some((&id, known.as_ref())))?;
    let request = &request;
    request
        .once(&json.bytes, |context| async move {
            let annotations = &request.state.commands.annotations;
            let decided = annotations.put(&context, &id, document).await?;
            let status = if decided.created { StatusCode::CREATED } else { StatusCode::OK };
            answer(request, vocabulary, id, decided, status).await
        })
        .await
}

pub(crate) async fn delete(request: Incoming) -> Answer {
    let vocabulary = Vocabulary::of(&request.params)?;
    let id = id(request.caller.customer()?, &request.params);
    let request = &request;
    request
        .once(&[], |context| async move {
            let decided = request.state.commands.annotations.delete(&context, &id).await?;
            answer(request, vocabulary, id, decided, StatusCode::NO_CONTENT).await
        })
        .await
}

/// Answers a write: with the annotation, once its read model shows it.
pub(super) async fn answer(
    request: &Incoming,
    vocabulary: Vocabulary,
    id: AnnotationId,
    decided: Decided,
    status: StatusCode,
) -> Answer {
    let path = vocabulary.annotation_path(&id);
    let container = Resource::Container(id.container.clone());
    request.state.written.record(container, decided.position);
    let done = Done { status, resource: Resource::Annotation(id.clone()), decided, path };
    let is_settled = request.settled(&done).await;
    let mut response = match shown(request, vocabulary, &id, is_settled).await? {
        _ if status == StatusCode::NO_CONTENT => no_content(Kind::Annotation),
        None => return request.answer(&done, None),
        Some(sent) => sent.written(status)?,
    };
    insert_position(response.headers_mut(), done.decided.position);
    Ok(response)
}

async fn shown(
    request: &Incoming,
    vocabulary: Vocabulary,
    id: &AnnotationId,
    is_settled: bool,
) -> Answer<Option<Sent>> {
    let annotations = &request.state.queries.annotations;
    if !is_settled {
        return Ok(None);
    }
    let (container, row) =
        (annotations.container(&id.container).await?, annotations.annotation(id).await?);
    let Some((container, row)) = container.zip(row.filter(|it| !it.deleted)) else {
        return Ok(None);
    };
    sent(&request.state, vocabulary, &container, &row).map(Some)
}

/// Returns a living container that the caller may read.
pub(super) async fn open_container(
    state: &Shared,
    caller: &Caller,
    id: &ContainerId,
) -> Answer<ContainerRow> {
    state.settle(&Resource::Container(id.clone())).await;
    let row = state.queries.annotations.container(id).await?.ok_or_else(Problem::not_found)?;
    caller.check(&row.rule())?;
    if row.deleted {
        return Err(Problem::gone());
    }
    Ok(row)
}

fn sent(
    state: &Shared,
    vocabulary: Vocabulary,
    container: &ContainerRow,
    row: &AnnotationRow,
) -> Answer<Sent> {
    Ok(Sent {
        kind: Kind::Annotation,
        vocabulary,
        document: Value::Object(vocabulary.show(&state.public_url, row)?),
        validators: Validators {
            etag: row.edit_revision.to_string(),
            modified_at_us: Some(row.modified_at_us),
        },
        is_open: container.roles.is_empty(),
        location: state.public_url.at(vocabulary.annotation_path(&row.id)),
    })
}

fn id(customer: CustomerId, params: &PathParams) -> AnnotationId {
    let container = ContainerId { customer, id: params.get("container").to_owned() };
    AnnotationId { container, id: params.get("annotation").to_owned() }
}
