//! Collections: storage collections, which hold manifests and collections, and IIIF collections,
//! which are as their clients wrote them.

use super::hierarchy::{FlatId, Hierarchy, NewDocument, Placed};
use crate::context::CommandContext;
use crate::cqrs::{Decided, DispatchError, Executor};
use crate::error::CommandError;
use crate::lookups::Lookups;
use dlcs_domain::collection::{
    Collection, CollectionCommand, CollectionError, CollectionKind, CollectionPatch, NewCollection,
};
use dlcs_domain::{Aggregate, CollectionId, CustomerId, Place, PlacePatch};
use std::sync::Arc;

#[derive(Clone)]
pub struct CollectionCommands {
    hierarchy: Hierarchy,
    executor: Executor,
    lookups: Arc<dyn Lookups>,
}

/// What a client says of a collection; what is left out stays, or is not there.
#[derive(Debug, Clone)]
pub struct CollectionChange {
    pub kind: CollectionKind,
    pub place: PlacePatch,
    /// A new one is public unless this says no.
    pub is_public: Option<bool>,
    pub document: NewDocument,
}

impl Placed for Collection {
    fn place(&self) -> Option<&Place> {
        self.live().map(|it| &it.place)
    }

    fn moving(place: PlacePatch) -> CollectionCommand {
        CollectionCommand::Change(CollectionPatch { place, ..CollectionPatch::default() })
    }

    fn deleting() -> CollectionCommand {
        CollectionCommand::Delete { is_empty: true }
    }
}

impl CollectionCommands {
    pub(super) fn new(hierarchy: Hierarchy, executor: Executor, lookups: Arc<dyn Lookups>) -> Self {
        Self { hierarchy, executor, lookups }
    }

    /// Creates a collection, under a chosen id or one that is made up.
    pub async fn create(
        &self,
        context: &CommandContext,
        customer: CustomerId,
        id: Option<String>,
        collection: CollectionChange,
    ) -> Result<(CollectionId, Decided), CommandError> {
        let CollectionChange { kind, place, is_public, document } = collection;
        let place = place.from(&Place::default());
        let document = self.hierarchy.keep(document).await?;
        let is_public = is_public.unwrap_or(true);
        let new = NewCollection { kind, place: place.clone(), is_public, document };
        let command = CollectionCommand::Create(new);
        let created = self.hierarchy.create::<Collection>(context, customer, id, &place, command);
        let (FlatId { customer, id }, decided) = created.await?;
        Ok((CollectionId { customer, id }, decided))
    }

    /// Moves a collection, shows or hides it, replaces its document.
    pub async fn change(
        &self,
        context: &CommandContext,
        id: &CollectionId,
        collection: CollectionChange,
    ) -> Result<Decided, CommandError> {
        let CollectionChange { kind, place, is_public, document } = collection;
        let document = Some(self.hierarchy.keep(document).await?);
        let kind = Some(kind);
        let patch = CollectionPatch { kind, place: place.clone(), is_public, document };
        let command = CollectionCommand::Change(patch);
        self.hierarchy.change::<Collection>(context, &flat(id), &place, command).await
    }

    /// Moves a collection and all that is in it.
    pub async fn move_to(
        &self,
        context: &CommandContext,
        id: &CollectionId,
        place: PlacePatch,
    ) -> Result<Decided, CommandError> {
        let command = Collection::moving(place.clone());
        self.hierarchy.change::<Collection>(context, &flat(id), &place, command).await
    }

    /// PUT: creates a collection under this id, or changes it.
    pub async fn put(
        &self,
        context: &CommandContext,
        id: &CollectionId,
        collection: CollectionChange,
    ) -> Result<Decided, CommandError> {
        let known = self.load(id).await?;
        if !known.exists() {
            if context.expected_edit.is_some() {
                return Err(CommandError::EditMismatch { actual: known.edit_revision() });
            }
            let name = Some(id.id.clone());
            let (_, decided) = self.create(context, id.customer, name, collection).await?;
            return Ok(decided);
        }
        let creation = context.part("create");
        if let Some(decided) = self.hierarchy.repeated::<Collection>(&creation, &flat(id)).await? {
            return Ok(decided);
        }
        self.change(context, id, collection).await
    }

    /// Deletes a collection that nothing is in.
    pub async fn delete(
        &self,
        context: &CommandContext,
        id: &CollectionId,
    ) -> Result<Decided, CommandError> {
        let flat = flat(id);
        let head = self.executor.log().head().await?;
        let name = self.hierarchy.name_of::<Collection>(&flat).await?;
        let is_empty = self.lookups.collection_is_empty(id, head).await?;
        let command = CollectionCommand::Delete { is_empty };
        let decided = self.hierarchy.execute::<Collection>(context, &flat, command).await?;
        // Something may have been put into it between the look and the deletion. Who comes later
        // than that finds the collection gone.
        let head = self.executor.log().head().await?;
        let checked = self.lookups.collection_is_empty(id, head).await;
        if checked == Ok(true) {
            self.hierarchy.let_go::<Collection>(context, &flat, name).await?;
            return Ok(decided);
        }
        let undo = context.part("undo");
        self.hierarchy.execute::<Collection>(&undo, &flat, CollectionCommand::Restore).await?;
        checked?;
        Err(DispatchError::Rejected(CollectionError::NotEmpty).into())
    }

    pub async fn load(&self, id: &CollectionId) -> Result<Collection, CommandError> {
        self.hierarchy.load::<Collection>(&flat(id)).await
    }
}

fn flat(id: &CollectionId) -> FlatId {
    FlatId { customer: id.customer, id: id.id.clone() }
}
