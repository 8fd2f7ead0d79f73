//! One attempt: what follows from the registration is asked for, then the command that begins it,
//! the work, and the command that ends it.

use super::CONSUMER;
use super::read::{Desk, Read};
use super::signal::signal;
use crate::make::while_store_is_away;
use crate::measures;
use crate::pending::{Ending, Next, Order};
use crate::sending::{Trouble, live_asset, send};
use crate::work::{Cause, Moment, Signal, SignalError, Work};
use dlcs_commands::{CommandContext, Executor, Outcome, Position};
use dlcs_domain::asset::LiveAsset;
use dlcs_domain::transcription::{
    AskedBy, ImageRef, Recognition, RecognitionPhase, Transcription, TranscriptionCommand,
    TranscriptionEvent,
};
use dlcs_domain::{ActorId, Aggregate, AssetId};
use dlcs_eventlog::RecordedEvent;
use tokio::time::Instant;
use tracing::{info, warn};
use uuid::Uuid;

/// Everything that attempts need, shared by all of them.
pub(super) struct Recognitions {
    pub(super) executor: Executor,
    pub(super) desk: Desk,
}

impl Work for Recognitions {
    const CONSUMER: &'static str = CONSUMER;
    const CATEGORY: &'static str = Transcription::CATEGORY;

    fn signal(event: &RecordedEvent) -> Result<Option<Signal>, SignalError> {
        signal(event)
    }

    async fn run(
        &self,
        order: &Order,
        started: impl FnOnce(Position) + Send,
    ) -> Result<Ending, Trouble> {
        let Some(asset) = live_asset(&self.executor, &order.asset).await? else {
            return Ok(Ending::NothingToDo { next: Next::Nothing });
        };
        self.ask_for(order, &asset).await?;
        let (generation, now_us) = (asset.generation, self.now_us());
        let command = TranscriptionCommand::StartRecognition { generation, now_us };
        fail::fail_point!("recognition.before-start");
        let outcome = self.send(order, command, None).await?;
        fail::fail_point!("recognition.after-start");
        let begins =
            |it: &TranscriptionEvent| matches!(it, TranscriptionEvent::RecognitionStarted(_));
        let has_begun = outcome.events.iter().any(begins);
        let recognition = outcome.after.recognition.clone().filter(|_| has_begun);
        let Some(recognition) = recognition else { return Ok(self.ending(&outcome, generation)) };
        started(outcome.decided.position);
        self.attempt(order, outcome.after.attempt, recognition).await
    }

    fn reached(moment: Moment) {
        match moment {
            Moment::BeforeLease => {
                fail::fail_point!("recognition.before-lease");
            }
            Moment::AfterLease => {
                fail::fail_point!("recognition.after-lease");
            }
            Moment::BeforeRelease => {
                fail::fail_point!("recognition.before-release");
            }
            Moment::BeforeCheckpoint => {
                fail::fail_point!("recognition.before-checkpoint");
            }
            Moment::AfterCheckpoint => {
                fail::fail_point!("recognition.after-checkpoint");
            }
        }
    }
}

impl Recognitions {
    /// Asks for what the asset is registered with. The domain knows whether it is there already.
    async fn ask_for(&self, order: &Order, asset: &LiveAsset) -> Result<(), Trouble> {
        let Some(delivered) = asset.delivered.as_ref().filter(|_| !asset.recognise.is_empty())
        else {
            return Ok(());
        };
        let image = ImageRef {
            generation: asset.generation,
            attempt: delivered.attempt,
            original: delivered.delivered.original.clone(),
        };
        let languages = asset.recognise.clone();
        let asked_by = AskedBy::Registration;
        let command = TranscriptionCommand::Request { image, languages, asked_by };
        self.send(order, command, None).await?;
        fail::fail_point!("recognition.after-request");
        Ok(())
    }

    async fn attempt(
        &self,
        order: &Order,
        attempt: u32,
        recognition: Recognition,
    ) -> Result<Ending, Trouble> {
        let Recognition { image, languages, .. } = recognition;
        let generation = image.generation;
        let begun = Instant::now();
        measures::recognition_started();
        let read = while_store_is_away(|| self.desk.read(&image, &languages)).await;
        let command = match read {
            Ok(Read { recognition, text }) => {
                measures::recognised(recognition.words, begun.elapsed());
                let (words, duration_ms) = (recognition.words, begun.elapsed().as_millis());
                info!(asset.id = %order.asset, attempt, words, duration_ms, "recognised asset {}", order.asset);
                TranscriptionCommand::ReportRecognised { generation, attempt, recognition, text }
            }
            Err(refusal) => {
                let (code, detail) = (refusal.code, refusal.detail);
                measures::not_recognised(code, begun.elapsed());
                warn!(asset.id = %order.asset, attempt, %code, "could not recognise asset {}: {detail}", order.asset);
                let now_us = self.now_us();
                TranscriptionCommand::ReportFailed { generation, attempt, code, detail, now_us }
            }
        };
        fail::fail_point!("recognition.before-result");
        let outcome = self.send(order, command, Some((generation, attempt))).await?;
        fail::fail_point!("recognition.after-result");
        Ok(self.ending(&outcome, generation))
    }

    async fn send(
        &self,
        order: &Order,
        command: TranscriptionCommand,
        report: Option<(u32, u32)>,
    ) -> Result<Outcome<Transcription>, Trouble> {
        let context = context(&order.asset, order.cause, report);
        send(&self.executor, &context, &order.asset, command).await
    }

    fn ending(&self, outcome: &Outcome<Transcription>, generation: u32) -> Ending {
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

/// Says how the text of an asset of this generation goes on.
fn next_of(transcription: &Transcription, generation: u32, now_us: i64) -> Next {
    let is_current = transcription.generation == generation;
    let recognition = transcription.recognition.as_ref().filter(|_| is_current);
    match recognition.map(|it| &it.phase) {
        Some(RecognitionPhase::Failed(failure)) => match failure.next_attempt_at_us {
            Some(due_us) => Next::At { due_us },
            None => Next::Nothing,
        },
        // Somebody has opened another attempt meanwhile.
        Some(RecognitionPhase::Requested | RecognitionPhase::Started) => {
            Next::At { due_us: now_us }
        }
        Some(RecognitionPhase::Completed | RecognitionPhase::Superseded) | None => Next::Nothing,
    }
}

/// Makes the context of a command. A report is repeatable; a start is not, each opens an attempt.
fn context(asset: &AssetId, cause: Cause, report: Option<(u32, u32)>) -> CommandContext {
    let actor = ActorId("process-recognition".to_owned());
    let context = CommandContext::new(actor, Some(asset.customer()), cause.correlation_id);
    let name = |(generation, attempt)| format!("recognition/{asset}/{generation}/{attempt}");
    let command_id = report.map(|it| Uuid::new_v5(&Uuid::NAMESPACE_OID, name(it).as_bytes()));
    CommandContext { causation_id: Some(cause.event_id), command_id, ..context }
}
