//! What happened to the public documents of a customer, one after the other?
//!
//! - The activities of a customer are numbered from 0 without a gap, in the order of the log, so
//!   that a replay numbers them the same and a page of them, once full, never changes.
//! - Their times never run backwards, whatever the clock did.
//! - Rows hold ids and slugs, never titles, and no address of ours.

use crate::paging::{Page, PageRequest, QueryError};
use crate::projection::{FoldError, Poison, Row, Stamp, StoreError, Table};
use crate::streams;
use async_trait::async_trait;
use dlcs_domain::customer::CustomerEvent;
use dlcs_domain::manifest::ManifestEvent;
use dlcs_domain::{CustomerId, DomainEvent};
use dlcs_eventlog::RecordedEvent;
use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// Name of the projection.
pub const NAME: &str = "activities";
/// Version of its rows.
pub const VERSION: u32 = 1;

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
        }
    }
}

impl FromStr for ActivityKind {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Self, UnknownKind> {
        let all = [Self::Create, Self::Update, Self::Move, Self::Delete];
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

/// The tables of the projection.
pub trait ActivitiesTables {
    fn streams(&mut self) -> &mut impl Table<ActivityStream>;
    fn resources(&mut self) -> &mut impl Table<ResourceRecord>;
    /// Adds an activity; none is ever changed.
    fn add(&mut self, activity: ActivityRow) -> Result<(), StoreError>;
}

/// What one event changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ActivityChange {
    Customer { customer: CustomerId, deleted: bool, stamp: Stamp },
    Resource { key: ResourceKey, happened: Happened, stamp: Stamp },
}

/// What happened to a resource that everybody may read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Happened {
    Created { slug: Option<String> },
    Replaced,
    Moved { slug: Option<String> },
    Deleted,
}

/// Turns an event into changes.
pub fn project(
    event: &RecordedEvent,
    decoded: &[DomainEvent],
) -> Result<Vec<ActivityChange>, Poison> {
    let mut changes = Vec::new();
    for it in decoded {
        match it {
            DomainEvent::Customer(it) => {
                let deleted = match it {
                    CustomerEvent::Created(_) => false,
                    CustomerEvent::Deleted(_) => true,
                    _ => continue,
                };
                let customer = streams::customer(&event.stream)?;
                changes.push(ActivityChange::Customer { customer, deleted, stamp: event.into() });
            }
            DomainEvent::Manifest(ManifestEvent::Consolidated(_)) => {}
            DomainEvent::Manifest(it) => {
                let id = streams::manifest(&event.stream)?;
                let kind = ResourceKind::Manifest;
                let key = ResourceKey { customer: id.customer, kind, id: id.id };
                let happened = happened(it);
                changes.push(ActivityChange::Resource { key, happened, stamp: event.into() });
            }
            _ => {}
        }
    }
    Ok(changes)
}

fn happened(event: &ManifestEvent) -> Happened {
    match event {
        ManifestEvent::Created(it) => Happened::Created { slug: own_slug(&it.slug, &it.parent) },
        ManifestEvent::Replaced(_)
        | ManifestEvent::CanvasAdded(_)
        | ManifestEvent::CanvasChanged(_)
        | ManifestEvent::CanvasMoved(_)
        | ManifestEvent::CanvasRemoved(_)
        | ManifestEvent::RangeSet(_)
        | ManifestEvent::RangeRemoved(_)
        | ManifestEvent::Consolidated(_) => Happened::Replaced,
        ManifestEvent::Moved(it) => Happened::Moved { slug: own_slug(&it.slug, &it.parent) },
        ManifestEvent::Deleted(_) => Happened::Deleted,
    }
}

/// Returns the slug of what stands directly below the root collection. The address of what is
/// deeper follows from the collections above it, which may move: it is told by its id.
fn own_slug(slug: &Option<String>, parent: &Option<String>) -> Option<String> {
    slug.clone().filter(|_| parent.is_none())
}

/// Folds a change into the rows of its customer.
pub fn fold(change: ActivityChange, tables: &mut impl ActivitiesTables) -> Result<(), FoldError> {
    match change {
        ActivityChange::Customer { customer, deleted, stamp } => {
            let mut stream = stream(tables, customer, stamp)?;
            stream.deleted = deleted;
            tables.streams().put(stream);
            Ok(())
        }
        ActivityChange::Resource { key, happened, stamp } => add(key, happened, stamp, tables),
    }
}

fn add(
    key: ResourceKey,
    happened: Happened,
    stamp: Stamp,
    tables: &mut impl ActivitiesTables,
) -> Result<(), FoldError> {
    let known = tables.resources().get(&key)?.filter(|it| !it.deleted);
    let is_created = matches!(happened, Happened::Created { .. });
    if known.is_some() == is_created {
        let wrong = if is_created { "is created twice" } else { "is not created" };
        let (kind, customer, id) = (key.kind.as_str(), key.customer, &key.id);
        return Err(Poison(format!("{kind} {customer}/{id} {wrong}")).into());
    }
    let before = known.and_then(|it| it.slug);
    let (activity, slug, former_slug) = match happened {
        Happened::Created { slug } => (ActivityKind::Create, slug, None),
        Happened::Replaced => (ActivityKind::Update, before, None),
        // From one collection to another: what tells of it stays.
        Happened::Moved { slug } if slug == before => (ActivityKind::Update, slug, None),
        Happened::Moved { slug } => (ActivityKind::Move, slug, before),
        Happened::Deleted => (ActivityKind::Delete, before, None),
    };
    let mut stream = stream(tables, key.customer, stamp)?;
    let ResourceKey { customer, kind, id } = key;
    tables.add(ActivityRow {
        customer,
        ordinal: stream.count,
        activity,
        kind,
        resource: id.clone(),
        slug: slug.clone(),
        former_slug,
        ended_at_us: stream.modified_at_us,
        position: stamp.position,
    })?;
    stream.count += 1;
    tables.streams().put(stream);
    let deleted = activity == ActivityKind::Delete;
    tables.resources().put(ResourceRecord { customer, kind, id, slug, deleted });
    Ok(())
}

/// Returns the stream of a customer at the moment of an event, which is never before the last one.
fn stream(
    tables: &mut impl ActivitiesTables,
    customer: CustomerId,
    stamp: Stamp,
) -> Result<ActivityStream, StoreError> {
    let (deleted, count, modified_at_us) = (false, 0, stamp.recorded_at_us);
    let stream = tables.streams().get(&customer)?;
    let mut stream = stream.unwrap_or(ActivityStream { customer, deleted, count, modified_at_us });
    stream.modified_at_us = stream.modified_at_us.max(modified_at_us);
    Ok(stream)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::ActivitiesMemory;
    use dlcs_domain::manifest::ManifestMoved;

    const CUSTOMER: CustomerId = CustomerId(1);

    fn key(id: &str) -> ResourceKey {
        ResourceKey { customer: CUSTOMER, kind: ResourceKind::Manifest, id: id.to_owned() }
    }

    fn created(slug: &str) -> Happened {
        Happened::Created { slug: Some(slug.to_owned()) }
    }

    /// Folds what happened, each thing at its time, and returns what could not be folded.
    fn folded(happened: &[(&str, Happened, i64)]) -> (ActivitiesMemory, Vec<String>) {
        let (mut tables, mut refused) = (ActivitiesMemory::default(), Vec::new());
        for (position, (id, happened, recorded_at_us)) in (1..).zip(happened.iter().cloned()) {
            let stamp = Stamp { position, recorded_at_us };
            let change = ActivityChange::Resource { key: key(id), happened, stamp };
            if let Err(FoldError::Poison(poison)) = fold(change, &mut tables) {
                refused.push(poison.0);
            }
        }
        crate::memory::MemoryTables::commit(&mut tables);
        (tables, refused)
    }

    fn told(tables: &ActivitiesMemory) -> Vec<String> {
        let rows = tables.activities.rows().map(|it| {
            let slug = it.slug.as_deref().unwrap_or("-");
            let former = it.former_slug.as_deref().unwrap_or("-");
            format!("{} {} {} {former} {slug}", it.ordinal, it.activity.as_str(), it.resource)
        });
        rows.collect()
    }

    #[test]
    fn every_event_is_one_activity_that_says_where_it_was() {
        let (tables, refused) = folded(&[
            ("a", created("atlas"), 1),
            ("b", Happened::Created { slug: None }, 2),
            ("a", Happened::Replaced, 3),
            ("a", Happened::Moved { slug: Some("globe".to_owned()) }, 4),
            ("b", Happened::Moved { slug: Some("atlas".to_owned()) }, 5),
            ("a", Happened::Moved { slug: None }, 6),
            ("b", Happened::Deleted, 7),
            ("b", created("maps"), 8),
            ("a", Happened::Moved { slug: None }, 9),
        ]);
        assert_eq!(refused, [""; 0]);
        let expected = [
            "0 Create a - atlas",
            "1 Create b - -",
            "2 Update a - atlas",
            "3 Move a atlas globe",
            "4 Move b - atlas",
            "5 Move a globe -",
            "6 Delete b - atlas",
            "7 Create b - maps",
            "8 Update a - -",
        ];
        assert_eq!(told(&tables), expected);
    }

    #[test]
    fn what_stands_in_a_collection_is_told_of_by_its_id() {
        let slug = || Some("atlas".to_owned());
        let moved = |parent| ManifestEvent::Moved(ManifestMoved { slug: slug(), parent });
        assert_eq!(happened(&moved(None)), Happened::Moved { slug: slug() });
        let within = happened(&moved(Some("maps".to_owned())));
        assert_eq!(within, Happened::Moved { slug: None });
    }

    #[test]
    fn times_stay_in_order_when_the_clock_jumps_back() {
        let (tables, _) = folded(&[
            ("a", created("a"), 50),
            ("b", created("b"), 20),
            ("a", Happened::Deleted, 60),
        ]);
        let times: Vec<_> = tables.activities.rows().map(|it| it.ended_at_us).collect();
        assert_eq!(times, [50, 50, 60]);
        let stream = tables.streams.row(&CUSTOMER).map(|it| (it.count, it.modified_at_us));
        assert_eq!(stream, Some((3, 60)));
    }

    #[test]
    fn what_makes_no_sense_takes_no_number() {
        let (tables, refused) = folded(&[
            ("a", Happened::Replaced, 1),
            ("b", created("b"), 2),
            ("b", created("c"), 3),
            ("b", Happened::Deleted, 4),
            ("b", Happened::Deleted, 5),
        ]);
        let expected = [
            "Manifest 1/a is not created",
            "Manifest 1/b is created twice",
            "Manifest 1/b is not created",
        ];
        assert_eq!(refused, expected);
        assert_eq!(told(&tables), ["0 Create b - b", "1 Delete b - b"]);
    }

    #[test]
    fn kinds_are_read_back() {
        use ActivityKind::{Create, Delete, Move, Update};
        for it in [Create, Update, Move, Delete] {
            assert_eq!(it.as_str().parse(), Ok(it));
        }
        for it in [ResourceKind::Collection, ResourceKind::Manifest] {
            assert_eq!(it.as_str().parse(), Ok(it));
        }
        assert!("create".parse::<ActivityKind>().is_err());
        assert!("Range".parse::<ResourceKind>().is_err());
    }
}
