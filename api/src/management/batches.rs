//! `/customers/{c}/queue/batches` and `/queue/batches/{b}`.

use super::json_ld;
use super::write::{Incoming, read_moving};
use crate::error::{Answer, Problem};
use crate::http::paging::PageNumber;
use crate::state::Resource;
use axum::http::StatusCode;
use dlcs_domain::BatchId;
use dlcs_projections::batches::{BatchList, BatchRow};
use dlcs_projections::paging::Direction;
use serde_json::json;
use uuid::Uuid;

/// Lists batches, the newest first.
pub(crate) async fn list(request: Incoming) -> Answer {
    list_of(request, BatchList::All, "batches").await
}

/// Lists those that run, the newest first.
pub(crate) async fn active(request: Incoming) -> Answer {
    list_of(request, BatchList::Active, "active").await
}

/// Lists those that are done, what was done last first.
pub(crate) async fn recent(request: Incoming) -> Answer {
    list_of(request, BatchList::Recent, "recent").await
}

async fn list_of(request: Incoming, which: BatchList, path: &str) -> Answer {
    let customer = request.caller.customer()?;
    super::customers::check_exists(&request, customer).await?;
    let page = PageNumber::read(&request.query)?;
    let (state, principal) = (&request.state, &request.caller.principal);
    let wanted = page.request(Direction::Descending);
    let rows = state.queries.batches.list(principal, customer, which, &wanted).await?;
    let members = rows.items.iter().map(|row| json_ld::batch(&state.public_url, row)).collect();
    let address = state.public_url.at(format_args!("/customers/{customer}/queue/{path}"));
    let list = page.collection(&address, &request.query, members, rows.has_more, rows.total);
    Ok(json_ld::json_ld(StatusCode::OK, &list))
}

pub(crate) async fn read(request: Incoming) -> Answer {
    let row = find(&request).await?;
    Ok(read_moving(&json_ld::batch(&request.state.public_url, &row), 1))
}

/// Counts anew what a batch has done. They are a fold of its members' history, which does not drift:
/// there is never anything to mend.
pub(crate) async fn test(request: Incoming) -> Answer {
    find(&request).await?;
    Ok(json_ld::json_ld(StatusCode::OK, &json!({"success": true})))
}

pub(crate) async fn find(request: &Incoming) -> Answer<BatchRow> {
    let id = Uuid::try_parse(request.params.get("batch")).map_err(|_| Problem::not_found())?;
    by_id(request, BatchId(id)).await?.ok_or_else(Problem::not_found)
}

pub(crate) async fn by_id(request: &Incoming, id: BatchId) -> Answer<Option<BatchRow>> {
    let customer = request.caller.customer()?;
    request.state.settle(&Resource::Batch(id)).await;
    let batches = &request.state.queries.batches;
    Ok(batches.batch(&request.caller.principal, customer, id).await?)
}
