//! Assets: registering, changing, deleting. Ingest reports to the executor itself.

use crate::context::CommandContext;
use crate::cqrs::{Decided, Executor, Outcome, Prepared};
use crate::error::CommandError;
use dlcs_domain::asset::{
    Asset, AssetChange, AssetCommand, AssetDefaults, AssetList, Delivery, ListOperation,
    Registration,
};
use dlcs_domain::space::Space;
use dlcs_domain::{AssetId, BatchId, SpaceId};
use dlcs_eventlog::StreamRevision;
use futures::{FutureExt, StreamExt};
use std::collections::HashMap;
use std::sync::Arc;

/// Rows registered with one append, at most.
const CHUNK_LENGTH: usize = 4_000;
/// Appends of one call that are on their way at once: enough that the log commits a full
/// transaction while the next ones are decided.
const CHUNKS_AT_ONCE: usize = 6;

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

/// The asset is a member of another batch than before.
type JoinedBatch = bool;

type Row = (CommandContext, AssetId, Registration);

/// Rows that are decided together.
struct Chunk {
    answers: Vec<Result<RegisterOutcome, CommandError>>,
    /// Whose answers wait.
    places: Vec<(usize, AssetId)>,
    prepared: Prepared<Asset, JoinedBatch>,
}

/// Rows that are recorded.
struct Recorded {
    answers: Vec<Result<RegisterOutcome, CommandError>>,
    /// Those that were, by their place.
    new: Vec<(usize, CommandContext, AssetId)>,
}

/// What new assets of a space take over; looked up once per space and call.
type Defaults = HashMap<SpaceId, Result<Arc<AssetDefaults>, CommandError>>;

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
        let made = async {
            let defaults = self.defaults(id.space()).await?;
            Ok(AssetCommand::Register { registration, defaults })
        };
        let id_text = id.to_string();
        // In a box: the futures that hold this one are nested deep already.
        let decided = self.executor.execute_made::<Asset, _>(context, &id_text, made).boxed();
        let decided = match decided.await {
            Ok(decided) => decided?,
            Err(error) => return Ok(self.repeated(context, id, error).await?.decided),
        };
        let registered = [(context, id, &decided)];
        self.take_back_orphans(&registered).await.pop().unwrap_or(Ok(()))?;
        Ok(decided)
    }

    /// Registers many assets, those with one id in their order, and answers in their order.
    ///
    /// Each row that is answered with `Ok` is durable, and repeatable by its own context.
    pub async fn register_many(
        &self,
        rows: Vec<Row>,
    ) -> Vec<Result<RegisterOutcome, CommandError>> {
        let defaults = Defaults::new();
        let mut answers = Vec::with_capacity(rows.len());
        let mut registered = Vec::with_capacity(rows.len());
        let rows = rows.into_iter();
        // The next rows are decided while these are on their way to the disk.
        let chunks = futures::stream::unfold((rows, defaults), |(mut rows, mut defaults)| async {
            let chunk = self.prepare(rows.by_ref().take(CHUNK_LENGTH), &mut defaults).await;
            (!chunk.answers.is_empty()).then_some((chunk, (rows, defaults)))
        });
        let recorded = chunks.map(|chunk| self.record(chunk)).buffered(CHUNKS_AT_ONCE);
        let mut recorded = recorded.boxed();
        while let Some(recorded) = recorded.next().await {
            let first = answers.len();
            for (place, context, id) in recorded.new {
                registered.push((first + place, context, id));
            }
            answers.extend(recorded.answers);
        }
        // Only now: it queues up behind other commands, which a prepared chunk would hold up.
        self.take_back_many(&registered, &mut answers).await;
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

    /// Changes one list of many assets with one append, and answers in their order.
    pub async fn change_lists(
        &self,
        context: &CommandContext,
        ids: Vec<AssetId>,
        list: AssetList,
        operation: ListOperation,
    ) -> Vec<Result<Decided, CommandError>> {
        let command = |id| (id, AssetCommand::ChangeList { list, operation: operation.clone() });
        self.execute_many(context, ids.into_iter().map(command)).await
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

    /// Loads an asset with the revision of its stream.
    pub async fn load(
        &self,
        id: &AssetId,
    ) -> Result<(Asset, Option<StreamRevision>), CommandError> {
        let loaded = self.executor.load::<Asset>(&id.to_string()).await?;
        Ok((loaded.state, loaded.revision))
    }

    /// Decides registrations, as far as their spaces can be used.
    async fn prepare(&self, rows: impl Iterator<Item = Row>, defaults: &mut Defaults) -> Chunk {
        let length = rows.size_hint().1.unwrap_or(0).min(CHUNK_LENGTH);
        let mut answers = Vec::with_capacity(length);
        let mut commands = Vec::with_capacity(length);
        let mut places = Vec::with_capacity(length);
        for (context, id, registration) in rows {
            match self.remembered_defaults(id.space(), defaults).await {
                Err(error) => {
                    let repeated = self.repeated(&context, &id, error).await;
                    answers.push(repeated.map(|it| register_outcome(&it)));
                }
                Ok(defaults) => {
                    let command = AssetCommand::Register { registration, defaults };
                    commands.push((context, id.to_string(), command));
                    places.push((answers.len(), id));
                    // Until it is executed.
                    answers.push(Err(CommandError::Busy));
                }
            }
        }
        let prepared =
            self.executor.prepare_many::<Asset, _>(commands, |it| joins_batch(&it)).await;
        Chunk { answers, places, prepared }
    }

    /// Appends a chunk that was decided.
    async fn record(&self, chunk: Chunk) -> Recorded {
        let Chunk { mut answers, places, prepared } = chunk;
        let (outcomes, commands) = self.executor.finish_many(prepared).await;
        let mut new = Vec::with_capacity(places.len());
        for (((place, id), outcome), (context, ..)) in
            places.into_iter().zip(outcomes).zip(commands)
        {
            answers[place] = match outcome {
                Ok((decided, joined_batch)) => {
                    new.push((place, context, id));
                    Ok(RegisterOutcome { decided, joined_batch })
                }
                Err(error) => Err(CommandError::from(error)),
            };
        }
        Recorded { answers, new }
    }

    async fn take_back_many(
        &self,
        registered: &[(usize, CommandContext, AssetId)],
        answers: &mut [Result<RegisterOutcome, CommandError>],
    ) {
        let mut decided = Vec::with_capacity(registered.len());
        for (place, context, id) in registered {
            decided.extend(answers[*place].as_ref().ok().map(|it| (context, id, it.decided)));
        }
        let orphans: Vec<_> = decided.iter().map(|(context, id, it)| (*context, *id, it)).collect();
        let kept = self.take_back_orphans(&orphans).await;
        for ((place, ..), kept) in registered.iter().zip(kept) {
            if let Err(error) = kept {
                answers[*place] = Err(error);
            }
        }
    }

    /// Looks at the spaces once more: one that was deleted after it was looked at, and before the
    /// asset was recorded, may have been found empty. What was registered there is deleted again.
    ///
    /// Whoever deletes a space looks once more too, so that one of both sees the other.
    async fn take_back_orphans(
        &self,
        registered: &[(&CommandContext, &AssetId, &Decided)],
    ) -> Vec<Result<(), CommandError>> {
        let mut spaces = Defaults::new();
        let mut kept = Vec::with_capacity(registered.len());
        for (context, id, decided) in registered {
            // What was there before was counted by whoever deleted the space.
            let is_new = decided.created && decided.changed;
            let space = if is_new {
                self.remembered_defaults(id.space(), &mut spaces).await.map(drop)
            } else {
                Ok(())
            };
            if let Err(CommandError::NotFound(_) | CommandError::Gone(_)) = &space {
                let at_birth = CommandContext {
                    expected_edit: Some(decided.edit_revision),
                    ..context.part("undo")
                };
                match self.execute(&at_birth, id, AssetCommand::Delete).await {
                    Ok(_) => {}
                    Err(error) if error.may_pass() => {
                        kept.push(Err(error));
                        continue;
                    }
                    // Others have dealt with it since: it is as it was told the first time.
                    Err(_) => {
                        kept.push(Ok(()));
                        continue;
                    }
                }
            }
            kept.push(space);
        }
        kept
    }

    /// Answers a registration into a space that cannot be used: as the first time, if it was
    /// applied before the space went and not taken back, otherwise with the error.
    async fn repeated(
        &self,
        context: &CommandContext,
        id: &AssetId,
        error: CommandError,
    ) -> Result<Outcome<Asset>, CommandError> {
        let id = id.to_string();
        let repeated = self.executor.repeated::<Asset>(context, &id).await?;
        let undone = self.executor.repeated::<Asset>(&context.part("undo"), &id).await?;
        repeated.filter(|_| undone.is_none()).ok_or(error)
    }

    async fn remembered_defaults(
        &self,
        space: SpaceId,
        known: &mut Defaults,
    ) -> Result<Arc<AssetDefaults>, CommandError> {
        if let Some(defaults) = known.get(&space) {
            return defaults.clone();
        }
        let defaults = self.defaults(space).await;
        known.insert(space, defaults.clone());
        defaults
    }

    async fn defaults(&self, space: SpaceId) -> Result<Arc<AssetDefaults>, CommandError> {
        match self.executor.load::<Space>(&space.to_string()).await?.state {
            Space::Absent => Err(CommandError::NotFound(format!("there is no space `{space}`"))),
            Space::Deleted { .. } => {
                Err(CommandError::Gone(format!("space `{space}` has been deleted")))
            }
            Space::Live(space) => Ok(Arc::new(AssetDefaults {
                tags: space.default_tags,
                roles: space.default_roles,
                delivery: Delivery::standard(),
                recognise: space.default_recognise,
            })),
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
    RegisterOutcome { decided: outcome.decided, joined_batch: joins_batch(outcome) }
}

fn joins_batch(outcome: &Outcome<Asset>) -> JoinedBatch {
    let batch = |asset: &Asset| asset.live().and_then(|it| it.batch);
    let after = batch(&outcome.after);
    // A new life of a deleted asset may name the batch that its last one named.
    let is_other = outcome.decided.created || after != batch(&outcome.before);
    after.is_some() && is_other
}
