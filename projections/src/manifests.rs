//! Which stored manifests are there, which document does each have, and where does an address lead
//! that one of them had?

use crate::paging::{Page, PageRequest, QueryError};
use crate::projection::{FoldError, Poison, Row, Stamp, Table};
use crate::streams;
use async_trait::async_trait;
use dlcs_domain::access::Principal;
use dlcs_domain::manifest::{ManifestCreated, ManifestEvent};
use dlcs_domain::{BlobRef, CustomerId, DomainEvent, ManifestId};
use dlcs_eventlog::RecordedEvent;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestRow {
    pub id: ManifestId,
    pub slug: Option<String>,
    pub deleted: bool,
    /// The document is a blob: `ObjectKey::document`.
    pub document: BlobRef,
    pub created_at_us: i64,
    pub modified_at_us: i64,
    pub edit_revision: u64,
    pub position: u64,
}

impl ManifestRow {
    /// Says whether this is its public address now, rather than one that it had.
    pub fn is_at(&self, slug: &str) -> bool {
        let own = self.slug.as_ref().map(|it| it.to_lowercase());
        !self.deleted && own.is_some_and(|it| it == slug.to_lowercase())
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

    /// Returns the manifest that had this slug last: it may be elsewhere now, or deleted.
    async fn by_slug(
        &self,
        principal: &Principal,
        customer: CustomerId,
        slug: &str,
    ) -> Result<Option<ManifestRow>, QueryError>;

    /// Lists living manifests in the order of creation.
    async fn list(
        &self,
        principal: &Principal,
        customer: CustomerId,
        page: &PageRequest,
    ) -> Result<Page<ManifestRow>, QueryError>;
}

/// Name of the projection.
pub const NAME: &str = "manifests";
/// Version of its rows: since 2 they may move and be deleted.
pub const VERSION: u32 = 2;

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

/// Which manifest had a slug last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlugRecord {
    pub customer: CustomerId,
    /// In lower case.
    pub slug_key: String,
    /// Flat id of the manifest.
    pub manifest: String,
}

impl Row for SlugRecord {
    type Key = (CustomerId, String);

    fn key(&self) -> Self::Key {
        (self.customer, self.slug_key.clone())
    }
}

/// The tables of the projection.
pub trait ManifestsTables {
    fn manifests(&mut self) -> &mut impl Table<ManifestRecord>;
    fn slugs(&mut self) -> &mut impl Table<SlugRecord>;
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
pub fn fold(change: ManifestChange, tables: &mut impl ManifestsTables) -> Result<(), FoldError> {
    let Stamp { position, recorded_at_us } = change.stamp;
    let ManifestChange { id, event, .. } = change;
    let mut record = match (tables.manifests().get(&id)?, &event) {
        (Some(record), ManifestEvent::Created(_)) if !record.row.deleted => {
            return Err(Poison(format!("manifest {id} is created twice")).into());
        }
        (Some(record), _) => record,
        (None, ManifestEvent::Created(it)) => created(&id, it, change.stamp),
        (None, _) => return Err(Poison(format!("manifest {id} is not created")).into()),
    };
    let row = &mut record.row;
    match event {
        ManifestEvent::Created(it) => {
            row.slug = it.slug;
            row.document = it.document;
            row.deleted = false;
        }
        ManifestEvent::Replaced(it) => row.document = it.document,
        ManifestEvent::Moved(it) => row.slug = it.slug,
        ManifestEvent::Deleted(_) => row.deleted = true,
    }
    row.modified_at_us = recorded_at_us;
    row.edit_revision += 1;
    row.position = position;
    if let Some(slug) = row.slug.as_ref().filter(|_| !row.deleted) {
        let slug_key = slug.to_lowercase();
        tables.slugs().put(SlugRecord { customer: id.customer, slug_key, manifest: id.id });
    }
    tables.manifests().put(record);
    Ok(())
}

/// A manifest that nothing has been written of yet.
fn created(id: &ManifestId, event: &ManifestCreated, stamp: Stamp) -> ManifestRecord {
    let row = ManifestRow {
        id: id.clone(),
        slug: None,
        deleted: true,
        document: event.document.clone(),
        created_at_us: stamp.recorded_at_us,
        modified_at_us: stamp.recorded_at_us,
        edit_revision: 0,
        position: stamp.position,
    };
    ManifestRecord { row, created_position: stamp.position }
}
