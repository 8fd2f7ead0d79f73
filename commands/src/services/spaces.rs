//! Spaces: numbers from their customer, names by reservation.

use super::reservations::{Reservations, Usage};
use crate::context::CommandContext;
use crate::cqrs::{Decided, DispatchError, Executor, Loaded, Outcome};
use crate::error::CommandError;
use crate::lookups::Lookups;
use dlcs_domain::customer::{Customer, CustomerCommand, CustomerEvent};
use dlcs_domain::names::check_space_name;
use dlcs_domain::space::{Space, SpaceChange, SpaceCommand, SpaceError};
use dlcs_domain::{Aggregate, CustomerId, Languages, NameKey, SpaceId, SpaceNumber};
use dlcs_eventlog::StreamId;
use std::sync::Arc;

/// Looks for a space by name, at most: somebody else may be creating it.
const ENSURE_TRIES_MAX: u32 = 3;
/// Renames of a space that others change at the same time, at most.
const RENAME_TRIES_MAX: u32 = 6;

#[derive(Clone)]
pub struct SpaceCommands {
    executor: Executor,
    reservations: Reservations,
    lookups: Arc<dyn Lookups>,
}

/// A space that shall be created.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NewSpace {
    pub name: String,
    pub default_tags: Vec<String>,
    pub default_roles: Vec<String>,
    pub default_recognise: Languages,
}

impl SpaceCommands {
    pub(super) fn new(
        executor: Executor,
        reservations: Reservations,
        lookups: Arc<dyn Lookups>,
    ) -> Self {
        Self { executor, reservations, lookups }
    }

    /// POST: creates a space under the customer's next number.
    pub async fn create(
        &self,
        context: &CommandContext,
        customer: CustomerId,
        space: NewSpace,
    ) -> Result<(SpaceId, Decided), CommandError> {
        check_space_name(&space.name)?;
        let key = NameKey::Space(customer, space.name.clone());
        let _queued = self.reservations.queue(&key).await;
        for _tried in 0..RENAME_TRIES_MAX {
            let id = match self.reservations.holder(&key).await? {
                // Created once only: whoever repeats its own command gets the same answer.
                Some(holder) if holder.usage != Usage::Unused => parse(&holder.owner)?,
                _ => self.allocate(context, customer).await?,
            };
            match self.create_named(context, id, &key, space.clone()).await {
                Err(CommandError::EditMismatch { .. }) => {}
                done => return done.map(|decided| (id, decided)),
            }
        }
        Err(CommandError::Busy)
    }

    /// Creates a space once its name is reserved. Who creates and deletes it in between has released
    /// that name: then it is looked at again.
    async fn create_named(
        &self,
        context: &CommandContext,
        id: SpaceId,
        key: &NameKey,
        space: NewSpace,
    ) -> Result<Decided, CommandError> {
        let seen_edit = Some(self.load(id).await?.state.edit_revision());
        self.reservations.reserve(context, key, &stream(id)).await?.check()?;
        self.create_as(&CommandContext { seen_edit, ..context.part("create") }, id, space).await
    }

    /// PUT: creates a space under a chosen number, or changes the one that is there.
    pub async fn put(
        &self,
        context: &CommandContext,
        id: SpaceId,
        change: SpaceChange,
    ) -> Result<Decided, CommandError> {
        let loaded = self.load(id).await?;
        if loaded.state.exists() {
            return match self.repeated_creation(context, id, &change).await? {
                Some(decided) => Ok(decided),
                None => self.change(context, id, change).await,
            };
        }
        if context.expected_edit.is_some() {
            return Err(CommandError::EditMismatch { actual: loaded.state.edit_revision() });
        }
        let space = new_space(change)?;
        check_space_name(&space.name)?;
        let choose = CustomerCommand::ChooseSpaceNumber { number: id.space };
        let customer = id.customer.to_string();
        self.executor.execute::<Customer>(&context.natural(), &customer, choose).await?;
        let key = NameKey::Space(id.customer, space.name.clone());
        let _queued = self.reservations.queue(&key).await;
        for _tried in 0..RENAME_TRIES_MAX {
            match self.create_named(context, id, &key, space.clone()).await {
                Err(CommandError::EditMismatch { .. }) => {}
                done => return done,
            }
        }
        Err(CommandError::Busy)
    }

    /// PATCH: renames a space or changes what its new assets take over.
    pub async fn change(
        &self,
        context: &CommandContext,
        id: SpaceId,
        change: SpaceChange,
    ) -> Result<Decided, CommandError> {
        let Some(name) = change.name.clone() else {
            return Ok(self.execute(context, id, SpaceCommand::Change(change)).await?.decided);
        };
        check_space_name(&name)?;
        let key = NameKey::Space(id.customer, name);
        let _queued = self.reservations.queue(&key).await;
        let wants_to_know = context.expected_edit.is_some() || context.expects_absent;
        for _tried in 0..RENAME_TRIES_MAX {
            match self.rename(context, id, &key, change.clone()).await {
                // Somebody has changed it since: looked at again, unless the client wants to know.
                Err(CommandError::EditMismatch { .. }) if !wants_to_know => {}
                done => return done,
            }
        }
        Err(CommandError::Busy)
    }

    /// Renames the space as it is now: one that was changed meanwhile may have let its name go.
    async fn rename(
        &self,
        context: &CommandContext,
        id: SpaceId,
        key: &NameKey,
        change: SpaceChange,
    ) -> Result<Decided, CommandError> {
        let space = self.load(id).await?.state;
        let Some(live) = space.live() else {
            // Without a reservation it must not be renamed, also if somebody creates it just now.
            let repeated = self.executor.repeated::<Space>(context, &id.to_string()).await?;
            return repeated.map(|it| it.decided).ok_or_else(|| absent(&space));
        };
        let expected_edit = context.expected_edit.or(Some(space.edit_revision()));
        let as_seen = CommandContext { expected_edit, ..context.clone() };
        let former = NameKey::Space(id.customer, live.name.clone());
        let change = SpaceCommand::Change(change);
        if former.to_string() == key.to_string() {
            return Ok(self.execute(&as_seen, id, change).await?.decided);
        }
        let seen = self.reservations.look(&former).await?;
        let reservation = self.reservations.reserve(context, key, &stream(id)).await?;
        reservation.check()?;
        match self.execute(&as_seen, id, change).await {
            Ok(outcome) => {
                self.reservations.release(context, &former, &stream(id), seen).await?;
                Ok(outcome.decided)
            }
            Err(error) => {
                let owner = stream(id);
                self.reservations.give_back(context, key, &owner, reservation, &error).await?;
                Err(error)
            }
        }
    }

    /// Deletes a space that has no asset. Its name is free then.
    pub async fn delete(
        &self,
        context: &CommandContext,
        id: SpaceId,
    ) -> Result<Decided, CommandError> {
        let head = self.executor.log().head().await?;
        let space = self.load(id).await?.state;
        let Some(live) = space.live() else {
            let outcome =
                self.execute(context, id, SpaceCommand::Delete { is_empty: true }).await?;
            self.undo_unless_empty(context, id, &outcome).await?;
            return Ok(outcome.decided);
        };
        let key = NameKey::Space(id.customer, live.name.clone());
        let seen = self.reservations.look(&key).await?;
        let is_empty = self.lookups.space_is_empty(id, head).await?;
        let outcome = self.execute(context, id, SpaceCommand::Delete { is_empty }).await?;
        self.undo_unless_empty(context, id, &outcome).await?;
        // If it was renamed meanwhile, that flow has let the name go.
        self.reservations.release(context, &key, &stream(id), seen).await?;
        Ok(outcome.decided)
    }

    /// Finds the space of this name, or creates it.
    pub async fn ensure_by_name(
        &self,
        context: &CommandContext,
        customer: CustomerId,
        name: &str,
    ) -> Result<(SpaceId, Decided), CommandError> {
        for _tried in 0..ENSURE_TRIES_MAX {
            if let Some(id) = self.by_name(customer, name).await? {
                return Ok((id, unchanged(&self.load(id).await?)));
            }
            let space = NewSpace { name: name.to_owned(), ..NewSpace::default() };
            match self.create(context, customer, space).await {
                Err(CommandError::NameTaken(_)) => {}
                done => return done,
            }
        }
        Err(CommandError::Busy)
    }

    /// Finds a living space by its name.
    pub async fn by_name(
        &self,
        customer: CustomerId,
        name: &str,
    ) -> Result<Option<SpaceId>, CommandError> {
        let key = NameKey::Space(customer, name.to_owned());
        match self.reservations.holder(&key).await? {
            Some(holder) if holder.usage == Usage::InUse => parse(&holder.owner).map(Some),
            _ => Ok(None),
        }
    }

    pub async fn load(&self, id: SpaceId) -> Result<Loaded<Space>, CommandError> {
        Ok(self.executor.load::<Space>(&id.to_string()).await?)
    }

    /// An asset may have been registered after the space was looked at and before it was deleted.
    /// Then the space is there again, and is not empty. Whoever registers later than that finds the
    /// space gone and takes the asset back.
    async fn undo_unless_empty(
        &self,
        context: &CommandContext,
        id: SpaceId,
        deleted: &Outcome<Space>,
    ) -> Result<(), CommandError> {
        let Space::Live(space) = &deleted.before else { return Ok(()) };
        if self.load(id).await?.revision != deleted.decided.revision {
            // A repetition: it was undone, or others have done something since.
            return self.check_not_undone(context, id).await;
        }
        let head = self.executor.log().head().await?;
        let checked = self.lookups.space_is_empty(id, head).await;
        if checked == Ok(true) {
            return Ok(());
        }
        let command = SpaceCommand::Create {
            name: space.name.clone(),
            default_tags: space.default_tags.clone(),
            default_roles: space.default_roles.clone(),
            default_recognise: space.default_recognise.clone(),
        };
        self.execute(&context.part("undo"), id, command).await?;
        checked?;
        Err(not_empty())
    }

    /// Refuses as the first time, if this command's deletion was undone.
    async fn check_not_undone(
        &self,
        context: &CommandContext,
        id: SpaceId,
    ) -> Result<(), CommandError> {
        let undo = context.part("undo");
        let undone = self.executor.repeated::<Space>(&undo, &id.to_string()).await?;
        undone.map_or(Ok(()), |_| Err(not_empty()))
    }

    async fn allocate(
        &self,
        context: &CommandContext,
        customer: CustomerId,
    ) -> Result<SpaceId, CommandError> {
        let context = context.part("number");
        let command = CustomerCommand::AllocateSpaceNumber;
        let outcome: Outcome<Customer> =
            self.executor.execute_one(&context, &customer.to_string(), command).await?;
        match outcome.events.as_slice() {
            [CustomerEvent::SpaceNumberAllocated(it)] => {
                Ok(SpaceId { customer, space: SpaceNumber(it.number) })
            }
            _ => Err(CommandError::Damaged("a space number is missing".to_owned())),
        }
    }

    async fn create_as(
        &self,
        context: &CommandContext,
        id: SpaceId,
        space: NewSpace,
    ) -> Result<Decided, CommandError> {
        let NewSpace { name, default_tags, default_roles, default_recognise } = space;
        let command = SpaceCommand::Create {
            name: name.clone(),
            default_tags,
            default_roles,
            default_recognise,
        };
        match self.execute(context, id, command).await {
            Ok(outcome) => Ok(outcome.decided),
            Err(CommandError::Conflict(_)) => Err(CommandError::NameTaken(name)),
            Err(error) => Err(error),
        }
    }

    /// Returns the answer of the first time, if this command created the space.
    async fn repeated_creation(
        &self,
        context: &CommandContext,
        id: SpaceId,
        change: &SpaceChange,
    ) -> Result<Option<Decided>, CommandError> {
        if context.command_id.is_none() {
            return Ok(None);
        }
        let Ok(space) = new_space(change.clone()) else { return Ok(None) };
        match self.create_as(&context.part("create"), id, space).await {
            Ok(decided) => Ok(Some(decided)),
            Err(CommandError::NameTaken(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn execute(
        &self,
        context: &CommandContext,
        id: SpaceId,
        command: SpaceCommand,
    ) -> Result<Outcome<Space>, CommandError> {
        Ok(self.executor.execute_one::<Space>(context, &id.to_string(), command).await?)
    }
}

fn new_space(change: SpaceChange) -> Result<NewSpace, CommandError> {
    let name = change.name.ok_or_else(|| CommandError::Invalid("a space needs a name".into()))?;
    let mut space = NewSpace { name, ..NewSpace::default() };
    change.default_tags.apply_to(&mut space.default_tags);
    change.default_roles.apply_to(&mut space.default_roles);
    change.default_recognise.apply_to(&mut space.default_recognise);
    Ok(space)
}

fn absent(space: &Space) -> CommandError {
    let error = match space {
        Space::Deleted { .. } => SpaceError::Deleted,
        Space::Absent | Space::Live(_) => SpaceError::NotFound,
    };
    DispatchError::Rejected(error).into()
}

fn not_empty() -> CommandError {
    DispatchError::Rejected(SpaceError::NotEmpty).into()
}

fn unchanged(loaded: &Loaded<Space>) -> Decided {
    Decided {
        revision: loaded.revision,
        position: loaded.position,
        edit_revision: loaded.state.edit_revision(),
        changed: false,
        created: false,
    }
}

fn stream(id: SpaceId) -> StreamId {
    StreamId::new(Space::CATEGORY, &id.to_string())
}

fn parse(owner: &StreamId) -> Result<SpaceId, CommandError> {
    owner.id().parse().map_err(|_| CommandError::Damaged(format!("`{owner}` is no space")))
}
