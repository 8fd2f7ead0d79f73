//! Rebuilds: beside what serves, by several processes, and cut short.

use super::*;
use crate::read_models::build::Build;
use crate::read_models::builder::Builder;
use dlcs_eventlog::{Append, AppendError, Appended, LogError, RecordedEvent, StreamId};
use dlcs_eventlog::{EventId, NewEvent, StreamRevision};
use dlcs_projections::assets::{AssetFilter, AssetOrder};
use dlcs_projections::conformance::given::{append_raw, id, metadata, registered};
use dlcs_projections::replay::ReplayError;
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const PATIENCE: Duration = Duration::from_secs(30);

/// A log of which nobody gets to see the second piece.
struct Stuck(Arc<dyn EventLog>);

#[async_trait]
impl EventLog for Stuck {
    async fn append(&self, batch: Vec<Append>) -> Vec<Result<Appended, AppendError>> {
        self.0.append(batch).await
    }

    async fn read_stream(
        &self,
        stream: &StreamId,
        from: StreamRevision,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, LogError> {
        self.0.read_stream(stream, from, limit).await
    }

    async fn read_all(&self, after: Position, _: usize) -> Result<Vec<RecordedEvent>, LogError> {
        if after > Position::START {
            std::future::pending::<()>().await;
        }
        self.0.read_all(after, 20).await
    }

    async fn head(&self) -> Result<Position, LogError> {
        self.0.head().await
    }

    fn head_hints(&self) -> watch::Receiver<Position> {
        self.0.head_hints()
    }
}

async fn eventually(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let wait = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, wait).await.is_ok(), "in time: {what}");
}

#[tokio::test]
async fn a_rebuild_gives_equal_rows_and_the_old_ones_go_later() {
    let given = given_sample().await;
    let read_models = &given.store.read_models;
    let before = given.model("assets").dump().await.unwrap();
    let old = read_models.served("assets").current().schema().to_owned();
    let other = opened(&given.store.url, Arc::clone(&given.log)).await;
    given.store.by_hand("DELETE FROM {assets}.assets WHERE name = 'page-3'").await;
    assert_ne!(given.model("assets").dump().await.unwrap().digest, before.digest);

    let position = read_models.rebuild("assets").await.unwrap();
    assert_eq!(position, given.log.head().await.unwrap());
    assert_eq!(given.model("assets").dump().await.unwrap(), before);
    // Whoever still reads the old one is not disturbed.
    opened(&given.store.url, Arc::clone(&given.log)).await;
    assert!(given.store.exists(&old).await);
    given
        .store
        .by_hand("UPDATE dlcs_read.models SET retired_at = now() - interval '2 minutes'")
        .await;
    opened(&given.store.url, Arc::clone(&given.log)).await;
    assert!(!given.store.exists(&old).await, "nobody reads it any more");

    // A process that still points to the old one finds the new one.
    assert_eq!(other.served("assets").current().schema(), old);
    let page = id("1/2/page-3");
    assert!(other.queries().assets.asset(&admin(), &page).await.unwrap().is_some());
    assert_eq!(other.served("assets").dump().await.unwrap(), before);
    let unknown = read_models.rebuild("nonsense").await;
    assert!(matches!(unknown, Err(RebuildError::Unknown(_))), "{unknown:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_keep_coming_while_two_processes_apply_and_one_rebuilds() {
    let given = given_sample().await;
    let read_models = given.store.read_models.clone();
    let other = opened(&given.store.url, Arc::clone(&given.log)).await;
    let stop = CancellationToken::new();
    let running = [&read_models, &other].map(|it| runner(it, &given.log).run(stop.clone()));
    let running = tokio::spawn(futures::future::join_all(running));
    let log = Arc::clone(&given.log);
    let writing = tokio::spawn(async move {
        for number in 0..600 {
            let event = dlcs_domain::DomainEvent::Asset(registered(1));
            let stream = format!("asset-1/1/more-{number}");
            conformance::given::append(log.as_ref(), &stream, &event, "key-1").await;
            tokio::task::yield_now().await;
        }
    });
    for definition in DEFINITIONS {
        read_models.rebuild(definition.name).await.unwrap();
    }
    writing.await.unwrap();
    let head = given.log.head().await.unwrap();
    for (process, it) in [("one", &read_models), ("other", &other)] {
        assert!(it.freshness().wait_all(head, PATIENCE).await, "{process} gets to {head}");
    }
    stop.cancel();
    running.await.unwrap();
    for it in [&read_models, &other] {
        assert_eq!(unequal(given.log.as_ref(), it).await, []);
        let filter = AssetFilter { space: "1/1".parse().ok(), ..AssetFilter::default() };
        let assets = it.queries().assets;
        let page = assets.list(&admin(), &filter, AssetOrder::Created, &first(1), true).await;
        assert_eq!(page.unwrap().total, Some(600 + 30));
    }
    assert_eq!(given.store.schemas("retired").await.len(), DEFINITIONS.len());
}

#[tokio::test]
async fn a_rebuild_that_is_cut_short_leaves_what_serves_and_goes_later() {
    let given = given_sample().await;
    let before = given.model("assets").dump().await.unwrap();
    let log: Arc<dyn EventLog> = Arc::new(Stuck(Arc::clone(&given.log)));
    let stuck = opened(&given.store.url, log).await;
    let rebuild = {
        let stuck = stuck.clone();
        tokio::spawn(async move { stuck.rebuild("assets").await })
    };
    let half_filled = async || {
        let build = given.store.schemas("building").await.pop()?;
        let build = Build::new(&assets::DEFINITION, stuck.directory().database.clone(), build);
        (build.position().await.unwrap() == Position(20)).then_some(build)
    };
    eventually("it is filled in part", async || half_filled().await.is_some()).await;
    let build = half_filled().await.unwrap();

    // While it is being filled, nobody takes it for a leftover, and nobody else begins.
    let read_models = opened(&given.store.url, Arc::clone(&given.log)).await;
    let second = read_models.rebuild("assets").await;
    assert!(matches!(second, Err(RebuildError::Running("assets"))), "{second:?}");
    let rebuilding = async || {
        let status = read_models.status().await.unwrap();
        status.into_iter().filter(|it| it.rebuilding).map(|it| it.name).collect::<Vec<_>>()
    };
    assert_eq!(rebuilding().await, ["assets"]);
    assert!(given.store.exists(build.schema()).await);

    rebuild.abort();
    assert!(rebuild.await.unwrap_err().is_cancelled());
    eventually("its builder is known to be gone", async || rebuilding().await.is_empty()).await;
    assert_eq!(given.model("assets").dump().await.unwrap(), before, "the old one serves on");
    eventually("it is dropped", async || {
        read_models.directory().sweep().await.unwrap();
        !given.store.exists(build.schema()).await
    })
    .await;
    assert_eq!(given.store.schemas("building").await, [""; 0]);
    read_models.rebuild("assets").await.unwrap();
    assert_eq!(given.model("assets").dump().await.unwrap(), before);
}

#[tokio::test]
async fn a_rebuild_that_meets_poison_leaves_nothing() {
    let given = given_sample().await;
    let stream = "asset-1/1/page-0";
    let event = NewEvent {
        event_id: EventId(Uuid::now_v7()),
        type_name: "asset.teleported".into(),
        schema_version: 1,
        payload: "{}".into(),
        metadata: metadata("key-1", stream).into(),
    };
    append_raw(given.log.as_ref(), stream, event).await;
    given.catch_up().await;
    let before = given.model("assets").dump().await.unwrap();
    let stopped = given.store.read_models.rebuild("assets").await;
    assert!(matches!(stopped, Err(RebuildError::Replay(ReplayError::Apply(_)))), "{stopped:?}");
    assert_eq!(given.store.schemas("building").await, [""; 0]);
    assert_eq!(given.model("assets").dump().await.unwrap(), before);
}

/// What was read before the pointer changed must not be written behind its back.
#[tokio::test]
async fn a_batch_for_a_build_that_was_replaced_is_refused() {
    let given = given_sample().await;
    let other = opened(&given.store.url, Arc::clone(&given.log)).await;
    let from = other.served("assets").checkpoint().await.unwrap();
    given.store.read_models.rebuild("assets").await.unwrap();
    given.asset(&id("1/1/new"), registered(1)).await;
    let to = given.log.head().await.unwrap();
    let piece = dlcs_projections::feed::read(given.log.as_ref(), from, 10).await.unwrap().unwrap();
    let on_poison = dlcs_projections::projection::OnPoison::Park;
    let apply = async || {
        let events = piece.events.clone();
        other.served("assets").apply(from, to, events, on_poison).await
    };
    let refused = apply().await;
    assert!(refused.is_err(), "the old one serves no more: {refused:?}");
    assert_eq!(other.served("assets").checkpoint().await.unwrap(), from);
    apply().await.expect("now it goes to the new one");
    assert_eq!(given.model("assets").checkpoint().await.unwrap(), to);
    given.catch_up().await;
    assert_eq!(unequal(given.log.as_ref(), &given.store.read_models).await, []);
}

#[tokio::test]
async fn builds_of_older_versions_go_when_nobody_has_used_them_for_a_day() {
    let given = given_sample().await;
    let older = async |schema: &str, version: u32, age: &str| {
        let sql = format!(
            "CREATE SCHEMA {schema};
             INSERT INTO dlcs_read.models
                 (schema_name, build, projection, version, position, state, moved_at)
             VALUES ('{schema}', {}, 'assets', -{version}, 1, 'serving', now() - interval '{age}');
             INSERT INTO dlcs_read.serving VALUES ('assets', -{version}, '{schema}')",
            1_000 + version
        );
        given.store.by_hand(&sql).await;
    };
    older("dlcs_read_assets_idle", 1, "2 days").await;
    older("dlcs_read_assets_used", 2, "1 hour").await;
    opened(&given.store.url, Arc::clone(&given.log)).await;
    assert_eq!(given.store.schemas("retired").await, ["dlcs_read_assets_idle"]);
    assert!(given.store.schemas("serving").await.contains(&"dlcs_read_assets_used".to_owned()));
}

#[tokio::test]
async fn the_builder_s_locks_end_with_it() {
    let given = given().await;
    let directory = given.store.read_models.directory();
    let begin = async || Builder::begin(directory, &assets::DEFINITION).await.unwrap();
    let builder = begin().await.expect("nobody else rebuilds");
    assert!(begin().await.is_none(), "one at a time");
    let mut other = Builder::begin(directory, &batches::DEFINITION).await.unwrap();
    assert!(other.as_mut().is_some(), "another projection");
    drop(builder);
    eventually("the next one may", async || begin().await.is_some()).await;
}
