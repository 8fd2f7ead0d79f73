//! Keys.

use super::ONE;
use crate::error::CommandError;
use crate::services::NewApiKey;
use crate::services::api_keys::secret_digest;
use crate::testing::{World, context, repeatable};
use dlcs_domain::access::{Right, Scope};
use dlcs_domain::{CustomerId, DomainEvent};

fn wished(customer: CustomerId) -> NewApiKey {
    NewApiKey { customer, right: Right::Write, until_us: None, label: "scanner".to_owned() }
}

#[tokio::test]
async fn the_history_knows_a_secret_by_its_digest_only() {
    let world = World::with_customer().await;
    let keys = &world.commands.api_keys;
    let issued = keys.issue(&context(), Scope::ADMIN, wished(ONE)).await.expect("it is made");
    let secret = issued.secret.expect("it is told once");
    assert_eq!(secret.len(), 64);
    let events = world.events().await;
    let last = events.last().expect("an event");
    assert_eq!(last.stream.to_string(), format!("key-{}", issued.id));
    let payload = String::from_utf8_lossy(&last.payload);
    assert!(payload.contains(&secret_digest(&secret)) && !payload.contains(&secret), "{payload}");
    let decoded = dlcs_domain::wire::decode(&last.type_name, last.schema_version, &last.payload);
    assert!(matches!(decoded.expect("ours")[..], [DomainEvent::ApiKey(_)]));
}

#[tokio::test]
async fn a_repetition_makes_no_other_key_and_tells_no_secret_that_opens_nothing() {
    let world = World::with_customer().await;
    let keys = &world.commands.api_keys;
    let first = keys.issue(&repeatable(7), Scope::ADMIN, wished(ONE)).await.expect("it is made");
    let again = keys.issue(&repeatable(7), Scope::ADMIN, wished(ONE)).await.expect("it is known");
    assert_eq!(first.id, again.id);
    assert!(first.secret.is_some() && again.secret.is_none());
}

#[tokio::test]
async fn whoever_is_not_there_or_may_not_gets_no_key() {
    let world = World::with_customer().await;
    let keys = &world.commands.api_keys;
    let nobody = keys.issue(&context(), Scope::ADMIN, wished(CustomerId(9))).await;
    assert!(matches!(nobody.err(), Some(CommandError::NotFound(_))));
    let other = Scope::of_customer(CustomerId(2));
    let refused = keys.issue(&context(), other, wished(ONE)).await;
    assert!(matches!(refused.err(), Some(CommandError::NotAllowed(_))));
}
