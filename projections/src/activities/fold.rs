//! The projector: one event is at most one activity.

use super::{ActivityKind, ActivityRow, ActivityStream, ResourceKey, ResourceKind, ResourceRecord};
use crate::projection::{FoldError, Poison, Stamp, StoreError, Table};
use crate::streams;
use dlcs_domain::collection::CollectionEvent;
use dlcs_domain::customer::CustomerEvent;
use dlcs_domain::manifest::ManifestEvent;
use dlcs_domain::{CustomerId, DomainEvent};
use dlcs_eventlog::RecordedEvent;

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

/// What happened to a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Happened {
    Created { slug: Option<String>, public: bool },
    Replaced,
    Moved { slug: Option<String> },
    Published,
    Withdrawn,
    Deleted,
    Restored,
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
            // The same document, kept anew.
            DomainEvent::Manifest(ManifestEvent::Consolidated(_)) => {}
            DomainEvent::Manifest(it) => {
                let id = streams::manifest(&event.stream)?;
                let kind = ResourceKind::Manifest;
                let key = ResourceKey { customer: id.customer, kind, id: id.id };
                let happened = to_manifest(it);
                changes.push(ActivityChange::Resource { key, happened, stamp: event.into() });
            }
            DomainEvent::Collection(it) => {
                let id = streams::collection(&event.stream)?;
                let kind = ResourceKind::Collection;
                let key = ResourceKey { customer: id.customer, kind, id: id.id };
                let happened = to_collection(it);
                changes.push(ActivityChange::Resource { key, happened, stamp: event.into() });
            }
            _ => {}
        }
    }
    Ok(changes)
}

fn to_manifest(event: &ManifestEvent) -> Happened {
    match event {
        ManifestEvent::Created(it) => {
            Happened::Created { slug: own_slug(&it.slug, &it.parent), public: true }
        }
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

fn to_collection(event: &CollectionEvent) -> Happened {
    match event {
        CollectionEvent::Created(it) => {
            Happened::Created { slug: own_slug(&it.slug, &it.parent), public: it.public }
        }
        CollectionEvent::Replaced(_) => Happened::Replaced,
        CollectionEvent::Moved(it) => Happened::Moved { slug: own_slug(&it.slug, &it.parent) },
        CollectionEvent::Published(_) => Happened::Published,
        CollectionEvent::Withdrawn(_) => Happened::Withdrawn,
        CollectionEvent::Deleted(_) => Happened::Deleted,
        CollectionEvent::Restored(_) => Happened::Restored,
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
    let known = tables.resources().get(&key)?;
    let mut record = met(key, known, &happened)?;
    let former_slug = record.slug.clone();
    let activity = change(&mut record, happened);
    if record.public || activity == ActivityKind::Remove {
        let mut stream = stream(tables, record.customer, stamp)?;
        tables.add(ActivityRow {
            customer: record.customer,
            ordinal: stream.count,
            activity,
            kind: record.kind,
            resource: record.id.clone(),
            slug: record.slug.clone(),
            former_slug: former_slug.filter(|_| activity == ActivityKind::Move),
            ended_at_us: stream.modified_at_us,
            position: stamp.position,
        })?;
        stream.count += 1;
        tables.streams().put(stream);
    }
    tables.resources().put(record);
    Ok(())
}

/// Returns the resource that something happens to, as it was before; a new one, as it begins.
fn met(
    key: ResourceKey,
    known: Option<ResourceRecord>,
    happened: &Happened,
) -> Result<ResourceRecord, Poison> {
    let ResourceKey { customer, kind, id } = key;
    let is_there = known.as_ref().is_some_and(|it| !it.deleted);
    match (known, happened) {
        (_, Happened::Created { slug, public }) if !is_there => {
            let (slug, public) = (slug.clone(), *public);
            Ok(ResourceRecord { customer, kind, id, slug, public, deleted: false })
        }
        (Some(record), Happened::Restored) if !is_there => Ok(record),
        (_, Happened::Created { .. } | Happened::Restored) => {
            Err(Poison(format!("{} {customer}/{id} is created twice", kind.as_str())))
        }
        (Some(record), _) if is_there => Ok(record),
        _ => Err(Poison(format!("{} {customer}/{id} is not created", kind.as_str()))),
    }
}

/// Lets something happen to a resource, and says how that is called.
fn change(record: &mut ResourceRecord, happened: Happened) -> ActivityKind {
    match happened {
        Happened::Created { .. } => ActivityKind::Create,
        Happened::Restored => {
            record.deleted = false;
            ActivityKind::Create
        }
        Happened::Replaced => ActivityKind::Update,
        // From one collection to another: what tells of it stays.
        Happened::Moved { slug } if slug == record.slug => ActivityKind::Update,
        Happened::Moved { slug } => {
            record.slug = slug;
            ActivityKind::Move
        }
        Happened::Published => {
            record.public = true;
            ActivityKind::Add
        }
        Happened::Withdrawn => {
            record.public = false;
            ActivityKind::Remove
        }
        Happened::Deleted => {
            record.deleted = true;
            ActivityKind::Delete
        }
    }
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
        Happened::Created { slug: Some(slug.to_owned()), public: true }
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
            ("b", Happened::Created { slug: None, public: true }, 2),
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
        assert_eq!(to_manifest(&moved(None)), Happened::Moved { slug: slug() });
        let within = to_manifest(&moved(Some("maps".to_owned())));
        assert_eq!(within, Happened::Moved { slug: None });
    }

    #[test]
    fn what_happens_in_private_is_not_told() {
        let moved = |slug: &str| Happened::Moved { slug: Some(slug.to_owned()) };
        let (tables, refused) = folded(&[
            ("a", Happened::Created { slug: Some("draft".to_owned()), public: false }, 1),
            ("a", Happened::Replaced, 2),
            ("a", moved("maps"), 3),
            ("a", Happened::Published, 4),
            ("a", moved("globes"), 5),
            ("a", Happened::Withdrawn, 6),
            ("a", moved("secret"), 7),
            ("a", Happened::Deleted, 8),
            ("a", Happened::Restored, 9),
            ("a", Happened::Published, 10),
            ("a", Happened::Deleted, 11),
            ("a", Happened::Restored, 12),
            ("a", Happened::Restored, 13),
            ("b", Happened::Restored, 14),
        ]);
        assert_eq!(refused, ["Manifest 1/a is created twice", "Manifest 1/b is created twice"]);
        let expected = [
            "0 Add a - maps",
            "1 Move a maps globes",
            "2 Remove a - globes",
            "3 Add a - secret",
            "4 Delete a - secret",
            "5 Create a - secret",
        ];
        assert_eq!(told(&tables), expected);
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
}
