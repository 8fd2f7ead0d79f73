//! Assets: registering, changing, and the reports of ingest.

use crate::context::CommandContext;
use crate::cqrs::{Decided, Executor, Outcome};
use crate::error::CommandError;
use dlcs_domain::asset::{
    Asset, AssetChange, AssetCommand, AssetDefaults, AssetEvent, Delivered, Delivery,
    IngestErrorCode, IngestPhase, LiveAsset, Registration, Source,
};
use dlcs_domain::space::Space;
use dlcs_domain::{AssetId, BatchId, SpaceId};
use dlcs_eventlog::StreamRevision;
use std::collections::HashMap;

/// Rows registered with one append.
const CHUNK_LENGTH: usize = 500;

#[derive(Clone)]
pub struct AssetCommands {
    executor: Executor,
}

/// What became of a registration.
#[derive(Debug, Clone)]
pub struct RegisterOutcome {
    pub decided: Decided,
    /// The asset is a member of the batch now, and was not before.
    pub joined_batch: bool,
}

/// What became of a request to start an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StartOutcome {
    Started(Box<StartedIngest>),
    /// The last attempt failed, and the next one shall not begin before this time.
    NotBefore {
        at_us: i64,
    },
    /// Delivered, failed for good, deleted, or of another generation.
    NotNeeded,
}

/// An attempt that has begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartedIngest {
    pub generation: u32,
    pub attempt: u32,
    /// Starts since a client last asked, this one included.
    pub tries: u32,
    pub source: Source,
    /// As the client said.
    pub media_type: Option<String>,
    pub delivery: Delivery,
    pub batch: Option<BatchId>,
}

/// What new assets of a space take over; looked up once per space and call.
type Defaults = HashMap<SpaceId, Result<AssetDefaults, CommandError>>;

impl AssetCommands {
    pub(super) fn new(executor: Executor) -> Self {
        Self { executor }
    }

    /// PUT: registers an asset, or changes what differs. The space must exist.
    pub async fn register(
        &self,
        context: &CommandContext,
        id: &AssetId,
        registration: Registration,
    ) -> Result<Decided, CommandError> {
        let defaults = self.defaults(id.space()).await?;
        let command = AssetCommand::Register { registration, defaults };
        self.execute(context, id, command).await
    }

    /// Registers many assets, those with one id in their order, and answers in their order.
    ///
    /// Each row that is answered with `Ok` is durable. `first_row` numbers the rows of a command
    /// that comes in several calls, so that it can be repeated.
    pub async fn register_many(
        &self,
        context: &CommandContext,
        first_row: u64,
        rows: Vec<(AssetId, Registration)>,
    ) -> Vec<Result<RegisterOutcome, CommandError>> {
        let mut defaults = Defaults::new();
        let mut answers = Vec::with_capacity(rows.len());
        let mut rows = rows.into_iter().zip(first_row..).peekable();
        while rows.peek().is_some() {
            let chunk: Vec<_> = rows.by_ref().take(CHUNK_LENGTH).collect();
            answers.extend(self.register_chunk(context, chunk, &mut defaults).await);
        }
        answers
    }

    /// PATCH.
    pub async fn change(
        &self,
        context: &CommandContext,
        id: &AssetId,
        change: AssetChange,
    ) -> Result<Decided, CommandError> {
        self.execute(context, id, AssetCommand::Change(change)).await
    }

    /// Changes many assets with one append, and answers in their order.
    pub async fn change_many(
        &self,
        context: &CommandContext,
        changes: Vec<(AssetId, AssetChange)>,
    ) -> Vec<Result<Decided, CommandError>> {
        let command = |(id, change)| (id, AssetCommand::Change(change));
        self.execute_many(context, changes.into_iter().map(command)).await
    }

    pub async fn request_reingest(
        &self,
        context: &CommandContext,
        id: &AssetId,
        batch: Option<BatchId>,
    ) -> Result<Decided, CommandError> {
        self.execute(context, id, AssetCommand::RequestReingest { batch }).await
    }

    pub async fn delete(
        &self,
        context: &CommandContext,
        id: &AssetId,
    ) -> Result<Decided, CommandError> {
        self.execute(context, id, AssetCommand::Delete).await
    }

    /// Deletes many assets with one append, and answers in their order.
    pub async fn delete_many(
        &self,
        context: &CommandContext,
        ids: Vec<AssetId>,
    ) -> Vec<Result<Decided, CommandError>> {
        let command = |id| (id, AssetCommand::Delete);
        self.execute_many(context, ids.into_iter().map(command)).await
    }

    /// Begins the attempt that is due. An attempt without a result is taken for dead: the caller
    /// holds the lease that makes this true.
    pub async fn start_ingest(
        &self,
        context: &CommandContext,
        id: &AssetId,
        generation: u32,
    ) -> Result<StartOutcome, CommandError> {
        let now_us = self.executor.clock().now_us();
        let command = AssetCommand::StartIngest { generation, now_us };
        let outcome = self.executor.execute_one::<Asset>(context, &id.to_string(), command).await?;
        Ok(start_outcome(&outcome, generation))
    }

    /// Reports what an attempt made. The late report of an old attempt changes nothing.
    pub async fn report_delivered(
        &self,
        context: &CommandContext,
        id: &AssetId,
        generation: u32,
        attempt: u32,
        delivered: Delivered,
    ) -> Result<Decided, CommandError> {
        let command = AssetCommand::ReportDelivered { generation, attempt, delivered };
        self.execute(context, id, command).await
    }

    /// Reports why an attempt failed, and returns when the next one begins by itself, in
    /// microseconds since 1970. The late report of an old attempt changes nothing.
    pub async fn report_failed(
        &self,
        context: &CommandContext,
        id: &AssetId,
        generation: u32,
        attempt: u32,
        code: IngestErrorCode,
        detail: String,
    ) -> Result<(Decided, Option<i64>), CommandError> {
        let now_us = self.executor.clock().now_us();
        let command = AssetCommand::ReportFailed { generation, attempt, code, detail, now_us };
        let outcome = self.executor.execute_one::<Asset>(context, &id.to_string(), command).await?;
        let next_attempt_at_us = outcome.events.iter().find_map(|event| match event {
            AssetEvent::IngestFailed(it) => it.failure.next_attempt_at_us,
            _ => None,
        });
        Ok((outcome.decided, next_attempt_at_us))
    }

    /// Loads an asset with the revision of its stream.
    pub async fn load(
        &self,
        id: &AssetId,
    ) -> Result<(Asset, Option<StreamRevision>), CommandError> {
        let loaded = self.executor.load::<Asset>(&id.to_string()).await?;
        Ok((loaded.state, loaded.revision))
    }

    async fn register_chunk(
        &self,
        context: &CommandContext,
        rows: Vec<((AssetId, Registration), u64)>,
        defaults: &mut Defaults,
    ) -> Vec<Result<RegisterOutcome, CommandError>> {
        let mut answers = Vec::with_capacity(rows.len());
        let mut commands = Vec::with_capacity(rows.len());
        for ((id, registration), row) in rows {
            match self.remembered_defaults(id.space(), defaults).await {
                Err(error) => answers.push(Some(Err(error))),
                Ok(defaults) => {
                    answers.push(None);
                    let command = AssetCommand::Register { registration, defaults };
                    commands.push((context.part(&format!("row/{row}")), id.to_string(), command));
                }
            }
        }
        let mut outcomes = self.executor.execute_many::<Asset>(commands).await.into_iter();
        let mut next = || {
            let outcome = outcomes.next().expect("every command has an answer");
            Ok(outcome.map(|it| register_outcome(&it))?)
        };
        answers.into_iter().map(|answer| answer.unwrap_or_else(&mut next)).collect()
    }

    async fn remembered_defaults(
        &self,
        space: SpaceId,
        known: &mut Defaults,
    ) -> Result<AssetDefaults, CommandError> {
        if let Some(defaults) = known.get(&space) {
            return defaults.clone();
        }
        let defaults = self.defaults(space).await;
        known.insert(space, defaults.clone());
        defaults
    }

    async fn defaults(&self, space: SpaceId) -> Result<AssetDefaults, CommandError> {
        match self.executor.load::<Space>(&space.to_string()).await?.state {
            Space::Absent => Err(CommandError::NotFound(format!("there is no space `{space}`"))),
            Space::Deleted { .. } => {
                Err(CommandError::Gone(format!("space `{space}` has been deleted")))
            }
            Space::Live(space) => Ok(AssetDefaults {
                tags: space.default_tags,
                roles: space.default_roles,
                delivery: Delivery::standard(),
            }),
        }
    }

    async fn execute(
        &self,
        context: &CommandContext,
        id: &AssetId,
        command: AssetCommand,
    ) -> Result<Decided, CommandError> {
        Ok(self.executor.execute::<Asset>(context, &id.to_string(), command).await?)
    }

    async fn execute_many(
        &self,
        context: &CommandContext,
        commands: impl Iterator<Item = (AssetId, AssetCommand)>,
    ) -> Vec<Result<Decided, CommandError>> {
        let command = |(row, (id, command)): (usize, (AssetId, AssetCommand))| {
            (context.part(&format!("row/{row}")), id.to_string(), command)
        };
        let commands = commands.enumerate().map(command).collect();
        let outcomes = self.executor.execute_many::<Asset>(commands).await;
        outcomes.into_iter().map(|it| Ok(it?.decided)).collect()
    }
}

fn register_outcome(outcome: &Outcome<Asset>) -> RegisterOutcome {
    let batch = |asset: &Asset| asset.live().and_then(|it| it.batch);
    let after = batch(&outcome.after);
    // A new life of a deleted asset may name the batch that its last one named.
    let is_other = outcome.decided.created || after != batch(&outcome.before);
    RegisterOutcome { decided: outcome.decided, joined_batch: after.is_some() && is_other }
}

fn start_outcome(outcome: &Outcome<Asset>, generation: u32) -> StartOutcome {
    let Some(asset) = outcome.after.live().filter(|it| it.generation == generation) else {
        return StartOutcome::NotNeeded;
    };
    match outcome.events.as_slice() {
        [AssetEvent::IngestStarted(_)] => StartOutcome::Started(Box::new(started(asset))),
        _ => match &asset.ingest {
            IngestPhase::Failed(failure) => failure
                .next_attempt_at_us
                .map_or(StartOutcome::NotNeeded, |at_us| StartOutcome::NotBefore { at_us }),
            _ => StartOutcome::NotNeeded,
        },
    }
}

fn started(asset: &LiveAsset) -> StartedIngest {
    StartedIngest {
        generation: asset.generation,
        attempt: asset.attempt,
        tries: asset.tries,
        source: asset.source.clone(),
        media_type: asset.media_type.clone(),
        delivery: asset.delivery.clone(),
        batch: asset.batch,
    }
}
