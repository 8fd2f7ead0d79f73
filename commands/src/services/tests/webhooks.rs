//! Webhooks, their secrets and where their delivery is.

use super::ONE;
use crate::error::CommandError;
use crate::services::{Told, WebhookCommands};
use crate::testing::{World, context, repeatable};
use crate::vault::{Vault, VaultError};
use crate::webhooks::{
    Delivery, DeliveryState, MemoryWebhooks, Secret, WebhookStore, Webhooks, consumer,
};
use dlcs_domain::DefinitionId;
use dlcs_domain::definition::{Sealed, SecretChange, Webhook};
use dlcs_eventlog::consumers::ConsumerStore;
use dlcs_eventlog::memory::MemoryConsumers;
use dlcs_eventlog::{EventLog, Position};
use std::sync::Arc;

const DAY_US: i64 = 24 * 60 * 60 * 1_000_000;

/// Writes in front of a text where it is sealed.
struct Glass;

impl Vault for Glass {
    fn seal(&self, place: &str, text: &str) -> Result<Sealed, VaultError> {
        Ok(Sealed { key: place.to_owned(), text: text.to_owned() })
    }

    fn open(&self, place: &str, sealed: &Sealed) -> Result<String, VaultError> {
        let is_here = sealed.key == place;
        is_here.then(|| sealed.text.clone()).ok_or_else(|| VaultError("elsewhere".to_owned()))
    }

    fn digest(&self, _: &[u8]) -> Result<[u8; 32], VaultError> {
        Ok([0; 32])
    }
}

struct Hooks {
    world: World,
    store: Arc<MemoryWebhooks>,
    consumers: Arc<MemoryConsumers>,
    kept: Webhooks,
    commands: WebhookCommands,
}

impl Hooks {
    async fn new() -> Self {
        let world = World::with_customer().await;
        let store = Arc::new(MemoryWebhooks::default());
        let consumers = Arc::new(MemoryConsumers::new());
        let kept =
            Webhooks { store: store.clone(), consumers: consumers.clone(), vault: Arc::new(Glass) };
        let (definitions, executor) =
            (world.commands.definitions.clone(), world.commands.executor().clone());
        let commands = WebhookCommands::new(definitions, executor, kept.clone());
        Self { world, store, consumers, kept, commands }
    }

    async fn known(&self) -> Option<Webhook> {
        self.world.commands.definitions.known::<Webhook>(&hook()).await.expect("the log works")
    }

    async fn signing(&self) -> Vec<Secret> {
        let known = self.known().await.expect("it is defined");
        let now_us = self.world.commands.executor().clock().now_us();
        self.kept.secrets(&hook(), &known, now_us).await.expect("they can be opened")
    }

    async fn position(&self) -> Position {
        self.consumers.checkpoint(&consumer(&hook())).await.expect("memory")
    }

    async fn head(&self) -> Position {
        self.world.log.head().await.expect("memory")
    }
}

fn hook() -> DefinitionId {
    DefinitionId { customer: ONE, name: "a".to_owned() }
}

fn webhook() -> Webhook {
    Webhook {
        url: "https://example.org/hook".to_owned(),
        description: String::new(),
        events: vec![],
        active: true,
        secret_id: None,
        former_secret: None,
        secret_change: SecretChange::Given,
    }
}

fn told(told: Result<Told, CommandError>) -> Secret {
    told.expect("it is made").secret.expect("it is told")
}

fn code<T>(result: Result<T, CommandError>) -> &'static str {
    match result {
        Err(CommandError::Refused { code, .. }) => code,
        Err(CommandError::NotFound(_)) => "not-found",
        Err(error) => panic!("{error:?}"),
        Ok(_) => "ok",
    }
}

#[tokio::test]
async fn a_webhook_begins_with_what_is_next_or_where_it_is_told_to() {
    let it = Hooks::new().await;
    let head = it.head().await;
    let secret = told(it.commands.define(&context(), &hook(), webhook(), None).await);
    assert_eq!(it.position().await, head);
    assert_eq!(it.signing().await, [secret]);
    let beyond = Some(Position(99));
    assert_eq!(code(it.commands.resume(&hook(), beyond).await), WebhookCommands::POSITION_UNKNOWN);
    it.commands.resume(&hook(), Some(Position(1))).await.expect("it is there");
    assert_eq!(it.position().await, Position(1));
    it.commands.resume(&hook(), None).await.expect("it is there");
    assert_eq!(it.position().await, Position(1), "it goes on where it is");
    let status = it.commands.status(&hook(), &webhook()).await.expect("memory").expect("there");
    assert_eq!((status.state, status.behind), ("delivering", it.head().await.0 - 1));
    assert_eq!(status.delivery.spell, 2);
    let other = DefinitionId { name: "b".to_owned(), ..hook() };
    assert_eq!(code(it.commands.resume(&other, None).await), "not-found");
    let from_the_first = Some(Position::START);
    let made = it.commands.put(&context(), &other, webhook(), from_the_first).await;
    assert!(made.expect("it is made").secret.is_some());
    let place = it.consumers.checkpoint(&consumer(&other)).await.expect("memory");
    assert_eq!(place, Position::START);
    let again = it.commands.put(&context(), &other, webhook(), None).await.expect("nothing new");
    assert!(again.secret.is_none(), "it keeps its secret");
}

#[tokio::test]
async fn two_secrets_sign_for_a_day() {
    let it = Hooks::new().await;
    let first = told(it.commands.define(&context(), &hook(), webhook(), None).await);
    let second = told(it.commands.rotate(&context(), &hook()).await);
    assert_eq!(it.signing().await, [second.clone(), first]);
    let third = told(it.commands.rotate(&context(), &hook()).await);
    assert_eq!(it.signing().await, [third.clone(), second]);
    assert_eq!(it.store.secrets(), 2, "the first one is forgotten");
    it.world.clock.advance_us(DAY_US - 1);
    assert_eq!(it.signing().await.len(), 2);
    it.world.clock.advance_us(1);
    assert_eq!(it.signing().await, [third]);
    assert_eq!(it.known().await.expect("it is there").url, webhook().url, "the rest stays");
}

#[tokio::test]
async fn what_is_removed_or_refused_leaves_nothing() {
    let it = Hooks::new().await;
    told(it.commands.define(&context(), &hook(), webhook(), None).await);
    told(it.commands.rotate(&context(), &hook()).await);
    let twice = it.commands.define(&context(), &hook(), webhook(), None).await;
    assert!(matches!(twice, Err(CommandError::Conflict(_))));
    assert_eq!(it.store.secrets(), 2);
    it.commands.remove(&context(), &hook()).await.expect("it is removed");
    assert_eq!((it.store.secrets(), it.store.all().await.expect("memory").len()), (0, 0));
    assert_eq!(it.consumers.consumers().await.expect("memory"), []);
    assert_eq!(code(it.commands.rotate(&context(), &hook()).await), "not-found");
    let bad = Webhook { url: "gopher://a".to_owned(), ..webhook() };
    let bad = it.commands.define(&context(), &hook(), bad, None).await;
    assert_eq!(code(bad), Webhook::URL_INVALID);
    let nobody = DefinitionId { customer: dlcs_domain::CustomerId(9), ..hook() };
    let bad = it.commands.define(&context(), &nobody, webhook(), None).await;
    assert_eq!(code(bad), "not-found");
    assert_eq!((it.store.secrets(), it.store.all().await.expect("memory").len()), (0, 0));
    for number in 0..100 {
        let id = DefinitionId { name: format!("n{number}"), ..hook() };
        told(it.commands.define(&context(), &id, webhook(), None).await);
    }
    let one_more = it.commands.define(&context(), &hook(), webhook(), None).await;
    assert_eq!(code(one_more), WebhookCommands::TOO_MANY);
}

#[tokio::test]
async fn a_repeated_command_tells_the_secret_that_signs_or_none() {
    let it = Hooks::new().await;
    let first = told(it.commands.define(&repeatable(1), &hook(), webhook(), None).await);
    let again = told(it.commands.define(&repeatable(1), &hook(), webhook(), None).await);
    assert_eq!(again, first);
    let second = told(it.commands.rotate(&repeatable(2), &hook()).await);
    assert_eq!(told(it.commands.rotate(&repeatable(2), &hook()).await), second);
    told(it.commands.rotate(&repeatable(3), &hook()).await);
    let third = it.signing().await;
    // Its answer was lost, and the client says it again after others have been here.
    let late = it.commands.define(&repeatable(1), &hook(), webhook(), None).await;
    assert!(late.expect("it happened once").secret.is_none());
    assert_eq!(it.signing().await, third);
    assert_eq!(it.store.secrets(), 2);
}

#[tokio::test]
async fn a_webhook_says_how_it_stands() {
    let it = Hooks::new().await;
    told(it.commands.define(&context(), &hook(), webhook(), None).await);
    let open = Delivery::default();
    for (delivery, state) in [
        (Delivery { tries: 1, ..open.clone() }, "retrying"),
        (Delivery { state: DeliveryState::Paused, ..open.clone() }, "paused"),
        (Delivery { state: DeliveryState::Gone, ..open.clone() }, "gone"),
    ] {
        assert!(it.store.record(&hook(), 0, &delivery).await.expect("memory"));
        let status = it.commands.status(&hook(), &webhook()).await.expect("memory");
        assert_eq!(status.expect("it is there").state, state);
    }
    let off = Webhook { active: false, ..webhook() };
    let status = it.commands.status(&hook(), &off).await.expect("memory").expect("it is there");
    assert_eq!(status.state, "off");
    it.commands.resume(&hook(), None).await.expect("it is there");
    let status = it.commands.status(&hook(), &webhook()).await.expect("memory");
    assert_eq!(status.expect("it is there").state, "delivering");
}
