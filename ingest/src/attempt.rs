//! One attempt: the command that begins it, the work, the command that ends it.

use crate::make::{Made, Workshop, while_store_is_away};
use crate::measures;
use crate::pending::{Ending, Next, Order};
use crate::process_manager::CONSUMER;
use crate::sending::{Trouble, live_asset, send};
use crate::work::{Cause, Moment, Signal, SignalError, Work, signal};
use dlcs_commands::{CommandContext, Executor, Outcome, Position};
use dlcs_domain::asset::{Asset, AssetCommand, AssetEvent, IngestPhase, LiveAsset};
use dlcs_domain::{ActorId, Aggregate, AssetId};
use dlcs_eventlog::RecordedEvent;
use tokio::time::Instant;
use tracing::{info, warn};
use uuid::Uuid;

/// Everything that attempts need, shared by all of them.
pub(crate) struct Attempts {
    pub(crate) executor: Executor,
    pub(crate) workshop: Workshop,
}

impl Work for Attempts {
    const CONSUMER: &'static str = CONSUMER;
    const CATEGORY: &'static str = Asset::CATEGORY;

    fn signal(event: &RecordedEvent) -> Result<Option<Signal>, SignalError> {
        signal(event)
    }

    async fn run(
        &self,
        order: &Order,
        started: impl FnOnce(Position) + Send,
    ) -> Result<Ending, Trouble> {
        let Some(generation) = self.generation(order).await? else {
            return Ok(Ending::NothingToDo { next: Next::Nothing });
        };
        let now_us = self.now_us();
        let command = AssetCommand::StartIngest { generation, now_us };
        let context = context(&order.asset, order.cause, None);
        fail::fail_point!("ingest.before-start");
        let outcome = send::<Asset>(&self.executor, &context, &order.asset, command).await?;
        fail::fail_point!("ingest.after-start");
        let has_begun = outcome.events.iter().any(|it| matches!(it, AssetEvent::IngestStarted(_)));
        let live = outcome.after.live().filter(|_| has_begun).cloned();
        let Some(asset) = live else { return Ok(self.ending(&outcome, generation)) };
        started(outcome.decided.position);
        self.attempt(order, asset).await
    }

    fn reached(moment: Moment) {
        match moment {
            Moment::BeforeLease => {
                fail::fail_point!("ingest.before-lease");
            }
            Moment::AfterLease => {
                fail::fail_point!("ingest.after-lease");
            }
            Moment::BeforeRelease => {
                fail::fail_point!("ingest.before-release");
            }
            Moment::BeforeCheckpoint => {
                fail::fail_point!("ingest.before-checkpoint");
            }
            Moment::AfterCheckpoint => {
                fail::fail_point!("ingest.after-checkpoint");
            }
        }
    }
}

impl Attempts {
    async fn attempt(&self, order: &Order, asset: LiveAsset) -> Result<Ending, Trouble> {
        let (generation, attempt) = (asset.generation, asset.attempt);
        let begun = Instant::now();
        measures::started();
        let made = while_store_is_away(|| self.workshop.make(&order.asset, &asset)).await;
        let command = match made {
            Ok(Made { delivered, .. }) => {
                measures::delivered(&delivered, begun.elapsed());
                let duration_ms = begun.elapsed().as_millis();
                info!(asset.id = %order.asset, attempt, duration_ms, "ingested asset {}", order.asset);
                AssetCommand::ReportDelivered { generation, attempt, delivered }
            }
            Err(refusal) => {
                let (code, detail) = (refusal.code, refusal.detail);
                measures::failed(code, begun.elapsed());
                warn!(asset.id = %order.asset, attempt, %code, "could not ingest asset {}: {detail}", order.asset);
                AssetCommand::ReportFailed {
                    generation,
                    attempt,
                    code,
                    detail,
                    now_us: self.now_us(),
                }
            }
        };
        let context = context(&order.asset, order.cause, Some((generation, attempt)));
        fail::fail_point!("ingest.before-result");
        let outcome = send::<Asset>(&self.executor, &context, &order.asset, command).await?;
        fail::fail_point!("ingest.after-result");
        Ok(self.ending(&outcome, generation))
    }

    /// Returns the generation to work for; `None`: there is no asset.
    async fn generation(&self, order: &Order) -> Result<Option<u32>, Trouble> {
        if order.generation.is_some() {
            return Ok(order.generation);
        }
        let asset = live_asset(&self.executor, &order.asset).await?;
        Ok(asset.map(|asset| asset.generation))
    }

    fn ending(&self, outcome: &Outcome<Asset>, generation: u32) -> Ending {
        let next = next_of(&outcome.after, generation, self.now_us());
        match outcome.decided.changed {
            true => Ending::Recorded { position: outcome.decided.position, next },
            false => Ending::NothingToDo { next },
        }
    }

    fn now_us(&self) -> i64 {
        self.executor.clock().now_us()
    }
}

/// Says how an asset of this generation goes on, by its state.
pub(crate) fn next_of(asset: &Asset, generation: u32, now_us: i64) -> Next {
    let asset = asset.live().filter(|asset| asset.generation == generation);
    match asset.map(|asset| &asset.ingest) {
        Some(IngestPhase::Failed(failure)) => match failure.next_attempt_at_us {
            Some(due_us) => Next::At { due_us },
            None => Next::Nothing,
        },
        // Somebody has opened another attempt meanwhile.
        Some(IngestPhase::Pending | IngestPhase::Started) => Next::At { due_us: now_us },
        Some(IngestPhase::Delivered) | None => Next::Nothing,
    }
}

/// Makes the context of a command. A report is repeatable; a start is not, each opens an attempt.
fn context(asset: &AssetId, cause: Cause, report: Option<(u32, u32)>) -> CommandContext {
    let actor = ActorId("process-ingest".to_owned());
    let context = CommandContext::new(actor, Some(asset.customer()), cause.correlation_id);
    let name = |(generation, attempt)| format!("ingest/{asset}/{generation}/{attempt}");
    let command_id = report.map(|it| Uuid::new_v5(&Uuid::NAMESPACE_OID, name(it).as_bytes()));
    CommandContext { causation_id: Some(cause.event_id), command_id, ..context }
}
