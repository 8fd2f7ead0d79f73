//! Following a batch until it is finished.

use super::change;
use crate::context::{customer_id, principal, query_error, refused, state};
use crate::types::batch::Batch;
use async_graphql::{Context, Result, Subscription as GraphqlSubscription};
use dlcs_domain::BatchId;
use dlcs_domain::access::Principal;
use dlcs_projections::batches::BatchRow;
use futures::Stream;

#[derive(Default)]
pub(super) struct BatchSubscription;

#[GraphqlSubscription]
impl BatchSubscription {
    /// Follows a batch: its state now, then each change, until it is finished.
    async fn batch_progress(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 1)] customer: u32,
        id: String,
    ) -> Result<impl Stream<Item = Result<Batch>> + use<>> {
        let who = principal(ctx);
        if who == Principal::Anonymous {
            return Err(refused("not-allowed", "credentials are needed for this"));
        }
        let customer = customer_id(customer)?;
        let id = id.parse().map_err(|_| refused("bad-id", format!("`{id}` is not a batch")))?;
        let batch = BatchId(id);
        let queries = state(ctx).queries.clone();
        let first = queries.batches.batch(&who, customer, batch).await.map_err(query_error)?;
        if first.is_none() {
            return Err(refused("not-found", format!("there is no batch {batch}")));
        }
        let position = queries.freshness.subscribe("batches");
        let begin = Follow { queries, who, customer, batch, position, sent: None, ended: false };
        Ok(futures::stream::unfold(begin, |mut follow| async move {
            let item = follow.next().await?;
            Some((item, follow))
        }))
    }
}

struct Follow {
    queries: dlcs_projections::Queries,
    who: Principal,
    customer: dlcs_domain::CustomerId,
    batch: BatchId,
    position: Option<tokio::sync::watch::Receiver<dlcs_projections::Position>>,
    sent: Option<BatchRow>,
    ended: bool,
}

impl Follow {
    /// Waits for the next change; the access is decided again each time.
    async fn next(&mut self) -> Option<Result<Batch>> {
        while !self.ended {
            let read = self.queries.batches.batch(&self.who, self.customer, self.batch).await;
            let row = match read {
                Ok(row) => row?,
                Err(error) => {
                    self.ended = true;
                    return Some(Err(query_error(error)));
                }
            };
            if self.sent.as_ref() != Some(&row) {
                self.ended = row.finished_at_us.is_some();
                self.sent = Some(row.clone());
                return Some(Ok(Batch::from(row)));
            }
            change(&mut self.position).await;
        }
        None
    }
}
