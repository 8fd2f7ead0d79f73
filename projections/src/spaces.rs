//! Which spaces has a customer, and how much is in them?

use crate::paging::{Page, PageRequest, QueryError};
use crate::projection::{FoldError, Poison, Row, Stamp, Table};
use async_trait::async_trait;
use dlcs_domain::access::Principal;
use dlcs_domain::space::SpaceEvent;
use dlcs_domain::{CustomerId, Languages, SpaceId, SpaceNumber};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpaceRow {
    pub id: SpaceId,
    pub name: String,
    pub default_tags: Vec<String>,
    pub default_roles: Vec<String>,
    pub default_recognise: Languages,
    pub deleted: bool,
    /// Living assets.
    pub asset_count: u64,
    pub created_at_us: i64,
    pub edit_revision: u64,
    pub position: u64,
}

/// What is kept for the images of a space, or of all of a customer's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Stored {
    /// Living images that have been delivered.
    pub images: u64,
    /// Of their originals. Each counts for itself, also where it has the same bytes as another one.
    pub original_bytes: u64,
    /// Of their derivatives: pyramids with the ready-made sizes in them.
    pub derivative_bytes: u64,
    /// When it last changed, in microseconds since 1970; `None`: never.
    pub changed_at_us: Option<i64>,
}

#[async_trait]
pub trait Spaces: Send + Sync {
    async fn space(
        &self,
        principal: &Principal,
        id: SpaceId,
    ) -> Result<Option<SpaceRow>, QueryError>;

    /// Resolves the name in a public address.
    async fn number_by_name(
        &self,
        customer: CustomerId,
        name: &str,
    ) -> Result<Option<SpaceNumber>, QueryError>;

    async fn list(
        &self,
        principal: &Principal,
        customer: CustomerId,
        page: &PageRequest,
    ) -> Result<Page<SpaceRow>, QueryError>;

    /// Sums up what is kept for a customer, or for one of its spaces.
    async fn stored(
        &self,
        principal: &Principal,
        customer: CustomerId,
        space: Option<SpaceNumber>,
    ) -> Result<Stored, QueryError>;
}

/// A space without what is counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpaceRecord {
    pub id: SpaceId,
    pub name: String,
    pub default_tags: Vec<String>,
    pub default_roles: Vec<String>,
    pub default_recognise: Languages,
    pub deleted: bool,
    pub created_at_us: i64,
    pub edit_revision: u64,
    pub position: u64,
}

impl SpaceRecord {
    /// Adds what is counted.
    pub fn into_row(self, asset_count: u64) -> SpaceRow {
        SpaceRow {
            id: self.id,
            name: self.name,
            default_tags: self.default_tags,
            default_roles: self.default_roles,
            default_recognise: self.default_recognise,
            deleted: self.deleted,
            asset_count,
            created_at_us: self.created_at_us,
            edit_revision: self.edit_revision,
            position: self.position,
        }
    }
}

impl Row for SpaceRecord {
    type Key = SpaceId;

    fn key(&self) -> SpaceId {
        self.id
    }
}

/// How many living assets a space has, and what is kept for them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpaceCount {
    pub id: SpaceId,
    pub living: u64,
    pub stored: Stored,
}

impl Row for SpaceCount {
    type Key = SpaceId;

    fn key(&self) -> SpaceId {
        self.id
    }
}

/// What one event changes of a space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpaceChange {
    pub id: SpaceId,
    pub event: SpaceEvent,
    pub stamp: Stamp,
}

/// Folds a change into the row of its space.
pub(crate) fn fold(
    change: &SpaceChange,
    spaces: &mut impl Table<SpaceRecord>,
) -> Result<(), FoldError> {
    use SpaceEvent as E;
    let Stamp { position, recorded_at_us } = change.stamp;
    let stored = spaces.get(&change.id)?;
    let mut space = match (stored, &change.event) {
        // A deleted space may be created again: a new life, whose edits go on counting.
        (stored, E::Created(it)) => SpaceRecord {
            id: change.id,
            name: it.name.clone(),
            default_tags: it.default_tags.clone(),
            default_roles: it.default_roles.clone(),
            default_recognise: it.default_recognise.clone(),
            deleted: false,
            created_at_us: recorded_at_us,
            edit_revision: stored.map_or(0, |it| it.edit_revision),
            position,
        },
        (Some(space), _) => space,
        (None, _) => return Err(Poison(format!("space {} is not created", change.id)).into()),
    };
    match &change.event {
        E::Created(_) => {}
        E::Renamed(it) => space.name.clone_from(&it.name),
        E::DefaultsChanged(it) => {
            space.default_tags.clone_from(&it.default_tags);
            space.default_roles.clone_from(&it.default_roles);
            space.default_recognise.clone_from(&it.default_recognise);
        }
        E::Deleted(_) => space.deleted = true,
    }
    space.edit_revision += 1;
    space.position = position;
    spaces.put(space);
    Ok(())
}
