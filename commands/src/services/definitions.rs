//! What customers define under names: roles, access services, custom headers, origin strategies.

use super::customers::check_customer;
use crate::context::CommandContext;
use crate::cqrs::{Decided, Executor};
use crate::error::CommandError;
use crate::metadata::new_uuid;
use dlcs_domain::definition::{
    Defined, Definition, DefinitionCommand, DefinitionError, DefinitionEvent,
};
use dlcs_domain::wire::ForeignEvent;
use dlcs_domain::{Aggregate, DefinitionId, DomainEvent};
use uuid::Uuid;

#[derive(Clone)]
pub struct DefinitionCommands {
    executor: Executor,
}

/// A kind whose events are in the table of event types.
pub trait Recorded: Definition {
    /// Its aggregate.
    type Aggregate: Aggregate<Command = DefinitionCommand<Self>, Error = DefinitionError>;
}

impl<D> Recorded for D
where
    D: Definition,
    DefinitionEvent<D>: Into<DomainEvent> + TryFrom<DomainEvent, Error = ForeignEvent>,
{
    type Aggregate = Defined<D>;
}

impl DefinitionCommands {
    pub(super) fn new(executor: Executor) -> Self {
        Self { executor }
    }

    /// Returns a name that nobody has. A repeated command gets the same one again.
    pub fn new_name<D: Recorded>(&self, context: &CommandContext) -> String {
        self.new_id::<D>(context).to_string()
    }

    /// The same, as it is made.
    pub(super) fn new_id<D: Recorded>(&self, context: &CommandContext) -> Uuid {
        let repeatable = context.command_id.map(|it| Uuid::new_v5(&it, D::CATEGORY.as_bytes()));
        repeatable.unwrap_or_else(|| new_uuid(self.executor.clock().now_us()))
    }

    /// Returns what the log says of a definition; `None`: there is none.
    pub(super) async fn known<D>(&self, id: &DefinitionId) -> Result<Option<D>, CommandError>
    where
        D: Definition,
        DefinitionEvent<D>: Into<DomainEvent> + TryFrom<DomainEvent, Error = ForeignEvent>,
    {
        Ok(match self.executor.load::<Defined<D>>(&id.to_string()).await?.state {
            Defined::Live { value, .. } => Some(value),
            Defined::Absent | Defined::Removed { .. } => None,
        })
    }

    pub async fn define<D: Recorded>(
        &self,
        context: &CommandContext,
        id: &DefinitionId,
        value: D,
    ) -> Result<Decided, CommandError> {
        check_customer(&self.executor, id.customer).await?;
        let command = DefinitionCommand::Define { name: id.name.clone(), value };
        self.execute(context, id, command).await
    }

    /// PUT: defines it, or changes what is there.
    pub async fn put<D: Recorded>(
        &self,
        context: &CommandContext,
        id: &DefinitionId,
        value: D,
    ) -> Result<Decided, CommandError> {
        let known = self.executor.load::<D::Aggregate>(&id.to_string()).await?.state;
        if known.exists() {
            let command = DefinitionCommand::Change { name: id.name.clone(), value };
            return self.execute(context, id, command).await;
        }
        if context.expected_edit.is_some() {
            return Err(CommandError::EditMismatch { actual: known.edit_revision() });
        }
        self.define(context, id, value).await
    }

    pub async fn remove<D: Recorded>(
        &self,
        context: &CommandContext,
        id: &DefinitionId,
    ) -> Result<Decided, CommandError> {
        self.execute::<D>(context, id, DefinitionCommand::Remove).await
    }

    async fn execute<D: Recorded>(
        &self,
        context: &CommandContext,
        id: &DefinitionId,
        command: DefinitionCommand<D>,
    ) -> Result<Decided, CommandError> {
        Ok(self.executor.execute::<D::Aggregate>(context, &id.to_string(), command).await?)
    }
}
