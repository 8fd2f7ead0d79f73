//! The services over the in-memory log.

mod accounts;
mod annotations;
mod api_keys;
mod assets;
mod batches;
mod collections;
mod manifests;
mod names;
mod races;
mod texts;
mod webhooks;

use crate::error::CommandError;
use crate::services::NewSpace;
use crate::testing::{World, context};
use dlcs_domain::asset::{Registration, Source};
use dlcs_domain::{AssetId, CustomerId, SpaceId, SpaceNumber};

const ONE: CustomerId = CustomerId(1);

fn space(number: u32) -> SpaceId {
    SpaceId { customer: ONE, space: SpaceNumber(number) }
}

fn named(name: &str) -> NewSpace {
    NewSpace { name: name.to_owned(), ..NewSpace::default() }
}

fn asset(name: &str) -> AssetId {
    AssetId::new(space(1), name).expect("a valid name")
}

fn page(name: &str) -> Registration {
    Registration::of(Source::Origin { url: format!("https://example.org/{name}") })
}

fn taken(name: &str) -> CommandError {
    CommandError::NameTaken(name.to_owned())
}

/// Customer 1 with space 1, `maps`.
async fn with_space() -> World {
    let world = World::with_customer().await;
    let created = world.commands.spaces.create(&context(), ONE, named("maps")).await;
    assert_eq!(created.expect("the name is free").0, space(1));
    world
}
