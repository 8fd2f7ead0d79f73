//! Which stored manifests are there, and which document does each have?

use crate::paging::{Page, PageRequest, QueryError};
use crate::projection::{FoldError, Poison, Row, Stamp, Table};
use crate::streams;
use async_trait::async_trait;
use dlcs_domain::access::Principal;
use dlcs_domain::manifest::ManifestEvent;
use dlcs_domain::{BlobRef, CustomerId, DomainEvent, ManifestId};
use dlcs_eventlog::RecordedEvent;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestRow {
    pub id: ManifestId,
    pub slug: Option<String>,
    /// The document is a blob: `ObjectKey::document`.
    pub document: BlobRef,
    pub created_at_us: i64,
    pub modified_at_us: i64,
    pub edit_revision: u64,
    pub position: u64,
}

#[async_trait]
pub trait Manifests: Send + Sync {
    async fn manifest(
        &self,
        principal: &Principal,
        id: &ManifestId,
    ) -> Result<Option<ManifestRow>, QueryError>;

    async fn by_slug(
        &self,
        principal: &Principal,
        customer: CustomerId,
        slug: &str,
    ) -> Result<Option<ManifestRow>, QueryError>;

    async fn list(
        &self,
        principal: &Principal,
        customer: CustomerId,
        page: &PageRequest,
    ) -> Result<Page<ManifestRow>, QueryError>;
}

/// Name of the projection.
pub const NAME: &str = "manifests";
/// Version of its rows.
pub const VERSION: u32 = 1;

/// The row of a manifest and its place in lists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestRecord {
    pub row: ManifestRow,
    /// The order of creation, without ties.
    pub created_position: u64,
}

impl Row for ManifestRecord {
    type Key = ManifestId;

    fn key(&self) -> ManifestId {
        self.row.id.clone()
    }
}

/// What one event changes of a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestChange {
    pub id: ManifestId,
    pub event: ManifestEvent,
    pub stamp: Stamp,
}

/// Turns an event into changes of manifests.
pub fn project(
    event: &RecordedEvent,
    decoded: &[DomainEvent],
) -> Result<Vec<ManifestChange>, Poison> {
    let mut changes = Vec::new();
    for it in decoded {
        if let DomainEvent::Manifest(it) = it {
            let id = streams::manifest(&event.stream)?;
            changes.push(ManifestChange { id, event: it.clone(), stamp: event.into() });
        }
    }
    Ok(changes)
}

/// Folds a change into the row of its manifest.
pub fn fold(
    change: ManifestChange,
    manifests: &mut impl Table<ManifestRecord>,
) -> Result<(), FoldError> {
    let Stamp { position, recorded_at_us } = change.stamp;
    let record = match (manifests.get(&change.id)?, change.event) {
        (None, ManifestEvent::Created(it)) => {
            let row = ManifestRow {
                id: change.id,
                slug: it.slug,
                document: it.document,
                created_at_us: recorded_at_us,
                modified_at_us: recorded_at_us,
                edit_revision: 1,
                position,
            };
            ManifestRecord { row, created_position: position }
        }
        (Some(mut record), ManifestEvent::Replaced(it)) => {
            record.row.document = it.document;
            record.row.modified_at_us = recorded_at_us;
            record.row.edit_revision += 1;
            record.row.position = position;
            record
        }
        (None, ManifestEvent::Replaced(_)) => {
            return Err(Poison(format!("manifest {} is not created", change.id)).into());
        }
        (Some(_), ManifestEvent::Created(_)) => {
            return Err(Poison(format!("manifest {} is created twice", change.id)).into());
        }
    };
    manifests.put(record);
    Ok(())
}
