//! Several processes on one database.

use super::*;
use crate::connection::OpenError;
use dlcs_commands::lookups::{LookupError, Lookups};
use dlcs_domain::CustomerId;
use dlcs_eventlog::memory::MemoryLog;
use dlcs_projections::conformance::given::{id, registered, space_created, space_id};
use dlcs_projections::feed;
use dlcs_projections::projection::{ApplyError, OnPoison};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_that_apply_the_same_batches_one_is_told_that_it_is_late() {
    let given = given().await;
    sample_history(given.log.as_ref(), 40).await;
    let other = opened(&given.store.url, Arc::clone(&given.log)).await;
    let (mut done, mut late) = (0, 0);
    for (one, two) in given.store.models().into_iter().zip(other.models()) {
        let mut from = Position::START;
        while let Some(piece) = feed::read(given.log.as_ref(), from, 13).await.unwrap() {
            let apply = async |model: &Arc<dyn ReadModel>| {
                model.apply(from, piece.to, piece.events.clone(), OnPoison::Park).await
            };
            let (one, two) = tokio::join!(apply(&one), apply(&two));
            for outcome in [one, two] {
                match outcome {
                    Ok(_) => done += 1,
                    Err(ApplyError::CheckpointMoved { expected, actual }) => {
                        assert_eq!((expected, actual), (from, piece.to));
                        late += 1;
                    }
                    Err(error) => panic!("nothing else goes wrong: {error}"),
                }
            }
            from = piece.to;
        }
    }
    assert!(done > 0 && done == late, "{done} batches, {late} times late");
    assert_eq!(unequal(given.log.as_ref(), &other).await, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_that_start_together_make_one_build_of_each() {
    let log: Arc<dyn EventLog> = Arc::new(MemoryLog::new(Arc::new(|| 1)));
    let url = server().new_database().await;
    let starts = (0..4).map(|_| {
        let (url, log) = (url.clone(), Arc::clone(&log));
        tokio::spawn(async move { opened(&url, log).await })
    });
    let all = futures::future::try_join_all(starts).await.unwrap();
    for definition in DEFINITIONS {
        let schema = |it: &PostgresReadModels| it.served(definition.name).current();
        let first = schema(&all[0]);
        assert!(all.iter().all(|it| schema(it).schema() == first.schema()), "{}", definition.name);
    }
}

#[tokio::test]
async fn a_command_reads_beside_the_server() {
    let log: Arc<dyn EventLog> = Arc::new(MemoryLog::new(Arc::new(|| 1)));
    let empty = Database::connect(&server().new_database().await).await.unwrap();
    let missing = PostgresReadModels::open_read_only(empty, log).await.map(drop);
    let Err(ReadModelsError::Open(OpenError::OlderSchema { .. })) = missing else {
        panic!("there is nothing to read yet: {missing:?}");
    };

    let given = given_sample().await;
    let database = Database::connect(&given.store.url).await.unwrap();
    let reader =
        PostgresReadModels::open_read_only(database, Arc::clone(&given.log)).await.unwrap();
    assert_eq!(unequal(given.log.as_ref(), &reader).await, []);
    let status = reader.status().await.unwrap();
    assert!(status.iter().all(|it| it.position == it.head && it.parked.is_empty()), "{status:?}");
    assert!(status.iter().all(|it| !it.rebuilding), "{status:?}");
    let refused = reader.rebuild("assets").await;
    assert!(matches!(refused, Err(RebuildError::Store(_))), "{refused:?}");
    let from = reader.served("assets").checkpoint().await.unwrap();
    let nothing = Arc::from(Vec::new());
    let refused = reader.served("assets").apply(from, Position(999), nothing, OnPoison::Park).await;
    assert!(matches!(refused, Err(ApplyError::Store(StoreError::Damaged(_)))), "{refused:?}");
}

#[tokio::test]
async fn the_write_side_is_answered_from_rows_that_are_new_enough() {
    let given = given().await;
    let read_models = &given.store.read_models;
    given.happened("space-1/1", space_created("Maps")).await;
    let at = given.asset(&id("1/1/a"), registered(1)).await;
    given.catch_up().await;
    let customer = CustomerId(1);
    // As the runner says it.
    read_models.freshness().reached("assets", Position(at.0 + 1));
    assert_eq!(read_models.space_is_empty(space_id(1, 1), at).await, Ok(false));
    assert_eq!(read_models.space_is_empty(space_id(1, 2), at).await, Ok(true));
    assert_eq!(read_models.customer_is_empty(customer, at).await, Ok(false));
    assert_eq!(read_models.customer_is_empty(CustomerId(2), at).await, Ok(true));
    // The rows are not where this process was told they are.
    let later = Position(at.0 + 1);
    let behind = read_models.space_is_empty(space_id(1, 2), later).await;
    assert_eq!(behind, Err(LookupError::Behind));
}
