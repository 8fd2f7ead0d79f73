//! Stored manifests: the document is a blob, durable before the event that names it.

mod editing;

use super::hierarchy::{FlatId, Hierarchy, NewDocument, Placed, parse};
use crate::context::CommandContext;
use crate::cqrs::Decided;
use crate::error::CommandError;
use crate::keyed::KeyedLocks;
use dlcs_domain::manifest::{Manifest, ManifestCommand};
use dlcs_domain::{Aggregate, CustomerId, ManifestId, NameKey, Place, PlacePatch};

#[derive(Clone)]
pub struct ManifestCommands {
    hierarchy: Hierarchy,
    /// One after the other edits a manifest: each has to look at its document.
    editing: KeyedLocks,
}

impl Placed for Manifest {
    fn place(&self) -> Option<&Place> {
        self.live().map(|it| &it.place)
    }

    fn moving(place: PlacePatch) -> ManifestCommand {
        ManifestCommand::Change { place, document: None }
    }

    fn deleting() -> ManifestCommand {
        ManifestCommand::Delete
    }
}

impl ManifestCommands {
    pub(super) fn new(hierarchy: Hierarchy) -> Self {
        Self { hierarchy, editing: KeyedLocks::default() }
    }

    /// Creates a manifest, under a chosen id or one that is made up.
    pub async fn create(
        &self,
        context: &CommandContext,
        customer: CustomerId,
        id: Option<String>,
        place: Place,
        document: NewDocument,
    ) -> Result<(ManifestId, Decided), CommandError> {
        let document = self.hierarchy.keep(document).await?;
        let command = ManifestCommand::Create { place: place.clone(), document };
        let created = self.hierarchy.create::<Manifest>(context, customer, id, &place, command);
        let (FlatId { customer, id }, decided) = created.await?;
        Ok((ManifestId { customer, id }, decided))
    }

    /// Moves a manifest to another place, replaces its document, or both. What is as it was changes
    /// nothing.
    pub async fn change(
        &self,
        context: &CommandContext,
        id: &ManifestId,
        place: PlacePatch,
        document: Option<NewDocument>,
    ) -> Result<Decided, CommandError> {
        let id = flat(id);
        let is_there = self.hierarchy.load::<Manifest>(&id).await?.exists();
        let document = match document.filter(|_| is_there) {
            Some(document) => Some(self.hierarchy.keep(document).await?),
            None => None,
        };
        let command = ManifestCommand::Change { place: place.clone(), document };
        self.hierarchy.change::<Manifest>(context, &id, &place, command).await
    }

    /// Deletes a manifest. Its slug is free then; its address says that it is gone.
    pub async fn delete(
        &self,
        context: &CommandContext,
        id: &ManifestId,
    ) -> Result<Decided, CommandError> {
        let id = flat(id);
        let name = self.hierarchy.name_of::<Manifest>(&id).await?;
        let deleted = self.hierarchy.execute::<Manifest>(context, &id, ManifestCommand::Delete);
        let decided = deleted.await?;
        self.hierarchy.let_go::<Manifest>(context, &id, name).await?;
        Ok(decided)
    }

    /// PUT: creates a manifest under this id, or replaces its document.
    pub async fn put(
        &self,
        context: &CommandContext,
        id: &ManifestId,
        place: PlacePatch,
        document: NewDocument,
    ) -> Result<Decided, CommandError> {
        let manifest = self.load(id).await?;
        if !manifest.exists() {
            if context.expected_edit.is_some() {
                return Err(CommandError::EditMismatch { actual: manifest.edit_revision() });
            }
            let (name, place) = (Some(id.id.clone()), place.from(&Place::default()));
            let (_, decided) = self.create(context, id.customer, name, place, document).await?;
            return Ok(decided);
        }
        // What others have replaced since stays, if it was this command that created it.
        let creation = context.part("create");
        if let Some(decided) = self.hierarchy.repeated::<Manifest>(&creation, &flat(id)).await? {
            return Ok(decided);
        }
        self.change(context, id, place, Some(document)).await
    }

    /// Finds a manifest by its slug below the root collection.
    pub async fn by_slug(
        &self,
        customer: CustomerId,
        slug: &str,
    ) -> Result<Option<ManifestId>, CommandError> {
        let key = NameKey::Slug { customer, parent: None, slug: slug.to_owned() };
        let owner = self.hierarchy.holder(&key).await?;
        let Some(owner) = owner.filter(|it| it.category() == Manifest::CATEGORY) else {
            return Ok(None);
        };
        let FlatId { customer, id } = parse(&owner)?;
        Ok(Some(ManifestId { customer, id }))
    }

    pub async fn load(&self, id: &ManifestId) -> Result<Manifest, CommandError> {
        self.hierarchy.load::<Manifest>(&flat(id)).await
    }
}

fn flat(id: &ManifestId) -> FlatId {
    FlatId { customer: id.customer, id: id.id.clone() }
}
