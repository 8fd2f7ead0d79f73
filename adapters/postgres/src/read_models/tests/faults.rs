//! A server that goes away, and tables that are not as they should be.

use super::*;
use dlcs_projections::assets::{AssetFilter, AssetOrder};
use dlcs_projections::projection::{ApplyError, OnPoison};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_comes_back_is_used_again() {
    let server = TestServer::start_own(Fsync::On);
    let url = server.new_database().await;
    let make = async |log| Temporary { read_models: opened(&url, log).await, url: url.clone() };
    let given = Given::new(make).await;
    sample_history(given.log.as_ref(), 60).await;
    given.catch_up().await;
    let before = given.model("assets").dump().await.unwrap();

    server.stop();
    let checkpoint = given.model("assets").checkpoint().await.unwrap_err();
    let order = AssetOrder::Created;
    let assets = given.queries().assets;
    let list = assets.list(&admin(), &AssetFilter::default(), order, &first(9), true).await;
    let list = list.unwrap_err();
    assert!(matches!(checkpoint, StoreError::Unavailable(_)), "{checkpoint:?}");
    let password = url.split(':').nth(2).unwrap().split('@').next().unwrap();
    for text in [checkpoint.to_string(), list.to_string()] {
        assert!(!text.contains(password), "{text}");
    }

    // The runner tries until the server is there again. A crash may take the last batches with it,
    // and the checkpoint with them.
    let stop = CancellationToken::new();
    let running = runner(&given.store.read_models, &given.log).run(stop.clone());
    let running = tokio::spawn(running);
    server.start();
    let head = given.log.head().await.unwrap();
    let freshness = given.store.read_models.freshness();
    assert!(freshness.wait_all(head, Duration::from_secs(30)).await);
    stop.cancel();
    running.await.unwrap();
    given.catch_up().await;
    assert_eq!(given.model("assets").dump().await.unwrap(), before);
    assert_eq!(unequal(given.log.as_ref(), &given.store.read_models).await, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_broken_projection_does_not_hold_up_the_others() {
    let given = given().await;
    let read_models = given.store.read_models.clone();
    given.store.by_hand("DROP TABLE {batches}.members").await;
    let stop = CancellationToken::new();
    let running = tokio::spawn(runner(&read_models, &given.log).run(stop.clone()));
    sample_history(given.log.as_ref(), 20).await;
    let head = given.log.head().await.unwrap();
    let freshness = read_models.freshness();
    for name in ["assets", "tile-metadata", "manifests", "audit-trail", "audit-tree"] {
        assert!(freshness.wait(name, head, Duration::from_secs(20)).await, "{name}");
    }
    assert!(freshness.position("batches").unwrap() < head);
    stop.cancel();
    running.await.unwrap();
    // A lost table costs a rebuild.
    let reached = read_models.served("batches").checkpoint().await.unwrap();
    read_models.rebuild("batches").await.unwrap();
    assert_eq!(read_models.served("batches").checkpoint().await.unwrap(), reached);
    given.catch_up().await;
    assert_eq!(unequal(given.log.as_ref(), &read_models).await, []);
}

#[tokio::test]
async fn a_row_that_cannot_be_read_is_told() {
    let given = given_sample().await;
    given.store.by_hand("UPDATE {assets}.assets SET state = 9 WHERE name = 'page-3'").await;
    let dump = given.model("assets").dump().await;
    assert!(matches!(dump, Err(StoreError::Damaged(_))), "{dump:?}");
}

/// Not taken for a build that was replaced: that would be tried again at once, for ever.
#[tokio::test]
async fn tables_that_are_missing_are_told_and_come_back_by_a_rebuild() {
    let given = given_sample().await;
    given.store.by_hand("DROP SCHEMA {assets} CASCADE").await;
    let model = given.model("assets");
    let from = model.checkpoint().await.unwrap();
    let nothing = Arc::from(Vec::new());
    let refused = model.apply(from, Position(from.0 + 1), nothing, OnPoison::Park).await;
    assert!(matches!(refused, Err(ApplyError::Store(StoreError::Damaged(_)))), "{refused:?}");
    given.store.read_models.rebuild("assets").await.unwrap();
    assert_eq!(unequal(given.log.as_ref(), &given.store.read_models).await, []);
}
