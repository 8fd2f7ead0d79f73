//! `/customers/{c}/queue/batches` and `/queue/batches/{b}`.

use super::json_ld;
use super::write::{Incoming, read_moving};
use crate::error::{Answer, Problem};
use crate::http::paging::PageNumber;
use crate::state::Resource;
use axum::http::StatusCode;
use dlcs_domain::BatchId;
use dlcs_projections::batches::BatchRow;
use dlcs_projections::paging::Direction;
use uuid::Uuid;

/// Lists batches, the newest first.
pub(crate) async fn list(request: Incoming) -> Answer {
    let customer = request.caller.customer()?;
    super::customers::check_exists(&request, customer).await?;
    let page = PageNumber::read(&request.query)?;
    let (state, principal) = (&request.state, &request.caller.principal);
    let wanted = page.request(Direction::Descending);
    let rows = state.queries.batches.list(principal, customer, &wanted).await?;
    let members = rows.items.iter().map(|row| json_ld::batch(&state.public_url, row)).collect();
    let address = state.public_url.at(format_args!("/customers/{customer}/queue/batches"));
    let list = page.collection(&address, &request.query, members, rows.has_more, rows.total);
    Ok(json_ld::json_ld(StatusCode::OK, &list))
}

pub(crate) async fn read(request: Incoming) -> Answer {
    let row = find(&request).await?;
    Ok(read_moving(&json_ld::batch(&request.state.public_url, &row), 1))
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
