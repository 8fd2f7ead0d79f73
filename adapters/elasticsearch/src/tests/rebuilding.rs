//! One index takes the place of another.

use super::*;
use crate::served::Inner;
use dlcs_projections::conformance::given;
use dlcs_projections::projection::ApplyError;
use dlcs_projections::read_store::RebuildError;

fn inner(library: &Library<TestIndex>) -> &Inner {
    &library.engine.index.inner
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_takes_the_place_of_what_serves() {
    let library = library(5).await;
    library.catch_up().await;
    let before = library.engine.index.dump().await.unwrap();
    // A leftover of a rebuild that was killed.
    inner(&library).make(&[]).await.unwrap();
    let position = library.engine.index.rebuild(library.log.as_ref()).await.unwrap();
    assert_eq!(position, head(&library).await);
    assert_eq!(library.engine.index.dump().await.unwrap(), before);
    let builds = inner(&library).builds().await.unwrap();
    assert_eq!(builds.len(), 1, "{builds:?}");
    assert!(builds[0].ends_with("-000003"), "{builds:?}");
    // It is fed from there on.
    library.open_page("1/1/later", &["Der Eingang"]).await;
    library.catch_up().await;
    assert_eq!(pages_with(&library, "Eingang").await, 1);
    library.engine.index.remove().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_dump_is_that_of_every_engine() {
    let library = library(3).await;
    library.open_page("1/1/twice", &["a b a", "l’homme a", "a-a"]).await;
    library.asset(&"1/1/page-1".parse().unwrap(), given::deleted(1)).await;
    library.catch_up().await;
    assert_eq!(library.engine.index.dump().await.unwrap(), expected(&library).await);
    // An index beside it holds the same.
    let scratch = library.engine.index.scratch().await.unwrap();
    catch_up(&library, scratch.model()).await.unwrap();
    assert_eq!(scratch.model().dump().await.unwrap(), expected(&library).await);
    scratch.remove().await.unwrap();
    library.engine.index.remove().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_rebuild_at_a_time() {
    let library = library(1).await;
    let _running = inner(&library).rebuilding.lock().await;
    assert!(library.engine.index.is_rebuilding());
    let rebuilt = library.engine.index.rebuild(library.log.as_ref()).await;
    assert!(matches!(rebuilt, Err(RebuildError::Running("search"))), "{rebuilt:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_writes_to_an_index_that_was_replaced_is_told() {
    let library = library(2).await;
    library.catch_up().await;
    let checkpoint = head(&library).await;
    let old = inner(&library).serving().await.unwrap();
    library.engine.index.rebuild(library.log.as_ref()).await.unwrap();
    library.open_page("1/1/later", &["Der Eingang"]).await;
    let written = catch_up(&library, Arc::new(old.clone())).await;
    assert!(written.is_err(), "the index is gone: {written:?}");
    assert!(!inner(&library).builds().await.unwrap().contains(&old.name().to_owned()));
    // Who goes by the alias goes on.
    assert_eq!(library.engine.index.checkpoint().await.unwrap(), checkpoint);
    library.catch_up().await;
    assert_eq!(pages_with(&library, "Eingang").await, 1);
    library.engine.index.remove().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_somebody_deleted_is_filled_again() {
    let library = library(3).await;
    library.catch_up().await;
    let before = library.engine.index.dump().await.unwrap();
    library.engine.index.remove().await.unwrap();
    assert_eq!(library.engine.index.checkpoint().await.unwrap(), Position::START);
    library.catch_up().await;
    assert_eq!(library.engine.index.dump().await.unwrap(), before);
    library.engine.index.remove().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_only_reads_makes_and_writes_nothing() {
    let library = library(1).await;
    let address = Address::parse(&library.engine.setting).unwrap();
    let reader = Arc::new(ElasticsearchIndex::read_only(address, Arc::clone(&library.objects)));
    let error = reader.checkpoint().await.unwrap_err().to_string();
    assert!(error.contains("start the server once"), "{error}");
    assert_eq!(inner(&library).builds().await.unwrap(), [""; 0]);
    library.catch_up().await;
    assert_eq!(reader.dump().await.unwrap(), library.engine.index.dump().await.unwrap());
    library.open_page("1/1/later", &["Der Eingang"]).await;
    let written = catch_up(&library, reader).await;
    assert!(written.unwrap_err().to_string().contains("for reading only"));
    library.engine.index.remove().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_stays_closed_is_opened() {
    let library = library(1).await;
    let model = library.engine.model();
    let serving = inner(&library).serving().await.unwrap();
    inner(&library).block(serving.name(), true).await.unwrap();
    let mut tries = 0;
    while let Err(error) = catch_up(&library, Arc::clone(&model)).await {
        tries += 1;
        assert!(tries <= 8, "{error}");
    }
    assert_eq!(tries, 8, "a rebuild had its time");
    assert_eq!(pages_with(&library, "Ausgang").await, 1);
    library.engine.index.remove().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_slower_of_two_processes_changes_nothing() {
    let library = library(3).await;
    library.catch_up().await;
    let before = library.engine.index.dump().await.unwrap();
    let address = Address::parse(&library.engine.setting).unwrap();
    let other = ElasticsearchIndex::new(address, Arc::clone(&library.objects));
    let all = library.log.read_all(Position::START, 1_000).await.unwrap();
    let events = all.into_iter().map(dlcs_projections::projection::DecodedEvent::new).collect();
    let applied = other.apply(Position::START, Position(2), events, OnPoison::Park).await;
    assert!(matches!(applied, Err(ApplyError::CheckpointMoved { .. })), "{applied:?}");
    assert_eq!(library.engine.index.dump().await.unwrap(), before);
    library.engine.index.remove().await.unwrap();
}
