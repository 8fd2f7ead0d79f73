//! Annotation containers and what is in them.
//!
//! Not here: what an annotation looks like. Whoever knows the model hands in a checked document.

use super::customers::check_customer;
use crate::context::CommandContext;
use crate::cqrs::{Decided, DispatchError, Executor};
use crate::error::CommandError;
use crate::lookups::Lookups;
use crate::metadata::new_uuid;
use dlcs_domain::annotation::{Annotation, AnnotationCommand, AnnotationDocument};
use dlcs_domain::container::{Container, ContainerCommand, ContainerError};
use dlcs_domain::names::check_flat_id;
use dlcs_domain::{Aggregate, AnnotationId, ContainerId, CustomerId, DomainEvent, Patch, wire};
use dlcs_eventlog::{StreamId, StreamRevision};
use std::sync::Arc;
use uuid::Uuid;

#[derive(Clone)]
pub struct AnnotationCommands {
    executor: Executor,
    lookups: Arc<dyn Lookups>,
}

/// A container that shall be created.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NewContainer {
    /// May be empty.
    pub label: String,
    /// Who may read it; anybody when there is none.
    pub roles: Vec<String>,
}

impl AnnotationCommands {
    pub(super) fn new(executor: Executor, lookups: Arc<dyn Lookups>) -> Self {
        Self { executor, lookups }
    }

    /// Creates a container under the id that is suggested, or under one that is made up if there is
    /// none or if it is taken (Web Annotation Protocol, section 5.1).
    pub async fn create_container(
        &self,
        context: &CommandContext,
        customer: CustomerId,
        suggested: Option<String>,
        container: NewContainer,
    ) -> Result<(ContainerId, Decided), CommandError> {
        check_customer(&self.executor, customer).await?;
        let create = async |id: String| {
            let id = ContainerId { customer, id };
            let NewContainer { label, roles } = container.clone();
            let command = ContainerCommand::Create { id: id.id.clone(), label, roles };
            let decided =
                self.executor.execute::<Container>(context, &id.to_string(), command).await;
            decided.map(|it| (id, it)).map_err(CommandError::from)
        };
        if let Some(suggested) = suggested {
            check_flat_id(&suggested)?;
            match create(suggested).await {
                Err(error) if is_taken(&error) => {}
                done => return done,
            }
        }
        create(self.new_id(context, b"container")).await
    }

    /// Creates a container under this very id.
    pub async fn create_container_as(
        &self,
        context: &CommandContext,
        id: &ContainerId,
        container: NewContainer,
    ) -> Result<Decided, CommandError> {
        check_customer(&self.executor, id.customer).await?;
        let NewContainer { label, roles } = container;
        let command = ContainerCommand::Create { id: id.id.clone(), label, roles };
        Ok(self.executor.execute::<Container>(context, &id.to_string(), command).await?)
    }

    /// Changes what is said of a container; what is left out stays.
    pub async fn change_container(
        &self,
        context: &CommandContext,
        id: &ContainerId,
        label: Patch<String>,
        roles: Patch<Vec<String>>,
    ) -> Result<Decided, CommandError> {
        let command = ContainerCommand::Change { label, roles };
        Ok(self.executor.execute::<Container>(context, &id.to_string(), command).await?)
    }

    /// Deletes a container: an empty one, or with `recursive` one with all that is in it.
    pub async fn delete_container(
        &self,
        context: &CommandContext,
        id: &ContainerId,
        recursive: bool,
    ) -> Result<Decided, CommandError> {
        let head = self.executor.log().head().await?;
        let is_empty = recursive || self.lookups.container_is_empty(id, head).await?;
        let command = ContainerCommand::Delete { is_empty, recursive };
        let key = id.to_string();
        let outcome = self.executor.execute_one::<Container>(context, &key, command).await?;
        if recursive || !outcome.before.exists() {
            return Ok(outcome.decided);
        }
        // Somebody may have annotated between the look and the deletion. Who annotates later than
        // that finds the container gone.
        let head = self.executor.log().head().await?;
        let checked = self.lookups.container_is_empty(id, head).await;
        if checked == Ok(true) {
            return Ok(outcome.decided);
        }
        let undo = context.part("undo");
        self.executor.execute::<Container>(&undo, &key, ContainerCommand::Restore).await?;
        checked?;
        Err(DispatchError::Rejected(ContainerError::NotEmpty).into())
    }

    /// Creates an annotation, under the id that is suggested if that is free.
    pub async fn create(
        &self,
        context: &CommandContext,
        container: &ContainerId,
        suggested: Option<String>,
        document: AnnotationDocument,
    ) -> Result<(AnnotationId, Decided), CommandError> {
        if let Some(suggested) = suggested {
            check_flat_id(&suggested)?;
            let id = AnnotationId { container: container.clone(), id: suggested };
            match self.create_as(context, &id, document.clone()).await {
                Err(error) if is_taken(&error) => self.check_container(container).await?,
                done => return done.map(|it| (id, it)),
            }
        }
        let id = self.new_id(context, b"annotation");
        let id = AnnotationId { container: container.clone(), id };
        let decided = self.create_as(context, &id, document).await?;
        Ok((id, decided))
    }

    /// PUT: creates an annotation under this id, or replaces it.
    pub async fn put(
        &self,
        context: &CommandContext,
        id: &AnnotationId,
        document: AnnotationDocument,
    ) -> Result<Decided, CommandError> {
        let annotation = self.executor.load::<Annotation>(&id.to_string()).await?.state;
        if matches!(annotation, Annotation::Absent) {
            if context.expected_edit.is_some() {
                return Err(CommandError::EditMismatch { actual: 0 });
            }
            return self.create_as(context, id, document).await;
        }
        if let Some(first) = self.repeated(context, id).await? {
            return Ok(first);
        }
        self.replace(context, id, document).await
    }

    /// Replaces an annotation. The same document once more changes nothing.
    pub async fn replace(
        &self,
        context: &CommandContext,
        id: &AnnotationId,
        document: AnnotationDocument,
    ) -> Result<Decided, CommandError> {
        self.within_container(context, id, AnnotationCommand::Replace { document }).await
    }

    /// Brings back what an annotation was at a revision of its history, a deleted one too.
    pub async fn restore(
        &self,
        context: &CommandContext,
        id: &AnnotationId,
        revision: u64,
    ) -> Result<Decided, CommandError> {
        let document = self.document_at(id, revision).await?;
        self.within_container(context, id, AnnotationCommand::Restore { revision, document }).await
    }

    pub async fn delete(
        &self,
        context: &CommandContext,
        id: &AnnotationId,
    ) -> Result<Decided, CommandError> {
        self.within_container(context, id, AnnotationCommand::Delete).await
    }

    /// Returns what an annotation was from a revision of its history on.
    pub async fn document_at(
        &self,
        id: &AnnotationId,
        revision: u64,
    ) -> Result<AnnotationDocument, CommandError> {
        let stream = StreamId::new(Annotation::CATEGORY, &id.to_string());
        let read = self.executor.log().read_stream(&stream, StreamRevision(revision), 1).await?;
        let none = || CommandError::NotFound(format!("`{id}` has no version {revision}"));
        let recorded = read.first().ok_or_else(none)?;
        let decoded = wire::decode(&recorded.type_name, recorded.schema_version, &recorded.payload);
        let decoded = decoded.map_err(|error| CommandError::Damaged(error.to_string()))?;
        let document = decoded.into_iter().rev().find_map(|it| match it {
            DomainEvent::Annotation(it) => it.document().cloned(),
            _ => None,
        });
        let deleted = || CommandError::Invalid(format!("version {revision} is a deletion"));
        document.ok_or_else(deleted)
    }

    async fn create_as(
        &self,
        context: &CommandContext,
        id: &AnnotationId,
        document: AnnotationDocument,
    ) -> Result<Decided, CommandError> {
        let command = AnnotationCommand::Create { id: id.id.clone(), document };
        self.within_container(context, id, command).await
    }

    /// Executes a command on an annotation whose container is there, before and after: a deletion
    /// of the container in between goes before what was written.
    async fn within_container(
        &self,
        context: &CommandContext,
        id: &AnnotationId,
        command: AnnotationCommand,
    ) -> Result<Decided, CommandError> {
        if let Err(error) = self.check_container(&id.container).await {
            return self.repeated(context, id).await?.ok_or(error);
        }
        let decided =
            self.executor.execute::<Annotation>(context, &id.to_string(), command).await?;
        self.check_container(&id.container).await?;
        Ok(decided)
    }

    /// Returns the answer of the first time, if this command has been executed before.
    async fn repeated(
        &self,
        context: &CommandContext,
        id: &AnnotationId,
    ) -> Result<Option<Decided>, CommandError> {
        if context.command_id.is_none() {
            return Ok(None);
        }
        let repeated = self.executor.repeated::<Annotation>(context, &id.to_string()).await?;
        Ok(repeated.map(|it| it.decided))
    }

    async fn check_container(&self, id: &ContainerId) -> Result<(), CommandError> {
        let container = self.executor.load::<Container>(&id.to_string()).await?.state;
        container.check_live().map(drop).map_err(|it| DispatchError::Rejected(it).into())
    }

    /// A repeated command finds its own resource again.
    fn new_id(&self, context: &CommandContext, kind: &[u8]) -> String {
        let repeatable = context.command_id.map(|it| Uuid::new_v5(&it, kind));
        let id = repeatable.unwrap_or_else(|| new_uuid(self.executor.clock().now_us()));
        id.simple().to_string()
    }
}

fn is_taken(error: &CommandError) -> bool {
    matches!(error, CommandError::Conflict(_) | CommandError::Gone(_))
}
