//! Stored manifests: the document is a blob, durable before the event that names it.

use super::customers::check_customer;
use super::reservations::{Reservations, Usage};
use crate::context::CommandContext;
use crate::cqrs::{Decided, Executor};
use crate::error::CommandError;
use crate::metadata::new_uuid;
use bytes::Bytes;
use dlcs_domain::manifest::{Manifest, ManifestCommand};
use dlcs_domain::names::{check_flat_id, check_slug};
use dlcs_domain::{Aggregate, BlobRef, CustomerId, ManifestId, NameKey, Patch};
use dlcs_eventlog::StreamId;
use dlcs_objects::{Digest, ObjectKey, Objects};
use std::sync::Arc;
use uuid::Uuid;

/// Moves of a manifest that others change at the same time, at most.
const MOVE_TRIES_MAX: u32 = 6;

#[derive(Clone)]
pub struct ManifestCommands {
    executor: Executor,
    reservations: Reservations,
    objects: Arc<dyn Objects>,
}

impl ManifestCommands {
    pub(super) fn new(
        executor: Executor,
        reservations: Reservations,
        objects: Arc<dyn Objects>,
    ) -> Self {
        Self { executor, reservations, objects }
    }

    /// Creates a manifest, under a chosen id or one that is made up.
    pub async fn create(
        &self,
        context: &CommandContext,
        customer: CustomerId,
        id: Option<String>,
        slug: Option<String>,
        document: Bytes,
    ) -> Result<(ManifestId, Decided), CommandError> {
        id.as_deref().map_or(Ok(()), check_flat_id)?;
        slug.as_deref().map_or(Ok(()), check_slug)?;
        check_customer(&self.executor, customer).await?;
        let document = self.keep(document).await?;
        let is_chosen = id.is_some();
        let id = ManifestId { customer, id: id.unwrap_or_else(|| self.new_id(context)) };
        let Some(name) = slug.clone() else {
            let decided = self.create_as(context, &id, None, document).await?;
            return Ok((id, decided));
        };
        let key = NameKey::Slug(customer, name.clone());
        let _queued = self.reservations.queue(&key).await;
        let (id, reservation) = match self.reservations.holder(&key).await? {
            // Created once only: whoever repeats its own command gets the same answer.
            Some(holder) if holder.usage != Usage::Unused && !is_chosen => {
                (parse(&holder.owner)?, None)
            }
            _ => {
                let reservation = self.reservations.reserve(context, &key, &stream(&id)).await?;
                reservation.check()?;
                (id, Some(reservation))
            }
        };
        match self.create_as(context, &id, slug, document).await {
            Ok(decided) => Ok((id, decided)),
            Err(error) => {
                if let Some(reservation) = reservation {
                    let owner = stream(&id);
                    self.reservations.give_back(context, &key, &owner, reservation, &error).await?;
                }
                let is_taken = !is_chosen && matches!(error, CommandError::Conflict(_));
                Err(if is_taken { CommandError::NameTaken(name) } else { error })
            }
        }
    }

    /// Moves a manifest to another public address, replaces its document, or both. What is as it
    /// was changes nothing.
    pub async fn change(
        &self,
        context: &CommandContext,
        id: &ManifestId,
        slug: Patch<String>,
        document: Option<Bytes>,
    ) -> Result<Decided, CommandError> {
        if !self.load(id).await?.exists() {
            // Refused, or answered as the first time.
            let nothing = ManifestCommand::Change { slug: Patch::Keep, document: None };
            return self.execute(context, id, nothing).await;
        }
        let document = match document {
            Some(document) => Some(self.keep(document).await?),
            None => None,
        };
        let wants_to_know = context.expected_edit.is_some() || context.expects_absent;
        for _tried in 0..MOVE_TRIES_MAX {
            match self.move_to(context, id, slug.clone(), document.clone()).await {
                // Somebody has changed it since: looked at again, unless the client wants to know.
                Err(CommandError::EditMismatch { .. }) if !wants_to_know => {}
                done => return done,
            }
        }
        Err(CommandError::Busy)
    }

    /// Changes the manifest as it is now: one that was moved meanwhile may have let its name go.
    async fn move_to(
        &self,
        context: &CommandContext,
        id: &ManifestId,
        slug: Patch<String>,
        document: Option<BlobRef>,
    ) -> Result<Decided, CommandError> {
        let manifest = self.load(id).await?;
        let former = manifest.live().and_then(|it| it.slug.clone());
        let wanted = match &slug {
            Patch::Keep => former.clone(),
            Patch::Clear => None,
            Patch::Set(slug) => Some(slug.clone()),
        };
        let command = ManifestCommand::Change { slug, document };
        let key = |slug: &String| NameKey::Slug(id.customer, slug.clone());
        let (former, wanted) = (former.as_ref().map(key), wanted.as_ref().map(key));
        let is_same =
            former.as_ref().map(NameKey::to_string) == wanted.as_ref().map(NameKey::to_string);
        if is_same || !manifest.exists() {
            return self.execute(context, id, command).await;
        }
        if let ManifestCommand::Change { slug: Patch::Set(slug), .. } = &command {
            check_slug(slug)?;
        }
        let expected_edit = context.expected_edit.or(Some(manifest.edit_revision()));
        let as_seen = CommandContext { expected_edit, ..context.clone() };
        let _queued = match &wanted {
            Some(key) => Some(self.reservations.queue(key).await),
            None => None,
        };
        let seen = match &former {
            Some(key) => Some(self.reservations.look(key).await?),
            None => None,
        };
        let owner = stream(id);
        let reservation = match &wanted {
            Some(key) => Some(self.reservations.reserve(context, key, &owner).await?),
            None => None,
        };
        if let Some(reservation) = &reservation {
            reservation.check()?;
        }
        match self.execute(&as_seen, id, command).await {
            Ok(decided) => {
                if let (Some(former), Some(seen)) = (&former, seen) {
                    self.reservations.release(context, former, &owner, seen).await?;
                }
                Ok(decided)
            }
            Err(error) => {
                if let (Some(key), Some(reservation)) = (&wanted, reservation) {
                    self.reservations.give_back(context, key, &owner, reservation, &error).await?;
                }
                Err(error)
            }
        }
    }

    /// Deletes a manifest. Its slug is free then; its address says that it is gone.
    pub async fn delete(
        &self,
        context: &CommandContext,
        id: &ManifestId,
    ) -> Result<Decided, CommandError> {
        let slug = self.load(id).await?.live().and_then(|it| it.slug.clone());
        let Some(slug) = slug else {
            return self.execute(context, id, ManifestCommand::Delete).await;
        };
        let key = NameKey::Slug(id.customer, slug);
        let seen = self.reservations.look(&key).await?;
        let decided = self.execute(context, id, ManifestCommand::Delete).await?;
        // If it was moved meanwhile, that flow has let the name go.
        self.reservations.release(context, &key, &stream(id), seen).await?;
        Ok(decided)
    }

    async fn execute(
        &self,
        context: &CommandContext,
        id: &ManifestId,
        command: ManifestCommand,
    ) -> Result<Decided, CommandError> {
        Ok(self.executor.execute::<Manifest>(context, &id.to_string(), command).await?)
    }

    /// PUT: creates a manifest under this id, or replaces its document.
    pub async fn put(
        &self,
        context: &CommandContext,
        id: &ManifestId,
        slug: Option<String>,
        document: Bytes,
    ) -> Result<Decided, CommandError> {
        let manifest = self.load(id).await?;
        if !manifest.exists() {
            if context.expected_edit.is_some() {
                return Err(CommandError::EditMismatch { actual: manifest.edit_revision() });
            }
            let name = Some(id.id.clone());
            let (_, decided) = self.create(context, id.customer, name, slug, document).await?;
            return Ok(decided);
        }
        if let Some(decided) = self.repeated_creation(context, id, &slug, &document).await? {
            return Ok(decided);
        }
        let slug = slug.map_or(Patch::Keep, Patch::Set);
        self.change(context, id, slug, Some(document)).await
    }

    /// Finds a manifest by its slug.
    pub async fn by_slug(
        &self,
        customer: CustomerId,
        slug: &str,
    ) -> Result<Option<ManifestId>, CommandError> {
        let key = NameKey::Slug(customer, slug.to_owned());
        match self.reservations.holder(&key).await? {
            Some(holder) if holder.usage == Usage::InUse => parse(&holder.owner).map(Some),
            _ => Ok(None),
        }
    }

    pub async fn load(&self, id: &ManifestId) -> Result<Manifest, CommandError> {
        Ok(self.executor.load::<Manifest>(&id.to_string()).await?.state)
    }

    async fn keep(&self, document: Bytes) -> Result<BlobRef, CommandError> {
        let digest = Digest::of(&document);
        let length_bytes = document.len() as u64;
        self.objects.put(&ObjectKey::document(&digest), document).await?;
        Ok(BlobRef { sha256: digest.to_string(), length_bytes })
    }

    /// Returns the answer of the first time, if this command created the manifest: what others have
    /// replaced since stays.
    async fn repeated_creation(
        &self,
        context: &CommandContext,
        id: &ManifestId,
        slug: &Option<String>,
        document: &Bytes,
    ) -> Result<Option<Decided>, CommandError> {
        if context.command_id.is_none() {
            return Ok(None);
        }
        let document = self.keep(document.clone()).await?;
        match self.create_as(context, id, slug.clone(), document).await {
            Ok(decided) => Ok(Some(decided)),
            Err(CommandError::Conflict(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A repeated command finds its own manifest again.
    fn new_id(&self, context: &CommandContext) -> String {
        let repeatable = context.command_id.map(|it| Uuid::new_v5(&it, b"manifest"));
        let id = repeatable.unwrap_or_else(|| new_uuid(self.executor.clock().now_us()));
        id.simple().to_string()
    }

    async fn create_as(
        &self,
        context: &CommandContext,
        id: &ManifestId,
        slug: Option<String>,
        document: BlobRef,
    ) -> Result<Decided, CommandError> {
        let command = ManifestCommand::Create { slug, document };
        let context = context.part("create");
        Ok(self.executor.execute::<Manifest>(&context, &id.to_string(), command).await?)
    }
}

fn stream(id: &ManifestId) -> StreamId {
    StreamId::new(Manifest::CATEGORY, &id.to_string())
}

fn parse(owner: &StreamId) -> Result<ManifestId, CommandError> {
    let damaged = || CommandError::Damaged(format!("`{owner}` is no manifest"));
    let (customer, id) = owner.id().split_once('/').ok_or_else(damaged)?;
    let customer = customer.parse().map_err(|_| damaged())?;
    Ok(ManifestId { customer, id: id.to_owned() })
}
