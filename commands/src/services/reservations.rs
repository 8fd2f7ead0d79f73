//! Unique names without a transaction over two streams: reserve, create, release.
//!
//! - A name is reserved for the stream of one resource, before that resource is created.
//! - A crash between the two leaves a name whose owner was never created. Whoever wants the name
//!   next creates that very owner; if two try, the owner's stream decides, so exactly one wins.
//! - A crash between a rename or deletion and the release leaves a name that its owner does not
//!   use. It is taken over once a process has seen it so for longer than any flow takes.
//! - Whoever is about to use a name leaves an event, also if the owner has it already; whoever
//!   releases one says how it was found before. So nobody releases what another is about to use.

use crate::context::CommandContext;
use crate::cqrs::{Decided, DispatchError, Executor, Loaded};
use crate::error::CommandError;
use crate::keyed::{KeyedGuard, KeyedLocks};
use dlcs_domain::collection::Collection;
use dlcs_domain::customer::Customer;
use dlcs_domain::manifest::Manifest;
use dlcs_domain::name::{Name, NameCommand, NameReservationError};
use dlcs_domain::space::Space;
use dlcs_domain::{Aggregate, CustomerId, NameKey};
use dlcs_eventlog::StreamId;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// How long this process must have seen a name in the hands of an owner that does not use it. Nobody
/// compares clocks: one that jumps would make a flow that is under way look abandoned.
const ABANDONED_AFTER: Duration = Duration::from_secs(60);
/// A flow that has not come from its reservation to its end by then gives up: well before another
/// process takes it for dead.
const FLOW_AT_MOST: Duration = Duration::from_secs(20);
/// Names that are watched at once; those looked at first are forgotten first.
const WATCHED_MAX: usize = 1_000;

#[derive(Clone)]
pub(super) struct Reservations {
    executor: Executor,
    queues: KeyedLocks,
    watched: Arc<Mutex<HashMap<String, Watched>>>,
}

/// A name that its owner did not use when this process looked.
#[derive(Clone, Copy)]
struct Watched {
    changes: u64,
    since: Instant,
}

/// Who has a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Holder {
    pub(super) owner: StreamId,
    pub(super) usage: Usage,
    changes: u64,
}

/// A name as somebody found it who may want to release it later.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen(u64);

/// A name that was reserved for a flow.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reservation {
    /// `None`: the owner had it before, so it is not this flow's to release.
    anew: Option<Seen>,
    begun: Instant,
}

impl Reservation {
    /// Refuses to go on when others may take the flow for dead.
    pub(super) fn check(&self) -> Result<(), CommandError> {
        if self.begun.elapsed() < FLOW_AT_MOST {
            return Ok(());
        }
        Err(CommandError::Unavailable("it took too long to reserve a name".to_owned()))
    }
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
        Self { executor, queues: KeyedLocks::default(), watched: Arc::default() }
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
        Ok(Some(Holder { owner, usage, changes: loaded.state.edit_revision() }))
    }

    /// Reserves a name for a resource, or refuses with [`CommandError::NameTaken`].
    pub(super) async fn reserve(
        &self,
        context: &CommandContext,
        key: &NameKey,
        owner: &StreamId,
    ) -> Result<Reservation, CommandError> {
        let begun = Instant::now();
        let holder = self.holder(key).await?;
        let is_own = holder.as_ref().is_some_and(|it| it.owner == *owner);
        let owner = owner.to_string();
        let command = match holder {
            Some(holder) if is_own && holder.usage == Usage::InUse => {
                return Ok(Reservation { anew: None, begun });
            }
            Some(_) if is_own => NameCommand::Renew { owner },
            Some(holder) if self.is_abandoned(key, &holder) => {
                NameCommand::TakeOver { owner, from: holder.owner.to_string() }
            }
            _ => NameCommand::Reserve { owner },
        };
        fail::fail_point!("names.before-reserve");
        let changes = self.execute(&context.natural(), key, command).await?.edit_revision;
        fail::fail_point!("names.after-reserve");
        Ok(Reservation { anew: (!is_own).then_some(Seen(changes)), begun })
    }

    /// Looks at a name that is in use, for whoever is about to end that.
    pub(super) async fn look(&self, key: &NameKey) -> Result<Seen, CommandError> {
        let loaded: Loaded<Name> = self.executor.load(&key.to_string()).await?;
        Ok(Seen(loaded.state.edit_revision()))
    }

    /// Releases a name that its owner no longer uses, unless somebody has reserved it since it was
    /// looked at: that flow is about to use it.
    pub(super) async fn release(
        &self,
        context: &CommandContext,
        key: &NameKey,
        owner: &StreamId,
        seen: Seen,
    ) -> Result<(), CommandError> {
        let context = CommandContext { expected_edit: Some(seen.0), ..context.natural() };
        let release = NameCommand::Release { owner: owner.to_string() };
        match self.execute(&context, key, release).await {
            Err(CommandError::EditMismatch { .. }) => Ok(()),
            done => done.map(drop),
        }
    }

    /// Releases what was reserved for a flow that was refused. One that may have been applied all
    /// the same, though nobody was told, keeps its name.
    pub(super) async fn give_back(
        &self,
        context: &CommandContext,
        key: &NameKey,
        owner: &StreamId,
        reservation: Reservation,
        refusal: &CommandError,
    ) -> Result<(), CommandError> {
        match reservation.anew.filter(|_| !refusal.may_pass()) {
            Some(seen) => self.release(context, key, owner, seen).await,
            None => Ok(()),
        }
    }

    /// Says whether this process has seen it like this for longer than any flow takes.
    fn is_abandoned(&self, key: &NameKey, holder: &Holder) -> bool {
        let key = key.to_string();
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        if holder.usage == Usage::InUse {
            watched.remove(&key);
            return false;
        }
        let now = Watched { changes: holder.changes, since: Instant::now() };
        let entry = watched.entry(key).or_insert(now);
        if entry.changes != holder.changes {
            *entry = now;
        }
        let is_abandoned = entry.since.elapsed() >= ABANDONED_AFTER;
        forget_the_oldest(&mut watched);
        is_abandoned
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
                Manifest::Live(it) => customer.and_then(|customer| it.place.name_key(customer)),
                Manifest::Deleted { .. } => None,
            },
            Collection::CATEGORY => match self.executor.load(owner.id()).await?.state {
                Collection::Absent => return Ok(Usage::NotCreated),
                Collection::Live(it) => customer.and_then(|customer| it.place.name_key(customer)),
                Collection::Deleted(_) => None,
            },
            other => return Err(CommandError::Damaged(format!("a name is owned by a `{other}`"))),
        };
        let is_used = name.is_some_and(|it| it.to_string() == key.to_string());
        Ok(if is_used { Usage::InUse } else { Usage::Unused })
    }

    /// Reserving and releasing twice is harmless by their rule, and a released name must be reserved
    /// anew when the command is repeated: so no ids that make it a duplicate.
    async fn execute(
        &self,
        natural: &CommandContext,
        key: &NameKey,
        command: NameCommand,
    ) -> Result<Decided, CommandError> {
        let done = self.executor.execute::<Name>(natural, &key.to_string(), command).await;
        done.map_err(|error| match error {
            DispatchError::Rejected(NameReservationError::Taken { .. }) => {
                CommandError::NameTaken(plain(key).to_owned())
            }
            error => error.into(),
        })
    }
}

fn forget_the_oldest(watched: &mut HashMap<String, Watched>) {
    if watched.len() > WATCHED_MAX {
        let oldest = watched.iter().min_by_key(|(_, it)| it.since).map(|(key, _)| key.clone());
        oldest.and_then(|key| watched.remove(&key));
    }
}

fn plain(key: &NameKey) -> &str {
    match key {
        NameKey::Customer(name) | NameKey::Space(_, name) => name,
        NameKey::Slug { slug, .. } => slug,
    }
}

fn customer_of(owner: &StreamId) -> Option<CustomerId> {
    owner.id().split('/').next()?.parse().ok()
}
