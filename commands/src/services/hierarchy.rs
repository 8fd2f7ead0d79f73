//! The hierarchy of stored manifests and collections: what is created, moved and deleted keeps a
//! slug that is its own below its parent, and a parent that is there.
//!
//! A parent is looked at before a child is written and after it: a deletion in between finds the
//! child, or the child finds the deletion and is taken back.

use super::customers::check_customer;
use super::reservations::{Reservations, Seen, Usage};
use crate::context::CommandContext;
use crate::cqrs::{Decided, Executor};
use crate::error::{CommandError, Rule};
use crate::metadata::new_uuid;
use bytes::Bytes;
use dlcs_domain::collection::{Collection, CollectionError, CollectionKind};
use dlcs_domain::manifest::LabelledBlob;
use dlcs_domain::names::check_flat_id;
use dlcs_domain::{Aggregate, BlobRef, CustomerId, Label, NameKey, Patch, Place, PlacePatch};
use dlcs_eventlog::StreamId;
use dlcs_objects::{Digest, ObjectKey, Objects};
use std::sync::Arc;
use uuid::Uuid;

/// Moves of a resource that others change at the same time, at most.
pub(super) const MOVE_TRIES_MAX: u32 = 6;
/// Storage collections above one another, at most.
const DEPTH_MAX: usize = 32;

/// A document to keep, and what it says that it is called.
#[derive(Debug, Clone)]
pub struct NewDocument {
    pub bytes: Bytes,
    pub label: Label,
}

/// What has a place in the hierarchy.
pub(super) trait Placed: Aggregate<Command: Clone, Error: Rule> {
    /// Returns where it is, while it is there.
    fn place(&self) -> Option<&Place>;

    /// Returns the command that moves it.
    fn moving(place: PlacePatch) -> Self::Command;

    /// Returns the command that deletes it, though nothing is in it.
    fn deleting() -> Self::Command;
}

/// Names a resource of a customer by a flat id without `/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FlatId {
    pub(super) customer: CustomerId,
    pub(super) id: String,
}

/// A name as it was before its owner was deleted.
pub(super) struct FormerName(Option<(NameKey, Seen)>);

#[derive(Clone)]
pub(super) struct Hierarchy {
    executor: Executor,
    reservations: Reservations,
    objects: Arc<dyn Objects>,
}

impl Hierarchy {
    pub(super) fn new(
        executor: Executor,
        reservations: Reservations,
        objects: Arc<dyn Objects>,
    ) -> Self {
        Self { executor, reservations, objects }
    }

    /// Keeps a document, durable before the event that names it.
    pub(super) async fn keep(&self, document: NewDocument) -> Result<LabelledBlob, CommandError> {
        let NewDocument { bytes, label } = document;
        let digest = Digest::of(&bytes);
        let length_bytes = bytes.len() as u64;
        self.objects.put(&ObjectKey::document(&digest), bytes).await?;
        Ok(LabelledBlob { blob: BlobRef { sha256: digest.to_string(), length_bytes }, label })
    }

    /// Returns the text of a document that was kept.
    pub(super) async fn kept(&self, document: &BlobRef) -> Result<String, CommandError> {
        let damaged = || CommandError::Damaged("the digest of a document is malformed".to_owned());
        let digest = Digest::parse(&document.sha256).ok_or_else(damaged)?;
        let bytes = self.objects.get(&ObjectKey::document(&digest)).await?;
        String::from_utf8(bytes.into()).map_err(|error| CommandError::Damaged(error.to_string()))
    }

    /// Creates a resource, under a chosen id or one that is made up. `command` creates it at
    /// `place`.
    pub(super) async fn create<A: Placed>(
        &self,
        context: &CommandContext,
        customer: CustomerId,
        id: Option<String>,
        place: &Place,
        command: A::Command,
    ) -> Result<(FlatId, Decided), CommandError> {
        id.as_deref().map_or(Ok(()), check_flat_id)?;
        place.check()?;
        check_customer(&self.executor, customer).await?;
        let is_chosen = id.is_some();
        let id = FlatId { customer, id: id.unwrap_or_else(|| self.new_id::<A>(context)) };
        if let Err(error) = self.check_parents::<A>(&id, place).await {
            let repeated = self.repeated::<A>(&context.part("create"), &id).await?;
            return repeated.map(|it| (id, it)).ok_or(error);
        }
        let Some(key) = place.name_key(customer) else {
            let create = context.part("create");
            let decided = self.create_below::<A>(context, &create, &id, place, command).await?;
            return Ok((id, decided));
        };
        let _queued = self.reservations.queue(&key).await;
        for _tried in 0..MOVE_TRIES_MAX {
            // Created once only: whoever repeats its own command gets the same answer.
            let holder = self.reservations.holder(&key).await?.filter(|holder| {
                let is_ours = holder.owner.category() == A::CATEGORY;
                holder.usage != Usage::Unused && !is_chosen && is_ours
            });
            let id = holder.map_or_else(|| Ok(id.clone()), |holder| parse(&holder.owner))?;
            match self.create_named::<A>(context, &id, &key, place, command.clone()).await {
                // Somebody has created and deleted it in between, and released its name.
                Err(CommandError::EditMismatch { .. }) => {}
                Err(CommandError::Conflict(_)) if !is_chosen => {
                    return Err(CommandError::NameTaken(place.slug.clone().unwrap_or_default()));
                }
                done => return done.map(|decided| (id, decided)),
            }
        }
        Err(CommandError::Busy)
    }

    /// Creates a resource once its name is reserved, if it is still what it was before that.
    async fn create_named<A: Placed>(
        &self,
        context: &CommandContext,
        id: &FlatId,
        key: &NameKey,
        place: &Place,
        command: A::Command,
    ) -> Result<Decided, CommandError> {
        let seen_edit = Some(self.load::<A>(id).await?.edit_revision());
        let owner = stream::<A>(id);
        let reservation = self.reservations.reserve(context, key, &owner).await?;
        reservation.check()?;
        let as_seen = CommandContext { seen_edit, ..context.part("create") };
        match self.create_below::<A>(context, &as_seen, id, place, command).await {
            Err(error) => {
                self.reservations.give_back(context, key, &owner, reservation, &error).await?;
                Err(error)
            }
            done => done,
        }
    }

    /// Changes a resource; `command` moves it as `patch` says, and may do more.
    pub(super) async fn change<A: Placed>(
        &self,
        context: &CommandContext,
        id: &FlatId,
        patch: &PlacePatch,
        command: A::Command,
    ) -> Result<Decided, CommandError> {
        let wants_to_know = context.expected_edit.is_some() || context.expects_absent;
        for _tried in 0..MOVE_TRIES_MAX {
            match self.change_once::<A>(context, id, patch, command.clone()).await {
                // Somebody has changed it since: looked at again, unless the client wants to know.
                Err(CommandError::EditMismatch { .. }) if !wants_to_know => {}
                done => return done,
            }
        }
        Err(CommandError::Busy)
    }

    /// Looks at the name of a resource that is about to be deleted.
    pub(super) async fn name_of<A: Placed>(&self, id: &FlatId) -> Result<FormerName, CommandError> {
        let key = self.load::<A>(id).await?.place().and_then(|it| it.name_key(id.customer));
        match key {
            Some(key) => {
                let seen = self.reservations.look(&key).await?;
                Ok(FormerName(Some((key, seen))))
            }
            None => Ok(FormerName(None)),
        }
    }

    /// Lets the name of a deleted resource go. If it was moved meanwhile, that flow has done so.
    pub(super) async fn let_go<A: Placed>(
        &self,
        context: &CommandContext,
        id: &FlatId,
        name: FormerName,
    ) -> Result<(), CommandError> {
        match name.0 {
            Some((key, seen)) => {
                self.reservations.release(context, &key, &stream::<A>(id), seen).await
            }
            None => Ok(()),
        }
    }

    /// Finds who uses a slug below a parent.
    pub(super) async fn holder(&self, key: &NameKey) -> Result<Option<StreamId>, CommandError> {
        let holder = self.reservations.holder(key).await?;
        Ok(holder.filter(|it| it.usage == Usage::InUse).map(|it| it.owner))
    }

    pub(super) async fn load<A: Aggregate>(&self, id: &FlatId) -> Result<A, CommandError> {
        Ok(self.executor.load::<A>(&id.to_string()).await?.state)
    }

    pub(super) async fn execute<A: Placed>(
        &self,
        context: &CommandContext,
        id: &FlatId,
        command: A::Command,
    ) -> Result<Decided, CommandError> {
        Ok(self.executor.execute::<A>(context, &id.to_string(), command).await?)
    }

    /// Returns the answer of the first time, if this command has been executed before.
    pub(super) async fn repeated<A: Placed>(
        &self,
        context: &CommandContext,
        id: &FlatId,
    ) -> Result<Option<Decided>, CommandError> {
        if context.command_id.is_none() {
            return Ok(None);
        }
        let repeated = self.executor.repeated::<A>(context, &id.to_string()).await?;
        Ok(repeated.map(|it| it.decided))
    }

    /// Creates what is taken back if its parent has gone meanwhile.
    async fn create_below<A: Placed>(
        &self,
        context: &CommandContext,
        create: &CommandContext,
        id: &FlatId,
        place: &Place,
        command: A::Command,
    ) -> Result<Decided, CommandError> {
        let decided = self.execute::<A>(create, id, command).await?;
        if let Err(error) = self.check_parents::<A>(id, place).await {
            let expected_edit = Some(decided.edit_revision);
            let undo = CommandContext { expected_edit, ..context.part("undo") };
            self.execute::<A>(&undo, id, A::deleting()).await?;
            return Err(error);
        }
        Ok(decided)
    }

    /// Changes the resource as it is now: one that was moved meanwhile may have let its name go.
    async fn change_once<A: Placed>(
        &self,
        context: &CommandContext,
        id: &FlatId,
        patch: &PlacePatch,
        command: A::Command,
    ) -> Result<Decided, CommandError> {
        let state = self.load::<A>(id).await?;
        let Some(former) = state.place() else {
            return self.execute::<A>(context, id, command).await;
        };
        let wanted = patch.clone().from(former);
        let is_below_another = wanted.parent != former.parent;
        let (former_key, key) = (former.name_key(id.customer), wanted.name_key(id.customer));
        let is_same_name =
            former_key.as_ref().map(NameKey::to_string) == key.as_ref().map(NameKey::to_string);
        if is_same_name && !is_below_another {
            return self.execute::<A>(context, id, command).await;
        }
        wanted.check()?;
        if is_below_another {
            self.check_parents::<A>(id, &wanted).await?;
        }
        let expected_edit = context.expected_edit.or(Some(state.edit_revision()));
        let as_seen = CommandContext { expected_edit, ..context.clone() };
        let _queued = match &key {
            Some(key) => Some(self.reservations.queue(key).await),
            None => None,
        };
        let seen = match &former_key {
            Some(key) => Some(self.reservations.look(key).await?),
            None => None,
        };
        let owner = stream::<A>(id);
        let reservation = match &key {
            Some(key) => Some(self.reservations.reserve(context, key, &owner).await?),
            None => None,
        };
        if let Some(reservation) = &reservation {
            reservation.check()?;
        }
        match self.move_below::<A>(&as_seen, id, former, &wanted, command).await {
            Ok(decided) => {
                if let (Some(former), Some(seen)) = (&former_key, seen) {
                    self.reservations.release(context, former, &owner, seen).await?;
                }
                Ok(decided)
            }
            Err(error) => {
                if let (Some(key), Some(reservation)) = (&key, reservation) {
                    self.reservations.give_back(context, key, &owner, reservation, &error).await?;
                }
                Err(error)
            }
        }
    }

    /// Moves what goes back to where it was if its new parent has gone meanwhile, or has come below
    /// it.
    async fn move_below<A: Placed>(
        &self,
        context: &CommandContext,
        id: &FlatId,
        former: &Place,
        wanted: &Place,
        command: A::Command,
    ) -> Result<Decided, CommandError> {
        let decided = self.execute::<A>(context, id, command).await?;
        if former.parent == wanted.parent {
            return Ok(decided);
        }
        if let Err(error) = self.check_parents::<A>(id, wanted).await {
            let back = |value: &Option<String>| value.clone().map_or(Patch::Clear, Patch::Set);
            let back = PlacePatch { parent: back(&former.parent), slug: back(&former.slug) };
            let expected_edit = Some(decided.edit_revision);
            let undo = CommandContext { expected_edit, ..context.part("undo") };
            self.execute::<A>(&undo, id, A::moving(back)).await?;
            return Err(error);
        }
        Ok(decided)
    }

    /// Checks that there are storage collections all the way up to the root, and none is the
    /// resource itself.
    async fn check_parents<A: Aggregate>(
        &self,
        id: &FlatId,
        place: &Place,
    ) -> Result<(), CommandError> {
        let mut parent = place.parent.clone();
        for _level in 0..DEPTH_MAX {
            let Some(above) = parent else { return Ok(()) };
            if A::CATEGORY == Collection::CATEGORY && above == id.id {
                let text = "a collection cannot be within itself";
                return Err(CommandError::Invalid(text.to_owned()));
            }
            let above = FlatId { customer: id.customer, id: above };
            parent = self.storage(&above).await?.parent;
        }
        Err(CommandError::Invalid(format!("collections are at most {DEPTH_MAX} levels deep")))
    }

    /// Returns where a storage collection is.
    async fn storage(&self, id: &FlatId) -> Result<Place, CommandError> {
        match self.load::<Collection>(id).await? {
            Collection::Live(it) if it.kind == CollectionKind::Storage => Ok(it.place),
            Collection::Live(_) => {
                let text = format!("`{}` is a IIIF collection: nothing can be put below it", id.id);
                Err(CommandError::Conflict(text))
            }
            Collection::Absent => {
                Err(CommandError::Invalid(format!("there is no collection `{}`", id.id)))
            }
            Collection::Deleted(_) => {
                let text = CollectionError::Deleted.to_string();
                Err(CommandError::Conflict(format!("{text}: `{}`", id.id)))
            }
        }
    }

    /// A repeated command finds its own resource again.
    fn new_id<A: Aggregate>(&self, context: &CommandContext) -> String {
        let repeatable = context.command_id.map(|it| Uuid::new_v5(&it, A::CATEGORY.as_bytes()));
        let id = repeatable.unwrap_or_else(|| new_uuid(self.executor.clock().now_us()));
        id.simple().to_string()
    }
}

impl std::fmt::Display for FlatId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.customer, self.id)
    }
}

fn stream<A: Aggregate>(id: &FlatId) -> StreamId {
    StreamId::new(A::CATEGORY, &id.to_string())
}

/// Reads whose stream it is.
pub(super) fn parse(owner: &StreamId) -> Result<FlatId, CommandError> {
    let damaged = || CommandError::Damaged(format!("`{owner}` has no place in the hierarchy"));
    let (customer, id) = owner.id().split_once('/').ok_or_else(damaged)?;
    let customer = customer.parse().map_err(|_| damaged())?;
    Ok(FlatId { customer, id: id.to_owned() })
}
