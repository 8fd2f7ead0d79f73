//! Which named queries has a customer?

use crate::paging::{Page, PageRequest, QueryError};
use crate::projection::{FoldError, Poison, Row, Stamp, Table};
use crate::streams;
use async_trait::async_trait;
use dlcs_domain::access::Principal;
use dlcs_domain::named_query::{NamedQueryEvent, Template};
use dlcs_domain::{CustomerId, DomainEvent, NamedQueryId};
use dlcs_eventlog::RecordedEvent;
use serde::{Deserialize, Serialize};

/// Name of the projection.
pub const NAME: &str = "named-queries";
/// Version of its rows.
pub const VERSION: u32 = 1;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedQueryRow {
    pub id: NamedQueryId,
    pub template: Template,
    pub removed: bool,
    pub created_at_us: i64,
    pub modified_at_us: i64,
    pub edit_revision: u64,
    pub position: u64,
}

impl Row for NamedQueryRow {
    type Key = NamedQueryId;

    fn key(&self) -> NamedQueryId {
        self.id.clone()
    }
}

#[async_trait]
pub trait NamedQueries: Send + Sync {
    /// Returns a named query, removed ones too. Open to everybody: its name is in the address.
    async fn named_query(&self, id: &NamedQueryId) -> Result<Option<NamedQueryRow>, QueryError>;

    /// Lists what is defined, by name.
    async fn list(
        &self,
        principal: &Principal,
        customer: CustomerId,
        page: &PageRequest,
    ) -> Result<Page<NamedQueryRow>, QueryError>;
}

/// What one event changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedQueryChange {
    pub id: NamedQueryId,
    pub event: NamedQueryEvent,
    pub stamp: Stamp,
}

/// Turns an event into changes.
pub fn project(
    event: &RecordedEvent,
    decoded: &[DomainEvent],
) -> Result<Vec<NamedQueryChange>, Poison> {
    let mut changes = Vec::new();
    for it in decoded {
        if let DomainEvent::NamedQuery(it) = it {
            let id = streams::named_query(&event.stream)?;
            changes.push(NamedQueryChange { id, event: it.clone(), stamp: event.into() });
        }
    }
    Ok(changes)
}

/// Folds a change into the row of its named query.
pub fn fold(
    change: NamedQueryChange,
    queries: &mut impl Table<NamedQueryRow>,
) -> Result<(), FoldError> {
    let Stamp { position, recorded_at_us } = change.stamp;
    let mut row = match (queries.get(&change.id)?, &change.event) {
        (Some(row), _) => row,
        (None, NamedQueryEvent::Defined(it)) => NamedQueryRow {
            id: change.id,
            template: it.template.clone(),
            removed: false,
            created_at_us: recorded_at_us,
            modified_at_us: recorded_at_us,
            edit_revision: 0,
            position,
        },
        (None, _) => return Err(Poison(format!("query {} is not defined", change.id)).into()),
    };
    match change.event {
        NamedQueryEvent::Defined(it) => {
            row.template = it.template;
            row.removed = false;
        }
        NamedQueryEvent::Changed(it) => row.template = it.template,
        NamedQueryEvent::Removed(_) => row.removed = true,
    }
    row.modified_at_us = recorded_at_us;
    row.edit_revision += 1;
    row.position = position;
    queries.put(row);
    Ok(())
}
