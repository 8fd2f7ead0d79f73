//! Which stored manifests and collections are there, which document does each have, what is in a
//! collection, and where does an address lead that one of them had?

mod fold;
mod paths;

pub use fold::{StoredChange, StoredTables, fold, project};
pub use paths::{path_of, resolve};

use crate::paging::{Page, PageRequest, QueryError};
use crate::projection::Row;
use async_trait::async_trait;
use dlcs_domain::access::Principal;
use dlcs_domain::collection::CollectionKind;
use dlcs_domain::manifest::ManifestEdit;
use dlcs_domain::{BlobRef, CollectionId, CustomerId, Label, ManifestId, Place};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestRow {
    pub id: ManifestId,
    pub stored: Stored,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CollectionRow {
    pub id: CollectionId,
    pub kind: CollectionKind,
    /// Whether anybody may see it.
    pub is_public: bool,
    pub stored: Stored,
}

/// What is known of a manifest and of a collection alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stored {
    pub place: Place,
    pub label: Label,
    pub deleted: bool,
    /// The document is a blob: `ObjectKey::document`.
    pub document: BlobRef,
    /// Edits of canvases and ranges of a manifest since that document was kept, oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub pending: Vec<ManifestEdit>,
    pub created_at_us: i64,
    pub modified_at_us: i64,
    pub edit_revision: u64,
    pub position: u64,
}

/// A manifest or a collection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoredRow {
    Manifest(ManifestRow),
    Collection(CollectionRow),
}

impl StoredRow {
    pub fn stored(&self) -> &Stored {
        match self {
            Self::Manifest(it) => &it.stored,
            Self::Collection(it) => &it.stored,
        }
    }

    pub fn customer(&self) -> CustomerId {
        match self {
            Self::Manifest(it) => it.id.customer,
            Self::Collection(it) => it.id.customer,
        }
    }
}

#[async_trait]
pub trait Manifests: Send + Sync {
    /// Returns the row of a manifest, deleted ones too.
    async fn manifest(
        &self,
        principal: &Principal,
        id: &ManifestId,
    ) -> Result<Option<ManifestRow>, QueryError>;

    /// Returns the row of a collection, deleted ones too; not that of the root collection, which
    /// has none. Whether it may be shown is for the caller to look at: `is_public`.
    async fn collection(
        &self,
        principal: &Principal,
        id: &CollectionId,
    ) -> Result<Option<CollectionRow>, QueryError>;

    /// Returns what had this slug last below a storage collection (`None`: the root collection):
    /// it may be elsewhere now, or deleted.
    async fn by_slug(
        &self,
        principal: &Principal,
        customer: CustomerId,
        parent: Option<&str>,
        slug: &str,
    ) -> Result<Option<StoredRow>, QueryError>;

    /// Lists living manifests in the order of creation.
    async fn list(
        &self,
        principal: &Principal,
        customer: CustomerId,
        page: &PageRequest,
    ) -> Result<Page<ManifestRow>, QueryError>;

    /// Lists living collections in the order of creation.
    async fn collections(
        &self,
        principal: &Principal,
        customer: CustomerId,
        page: &PageRequest,
    ) -> Result<Page<CollectionRow>, QueryError>;

    /// Lists what is in a storage collection (`None`: the root collection), in the order of
    /// creation: all of it for those who manage the customer, what is public for others.
    async fn members(
        &self,
        principal: &Principal,
        customer: CustomerId,
        parent: Option<&str>,
        page: &PageRequest,
    ) -> Result<Page<StoredRow>, QueryError>;
}

/// Name of the projection.
pub const NAME: &str = "manifests";
/// Version of its rows: since 2 they may move and be deleted, since 3 there are collections, since 4
/// canvases and ranges are edited one by one.
pub const VERSION: u32 = 4;

/// What a stored document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoredKind {
    Manifest,
    Collection { kind: CollectionKind, is_public: bool },
}

/// Names a row: manifests and collections have ids of their own.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct StoredKey {
    pub customer: CustomerId,
    pub is_collection: bool,
    /// Flat id.
    pub id: String,
}

/// The row of a manifest or collection and its place in lists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredRecord {
    pub key: StoredKey,
    pub kind: StoredKind,
    #[serde(flatten)]
    pub stored: Stored,
    /// The order of creation, without ties.
    pub created_position: u64,
}

impl Row for StoredRecord {
    type Key = StoredKey;

    fn key(&self) -> StoredKey {
        self.key.clone()
    }
}

impl StoredRecord {
    /// Whether anybody may see it in a list.
    pub fn is_public(&self) -> bool {
        !matches!(self.kind, StoredKind::Collection { is_public: false, .. })
    }

    /// Takes it for what it is: a manifest or a collection.
    pub fn into_row(self) -> StoredRow {
        let Self { key: StoredKey { customer, id, .. }, kind, stored, .. } = self;
        match kind {
            StoredKind::Manifest => {
                StoredRow::Manifest(ManifestRow { id: ManifestId { customer, id }, stored })
            }
            StoredKind::Collection { kind, is_public } => {
                let id = CollectionId { customer, id };
                StoredRow::Collection(CollectionRow { id, kind, is_public, stored })
            }
        }
    }

    pub fn into_manifest(self) -> Option<ManifestRow> {
        match self.into_row() {
            StoredRow::Manifest(row) => Some(row),
            StoredRow::Collection(_) => None,
        }
    }

    pub fn into_collection(self) -> Option<CollectionRow> {
        match self.into_row() {
            StoredRow::Collection(row) => Some(row),
            StoredRow::Manifest(_) => None,
        }
    }
}

impl From<&ManifestId> for StoredKey {
    fn from(id: &ManifestId) -> Self {
        Self { customer: id.customer, is_collection: false, id: id.id.clone() }
    }
}

impl From<&CollectionId> for StoredKey {
    fn from(id: &CollectionId) -> Self {
        Self { customer: id.customer, is_collection: true, id: id.id.clone() }
    }
}

/// Who had a slug last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlugRecord {
    pub customer: CustomerId,
    /// As [`slug_key`] makes it.
    pub slug_key: String,
    pub holder_is_collection: bool,
    /// Flat id of the holder.
    pub holder: String,
}

impl Row for SlugRecord {
    type Key = (CustomerId, String);

    fn key(&self) -> Self::Key {
        (self.customer, self.slug_key.clone())
    }
}

impl SlugRecord {
    pub fn holder_key(&self) -> StoredKey {
        let (customer, id) = (self.customer, self.holder.clone());
        StoredKey { customer, is_collection: self.holder_is_collection, id }
    }
}

/// Returns the key of a slug below a parent: neither has a `/` in it. Slugs are compared without
/// case.
pub fn slug_key(parent: Option<&str>, slug: &str) -> String {
    let slug = slug.to_lowercase();
    match parent {
        Some(parent) => format!("{parent}/{slug}"),
        None => slug,
    }
}
