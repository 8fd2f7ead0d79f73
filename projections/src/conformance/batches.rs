//! Progress of batches.

use super::Store;
use super::given::{
    Given, admin, batch_id, deleted, delivered, failed, id, key_of, page, registered_by,
    registration, reingest, started, submitted,
};
use crate::batches::{BatchList, BatchRow};
use crate::paging::{Direction, PageRequest, QueryError};
use crate::queues;
use dlcs_domain::asset::{AssetEvent, Registered};
use dlcs_domain::batch::{BatchEvent, BatchSubmitted, Queue};
use dlcs_domain::{BatchId, CustomerId, DomainEvent};

async fn submit<S: Store>(given: &Given<S>, batch: BatchId, count: u64) {
    given.happened(&format!("batch-1/{batch}"), submitted(count)).await;
}

async fn found<S: Store>(given: &Given<S>, batch: BatchId) -> Option<BatchRow> {
    given.catch_up().await;
    let batches = given.queries().batches;
    batches.batch(&admin(), CustomerId(1), batch).await.expect("the query works")
}

async fn row<S: Store>(given: &Given<S>, batch: BatchId) -> BatchRow {
    found(given, batch).await.expect("the batch is there")
}

pub(super) async fn a_batch_is_a_fold_of_its_members<S: Store>(given: &Given<S>) {
    let batch = batch_id(1);
    let (first, second) = (id("1/2/a"), id("1/2/b"));
    submit(given, batch, 2).await;
    given.asset(&first, registered_by(batch)).await;
    given.asset(&second, registered_by(batch)).await;
    let it = row(given, batch).await;
    assert_eq!((it.count, it.completed, it.errors, it.finished_at_us), (2, 0, 0, None));

    for event in [started(1), delivered(1)] {
        given.asset(&first, event).await;
    }
    for event in [started(1), failed(1, Some(5)), started(2)] {
        given.asset(&second, event).await;
    }
    let it = row(given, batch).await;
    assert_eq!((it.completed, it.errors, it.finished_at_us), (1, 0, None), "one is repeated");

    let last = given.asset(&second, failed(2, None)).await;
    let it = row(given, batch).await;
    assert_eq!((it.completed, it.errors, it.position), (1, 1, last.0));
    let finished = it.finished_at_us.expect("nothing is pending");

    // Somebody repeats what failed: the outcome changes, the end stays.
    for event in [reingest(3, None), started(3), delivered(3)] {
        given.asset(&second, event).await;
    }
    let it = row(given, batch).await;
    assert_eq!((it.completed, it.errors, it.finished_at_us), (2, 0, Some(finished)));
}

pub(super) async fn members_may_come_before_the_batch<S: Store>(given: &Given<S>) {
    let batch = batch_id(1);
    for event in [registered_by(batch), started(1), delivered(1)] {
        given.asset(&id("1/2/a"), event).await;
    }
    assert_eq!(found(given, batch).await, None, "it is not submitted yet");
    submit(given, batch, 1).await;
    let it = row(given, batch).await;
    assert_eq!((it.completed, it.finished_at_us), (1, Some(it.submitted_at_us)));
    let list = given.queries().batches;
    let list = list.list(&admin(), CustomerId(1), BatchList::All, &page(10)).await;
    let list = list.expect("the query works");
    assert_eq!((list.items, list.total), (vec![it], Some(1)));
}

/// One that runs, two that are done, and one of which nothing is left.
pub(super) async fn batches_that_run_and_that_are_done_are_listed<S: Store>(given: &Given<S>) {
    let [runs, first, second, superseded] = [1, 2, 3, 4].map(batch_id);
    for (batch, asset) in [(superseded, "d"), (runs, "a"), (second, "b"), (first, "c")] {
        submit(given, batch, 1).await;
        given.asset(&id(&format!("1/2/{asset}")), registered_by(batch)).await;
    }
    given.asset(&id("1/2/d"), deleted(1)).await;
    for asset in ["c", "b"] {
        let asset = id(&format!("1/2/{asset}"));
        given.asset(&asset, started(1)).await;
        given.asset(&asset, delivered(1)).await;
    }
    given.catch_up().await;
    for (which, expected) in [
        (BatchList::All, vec![first, second, runs, superseded]),
        (BatchList::Active, vec![runs]),
        (BatchList::Recent, vec![second, first]),
    ] {
        let mut found = Vec::new();
        let mut request = PageRequest { direction: Direction::Descending, ..page(1) };
        loop {
            let list = given.queries().batches;
            let list = list.list(&admin(), CustomerId(1), which, &request).await;
            let list = list.expect("the query works");
            assert_eq!(list.total, Some(expected.len() as u64), "{which:?}");
            found.extend(list.items.iter().map(|it| it.id));
            if !list.has_more {
                break;
            }
            request.after = list.cursors.last().cloned();
        }
        assert_eq!(found, expected, "{which:?}");
    }
}

pub(super) async fn a_newer_batch_takes_members_over<S: Store>(given: &Given<S>) {
    let (old, new) = (batch_id(1), batch_id(2));
    let (first, second) = (id("1/2/a"), id("1/2/b"));
    submit(given, old, 2).await;
    for asset in [&first, &second] {
        given.asset(asset, registered_by(old)).await;
    }
    submit(given, new, 1).await;
    given.asset(&first, reingest(2, Some(new))).await;
    let it = row(given, old).await;
    assert_eq!((it.superseded_members, it.superseded, it.finished_at_us), (1, false, None));

    let end = given.asset(&second, deleted(1)).await;
    let it = row(given, old).await;
    assert_eq!((it.superseded_members, it.superseded, it.position), (2, true, end.0));
    assert!(it.finished_at_us.is_some(), "nothing of it is pending");
    let it = row(given, new).await;
    assert_eq!((it.completed, it.finished_at_us), (0, None));
    for event in [started(2), delivered(2)] {
        given.asset(&first, event).await;
    }
    assert_eq!(row(given, new).await.completed, 1);
    assert_eq!(row(given, old).await.completed, 0, "it is another's success");
}

pub(super) async fn a_member_that_was_asked_for_twice_counts_once<S: Store>(given: &Given<S>) {
    let batch = batch_id(1);
    submit(given, batch, 1).await;
    let asset = id("1/2/a");
    for event in [registered_by(batch), reingest(2, Some(batch)), started(2), delivered(2)] {
        given.asset(&asset, event).await;
    }
    let it = row(given, batch).await;
    assert_eq!((it.completed, it.superseded_members), (1, 0));
    assert!(it.finished_at_us.is_some());
}

/// Two with priority, of which one has not been submitted, and one without.
pub(super) async fn each_queue_counts_what_waits_in_it<S: Store>(given: &Given<S>) {
    let [ordinary, first, open] = [1, 2, 3].map(batch_id);
    for (batch, asset, queue) in [
        (ordinary, "a", Queue::Default),
        (first, "b", Queue::Priority),
        (first, "c", Queue::Priority),
        (open, "d", Queue::Priority),
    ] {
        let registered = Registered { batch: Some(batch), queue, ..registration(1) };
        given.asset(&id(&format!("1/2/{asset}")), AssetEvent::Registered(registered)).await;
    }
    submit(given, ordinary, 1).await;
    let queue = "priority".to_owned();
    let event = DomainEvent::Batch(BatchEvent::Submitted(BatchSubmitted { count: 2, queue }));
    given.happened(&format!("batch-1/{first}"), event).await;
    for event in [started(1), delivered(1)] {
        given.asset(&id("1/2/c"), event).await;
    }
    assert_eq!(row(given, ordinary).await.queue, Queue::Default);
    assert_eq!(row(given, first).await.queue, Queue::Priority);
    let waiting = async |queue| {
        let waiting = queues::waiting(&given.queries(), &admin(), CustomerId(1), queue).await;
        let waiting = waiting.expect("the query works");
        (waiting.batches, waiting.images)
    };
    assert_eq!(waiting(Queue::Priority).await, (1, 2));
    assert_eq!(waiting(Queue::Default).await, (1, 1));
    for asset in ["a", "b", "d"] {
        for event in [started(1), delivered(1)] {
            given.asset(&id(&format!("1/2/{asset}")), event).await;
        }
    }
    given.catch_up().await;
    assert_eq!(waiting(Queue::Priority).await, (0, 0));
    assert_eq!(waiting(Queue::Default).await, (0, 0));
    let batches = given.queries().batches;
    let refused = batches.waiting(&key_of(2), CustomerId(1), Queue::Priority).await;
    assert!(matches!(refused, Err(QueryError::NotAllowed)), "{refused:?}");
}
