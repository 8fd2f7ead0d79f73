//! Changes of annotations and their containers.

use super::{FRESHNESS_WAIT, command_error, context_for, patch};
use crate::context::{customer_id, refused, state};
use crate::scalar::Json;
use crate::types::annotation::{self, Annotation, AnnotationContainer};
use async_graphql::{Context, MaybeUndefined, Object, Result, SimpleObject};
use dlcs_commands::services::NewContainer;
use dlcs_commands::{CommandContext, Decided};
use dlcs_domain::annotation::AnnotationDocument;
use dlcs_domain::{AnnotationId, ContainerId};

/// What became of a change of a container.
#[derive(SimpleObject)]
pub(crate) struct ChangedContainer {
    /// Place in the history; give it as `atLeast` to read what is at least as new.
    position: u64,
    /// `null` where it is deleted, or the read model has not got there within two seconds.
    container: Option<AnnotationContainer>,
}

/// What became of a change of an annotation.
#[derive(SimpleObject)]
pub(crate) struct ChangedAnnotation {
    /// Place in the history; give it as `atLeast` to read what is at least as new.
    position: u64,
    /// `null` where it is deleted, or the read model has not got there within two seconds.
    annotation: Option<Annotation>,
}

#[derive(Default)]
pub(super) struct AnnotationMutation;

#[Object]
impl AnnotationMutation {
    /// Creates a container, under the id that is suggested if it is free.
    async fn create_annotation_container(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 1)] customer: u32,
        id: Option<String>,
        #[graphql(default)] label: String,
        #[graphql(default)] roles: Vec<String>,
    ) -> Result<ChangedContainer> {
        let customer = customer_id(customer)?;
        let context = context_for(ctx, customer)?;
        let annotations = &state(ctx).commands.annotations;
        let container = NewContainer { label, roles };
        let created = annotations.create_container(&context, customer, id, container).await;
        let (id, decided) = created.map_err(command_error)?;
        changed_container(ctx, &id, decided).await
    }

    /// Changes what is given of a container; `null` clears.
    async fn change_annotation_container(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 1)] customer: u32,
        id: String,
        label: MaybeUndefined<String>,
        roles: MaybeUndefined<Vec<String>>,
    ) -> Result<ChangedContainer> {
        let id = ContainerId { customer: customer_id(customer)?, id };
        let context = context_for(ctx, id.customer)?;
        let annotations = &state(ctx).commands.annotations;
        let changed = annotations.change_container(&context, &id, patch(label), patch(roles)).await;
        changed_container(ctx, &id, changed.map_err(command_error)?).await
    }

    /// Deletes an empty container, or with `recursive` one with all that is in it.
    async fn delete_annotation_container(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 1)] customer: u32,
        id: String,
        #[graphql(default)] recursive: bool,
    ) -> Result<ChangedContainer> {
        let id = ContainerId { customer: customer_id(customer)?, id };
        let context = context_for(ctx, id.customer)?;
        let annotations = &state(ctx).commands.annotations;
        let deleted = annotations.delete_container(&context, &id, recursive).await;
        changed_container(ctx, &id, deleted.map_err(command_error)?).await
    }

    /// Creates an annotation, under the id that is suggested if it is free.
    async fn create_annotation(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 1)] customer: u32,
        container: String,
        id: Option<String>,
        document: Json,
    ) -> Result<ChangedAnnotation> {
        let container = ContainerId { customer: customer_id(customer)?, id: container };
        let (context, document) = (context_for(ctx, container.customer)?, read(ctx, &document)?);
        let annotations = &state(ctx).commands.annotations;
        let created = annotations.create(&context, &container, id, document).await;
        let (id, decided) = created.map_err(command_error)?;
        changed(ctx, &id, decided).await
    }

    /// Replaces an annotation. With `editRevision`, only if nobody has changed it since.
    async fn replace_annotation(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 1)] customer: u32,
        container: String,
        id: String,
        document: Json,
        edit_revision: Option<u64>,
    ) -> Result<ChangedAnnotation> {
        let (id, context) = of(ctx, customer, container, id, edit_revision)?;
        let document = read(ctx, &document)?;
        let annotations = &state(ctx).commands.annotations;
        let replaced = annotations.replace(&context, &id, document).await;
        changed(ctx, &id, replaced.map_err(command_error)?).await
    }

    /// Brings back what an annotation was at a revision of its history, a deleted one too.
    async fn restore_annotation(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 1)] customer: u32,
        container: String,
        id: String,
        revision: u64,
        edit_revision: Option<u64>,
    ) -> Result<ChangedAnnotation> {
        let (id, context) = of(ctx, customer, container, id, edit_revision)?;
        let restored = state(ctx).commands.annotations.restore(&context, &id, revision).await;
        changed(ctx, &id, restored.map_err(command_error)?).await
    }

    /// Deletes an annotation. With `editRevision`, only if nobody has changed it since.
    async fn delete_annotation(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 1)] customer: u32,
        container: String,
        id: String,
        edit_revision: Option<u64>,
    ) -> Result<ChangedAnnotation> {
        let (id, context) = of(ctx, customer, container, id, edit_revision)?;
        let deleted = state(ctx).commands.annotations.delete(&context, &id).await;
        changed(ctx, &id, deleted.map_err(command_error)?).await
    }
}

fn of(
    ctx: &Context<'_>,
    customer: u32,
    container: String,
    id: String,
    edit_revision: Option<u64>,
) -> Result<(AnnotationId, CommandContext)> {
    let container = ContainerId { customer: customer_id(customer)?, id: container };
    let mut context = context_for(ctx, container.customer)?;
    context.expected_edit = edit_revision;
    Ok((AnnotationId { container, id }, context))
}

fn read(ctx: &Context<'_>, document: &Json) -> Result<AnnotationDocument> {
    let read = state(ctx).annotations.read(&document.0.to_string());
    read.map_err(|error| refused("annotation-invalid", error))
}

/// Waits until the change can be read.
async fn changed(
    ctx: &Context<'_>,
    id: &AnnotationId,
    decided: Decided,
) -> Result<ChangedAnnotation> {
    let row = match settled(ctx, decided).await {
        true => annotation::annotation(ctx, id).await?,
        false => None,
    };
    Ok(ChangedAnnotation { position: decided.position.0, annotation: row.map(Annotation::from) })
}

async fn changed_container(
    ctx: &Context<'_>,
    id: &ContainerId,
    decided: Decided,
) -> Result<ChangedContainer> {
    let row = match settled(ctx, decided).await {
        true => annotation::container(ctx, id).await?,
        false => None,
    };
    let container = row.map(AnnotationContainer::from);
    Ok(ChangedContainer { position: decided.position.0, container })
}

async fn settled(ctx: &Context<'_>, decided: Decided) -> bool {
    let name = dlcs_projections::annotations::NAME;
    state(ctx).queries.freshness.wait(name, decided.position, FRESHNESS_WAIT).await
}
