//! Batches.

use super::{ONE, asset, page, with_space};
use crate::error::CommandError;
use crate::services::Row;
use crate::testing::{context, repeatable};
use dlcs_domain::asset::AssetEvent;
use dlcs_domain::batch::Queue;
use dlcs_domain::{AssetId, BatchId, DomainEvent, wire};

/// Number of members that a batch was submitted with, and of assets that name it.
async fn counts(world: &crate::testing::World, batch: BatchId) -> (Option<u64>, usize) {
    let mut submitted = None;
    let mut members = std::collections::BTreeSet::new();
    for recorded in world.events().await {
        let events = wire::decode(&recorded.type_name, recorded.schema_version, &recorded.payload);
        for event in events.expect("written by us") {
            let named = match event {
                DomainEvent::Batch(dlcs_domain::batch::BatchEvent::Submitted(it)) => {
                    submitted = Some(it.count);
                    None
                }
                DomainEvent::Asset(AssetEvent::Registered(it)) => it.batch,
                DomainEvent::Asset(AssetEvent::OriginChanged(it)) => it.batch,
                DomainEvent::Asset(AssetEvent::ReingestRequested(it)) => it.batch,
                _ => None,
            };
            if named == Some(batch) {
                members.insert(recorded.stream.to_string());
            }
        }
    }
    (submitted, members.len())
}

#[tokio::test]
async fn a_batch_counts_its_members_whatever_they_were_before() {
    let world = with_space().await;
    let assets = &world.commands.assets;
    assets.register(&context(), &asset("same"), page("same")).await.expect("it is new");
    assets.register(&context(), &asset("other"), page("old")).await.expect("it is new");
    let foreign: AssetId = "2/1/a".parse().expect("a valid id");
    let rows = vec![
        (asset("new"), page("new")),
        (asset("same"), page("same")),
        (asset("other"), page("other")),
        (asset("new"), page("newer")),
        (foreign, page("a")),
    ];
    let submitted = world.commands.batches.submit(&context(), ONE, rows, Queue::Default).await;
    let submitted = submitted.expect("rows fail one by one");
    assert_eq!(submitted.count, 3);
    assert!(matches!(submitted.rows[4], Err(CommandError::Invalid(_))));
    assert!(submitted.rows[..4].iter().all(Result::is_ok));
    assert_eq!(counts(&world, submitted.batch).await, (Some(3), 3));
}

#[tokio::test]
async fn a_repeated_batch_is_the_same_batch() {
    let world = with_space().await;
    let rows = || vec![(asset("a"), page("a")), (asset("b"), page("b"))];
    let batches = &world.commands.batches;
    let submit = async || batches.submit(&repeatable(1), ONE, rows(), Queue::Priority).await;
    let first = submit().await.expect("it is new");
    let count = world.events().await.len();
    let again = submit().await.expect("it is repeated");
    assert_eq!(
        (first.batch, first.decided, first.count),
        (again.batch, again.decided, again.count)
    );
    assert_eq!(world.events().await.len(), count);
}

fn row(number: u64, name: &str) -> Row {
    Row { number, body_sha256: None, id: asset(name), registration: page(name) }
}

#[tokio::test]
async fn a_batch_that_a_crash_cut_off_is_completed_by_its_repetition() {
    let world = with_space().await;
    let batches = &world.commands.batches;
    let mut cut_off = batches.open(&repeatable(1), ONE, Queue::Default);
    assert!(cut_off.register(vec![row(0, "a")]).await[0].is_ok());
    drop(cut_off);
    let mut again = batches.open(&repeatable(1), ONE, Queue::Default);
    for (number, name) in [(0, "a"), (1, "b")] {
        assert!(again.register(vec![row(number, name)]).await[0].is_ok());
    }
    let (batch, _) = again.submit().await.expect("it is complete");
    assert_eq!(counts(&world, batch).await, (Some(2), 2));
}

#[tokio::test]
async fn a_batch_with_a_member_that_could_not_be_recorded_is_completed_by_a_repetition() {
    let world = with_space().await;
    let batches = &world.commands.batches;
    let rows = || ["a", "b"].map(|name| (asset(name), page(name))).to_vec();
    world.log.refuse_once("asset-1/1/b");
    let cut_off = batches.submit(&repeatable(1), ONE, rows(), Queue::Default).await;
    assert!(matches!(cut_off, Err(CommandError::Unavailable(_))), "{cut_off:?}");
    let whole = batches.submit(&repeatable(1), ONE, rows(), Queue::Default).await;
    let whole = whole.expect("the log is there again");
    assert_eq!(whole.count, 2);
    assert_eq!(counts(&world, whole.batch).await, (Some(2), 2));
}

#[tokio::test]
async fn rows_that_were_refused_the_first_time_do_not_shift_the_others() {
    let world = with_space().await;
    let batches = &world.commands.batches;
    let mut first = batches.open(&repeatable(1), ONE, Queue::Default);
    assert!(first.register(vec![row(0, "a"), row(2, "c")]).await.iter().all(Result::is_ok));
    drop(first);
    // The row between them makes sense now.
    let mut again = batches.open(&repeatable(1), ONE, Queue::Default);
    let rows = again.register(vec![row(0, "a"), row(1, "b"), row(2, "c")]).await;
    assert!(rows.iter().all(|it| it.as_ref().is_ok_and(|it| it.created)), "{rows:?}");
    let (batch, _) = again.submit().await.expect("it is complete");
    assert_eq!(counts(&world, batch).await, (Some(3), 3));
}

#[tokio::test]
async fn a_row_with_its_own_digest_is_refused_when_something_else_is_sent_for_it() {
    let world = with_space().await;
    let batches = &world.commands.batches;
    let sealed = |digest: &str| Row { body_sha256: Some(digest.to_owned()), ..row(0, "a") };
    let mut batch = batches.open(&repeatable(1), ONE, Queue::Default);
    assert!(batch.register(vec![sealed("11")]).await[0].is_ok());
    let mut again = batches.open(&repeatable(1), ONE, Queue::Default);
    assert!(again.register(vec![sealed("11")]).await[0].is_ok());
    let mut other = batches.open(&repeatable(1), ONE, Queue::Default);
    assert_eq!(other.register(vec![sealed("22")]).await, [Err(CommandError::OtherBody)]);
}
