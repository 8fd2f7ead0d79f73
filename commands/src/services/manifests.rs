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
use dlcs_domain::{Aggregate, BlobRef, CustomerId, ManifestId, NameKey};
use dlcs_eventlog::StreamId;
use dlcs_objects::{Digest, ObjectKey, Objects};
use std::sync::Arc;
use uuid::Uuid;

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

    /// Replaces the document. Equal bytes change nothing.
    pub async fn replace(
        &self,
        context: &CommandContext,
        id: &ManifestId,
        document: Bytes,
    ) -> Result<Decided, CommandError> {
        if !self.load(id).await?.exists() {
            return Err(CommandError::NotFound(format!("there is no manifest `{id}`")));
        }
        let document = self.keep(document).await?;
        let command = ManifestCommand::Replace { document };
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
        let Some(manifest) = manifest.live() else {
            if context.expected_edit.is_some() {
                return Err(CommandError::EditMismatch { actual: 0 });
            }
            let name = Some(id.id.clone());
            let (_, decided) = self.create(context, id.customer, name, slug, document).await?;
            return Ok(decided);
        };
        if let Some(decided) = self.repeated_creation(context, id, &slug, &document).await? {
            return Ok(decided);
        }
        if slug.is_some() && slug != manifest.slug {
            return Err(CommandError::Conflict("the slug of a manifest stays as it is".to_owned()));
        }
        self.replace(context, id, document).await
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
