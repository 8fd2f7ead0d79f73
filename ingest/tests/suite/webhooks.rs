//! Webhooks over the in-memory log and stores, with receivers that do as they are told.

use crate::world::{LEASE, Process, World};
use async_trait::async_trait;
use bytes::Bytes;
use dlcs_commands::vault::{Vault, VaultError};
use dlcs_commands::webhooks::{
    Delivery, DeliveryState, MemoryWebhooks, Secret, Webhooks, consumer,
};
use dlcs_commands::{CommandContext, Executor};
use dlcs_domain::access::Principal;
use dlcs_domain::asset::AssetCommand;
use dlcs_domain::definition::{Defined, DefinitionCommand, Sealed, SecretChange, Webhook};
use dlcs_domain::{ActorId, CustomerId, DefinitionId};
use dlcs_eventlog::consumers::{ConsumerStore, LeaseOwner};
use dlcs_eventlog::{EventLog, Position};
use dlcs_ingest::webhooks::{Answered, Receivers};
use dlcs_ingest::{OriginError, WebhookPorts, WebhookSender, WebhookSettings};
use dlcs_projections::definitions::{DefinitionRow, Definitions, Kind, Value};
use dlcs_projections::{Page, PageRequest, QueryError};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use uuid::Uuid;

/// What a receiver does once; then it takes everything.
type Answer = Result<Answered, OriginError>;

/// What was sent to somebody.
#[derive(Debug, Clone)]
struct Post {
    url: String,
    headers: HashMap<&'static str, String>,
    body: Bytes,
}

#[derive(Default)]
struct FakeReceivers {
    posts: Mutex<Vec<Post>>,
    answers: Mutex<HashMap<String, Vec<Answer>>>,
}

#[async_trait]
impl Receivers for FakeReceivers {
    async fn post(&self, url: &str, headers: &[(&'static str, String)], body: Bytes) -> Answer {
        let headers = headers.iter().cloned().collect();
        let post = Post { url: url.to_owned(), headers, body };
        self.posts.lock().expect("no panics").push(post);
        if url.contains("never") {
            std::future::pending::<()>().await;
        }
        let answer = self.answers.lock().expect("no panics").get_mut(url).and_then(Vec::pop);
        answer.unwrap_or_else(|| answered(204))
    }
}

fn answered(status: u16) -> Answer {
    Ok(Answered { status, retry_after: None })
}

/// Seals nothing.
struct Glass;

impl Vault for Glass {
    fn seal(&self, place: &str, text: &str) -> Result<Sealed, VaultError> {
        Ok(Sealed { key: place.to_owned(), text: text.to_owned() })
    }

    fn open(&self, _: &str, sealed: &Sealed) -> Result<String, VaultError> {
        Ok(sealed.text.clone())
    }

    fn digest(&self, _: &[u8]) -> Result<[u8; 32], VaultError> {
        Ok([0; 32])
    }
}

/// What the log says of definitions now.
struct Loaded(Executor);

#[async_trait]
impl Definitions for Loaded {
    async fn definition(
        &self,
        id: &DefinitionId,
        _: Kind,
    ) -> Result<Option<DefinitionRow>, QueryError> {
        let loaded = self.0.load::<Defined<Webhook>>(&id.to_string()).await.expect("memory");
        let Defined::Live { value, edits } = loaded.state else { return Ok(None) };
        Ok(Some(DefinitionRow {
            id: id.clone(),
            value: Value::Webhook(value),
            removed: false,
            created_at_us: 0,
            modified_at_us: 0,
            edit_revision: edits,
            position: 0,
        }))
    }

    async fn list(
        &self,
        _: &Principal,
        _: CustomerId,
        _: Kind,
        _: &PageRequest,
    ) -> Result<Page<DefinitionRow>, QueryError> {
        Err(QueryError::NotAllowed)
    }
}

struct Hooks {
    world: World,
    webhooks: Webhooks,
    receivers: Arc<FakeReceivers>,
    secrets: Mutex<HashMap<String, Secret>>,
}

impl Hooks {
    fn new() -> Self {
        let world = World::new();
        let webhooks = Webhooks {
            store: Arc::new(MemoryWebhooks::default()),
            consumers: world.consumers.clone(),
            vault: Arc::new(Glass),
        };
        Self { world, webhooks, receivers: Arc::default(), secrets: Mutex::default() }
    }

    /// Defines a webhook that is told what happens from now on.
    async fn define(&self, name: &str) {
        let secret_id = Uuid::new_v5(&Uuid::nil(), name.as_bytes());
        let webhook = Webhook {
            url: url(name),
            description: String::new(),
            events: vec!["asset.*".to_owned()],
            active: true,
            secret_id: Some(secret_id),
            former_secret: None,
            secret_change: SecretChange::Given,
        };
        let secret = self.webhooks.new_secret(&id(name), secret_id).await.expect("memory");
        self.secrets.lock().expect("no panics").insert(url(name), secret);
        let head = self.world.log.head().await.expect("memory");
        self.webhooks.begin(&id(name), head).await.expect("memory");
        let define = DefinitionCommand::Define { name: name.to_owned(), value: webhook };
        self.command(name, define).await;
    }

    async fn switch(&self, name: &str, active: bool) {
        let loaded = self.world.executor.load::<Defined<Webhook>>(&id(name).to_string()).await;
        let Defined::Live { value, .. } = loaded.expect("memory").state else {
            panic!("it is defined")
        };
        let value = Webhook { active, ..value };
        self.command(name, DefinitionCommand::Change { name: name.to_owned(), value }).await;
    }

    async fn command(&self, name: &str, command: DefinitionCommand<Webhook>) {
        let context = CommandContext::new(ActorId("key-test".to_owned()), None, Uuid::nil());
        let (executor, id) = (&self.world.executor, id(name).to_string());
        let done = executor.execute::<Defined<Webhook>>(&context, &id, command).await;
        done.expect("it is allowed");
    }

    /// The last one is given first.
    fn will_answer(&self, name: &str, answers: Vec<Answer>) {
        self.receivers.answers.lock().expect("no panics").insert(url(name), answers);
    }

    fn start(&self, owner: &str) -> Process {
        let ports = WebhookPorts {
            executor: self.world.executor.clone(),
            log: self.world.log.clone(),
            definitions: Arc::new(Loaded(self.world.executor.clone())),
            webhooks: self.webhooks.clone(),
            receivers: self.receivers.clone(),
            source: "https://dlcs.example".into(),
        };
        let settings = WebhookSettings {
            tries: 3,
            at_once: 8,
            lease: LEASE,
            look_every: Duration::from_millis(5),
            poll_every: Duration::from_millis(5),
            save_every: Duration::ZERO,
            stop_grace: Duration::from_millis(50),
        };
        let sender = WebhookSender::new(ports, settings, LeaseOwner(owner.to_owned()));
        Process::of(|stop| async move { sender.run(stop).await })
    }

    fn posts(&self, name: &str) -> Vec<Post> {
        let posts = self.receivers.posts.lock().expect("no panics");
        posts.iter().filter(|it| it.url == url(name)).cloned().collect()
    }

    /// Returns what the posts to a receiver were about, checking each.
    fn told(&self, name: &str) -> Vec<String> {
        let secret = self.secrets.lock().expect("no panics")[&url(name)].clone();
        let about = |post: Post| {
            let event: serde_json::Value = serde_json::from_slice(&post.body).expect("JSON");
            let header = |name| post.headers[name].as_str();
            assert_eq!(event["id"], header("webhook-id"), "{event}");
            assert_eq!(header("content-type"), "application/cloudevents+json");
            let time = header("webhook-timestamp").parse().expect("seconds");
            let signature = secret.sign(header("webhook-id"), time, &post.body);
            assert_eq!(header("webhook-signature"), signature);
            assert_eq!((&event["source"], &event["specversion"]), (&SOURCE.into(), &"1.0".into()));
            let text = |name: &str| event[name].as_str().expect("a text").to_owned();
            format!("{} {}", text("type"), text("subject"))
        };
        self.posts(name).into_iter().map(about).collect()
    }

    async fn until_told(&self, name: &str, count: usize) {
        self.world.until(async |_| self.posts(name).len() >= count).await;
        assert_eq!(self.posts(name).len(), count, "{:?}", self.told(name));
    }

    async fn delivery(&self, name: &str) -> Delivery {
        self.webhooks.store.delivery(&id(name)).await.expect("memory").expect("it is there")
    }

    async fn until_delivery(&self, name: &str, is_so: impl Fn(&Delivery) -> bool) {
        self.world.until(async |_| is_so(&self.delivery(name).await)).await;
    }

    /// Waits until a webhook has nothing before it any more.
    async fn until_read(&self, name: &str) {
        self.world
            .until(async |world| {
                world.consumers.checkpoint(&consumer(&id(name))).await.expect("memory")
                    == world.log.head().await.expect("memory")
            })
            .await;
    }

    async fn register(&self, names: &[&str]) {
        for name in names {
            self.world.register(name, name).await;
        }
    }
}

const SOURCE: &str = "https://dlcs.example";

fn id(name: &str) -> DefinitionId {
    DefinitionId { customer: CustomerId(1), name: name.to_owned() }
}

fn url(name: &str) -> String {
    format!("https://example.org/{name}")
}

fn registered(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| format!("io.dlcs.asset.registered asset-{name}")).collect()
}

#[tokio::test]
async fn events_of_the_customer_are_told_in_order_and_signed() {
    let hooks = Hooks::new();
    hooks.register(&["1/1/before"]).await;
    let _process = hooks.start("one");
    hooks.define("a").await;
    hooks.register(&["1/1/b", "2/1/other", "1/1/a"]).await;
    hooks.until_told("a", 2).await;
    hooks.world.send("1/1/b", AssetCommand::Delete).await;
    hooks.until_told("a", 3).await;
    hooks.until_read("a").await;
    let mut expected = registered(&["1/1/b", "1/1/a"]);
    expected.push("io.dlcs.asset.deleted asset-1/1/b".to_owned());
    assert_eq!(hooks.told("a"), expected);
    hooks.until_delivery("a", |it| it.delivered_at_us.is_some()).await;
    let delivery = hooks.delivery("a").await;
    assert_eq!((delivery.tries, delivery.last_status, &delivery.last_error), (0, Some(204), &None));
}

#[tokio::test]
async fn a_message_comes_again_until_it_is_taken_and_nothing_passes_it() {
    let hooks = Hooks::new();
    let _process = hooks.start("one");
    hooks.define("a").await;
    let soon = Ok(Answered { status: 429, retry_after: Some("600".to_owned()) });
    hooks.will_answer("a", vec![soon, Err(OriginError::Timeout("late"))]);
    hooks.register(&["1/1/a", "1/1/b"]).await;
    hooks.until_delivery("a", |it| it.tries == 1).await;
    let delivery = hooks.delivery("a").await;
    assert_eq!(delivery.last_error.as_deref(), Some("receiver-timeout"));
    assert_eq!(delivery.last_status, None);
    hooks.world.advance(Duration::from_millis(4_900));
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(hooks.posts("a").len(), 1, "it is not its time");
    hooks.world.advance(Duration::from_millis(1_200));
    hooks.until_delivery("a", |it| it.tries == 2).await;
    let delivery = hooks.delivery("a").await;
    assert_eq!(delivery.last_error.as_deref(), Some("receiver-refused"));
    let wait_us = delivery.next_try_at_us.unwrap() - delivery.last_try_at_us.unwrap();
    assert_eq!(wait_us, 600_000_000, "as the receiver wants it");
    hooks.world.advance(Duration::from_secs(600));
    hooks.until_told("a", 4).await;
    assert_eq!(hooks.told("a"), registered(&["1/1/a", "1/1/a", "1/1/a", "1/1/b"]));
    let ids: Vec<_> =
        hooks.posts("a").into_iter().map(|it| it.headers["webhook-id"].clone()).collect();
    assert!(ids[0] == ids[1] && ids[1] == ids[2] && ids[2] != ids[3], "{ids:?}");
    hooks.until_delivery("a", |it| it.tries == 0 && it.last_error.is_none()).await;
}

#[tokio::test]
async fn after_the_last_try_it_waits_until_somebody_has_it_go_on() {
    let hooks = Hooks::new();
    let _process = hooks.start("one");
    hooks.define("a").await;
    hooks.will_answer("a", vec![answered(301), answered(500), answered(404)]);
    hooks.register(&["1/1/a", "1/1/b"]).await;
    for tries in 1..=3 {
        hooks.until_delivery("a", |it| it.tries == tries).await;
        hooks.world.advance(Duration::from_secs(3_600));
    }
    let delivery = hooks.delivery("a").await;
    assert_eq!((delivery.state, delivery.next_try_at_us), (DeliveryState::Paused, None));
    assert_eq!(delivery.last_error.as_deref(), Some("receiver-redirects"));
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(hooks.posts("a").len(), 3);
    hooks.webhooks.resume(&id("a"), None).await.expect("memory");
    hooks.until_told("a", 5).await;
    assert_eq!(hooks.told("a")[3..], registered(&["1/1/a", "1/1/b"]), "nothing is lost");
    hooks.until_read("a").await;
    hooks.webhooks.resume(&id("a"), Some(Position::START)).await.expect("memory");
    hooks.until_told("a", 7).await;
    let [before, after] = [3..5, 5..7].map(|them| {
        let posts = &hooks.posts("a")[them];
        posts.iter().map(|it| it.headers["webhook-id"].clone()).collect::<Vec<_>>()
    });
    assert_eq!(before, after, "what comes again has the same ids");
}

#[tokio::test]
async fn a_receiver_that_is_gone_is_told_nothing_more() {
    let hooks = Hooks::new();
    let _process = hooks.start("one");
    hooks.define("a").await;
    hooks.will_answer("a", vec![answered(410)]);
    hooks.register(&["1/1/a", "1/1/b"]).await;
    hooks.until_delivery("a", |it| it.state == DeliveryState::Gone).await;
    hooks.world.advance(Duration::from_secs(100_000));
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(hooks.posts("a").len(), 1);
    hooks.webhooks.resume(&id("a"), None).await.expect("memory");
    hooks.until_told("a", 3).await;
}

#[tokio::test]
async fn who_never_answers_holds_up_nobody_else() {
    let hooks = Hooks::new();
    let process = hooks.start("one");
    hooks.define("never").await;
    hooks.define("a").await;
    hooks.register(&["1/1/a", "1/1/b"]).await;
    hooks.until_told("a", 2).await;
    hooks.until_told("never", 1).await;
    hooks.until_read("a").await;
    process.stopped().await;
    let _next = hooks.start("two");
    hooks.register(&["1/1/c"]).await;
    hooks.until_told("a", 3).await;
    assert_eq!(hooks.told("a"), registered(&["1/1/a", "1/1/b", "1/1/c"]), "nothing came twice");
    hooks.world.until(async |_| hooks.posts("never").len() == 2).await;
    assert_eq!(hooks.told("never"), registered(&["1/1/a", "1/1/a"]), "what hung comes again");
}

#[tokio::test]
async fn a_process_that_dies_loses_nothing() {
    let hooks = Hooks::new();
    hooks.define("a").await;
    let names: Vec<String> = (0..40).map(|number| format!("1/1/{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let furthest = AtomicU64::new(0);
    for (round, names) in names.chunks(10).enumerate() {
        let process = hooks.start(&format!("process {round}"));
        hooks.register(names).await;
        let reached = 10 * round + 5;
        hooks
            .world
            .until(async |world| {
                let place = world.consumers.checkpoint(&consumer(&id("a"))).await;
                let Position(place) = place.expect("memory");
                assert!(place >= furthest.fetch_max(place, Ordering::SeqCst), "it moved back");
                hooks.posts("a").len() >= reached
            })
            .await;
        drop(process);
        hooks.world.advance(LEASE);
    }
    let _last = hooks.start("last");
    hooks.until_read("a").await;
    let mut told = hooks.told("a");
    told.dedup();
    assert_eq!(told, registered(&names), "each at least once, in order");
}

#[tokio::test]
async fn of_two_processes_one_tells() {
    let hooks = Hooks::new();
    let (one, _two) = (hooks.start("one"), hooks.start("two"));
    hooks.define("a").await;
    hooks.register(&["1/1/a", "1/1/b"]).await;
    hooks.until_told("a", 2).await;
    hooks.until_read("a").await;
    one.stopped().await;
    hooks.register(&["1/1/c"]).await;
    hooks.until_told("a", 3).await;
    assert_eq!(hooks.told("a"), registered(&["1/1/a", "1/1/b", "1/1/c"]));
}

#[tokio::test]
async fn what_is_off_or_removed_is_told_nothing() {
    let hooks = Hooks::new();
    let _process = hooks.start("one");
    hooks.define("a").await;
    hooks.define("b").await;
    hooks.register(&["1/1/a"]).await;
    hooks.until_told("a", 1).await;
    hooks.until_told("b", 1).await;
    hooks.switch("a", false).await;
    hooks.command("b", DefinitionCommand::Remove).await;
    hooks.register(&["1/1/b"]).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!((hooks.posts("a").len(), hooks.posts("b").len()), (1, 1));
    hooks.switch("a", true).await;
    hooks.until_told("a", 2).await;
    assert_eq!(hooks.told("a"), registered(&["1/1/a", "1/1/b"]), "it goes on where it was");
    hooks.webhooks.remove(&id("b"), std::iter::empty()).await.expect("memory");
    let left = hooks.world.consumers.consumers().await.expect("memory");
    assert!(left.iter().all(|(name, ..)| *name != consumer(&id("b"))), "{left:?}");
}
