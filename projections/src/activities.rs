//! What happened to the public documents of a customer, one after the other?
//!
//! - The activities of a customer are numbered from 0 without a gap, in the order of the log, so
//!   that a replay numbers them the same and a page of them, once full, never changes.
//! - Their times never run backwards, whatever the clock did.
//! - Rows hold ids and slugs, never titles, and no address of ours.
//! - Nothing is told of a private collection but that it went out of sight, and came back.

mod fold;

pub use fold::{ActivitiesTables, ActivityChange, Happened, fold, project};

use crate::paging::{Page, PageRequest, QueryError};
use crate::projection::Row;
use async_trait::async_trait;
use dlcs_domain::CustomerId;
use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// Name of the projection.
pub const NAME: &str = "activities";
/// Version of its rows: since 2 they tell of collections too.
pub const VERSION: u32 = 2;

/// One activity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActivityRow {
    pub customer: CustomerId,
    /// Place among the activities of the customer, from 0 without a gap.
    pub ordinal: u64,
    pub activity: ActivityKind,
    pub kind: ResourceKind,
    /// Flat id of the resource.
    pub resource: String,
    /// The slug it has below the root collection after the activity, or had before it was deleted.
    pub slug: Option<String>,
    /// The slug it had before; of a move only.
    pub former_slug: Option<String>,
    pub ended_at_us: i64,
    /// Of the event.
    pub position: u64,
}

/// How many activities a customer has, and since when nothing changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActivityStream {
    pub customer: CustomerId,
    /// The customer is deleted.
    pub deleted: bool,
    pub count: u64,
    pub modified_at_us: i64,
}

/// Where a resource is now, so that its next activity can say where it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourceRecord {
    pub customer: CustomerId,
    pub kind: ResourceKind,
    /// Flat id.
    pub id: String,
    pub slug: Option<String>,
    /// Anybody may see it.
    pub public: bool,
    pub deleted: bool,
}

impl Row for ActivityRow {
    type Key = (CustomerId, u64);

    fn key(&self) -> Self::Key {
        (self.customer, self.ordinal)
    }
}

impl Row for ActivityStream {
    type Key = CustomerId;

    fn key(&self) -> CustomerId {
        self.customer
    }
}

impl Row for ResourceRecord {
    type Key = ResourceKey;

    fn key(&self) -> ResourceKey {
        ResourceKey { customer: self.customer, kind: self.kind, id: self.id.clone() }
    }
}

/// Names a resource that activities are about.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ResourceKey {
    pub customer: CustomerId,
    pub kind: ResourceKind,
    /// Flat id.
    pub id: String,
}

/// What happened, in the words of Change Discovery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ActivityKind {
    Create,
    Update,
    Move,
    Delete,
    /// It was there and is public now.
    Add,
    /// It is there and is not public any more.
    Remove,
}

/// What it happened to. The names are the order of the keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ResourceKind {
    Collection,
    Manifest,
}

/// A column says something that stands for nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no kind of activity or resource")]
pub struct UnknownKind(String);

impl ActivityKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "Create",
            Self::Update => "Update",
            Self::Move => "Move",
            Self::Delete => "Delete",
            Self::Add => "Add",
            Self::Remove => "Remove",
        }
    }
}

impl FromStr for ActivityKind {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Self, UnknownKind> {
        use ActivityKind::{Add, Create, Delete, Move, Remove, Update};
        let all = [Create, Update, Move, Delete, Add, Remove];
        let found = all.into_iter().find(|it| it.as_str() == text);
        found.ok_or_else(|| UnknownKind(text.to_owned()))
    }
}

impl ResourceKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Collection => "Collection",
            Self::Manifest => "Manifest",
        }
    }
}

impl FromStr for ResourceKind {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Self, UnknownKind> {
        let found = [Self::Collection, Self::Manifest].into_iter().find(|it| it.as_str() == text);
        found.ok_or_else(|| UnknownKind(text.to_owned()))
    }
}

/// Open to everybody: activities tell of public documents only.
#[async_trait]
pub trait Activities: Send + Sync {
    /// Returns how many activities a customer has; `None`: there never was such a customer.
    async fn stream(&self, customer: CustomerId) -> Result<Option<ActivityStream>, QueryError>;

    /// Returns the activities with ordinals from `first` on and below `end`, in order.
    async fn between(
        &self,
        customer: CustomerId,
        first: u64,
        end: u64,
    ) -> Result<Vec<ActivityRow>, QueryError>;

    /// Lists the activities of a customer by ordinal.
    async fn list(
        &self,
        customer: CustomerId,
        page: &PageRequest,
    ) -> Result<Page<ActivityRow>, QueryError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_read_back() {
        use ActivityKind::{Add, Create, Delete, Move, Remove, Update};
        for it in [Create, Update, Move, Delete, Add, Remove] {
            assert_eq!(it.as_str().parse(), Ok(it));
        }
        for it in [ResourceKind::Collection, ResourceKind::Manifest] {
            assert_eq!(it.as_str().parse(), Ok(it));
        }
        assert!("create".parse::<ActivityKind>().is_err());
        assert!("Range".parse::<ResourceKind>().is_err());
    }
}
