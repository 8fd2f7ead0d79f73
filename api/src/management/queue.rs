//! `/customers/{c}/queue` and `/customers/{c}/queue/priority`: registers many images as one batch.

use super::write::{Done, Incoming, read_moving};
use super::{batches, customers, image_body, json_ld, ndjson};
use crate::delivery::asset::space_of;
use crate::error::{Answer, Problem};
use crate::http::body;
use crate::http::fields::Fields;
use crate::state::Resource;
use axum::body::Body;
use axum::http::StatusCode;
use dlcs_commands::CommandError;
use dlcs_commands::services::Submitted;
use dlcs_domain::asset::Registration;
use dlcs_domain::batch::Queue;
use dlcs_domain::{AssetId, CustomerId, SpaceId};
use dlcs_projections::queues;
use serde_json::{Value, json};

/// Says how much is waiting, but for what has priority.
pub(crate) async fn read(request: Incoming) -> Answer {
    read_of(&request, Queue::Default).await
}

/// Says how much of what has priority is waiting.
pub(crate) async fn read_priority(request: Incoming) -> Answer {
    read_of(&request, Queue::Priority).await
}

pub(crate) async fn submit(request: Incoming, body: Body) -> Answer {
    submit_to(request, body, Queue::Default).await
}

pub(crate) async fn submit_priority(request: Incoming, body: Body) -> Answer {
    submit_to(request, body, Queue::Priority).await
}

async fn read_of(request: &Incoming, queue: Queue) -> Answer {
    let customer = request.caller.customer()?;
    customers::check_exists(request, customer).await?;
    let (queries, principal) = (&request.state.queries, &request.caller.principal);
    let waiting = queues::waiting(queries, principal, customer, queue).await?;
    let at = request.state.public_url.at(format_args!("/customers/{customer}/queue"));
    let id = match queue {
        Queue::Default => at.clone(),
        Queue::Priority => format!("{at}/priority"),
    };
    let document = json!({
        "@context": json_ld::context(),
        "@id": id,
        "@type": "vocab:CustomerQueue",
        "name": queue.as_str(),
        "size": waiting.images,
        "imagesWaiting": waiting.images,
        "batchesWaiting": waiting.batches,
        "batches": format!("{at}/batches"),
        "active": format!("{at}/active"),
        "recent": format!("{at}/recent"),
        "priority": format!("{at}/priority"),
    });
    Ok(read_moving(&document, 0))
}

async fn submit_to(request: Incoming, body: Body, queue: Queue) -> Answer {
    let media_type = body::media_type(&request.headers);
    if matches!(media_type.as_deref(), Some("application/x-ndjson" | "application/ndjson")) {
        return ndjson::submit(request, body, queue).await;
    }
    let customer = request.caller.customer()?;
    let json = body::json(&request.headers, body, request.state.limits.json_bytes_max).await?;
    let rows = rows(&request, customer, &json.value).await?;
    let request = &request;
    request
        .once(&json.bytes, |context| async move {
            let batches = &request.state.commands.batches;
            let submitted = batches.submit(&context, customer, rows, queue).await?;
            answer(request, customer, submitted).await
        })
        .await
}

/// Reads every member before any is registered: a body that makes no sense registers nothing.
async fn rows(
    request: &Incoming,
    customer: CustomerId,
    body: &Value,
) -> Answer<Vec<(AssetId, Registration)>> {
    let members = Fields::of(body)?.get("member").and_then(Value::as_array);
    let members =
        members.ok_or_else(|| Problem::field("member", "`member` has to be a list of images"))?;
    let max = request.state.limits.batch_members_max;
    if members.is_empty() || members.len() > max {
        let detail = format!("a collection has 1 to {max} members; NDJSON takes any number");
        return Err(Problem::field("member", detail));
    }
    let mut rows = Vec::with_capacity(members.len());
    for (index, member) in members.iter().enumerate() {
        let row = row(request, customer, member).await;
        rows.push(row.map_err(|problem| problem.with("member", json!(index)))?);
    }
    let mut spaces: Vec<SpaceId> = rows.iter().map(|(id, _)| id.space()).collect();
    spaces.sort_unstable();
    spaces.dedup();
    for space in spaces {
        let living = super::spaces::living(request, space).await;
        living.map_err(|problem| problem.or_if_missing(|| no_space(space)))?;
    }
    Ok(rows)
}

/// Reads one image of a batch.
pub(crate) async fn row(
    request: &Incoming,
    customer: CustomerId,
    member: &Value,
) -> Answer<(AssetId, Registration)> {
    let fields = Fields::of(member)?;
    let id = row_id(request, customer, &fields).await?;
    image_body::check_identity(&fields, &id)?;
    Ok((id, image_body::registration(&request.state, &fields, None)?))
}

/// Reads `id` and `space`, or the whole triple in `id`.
pub(crate) async fn row_id(
    request: &Incoming,
    customer: CustomerId,
    fields: &Fields<'_>,
) -> Answer<AssetId> {
    let name = fields.needed_text("id")?;
    let space = match fields.get("space") {
        None | Some(Value::Null) => {
            let id = name.parse::<AssetId>().ok().filter(|id| id.customer() == customer);
            let detail = "`space` is missing, and `id` is not customer/space/asset";
            return id.ok_or_else(|| Problem::field("space", detail));
        }
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::String(text)) => text.rsplit('/').next().unwrap_or_default().to_owned(),
        Some(_) => return Err(Problem::field("space", "`space` has to be a number or a name")),
    };
    let unknown = |problem: Problem| problem.or_if_missing(|| no_space(&space));
    let space = space_of(&request.state, customer, &space).await.map_err(unknown)?;
    AssetId::new(space, name).map_err(|error| Problem::field("id", error.to_string()))
}

/// 400: a body names a space that is not there.
pub(crate) fn no_space(space: impl std::fmt::Display) -> Problem {
    Problem::field("space", format!("there is no space `{space}`"))
}

async fn answer(request: &Incoming, customer: CustomerId, submitted: Submitted) -> Answer {
    let Submitted { batch, decided, rows, .. } = submitted;
    let path = format!("/customers/{customer}/queue/batches/{batch}");
    let done =
        Done { status: StatusCode::CREATED, resource: Resource::Batch(batch), decided, path };
    let settled = request.settled(&done).await;
    let row = if settled { batches::by_id(request, batch).await? } else { None };
    let document = row.map(|row| {
        let mut document = json_ld::batch(&request.state.public_url, &row);
        let failed = failures(rows);
        if !failed.is_empty() {
            document["refused"] = Value::from(failed);
        }
        document
    });
    request.answer(&done, document.as_ref())
}

/// Returns the rows that a rule refused, by number.
fn failures<T>(rows: Vec<Result<T, CommandError>>) -> Vec<Value> {
    let rows = rows.into_iter().enumerate();
    rows.filter_map(|(row, outcome)| {
        let problem = Problem::from(outcome.err()?);
        Some(json!({"row": row, "error": {"code": problem.code, "detail": problem.detail}}))
    })
    .collect()
}
