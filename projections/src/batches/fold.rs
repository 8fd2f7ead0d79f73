//! The projector of batches. Keeps the members, since an asset's events do not repeat its batch.
//!
//! - Members may come before or after `batch.submitted`, which tells how many there are.
//! - An outcome is the newest final result of a member while it belongs to the batch. A member that
//!   a newer batch takes over, or that is deleted, keeps the outcome it had.
//! - A batch is finished when all members have come and none is pending; it stays finished.

use super::{BatchList, BatchRow};
use crate::paging::Cursor;
use crate::projection::{FoldError, Poison, Row, Stamp, StoreError, Table};
use crate::streams;
use dlcs_domain::asset::AssetEvent;
use dlcs_domain::batch::{BatchEvent, Queue};
use dlcs_domain::{AssetId, BatchId, CustomerId, DomainEvent};
use dlcs_eventlog::RecordedEvent;
use serde::{Deserialize, Serialize};

/// Names in cursors: lists in the order of submission, and in that of the end.
pub const LIST: &str = "batches";
pub const LIST_RECENT: &str = "batches-recent";

/// An asset that belongs to a batch now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    pub asset: AssetId,
    pub batch: BatchId,
    /// The newest attempt: results of others are late.
    pub attempt: u32,
    pub outcome: Outcome,
}

/// What became of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Pending,
    Completed,
    Failed,
}

impl Row for Member {
    type Key = AssetId;

    fn key(&self) -> AssetId {
        self.asset.clone()
    }
}

/// A batch as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchRecord {
    pub customer: CustomerId,
    pub id: BatchId,
    pub queue: Queue,
    /// Number of members and time; `None`: not submitted yet.
    pub submitted: Option<Submitted>,
    /// Members that have come.
    pub joined: u64,
    /// Of these, without a final result and not gone.
    pub pending: u64,
    pub completed: u64,
    pub errors: u64,
    /// Members that belong to a newer batch by now, or were deleted.
    pub gone: u64,
    pub finished_at_us: Option<i64>,
    pub position: u64,
}

/// What `batch.submitted` said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submitted {
    pub count: u64,
    pub at_us: i64,
    pub position: u64,
}

impl Row for BatchRecord {
    type Key = (CustomerId, BatchId);

    fn key(&self) -> (CustomerId, BatchId) {
        (self.customer, self.id)
    }
}

impl BatchRecord {
    fn new(customer: CustomerId, id: BatchId) -> Self {
        Self {
            customer,
            id,
            queue: Queue::Default,
            submitted: None,
            joined: 0,
            pending: 0,
            completed: 0,
            errors: 0,
            gone: 0,
            finished_at_us: None,
            position: 0,
        }
    }

    /// Returns the row that clients see; `None`: not submitted yet.
    pub fn into_row(self) -> Option<BatchRow> {
        let Submitted { count, at_us, .. } = self.submitted?;
        Some(BatchRow {
            id: self.id,
            customer: self.customer,
            queue: self.queue,
            count,
            completed: self.completed,
            errors: self.errors,
            superseded_members: self.gone,
            superseded: count > 0 && self.gone >= count,
            submitted_at_us: at_us,
            finished_at_us: self.finished_at_us,
            position: self.position,
        })
    }

    /// Returns what a page of such a list goes on after.
    pub fn cursor(&self, which: BatchList) -> Cursor {
        let position = self.submitted.map(|it| it.position);
        match which {
            BatchList::All | BatchList::Active => Cursor::after(LIST, &position),
            BatchList::Recent => Cursor::after(LIST_RECENT, &(self.finished_at_us, position)),
        }
    }

    fn counter(&mut self, outcome: Outcome) -> &mut u64 {
        match outcome {
            Outcome::Pending => &mut self.pending,
            Outcome::Completed => &mut self.completed,
            Outcome::Failed => &mut self.errors,
        }
    }

    fn has_come_to_an_end(&self) -> bool {
        let all = self.submitted.is_some_and(|it| self.joined >= it.count);
        all && self.pending == 0
    }
}

/// What one event changes in this projection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BatchesChange {
    Submitted {
        customer: CustomerId,
        id: BatchId,
        count: u64,
        queue: Queue,
        stamp: Stamp,
    },
    /// An asset was asked for by a batch.
    Joined {
        asset: AssetId,
        batch: BatchId,
        queue: Queue,
        attempt: u32,
        stamp: Stamp,
    },
    /// Another attempt began, whoever asked for it.
    AttemptOpened {
        asset: AssetId,
        attempt: u32,
    },
    Ended {
        asset: AssetId,
        attempt: u32,
        outcome: Outcome,
        stamp: Stamp,
    },
    Deleted {
        asset: AssetId,
        stamp: Stamp,
    },
}

/// The tables that this projection folds into.
pub trait BatchesTables {
    fn batches(&mut self) -> &mut impl Table<BatchRecord>;
    fn members(&mut self) -> &mut impl Table<Member>;
}

/// Turns an event into changes of batches.
pub fn project(
    event: &RecordedEvent,
    decoded: &[DomainEvent],
) -> Result<Vec<BatchesChange>, Poison> {
    let stamp = Stamp::from(event);
    let mut changes = Vec::new();
    for it in decoded {
        match it {
            DomainEvent::Batch(BatchEvent::Submitted(it)) => {
                let (customer, id) = streams::batch(&event.stream)?;
                let (count, queue) = (it.count, Queue::of(&it.queue));
                changes.push(BatchesChange::Submitted { customer, id, count, queue, stamp });
            }
            DomainEvent::Asset(it) => {
                let asset = streams::asset(&event.stream)?;
                changes.extend(of_asset(asset, it, stamp));
            }
            _ => {}
        }
    }
    Ok(changes)
}

fn of_asset(asset: AssetId, event: &AssetEvent, stamp: Stamp) -> Option<BatchesChange> {
    let opened = |asset, batch: Option<BatchId>, queue, attempt| match batch {
        Some(batch) => BatchesChange::Joined { asset, batch, queue, attempt, stamp },
        None => BatchesChange::AttemptOpened { asset, attempt },
    };
    Some(match event {
        AssetEvent::Registered(it) => opened(asset, it.batch, it.queue, it.attempt),
        AssetEvent::OriginChanged(it) => opened(asset, it.batch, it.queue, it.attempt),
        AssetEvent::ReingestRequested(it) => opened(asset, it.batch, it.queue, it.attempt),
        AssetEvent::DeliveryChanged(it) => opened(asset, None, Queue::Default, it.attempt),
        AssetEvent::IngestStarted(it) => opened(asset, None, Queue::Default, it.attempt),
        AssetEvent::IngestDelivered(it) => {
            let outcome = Outcome::Completed;
            BatchesChange::Ended { asset, attempt: it.attempt, outcome, stamp }
        }
        // A failure that is repeated by itself is no result yet.
        AssetEvent::IngestFailed(it) if it.failure.next_attempt_at_us.is_none() => {
            let outcome = Outcome::Failed;
            BatchesChange::Ended { asset, attempt: it.attempt, outcome, stamp }
        }
        AssetEvent::Deleted(_) => BatchesChange::Deleted { asset, stamp },
        AssetEvent::IngestFailed(_)
        | AssetEvent::MetadataChanged(_)
        | AssetEvent::AccessChanged(_)
        | AssetEvent::RecognitionChanged(_)
        | AssetEvent::LimitsChanged(_) => return None,
    })
}

/// Folds a change into the rows.
pub fn fold(change: BatchesChange, tables: &mut impl BatchesTables) -> Result<(), FoldError> {
    match change {
        BatchesChange::Submitted { customer, id, count, queue, stamp } => {
            let submitted =
                Submitted { count, at_us: stamp.recorded_at_us, position: stamp.position };
            update(tables, (customer, id), stamp, |it| {
                it.submitted = Some(submitted);
                it.queue = queue;
            })?;
        }
        BatchesChange::Joined { asset, batch, queue, attempt, stamp } => {
            join(
                tables,
                Member { asset, batch, attempt, outcome: Outcome::Pending },
                queue,
                stamp,
            )?;
        }
        BatchesChange::AttemptOpened { asset, attempt } => {
            if let Some(member) = tables.members().get(&asset)? {
                tables.members().put(Member { attempt, ..member });
            }
        }
        BatchesChange::Ended { asset, attempt, outcome, stamp } => {
            end(tables, &asset, attempt, outcome, stamp)?;
        }
        BatchesChange::Deleted { asset, stamp } => leave(tables, &asset, stamp)?,
    }
    Ok(())
}

fn join(
    tables: &mut impl BatchesTables,
    joining: Member,
    queue: Queue,
    stamp: Stamp,
) -> Result<(), StoreError> {
    if let Some(member) = tables.members().get(&joining.asset)? {
        if member.batch == joining.batch {
            // Asked for twice by one batch: it is one member.
            tables.members().put(Member { attempt: joining.attempt, ..member });
            return Ok(());
        }
        leave(tables, &joining.asset, stamp)?;
    }
    update(tables, (joining.asset.customer(), joining.batch), stamp, |it| {
        it.joined += 1;
        it.pending += 1;
        // What was recorded before there were two queues says nothing of it.
        it.queue = it.queue.max(queue);
    })?;
    tables.members().put(joining);
    Ok(())
}

fn leave(tables: &mut impl BatchesTables, asset: &AssetId, stamp: Stamp) -> Result<(), StoreError> {
    let Some(member) = tables.members().get(asset)? else { return Ok(()) };
    update(tables, (asset.customer(), member.batch), stamp, |it| {
        it.gone += 1;
        if member.outcome == Outcome::Pending {
            it.pending = it.pending.saturating_sub(1);
        }
    })?;
    tables.members().remove(asset);
    Ok(())
}

fn end(
    tables: &mut impl BatchesTables,
    asset: &AssetId,
    attempt: u32,
    outcome: Outcome,
    stamp: Stamp,
) -> Result<(), StoreError> {
    let Some(member) = tables.members().get(asset)? else { return Ok(()) };
    let changes_nothing = member.attempt != attempt || member.outcome == outcome;
    if changes_nothing {
        return Ok(());
    }
    update(tables, (asset.customer(), member.batch), stamp, |it| {
        let before = it.counter(member.outcome);
        *before = before.saturating_sub(1);
        *it.counter(outcome) += 1;
    })?;
    tables.members().put(Member { outcome, ..member });
    Ok(())
}

fn update(
    tables: &mut impl BatchesTables,
    key: (CustomerId, BatchId),
    stamp: Stamp,
    change: impl FnOnce(&mut BatchRecord),
) -> Result<(), StoreError> {
    let batches = tables.batches();
    let stored = batches.get(&key)?;
    let mut batch = stored.unwrap_or_else(|| BatchRecord::new(key.0, key.1));
    change(&mut batch);
    if batch.finished_at_us.is_none() && batch.has_come_to_an_end() {
        batch.finished_at_us = Some(stamp.recorded_at_us);
    }
    batch.position = stamp.position;
    batches.put(batch);
    Ok(())
}
