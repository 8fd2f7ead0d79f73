//! Batches: many assets registered together.
//!
//! The members come first, in chunks; `batch.submitted` comes last, with their number. So a batch
//! may have any length, and one that a crash cut off was never submitted: its members are there,
//! and whoever repeats the command under the same key completes it.

use super::assets::AssetCommands;
use crate::context::CommandContext;
use crate::cqrs::{Decided, Executor};
use crate::error::CommandError;
use crate::metadata::new_uuid;
use dlcs_domain::asset::Registration;
use dlcs_domain::batch::{Batch, BatchCommand, Queue};
use dlcs_domain::{AssetId, BatchId, CustomerId};
use uuid::Uuid;

#[derive(Clone)]
pub struct BatchCommands {
    executor: Executor,
    assets: AssetCommands,
}

/// A batch whose members are being registered.
pub struct OpenBatch {
    commands: BatchCommands,
    context: CommandContext,
    customer: CustomerId,
    id: BatchId,
    queue: Queue,
    /// Assets that are members; an id that comes twice counts once.
    members: u64,
}

/// One row of a batch.
#[derive(Debug, Clone)]
pub struct Row {
    /// Its place in what the client sent, by which it is recognised when that is repeated.
    pub number: u64,
    /// SHA-256 in hexadecimal of what the client wrote, where no digest seals the whole.
    pub body_sha256: Option<String>,
    pub id: AssetId,
    pub registration: Registration,
}

/// What became of one row of a batch.
pub type MemberOutcome = Result<Decided, CommandError>;

/// A batch that is complete.
#[derive(Debug)]
pub struct Submitted {
    pub batch: BatchId,
    pub decided: Decided,
    /// Number of members.
    pub count: u64,
    /// In the order of the rows.
    pub rows: Vec<MemberOutcome>,
}

impl BatchCommands {
    pub(super) fn new(executor: Executor, assets: AssetCommands) -> Self {
        Self { executor, assets }
    }

    /// Registers assets and submits the batch of them. Rows that a rule refuses fail one by one; one
    /// that could not be recorded for now fails the batch.
    pub async fn submit(
        &self,
        context: &CommandContext,
        customer: CustomerId,
        rows: Vec<(AssetId, Registration)>,
        queue: Queue,
    ) -> Result<Submitted, CommandError> {
        let mut batch = self.open(context, customer, queue);
        let row =
            |(number, (id, registration))| Row { number, body_sha256: None, id, registration };
        let rows = batch.register((0..).zip(rows).map(row).collect()).await;
        // A member may still come: the batch stays open, and a repetition completes it.
        if let Some(error) = rows.iter().filter_map(|it| it.as_ref().err()).find(|it| it.may_pass())
        {
            return Err(error.clone());
        }
        let (batch, count) = (batch.id, batch.members);
        let decided = self.close(context, customer, batch, count, queue).await?;
        Ok(Submitted { batch, decided, count, rows })
    }

    /// Opens a batch of any length. Nothing is recorded until a member is registered.
    pub fn open(&self, context: &CommandContext, customer: CustomerId, queue: Queue) -> OpenBatch {
        OpenBatch {
            commands: self.clone(),
            context: context.clone(),
            customer,
            id: self.new_id(context),
            queue,
            members: 0,
        }
    }

    /// A repeated command finds its own batch again.
    fn new_id(&self, context: &CommandContext) -> BatchId {
        let now_us = self.executor.clock().now_us();
        let repeatable = context.command_id.map(|it| Uuid::new_v5(&it, b"batch"));
        BatchId(repeatable.unwrap_or_else(|| new_uuid(now_us)))
    }

    async fn close(
        &self,
        context: &CommandContext,
        customer: CustomerId,
        batch: BatchId,
        count: u64,
        queue: Queue,
    ) -> Result<Decided, CommandError> {
        fail::fail_point!("batches.before-submit");
        let command = BatchCommand::Submit { count, queue };
        let id = format!("{customer}/{batch}");
        Ok(self.executor.execute::<Batch>(&context.part("submit"), &id, command).await?)
    }
}

impl OpenBatch {
    pub fn id(&self) -> BatchId {
        self.id
    }

    /// Number of members so far.
    pub fn count(&self) -> u64 {
        self.members
    }

    /// Registers the next rows, and answers in their order. `Ok` is durable.
    pub async fn register(&mut self, rows: Vec<Row>) -> Vec<MemberOutcome> {
        let is_own: Vec<_> = rows.iter().map(|row| row.id.customer() == self.customer).collect();
        let own = rows.into_iter().filter(|row| row.id.customer() == self.customer);
        let own = own.map(|row| {
            let context = self.context.row(row.number, row.body_sha256);
            (
                context,
                row.id,
                Registration { batch: Some(self.id), queue: self.queue, ..row.registration },
            )
        });
        let outcomes = self.commands.assets.register_many(own.collect()).await;
        let joined = outcomes.iter().flatten().filter(|it| it.joined_batch).count();
        self.members += joined as u64;
        let mut outcomes = outcomes.into_iter();
        let mut answer = |is_own: bool| {
            if !is_own {
                return Err(CommandError::Invalid("the space is another customer's".to_owned()));
            }
            Ok(outcomes.next().expect("every row of our own has an answer")?.decided)
        };
        is_own.into_iter().map(&mut answer).collect()
    }

    /// Submits the batch: it has the members that were registered, and no more will come.
    pub async fn submit(self) -> Result<(BatchId, Decided), CommandError> {
        let Self { commands, context, customer, id, queue, members, .. } = self;
        let decided = commands.close(&context, customer, id, members, queue).await?;
        Ok((id, decided))
    }
}
