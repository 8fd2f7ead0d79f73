//! Named queries, each under its name.

use super::customers::check_customer;
use crate::context::CommandContext;
use crate::cqrs::{Decided, Executor};
use crate::error::CommandError;
use dlcs_domain::named_query::{NamedQuery, NamedQueryCommand};
use dlcs_domain::{Aggregate, NamedQueryId};

#[derive(Clone)]
pub struct NamedQueryCommands {
    executor: Executor,
}

impl NamedQueryCommands {
    pub(super) fn new(executor: Executor) -> Self {
        Self { executor }
    }

    pub async fn define(
        &self,
        context: &CommandContext,
        id: &NamedQueryId,
        template: String,
    ) -> Result<Decided, CommandError> {
        check_customer(&self.executor, id.customer).await?;
        let command = NamedQueryCommand::Define { name: id.name.clone(), template };
        self.execute(context, id, command).await
    }

    /// PUT: defines a named query, or changes the one that is there.
    pub async fn put(
        &self,
        context: &CommandContext,
        id: &NamedQueryId,
        template: String,
    ) -> Result<Decided, CommandError> {
        let query = self.executor.load::<NamedQuery>(&id.to_string()).await?.state;
        if query.exists() {
            return self.change(context, id, template).await;
        }
        if context.expected_edit.is_some() {
            return Err(CommandError::EditMismatch { actual: query.edit_revision() });
        }
        self.define(context, id, template).await
    }

    pub async fn change(
        &self,
        context: &CommandContext,
        id: &NamedQueryId,
        template: String,
    ) -> Result<Decided, CommandError> {
        self.execute(context, id, NamedQueryCommand::Change { template }).await
    }

    pub async fn remove(
        &self,
        context: &CommandContext,
        id: &NamedQueryId,
    ) -> Result<Decided, CommandError> {
        self.execute(context, id, NamedQueryCommand::Remove).await
    }

    async fn execute(
        &self,
        context: &CommandContext,
        id: &NamedQueryId,
        command: NamedQueryCommand,
    ) -> Result<Decided, CommandError> {
        Ok(self.executor.execute::<NamedQuery>(context, &id.to_string(), command).await?)
    }
}
