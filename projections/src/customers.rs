//! Which customers are there?

use crate::paging::{Page, PageRequest, QueryError};
use crate::projection::{FoldError, Poison, Row, Stamp, Table};
use async_trait::async_trait;
use dlcs_domain::CustomerId;
use dlcs_domain::access::Principal;
use dlcs_domain::customer::CustomerEvent;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomerRow {
    pub id: CustomerId,
    pub name: String,
    pub display_name: String,
    pub deleted: bool,
    pub created_at_us: i64,
    pub edit_revision: u64,
    pub position: u64,
}

#[async_trait]
pub trait Customers: Send + Sync {
    async fn customer(
        &self,
        principal: &Principal,
        id: CustomerId,
    ) -> Result<Option<CustomerRow>, QueryError>;

    /// Resolves the name in a public address. Open to everybody: the name is in the address.
    async fn id_by_name(&self, name: &str) -> Result<Option<CustomerId>, QueryError>;

    async fn list(
        &self,
        principal: &Principal,
        page: &PageRequest,
    ) -> Result<Page<CustomerRow>, QueryError>;
}

impl Row for CustomerRow {
    type Key = CustomerId;

    fn key(&self) -> CustomerId {
        self.id
    }
}

/// What one event changes of a customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomerChange {
    pub id: CustomerId,
    pub event: CustomerEvent,
    pub stamp: Stamp,
}

/// Folds a change into the row of its customer.
pub(crate) fn fold(
    change: &CustomerChange,
    customers: &mut impl Table<CustomerRow>,
) -> Result<(), FoldError> {
    use CustomerEvent as E;
    let Stamp { position, recorded_at_us } = change.stamp;
    let stored = customers.get(&change.id)?;
    let mut row = match (stored, &change.event) {
        (None, E::Created(it)) => CustomerRow {
            id: change.id,
            name: it.name.clone(),
            display_name: it.display_name.clone(),
            deleted: false,
            created_at_us: recorded_at_us,
            edit_revision: 0,
            position,
        },
        (Some(row), _) => row,
        (None, _) => return Err(Poison(format!("customer {} is not created", change.id)).into()),
    };
    match &change.event {
        // Numbers of spaces are the customer's own affair: no client changed anything here.
        E::SpaceNumberAllocated(_) => return Ok(()),
        E::Created(_) => {}
        E::DisplayNameChanged(it) => row.display_name.clone_from(&it.display_name),
        E::Deleted(_) => row.deleted = true,
    }
    row.edit_revision += 1;
    row.position = position;
    customers.put(row);
    Ok(())
}
