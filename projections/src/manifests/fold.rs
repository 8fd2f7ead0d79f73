//! What events change of manifests and collections.

use super::{SlugRecord, Stored, StoredKey, StoredKind, StoredRecord, slug_key};
use crate::projection::{FoldError, Poison, Stamp, Table};
use crate::streams;
use dlcs_domain::collection::CollectionEvent;
use dlcs_domain::manifest::{ManifestEdit, ManifestEvent};
use dlcs_domain::{BlobRef, DomainEvent, Label, Place};
use dlcs_eventlog::RecordedEvent;

/// The tables of the projection.
pub trait StoredTables {
    fn stored(&mut self) -> &mut impl Table<StoredRecord>;
    fn slugs(&mut self) -> &mut impl Table<SlugRecord>;
}

/// What one event changes of a manifest or collection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredChange {
    key: StoredKey,
    change: Change,
    stamp: Stamp,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Change {
    Created {
        kind: StoredKind,
        place: Place,
        document: BlobRef,
        label: Label,
    },
    Replaced {
        document: BlobRef,
        label: Label,
    },
    Moved(Place),
    Edited(ManifestEdit),
    /// All edits are in the document.
    Consolidated(BlobRef),
    Shown(bool),
    Deleted,
    Restored,
}

/// Turns an event into changes of manifests and collections.
pub fn project(
    event: &RecordedEvent,
    decoded: &[DomainEvent],
) -> Result<Vec<StoredChange>, Poison> {
    let mut changes = Vec::new();
    for it in decoded {
        let (key, change) = match it {
            DomainEvent::Manifest(it) => {
                ((&streams::manifest(&event.stream)?).into(), of_manifest(it.clone()))
            }
            DomainEvent::Collection(it) => {
                ((&streams::collection(&event.stream)?).into(), Some(of_collection(it.clone())))
            }
            _ => continue,
        };
        changes.extend(change.map(|change| StoredChange { key, change, stamp: event.into() }));
    }
    Ok(changes)
}

fn of_manifest(event: ManifestEvent) -> Option<Change> {
    if let Some(edit) = event.edit() {
        return Some(Change::Edited(edit));
    }
    Some(match event {
        ManifestEvent::Created(it) => Change::Created {
            kind: StoredKind::Manifest,
            place: Place { parent: it.parent, slug: it.slug },
            document: it.document,
            label: it.label,
        },
        ManifestEvent::Replaced(it) => Change::Replaced { document: it.document, label: it.label },
        ManifestEvent::Moved(it) => Change::Moved(Place { parent: it.parent, slug: it.slug }),
        ManifestEvent::Consolidated(it) => Change::Consolidated(it.document),
        ManifestEvent::Deleted(_) => Change::Deleted,
        ManifestEvent::CanvasAdded(_)
        | ManifestEvent::CanvasChanged(_)
        | ManifestEvent::CanvasMoved(_)
        | ManifestEvent::CanvasRemoved(_)
        | ManifestEvent::RangeSet(_)
        | ManifestEvent::RangeRemoved(_) => return None,
    })
}

fn of_collection(event: CollectionEvent) -> Change {
    match event {
        CollectionEvent::Created(it) => Change::Created {
            kind: StoredKind::Collection { kind: it.kind, is_public: it.public },
            place: Place { parent: it.parent, slug: it.slug },
            document: it.document,
            label: it.label,
        },
        CollectionEvent::Replaced(it) => {
            Change::Replaced { document: it.document, label: it.label }
        }
        CollectionEvent::Moved(it) => Change::Moved(Place { parent: it.parent, slug: it.slug }),
        CollectionEvent::Published(_) => Change::Shown(true),
        CollectionEvent::Withdrawn(_) => Change::Shown(false),
        CollectionEvent::Deleted(_) => Change::Deleted,
        CollectionEvent::Restored(_) => Change::Restored,
    }
}

/// Folds a change into the row of its manifest or collection.
pub fn fold(change: StoredChange, tables: &mut impl StoredTables) -> Result<(), FoldError> {
    let StoredChange { key, change, stamp } = change;
    let known = tables.stored().get(&key)?;
    let mut record = match (known, &change) {
        (Some(it), Change::Created { .. }) if !it.stored.deleted => {
            return Err(Poison(format!("{key:?} is created twice")).into());
        }
        (Some(record), _) => record,
        (None, Change::Created { kind, document, .. }) => {
            unwritten(key.clone(), *kind, document.clone(), stamp)
        }
        (None, _) => return Err(Poison(format!("{key:?} is not created")).into()),
    };
    // Keeping the document anew is no edit of anybody.
    let is_edit = !matches!(change, Change::Consolidated(_));
    record.take(change);
    let stored = &mut record.stored;
    stored.modified_at_us = stamp.recorded_at_us;
    stored.edit_revision += u64::from(is_edit);
    stored.position = stamp.position;
    if let Some(slug) = stored.place.slug.as_ref().filter(|_| !stored.deleted) {
        tables.slugs().put(SlugRecord {
            customer: key.customer,
            slug_key: slug_key(stored.place.parent.as_deref(), slug),
            holder_is_collection: key.is_collection,
            holder: key.id,
        });
    }
    tables.stored().put(record);
    Ok(())
}

impl StoredRecord {
    fn take(&mut self, change: Change) {
        let stored = &mut self.stored;
        match change {
            Change::Created { kind, place, document, label } => {
                self.kind = kind;
                (stored.place, stored.label) = (place, label);
                stored.keep(document);
                stored.deleted = false;
            }
            Change::Replaced { document, label } => {
                stored.keep(document);
                stored.label = label;
            }
            Change::Edited(edit) => stored.pending.push(edit),
            Change::Consolidated(document) => stored.keep(document),
            Change::Moved(place) => stored.place = place,
            Change::Shown(is_shown) => {
                if let StoredKind::Collection { is_public, .. } = &mut self.kind {
                    *is_public = is_shown;
                }
            }
            Change::Deleted => stored.deleted = true,
            Change::Restored => stored.deleted = false,
        }
    }
}

impl Stored {
    fn keep(&mut self, document: BlobRef) {
        self.document = document;
        self.pending.clear();
    }
}

/// A manifest or collection that nothing has been written of yet.
fn unwritten(key: StoredKey, kind: StoredKind, document: BlobRef, stamp: Stamp) -> StoredRecord {
    let stored = Stored {
        place: Place::default(),
        label: Label::default(),
        deleted: true,
        document,
        pending: Vec::new(),
        created_at_us: stamp.recorded_at_us,
        modified_at_us: stamp.recorded_at_us,
        edit_revision: 0,
        position: stamp.position,
    };
    StoredRecord { key, kind, stored, created_position: stamp.position }
}
