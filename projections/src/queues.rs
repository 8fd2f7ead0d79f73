//! How much waits in each queue of a customer? Asked of the read models of assets and of batches.

use crate::Queries;
use crate::assets::{AssetFilter, AssetOrder, AssetState};
use crate::batches::Waiting;
use crate::paging::{Direction, PageRequest, QueryError};
use dlcs_domain::CustomerId;
use dlcs_domain::access::Principal;
use dlcs_domain::batch::Queue;

/// Counts what waits. What came in no batch waits in the default queue.
pub async fn waiting(
    queries: &Queries,
    principal: &Principal,
    customer: CustomerId,
    queue: Queue,
) -> Result<Waiting, QueryError> {
    let priority = queries.batches.waiting(principal, customer, Queue::Priority).await?;
    if queue == Queue::Priority {
        return Ok(priority);
    }
    let batches = queries.batches.waiting(principal, customer, queue).await?.batches;
    let state = Some(AssetState::Ingesting);
    let filter = AssetFilter { customer: Some(customer), state, ..AssetFilter::default() };
    let one = PageRequest { limit: 1, after: None, offset: 0, direction: Direction::Ascending };
    let all = queries.assets.list(principal, &filter, AssetOrder::Created, &one, true).await?;
    // One of the two read models may be a moment ahead of the other.
    let images = all.total.unwrap_or_default().saturating_sub(priority.images);
    Ok(Waiting { batches, images })
}
