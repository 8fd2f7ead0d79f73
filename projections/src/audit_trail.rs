//! Who did what, when, to which resource?

use crate::paging::{Page, PageRequest, QueryError};
use crate::projection::Poison;
use async_trait::async_trait;
use dlcs_domain::CustomerId;
use dlcs_domain::access::Principal;
use dlcs_domain::metadata::EventMetadata;
use dlcs_eventlog::RecordedEvent;
use serde::{Deserialize, Serialize};

/// Name of the projection.
pub const NAME: &str = "audit-trail";
/// Version of its rows.
pub const VERSION: u32 = 1;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditRow {
    pub position: u64,
    pub event_id: String,
    /// The stream's name, for example `asset-1/2/page-7`.
    pub resource: String,
    pub revision: u64,
    pub type_name: String,
    pub actor: String,
    pub customer: Option<CustomerId>,
    pub recorded_at_us: i64,
    pub correlation_id: String,
    pub causation_id: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AuditFilter {
    pub customer: Option<CustomerId>,
    pub resource: Option<String>,
    pub actor: Option<String>,
    pub type_name: Option<String>,
    pub from_us: Option<i64>,
    pub until_us: Option<i64>,
}

#[async_trait]
pub trait AuditTrail: Send + Sync {
    async fn list(
        &self,
        principal: &Principal,
        filter: &AuditFilter,
        page: &PageRequest,
    ) -> Result<Page<AuditRow>, QueryError>;
}

/// Turns an event into its row. What the payload says is of no interest: also an event that this
/// program cannot read has happened.
pub fn project(event: &RecordedEvent) -> Result<AuditRow, Poison> {
    let metadata = EventMetadata::parse(&event.metadata)
        .map_err(|error| Poison(format!("the metadata of an event cannot be read: {error}")))?;
    Ok(AuditRow {
        position: event.position.0,
        event_id: event.event_id.0.to_string(),
        resource: event.stream.as_str().to_owned(),
        revision: event.revision.0,
        type_name: event.type_name.to_string(),
        actor: metadata.actor.0,
        customer: metadata.customer,
        recorded_at_us: event.recorded_at_us,
        correlation_id: metadata.correlation_id.to_string(),
        causation_id: metadata.causation_id.map(|it| it.to_string()),
    })
}
