//! Which assets are there, and in what state? One row per asset.
//!
//! Customers and spaces belong to the same projection, so that counts agree with lists.

mod fold;

pub use fold::{AssetChange, AssetRecord, AssetsChange, AssetsTables, TextChange, fold, project};

use crate::page_text::TextStatus;
use crate::paging::{Page, PageRequest, QueryError};
use async_trait::async_trait;
use dlcs_domain::access::Principal;
use dlcs_domain::asset::{AssetMetadata, Delivered, Delivery, Failure, SizeLimits, Source};
use dlcs_domain::{AssetId, BatchId, CustomerId, Languages, SpaceId};
use serde::{Deserialize, Serialize};

/// Name of the projection.
pub const NAME: &str = "assets";
/// Version of its rows: since 2 a space that is created again is there again,
/// since 3 it is summed up what is kept.
pub const VERSION: u32 = 4;

/// Where an asset is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AssetState {
    /// Registered or asked for again, and not yet done with; also while a failed attempt waits to
    /// be repeated by itself.
    Ingesting,
    Delivered,
    Failed,
    Deleted,
}

/// An asset as the management API and GraphQL show it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AssetRow {
    pub id: AssetId,
    pub state: AssetState,
    pub generation: u32,
    pub attempt: u32,
    pub source: Source,
    /// Found by content once delivered, before that as the client said.
    pub media_type: Option<String>,
    pub metadata: AssetMetadata,
    pub roles: Vec<String>,
    pub delivery: Delivery,
    /// Languages in which its pages are recognised by themselves.
    pub recognise: Languages,
    pub limits: SizeLimits,
    pub text: TextSummary,
    pub batch: Option<BatchId>,
    /// Of the newest delivery of this generation, kept while a reingest runs.
    pub delivered: Option<Delivered>,
    /// Attempt that made `delivered`; names the derivative's key.
    pub delivered_attempt: Option<u32>,
    /// Of the newest attempt, when it failed.
    pub failure: Option<Failure>,
    /// Microseconds since 1970.
    pub created_at_us: i64,
    pub modified_at_us: i64,
    pub finished_at_us: Option<i64>,
    /// Counts clients' edits: the ETag.
    pub edit_revision: u64,
    /// Position of the newest event that made this row.
    pub position: u64,
}

/// How the text of an asset is shown in lists.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TextSummary {
    pub status: TextStatus,
    /// Of the text that is shown.
    pub words: u32,
}

/// What a list is narrowed to. Every field that is given must match.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AssetFilter {
    pub customer: Option<CustomerId>,
    pub space: Option<SpaceId>,
    pub batch: Option<BatchId>,
    pub state: Option<AssetState>,
    pub string1: Option<String>,
    pub string2: Option<String>,
    pub string3: Option<String>,
    pub number1: Option<i64>,
    pub number2: Option<i64>,
    pub number3: Option<i64>,
    pub tag: Option<String>,
    pub role: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AssetOrder {
    #[default]
    Created,
    Id,
    Number1,
}

#[async_trait]
pub trait Assets: Send + Sync {
    /// Returns the row of an asset, deleted ones too (state `Deleted`).
    async fn asset(
        &self,
        principal: &Principal,
        id: &AssetId,
    ) -> Result<Option<AssetRow>, QueryError>;

    /// Returns rows in the order asked for; ids that are missing are left out.
    async fn assets_by_id(
        &self,
        principal: &Principal,
        ids: &[AssetId],
    ) -> Result<Vec<AssetRow>, QueryError>;

    /// Lists living assets. `with_total` counts the whole list too.
    async fn list(
        &self,
        principal: &Principal,
        filter: &AssetFilter,
        order: AssetOrder,
        page: &PageRequest,
        with_total: bool,
    ) -> Result<Page<AssetRow>, QueryError>;
}
