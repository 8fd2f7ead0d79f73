//! What another process does between two steps of a command.

use super::{asset, named, page, space, taken, with_space};
use crate::context::CommandContext;
use crate::error::CommandError;
use crate::services::NewSpace;
use crate::testing::{World, context, repeatable, rival};
use dlcs_domain::Languages;
use dlcs_domain::asset::{Asset, AssetCommand, AssetEvent};
use dlcs_domain::name::{NameEvent, NameReserved};
use dlcs_domain::space::{
    Space, SpaceChange, SpaceCreated, SpaceDeleted, SpaceEvent, SpaceRenamed,
};
use dlcs_domain::{Aggregate, DomainEvent};
use dlcs_eventlog::{Append, EventId, Expected, StreamRevision};
use std::sync::Arc;
use uuid::Uuid;

/// The next event of a stream, by another process.
fn next(stream: &str, after: u64, event: impl Into<DomainEvent>) -> Append {
    let expected = Expected::Revision(StreamRevision(after));
    rival(stream, EventId(Uuid::new_v4()), expected, event)
}

fn first(stream: &str, event: impl Into<DomainEvent>) -> Append {
    rival(stream, EventId(Uuid::new_v4()), Expected::NoStream, event)
}

fn deleted() -> SpaceEvent {
    SpaceEvent::Deleted(SpaceDeleted {})
}

fn created(name: &str) -> SpaceEvent {
    let name = name.to_owned();
    SpaceEvent::Created(SpaceCreated {
        name,
        default_tags: vec![],
        default_roles: vec![],
        default_recognise: Languages::default(),
    })
}

fn registered() -> AssetEvent {
    let defaults = Arc::default();
    let register = AssetCommand::Register { registration: page("a"), defaults };
    let events = Asset::default().handle(register).expect("it is new");
    events.into_iter().next().expect("something is new")
}

async fn lives(world: &World) -> bool {
    let space = world.commands.spaces.load(space(1)).await.expect("memory can be read");
    matches!(space.state, Space::Live(_))
}

#[tokio::test]
async fn a_space_into_which_an_asset_is_registered_while_it_is_deleted_stays() {
    let world = with_space().await;
    world.log.race(vec![first("asset-1/1/a", registered())]);
    let delete = async || world.commands.spaces.delete(&repeatable(1), space(1)).await;
    let refused = delete().await;
    assert!(matches!(refused, Err(CommandError::NotEmpty(_))), "{refused:?}");
    assert!(lives(&world).await, "an asset is in it");
    assert_eq!(delete().await, refused, "a repetition is answered as the first time");
    let spaces = &world.commands.spaces;
    assert_eq!(spaces.by_name(super::ONE, "maps").await, Ok(Some(space(1))));
}

#[tokio::test]
async fn an_asset_registered_while_its_space_is_deleted_is_taken_back() {
    let world = with_space().await;
    world.log.race(vec![next("space-1/1", 0, deleted())]);
    let assets = &world.commands.assets;
    let register = async || assets.register(&repeatable(1), &asset("a"), page("a")).await;
    let refused = register().await;
    assert!(matches!(refused, Err(CommandError::Gone(_))), "{refused:?}");
    let (state, _) = assets.load(&asset("a")).await.expect("memory can be read");
    assert!(state.live().is_none(), "its space is gone");
    assert_eq!(register().await, refused, "a repetition is answered as the first time");
}

#[tokio::test]
async fn rows_registered_while_their_space_is_deleted_are_taken_back() {
    let world = with_space().await;
    world.log.race(vec![next("space-1/1", 0, deleted())]);
    let rows = ["a", "b"].map(|name| (context(), asset(name), page(name))).to_vec();
    let answers = world.commands.assets.register_many(rows).await;
    assert!(answers.iter().all(|it| matches!(it, Err(CommandError::Gone(_)))), "{answers:?}");
    let taken_back = world.types().await.iter().filter(|it| *it == "asset.deleted").count();
    assert_eq!(taken_back, 2);
}

#[tokio::test]
async fn a_name_is_not_released_when_its_space_is_put_again_at_the_last_moment() {
    let world = with_space().await;
    world.log.race(vec![]);
    // Between the look at the owner and the release.
    let reserved = NameEvent::Reserved(NameReserved { owner: "space-1/1".to_owned() });
    let key = name_stream(&world).await;
    world.log.race(vec![next(&key, 0, reserved), next("space-1/1", 1, created("maps"))]);
    world.commands.spaces.delete(&context(), space(1)).await.expect("it is empty");
    let spaces = &world.commands.spaces;
    assert_eq!(spaces.by_name(super::ONE, "maps").await, Ok(Some(space(1))));
    let refused = spaces.create(&context(), super::ONE, named("maps")).await;
    assert_eq!(refused.err(), Some(taken("maps")));
}

/// Stream of the name of space 1/1.
async fn name_stream(world: &World) -> String {
    let events = world.events().await;
    let of_space = |it: &&dlcs_eventlog::RecordedEvent| {
        it.type_name == "name.reserved"
            && String::from_utf8_lossy(&it.payload).contains("space-1/1")
    };
    events.iter().rfind(of_space).expect("its name is reserved").stream.to_string()
}

#[tokio::test]
async fn two_renames_at_once_leave_one_name() {
    let world = with_space().await;
    let other = world.another_process();
    let spaces = &world.commands.spaces;
    let rename = |name: &str| SpaceChange { name: Some(name.to_owned()), ..Default::default() };
    // The other has reserved its name, and renames first.
    let renamed = SpaceEvent::Renamed(SpaceRenamed { name: "globes".to_owned() });
    let stream = format!("name-{}", dlcs_domain::NameKey::Space(super::ONE, "globes".into()));
    let reserved = NameEvent::Reserved(NameReserved { owner: "space-1/1".to_owned() });
    world.log.race(vec![first(&stream, reserved), next("space-1/1", 0, renamed)]);
    spaces.change(&context(), space(1), rename("atlases")).await.expect("it is decided again");
    assert_eq!(spaces.by_name(super::ONE, "atlases").await, Ok(Some(space(1))));
    let free = other.commands.spaces.create(&context(), super::ONE, named("globes")).await;
    assert!(free.is_ok(), "the name that it had in between is free: {free:?}");
}

#[tokio::test]
async fn what_must_not_be_there_is_not_changed() {
    let world = with_space().await;
    let absent = CommandContext { expects_absent: true, ..context() };
    let rename = SpaceChange { name: Some("atlases".to_owned()), ..Default::default() };
    let spaces = &world.commands.spaces;
    let refused = spaces.put(&absent, space(1), rename.clone()).await;
    assert_eq!(refused, Err(CommandError::EditMismatch { actual: 1 }));
    assert!(spaces.put(&absent, space(2), rename).await.expect("it is new").created);
    let assets = &world.commands.assets;
    assert!(assets.register(&absent, &asset("a"), page("a")).await.expect("it is new").created);
    let refused = assets.register(&absent, &asset("a"), page("b")).await;
    assert_eq!(refused, Err(CommandError::EditMismatch { actual: 1 }));
    let free = NewSpace { name: "maps".to_owned(), ..NewSpace::default() };
    assert_eq!(spaces.create(&context(), super::ONE, free).await.err(), Some(taken("maps")));
}
