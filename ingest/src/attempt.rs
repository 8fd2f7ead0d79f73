//! One attempt: the command that begins it, the work, the command that ends it.

use crate::make::{Made, Workshop};
use crate::measures;
use crate::pending::{Ending, Next, Order};
use crate::work::Cause;
use dlcs_commands::{CommandContext, DispatchError, Executor, Outcome, Position};
use dlcs_domain::asset::{Asset, AssetCommand, AssetError, AssetEvent, IngestPhase, LiveAsset};
use dlcs_domain::{ActorId, AssetId};
use std::time::Duration;
use tokio::time::Instant;
use tracing::{error, info, warn};
use uuid::Uuid;

/// How often a command is sent that could not be recorded.
const SENDS_MAX: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// Why a run has no ending.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// The log could not be used for a while.
    Passing(String),
    /// The asset's history cannot be read.
    Lasting(String),
}

/// Everything that attempts need, shared by all of them.
pub(crate) struct Attempts {
    pub(crate) executor: Executor,
    pub(crate) workshop: Workshop,
}

impl Attempts {
    /// Runs what is due for an asset. `started` is told where the attempt's beginning was recorded.
    pub(crate) async fn run(
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
        let outcome = self.send(&context, &order.asset, command).await?;
        fail::fail_point!("ingest.after-start");
        let has_begun = outcome.events.iter().any(|it| matches!(it, AssetEvent::IngestStarted(_)));
        let live = outcome.after.live().filter(|_| has_begun).cloned();
        let Some(asset) = live else { return Ok(self.ending(&outcome, generation)) };
        started(outcome.decided.position);
        self.attempt(order, asset).await
    }

    async fn attempt(&self, order: &Order, asset: LiveAsset) -> Result<Ending, Trouble> {
        let (generation, attempt) = (asset.generation, asset.attempt);
        let begun = Instant::now();
        measures::started();
        let made = self.workshop.make(&order.asset, &asset).await;
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
        let outcome = self.send(&context, &order.asset, command).await?;
        fail::fail_point!("ingest.after-result");
        Ok(self.ending(&outcome, generation))
    }

    /// Returns the generation to work for; `None`: there is no asset.
    async fn generation(&self, order: &Order) -> Result<Option<u32>, Trouble> {
        if order.generation.is_some() {
            return Ok(order.generation);
        }
        let loaded = self.executor.load::<Asset>(&order.asset.to_string()).await;
        let loaded = loaded.map_err(|error| trouble(error.into()))?;
        Ok(loaded.state.live().map(|asset| asset.generation))
    }

    /// Sends a command until it is decided. Sending it again applies it once.
    async fn send(
        &self,
        context: &CommandContext,
        asset: &AssetId,
        command: AssetCommand,
    ) -> Result<Outcome<Asset>, Trouble> {
        let id = asset.to_string();
        let mut pause = FIRST_PAUSE;
        for _ in 1..SENDS_MAX {
            match self.executor.execute_one::<Asset>(context, &id, command.clone()).await {
                Err(
                    DispatchError::Busy | DispatchError::Full(_) | DispatchError::Unavailable(_),
                ) => {
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                }
                decided => return decided.map_err(trouble),
            }
        }
        self.executor.execute_one::<Asset>(context, &id, command).await.map_err(trouble)
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

fn trouble(error: DispatchError<AssetError>) -> Trouble {
    match error {
        DispatchError::Busy | DispatchError::Full(_) | DispatchError::Unavailable(_) => {
            Trouble::Passing(error.to_string())
        }
        DispatchError::Rejected(_)
        | DispatchError::EditMismatch { .. }
        | DispatchError::OtherBody
        | DispatchError::Damaged(_) => {
            error!(%error, "an asset's history cannot be used");
            Trouble::Lasting(error.to_string())
        }
    }
}
