//! Unique names without a transaction over two streams: reserve, create, release.
//!
//! - A name is reserved for the stream of one resource, before that resource is created.
//! - A crash between the two leaves a name whose owner was never created. Whoever wants the name
//!   next creates that very owner; if two try, the owner's stream decides, so exactly one wins.
//! - A crash between a rename or deletion and the release leaves a name that its owner does not
//!   use. It is taken over once it is older than any flow that may still be under way.

use crate::context::CommandContext;
use crate::cqrs::{Executor, Loaded};
use crate::error::CommandError;
use crate::keyed::{KeyedGuard, KeyedLocks};
use dlcs_domain::customer::Customer;
use dlcs_domain::manifest::Manifest;
use dlcs_domain::name::{Name, NameCommand, NameReservationError};
use dlcs_domain::space::Space;
use dlcs_domain::{Aggregate, CustomerId, NameKey};
use dlcs_eventlog::StreamId;

/// No flow takes longer from its reservation to its end.
const FLOW_DURATION_US_MAX: i64 = 60_000_000;

#[derive(Clone)]
pub(super) struct Reservations {
    executor: Executor,
    queues: KeyedLocks,
}

/// Who has a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Holder {
    pub(super) owner: StreamId,
    pub(super) usage: Usage,
    reserved_at_us: i64,
}

/// What the owner of a name does with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Usage {
    /// The owner was never created.
    NotCreated,
    InUse,
    /// The owner is called something else, or has been deleted.
    Unused,
}

impl Reservations {
    pub(super) fn new(executor: Executor) -> Self {
        Self { executor, queues: KeyedLocks::default() }
    }

    /// Waits until no other flow of this process is about the name.
    pub(super) async fn queue(&self, key: &NameKey) -> KeyedGuard {
        self.queues.lock(&key.to_string()).await
    }

    pub(super) async fn holder(&self, key: &NameKey) -> Result<Option<Holder>, CommandError> {
        let loaded: Loaded<Name> = self.executor.load(&key.to_string()).await?;
        let Some(owner) = loaded.state.owner().map(StreamId::from_stored) else {
            return Ok(None);
        };
        let usage = self.usage(key, &owner).await?;
        Ok(Some(Holder { owner, usage, reserved_at_us: loaded.recorded_at_us }))
    }

    /// Reserves a name for a resource, or refuses with [`CommandError::NameTaken`].
    pub(super) async fn reserve(
        &self,
        context: &CommandContext,
        key: &NameKey,
        owner: &StreamId,
    ) -> Result<(), CommandError> {
        let owner = owner.to_string();
        let command = match self.holder(key).await? {
            Some(holder) if self.is_abandoned(&holder) => {
                NameCommand::TakeOver { owner, from: holder.owner.to_string() }
            }
            _ => NameCommand::Reserve { owner },
        };
        fail::fail_point!("names.before-reserve");
        self.execute(context, key, command).await?;
        fail::fail_point!("names.after-reserve");
        Ok(())
    }

    /// Releases a name if the owner, which may have it, does not use it.
    pub(super) async fn release_if_unused(
        &self,
        context: &CommandContext,
        key: &NameKey,
        owner: &StreamId,
    ) -> Result<(), CommandError> {
        if self.usage(key, owner).await? != Usage::Unused {
            return Ok(());
        }
        self.execute(context, key, NameCommand::Release { owner: owner.to_string() }).await
    }

    fn is_abandoned(&self, holder: &Holder) -> bool {
        let age_us = self.executor.clock().now_us().saturating_sub(holder.reserved_at_us);
        holder.usage != Usage::InUse && age_us > FLOW_DURATION_US_MAX
    }

    async fn usage(&self, key: &NameKey, owner: &StreamId) -> Result<Usage, CommandError> {
        let customer = customer_of(owner);
        let name = match owner.category() {
            Customer::CATEGORY => match self.executor.load(owner.id()).await?.state {
                Customer::Absent => return Ok(Usage::NotCreated),
                Customer::Live(it) => Some(NameKey::Customer(it.name)),
                Customer::Deleted { .. } => None,
            },
            Space::CATEGORY => match self.executor.load(owner.id()).await?.state {
                Space::Absent => return Ok(Usage::NotCreated),
                Space::Live(it) => customer.map(|customer| NameKey::Space(customer, it.name)),
                Space::Deleted { .. } => None,
            },
            Manifest::CATEGORY => match self.executor.load(owner.id()).await?.state {
                Manifest::Absent => return Ok(Usage::NotCreated),
                Manifest::Live(it) => customer.zip(it.slug).map(|(c, slug)| NameKey::Slug(c, slug)),
            },
            other => return Err(CommandError::Damaged(format!("a name is owned by a `{other}`"))),
        };
        let is_used = name.is_some_and(|it| it.to_string() == key.to_string());
        Ok(if is_used { Usage::InUse } else { Usage::Unused })
    }

    async fn execute(
        &self,
        context: &CommandContext,
        key: &NameKey,
        command: NameCommand,
    ) -> Result<(), CommandError> {
        // Reserving and releasing twice is harmless by their rule, and a released name must be
        // reserved anew when the command is repeated: so no ids that make it a duplicate.
        let context = context.natural();
        let done = self.executor.execute::<Name>(&context, &key.to_string(), command).await;
        match done {
            Ok(_) => Ok(()),
            Err(crate::cqrs::DispatchError::Rejected(NameReservationError::Taken { .. })) => {
                Err(CommandError::NameTaken(plain(key).to_owned()))
            }
            Err(error) => Err(error.into()),
        }
    }
}

fn plain(key: &NameKey) -> &str {
    match key {
        NameKey::Customer(name) | NameKey::Space(_, name) | NameKey::Slug(_, name) => name,
    }
}

fn customer_of(owner: &StreamId) -> Option<CustomerId> {
    owner.id().split('/').next()?.parse().ok()
}
