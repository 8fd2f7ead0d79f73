//! Collections, and what is in them.

use super::{ONE, taken};
use crate::error::CommandError;
use crate::services::{CollectionChange, NewDocument};
use crate::testing::{World, context, repeatable, rival};
use dlcs_domain::collection::{CollectionDeleted, CollectionEvent, CollectionKind};
use dlcs_domain::manifest::{ManifestCreated, ManifestEvent};
use dlcs_domain::{
    BlobRef, CollectionId, DomainEvent, Label, ManifestId, Patch, Place, PlacePatch,
};
use dlcs_eventlog::{Append, EventId, Expected, StreamRevision};
use uuid::Uuid;

fn id(name: &str) -> CollectionId {
    CollectionId { customer: ONE, id: name.to_owned() }
}

fn document() -> NewDocument {
    NewDocument { bytes: "{}".into(), label: Label::default() }
}

fn below(parent: &str) -> PlacePatch {
    PlacePatch { parent: Patch::Set(parent.to_owned()), slug: Patch::Keep }
}

fn folder(slug: &str, parent: Option<&str>) -> CollectionChange {
    let parent = parent.map_or(Patch::Keep, |it| Patch::Set(it.to_owned()));
    let place = PlacePatch { parent, slug: Patch::Set(slug.to_owned()) };
    CollectionChange { kind: CollectionKind::Storage, place, is_public: None, document: document() }
}

/// `a` with `a/b` in it, and `c`.
async fn folders() -> World {
    let world = World::with_customer().await;
    let collections = &world.commands.collections;
    for (name, parent) in [("a", None), ("b", Some("a")), ("c", None)] {
        let put = collections.put(&context(), &id(name), folder(name, parent)).await;
        assert!(put.expect("the slug is free").created);
    }
    world
}

async fn manifest_in(world: &World, name: &str, parent: &str) -> Result<bool, CommandError> {
    let place = Place { parent: Some(parent.to_owned()), slug: Some("atlas".to_owned()) };
    let name = Some(name.to_owned());
    let created = world.commands.manifests.create(&context(), ONE, name, place, document()).await;
    created.map(|(_, decided)| decided.created)
}

#[tokio::test]
async fn a_slug_is_used_once_below_each_parent() {
    let world = folders().await;
    assert_eq!(manifest_in(&world, "m", "a").await, Ok(true));
    assert_eq!(manifest_in(&world, "n", "b").await, Ok(true), "below another parent");
    assert_eq!(manifest_in(&world, "o", "a").await, Err(taken("atlas")));
    let collections = &world.commands.collections;
    let same = collections.put(&context(), &id("d"), folder("ATLAS", Some("a"))).await;
    assert_eq!(same, Err(taken("ATLAS")), "manifests and collections share their slugs");
}

#[tokio::test]
async fn what_is_put_into_a_collection_needs_it() {
    let world = folders().await;
    let missing = manifest_in(&world, "m", "nowhere").await;
    assert!(matches!(missing, Err(CommandError::Invalid(_))), "{missing:?}");
    let list = CollectionChange { kind: CollectionKind::Iiif, ..folder("list", None) };
    world.commands.collections.put(&context(), &id("l"), list).await.expect("it is free");
    let within_list = manifest_in(&world, "m", "l").await;
    assert!(matches!(within_list, Err(CommandError::Conflict(_))), "{within_list:?}");
    world.commands.collections.delete(&context(), &id("c")).await.expect("it is empty");
    let within_deleted = manifest_in(&world, "m", "c").await;
    assert!(matches!(within_deleted, Err(CommandError::Conflict(_))), "{within_deleted:?}");
}

#[tokio::test]
async fn only_an_empty_collection_is_deleted() {
    let world = folders().await;
    let collections = &world.commands.collections;
    let refused = collections.delete(&context(), &id("a")).await;
    assert!(matches!(refused, Err(CommandError::NotEmpty(_))), "{refused:?}");
    let first = collections.delete(&repeatable(1), &id("b")).await.expect("it is empty");
    assert_eq!(collections.delete(&repeatable(1), &id("b")).await, Ok(first), "it is repeated");
    collections.delete(&context(), &id("a")).await.expect("it is empty now");
    let again = collections.put(&context(), &id("other"), folder("a", None)).await;
    assert!(again.expect("the slug is free").created);
}

#[tokio::test]
async fn a_collection_moves_with_all_that_is_in_it_but_not_into_itself() {
    let world = folders().await;
    let collections = &world.commands.collections;
    for into in ["a", "b"] {
        let refused = collections.move_to(&context(), &id("a"), below(into)).await;
        assert!(matches!(refused, Err(CommandError::Invalid(_))), "{refused:?}");
    }
    assert!(collections.move_to(&context(), &id("a"), below("c")).await.expect("it moves").changed);
    let around = collections.move_to(&context(), &id("c"), below("b")).await;
    assert!(matches!(around, Err(CommandError::Invalid(_))), "{around:?}");
    let full = collections.delete(&context(), &id("c")).await;
    assert!(matches!(full, Err(CommandError::NotEmpty(_))), "{full:?}");
}

#[tokio::test]
async fn collections_are_not_deeper_than_their_limit() {
    let world = World::with_customer().await;
    let collections = &world.commands.collections;
    let mut parent = None;
    let mut refused = None;
    for level in 0..40 {
        let name = format!("level-{level}");
        match collections.put(&context(), &id(&name), folder(&name, parent.as_deref())).await {
            Ok(_) => parent = Some(name),
            Err(error) => {
                refused = Some((level, error));
                break;
            }
        }
    }
    let (level, error) = refused.expect("there is a limit");
    assert!(level > 16 && matches!(error, CommandError::Invalid(_)), "{level}: {error}");
}

/// Another process writes the first event of a stream between two steps of ours.
fn meanwhile(stream: &str, event: impl Into<DomainEvent>) -> Append {
    rival(stream, EventId(Uuid::new_v4()), Expected::NoStream, event)
}

/// The second look finds what was put there between the first one and the deletion.
#[tokio::test]
async fn a_collection_into_which_something_comes_while_it_is_deleted_stays() {
    let world = folders().await;
    let document = BlobRef { sha256: "aa".repeat(32), length_bytes: 2 };
    let (slug, parent, label) = (None, Some("c".to_owned()), Label::default());
    let created = ManifestCreated { slug, parent, document, label };
    world.log.race(vec![meanwhile("manifest-1/m", ManifestEvent::Created(created))]);
    let collections = &world.commands.collections;
    let refused = collections.delete(&context(), &id("c")).await;
    assert!(matches!(refused, Err(CommandError::NotEmpty(_))), "{refused:?}");
    let collection = collections.load(&id("c")).await.expect("memory can be read");
    assert!(collection.live().is_some());
    let taken_slug = collections.put(&context(), &id("d"), folder("c", None)).await;
    assert_eq!(taken_slug, Err(taken("c")), "it has its slug still");
}

#[tokio::test]
async fn what_comes_into_a_collection_that_goes_is_taken_back() {
    let world = folders().await;
    let deleted = CollectionEvent::Deleted(CollectionDeleted {});
    let expected = Expected::Revision(StreamRevision(0));
    world.log.race(vec![rival("collection-1/c", EventId(Uuid::new_v4()), expected, deleted)]);
    let refused = manifest_in(&world, "m", "c").await;
    assert!(matches!(refused, Err(CommandError::Conflict(_))), "{refused:?}");
    let manifest = ManifestId { customer: ONE, id: "m".to_owned() };
    let manifest = world.commands.manifests.load(&manifest).await.expect("memory can be read");
    assert!(manifest.live().is_none());
}
