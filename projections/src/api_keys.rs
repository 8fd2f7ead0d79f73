//! Which keys of the API are there, whose are they, and what do they open?

use crate::paging::{Page, PageRequest, QueryError};
use crate::projection::{FoldError, Poison, Row, Stamp, Table};
use crate::streams;
use async_trait::async_trait;
use dlcs_domain::access::{Principal, Reach, Right, Scope};
use dlcs_domain::api_key::ApiKeyEvent;
use dlcs_domain::{ApiKeyId, CustomerId, DomainEvent};
use dlcs_eventlog::RecordedEvent;
use serde::{Deserialize, Serialize};

/// Name of the projection.
pub const NAME: &str = "keys";
/// Version of its rows.
pub const VERSION: u32 = 1;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKeyRow {
    pub id: ApiKeyId,
    pub right: Right,
    /// Microseconds since 1970; `None`: until it is revoked.
    pub until_us: Option<i64>,
    pub label: String,
    /// SHA-256 of the secret, in hexadecimal.
    pub secret_sha256: String,
    pub revoked: bool,
    pub created_at_us: i64,
    pub position: u64,
}

impl ApiKeyRow {
    /// Returns how far it reaches, as long as it is neither revoked nor expired.
    pub fn scope(&self) -> Scope {
        let reach = Reach::Customer(self.id.customer);
        Scope { reach, right: self.right, until_us: self.until_us }
    }

    /// Counts what clients did to it.
    pub fn edit_revision(&self) -> u64 {
        if self.revoked { 2 } else { 1 }
    }
}

impl Row for ApiKeyRow {
    type Key = ApiKeyId;

    fn key(&self) -> ApiKeyId {
        self.id.clone()
    }
}

#[async_trait]
pub trait ApiKeys: Send + Sync {
    /// Returns a key by the public half of its credentials, revoked ones too. Open to everybody, for
    /// by this it is found out who asks.
    async fn credentials(&self, id: &str) -> Result<Option<ApiKeyRow>, QueryError>;

    /// Lists the keys of a customer that are not revoked, by id.
    async fn list(
        &self,
        principal: &Principal,
        customer: CustomerId,
        page: &PageRequest,
    ) -> Result<Page<ApiKeyRow>, QueryError>;
}

/// What one event changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKeyChange {
    pub id: ApiKeyId,
    pub event: ApiKeyEvent,
    pub stamp: Stamp,
}

/// Turns an event into changes.
pub fn project(
    event: &RecordedEvent,
    decoded: &[DomainEvent],
) -> Result<Vec<ApiKeyChange>, Poison> {
    let mut changes = Vec::new();
    for it in decoded {
        if let DomainEvent::ApiKey(it) = it {
            let id = streams::api_key(&event.stream)?;
            changes.push(ApiKeyChange { id, event: it.clone(), stamp: event.into() });
        }
    }
    Ok(changes)
}

/// Folds a change into the row of its key.
pub fn fold(change: ApiKeyChange, keys: &mut impl Table<ApiKeyRow>) -> Result<(), FoldError> {
    let Stamp { position, recorded_at_us } = change.stamp;
    let row = match (keys.get(&change.id)?, change.event) {
        (_, ApiKeyEvent::Issued(it)) => ApiKeyRow {
            id: change.id,
            right: it.right,
            until_us: it.until_us,
            label: it.label,
            secret_sha256: it.secret_sha256,
            revoked: false,
            created_at_us: recorded_at_us,
            position,
        },
        (Some(row), ApiKeyEvent::Revoked(_)) => ApiKeyRow { revoked: true, position, ..row },
        (None, ApiKeyEvent::Revoked(_)) => {
            return Err(Poison(format!("key {} was not issued", change.id)).into());
        }
    };
    keys.put(row);
    Ok(())
}
