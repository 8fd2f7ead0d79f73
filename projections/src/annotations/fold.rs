//! The projector: containers count what is in them, annotations tell what they are about.

use super::{AnnotationRow, ContainerRow, holdable, words};
use crate::projection::{FoldError, Poison, Row, Stamp, Table};
use crate::streams;
use dlcs_domain::access::AccessRule;
use dlcs_domain::annotation::{AnnotationDocument, AnnotationEvent};
use dlcs_domain::asset::AssetEvent;
use dlcs_domain::container::ContainerEvent;
use dlcs_domain::{AnnotationId, AssetId, ContainerId, DomainEvent};
use dlcs_eventlog::RecordedEvent;
use dlcs_iiif::web_annotation::WebAnnotation;
use dlcs_iiif::web_annotation::region::Region;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeSet;

/// The row of a container and its place in lists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerRecord {
    pub row: ContainerRow,
    /// The order of creation, without ties.
    pub created_position: u64,
}

impl Row for ContainerRecord {
    type Key = ContainerId;

    fn key(&self) -> ContainerId {
        self.row.id.clone()
    }
}

/// The row of an annotation and its place in lists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnnotationRecord {
    pub row: AnnotationRow,
    /// The order of creation, without ties.
    pub created_position: u64,
}

impl Row for AnnotationRecord {
    type Key = AnnotationId;

    fn key(&self) -> AnnotationId {
        self.row.id.clone()
    }
}

/// An image that only its roles open, and with it what is said of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClosedAsset {
    pub id: AssetId,
    /// Names of the roles that can open it; there may be none.
    pub roles: Vec<String>,
    /// Of the event that closed it like this.
    pub position: u64,
}

impl ClosedAsset {
    /// Returns the rule that guards what is said of it.
    pub fn rule(&self) -> AccessRule {
        AccessRule::Roles { customer: self.id.customer(), roles: self.roles.clone() }
    }
}

impl Row for ClosedAsset {
    type Key = AssetId;

    fn key(&self) -> AssetId {
        self.id.clone()
    }
}

/// What a living annotation is found by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Term<'r> {
    pub kind: TermKind,
    pub text: Cow<'r, str>,
    /// Of a part.
    pub region: Option<Region>,
}

/// Kinds of terms, by their number in tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TermKind {
    /// What it is about, each source once.
    Source = 0,
    Motivation = 1,
    Creator = 2,
    /// Part of a source, or all of it.
    Part = 3,
    /// Image of the customer's that it is about, each once.
    Asset = 4,
}

impl AnnotationRecord {
    /// Returns what it is found by, each term once: nothing, once it is deleted.
    pub fn terms<'a>(&'a self) -> BTreeSet<Term<'a>> {
        let AnnotationRow { subjects, motivations, creators, .. } = &self.row;
        let term = |kind, text: &'a str| Term { kind, text: text.into(), region: None };
        let sources = subjects.iter().map(|it| term(TermKind::Source, &it.source));
        let parts = subjects.iter().map(|it| {
            let (text, region) = (it.source.as_str().into(), it.region);
            Term { kind: TermKind::Part, text, region }
        });
        let motivations = motivations.iter().map(|it| term(TermKind::Motivation, it));
        let creators = creators.iter().map(|it| term(TermKind::Creator, it));
        let assets = self.row.assets().map(|it| {
            let text = Cow::Owned(it.to_string());
            Term { kind: TermKind::Asset, text, region: None }
        });
        sources.chain(parts).chain(motivations).chain(creators).chain(assets).collect()
    }

    /// Returns the words that it is found by, with one space between them: none, once it is deleted.
    /// They follow from the document.
    pub fn words(&self) -> String {
        let read = WebAnnotation::from_stored(&self.row.document);
        words::of(&read.map(|it| it.texts()).unwrap_or_default())
    }
}

/// The tables of the projection.
pub trait AnnotationsTables {
    fn containers(&mut self) -> &mut impl Table<ContainerRecord>;
    fn annotations(&mut self) -> &mut impl Table<AnnotationRecord>;
    fn closed(&mut self) -> &mut impl Table<ClosedAsset>;
}

/// What one event changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AnnotationsChange {
    Container {
        id: ContainerId,
        event: ContainerEvent,
        stamp: Stamp,
    },
    Annotation {
        id: AnnotationId,
        event: AnnotationEvent,
        stamp: Stamp,
    },
    /// Who may see an image from now on; anybody when there are no roles.
    Access {
        id: AssetId,
        roles: Vec<String>,
        stamp: Stamp,
    },
}

/// Turns an event into changes.
pub fn project(
    event: &RecordedEvent,
    decoded: &[DomainEvent],
) -> Result<Vec<AnnotationsChange>, Poison> {
    let mut changes = Vec::new();
    for it in decoded {
        match it {
            DomainEvent::Container(it) => changes.push(AnnotationsChange::Container {
                id: streams::container(&event.stream)?,
                event: it.clone(),
                stamp: event.into(),
            }),
            DomainEvent::Annotation(it) => changes.push(AnnotationsChange::Annotation {
                id: streams::annotation(&event.stream)?,
                event: it.clone(),
                stamp: event.into(),
            }),
            DomainEvent::Asset(AssetEvent::Registered(it))
                if it.generation > 1 || !it.roles.is_empty() =>
            {
                changes.push(access(event, &it.roles)?);
            }
            DomainEvent::Asset(AssetEvent::AccessChanged(it)) => {
                changes.push(access(event, &it.roles)?);
            }
            _ => {}
        }
    }
    Ok(changes)
}

fn access(event: &RecordedEvent, roles: &[String]) -> Result<AnnotationsChange, Poison> {
    Ok(AnnotationsChange::Access {
        id: streams::asset(&event.stream)?,
        roles: roles.to_vec(),
        stamp: event.into(),
    })
}

/// Folds a change into the rows.
pub fn fold(
    change: AnnotationsChange,
    tables: &mut impl AnnotationsTables,
) -> Result<(), FoldError> {
    match change {
        AnnotationsChange::Container { id, event, stamp } => {
            fold_container(id, &event, stamp, tables.containers())
        }
        AnnotationsChange::Annotation { id, event, stamp } => {
            fold_annotation(id, &event, stamp, tables)
        }
        AnnotationsChange::Access { id, roles, stamp } => {
            fold_access(id, roles, stamp, tables.closed())
        }
    }
}

fn fold_access(
    id: AssetId,
    roles: Vec<String>,
    stamp: Stamp,
    closed: &mut impl Table<ClosedAsset>,
) -> Result<(), FoldError> {
    let known = closed.get(&id)?;
    if !roles.is_empty() {
        closed.put(ClosedAsset { id, roles: holdable(&roles), position: stamp.position });
    } else if known.is_some() {
        closed.remove(&id);
    }
    Ok(())
}

fn fold_container(
    id: ContainerId,
    event: &ContainerEvent,
    stamp: Stamp,
    containers: &mut impl Table<ContainerRecord>,
) -> Result<(), FoldError> {
    let Stamp { position, recorded_at_us } = stamp;
    let mut record = match (containers.get(&id)?, event) {
        (None, ContainerEvent::Created(_)) => {
            let row = ContainerRow {
                id,
                label: String::new(),
                roles: vec![],
                deleted: false,
                total: 0,
                created_at_us: recorded_at_us,
                modified_at_us: recorded_at_us,
                edit_revision: 0,
                position,
            };
            ContainerRecord { row, created_position: position }
        }
        (Some(record), _) => record,
        (None, _) => return Err(Poison(format!("container {id} is not created")).into()),
    };
    let row = &mut record.row;
    match event {
        ContainerEvent::Created(it) => {
            row.label.clone_from(&it.label);
            row.roles.clone_from(&it.roles);
        }
        ContainerEvent::Changed(it) => {
            it.label.apply_to(&mut row.label);
            it.roles.apply_to(&mut row.roles);
        }
        ContainerEvent::Deleted(_) => row.deleted = true,
        ContainerEvent::Restored(_) => row.deleted = false,
    }
    row.edit_revision += 1;
    row.modified_at_us = recorded_at_us;
    row.position = position;
    containers.put(record);
    Ok(())
}

fn fold_annotation(
    id: AnnotationId,
    event: &AnnotationEvent,
    stamp: Stamp,
    tables: &mut impl AnnotationsTables,
) -> Result<(), FoldError> {
    let Stamp { position, recorded_at_us } = stamp;
    // Read before anything is judged, so that a store learns in one pass what it needs.
    let container = tables.containers().get(&id.container)?;
    let mut record = match (tables.annotations().get(&id)?, event) {
        (None, AnnotationEvent::Created(_)) => created(&id, stamp),
        (Some(record), _) => record,
        (None, _) => return Err(Poison(format!("annotation {id} is not created")).into()),
    };
    let Some(mut container) = container else {
        return Err(Poison(format!("container {} is not created", id.container)).into());
    };
    let was_there = !record.row.deleted;
    write(&mut record.row, event.document())?;
    record.row.modified_at_us = recorded_at_us;
    record.row.edit_revision += 1;
    record.row.position = position;
    match (was_there, !record.row.deleted) {
        (false, true) => container.row.total += 1,
        (true, false) => container.row.total = container.row.total.saturating_sub(1),
        (true, true) | (false, false) => {}
    }
    container.row.modified_at_us = recorded_at_us;
    container.row.position = position;
    tables.containers().put(container);
    tables.annotations().put(record);
    Ok(())
}

/// An annotation that has not been written yet.
fn created(id: &AnnotationId, stamp: Stamp) -> AnnotationRecord {
    let row = AnnotationRow {
        id: id.clone(),
        document: String::new(),
        subjects: vec![],
        motivations: vec![],
        creators: vec![],
        deleted: true,
        created_at_us: stamp.recorded_at_us,
        modified_at_us: stamp.recorded_at_us,
        edit_revision: 0,
        position: stamp.position,
    };
    AnnotationRecord { row, created_position: stamp.position }
}

fn write(row: &mut AnnotationRow, document: Option<&AnnotationDocument>) -> Result<(), Poison> {
    row.deleted = document.is_none();
    let Some(document) = document else {
        row.document.clear();
        row.subjects.clear();
        row.motivations.clear();
        row.creators.clear();
        return Ok(());
    };
    let read = WebAnnotation::from_stored(document.as_str());
    let read = read.ok_or_else(|| Poison(format!("annotation {} is no object", row.id)))?;
    document.as_str().clone_into(&mut row.document);
    row.subjects = read.subjects();
    row.motivations = read.motivations();
    row.creators = read.creators();
    Ok(())
}
