//! Repeated commands are applied once.

use super::{Answer, Begin, Idempotency, IdempotencyError, MemoryAnswers};
use crate::clock::ManualClock;
use crate::context::CommandContext;
use crate::testing::{NOW_US, context};
use dlcs_domain::ActorId;
use dlcs_eventlog::Position;
use std::sync::Arc;

const REQUEST: &str = "POST /customers/1/spaces";

fn idempotency() -> (Idempotency, ManualClock) {
    let clock = ManualClock::at(NOW_US);
    (Idempotency::new(Arc::new(MemoryAnswers::default()), Arc::new(clock.clone())), clock)
}

fn answer() -> Answer {
    Answer {
        status: 201,
        location: Some("/customers/1/spaces/1".to_owned()),
        content_type: Some("application/ld+json".to_owned()),
        body: "{}".into(),
        position: Position(7),
    }
}

async fn answered(idempotency: &Idempotency, body: &[u8]) -> CommandContext {
    match idempotency.begin(&context(), "k", REQUEST, body).await.expect("a new key") {
        Begin::Execute { context, in_flight } => {
            in_flight.finish(answer()).await.expect("memory can be written");
            context
        }
        Begin::Answered(_) => panic!("nobody has answered"),
    }
}

#[tokio::test]
async fn the_same_body_gets_the_same_answer() {
    let (idempotency, _) = idempotency();
    answered(&idempotency, b"{}").await;
    let again = idempotency.begin(&context(), "k", REQUEST, b"{}").await.expect("a known key");
    let Begin::Answered(stored) = again else { panic!("it has been answered") };
    assert_eq!((stored.status, stored.position), (201, Position(7)));
}

#[tokio::test]
async fn another_body_or_another_address_is_refused() {
    let (idempotency, _) = idempotency();
    answered(&idempotency, b"{}").await;
    let other_body = idempotency.begin(&context(), "k", REQUEST, b"[]").await;
    assert_eq!(other_body.err(), Some(IdempotencyError::OtherBody));
    let elsewhere = idempotency.begin(&context(), "k", "POST /customers", b"{}").await;
    assert_eq!(elsewhere.err(), Some(IdempotencyError::OtherBody));
}

#[tokio::test]
async fn a_lost_answer_gives_the_same_command() {
    let (idempotency, clock) = idempotency();
    let first = answered(&idempotency, b"{}").await;
    clock.advance_us(10);
    assert_eq!(idempotency.purge_older_than(5).await, Ok(1));
    let again = answered(&idempotency, b"{}").await;
    assert!(first.command_id.is_some());
    assert_eq!((first.command_id, first.body_sha256), (again.command_id, again.body_sha256));
}

#[tokio::test]
async fn keys_of_two_actors_do_not_meet() {
    let (idempotency, _) = idempotency();
    let first = answered(&idempotency, b"{}").await;
    let other = CommandContext { actor: ActorId("key-2".to_owned()), ..context() };
    let begun = idempotency.begin(&other, "k", REQUEST, b"[]").await.expect("another actor");
    let Begin::Execute { context, .. } = begun else { panic!("nobody has answered") };
    assert_ne!(context.command_id, first.command_id);
}

#[tokio::test]
async fn a_repetition_waits_for_the_first() {
    let (idempotency, _) = idempotency();
    let begun = idempotency.begin(&context(), "k", REQUEST, b"{}").await.expect("a new key");
    let Begin::Execute { in_flight, .. } = begun else { panic!("nobody has answered") };
    let second = {
        let idempotency = idempotency.clone();
        tokio::spawn(async move {
            let begun = idempotency.begin(&context(), "k", REQUEST, b"{}").await;
            matches!(begun, Ok(Begin::Answered(_)))
        })
    };
    tokio::task::yield_now().await;
    assert!(!second.is_finished());
    in_flight.finish(answer()).await.expect("memory can be written");
    assert!(second.await.expect("no panic"));
}

#[tokio::test]
async fn a_key_is_short_and_visible() {
    let (idempotency, _) = idempotency();
    for key in ["", "\n", &"k".repeat(256)] {
        let refused = idempotency.begin(&context(), key, REQUEST, b"").await;
        assert_eq!(refused.err(), Some(IdempotencyError::InvalidKey));
    }
}
