//! Customers and spaces: names and numbers.

use super::{ONE, named, space, taken, with_space};
use crate::error::CommandError;
use crate::services::NewDocument;
use crate::services::reservations::Reservations;
use crate::testing::{World, context, repeatable};
use dlcs_domain::names::NameError;
use dlcs_domain::space::SpaceChange;
use dlcs_domain::{CustomerId, Label, NameKey, Place};
use dlcs_eventlog::StreamId;
use std::time::Duration;

fn rename(name: &str) -> SpaceChange {
    SpaceChange { name: Some(name.to_owned()), ..SpaceChange::default() }
}

/// Leaves behind what a crash between reserving and creating leaves behind.
async fn reserve_and_crash(world: &World, name: &str, owner: &str) {
    let reservations = Reservations::new(world.commands.executor().clone());
    let key = NameKey::Space(ONE, name.to_owned());
    let owner = StreamId::new("space", owner);
    reservations.reserve(&context(), &key, &owner).await.expect("the name is free");
}

#[tokio::test]
async fn the_first_start_makes_customer_one_once() {
    let world = World::with_customer().await;
    let types = world.types().await;
    assert_eq!(types, ["directory.customer_number_allocated", "name.reserved", "customer.created"]);
    world.commands.customers.ensure_default(&context()).await.expect("it is there");
    assert_eq!(world.types().await, types);
    let created = world.commands.customers.create(&context(), "library", "Library").await;
    assert_eq!(created.expect("the name is free").0, CustomerId(2));
    let again = world.commands.customers.create(&context(), "Default", "").await;
    assert_eq!(again.err(), Some(taken("Default")), "whatever the case");
}

#[tokio::test]
async fn two_creations_of_one_name_make_one_space() {
    let world = World::with_customer().await;
    let other = world.another_process();
    for round in 0..20 {
        let name = format!("maps {round}");
        let create = |world: &World| {
            let spaces = world.commands.spaces.clone();
            let space = named(&name);
            tokio::spawn(async move { spaces.create(&context(), ONE, space).await })
        };
        let tasks = [create(&world), create(&other), create(&world), create(&other)];
        let mut won = 0;
        for task in tasks {
            match task.await.expect("no panic") {
                Ok(_) => won += 1,
                Err(error) => assert_eq!(error, taken(&name)),
            }
        }
        assert_eq!(won, 1);
    }
    let created = world.types().await.iter().filter(|it| *it == "space.created").count();
    assert_eq!(created, 20);
}

#[tokio::test]
async fn a_repeated_creation_gives_the_same_space() {
    let world = World::with_customer().await;
    let spaces = &world.commands.spaces;
    let first = spaces.create(&repeatable(1), ONE, named("maps")).await;
    let types = world.types().await;
    let again = spaces.create(&repeatable(1), ONE, named("maps")).await;
    assert_eq!(first, again);
    assert_eq!(world.types().await, types);
    let other = spaces.create(&repeatable(2), ONE, named("maps")).await;
    assert_eq!(other.err(), Some(taken("maps")));
}

#[tokio::test]
async fn a_crash_after_reserving_is_repaired_by_the_next_who_wants_the_name() {
    let world = World::with_customer().await;
    reserve_and_crash(&world, "maps", "1/1").await;
    let created = world.commands.spaces.create(&context(), ONE, named("maps")).await;
    assert_eq!(created.expect("the owner is created").0, space(1));
    let found = world.commands.spaces.by_name(ONE, "MAPS").await;
    assert_eq!(found, Ok(Some(space(1))));
}

#[tokio::test(start_paused = true)]
async fn a_crash_before_releasing_is_repaired_a_minute_after_somebody_asked() {
    let world = with_space().await;
    reserve_and_crash(&world, "globes", "1/1").await;
    let spaces = &world.commands.spaces;
    let create = async || spaces.create(&context(), ONE, named("globes")).await;
    assert_eq!(create().await.err(), Some(taken("globes")), "a rename may be under way");
    world.clock.advance_us(3_600_000_000);
    assert_eq!(create().await.err(), Some(taken("globes")), "a clock has jumped");
    tokio::time::advance(Duration::from_secs(61)).await;
    assert!(create().await.is_ok());
    assert_eq!(create().await.err(), Some(taken("globes")));
}

#[tokio::test]
async fn a_rename_frees_the_old_name() {
    let world = with_space().await;
    let spaces = &world.commands.spaces;
    spaces.change(&context(), space(1), rename("atlases")).await.expect("the name is free");
    assert_eq!(spaces.by_name(ONE, "atlases").await, Ok(Some(space(1))));
    spaces.create(&context(), ONE, named("maps")).await.expect("the name is free again");
    let refused = spaces.change(&context(), space(1), rename("Maps")).await;
    assert_eq!(refused.err(), Some(taken("Maps")));
}

/// Found by reading: it was looked whether the name was in use, and then released.
#[tokio::test]
async fn a_name_that_is_about_to_be_used_again_is_not_released() {
    let world = with_space().await;
    let reservations = Reservations::new(world.commands.executor().clone());
    let (key, owner) = (NameKey::Space(ONE, "maps".into()), StreamId::new("space", "1/1"));
    // One flow is about to end the use of the name.
    let seen = reservations.look(&key).await.expect("it is there");
    world.commands.spaces.change(&context(), space(1), rename("atlases")).await.expect("free");
    // Another one is about to call the space so again, in another process.
    reservations.reserve(&context(), &key, &owner).await.expect("it was released");
    reservations.release(&context(), &key, &owner, seen).await.expect("it is left alone");
    let holder = reservations.holder(&key).await.expect("it can be read");
    assert_eq!(holder.map(|it| it.owner), Some(owner));
}

#[tokio::test]
async fn two_processes_rename_one_space_and_every_name_is_held_by_whoever_uses_it() {
    let world = with_space().await;
    let other = world.another_process();
    for round in 0..20 {
        let change = |world: &World, name: String| {
            let spaces = world.commands.spaces.clone();
            tokio::spawn(async move { spaces.change(&context(), space(1), rename(&name)).await })
        };
        // The same two names again and again, so that each is let go and wanted at once.
        let names = [format!("a{}", round % 2), format!("a{}", (round + 1) % 2)];
        let [first, second] = names;
        let tasks = [change(&world, first), change(&other, second)];
        for task in tasks {
            let changed = task.await.expect("no panic");
            assert!(matches!(changed, Ok(_) | Err(CommandError::Busy)), "{changed:?}");
        }
        let state = world.commands.spaces.load(space(1)).await.expect("it is there").state;
        let name = state.live().expect("it lives").name.clone();
        assert_eq!(world.commands.spaces.by_name(ONE, &name).await, Ok(Some(space(1))), "{name}");
    }
}

/// Found by the simulation: what may have been applied was taken for refused.
#[tokio::test]
async fn a_flow_whose_answer_is_lost_keeps_its_name() {
    let world = with_space().await;
    let (spaces, manifests) = (&world.commands.spaces, &world.commands.manifests);
    world.log.lose_answer_once("space-1/1");
    let told = spaces.change(&context(), space(1), rename("globes")).await;
    assert!(matches!(told, Err(CommandError::Unavailable(_))), "{told:?}");
    assert_eq!(spaces.by_name(ONE, "globes").await, Ok(Some(space(1))));
    assert_eq!(spaces.create(&context(), ONE, named("globes")).await.err(), Some(taken("globes")));
    world.log.lose_answer_once("manifest-1/m");
    let create = async |id: &str| {
        let (id, place) = (Some(id.to_owned()), Place::at_root(Some("atlas".to_owned())));
        let document = NewDocument { bytes: "{}".into(), label: Label::default() };
        manifests.create(&context(), ONE, id, place, document).await
    };
    assert!(matches!(create("m").await, Err(CommandError::Unavailable(_))));
    assert_eq!(create("n").await.err(), Some(taken("atlas")));
}

/// A process that stood still for long must not create what another one has taken over.
#[tokio::test(start_paused = true)]
async fn a_flow_that_takes_too_long_gives_up() {
    let world = with_space().await;
    let reservations = Reservations::new(world.commands.executor().clone());
    let key = NameKey::Space(ONE, "globes".into());
    let owner = StreamId::new("space", "1/2");
    let reservation = reservations.reserve(&context(), &key, &owner).await.expect("it is free");
    reservation.check().expect("it has just begun");
    tokio::time::advance(Duration::from_secs(21)).await;
    assert!(matches!(reservation.check(), Err(CommandError::Unavailable(_))));
}

#[tokio::test]
async fn a_refused_rename_keeps_no_name() {
    let world = with_space().await;
    let spaces = &world.commands.spaces;
    let stale = crate::CommandContext { expected_edit: Some(9), ..context() };
    let refused = spaces.change(&stale, space(1), rename("globes")).await;
    assert_eq!(refused.err(), Some(CommandError::EditMismatch { actual: 1 }));
    assert!(spaces.create(&context(), ONE, named("globes")).await.is_ok());
    let missing = spaces.change(&context(), space(9), rename("charts")).await;
    assert!(matches!(missing, Err(CommandError::NotFound(_))));
}

#[tokio::test]
async fn another_spelling_of_the_own_name_is_a_rename() {
    let world = with_space().await;
    let spaces = &world.commands.spaces;
    spaces.change(&context(), space(1), rename("MAPS")).await.expect("it is its own");
    assert_eq!(spaces.by_name(ONE, "maps").await, Ok(Some(space(1))));
}

#[tokio::test]
async fn a_reserved_name_costs_nothing() {
    let world = World::with_customer().await;
    let types = world.types().await;
    let refused = world.commands.spaces.create(&context(), ONE, named("IIIF")).await;
    assert_eq!(refused.err(), Some(NameError::Reserved("IIIF".to_owned()).into()));
    assert_eq!(world.types().await, types);
}

#[tokio::test]
async fn a_chosen_number_is_not_given_out_again() {
    let world = World::with_customer().await;
    let spaces = &world.commands.spaces;
    let decided = spaces.put(&context(), space(2), rename("maps")).await.expect("it is new");
    assert!(decided.created);
    let ids = [
        spaces.create(&context(), ONE, named("a")).await.expect("the name is free").0,
        spaces.create(&context(), ONE, named("b")).await.expect("the name is free").0,
    ];
    assert_eq!(ids, [space(1), space(3)]);
    let again = spaces.put(&context(), space(2), rename("atlases")).await.expect("it is there");
    assert_eq!((again.created, again.edit_revision), (false, 2));
}

#[tokio::test]
async fn a_repeated_put_is_answered_as_the_first_time() {
    let world = World::with_customer().await;
    let spaces = &world.commands.spaces;
    let put = async || spaces.put(&repeatable(1), space(2), rename("maps")).await;
    let first = put().await.expect("it is new");
    assert_eq!(put().await, Ok(first));
}

#[tokio::test]
async fn a_deleted_space_frees_its_name_and_can_be_put_again() {
    let world = with_space().await;
    let spaces = &world.commands.spaces;
    spaces.delete(&context(), space(1)).await.expect("it is empty");
    let gone = spaces.delete(&context(), space(1)).await;
    assert!(matches!(gone, Err(CommandError::Gone(_))));
    let id = spaces.create(&context(), ONE, named("maps")).await.expect("the name is free").0;
    assert_eq!(id, space(2), "a number is not given out again");
    let decided = spaces.put(&context(), space(1), rename("old maps")).await;
    assert!(decided.expect("its number can be chosen again").created);
}

#[tokio::test]
async fn a_space_is_found_or_made() {
    let world = World::with_customer().await;
    let spaces = &world.commands.spaces;
    let made = spaces.ensure_by_name(&context(), ONE, "maps").await.expect("it is made");
    let found = spaces.ensure_by_name(&context(), ONE, "maps").await.expect("it is found");
    assert_eq!((made.0, made.1.created), (found.0, true));
    assert_eq!((found.1.created, found.1.edit_revision), (false, 1));
}

#[tokio::test]
async fn a_customer_with_spaces_stays() {
    let world = with_space().await;
    let customers = &world.commands.customers;
    let refused = customers.delete(&context(), ONE).await;
    assert!(matches!(refused, Err(CommandError::NotEmpty(_))));
    world.commands.spaces.delete(&context(), space(1)).await.expect("it is empty");
    customers.delete(&context(), ONE).await.expect("it is empty");
    assert_eq!(customers.by_name("default").await, Ok(None));
    customers.ensure_default(&context()).await.expect("it was there once");
    let orphan = world.commands.spaces.create(&context(), ONE, named("x")).await;
    assert!(matches!(orphan, Err(CommandError::Gone(_))));
}
