//! How far is a batch? A fold of its members' events.

mod fold;

pub use fold::{
    BatchRecord, BatchesChange, BatchesTables, LIST, LIST_RECENT, Member, Outcome, Submitted, fold,
    project,
};

use crate::paging::{Page, PageRequest, QueryError};
use async_trait::async_trait;
use dlcs_domain::access::Principal;
use dlcs_domain::batch::Queue;
use dlcs_domain::{BatchId, CustomerId};
use serde::{Deserialize, Serialize};

/// Name of the projection.
pub const NAME: &str = "batches";
/// Version of its rows: since 2 those that run and those that are done have indexes, since 3 it is known
/// where they wait.
pub const VERSION: u32 = 3;

/// A batch as clients see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchRow {
    pub id: BatchId,
    pub customer: CustomerId,
    pub queue: Queue,
    /// Members that it was submitted with.
    pub count: u64,
    pub completed: u64,
    pub errors: u64,
    /// Members that belong to a newer batch by now, or were deleted.
    pub superseded_members: u64,
    /// Nothing of it is current any more.
    pub superseded: bool,
    pub submitted_at_us: i64,
    pub finished_at_us: Option<i64>,
    pub position: u64,
}

/// Which batches a list is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BatchList {
    /// In the order of submission.
    #[default]
    All,
    /// Those that are neither finished nor superseded, in the order of submission.
    Active,
    /// Those that are finished and not superseded, in the order in which they were.
    Recent,
}

/// What waits in a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Waiting {
    /// Those that are neither finished nor superseded.
    pub batches: u64,
    /// Members of batches, also of one that is not submitted yet, that have no final result.
    pub images: u64,
}

#[async_trait]
pub trait Batches: Send + Sync {
    async fn batch(
        &self,
        principal: &Principal,
        customer: CustomerId,
        id: BatchId,
    ) -> Result<Option<BatchRow>, QueryError>;

    async fn list(
        &self,
        principal: &Principal,
        customer: CustomerId,
        which: BatchList,
        page: &PageRequest,
    ) -> Result<Page<BatchRow>, QueryError>;

    /// Counts what waits in a queue.
    async fn waiting(
        &self,
        principal: &Principal,
        customer: CustomerId,
        queue: Queue,
    ) -> Result<Waiting, QueryError>;
}
